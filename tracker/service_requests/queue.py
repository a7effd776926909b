"""The desk's list: what is asked of it, in which order, and how many wait in each status.

Pure of Flask: the view reads the address into a `QueueFilter` and prints what comes back.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    SQLColumnExpression,
    String,
    TextClause,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    true,
    union_all,
)

from tracker.database import UtcDateTime, always_among, among, read
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, may
from tracker.privacy import normalise_phone
from tracker.service_requests import contact, lines, search
from tracker.service_requests.due import STATUSES, DueState, is_in_state
from tracker.service_requests.lifecycle import OPEN_STATUSES, Kind, Priority, Status
from tracker.service_requests.lines import Line
from tracker.service_requests.models import (
    CASEWORK,
    OPEN_CASEWORK,
    Requester,
    ServiceRequest,
    of_team_if_open,
)
from tracker.service_requests.reference import parse_reference, typed_digits
from tracker.visibility import CaseworkColumns, made_once, within_reach
from tracker.web.paging import Page, Sieve, wide_page_of

PAGE_SIZE: Final = 25
MOST_COUNTED: Final = 999
"""Beyond this a tab says “999+”."""
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


@dataclass(frozen=True, slots=True)
class _Meant:
    """The units, areas and categories that a filter means, with all below; None for all there are."""

    units: frozenset[int] | None
    areas: frozenset[int] | None
    categories: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class _Words:
    """What is searched for: the condition, and whether few or very many requests can fit it."""

    make: Callable[[], ColumnElement[bool]] | None = None
    """Makes the condition, which most searches for a frequent word never come to ask."""
    are_few: bool = False
    """So few that they are looked up one by one."""
    sift: Callable[[Sequence[int]], Collection[int]] | None = None
    """Which of some requests fit, where very many may."""

    @property
    def are_many(self) -> bool:
        return self.make is not None and not self.are_few


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
# As in the indexes of migration 0012.
_REFERENCE_END: Final[ColumnElement[str]] = literal_column(
    "substr(service_request.reference, 7)", String
)
_PHONE_END: Final[ColumnElement[str]] = literal_column(
    "substr(requester.phone, length(requester.phone) - 3)", String
)
SHORTEST_END: Final = 4
"""So many digits at the end of a number find it."""
LONGEST_END: Final = 15
"""No number has more."""
_NOW: Final = bindparam("now", type_=UtcDateTime())
_BY_TURN: Final = "INDEXED BY ix_service_request_desk"
_BY_STATUS: Final = "INDEXED BY ix_service_request_counts"
_BY_TEAM: Final = "INDEXED BY ix_service_request_team_counts"
_BY_AGE: Final = "INDEXED BY ix_service_request_newest"
"""For SQLite, which knows only how many rows a value has on average: left to itself it gathers
and sorts thousands instead of reading the list in its order."""
WITH_CLOSED: Final = frozenset({Tab.CLOSED, Tab.ALL})
"""Tabs of what is closed, too, the newest first."""
_IS_OPEN: Final = text("service_request.status <> 'closed'")  # a typed column would say "… = 1"


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list, and how many wait in each open status."""

    page: Page[Line]
    counts: Mapping[Tab, Count]


def look(
    actor: Actor, wanted: QueueFilter, *, zone: ZoneInfo, mark: str | None, now: datetime
) -> Listing:
    """Return one page of what `actor` may see of the queue, and the numbers on its tabs."""
    words = _with_words(actor, wanted.words)
    meant = _meant(wanted)
    listed, counted, sieve = _listed, _counted, None
    if words.sift is not None:
        everything = listed(actor, replace(wanted, words=""), meant, _Words(), zone)
        sieve = Sieve(everything, words.sift)
    if words.make is not None:  # hardly ever asked twice
        listed, counted = listed.__wrapped__, counted.__wrapped__  # type: ignore[attr-defined]
    newest_first = wanted.tab in WITH_CLOSED
    page = wide_page_of(
        lambda: listed(actor, wanted, meant, words, zone),
        _NEWEST if newest_first else _IN_TURN,
        load=lines.of,
        mark=mark,
        parameters={_NOW.key: now},
        size=PAGE_SIZE,
        newest_first=newest_first,
        sieve=sieve,
    )
    if words.make is not None and _is_whole(page) and wanted.tab in (Tab.OPEN, Tab.ALL):
        return Listing(page, _open_counts(Counter(line.status for line in page.rows)))
    if words.are_many:  # they are looked for as far as the page goes
        return Listing(page, {})
    asked = counted(actor, replace(wanted, tab=Tab.ALL), meant, words, zone)
    found: Counter[Status] = Counter()
    for status, how_many in read(asked, {_NOW.key: now}):
        found[status] += how_many
    return Listing(page, _open_counts(found))


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
    actor: Actor, wanted: QueueFilter, meant: _Meant, words: _Words, zone: ZoneInfo
) -> Select[int]:
    """Select the list.

    What is open comes in the order in which it must move: what waits for triage first, the
    oldest before the newer; then by due time; then what has none, as it stands still; last what waits for the
    requester's word. With what is closed, the newest comes first.
    """
    is_open = wanted.tab not in WITH_CLOSED
    query = _asked(actor, wanted, meant, words, zone, open_only=is_open)
    if words.are_few:  # they are looked up one by one
        return query
    return query.with_hint(ServiceRequest, _BY_TURN if is_open else _BY_AGE, "sqlite")


@made_once
def _counted(
    actor: Actor, wanted: QueueFilter, meant: _Meant, words: _Words, zone: ZoneInfo
) -> Select[Status, int] | CompoundSelect[Status, int]:
    """Select how many fit in each open status, up to `MOST_COUNTED` and one more.

    Nobody reads the difference between thousands, and the page does not grow slower with them.
    """
    if wanted.team_id is not None and not words.are_few:
        anybodys = _asked(actor, replace(wanted, team_id=None), meant, words, zone, open_only=True)
        own, helped = of_team_if_open(wanted.team_id)
        parts = [
            anybodys.where(own).with_hint(ServiceRequest, _BY_TEAM, "sqlite"),
            anybodys.where(helped),
        ]
        return union_all(*(_by_status(part) for part in parts))
    everything = _asked(actor, wanted, meant, words, zone, open_only=True)
    if words.are_few:
        return _by_status(everything)
    everything = everything.with_hint(ServiceRequest, _BY_STATUS, "sqlite")
    if wanted.mine:
        # What is looked up for it is so once, not for each status.
        return _by_status(everything)
    possible = OPEN_STATUSES if wanted.due is None else STATUSES[wanted.due]
    return union_all(
        *(_some_in(everything, status) for status in OPEN_STATUSES if status in possible)
    )


def _by_status(fitting: Select[int]) -> Select[Status, int]:
    counted = fitting.where(_IS_OPEN).with_only_columns(ServiceRequest.status, func.count())
    return counted.group_by(ServiceRequest.status)


def _some_in(fitting: Select[int], status: Status) -> Select[Status, int]:
    """Select how many there are in a status, no further than is told."""
    here = always_among(ServiceRequest.status, [status])
    some = fitting.where(here, _IS_OPEN).limit(MOST_COUNTED + 1).subquery()
    return select(literal(status, ServiceRequest.status.type), func.count()).select_from(some)


def _open_counts(found: Mapping[Status, int]) -> Mapping[Tab, Count]:
    """Return how many fit the filter in each open status, and in all of them together."""
    each = {status: _count(found.get(status, 0)) for status in OPEN_STATUSES}
    together = sum(count.at_least for count in each.values())
    return {
        Tab.OPEN: Count(together, is_all=all(count.is_all for count in each.values())),
        **{Tab(status.value): count for status, count in each.items()},
    }


def _count(found: int) -> Count:
    return Count(min(found, MOST_COUNTED), is_all=found <= MOST_COUNTED)


def _asked(
    actor: Actor,
    wanted: QueueFilter,
    meant: _Meant,
    words: _Words,
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
            return (ServiceRequest.status == Status.CLOSED,)
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


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _with_words(actor: Actor, typed: str) -> _Words:
    """Return the condition for a reference, a phone number, or words in any language.

    A number is the whole of what was typed, with however many spaces.
    """
    words = search.asked_for(typed)
    if not words:
        return _Words()
    reference = parse_reference(typed)
    if reference is not None:
        return _Words(lambda: ServiceRequest.reference == reference, are_few=True)
    named = search.names_in(words)
    by_phone, by_end = _by_phone(typed, actor), _by_its_end(typed, actor)
    # Hardly any text has a whole number in it; thousands of one would only be read more slowly.
    are_few = not named and (bool(by_phone) or search.are_few(words))
    reads_all = _reads_all(actor)

    def in_the_open() -> ColumnElement[bool]:
        return true() if reads_all else _is_in_the_open(actor, words)

    @cache
    def few() -> ColumnElement[bool]:
        by_number = [*by_phone, *by_end]
        if by_number and reads_all:
            # One list of ids: of two conditions, PostgreSQL would look at every request for either.
            return ServiceRequest.id.in_(search.ids_with(words, *by_number))
        found = and_(search.fits(words, named), in_the_open())
        return or_(ServiceRequest.id.in_(union_all(*by_number)), found) if by_number else found

    @cache
    def many() -> ColumnElement[bool]:
        found = and_(search.fits(words, named), in_the_open())
        return or_(found, *map(ServiceRequest.id.in_, by_end))

    def sift(ids: Sequence[int]) -> Collection[int]:
        by_text = search.matching(words, ids)
        if reads_all and not by_end:
            return by_text
        fits = or_(
            and_(ServiceRequest.id.in_(by_text), in_the_open()),
            *map(ServiceRequest.id.in_, by_end),
        )
        asked = select(ServiceRequest.id).where(ServiceRequest.id.in_(ids), fits)
        return frozenset(read(asked).scalars())

    if are_few:
        return _Words(few, are_few=True)
    # Names are so many that a page is full before the texts are asked.
    return _Words(many, sift=None if named else sift)


def _reads_all(actor: Actor) -> bool:
    """Tell whether `actor` may see the contact data of every request in their queue.

    As a desk, that is: whoever else may see it may not once the request is closed.
    """
    queue = Action.VIEW_QUEUE
    return actor.units_where(queue) <= actor.units_where(Action.VIEW_CONTACT) and not (
        actor.teams_where(queue) or actor.own_roles_where(queue)
    )


def _is_in_the_open(actor: Actor, words: str) -> ColumnElement[bool]:
    """Return the condition that words fit what `actor` may read of a request.

    Names and addresses are in the index as well: whoever sees them masked could try them out
    there, letter by letter.
    """
    return or_(
        contact.is_seen_by(actor),
        and_(*(search.is_in_the_open(term) for term in words.split())),
    )


def _by_phone(words: str, actor: Actor) -> Sequence[Select[int]]:
    """Select what came from a number, where the words are one that `actor` may look for."""
    phone = normalise_phone(words, organisation.organisation().country)
    return [] if phone is None else _asked_by(Requester.phone == phone, actor=actor)


def _by_its_end(words: str, actor: Actor) -> Sequence[Select[int]]:
    """Select what has a reference, or came from a number, that ends in the digits typed."""
    digits = typed_digits(words)
    if digits is None or not SHORTEST_END <= len(digits) <= LONGEST_END:
        return []
    last = digits[-SHORTEST_END:]
    its_own = select(ServiceRequest.id).where(
        _REFERENCE_END.in_((last,)), ServiceRequest.reference.endswith(digits, autoescape=True)
    )
    by_phone = _PHONE_END.in_((last,)), Requester.phone.endswith(digits, autoescape=True)
    return [its_own, *_asked_by(*by_phone, actor=actor)]


def _asked_by(*whose: ColumnElement[bool], actor: Actor) -> Sequence[Select[int]]:
    """Select what such requesters asked for, as far as `actor` may see numbers.

    A number may only be looked for by those who may see numbers.
    """
    if not may(actor, Action.VIEW_CONTACT):
        return []
    callers = select(Requester.id).where(*whose)
    return [
        select(ServiceRequest.id).where(
            ServiceRequest.requester_id.in_(callers), contact.is_seen_by(actor)
        )
    ]
