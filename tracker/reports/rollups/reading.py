"""Reading figures from the cells, and from what is not folded into them yet."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, literal, or_, select
from sqlalchemy.sql.util import ClauseAdapter

from tracker.database import AS_BYTES, db, once_a_transaction, read_in_a_transaction
from tracker.organisation import queries as organisation
from tracker.permissions import NEVER_ON_OWN_WORK, SYSTEM, Action, Actor, Reach
from tracker.reports.definitions import Dimension, Figure, Scope, filters_of
from tracker.reports.models import MONTH, YEAR, FigureCell, FigureChange, FigureFold
from tracker.reports.periods import month_begins, month_of, months_later
from tracker.reports.rollups.facts import COUNTS, FOR_EVER, Fact, Kept, facts_of, select_facts
from tracker.reports.rollups.remembered import ABOUT_A_ROW, Remembered
from tracker.reports.rollups.tally import Tallies, Tally, together
from tracker.service_requests.models import ServiceRequest
from tracker.set_up import until_set_up_changes

SLACK: Final = timedelta(minutes=1)
"""So much later than `as_of` something may have happened: while the page was being made."""
_FLOW: Final = COUNTS.index(Figure.CLOSED_IN_PERIOD)
_REMEMBERED: Final = Remembered()
_KEPT_FOR: Final[Mapping[Dimension, Kept]] = {
    Dimension.CATEGORY: Kept.LEAF,
    Dimension.LEAF: Kept.LEAF,
    Dimension.TEAM: Kept.TEAM,
    Dimension.CHANNEL: Kept.CHANNEL,
    Dimension.AREA: Kept.AREA,
    Dimension.UNIT: Kept.ALL,
    Dimension.LEADER: Kept.LEADER,
}


class Cells(NamedTuple):
    """Which cells: of what, and from which month until which."""

    kept: Kept
    keys: frozenset[str] | None
    unit_ids: frozenset[int] | None
    first: date | None
    until: date | None
    years: range
    """Those that have cells of their own, to be read in place of their months."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Where the figures of a scope are found."""

    scope: Scope
    zone: ZoneInfo
    kept: Kept
    keys: frozenset[str] | None
    """Which of them; None for every one."""
    unit_ids: frozenset[int] | None
    """None for every one."""
    years: range
    """Those that have cells of their own."""
    has_changes: bool
    """Whether any change is not folded yet."""
    stamp: str
    """Of the cells as they are now."""

    @property
    def cells(self) -> Cells:
        """Return which cells have it."""
        return Cells(self.kept, self.keys, self.unit_ids, self.first, self.until, self.years)

    @property
    def first(self) -> date | None:
        """The first month that lies wholly within the period; None: from the beginning."""
        if self.scope.start is None:
            return None
        month = month_of(self.scope.start, self.zone)
        is_whole = month_begins(month, self.zone) == self.scope.start
        return month if is_whole else months_later(month, 1)

    @property
    def until(self) -> date | None:
        """The month at which the whole months end; None: without end."""
        if self.scope.end is None:
            return None
        return month_of(self.scope.end, self.zone)


def reading_for(actor: Actor, scope: Scope, by: Dimension | None = None) -> Reading | None:
    """Return where the cells have what is asked, None where the requests must be read.

    Cells answer for every unit that the reader sees, and one filter besides, by which the
    figures may be broken down.
    """
    if actor is SYSTEM or actor.may_for_all(Action.VIEW_REPORTS):
        visible = None
    elif _sees_by_unit_alone(actor):
        visible = actor.units_where(Action.VIEW_REPORTS)
    else:
        return None
    filters = _filters(scope)
    wanted = _KEPT_FOR[by] if by is not None else Kept.ALL
    if len(filters) > 1 or (filters and wanted not in (Kept.ALL, *filters)):
        return None
    kept, keys = next(iter(filters.items())) if filters else (wanted, None)
    state = _state()
    if state is None or state.time_zone != organisation.time_zone_name():
        return None
    asked = [ids for ids in (visible, scope.unit_ids) if ids is not None]
    reading = Reading(
        scope=scope,
        zone=ZoneInfo(state.time_zone),
        kept=kept,
        keys=keys,
        unit_ids=frozenset.intersection(*asked) if asked else None,
        years=state.years,
        has_changes=state.has_changes,
        stamp=state.stamp,
    )
    first, until = reading.first, reading.until
    has_whole_months = first is None or until is None or first < until
    return reading if has_whole_months else None


@dataclass(frozen=True, slots=True)
class _State:
    time_zone: str
    years: range
    has_changes: bool
    stamp: str


@once_a_transaction
def _state() -> _State | None:
    """Return how the cells stand; None when there are none.

    Nobody folds between the statements of this transaction that read cells and changes.
    """
    read_in_a_transaction()
    changes = select(FigureChange.id).exists()
    found = db.session.execute(
        select(FigureFold, changes).with_for_update(read=True, of=FigureFold)
    ).one_or_none()
    if found is None:
        return None
    fold, has_changes = found
    years = range(fold.years_from, fold.years_until)
    return _State(fold.time_zone, years, has_changes, fold.stamp)


def _sees_by_unit_alone(actor: Actor) -> bool:
    action = Action.VIEW_REPORTS
    return not (
        actor.teams_where(action)
        or actor.teams_where(action, Reach.LEAD)
        or actor.own_roles_where(action)
        or action in NEVER_ON_OWN_WORK
    )


def read(
    actor: Actor, scope: Scope, by: Dimension | None = None, *, with_times: bool = True
) -> Tallies | None:
    """Return a tally for each group, and of all together; without a dimension there is no group.

    Without times where only counts are asked for: they are most of what there is to read.

    None where the requests themselves must be read: see `reading_for`; and for a look back, as
    the cells know the present only.
    """
    reading = reading_for(actor, scope, by)
    if reading is None:
        return None
    found = _tallies(reading, by, with_times=with_times)
    return found if found.whole.latest <= scope.as_of + SLACK else None


def read_months(actor: Actor, scope: Scope) -> Mapping[date, tuple[int, int]] | None:
    """Return, for each month in which anything happened, what came in and what was closed.

    None as `read` does.
    """
    reading = reading_for(actor, scope)
    if reading is None:
        return None
    found: defaultdict[date, list[int]] = defaultdict(lambda: [0, 0])
    months = select(
        FigureCell.starts_on,
        func.sum(FigureCell.received),
        func.sum(FigureCell.closed_in_period),
        func.max(FigureCell.latest),
    ).group_by(FigureCell.starts_on)
    asked = reading.cells._replace(years=range(0))
    rows = _REMEMBERED.answer(
        reading.stamp,
        ("months", asked),
        lambda: db.session.execute(months.where(*_cells_of(asked))).all(),
        lambda found: len(found) * ABOUT_A_ROW,
    )
    latest = [moment for *_counts, moment in rows]
    for month, received, closed, _moment in rows:
        found[month] = [received, closed]
    for fact, by_submitting, by_closing in _loose(reading):
        if by_submitting:
            found[fact.submitted_in][0] += fact.sign * fact.counts[0]
        if by_closing and fact.closed_in is not None:
            found[fact.closed_in][1] += fact.sign * fact.counts[_FLOW]
        latest.append(fact.latest)
    if any(moment > scope.as_of + SLACK for moment in latest):
        return None
    return {month: (came, went) for month, (came, went) in found.items() if came or went}


def channels(actor: Actor) -> Sequence[str] | None:
    """Return every way in by which a visible request came; None as `read` does."""
    reading = reading_for(actor, Scope(as_of=FOR_EVER), Dimension.CHANNEL)
    if reading is None:
        return None
    keys = select(FigureCell.key).distinct()
    found = _REMEMBERED.answer(
        reading.stamp,
        ("channels", reading.cells),
        lambda: {*db.session.scalars(keys.where(*_cells_of(reading.cells, every_span=True)))},
        lambda found: len(found) * ABOUT_A_ROW,
    )
    place = list(Kept).index(Kept.CHANNEL)
    changed: Counter[str] = Counter()
    for fact, _by_submitting, _by_closing in _loose(reading):
        changed[fact.keys[place]] += fact.sign * fact.counts[0]
    found = found | {channel for channel, more in changed.items() if more > 0}
    if fewer := [channel for channel, more in changed.items() if more < 0]:
        rows = db.session.execute(
            select(FigureCell.key, func.sum(FigureCell.received))
            .where(*_cells_of(reading.cells), FigureCell.key.in_(fewer))
            .group_by(FigureCell.key)
        )
        left = changed + Counter(dict(rows.all()))
        found -= {channel for channel in fewer if not left[channel]}
    return sorted(found)


def _tallies(reading: Reading, by: Dimension | None, *, with_times: bool) -> Tallies:
    tops = _tops() if by is Dimension.CATEGORY else ()
    asked = _Asked(reading.cells, by, tops, with_times)
    folded = _REMEMBERED.answer(
        reading.stamp, asked, lambda: _folded(asked), lambda found: found.size
    )
    group_of, number = _grouping(asked), list(Kept).index(reading.kept)
    changed: dict[str, Tally] = {}
    whole: Tally | None = None
    for fact, by_submitting, by_closing in _loose(reading):
        whole = whole or folded.whole.copy()
        noting = [whole]
        if by is not None:
            group = group_of(fact.unit_id, fact.keys[number])
            if group not in changed:
                changed[group] = folded.groups.get(group, Tally()).copy()
            noting.append(changed[group])
        for tally in noting:
            if by_submitting:
                tally.note(fact, at_closing=False)
            if by_closing:
                tally.note(fact, at_closing=True)
    if whole is None:
        return folded
    settled = {group: tally.settle() for group, tally in changed.items()}
    return Tallies({**folded.groups, **settled}, whole.settle())


class _Asked(NamedTuple):
    """What is read from the cells together, and remembered as one."""

    cells: Cells
    by: Dimension | None
    tops: tuple[tuple[str, str], ...]
    """For each category the group above it, where they are the groups."""
    with_times: bool


def _grouping(asked: _Asked) -> Callable[[int, str], str]:
    """Return the function that says into which group a unit and a key belong."""
    if asked.by is Dimension.UNIT:
        return lambda unit_id, _key: str(unit_id)
    tops = dict(asked.tops)
    return lambda _unit_id, key: tops.get(key, key)


def _folded(asked: _Asked) -> Tallies:
    """Read the cells themselves, without what is not folded into them yet."""
    found: defaultdict[str, Tally] = defaultdict(Tally)
    cells, is_by_unit, group_of = asked.cells, asked.by is Dimension.UNIT, _grouping(asked)
    for unit_id, key, latest, *counts in db.session.execute(_counts_of(cells, is_by_unit)):
        tally = found[group_of(unit_id, key)]
        tally.counts = [before + more for before, more in zip(tally.counts, counts, strict=True)]
        tally.latest = max(tally.latest, latest)
    # Many cells: bare rows, as a tuple each is all that is made of them.
    times = db.session.execute(_times_of(cells, is_by_unit)) if asked.with_times else ()
    for unit_id, key, seconds, dues in times:
        tally = found[group_of(unit_id, key)]
        if seconds:
            tally.seconds.append(memoryview(seconds).cast("q"))
        if dues:
            tally.dues.append(memoryview(dues).cast("q"))
    groups = {group: tally.settle() for group, tally in found.items()}
    return Tallies(groups if asked.by is not None else {}, together(groups.values()))


@lru_cache(maxsize=64)
def _counts_of(cells: Cells, by_unit: bool) -> Select[*tuple[Any, ...]]:  # noqa: FBT001
    """Select the sums of some cells, for each key (and unit): what pages ask again and again."""
    cell = FigureCell
    sums = [func.sum(getattr(cell, figure.value)) for figure in COUNTS]
    place = cell.unit_id if by_unit else literal(0)
    apart = (cell.unit_id, cell.key) if by_unit else (cell.key,)
    counts = select(place, cell.key, func.max(cell.latest), *sums)
    return counts.where(*_cells_of(cells)).group_by(*apart)


@lru_cache(maxsize=64)
def _times_of(cells: Cells, by_unit: bool) -> Select[*tuple[Any, ...]]:  # noqa: FBT001
    """Select the times of some cells."""
    cell = FigureCell
    times = select(cell.unit_id if by_unit else literal(0), cell.key, cell.seconds, cell.dues)
    times = times.where(*_cells_of(cells), (cell.seconds != b"") | (cell.dues != b""))
    return times.execution_options(**{AS_BYTES: True})


def _cells_of(cells: Cells, *, every_span: bool = False) -> list[ColumnElement[bool]]:
    """Return the conditions of the cells that make up the whole months of a reading.

    `every_span`: of all cells, the same months twice, for what is not added up.
    """
    first, until = cells.first, cells.until
    in_months = [FigureCell.span == MONTH]
    if first is not None:
        in_months.append(FigureCell.starts_on >= first)
    if until is not None:
        in_months.append(FigureCell.starts_on < until)
    years = [
        year
        for year in cells.years
        if (first is None or first <= date(year, 1, 1))
        and (until is None or date(year + 1, 1, 1) <= until)
    ]
    in_years = [
        and_(FigureCell.span == YEAR, FigureCell.starts_on == date(year, 1, 1)) for year in years
    ]
    in_months += [
        or_(FigureCell.starts_on < date(year, 1, 1), FigureCell.starts_on >= date(year + 1, 1, 1))
        for year in years
    ]
    conditions = [FigureCell.dimension == cells.kept.value]
    if not every_span:
        conditions.append(or_(and_(*in_months), *in_years))
    if cells.unit_ids is not None:
        conditions.append(FigureCell.unit_id.in_(sorted(cells.unit_ids)))
    if cells.keys is not None:
        conditions.append(FigureCell.key.in_(sorted(cells.keys)))
    return conditions


def _loose(reading: Reading) -> Iterator[tuple[Fact, bool, bool]]:
    """Yield what no cell has: changes not folded yet, and the days beside the whole months.

    With each, whether it counts by its submitting and by its closing.
    """
    first, until = reading.first, reading.until

    def is_whole(month: date | None) -> bool:
        return (
            month is not None
            and (first is None or month >= first)
            and (until is None or month < until)
        )

    if reading.has_changes:
        always = replace(reading.scope, as_of=FOR_EVER, start=None, end=None, unit_ids=None)
        for fact in _changes(reading.unit_ids, always, reading.zone):
            yield fact, is_whole(fact.submitted_in), is_whole(fact.closed_in)
    edges = list(_edges(reading))
    if not edges:
        return
    requests = ServiceRequest.__table__
    live = select_facts(requests).where(*_narrowed(reading.unit_ids, reading.scope, requests))
    for column, by_submitting in ((requests.c.submitted_at, True), (requests.c.closed_at, False)):
        within = or_(*(and_(column >= begins, column < ends) for begins, ends in edges))
        for fact in facts_of(live.where(within), reading.zone):
            yield fact, by_submitting, not by_submitting


@once_a_transaction
def _changes(unit_ids: frozenset[int] | None, scope: Scope, zone: ZoneInfo) -> Sequence[Fact]:
    """Return what is not folded yet, of every period: a page has several of them."""
    changes = FigureChange.__table__
    narrowed = select_facts(changes).where(*_narrowed(unit_ids, scope, changes))
    return list(facts_of(narrowed, zone, are_few=True))


def _edges(reading: Reading) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches of the period before its first and after its last whole month."""
    scope, first, until = reading.scope, reading.first, reading.until
    if scope.start is not None and first is not None:
        begins = month_begins(first, reading.zone)
        if scope.start < begins:
            yield scope.start, begins
    if scope.end is not None and until is not None:
        ends = month_begins(until, reading.zone)
        if ends < scope.end:
            yield ends, scope.end


def _narrowed(
    unit_ids: frozenset[int] | None, scope: Scope, source: FromClause
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if unit_ids is not None:
        conditions.append(source.c.unit_id.in_(sorted(unit_ids)))
    adapter = ClauseAdapter(source, adapt_on_names=True)
    conditions += [adapter.traverse(one) for one in filters_of(replace(scope, unit_ids=None))]
    return conditions


def _filters(scope: Scope) -> Mapping[Kept, frozenset[str]]:
    """Return which cells a scope is narrowed to; two filters of a kind narrow to what both have."""
    found: dict[Kept, frozenset[str]] = {}

    def narrow(kept: Kept, keys: Iterable[object]) -> None:
        wanted = frozenset(map(str, keys))
        found[kept] = found[kept] & wanted if kept in found else wanted

    if scope.team_id is not None:
        narrow(Kept.TEAM, [scope.team_id])
    if scope.leader_id is not None:
        narrow(Kept.LEADER, [scope.leader_id])
    if scope.category_ids is not None:
        narrow(Kept.LEAF, scope.category_ids)
    if scope.area_ids is not None:
        narrow(Kept.AREA, scope.area_ids)
    if scope.channel is not None:
        narrow(Kept.CHANNEL, [scope.channel])
    if scope.kind is not None:
        narrow(Kept.KIND, [scope.kind.value])
    for blank in scope.blank:
        narrow(_KEPT_FOR[blank], [""])
    return found


@until_set_up_changes
def _tops() -> tuple[tuple[str, str], ...]:
    """Return, for each category, the group above it."""
    return tuple(
        (str(node.thing.id), str(node.thing.parent_id or node.thing.id))
        for node in organisation.category_tree(ended=True)
    )
