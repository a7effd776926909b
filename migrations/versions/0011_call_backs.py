"""Results that wait for a call-back are read from an index of their own, oldest first.

Revision ID: 0011
Revises: 0010
"""

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


def downgrade() -> None:
    op.execute("DROP INDEX ix_service_request_call_backs")
