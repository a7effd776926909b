"""What failed in a scheduled run, and the runs of each job in order.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("scheduled_run", sa.Column("failed_at", sa.DateTime(timezone=True)))
    op.add_column(
        "scheduled_run",
        sa.Column("failure", sa.String(200), nullable=False, server_default=""),
    )
    op.create_index("ix_scheduled_run_name_id", "scheduled_run", ["name", "id"])


def downgrade() -> None:
    op.drop_index("ix_scheduled_run_name_id", "scheduled_run")
    op.drop_column("scheduled_run", "failure")
    op.drop_column("scheduled_run", "failed_at")
