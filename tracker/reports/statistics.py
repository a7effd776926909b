"""The figures counted from the requests themselves.

`tracker.reports.answers` asks here what the kept cells cannot say.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    column,
    func,
    literal,
    select,
    union_all,
    values,
)
from sqlalchemy.orm import InstrumentedAttribute

from tracker.database import UtcDateTime, db
from tracker.organisation.models import Category
from tracker.permissions import Actor
from tracker.reports.definitions import (
    CONDITIONS,
    SUMMED,
    Condition,
    Dimension,
    Figure,
    Moment,
    Scope,
    closed,
    closed_in_period,
    closed_times,
    counted,
    is_real,
    on_time,
    received,
    timed,
    visible,
)
from tracker.reports.naming import in_order, named_group, names_of
from tracker.reports.periods import month_begins, month_of, months_between, months_later
from tracker.reports.values import SECONDS_A_DAY, Answers, Group, Month, Share, Spread, Summary
from tracker.service_requests.models import ServiceRequest

_KEYS: Final[Mapping[Dimension, ColumnElement[Any] | InstrumentedAttribute[Any]]] = {
    Dimension.CATEGORY: func.coalesce(Category.parent_id, Category.id),
    Dimension.LEAF: ServiceRequest.category_id,
    Dimension.TEAM: ServiceRequest.lead_team_id,
    Dimension.CHANNEL: ServiceRequest.channel,
    Dimension.AREA: ServiceRequest.area_id,
    Dimension.UNIT: ServiceRequest.unit_id,
    Dimension.LEADER: ServiceRequest.leader_id,
}


def summary(actor: Actor, scope: Scope) -> Summary:
    """Return every figure of a scope."""
    row = db.session.execute(
        select(*(_count(CONDITIONS[one](scope)).label(one.value) for one in SUMMED)).where(
            visible(actor), received(scope)
        )
    ).one()
    flow = select(_count()).where(visible(actor), closed_in_period(scope))
    return Summary(
        received=row.received,
        counted=row.counted,
        closed=row.closed,
        handled=row.handled,
        closed_in_period=db.session.scalar(flow) or 0,
        on_time=Share(row.timed, row.on_time),
        solved=Answers(row.answered, row.solved, row.closed),
        satisfaction=Answers(row.rated, row.satisfied, row.closed),
        reopened=Share(row.reopenable, row.reopened),
        returned=Share(row.returnable, row.returned),
        days_to_close=days_to_close(actor, scope),
    )


def how_many(actor: Actor, scope: Scope, figure: Figure) -> int:
    """Return one figure."""
    return db.session.scalar(select(_count()).where(visible(actor), CONDITIONS[figure](scope))) or 0


def days_to_close(actor: Actor, scope: Scope) -> Spread:
    """Median and 90th percentile of the days from submitting to closing, elapsed.

    Of the closed requests whose closing time is known; n says how many. Between two values the
    percentile is interpolated linearly, as numpy does by default. In decimal days.
    """
    return _spreads(actor, scope, None).get(None, Spread(0, None, None))


def groups(actor: Actor, scope: Scope, by: Dimension) -> Sequence[Group]:
    """Return the figures of each group of a dimension, most received first, then by name.

    Requests without one (no area, no team) form a group without a name.
    """
    key = _KEYS[by]
    query = select(
        key.label("key"),
        _count().label("received"),
        _count(counted(scope)).label("counted"),
        _count(closed(scope)).label("closed"),
        _count(timed(scope)).label("timed"),
        _count(on_time(scope)).label("on_time"),
    ).where(visible(actor), received(scope))
    if by is Dimension.CATEGORY:
        query = query.join(Category, Category.id == ServiceRequest.category_id)
    rows = db.session.execute(query.group_by(key)).all()
    spreads = _spreads(actor, scope, by)
    names = names_of(by, frozenset(row.key for row in rows))
    return in_order(
        named_group(
            row.key,
            names,
            received=row.received,
            counted=row.counted,
            closed=row.closed,
            on_time=Share(row.timed, row.on_time),
            days_to_close=spreads.get(row.key, Spread(0, None, None)),
        )
        for row in rows
    )


def monthly(actor: Actor, scope: Scope, zone: ZoneInfo) -> Sequence[Month]:
    """Return received and closed of each calendar month of the period, oldest first.

    Months are those of `zone`. Received counts by the time of submitting, closed by the time of
    closing (see `closed_in_period`). Without a period: from the first month in which anything
    happened to the last.
    """
    months = _months(actor, scope, zone)
    if not months:
        return []
    bounds = [(month_begins(one, zone), month_begins(months_later(one, 1), zone)) for one in months]
    came, went = _per_month(
        actor,
        bounds,
        (received(scope), ServiceRequest.submitted_at),
        (closed_in_period(scope), ServiceRequest.closed_at),
    )
    return [
        Month(start, end, f"{month:%Y-%m}", came.get(at, 0), went.get(at, 0))
        for at, (month, (start, end)) in enumerate(zip(months, bounds, strict=True))
    ]


def channels(actor: Actor) -> Sequence[str]:
    """Return every way in by which a visible request came, in order of the alphabet; spam left out."""
    rows = db.session.scalars(
        select(ServiceRequest.channel).where(visible(actor), is_real()).distinct()
    )
    return sorted(rows)


def _count(condition: Condition | None = None) -> ColumnElement[int]:
    counting = func.count(ServiceRequest.id)
    return counting if condition is None else counting.filter(condition)


# -------------------------------------------------------------------- percentiles


def _spreads(actor: Actor, scope: Scope, by: Dimension | None) -> Mapping[int | str | None, Spread]:
    """Return the spread of each group; without a dimension, of all as group None.

    Only the two values on either side of each percentile leave the database. Positions are
    worked out in whole numbers: (n - 1) x 0.9 in floating point can land beside itself.
    """
    key = _KEYS[by] if by else literal(None, Integer)
    partition = key if by else None
    base = select(
        key.label("key"),
        ServiceRequest.seconds_to_close.label("seconds"),
        (
            func.row_number().over(partition_by=partition, order_by=ServiceRequest.seconds_to_close)
            - 1
        ).label("place"),
        func.count().over(partition_by=partition).label("n"),
    ).where(visible(actor), closed_times(scope))
    if by is Dimension.CATEGORY:
        base = base.join(Category, Category.id == ServiceRequest.category_id)
    ranked = base.subquery()
    middle, ninth = (ranked.c.n - 1) // 2, (ranked.c.n - 1) * 9 // 10
    rows = db.session.execute(
        select(ranked.c.key, ranked.c.seconds, ranked.c.place, ranked.c.n).where(
            ranked.c.place.in_([middle, middle + 1, ninth, ninth + 1])
        )
    )
    at: dict[tuple[int | str | None, int], int] = {}
    sizes: dict[int | str | None, int] = {}
    for group, seconds, place, n in rows:
        at[group, place] = seconds
        sizes[group] = n

    def percentile(group: int | str | None, tenths: int) -> float:
        place, rest = divmod((sizes[group] - 1) * tenths, 10)
        low = at[group, place]
        high = at[group, place + 1] if rest else low
        return (low + (high - low) * rest / 10) / SECONDS_A_DAY

    return {
        group: Spread(n, percentile(group, 5), percentile(group, 9)) for group, n in sizes.items()
    }


# -------------------------------------------------------------------- months


def _months(actor: Actor, scope: Scope, zone: ZoneInfo) -> Sequence[date]:
    if scope.start is not None and scope.end is not None:
        return months_between(scope.start, scope.end, zone)
    first, last = db.session.execute(
        select(func.min(ServiceRequest.submitted_at), func.max(ServiceRequest.submitted_at)).where(
            visible(actor), received(scope)
        )
    ).one()
    # Without an end, what was closed later than anything came in has its months too.
    last_closed = db.session.scalar(
        select(func.max(ServiceRequest.closed_at)).where(visible(actor), closed_in_period(scope))
    )
    begins = [one for one in (scope.start, first, last_closed) if one is not None]
    ends = [one for one in (last, last_closed) if one is not None]
    if not ends:
        return []
    after = scope.end or month_begins(months_later(month_of(max(ends), zone), 1), zone)
    return months_between(begins[0], after, zone)


def _per_month(
    actor: Actor,
    bounds: Sequence[tuple[datetime, datetime]],
    *wanted: tuple[Condition, Moment],
) -> Sequence[Mapping[int, int]]:
    """Count by month, for each condition by its own moment, in one statement.

    No database function that knows months of a zone is on both databases, so the bounds travel
    as a table; each month is one range of the index.
    """
    months = (
        values(
            column("number", Integer),
            column("starts_at", UtcDateTime),
            column("ends_at", UtcDateTime),
            name="months",
        )
        .data([(number, start, end) for number, (start, end) in enumerate(bounds)])
        .cte("months")
    )
    parts = [
        select(literal(place, Integer), months.c.number, func.count(ServiceRequest.id))
        .join_from(months, ServiceRequest, and_(at >= months.c.starts_at, at < months.c.ends_at))
        .where(visible(actor), condition)
        .group_by(months.c.number)
        for place, (condition, at) in enumerate(wanted)
    ]
    found: list[dict[int, int]] = [{} for _ in wanted]
    for place, number, count in db.session.execute(union_all(*parts)):
        found[place][number] = count
    return found
