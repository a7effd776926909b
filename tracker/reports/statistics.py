"""The figures, each defined by the docstring of its function. docs/statistics.md is printed from them.

A figure looks at the requests of a `Scope`: those submitted in a period, half open, narrowed by
filters, and only those whose reports the reader may see. A request counts for the unit, team,
leader, category, area and channel that it has now. Counts are kept and shares derived, so that
totals can be added up without averaging percentages. Shares are from 0 to 1 and not rounded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    column,
    func,
    literal,
    or_,
    select,
    true,
    values,
)
from sqlalchemy.orm import InstrumentedAttribute

from tracker.accounts.models import Person
from tracker.database import UtcDateTime, db
from tracker.organisation.models import Area, Category, Unit
from tracker.permissions import SYSTEM, Action, Actor
from tracker.service_requests.lifecycle import (
    HANDLED_STATUSES,
    UNCOUNTED_OUTCOMES,
    Kind,
    Solved,
    Status,
)
from tracker.service_requests.models import CASEWORK, ServiceRequest
from tracker.teams.models import Team
from tracker.visibility import within_reach

Condition: TypeAlias = ColumnElement[bool]
Named: TypeAlias = Mapping[int | str | None, tuple[str, str | None, bool]]
"""Id → name, English name, whether it is sensitive."""

SECONDS_A_DAY: Final = 86_400
SATISFIED_FROM: Final = 3
"""The top three of five levels."""
FEWEST_IN_SENSITIVE_GROUP: Final = 5
"""Rates of a sensitive category are not shown for fewer requests."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which requests a figure looks at. What is None does not narrow.

    The period includes `start` and excludes `end`. Areas, units and categories count with all
    below them: whoever makes a scope hands in their ids. `blank` names dimensions that must not
    be recorded.
    """

    as_of: datetime
    """When it is looked at: a due time before it has passed. Never later than now."""
    start: datetime | None = None
    end: datetime | None = None
    unit_ids: frozenset[int] | None = None
    team_id: int | None = None
    leader_id: int | None = None
    category_ids: frozenset[int] | None = None
    area_ids: frozenset[int] | None = None
    channel: str | None = None
    kind: Kind | None = None
    blank: frozenset["Dimension"] = frozenset()


class Dimension(StrEnum):
    """By what figures can be broken down."""

    CATEGORY = "category"
    """The top level of the tree."""
    LEAF = "leaf"
    """The category itself."""
    TEAM = "team"
    """The lead team."""
    CHANNEL = "channel"
    AREA = "area"
    """The exact area, not what lies below it."""
    UNIT = "unit"
    """The exact unit, not what lies below it."""
    LEADER = "leader"


class Figure(StrEnum):
    """A number that has an exact list of requests behind it."""

    RECEIVED = "received"
    COUNTED = "counted"
    NOT_COUNTED = "not_counted"
    CLOSED = "closed"
    NOT_CLOSED = "not_closed"
    HANDLED = "handled"
    NOT_HANDLED = "not_handled"
    CLOSED_TIMES = "closed_times"
    CLOSED_IN_PERIOD = "closed_in_period"
    ON_TIME = "on_time"
    NOT_ON_TIME = "not_on_time"
    TIMED = "timed"
    SOLVED = "solved"
    NOT_SOLVED = "not_solved"
    ANSWERED = "answered"
    SATISFIED = "satisfied"
    NOT_SATISFIED = "not_satisfied"
    RATED = "rated"
    REOPENED = "reopened"
    REOPENABLE = "reopenable"
    RETURNED = "returned"
    RETURNABLE = "returnable"


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` out of `n`."""

    n: int
    hits: int

    @property
    def rate(self) -> float | None:
        """Return the share from 0 to 1. None when there is nothing to take a share of."""
        return self.hits / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Answers(Share):
    """What requesters said; `closed` is how many could have."""

    closed: int

    @property
    def coverage(self) -> float | None:
        """Return answers ÷ closed, from 0 to 1."""
        return self.n / self.closed if self.closed else None


@dataclass(frozen=True, slots=True)
class Spread:
    """How long things took, in decimal days."""

    n: int
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Every figure of a scope."""

    received: int
    counted: int
    closed: int
    handled: int
    closed_in_period: int
    on_time: Share
    solved: Answers
    satisfaction: Answers
    reopened: Share
    returned: Share
    days_to_close: Spread

    @property
    def closure(self) -> Share:
        """Return closed ÷ counted."""
        return Share(self.counted, self.closed)

    @property
    def handling(self) -> Share:
        """Return resolved or closed ÷ counted."""
        return Share(self.counted, self.handled)


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one team, category, area, ….

    `key` is its id (a channel's is its text); None or "" when it is not recorded.
    """

    key: int | str | None
    name: str
    name_en: str | None
    received: int
    counted: int
    closed: int
    on_time: Share
    days_to_close: Spread
    is_sensitive: bool = False

    @property
    def closure(self) -> Share:
        """Return closed ÷ counted."""
        return Share(self.counted, self.closed)

    @property
    def hides_rates(self) -> bool:
        """Tell whether so few requests of a sensitive category would tell about a person."""
        return self.is_sensitive and self.counted < FEWEST_IN_SENSITIVE_GROUP


@dataclass(frozen=True, slots=True)
class Month:
    """What came in and what was closed in one calendar month of the organisation's zone."""

    start: datetime
    end: datetime
    name: str
    """`2026-03`."""
    received: int
    closed: int


# -------------------------------------------------------------------- the definitions


def received(scope: Scope) -> Condition:
    """Count requests submitted in the period, spam left out. What waits for triage counts."""
    return and_(_is_real(), _submitted_in(scope), *filters_of(scope))


def counted(scope: Scope) -> Condition:
    """Count the received, without duplicates, withdrawn ones and those outside the organisation's scope."""
    return received(scope) & _is_counted()


def not_counted(scope: Scope) -> Condition:
    """Count received requests that are in no rate: duplicates, withdrawn, outside the scope."""
    return received(scope) & ~_is_counted()


def closed(scope: Scope) -> Condition:
    """Count counted requests that are closed. A reopened request counts where it is now.

    The **closure rate** is closed ÷ counted.
    """
    return counted(scope) & _is_closed(scope)


def not_closed(scope: Scope) -> Condition:
    """Count counted requests that are still open."""
    return counted(scope) & ~_is_closed(scope)


def handled(scope: Scope) -> Condition:
    """Count counted requests with a reported result: resolved or closed.

    The **handled rate** is handled ÷ counted.
    """
    return counted(scope) & _is_handled(scope)


def not_handled(scope: Scope) -> Condition:
    """Count counted requests without a reported result."""
    return counted(scope) & ~_is_handled(scope)


def closed_times(scope: Scope) -> Condition:
    """Count closed requests of which it is known how long they took."""
    return closed(scope) & ServiceRequest.seconds_to_close.is_not(None)


def closed_in_period(scope: Scope) -> Condition:
    """Count requests closed in the period, whenever submitted; spam and uncounted left out.

    A flow beside the closure rate, never divided by what was received. A request whose closing
    time is not known (some imports) is in no period.
    """
    bounds: list[Condition] = [ServiceRequest.closed_at.is_not(None)]
    if scope.start is not None:
        bounds.append(ServiceRequest.closed_at >= scope.start)
    if scope.end is not None:
        bounds.append(ServiceRequest.closed_at < scope.end)
    return and_(_is_real(), _is_counted(), _is_closed(scope), *bounds, *filters_of(scope))


def timed(scope: Scope) -> Condition:
    """Count counted requests of which it is known whether they were in time.

    Those with a result that had a limit, and open ones whose due time has passed. A young open
    request is not “on time”: it is not in here. Nor is one whose clock stands still.
    """
    return counted(scope) & or_(
        _is_handled(scope) & ServiceRequest.resolved_on_time.is_not(None),
        ~_is_handled(scope) & (ServiceRequest.due_at < scope.as_of),
    )


def on_time(scope: Scope) -> Condition:
    """Count counted requests resolved by their due time.

    The **on-time rate** is on time ÷ (resolved, or due time passed).
    """
    return timed(scope) & _is_handled(scope) & ServiceRequest.resolved_on_time.is_(True)


def not_on_time(scope: Scope) -> Condition:
    """Count counted requests resolved after their due time, or open past it."""
    return timed(scope) & ~(_is_handled(scope) & ServiceRequest.resolved_on_time.is_(True))


def answered(scope: Scope) -> Condition:
    """Count closed requests whose requester said, by link or phone, whether the need was met.

    Answers ÷ closed is the **coverage**: silence is never counted as consent.
    """
    return closed(scope) & ServiceRequest.solved.is_not(None)


def solved(scope: Scope) -> Condition:
    """Count closed requests whose requester said “solved”.

    The **solved rate** is solved ÷ those who answered; “partly” is not “solved”.
    """
    return answered(scope) & (ServiceRequest.solved == Solved.YES)


def not_solved(scope: Scope) -> Condition:
    """Count closed requests whose requester said “partly” or “no”."""
    return answered(scope) & (ServiceRequest.solved != Solved.YES)


def rated(scope: Scope) -> Condition:
    """Count closed requests that the requester rated on five levels."""
    return closed(scope) & ServiceRequest.satisfaction.is_not(None)


def satisfied(scope: Scope) -> Condition:
    """Count closed requests rated with one of the top three of five levels.

    **Satisfaction** is satisfied ÷ those who rated.
    """
    return rated(scope) & (ServiceRequest.satisfaction >= SATISFIED_FROM)


def not_satisfied(scope: Scope) -> Condition:
    """Count closed requests rated with one of the lowest two of five levels."""
    return rated(scope) & (ServiceRequest.satisfaction < SATISFIED_FROM)


def reopened(scope: Scope) -> Condition:
    """Count counted requests that were reopened at least once after a result was reported.

    The **reopen rate** is reopened ÷ (handled now, or reopened).
    """
    return counted(scope) & (ServiceRequest.times_reopened > 0)


def reopenable(scope: Scope) -> Condition:
    """Count counted requests with a result now, or reopened since they had one."""
    return handled(scope) | reopened(scope)


def returned(scope: Scope) -> Condition:
    """Count counted requests that a team returned to the desk at least once.

    The **return rate** is returned ÷ (assigned at any time, or returned).
    """
    return counted(scope) & (ServiceRequest.times_returned > 0)


def returnable(scope: Scope) -> Condition:
    """Count counted requests that a team has or had: assigned now, or returned before."""
    return counted(scope) & (
        ServiceRequest.assigned_at.is_not(None) | (ServiceRequest.times_returned > 0)
    )


CONDITIONS: Final = {
    Figure.RECEIVED: received,
    Figure.COUNTED: counted,
    Figure.NOT_COUNTED: not_counted,
    Figure.CLOSED: closed,
    Figure.NOT_CLOSED: not_closed,
    Figure.HANDLED: handled,
    Figure.NOT_HANDLED: not_handled,
    Figure.CLOSED_TIMES: closed_times,
    Figure.CLOSED_IN_PERIOD: closed_in_period,
    Figure.ON_TIME: on_time,
    Figure.NOT_ON_TIME: not_on_time,
    Figure.TIMED: timed,
    Figure.SOLVED: solved,
    Figure.NOT_SOLVED: not_solved,
    Figure.ANSWERED: answered,
    Figure.SATISFIED: satisfied,
    Figure.NOT_SATISFIED: not_satisfied,
    Figure.RATED: rated,
    Figure.REOPENED: reopened,
    Figure.REOPENABLE: reopenable,
    Figure.RETURNED: returned,
    Figure.RETURNABLE: returnable,
}
"""Each number's definition: the same condition counts it and lists what is behind it."""

PARTS: Final[Mapping[Figure, tuple[Figure, Figure | None]]] = {
    Figure.CLOSED: (Figure.COUNTED, Figure.NOT_CLOSED),
    Figure.HANDLED: (Figure.COUNTED, Figure.NOT_HANDLED),
    Figure.ON_TIME: (Figure.TIMED, Figure.NOT_ON_TIME),
    Figure.SOLVED: (Figure.ANSWERED, Figure.NOT_SOLVED),
    Figure.SATISFIED: (Figure.RATED, Figure.NOT_SATISFIED),
    Figure.REOPENED: (Figure.REOPENABLE, None),
    Figure.RETURNED: (Figure.RETURNABLE, None),
}
"""What each rate is a share of, and the rest of it where somebody would look into that."""


def days_to_close(actor: Actor, scope: Scope) -> Spread:
    """Median and 90th percentile of the days from submitting to closing, elapsed.

    Of the closed requests whose closing time is known; n says how many. Between two values the
    percentile is interpolated linearly, as numpy does by default. In decimal days.
    """
    return _spreads(actor, scope, None).get(None, Spread(0, None, None))


# -------------------------------------------------------------------- the answers


def visible(actor: Actor) -> Condition:
    """Return the condition that `actor` may see a request's reports; the command line sees all."""
    if actor is SYSTEM:
        return true()
    return within_reach(actor, Action.VIEW_REPORTS, CASEWORK)


def summary(actor: Actor, scope: Scope) -> Summary:
    """Return every figure of a scope."""
    asked = {
        "received": received(scope),
        "counted": counted(scope),
        "closed": closed(scope),
        "handled": handled(scope),
        "timed": timed(scope),
        "on_time": on_time(scope),
        "answered": answered(scope),
        "solved": solved(scope),
        "rated": rated(scope),
        "satisfied": satisfied(scope),
        "reopened": reopened(scope),
        "reopenable": reopenable(scope),
        "returned": returned(scope),
        "returnable": returnable(scope),
    }
    row = db.session.execute(
        select(*(_count(condition).label(name) for name, condition in asked.items())).where(
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
    names = names_of(by, [row.key for row in rows])
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


def named_group(key: int | str | None, names: Named, **figures: Any) -> Group:  # noqa: ANN401 - the fields of a group
    """Return the group of `key` by its names; a channel is called what it is."""
    name, name_en, is_sensitive = names.get(key, (str(key or ""), None, False))
    return Group(key=key, name=name, name_en=name_en, is_sensitive=is_sensitive, **figures)


def in_order(found: Iterable[Group]) -> Sequence[Group]:
    """Return groups as tables show them: most received first, then by name."""
    return sorted(found, key=lambda group: (-group.received, group.name))


def monthly(actor: Actor, scope: Scope, zone: ZoneInfo) -> Sequence[Month]:
    """Return received and closed of each calendar month of the period, oldest first.

    Months are those of `zone`. Received counts by the time of submitting, closed by the time of
    closing (see `closed_in_period`). Without a period: from the first month in which anything
    happened to the last.
    """
    bounds = _month_bounds(actor, scope, zone)
    if not bounds:
        return []
    came = _per_month(actor, bounds, received(scope), ServiceRequest.submitted_at)
    went = _per_month(actor, bounds, closed_in_period(scope), ServiceRequest.closed_at)
    return [
        Month(start, end, f"{start.astimezone(zone):%Y-%m}", came.get(at, 0), went.get(at, 0))
        for at, (start, end) in enumerate(bounds)
    ]


# -------------------------------------------------------------------- conditions


def _is_real() -> Condition:
    return ServiceRequest.is_spam.is_(False)


def _is_counted() -> Condition:
    return or_(ServiceRequest.outcome.is_(None), ServiceRequest.outcome.not_in(UNCOUNTED_OUTCOMES))


def _is_closed(scope: Scope) -> Condition:
    return and_(
        ServiceRequest.status == Status.CLOSED,
        or_(ServiceRequest.closed_at.is_(None), ServiceRequest.closed_at <= scope.as_of),
    )


def _is_handled(scope: Scope) -> Condition:
    return and_(
        ServiceRequest.status.in_(HANDLED_STATUSES),
        or_(ServiceRequest.resolved_at.is_(None), ServiceRequest.resolved_at <= scope.as_of),
    )


def _submitted_in(scope: Scope) -> Condition:
    bounds: list[Condition] = [ServiceRequest.submitted_at <= scope.as_of]
    if scope.start is not None:
        bounds.append(ServiceRequest.submitted_at >= scope.start)
    if scope.end is not None:
        bounds.append(ServiceRequest.submitted_at < scope.end)
    return and_(*bounds)


def filters_of(scope: Scope) -> list[Condition]:
    """Return what narrows a scope besides the period."""
    chosen: list[Condition] = []
    if scope.unit_ids is not None:
        chosen.append(ServiceRequest.unit_id.in_(sorted(scope.unit_ids)))
    if scope.team_id is not None:
        chosen.append(ServiceRequest.lead_team_id == scope.team_id)
    if scope.leader_id is not None:
        chosen.append(ServiceRequest.leader_id == scope.leader_id)
    if scope.category_ids is not None:
        chosen.append(ServiceRequest.category_id.in_(sorted(scope.category_ids)))
    if scope.area_ids is not None:
        chosen.append(ServiceRequest.area_id.in_(sorted(scope.area_ids)))
    if scope.channel is not None:
        chosen.append(ServiceRequest.channel == scope.channel)
    if scope.kind is not None:
        chosen.append(ServiceRequest.kind == scope.kind)
    blanks = {
        Dimension.TEAM: ServiceRequest.lead_team_id,
        Dimension.LEADER: ServiceRequest.leader_id,
        Dimension.AREA: ServiceRequest.area_id,
    }
    chosen += [blanks[one].is_(None) for one in sorted(scope.blank)]
    return chosen


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
    ).where(visible(actor), closed(scope), ServiceRequest.seconds_to_close.is_not(None))
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


# -------------------------------------------------------------------- groups

_KEYS: Final[Mapping[Dimension, ColumnElement[Any] | InstrumentedAttribute[Any]]] = {
    Dimension.CATEGORY: func.coalesce(Category.parent_id, Category.id),
    Dimension.LEAF: ServiceRequest.category_id,
    Dimension.TEAM: ServiceRequest.lead_team_id,
    Dimension.CHANNEL: ServiceRequest.channel,
    Dimension.AREA: ServiceRequest.area_id,
    Dimension.UNIT: ServiceRequest.unit_id,
    Dimension.LEADER: ServiceRequest.leader_id,
}


def names_of(by: Dimension, keys: Iterable[int | str | None]) -> Named:
    """Return the names of the groups; where two share one, each says what it belongs to."""
    if by is Dimension.CHANNEL:
        return {}
    ids = [key for key in keys if isinstance(key, int)]
    if by is Dimension.LEADER:
        people = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
        return {person_id: (name, None, False) for person_id, name in people}
    if by is Dimension.TEAM:
        return _distinct(
            (team_id, name, name_en, unit, unit_en, False)
            for team_id, name, name_en, unit, unit_en in db.session.execute(
                select(Team.id, Team.name, Team.name_en, Unit.name, Unit.name_en)
                .join(Unit, Unit.id == Team.unit_id)
                .where(Team.id.in_(ids))
            )
        )
    things = {thing.id: thing for thing in _tree(by)}
    return _distinct(
        (
            thing.id,
            thing.name,
            thing.name_en,
            above.name if above else "",
            above.name_en if above else None,
            isinstance(thing, Category) and thing.is_sensitive,
        )
        for thing in (things[one] for one in ids)
        for above in (things.get(thing.parent_id) if thing.parent_id else None,)
    )


def _tree(by: Dimension) -> Sequence[Unit | Area | Category]:
    if by is Dimension.UNIT:
        return list(db.session.scalars(select(Unit)))
    if by is Dimension.AREA:
        return list(db.session.scalars(select(Area)))
    return list(db.session.scalars(select(Category)))


def _distinct(rows: Any) -> Named:  # noqa: ANN401 - tuples of six, from rows or generators
    rows = list(rows)
    seen = [name for _id, name, *_rest in rows]
    found: dict[int | str | None, tuple[str, str | None, bool]] = {}
    for thing_id, name, name_en, above, above_en, is_sensitive in rows:
        if above and seen.count(name) > 1:
            english = f"{above_en or above} / {name_en or name}" if name_en or above_en else None
            found[thing_id] = (f"{above} / {name}", english, is_sensitive)
        else:
            found[thing_id] = (name, name_en, is_sensitive)
    return found


# -------------------------------------------------------------------- months


def _month_bounds(
    actor: Actor, scope: Scope, zone: ZoneInfo
) -> Sequence[tuple[datetime, datetime]]:
    start, end = scope.start, scope.end
    if start is None or end is None:
        first, last = db.session.execute(
            select(
                func.min(ServiceRequest.submitted_at), func.max(ServiceRequest.submitted_at)
            ).where(visible(actor), received(scope))
        ).one()
        # Without an end, what was closed later than anything came in has its months too.
        last_closed = db.session.scalar(
            select(func.max(ServiceRequest.closed_at)).where(
                visible(actor), closed_in_period(scope)
            )
        )
        begins = [one for one in (start, first, last_closed) if one is not None]
        ends = [one for one in (last, last_closed) if one is not None]
        if not ends:
            return []
        start = begins[0]
        end = end if end is not None else max(ends)
        is_open = scope.end is None
    else:
        is_open = False
    month = _month_start(start.astimezone(zone))
    bounds: list[tuple[datetime, datetime]] = []
    while month < end or (is_open and month == end):
        following = _next_month(month)
        bounds.append((month, following))
        month = following
    return bounds


def month_begins(month: date, zone: ZoneInfo) -> datetime:
    """Return when a month begins on the clock of `zone`."""
    return datetime(month.year, month.month, 1, tzinfo=zone)


def following_month(month: date) -> date:
    """Return the first day of the month after."""
    return (month + timedelta(days=31)).replace(day=1)


def _month_start(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next_month(month: datetime) -> datetime:
    """Return the first of the next month: of the same wall clock, whatever its offset is then."""
    if month.month == 12:
        return month.replace(year=month.year + 1, month=1)
    return month.replace(month=month.month + 1)


def _per_month(
    actor: Actor,
    bounds: Sequence[tuple[datetime, datetime]],
    condition: Condition,
    at: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
) -> Mapping[int, int]:
    """Count by month in one statement. No database function that knows months of a zone is on
    both databases, so the bounds travel as a table; each month is one range of the index."""  # noqa: D205, D209 - one thought
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
    rows = db.session.execute(
        select(months.c.number, func.count(ServiceRequest.id))
        .join(ServiceRequest, and_(at >= months.c.starts_at, at < months.c.ends_at))
        .where(visible(actor), condition)
        .group_by(months.c.number)
    )
    return {number: count for number, count in rows}  # noqa: C416 - typed rows


def channels(actor: Actor) -> Sequence[str]:
    """Return every way in by which a visible request came, in order of the alphabet; spam left out."""
    rows = db.session.scalars(
        select(ServiceRequest.channel).where(visible(actor), _is_real()).distinct()
    )
    return sorted(rows)
