"""The open requests of a team can be counted from an index; PostgreSQL tidies up often enough.

An index answers alone only where PostgreSQL knows that nothing changed since it last tidied up: by
itself, it begins to when a fifth of a table is new, and what is read most is always newer than that.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

OFTEN = {
    "autovacuum_vacuum_insert_scale_factor": "0",
    "autovacuum_vacuum_insert_threshold": "1000",
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_analyze_scale_factor": "0.02",
}
READ_MOST = ("service_request", "service_request_search", "helping_team", "claim", "requester")


def upgrade() -> None:
    op.create_index(
        "ix_service_request_team_counts",
        "service_request",
        [
            "lead_team_id",
            "status",
            "id",
            "unit_id",
            "leader_id",
            "category_id",
            "area_id",
            "channel",
            "kind",
            "priority",
            "due_at",
            "near_at",
        ],
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    if op.get_context().dialect.name == "postgresql":
        settings = ", ".join(f"{name} = {value}" for name, value in OFTEN.items())
        for table in READ_MOST:
            op.execute(f"ALTER TABLE {table} SET ({settings})")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        for table in READ_MOST:
            op.execute(f"ALTER TABLE {table} RESET ({', '.join(OFTEN)})")
    op.drop_index("ix_service_request_team_counts", "service_request")
