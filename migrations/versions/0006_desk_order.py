"""In the desk's queue, what has no due time (imports without a limit) stands behind what has one.

`service_requests.queue` asks in these very words; see 0003.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEX = (
    "CREATE INDEX ix_service_request_desk ON service_request ("
    "({turn}), (coalesce(due_at, submitted_at)), id) WHERE status <> 'closed'"
)


def upgrade() -> None:
    op.execute("DROP INDEX ix_service_request_desk")
    op.execute(
        INDEX.format(
            turn="CASE WHEN status = 'submitted' THEN 0 WHEN status = 'resolved' THEN 3"
            " WHEN due_at IS NULL THEN 2 ELSE 1 END"
        )
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_service_request_desk")
    op.execute(
        INDEX.format(
            turn="CASE status WHEN 'submitted' THEN 0 WHEN 'waiting' THEN 2"
            " WHEN 'parked' THEN 2 WHEN 'resolved' THEN 3 ELSE 1 END"
        )
    )
