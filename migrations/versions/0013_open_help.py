"""What a team helps with now is read from an index of its own.

A large team has helped with tens of thousands of requests that are long closed, and its board
looked through all of them.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


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


def downgrade() -> None:
    op.drop_index("ix_helping_team_open", "helping_team")
    op.drop_column("helping_team", "is_closed")
