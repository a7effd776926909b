"""The staff may be told by text message, at a number of their own; and an endpoint may be deleted.

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Quiet hours that end as they begin were none: they are no longer taken."""
    wish = sa.table(
        "message_wish", sa.column("quiet_from", sa.Time), sa.column("quiet_until", sa.Time)
    )
    op.execute(
        wish.update()
        .where(wish.c.quiet_from == wish.c.quiet_until)
        .values(quiet_from=None, quiet_until=None)
    )
    with op.batch_alter_table("message_wish", reflect_kwargs={"resolve_fks": False}) as altered:
        altered.add_column(
            sa.Column("by_text", sa.Boolean, nullable=False, server_default=sa.false())
        )
        altered.add_column(sa.Column("text_number", sa.String(32)))
        altered.create_check_constraint(
            op.f("ck_message_wish_texts_have_a_number"), "NOT by_text OR text_number IS NOT NULL"
        )
    with op.batch_alter_table("endpoint", reflect_kwargs={"resolve_fks": False}) as altered:
        altered.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True)))
        altered.create_check_constraint(
            op.f("ck_endpoint_deleted_is_off"), "deleted_at IS NULL OR NOT is_on"
        )


def downgrade() -> None:
    """Who was told by text message alone is written to by mail; what was deleted stays switched off.

    What waits for their numbers is lost: nobody would know any more whose they were.
    """
    op.execute(
        "DELETE FROM message WHERE channel = 'text_message' AND sent_at IS NULL"
        " AND kind IN ('staff_step', 'ladder', 'handed_over')"
    )
    op.execute("UPDATE message_wish SET by_mail = by_mail OR by_text")
    with op.batch_alter_table("endpoint", reflect_kwargs={"resolve_fks": False}) as altered:
        altered.drop_constraint(op.f("ck_endpoint_deleted_is_off"), type_="check")
        altered.drop_column("deleted_at")
    with op.batch_alter_table("message_wish", reflect_kwargs={"resolve_fks": False}) as altered:
        altered.drop_constraint(op.f("ck_message_wish_texts_have_a_number"), type_="check")
        altered.drop_column("text_number")
        altered.drop_column("by_text")
