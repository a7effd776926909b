"""The cells of the figures have a stamp, so that a process can remember what it read from them.

And somebody may hold them: nobody folds changes into them while they are made anew.

Revision ID: 0014
Revises: 0013
"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "figure_fold", sa.Column("stamp", sa.String(36), nullable=False, server_default="")
    )
    op.add_column("figure_fold", sa.Column("held_until", sa.DateTime(timezone=True)))
    op.execute(sa.text("UPDATE figure_fold SET stamp = :stamp").bindparams(stamp=str(uuid4())))


def downgrade() -> None:
    op.drop_column("figure_fold", "held_until")
    op.drop_column("figure_fold", "stamp")
