"""Requesters choose how often they are written to, and may choose anew: since when that holds is kept.

Revision ID: 0038
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Who reads text messages goes on to hear only of what they must know."""
    op.add_column(
        "requester",
        sa.Column("only_needed", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("requester", sa.Column("told_since", sa.DateTime(timezone=True)))
    requester = sa.table(
        "requester", sa.column("reachable_by", sa.String), sa.column("only_needed", sa.Boolean)
    )
    op.execute(
        requester.update()
        .where(requester.c.reachable_by == "text_message")
        .values(only_needed=sa.true())
    )


def downgrade() -> None:
    """Who was told otherwise before is checked as if they had been told so from the beginning."""
    op.drop_column("requester", "told_since")
    op.drop_column("requester", "only_needed")
