"""What waits for triage and has a due time, as only what came from elsewhere can, is known at once.

`service_requests.queue` asks whether there is any before it looks for what is overdue.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

THESE = sa.text("status = 'submitted' AND due_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_service_request_due_before_triage",
        "service_request",
        ["due_at"],
        sqlite_where=THESE,
        postgresql_where=THESE,
    )


def downgrade() -> None:
    op.drop_index("ix_service_request_due_before_triage", "service_request")
