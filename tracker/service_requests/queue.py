"""The desk's list: what is asked of it, in which order, and how many wait in each status.

Pure of Flask: the view reads the address into a `QueueFilter` and prints what comes back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    SQLColumnExpression,
    TextClause,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    union_all,
)

from tracker.database import UtcDateTime, always_among, among, read
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor
from tracker.service_requests import lines
from tracker.service_requests.casework import CASEWORK, OPEN_CASEWORK, of_team_if_open
from tracker.service_requests.due import STATUSES, DueState, is_in_state
from tracker.service_requests.lifecycle import (
    OPEN_STATUSES,
    UNRESOLVED_STATUSES,
    Kind,
    Priority,
    Status,
)
from tracker.service_requests.lines import Line
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.narrow import SUPERVISED, URGED, Filter, are_among, narrowest
from tracker.service_requests.sought import NOTHING, Sought, sought
from tracker.visibility import CaseworkColumns, made_once, within_reach
from tracker.web.paging import Page, Sieve, wide_page_of

PAGE_SIZE: Final = 25
COUNTED_AT_ONCE: Final = 99
"""Beyond this a tab says “99+” until a script has asked for more (`static/js/counts.js`)."""
MOST_COUNTED: Final = 999
"""Beyond this it says “999+” for good."""
DUE_FILTERS: Final = (DueState.OVERDUE, DueState.NEAR, DueState.STOPPED)


class Tab(StrEnum):
    """Which statuses a list shows."""

    OPEN = "open"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    PARKED = "parked"
    RESOLVED = "resolved"
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are: exactly, or at least so many."""

    at_least: int
    is_all: bool


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What somebody wants to see of the list; None and "" leave a question open."""

    tab: Tab = Tab.OPEN
    words: str = ""
    unit_id: int | None = None
    team_id: int | None = None
    leader_id: int | None = None
    category_id: int | None = None
    area_id: int | None = None
    """With the areas below it."""
    channel: str = ""
    kind: Kind | None = None
    priority: Priority | None = None
    due: DueState | None = None
    submitted_from: date | None = None
    submitted_to: date | None = None
    """The last day that is included, on the organisation's calendar."""
    mine: bool = False
    """What the reader answers for, has claimed, or leads the team of."""
    supervised: bool = False
    """What a supervisor has not answered for yet."""
    urged: bool = False
    """What its requester urged, and that has no result yet."""


@dataclass(frozen=True, slots=True)
class _Meant:
    """The units, areas and categories that a filter means, with all below; None for all there are."""

    units: frozenset[int] | None
    areas: frozenset[int] | None
    categories: frozenset[int] | None


# Literal SQL, as in the index ix_service_request_desk (migration 0006): a database knows an expression again only
# when nothing of it is a parameter.
_TURN: Final[ColumnElement[int]] = literal_column(
    "CASE WHEN service_request.status = 'submitted' THEN 0"
    " WHEN service_request.status = 'resolved' THEN 3"
    " WHEN service_request.due_at IS NULL THEN 2 ELSE 1 END",
    Integer,
)
_WHEN: Final[ColumnElement[datetime]] = literal_column(
    "coalesce(service_request.due_at, service_request.submitted_at)", UtcDateTime()
)
_IN_TURN: Final[Sequence[SQLColumnExpression[Any]]] = (_TURN, _WHEN, ServiceRequest.id)
_NEWEST: Final[Sequence[SQLColumnExpression[Any]]] = (
    ServiceRequest.submitted_at,
    ServiceRequest.id,
)
_NOW: Final = bindparam("now", type_=UtcDateTime())
# Whatever is due by a time stands in turn 1 in the order of that time; what waits for triage has such a time only
# where it came from elsewhere with one. Hence both ends of where it is looked for.
_FIRST_TURN: Final[ColumnElement[int]] = literal_column(
    "CASE WHEN EXISTS (SELECT 1 FROM service_request AS early"
    " WHERE early.status = 'submitted' AND early.due_at IS NOT NULL) THEN 0 ELSE 1 END",
    Integer,
)


def _among_due() -> Mapping[DueState, Sequence[ColumnElement[bool]]]:
    place = tuple_(_TURN, _WHEN)
    begins, ends = tuple_(_FIRST_TURN, _NOW), tuple_(literal_column("2"), _NOW)
    return {
        DueState.OVERDUE: (_TURN >= _FIRST_TURN, place < tuple_(literal_column("1"), _NOW)),
        DueState.NEAR: (place >= begins, place < ends),
    }


_AMONG_DUE: Final = _among_due()
"""In which stretch of the list of what is open those stand that a clock filter asks for."""
_BY_TURN: Final = "INDEXED BY ix_service_request_desk"
_BY_STATUS: Final = "INDEXED BY ix_service_request_counts"
_BY_UNIT: Final = "INDEXED BY ix_service_request_unit_status_due"
_BY_TEAM: Final = "INDEXED BY ix_service_request_team_counts"
_BY_AGE: Final = "INDEXED BY ix_service_request_newest"
_CLOSED_BY_AGE: Final = "INDEXED BY ix_service_request_newest_closed"
"""For SQLite, which knows only how many rows a value has on average: left to itself it gathers
and sorts thousands instead of reading the list in its order."""
WITH_CLOSED: Final = frozenset({Tab.CLOSED, Tab.ALL})
"""Tabs of what is closed, too, the newest first."""
_IS_OPEN: Final = text("service_request.status <> 'closed'")  # a typed column would say "… = 1"
_IS_CLOSED: Final = text("service_request.status = 'closed'")  # as the index says it


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list, and how many wait in each open status."""

    page: Page[Line]
    counts: Mapping[Tab, Count]


class _Asked(NamedTuple):
    """What is wanted, looked up."""

    wanted: QueueFilter
    """Without words."""
    meant: _Meant
    words: Sought
    zone: ZoneInfo
    parameters: Mapping[str, object]


def look(
    actor: Actor, wanted: QueueFilter, *, zone: ZoneInfo, mark: str | None, now: datetime
) -> Listing:
    """Return one page of what `actor` may see of the queue, and the numbers on its tabs.

    These are counted as far as `COUNTED_AT_ONCE`; `count` goes on.
    """
    asked = _ask(actor, wanted, zone, now)
    listed, words, sieve = _listed, asked.words, None
    newest_first = wanted.tab in WITH_CLOSED
    few = _few(asked, newest_first=newest_first)
    if words.sift is not None:
        sieve = Sieve(listed(actor, asked.wanted, asked.meant, NOTHING, zone, few), words.sift)
    if not words.is_made_once:
        listed = listed.__wrapped__  # type: ignore[attr-defined]
    page = wide_page_of(
        lambda: listed(actor, asked.wanted, asked.meant, words, zone, few),
        _NEWEST if newest_first else _IN_TURN,
        load=lines.LOADER,
        mark=mark,
        parameters=asked.parameters,
        size=PAGE_SIZE,
        newest_first=newest_first,
        asked=() if newest_first or wanted.due is None else _AMONG_DUE.get(wanted.due, ()),
        sieve=sieve,
        # Of what is open there is so little that every plan is quick.
        is_planned_once=words.is_made_once and (words.are_few or not newest_first),
    )
    if not words.is_nothing and _is_whole(page) and wanted.tab in (Tab.OPEN, Tab.ALL):
        found = Counter(line.status for line in page.rows)
        return Listing(page, _open_counts(found, COUNTED_AT_ONCE))
    return Listing(page, _count(actor, asked, COUNTED_AT_ONCE))


def count(
    actor: Actor, wanted: QueueFilter, *, zone: ZoneInfo, now: datetime
) -> Mapping[Tab, Count]:
    """Return the numbers on the tabs of a list as far as `MOST_COUNTED`; none where very many may fit."""
    return _count(actor, _ask(actor, wanted, zone, now), MOST_COUNTED)


def _few(asked: _Asked, *, newest_first: bool) -> Filter | None:
    """Return the filter that so few fit that they are looked up, in place of reading the list."""
    if asked.words.are_few:
        return None
    marks = _marks(asked.wanted)
    # What is open is little enough to be read to its end, unless nearly none of it is marked.
    return narrowest([*marks, *_filters(asked)] if newest_first else marks)


def _marks(wanted: QueueFilter) -> Sequence[Filter]:
    marks = ((SUPERVISED, wanted.supervised), (URGED, wanted.urged))
    return [mark for mark, is_asked in marks if is_asked]


def _filters(asked: _Asked) -> Sequence[Filter]:
    """Return what is filtered by, as far as it has an index."""
    wanted, meant = asked.wanted, asked.meant
    given = (
        (ServiceRequest.lead_team_id, _one(wanted.team_id)),
        (ServiceRequest.leader_id, _one(wanted.leader_id)),
        (ServiceRequest.area_id, meant.areas),
        (ServiceRequest.category_id, meant.categories),
        (ServiceRequest.unit_id, meant.units),
    )
    return [Filter(column.key, tuple(sorted(ids))) for column, ids in given if ids is not None]


def _one(wanted: int | None) -> frozenset[int] | None:
    return None if wanted is None else frozenset({wanted})


def _ask(actor: Actor, wanted: QueueFilter, zone: ZoneInfo, now: datetime) -> _Asked:
    words = sought(actor, wanted.words)
    parameters = {_NOW.key: now, **words.given}
    return _Asked(replace(wanted, words=""), _meant(wanted), words, zone, parameters)


def _count(actor: Actor, asked: _Asked, most: int) -> Mapping[Tab, Count]:
    if not asked.words.are_counted:  # they are looked for as far as the page goes
        return {}
    few = _few(asked, newest_first=False)
    if asked.words.are_few or asked.wanted.mine or few is not None:
        most = MOST_COUNTED  # all of them are counted anyway
    counted = _counted if asked.words.is_made_once else _counted.__wrapped__  # type: ignore[attr-defined]
    in_all = replace(asked.wanted, tab=Tab.ALL)
    found: Counter[Status] = Counter()
    statement = counted(actor, in_all, asked.meant, asked.words, asked.zone, most, few)
    for status, how_many in read(statement, asked.parameters).all():
        found[status] += how_many
    return _open_counts(found, most)


def _is_whole(page: Page[Line]) -> bool:
    """Tell whether the page is all there is of its list."""
    return page.next_mark is None and page.previous_mark is None


def _meant(wanted: QueueFilter) -> _Meant:
    unit, area, category = wanted.unit_id, wanted.area_id, wanted.category_id
    return _Meant(
        None if unit is None else organisation.units_below(unit),
        None if area is None else organisation.areas_below(area),
        None if category is None else organisation.categories_below(category),
    )


@made_once
def _listed(
    actor: Actor,
    wanted: QueueFilter,
    meant: _Meant,
    words: Sought,
    zone: ZoneInfo,
    few: Filter | None = None,
) -> Select[int]:
    """Select the list; of what fits `few` alone, where that is given.

    What is open comes in the order in which it must move: what waits for triage first, the
    oldest before the newer; then by due time; then what has none, as it stands still; last what waits for the
    requester's word. With what is closed, the newest comes first.
    """
    query = _asked(actor, wanted, meant, words, zone, open_only=wanted.tab not in WITH_CLOSED)
    if words.are_few:  # they are looked up one by one
        return query
    if few is not None:
        return _among_few(query, few)
    index = {Tab.ALL: _BY_AGE, Tab.CLOSED: _CLOSED_BY_AGE}.get(wanted.tab, _BY_TURN)
    return query.with_hint(ServiceRequest, index, "sqlite")


def _among_few(query: Select[int], few: Filter) -> Select[int]:
    query = query.where(are_among(few))
    return query.with_hint(ServiceRequest, "NOT INDEXED", "sqlite")  # but by their ids


@made_once
def _counted(
    actor: Actor,
    wanted: QueueFilter,
    meant: _Meant,
    words: Sought,
    zone: ZoneInfo,
    most: int,
    few: Filter | None = None,
) -> Select[Status, int] | CompoundSelect[Status, int]:
    """Select how many fit in each open status, up to `most` and one more; of `few` all.

    Nobody reads the difference between thousands, and the page does not grow slower with them.
    """
    if few is not None:
        fitting = _asked(actor, wanted, meant, words, zone, open_only=True)
        return _by_status(_among_few(fitting, few))
    team_id = None if words.are_few else wanted.team_id
    wanted = wanted if team_id is None else replace(wanted, team_id=None)
    everything = _asked(actor, wanted, meant, words, zone, open_only=True)
    possible = OPEN_STATUSES if wanted.due is None else STATUSES[wanted.due]
    statuses = [status for status in OPEN_STATUSES if status in possible]
    if team_id is not None:
        own, helped = of_team_if_open(team_id)
        its_own = everything.where(own).with_hint(ServiceRequest, _BY_TEAM, "sqlite")
        some_in = (_some_in(its_own, status, most) for status in statuses)
        return union_all(*some_in, _by_status(everything.where(helped)))
    if words.are_few:
        return _by_status(everything)
    by_unit = wanted.unit_id is not None and wanted == QueueFilter(
        tab=wanted.tab,
        unit_id=wanted.unit_id,
        due=wanted.due if wanted.due in (DueState.OVERDUE, DueState.STOPPED) else None,
    )
    everything = everything.with_hint(ServiceRequest, _BY_UNIT if by_unit else _BY_STATUS, "sqlite")
    if wanted.mine:
        # What is looked up for it is so once, not for each status.
        return _by_status(everything)
    return union_all(*(_some_in(everything, status, most) for status in statuses))


def _by_status(fitting: Select[int]) -> Select[Status, int]:
    counted = fitting.where(_IS_OPEN).with_only_columns(ServiceRequest.status, func.count())
    return counted.group_by(ServiceRequest.status)


def _some_in(fitting: Select[int], status: Status, most: int) -> Select[Status, int]:
    """Select how many there are in a status, no further than is told."""
    here = always_among(ServiceRequest.status, [status])
    some = fitting.where(here, _IS_OPEN).limit(most + 1).subquery()
    return select(literal(status, ServiceRequest.status.type), func.count()).select_from(some)


def _open_counts(found: Mapping[Status, int], most: int) -> Mapping[Tab, Count]:
    """Return how many fit the filter in each open status, and in all of them together."""
    each = {
        status: Count(min(found.get(status, 0), most), is_all=found.get(status, 0) <= most)
        for status in OPEN_STATUSES
    }
    together = sum(count.at_least for count in each.values())
    return {
        Tab.OPEN: Count(together, is_all=all(count.is_all for count in each.values())),
        **{Tab(status.value): count for status, count in each.items()},
    }


def _asked(
    actor: Actor,
    wanted: QueueFilter,
    meant: _Meant,
    words: Sought,
    zone: ZoneInfo,
    *,
    open_only: bool,
) -> Select[int]:
    """Select what fits. `open_only`: whoever asks leaves out what is closed."""
    rows = OPEN_CASEWORK if open_only else CASEWORK
    conditions = [
        *_of_tab(wanted.tab),
        *_of_people(actor, wanted, meant, rows),
        *_of_content(wanted, meant),
        *_of_time(wanted, zone),
        *_of_marks(wanted),
    ]
    if words.make is not None:
        conditions.append(words.make())
    visible = within_reach(actor, Action.VIEW_QUEUE, rows)
    return select(ServiceRequest.id).where(visible, *conditions)


def _of_tab(tab: Tab) -> Sequence[ColumnElement[bool] | TextClause]:
    match tab:
        case Tab.ALL:
            return ()
        case Tab.OPEN:
            return (_IS_OPEN,)
        case Tab.CLOSED:
            return (_IS_CLOSED,)
        case _:
            return (ServiceRequest.status == Status(tab.value), _IS_OPEN)


def _of_people(
    actor: Actor, wanted: QueueFilter, meant: _Meant, rows: CaseworkColumns
) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if meant.units is not None:
        conditions.append(among(ServiceRequest.unit_id, sorted(meant.units)))
    if wanted.team_id is not None:
        conditions.append(rows.in_teams([wanted.team_id]))
    if wanted.leader_id is not None:
        conditions.append(ServiceRequest.leader_id == wanted.leader_id)
    if wanted.mine:
        conditions.append(_own(actor, rows))
    return conditions


def _own(actor: Actor, rows: CaseworkColumns) -> ColumnElement[bool]:
    ways = [rows.in_teams(sorted(actor.teams_where(Action.VIEW_QUEUE)))]
    if actor.person_id is not None:
        ways.append(ServiceRequest.leader_id == actor.person_id)
        ways.append(rows.claimed_by(actor.person_id))
    return or_(*ways)


def _of_content(wanted: QueueFilter, meant: _Meant) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if meant.categories is not None:
        conditions.append(among(ServiceRequest.category_id, sorted(meant.categories)))
    if meant.areas is not None:
        conditions.append(among(ServiceRequest.area_id, sorted(meant.areas)))
    if wanted.channel:
        conditions.append(ServiceRequest.channel == wanted.channel)
    if wanted.kind is not None:
        conditions.append(ServiceRequest.kind == wanted.kind)
    if wanted.priority is not None:
        conditions.append(ServiceRequest.priority == wanted.priority)
    return conditions


def _of_time(wanted: QueueFilter, zone: ZoneInfo) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.due is not None:
        conditions.append(is_in_state(wanted.due, _NOW))
    if wanted.submitted_from is not None:
        begins = _midnight(wanted.submitted_from, zone)
        conditions.append(ServiceRequest.submitted_at >= begins)
    if wanted.submitted_to is not None:
        ends = _midnight(wanted.submitted_to + timedelta(days=1), zone)
        conditions.append(ServiceRequest.submitted_at < ends)
    return conditions


def _of_marks(wanted: QueueFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.supervised:
        conditions.append(ServiceRequest.supervised_at.is_not(None))
    if wanted.urged:
        is_unresolved = always_among(ServiceRequest.status, UNRESOLVED_STATUSES)
        conditions += [ServiceRequest.urged_at.is_not(None), is_unresolved]
    return conditions


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
