"""The last four digits of references and phone numbers are looked up in indexes of their own.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_service_request_reference_end ON service_request (substr(reference, 7))"
    )
    op.execute(
        "CREATE INDEX ix_requester_phone_end ON requester (substr(phone, length(phone) - 3))"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_requester_phone_end")
    op.execute("DROP INDEX ix_service_request_reference_end")
