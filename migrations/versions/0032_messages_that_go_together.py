"""What waits for one reader goes as one mail; which messages go with which is written down.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

COLUMN = "sent_with_id"
WITH = "ix_message_sent_with_id"
SAME_READER = "ix_message_same_reader"
WITH_ANOTHER = sa.text("sent_with_id IS NOT NULL")
UNSENT = sa.text("sent_at IS NULL AND failed_at IS NULL")


def upgrade() -> None:
    # In words that both databases know: SQLite would copy the whole table for it otherwise.
    op.execute(
        f"ALTER TABLE message ADD COLUMN {COLUMN} INTEGER"
        f" CONSTRAINT fk_message_{COLUMN}_message REFERENCES message (id)"
    )
    op.add_column("message", sa.Column("bound_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE message SET bound_at = run_at WHERE attempts > 0 AND sent_at IS NULL")
    op.create_index(
        WITH, "message", [COLUMN], sqlite_where=WITH_ANOTHER, postgresql_where=WITH_ANOTHER
    )
    op.create_index(
        SAME_READER, "message", ["address"], sqlite_where=UNSENT, postgresql_where=UNSENT
    )


def downgrade() -> None:
    # Each is a mail of its own again: what was sent says what it said.
    op.execute(
        f"UPDATE message SET body = (SELECT b.body FROM message b WHERE b.id = message.{COLUMN})"  # noqa: S608 - our own words
        f" WHERE {COLUMN} IS NOT NULL AND sent_at IS NOT NULL"
    )
    op.drop_index(SAME_READER, table_name="message")
    op.drop_index(WITH, table_name="message")
    # On SQLite the table is made anew: a later migration may have done so, with the key apart.
    with op.batch_alter_table("message", reflect_kwargs={"resolve_fks": False}) as messages:
        messages.drop_column("bound_at")
        messages.drop_column(COLUMN)
