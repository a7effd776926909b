"""What a team ever helped with is read from an index alone, as what it helps with now is.

The list of what is closed and its, which may be thousands, went to the table for each.

Revision ID: 0042
Revises: 0041
"""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

TEAM = "ix_helping_team_team_id"
EVER = "ix_helping_team_ever"


def upgrade() -> None:
    op.create_index(EVER, "helping_team", ["team_id", "service_request_id"])
    op.drop_index(TEAM, table_name="helping_team")


def downgrade() -> None:
    op.create_index(TEAM, "helping_team", ["team_id"])
    op.drop_index(EVER, table_name="helping_team")
