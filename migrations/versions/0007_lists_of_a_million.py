"""Lists and their counts are read from indexes alone, however many requests there are.

Whatever the desk filters by stands in the index that has the order of the list: a page is found
without touching the rows that do not fit. `service_requests.queue` asks in these very words.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TURN = (
    "(CASE WHEN status = 'submitted' THEN 0 WHEN status = 'resolved' THEN 3"
    " WHEN due_at IS NULL THEN 2 ELSE 1 END)"
)
FILTERS = "unit_id, lead_team_id, leader_id, category_id, area_id, channel, kind, priority, due_at, near_at"


def upgrade() -> None:
    op.execute("DROP INDEX ix_service_request_desk")
    _index("desk", f"{TURN}, (coalesce(due_at, submitted_at)), id", f"status, {FILTERS}", "open")
    _index("counts", "status, id", FILTERS, "open")
    _index("newest", "submitted_at, id", f"status, {FILTERS}")


def downgrade() -> None:
    for name in ("desk", "counts", "newest"):
        op.execute(f"DROP INDEX ix_service_request_{name}")
    op.execute(
        f"CREATE INDEX ix_service_request_desk ON service_request ({TURN},"
        " (coalesce(due_at, submitted_at)), id) WHERE status <> 'closed'"
    )


def _index(name: str, order: str, beside: str, which: str = "") -> None:
    """PostgreSQL keeps what is beside the order out of the tree; SQLite knows no such thing."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    # What a later column repeats would be kept twice.
    beside = ", ".join(one for one in beside.split(", ") if one not in order.split(", "))
    columns = f"({order}, {beside})" if is_sqlite else f"({order}) INCLUDE ({beside})"
    op.execute(
        f"CREATE INDEX ix_service_request_{name} ON service_request {columns}"
        + (" WHERE status <> 'closed'" if which == "open" else "")
    )
