"""What somebody has under way, and the board, are read from indexes of their own.

A volunteer of many years holds thousands of places on requests that are long closed: a claim
says itself whether its request has a result.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CLAIMABLE = "status IN ('assigned', 'in_progress', 'waiting')"
ORDER = "(coalesce(due_at, submitted_at)), id"
BESIDE = "lead_team_id, status, places_taken, volunteers_needed, area_id, category_id, unit_id"


def upgrade() -> None:
    op.add_column(
        "claim", sa.Column("is_over", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute(
        "UPDATE claim SET is_over = (1 = 1) WHERE service_request_id IN"
        " (SELECT id FROM service_request WHERE status IN ('resolved', 'closed'))"
    )
    op.create_index(
        "ix_claim_under_way",
        "claim",
        ["person_id", "service_request_id"],
        sqlite_where=sa.text("released_at IS NULL AND NOT is_over"),
        postgresql_where=sa.text("released_at IS NULL AND NOT is_over"),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    columns = f"({ORDER}, {BESIDE})" if is_sqlite else f"({ORDER}) INCLUDE ({BESIDE})"
    op.execute(
        f"CREATE INDEX ix_service_request_board ON service_request {columns} WHERE {CLAIMABLE}"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_service_request_board")
    op.drop_index("ix_claim_under_way", "claim")
    op.drop_column("claim", "is_over")
