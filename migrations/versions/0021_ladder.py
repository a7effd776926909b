"""Due times of the first response and of signing for it, and the ladder that nobody sits past.

The times of what is open are counted when the worker first runs: see migration 0022.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
COLUMNS = ("first_response_due_at", "sign_for_due_at", "ladder_at", "supervised_at")
COUNTS = ("rungs_reached", "ladder_round")
INDEXES = {
    "ix_service_request_ladder_at": (["ladder_at", "id"], "ladder_at IS NOT NULL"),
    "ix_service_request_supervised": (
        ["unit_id", "supervised_at", "id"],
        "supervised_at IS NOT NULL",
    ),
}
CLOCKS = ("accept", "first_response", "return", "sign_for", "resolve")
RUNGS = ("near", "overdue", "pressed", "supervised")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("service_request", sa.Column(name, MOMENT))
    for name in COUNTS:
        counted = sa.Column(name, sa.Integer(), nullable=False, server_default="0")
        op.add_column("service_request", counted)
    for name, (columns, where) in INDEXES.items():
        op.create_index(
            name,
            "service_request",
            columns,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_table(
        "escalation",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "service_request_id",
            sa.Integer(),
            sa.ForeignKey(
                "service_request.id", name="fk_escalation_service_request_id_service_request"
            ),
            nullable=False,
        ),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column(
            "clock",
            sa.Enum(*CLOCKS, name="clock", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "rung",
            sa.Enum(*RUNGS, name="rung", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("reached_at", MOMENT, nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column(
            "answered_by_id",
            sa.Integer(),
            sa.ForeignKey("person.id", name="fk_escalation_answered_by_id_person"),
        ),
        sa.Column("answered_at", MOMENT),
        sa.UniqueConstraint(
            "service_request_id",
            "round",
            "clock",
            "rung",
            name="uq_escalation_service_request_id_round_clock_rung",
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answer = '')", name="ck_escalation_answered_says_what"
        ),
    )


def downgrade() -> None:
    op.drop_table("escalation")
    for name in INDEXES:
        op.drop_index(name, "service_request")
    for name in (*COUNTS, *COLUMNS):
        op.drop_column("service_request", name)
