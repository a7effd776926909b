"""What volunteers read on the board before they claim, in the desk's words.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in batch mode: SQLite adds a column with a default without copying the table.
    op.add_column(
        "service_request", sa.Column("board_note", sa.Text(), nullable=False, server_default="")
    )


def downgrade() -> None:
    op.drop_column("service_request", "board_note")
