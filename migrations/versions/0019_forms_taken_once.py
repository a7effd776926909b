"""A form that is sent twice is taken once: its mark is remembered with what it did.

And what is kept of a note knows the page on which it was typed: what comes late, or after it was sent
or thrown away, is not taken.

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
    op.add_column("note_draft", sa.Column("page", sa.String(32), nullable=False, server_default=""))
    op.add_column("note_draft", sa.Column("number", sa.Integer, nullable=False, server_default="0"))
    op.add_column(
        "note_draft",
        sa.Column("is_over", sa.Boolean, nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM note_draft WHERE is_over"))
    for name in ("is_over", "number", "page"):
        op.drop_column("note_draft", name)
    op.drop_table("taken_form")
