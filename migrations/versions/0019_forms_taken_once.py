"""A form that is sent twice is taken once: its mark is remembered with what it did.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "taken_form",
        sa.Column("mark", sa.String(64), primary_key=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_taken_form_taken_at", "taken_form", ["taken_at"])


def downgrade() -> None:
    op.drop_table("taken_form")
