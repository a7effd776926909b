"""What a team helps with now, and on PostgreSQL the board and the desk's list, are read from indexes alone.

A large team has helped with thousands of requests that are long closed, and its board looked
through all of them. PostgreSQL reads the rows themselves where an index has an expression, unless
the columns in it stand beside it once more.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

FILTERS = "status, unit_id, lead_team_id, leader_id, category_id, area_id, channel, kind, priority, near_at"
PLACES = "lead_team_id, status, places_taken, volunteers_needed, area_id, category_id, unit_id"
IN_EXPRESSIONS = "due_at, submitted_at"
TURN = (
    "(CASE WHEN status = 'submitted' THEN 0 WHEN status = 'resolved' THEN 3"
    " WHEN due_at IS NULL THEN 2 ELSE 1 END)"
)
WHEN = "(coalesce(due_at, submitted_at)), id"
CLAIMABLE = "status IN ('assigned', 'in_progress', 'waiting')"


def upgrade() -> None:
    op.add_column(
        "helping_team",
        sa.Column("is_closed", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute(
        "UPDATE helping_team SET is_closed = (1 = 1) WHERE service_request_id IN"
        " (SELECT id FROM service_request WHERE status = 'closed')"
    )
    op.create_index(
        "ix_helping_team_open",
        "helping_team",
        ["team_id", "service_request_id"],
        sqlite_where=sa.text("NOT is_closed"),
        postgresql_where=sa.text("NOT is_closed"),
    )
    _make_again(f"{PLACES}, {IN_EXPRESSIONS}", f"{FILTERS}, {IN_EXPRESSIONS}")


def downgrade() -> None:
    _make_again(PLACES, f"{FILTERS}, due_at")
    op.drop_index("ix_helping_team_open", "helping_team")
    op.drop_column("helping_team", "is_closed")


def _make_again(beside_board: str, beside_desk: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for name, order, beside, where in (
        ("board", WHEN, beside_board, CLAIMABLE),
        ("desk", f"{TURN}, {WHEN}", beside_desk, "status <> 'closed'"),
    ):
        op.execute(f"DROP INDEX ix_service_request_{name}")
        op.execute(
            f"CREATE INDEX ix_service_request_{name} ON service_request ({order})"
            f" INCLUDE ({beside}) WHERE {where}"
        )
