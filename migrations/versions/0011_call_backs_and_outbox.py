"""Results that wait for a call-back, and messages given up, have indexes of their own.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_service_request_call_backs"
        " ON service_request ((coalesce(resolved_at, submitted_at)), id)"
        " WHERE status = 'resolved'"
    )
    op.create_index(
        "ix_message_given_up",
        "message",
        ["id"],
        sqlite_where=sa.text("failed_at IS NOT NULL"),
        postgresql_where=sa.text("failed_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_message_given_up", "message")
    op.execute("DROP INDEX ix_service_request_call_backs")
