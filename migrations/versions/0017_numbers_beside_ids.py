"""PostgreSQL finds who calls from a number, and what they asked for, in indexes alone.

A line that calls all day has asked for thousands of things; SQLite keeps the id in every index anyway.

Revision ID: 0017
Revises: 0016
"""

from collections.abc import Sequence

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_requester_phone", "requester", "phone"),
    ("ix_service_request_requester_id", "service_request", "requester_id"),
)


def upgrade() -> None:
    _make_anew(beside=["id"])


def downgrade() -> None:
    _make_anew(beside=[])


def _make_anew(beside: Sequence[str]) -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for name, table, column in INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, [column], postgresql_include=beside)
