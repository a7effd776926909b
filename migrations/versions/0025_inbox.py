"""What the staff are told stands on a page of theirs, too, read or unread.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox_entry",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("service_request_id", sa.Integer, nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_inbox_entry_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_inbox_entry_service_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_entry")),
    )
    op.create_index("ix_inbox_entry_person_id_id", "inbox_entry", ["person_id", "id"])
    op.create_index(
        "ix_inbox_entry_service_request_id_person_id",
        "inbox_entry",
        ["service_request_id", "person_id"],
    )
    for name, columns, condition in (
        ("ix_inbox_entry_unread", ["person_id", "id"], "read_at IS NULL"),
        ("ix_inbox_entry_read", ["created_at"], "read_at IS NOT NULL"),
    ):
        op.create_index(
            name,
            "inbox_entry",
            columns,
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )


def downgrade() -> None:
    op.drop_table("inbox_entry")
