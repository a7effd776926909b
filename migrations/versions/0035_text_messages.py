"""Requesters may be written to by text message.

Revision ID: 0035
Revises: 0034
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

CHANNELS = ("email", "webhook", "wecom", "dingtalk", "feishu")
WAYS = ("phone", "email", "neighbour", "nobody")
NEW = "text_message"
TO_SEND = "ix_message_to_send"
PHONE_END = "ix_requester_phone_end"
UNSENT = sa.text("sent_at IS NULL AND failed_at IS NULL")


def upgrade() -> None:
    _allow((*CHANNELS, NEW), (*WAYS, NEW))


def downgrade() -> None:
    """Who read text messages is called again; what was written for them is lost."""
    op.execute("DELETE FROM message WHERE channel = 'text_message'")
    op.execute("UPDATE requester SET reachable_by = 'phone' WHERE reachable_by = 'text_message'")
    _allow(CHANNELS, WAYS)


def _allow(channels: Sequence[str], ways: Sequence[str]) -> None:
    """On SQLite the tables are made anew, with the indexes that a copy cannot see."""
    op.drop_index(TO_SEND, table_name="message")
    _check("message", "ck_message_channel", "channel", channels)
    op.create_index(
        TO_SEND, "message", ["channel", "run_at"], sqlite_where=UNSENT, postgresql_where=UNSENT
    )
    op.execute(f"DROP INDEX {PHONE_END}")
    _check("requester", "ck_requester_reachableby", "reachable_by", ways)
    op.execute(f"CREATE INDEX {PHONE_END} ON requester (substr(phone, length(phone) - 3))")


def _check(table: str, name: str, column: str, words: Sequence[str]) -> None:
    with op.batch_alter_table(table, reflect_kwargs={"resolve_fks": False}) as altered:
        altered.drop_constraint(op.f(name), type_="check")
        altered.create_check_constraint(
            op.f(name), f"{column} IN ({', '.join(repr(word) for word in words)})"
        )
