"""PostgreSQL looks through few words that its text index has not sorted in yet.

What is new waits in a list that every search reads to its end: by itself up to 4 MB, more than a
thousand requests. 256 kB are a hundred, sorted in at once by whoever fills it up.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INDEX = "ix_service_request_search_body"


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX {INDEX} SET (gin_pending_list_limit = 256)")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX {INDEX} RESET (gin_pending_list_limit)")
