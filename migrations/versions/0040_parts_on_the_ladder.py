"""Parts of helping teams climb the ladder: when each reaches its next rung, and which it reached.

What is open is counted anew once the worker runs, as after migration 0022: until then no part climbs.

Revision ID: 0040
Revises: 0039
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
COUNTS = ("rungs_reached", "ladder_round")
RUNGS = ("near", "overdue", "pressed", "supervised")
CLIMBS = sa.text("ladder_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("part", sa.Column("ladder_at", MOMENT))
    for name in COUNTS:
        op.add_column("part", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_part_ladder_at",
        "part",
        ["ladder_at", "id"],
        sqlite_where=CLIMBS,
        postgresql_where=CLIMBS,
    )
    op.create_table(
        "part_escalation",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "part_id",
            sa.Integer(),
            sa.ForeignKey("part.id", name="fk_part_escalation_part_id_part"),
            nullable=False,
        ),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column(
            "rung",
            sa.Enum(*RUNGS, name="rung", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("reached_at", MOMENT, nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.UniqueConstraint(
            "part_id", "round", "rung", name="uq_part_escalation_part_id_round_rung"
        ),
    )
    _count_open_ones_anew()


def downgrade() -> None:
    op.drop_table("part_escalation")
    op.drop_index("ix_part_ladder_at", "part")
    for name in (*COUNTS, "ladder_at"):
        op.drop_column("part", name)


def _count_open_ones_anew() -> None:
    """Ask for it where there is an open part; whatever is under way begins again with this."""
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT 1 FROM part WHERE ended_at IS NULL LIMIT 1")) is None:
        return
    recount = sa.table(
        "clock_recount",
        sa.column("asked_at", MOMENT),
        sa.column("after_id", sa.Integer),
        sa.column("moved", sa.Integer),
        sa.column("finished_at", MOMENT),
    )
    now = datetime.now(UTC)
    op.execute(recount.update().where(recount.c.finished_at.is_(None)).values(finished_at=now))
    op.bulk_insert(recount, [{"asked_at": now, "after_id": 0, "moved": 0}])
