"""What is closed is listed from an index of its own: what is open and newer need not be passed over.

The index of submission times alone goes: the one that all are listed by begins with them.

Revision ID: 0043
Revises: 0042
"""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

NAME = "ix_service_request_newest_closed"
TIME = "ix_service_request_submitted_at"
ORDER = "submitted_at, id"
FILTERS = "unit_id, lead_team_id, leader_id, category_id, area_id, channel, kind, priority, due_at, near_at"


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    columns = f"({ORDER}, {FILTERS})" if is_sqlite else f"({ORDER}) INCLUDE ({FILTERS})"
    op.execute(f"CREATE INDEX {NAME} ON service_request {columns} WHERE status = 'closed'")
    op.drop_index(TIME, table_name="service_request")


def downgrade() -> None:
    op.create_index(TIME, "service_request", ["submitted_at"])
    op.execute(f"DROP INDEX {NAME}")
