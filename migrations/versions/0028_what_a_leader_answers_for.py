"""What a leader still answers for is found without looking through all that they ever did.

Whoever hands over what somebody holds asks for the open requests of one leader, and a leader has
thousands that are closed.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INDEX = "ix_service_request_leader_open"
OPEN = sa.text("status <> 'closed'")


def upgrade() -> None:
    op.create_index(
        INDEX,
        "service_request",
        ["leader_id", "id"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    op.drop_index(INDEX, table_name="service_request")
