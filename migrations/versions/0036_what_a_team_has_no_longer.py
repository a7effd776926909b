"""That a team has a request no longer is told as that; that a team gave it back, the desk is told.

Revision ID: 0036
Revises: 0035
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE inbox_entry SET step = 'lost' WHERE step = 'return'")


def downgrade() -> None:
    """Forget what the desk was told: in the words of before it would say something else."""
    op.execute("DELETE FROM inbox_entry WHERE step = 'return'")
    op.execute("UPDATE inbox_entry SET step = 'return' WHERE step = 'lost'")
