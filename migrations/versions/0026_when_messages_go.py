"""When a message may go out, by the calendar and by its reader's wishes.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "message_wish",
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("by_mail", sa.Boolean, nullable=False),
        sa.Column(
            "rhythm",
            sa.Enum(
                "at_once",
                "hourly",
                "daily",
                name="rhythm",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("quiet_from", sa.Time),
        sa.Column("quiet_until", sa.Time),
        sa.CheckConstraint(
            "(quiet_from IS NULL) = (quiet_until IS NULL)",
            name=op.f("ck_message_wish_quiet_has_both_ends"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_message_wish_person_id_person")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_message_wish")),
    )
    op.add_column("message", sa.Column("wanted_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("message", "wanted_at")
    op.drop_table("message_wish")
