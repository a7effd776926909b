"""Open requests are counted anew when limits or the calendar change: how far that is.

The first one fills in the times that migration 0021 brought.

Revision ID: 0022
Revises: 0021
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    recounts = op.create_table(
        "clock_recount",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column(
            "asked_by_id",
            sa.Integer(),
            sa.ForeignKey("person.id", name="fk_clock_recount_asked_by_id_person"),
        ),
        sa.Column("after_id", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("finished_at", MOMENT),
    )
    op.create_index(
        "ix_clock_recount_under_way",
        "clock_recount",
        ["id"],
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    anything = sa.text("SELECT 1 FROM service_request LIMIT 1")
    if op.get_bind().scalar(anything) is not None:
        first = {"asked_at": datetime.now(UTC), "after_id": 0, "moved": 0}
        op.bulk_insert(recounts, [first])


def downgrade() -> None:
    op.drop_table("clock_recount")
