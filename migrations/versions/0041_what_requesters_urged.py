"""What its requester urged is found without looking through everything that is open.

The list of requests can be filtered by it, and hardly anything is urged.

Revision ID: 0041
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

INDEX = "ix_service_request_urged"
URGED = sa.text("urged_at IS NOT NULL AND status <> 'closed'")


def upgrade() -> None:
    op.create_index(
        INDEX,
        "service_request",
        ["urged_at", "id"],
        sqlite_where=URGED,
        postgresql_where=URGED,
    )


def downgrade() -> None:
    op.drop_index(INDEX, table_name="service_request")
