"""Working hours of each weekday, with as many spans as there are; own days of a unit.

Revision ID: 0023
Revises: 0022
"""

import json
from contextlib import AbstractContextManager
from datetime import time

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations
from holidays import country_holidays

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

OFFICE_WEEK = [[["09:00", "12:00"], ["14:00", "18:00"]]] * 5 + [[], []]
HOURS = ("work_begins", "lunch_begins", "lunch_ends", "work_ends")
ORGANISATION = sa.table(
    "organisation",
    sa.column("country", sa.String),
    sa.column("working_week", sa.JSON),
    *(sa.column(name, sa.Time) for name in HOURS),
)
RENEWED = (
    "INSERT INTO set_up_stamp (id, stamp) VALUES (1, lower(hex(randomblob(16))))"
    " ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp"
)


def upgrade() -> None:
    op.add_column(
        "organisation",
        sa.Column(
            "working_week", sa.JSON(), nullable=False, server_default=json.dumps(OFFICE_WEEK)
        ),
    )
    bind = op.get_bind()
    for row in bind.execute(sa.select(ORGANISATION)).mappings():
        week = _week(row["country"], *(row[name] for name in HOURS))
        bind.execute(sa.update(ORGANISATION).values(working_week=week))
    _write_the_stamp()
    for name in HOURS:
        op.drop_column("organisation", name)
    op.add_column("calendar_day", sa.Column("unit_id", sa.Integer()))
    with _days() as days:
        days.drop_constraint("uq_calendar_day_day", type_="unique")
        days.create_foreign_key("fk_calendar_day_unit_id_unit", "unit", ["unit_id"], ["id"])
    for name, columns, where in (
        ("uq_calendar_day_everywhere", ["day"], "unit_id IS NULL"),
        ("uq_calendar_day_unit", ["unit_id", "day"], "unit_id IS NOT NULL"),
    ):
        op.create_index(
            name,
            "calendar_day",
            columns,
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    _stamp_days()


def downgrade() -> None:
    """Lose the days of one unit, and what the weekdays have of their own."""
    op.execute("DELETE FROM calendar_day WHERE unit_id IS NOT NULL")
    _write_the_stamp()
    for name in ("uq_calendar_day_everywhere", "uq_calendar_day_unit"):
        op.drop_index(name, "calendar_day")
    with _days() as days:
        days.drop_constraint("fk_calendar_day_unit_id_unit", type_="foreignkey")
        days.drop_column("unit_id")
        days.create_unique_constraint("uq_calendar_day_day", ["day"])
    _stamp_days()
    for name in HOURS:
        op.add_column("organisation", sa.Column(name, sa.Time()))
    bind = op.get_bind()
    for (week,) in bind.execute(sa.select(ORGANISATION.c.working_week)):
        first = next(filter(None, week))
        begins, ends = first[0][0], first[-1][1]
        lunch = (first[0][1], first[1][0]) if len(first) > 1 else (None, None)
        values = [moment and time.fromisoformat(moment) for moment in (begins, *lunch, ends)]
        bind.execute(sa.update(ORGANISATION).values(dict(zip(HOURS, values, strict=True))))
    _write_the_stamp()
    op.drop_column("organisation", "working_week")


def _write_the_stamp() -> None:
    """Let PostgreSQL do now what a trigger left for the end: it alters no table meanwhile."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _days() -> AbstractContextManager[BatchOperations]:
    """On SQLite the table is made anew; nothing hangs on it."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    return op.batch_alter_table("calendar_day", recreate="always" if is_sqlite else "never")


def _stamp_days() -> None:
    """Give the table made anew its triggers back: see migration 0010."""
    if op.get_bind().dialect.name == "sqlite":
        for event in ("INSERT", "UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER IF NOT EXISTS calendar_day_stamps_{event.lower()}"
                f" AFTER {event} ON calendar_day BEGIN {RENEWED}; END"
            )


def _week(
    country: str, begins: time, lunch_begins: time | None, lunch_ends: time, ends: time
) -> list[list[list[str]]]:
    rest = country_holidays(country).weekend if country else {5, 6}
    halves = [(begins, lunch_begins), (lunch_ends, ends)] if lunch_begins else [(begins, ends)]
    spans = [[f"{opens:%H:%M}", f"{closes:%H:%M}"] for opens, closes in halves]
    return [[] if weekday in rest else spans for weekday in range(7)]
