"""The order of the desk's queue, so that a page of it is read from an index.

`service_requests.queue` asks in these very words. Only what is open is in it: it stays small
however much is closed. Written by hand, as indexes of expressions cannot be compared.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_service_request_desk ON service_request ("
        "(CASE status WHEN 'submitted' THEN 0 WHEN 'waiting' THEN 2"
        " WHEN 'parked' THEN 2 WHEN 'resolved' THEN 3 ELSE 1 END),"
        " (coalesce(due_at, submitted_at)), id)"
        " WHERE status <> 'closed'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_service_request_desk")
