"""Webhooks and robots that news goes to; each way of sending finds what it has to send by itself.

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

KINDS = ("webhook", "wecom", "dingtalk", "feishu")
INDEX = "ix_message_to_send"
UNSENT = sa.text("sent_at IS NULL AND failed_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "endpoint",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kind", _words("endpointkind", KINDS), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("team_id", sa.Integer),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("news", sa.JSON, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("address_shown", sa.String(200), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("succeeded_at", sa.DateTime(timezone=True)),
        sa.Column("failed_at", sa.DateTime(timezone=True)),
        sa.Column("failure", sa.String(500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_endpoint_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint")),
    )
    op.create_index("ix_endpoint_team_id", "endpoint", ["team_id"])
    _make_again(("email", *KINDS), ["channel", "run_at"])


def downgrade() -> None:
    """Lose the endpoints, and what was written for them."""
    op.execute("DELETE FROM message WHERE channel <> 'email'")
    _make_again(("email",), ["run_at"])
    op.drop_table("endpoint")


def _make_again(channels: tuple[str, ...], order: list[str]) -> None:
    op.drop_index(INDEX, table_name="message")
    # On SQLite the table is made anew, as it is; nothing hangs on it.
    with op.batch_alter_table("message", reflect_kwargs={"resolve_fks": False}) as messages:
        messages.drop_constraint(op.f("ck_message_channel"), type_="check")
        messages.create_check_constraint(
            op.f("ck_message_channel"), f"channel IN ({', '.join(repr(one) for one in channels)})"
        )
    op.create_index(INDEX, "message", order, sqlite_where=UNSENT, postgresql_where=UNSENT)


def _words(name: str, choices: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=32)
