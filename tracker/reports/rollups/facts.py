"""What a request counts for, or no longer counts for, as the conditions of the figures say."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause, Select, case, literal, select
from sqlalchemy.sql.util import ClauseAdapter

from tracker.database import db
from tracker.reports.definitions import CONDITIONS, SUMMED, Figure, Scope
from tracker.reports.periods import month_of

ROWS_AT_ONCE: Final = 5_000
FOR_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


class Kept(StrEnum):
    """By what cells are kept apart, within a month and a unit."""

    ALL = "all"
    TEAM = "team"
    LEADER = "leader"
    LEAF = "leaf"
    AREA = "area"
    CHANNEL = "channel"
    KIND = "kind"


COUNTS: Final = (*SUMMED, Figure.CLOSED_IN_PERIOD)
"""What a cell counts, in the order of its columns."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What one request counts for, or no longer counts for."""

    sign: int
    unit_id: int
    keys: tuple[str, ...]
    """One for each of `Kept`."""
    submitted_in: date
    closed_in: date | None
    counts: tuple[int, ...]
    seconds: int | None
    due: int | None
    latest: datetime


@cache
def select_facts(source: FromClause) -> Select[Any]:
    """Select, of a table with the columns of a request, what each row counts for.

    Changes say themselves whether they take away or add; a request counts once.

    The conditions are those of the figures, asked without a period, and as if for ever.
    """
    ever = Scope(as_of=FOR_EVER)
    adapter = ClauseAdapter(source, adapt_on_names=True)
    counts = [case((adapter.traverse(CONDITIONS[figure](ever)), 1), else_=0) for figure in COUNTS]
    columns = source.c
    sign: ColumnElement[int] = columns.sign if "sign" in columns else literal(1)
    return select(
        sign.label("sign"),
        columns.unit_id,
        columns.lead_team_id,
        columns.leader_id,
        columns.category_id,
        columns.area_id,
        columns.channel,
        columns.kind,
        columns.submitted_at,
        columns.resolved_at,
        columns.closed_at,
        columns.due_at,
        columns.seconds_to_close,
        *counts,
    )


def facts_of(query: Select[Any], zone: ZoneInfo, *, are_few: bool = False) -> Iterator[Fact]:
    """Yield the facts that `select_facts` selects; months are those of `zone`.

    Unless they `are_few`, only some are in memory at a time.
    """
    if not are_few:
        query = query.execution_options(yield_per=ROWS_AT_ONCE)
    counted, closed, handled = (
        COUNTS.index(one) for one in (Figure.COUNTED, Figure.CLOSED, Figure.HANDLED)
    )
    for row in db.session.execute(query):
        sign, unit_id, *keys, submitted_at, resolved_at, closed_at, due_at, seconds = row[:13]
        counts = row[13:]
        is_open = counts[counted] and not counts[handled]
        yield Fact(
            sign=sign,
            unit_id=unit_id,
            keys=("", *("" if key is None else str(key) for key in keys)),
            submitted_in=month_of(submitted_at, zone),
            closed_in=month_of(closed_at, zone) if closed_at is not None else None,
            counts=counts,
            seconds=seconds if counts[closed] else None,
            due=microseconds(due_at) if is_open and due_at is not None else None,
            latest=max(one for one in (submitted_at, resolved_at, closed_at) if one is not None),
        )


def microseconds(moment: datetime) -> int:
    """Return a moment as whole microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND
