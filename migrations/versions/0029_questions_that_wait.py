"""Whoever does not answer a question is reminded twice; then work goes on without the answer.

Each request that waits knows when time does the next thing to it: what waits already, three days
after it began to.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

INDEX = "ix_service_request_question"
WAITING = sa.text("status = 'waiting'")


def upgrade() -> None:
    op.add_column(
        "organisation",
        sa.Column("question_days", sa.Integer, nullable=False, server_default="3"),
    )
    op.add_column("service_request", sa.Column("question_turn_at", sa.DateTime(timezone=True)))
    later = {
        "sqlite": "strftime('%Y-%m-%d %H:%M:%f', max(stopped_at), '+3 days') || '000'",
        "postgresql": "max(stopped_at) + interval '3 days'",
    }[op.get_context().dialect.name]
    op.execute(
        sa.text(
            f"UPDATE service_request SET question_turn_at = (SELECT {later} FROM clock_stop"  # noqa: S608 - our own words
            " WHERE clock_stop.service_request_id = service_request.id"
            " AND clock_stop.reason = 'waiting' AND clock_stop.resumed_at IS NULL)"
            " WHERE status = 'waiting' AND import_id IS NULL"
        )
    )
    op.create_index(
        INDEX,
        "service_request",
        ["question_turn_at", "id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    op.drop_index(INDEX, table_name="service_request")
    op.drop_column("service_request", "question_turn_at")
    op.drop_column("organisation", "question_days")
