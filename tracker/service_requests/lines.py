"""What lists say of a request: plain values, read in one statement, equal where they read the same.

What a page draws of a line can therefore be remembered by the line itself
(`tracker.web.templating.drawn_once`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, Subquery, case, select

from tracker.accounts.models import Person
from tracker.database import numbered, one_of, read
from tracker.loading import Loader
from tracker.organisation.models import Area, Category, Unit
from tracker.privacy import mask_name, mask_phone
from tracker.service_requests.lifecycle import (
    UNRESOLVED_STATUSES,
    Outcome,
    Priority,
    Solved,
    Status,
)
from tracker.service_requests.models import Requester, ServiceRequest
from tracker.set_up import until_set_up_changes
from tracker.teams.models import Team


class Name(NamedTuple):
    """What people call something, in the main language and perhaps in English."""

    name: str
    name_en: str | None


class Line(NamedTuple):
    """One request as lists name it. Times are aware, in UTC."""

    id: int
    reference: str
    need: str
    status: Status
    priority: Priority
    outcome: Outcome | None
    solved: Solved | None
    submitted_at: datetime
    due_at: datetime | None
    near_at: datetime | None
    sign_for_due_at: datetime | None
    resolved_on_time: bool | None
    closed_at: datetime | None
    seconds_to_close: int | None
    supervised_at: datetime | None
    urged_at: datetime | None
    leader: str | None
    requester_name: str | None
    requester_phone: str | None
    is_reachable: bool
    """Some way to answer is known, be it an address of mail or a neighbour."""
    category: Name
    group: Name | None
    """The category above it."""
    area: Name | None
    unit: Name
    team: Name | None

    @property
    def is_urged(self) -> bool:
        """Tell whether the requester asked to hurry, and there is no result yet."""
        return self.urged_at is not None and self.status in UNRESOLVED_STATUSES


class _Names(NamedTuple):
    """What everything that a request is listed with is called, by its id."""

    categories: Mapping[int, Name]
    groups: Mapping[int, Name]
    """By the id of the category below it."""
    areas: Mapping[int, Name]
    units: Mapping[int, Name]
    teams: Mapping[int, Name]


_FIRST: Final = Line._fields.index("leader")
_OWN: Final = [getattr(ServiceRequest, name) for name in Line._fields[:_FIRST]]
_NAMED: Final = (
    ServiceRequest.category_id,
    ServiceRequest.area_id,
    ServiceRequest.unit_id,
    ServiceRequest.lead_team_id,
)
_IS_REACHABLE: Final = case(
    (Requester.phone.is_not(None), True),
    (Requester.email.is_not(None), True),
    (Requester.neighbour != "", True),
    else_=False,
)
_COLUMNS: Final = (*_OWN, Person.name, Requester.name, Requester.phone, _IS_REACHABLE, *_NAMED)


def _with_people(requests: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return requests.outerjoin(Person, Person.id == ServiceRequest.leader_id).outerjoin(
        Requester, Requester.id == ServiceRequest.requester_id
    )


@lru_cache
def _lines(how_many: int) -> Select[*tuple[Any, ...]]:
    """Select so many lines. Made once: making a statement of so many columns takes longer than its answer."""
    return _with_people(select(*_COLUMNS)).where(one_of(ServiceRequest.id, how_many))


def _beside(page: Subquery) -> Select[*tuple[Any, ...]]:
    """Select the lines of a page of ids."""
    found = select(*_COLUMNS).select_from(page)
    return _with_people(found.join(ServiceRequest, ServiceRequest.id == page.c.id))


def of(ids: Sequence[int]) -> Sequence[Line]:
    """Return the lines of some requests, in no order."""
    return _made(read(_lines(len(ids)), numbered(ids)).all())


def _made(rows: Sequence[Sequence[Any]]) -> Sequence[Line]:
    try:
        return _with_names(rows, _names())
    except KeyError:  # something was set up since this page began, and is named already
        return _with_names(rows, _read_names())


LOADER: Final = Loader(of, _beside, _made)


def team_name(team_id: int) -> Name:
    """Return what a team is called. Raises `KeyError` for an id without a team."""
    try:
        return _names().teams[team_id]
    except KeyError:  # set up since this page began
        return _read_names().teams[team_id]


def masked(line: Line, country: str) -> Line:
    """Return the line as whoever may not see contact data reads it.

    `country` (ISO 3166-1) says whose numbers are written short.
    """
    name, phone = line.requester_name, line.requester_phone
    return line._replace(
        requester_name=mask_name(name) if name else "",
        requester_phone=mask_phone(phone, country) if phone else "",
    )


def names(columns: Sequence[Any]) -> Iterator[Any]:
    """Yield a `Name`, or None, for each pair of columns: the main one, and the English one."""
    for name, english in zip(columns[::2], columns[1::2], strict=True):
        yield Name(name, english) if name is not None else None


def _with_names(rows: Sequence[Sequence[Any]], called: _Names) -> Sequence[Line]:
    """Return the lines; raises `KeyError` for an id without a name."""
    return [_line(tuple(row), called) for row in rows]


def _line(row: Sequence[Any], called: _Names) -> Line:
    *values, category_id, area_id, unit_id, team_id = row
    named = (
        called.categories[category_id],
        called.groups.get(category_id),
        None if area_id is None else called.areas[area_id],
        called.units[unit_id],
        None if team_id is None else called.teams[team_id],
    )
    return Line._make((*values, *named))


def _read_names() -> _Names:
    categories = read(
        select(Category.id, Category.name, Category.name_en, Category.parent_id)
    ).all()
    by_id = {each: Name(name, english) for each, name, english, _group_id in categories}
    others = (_named(read(select(kind.id, kind.name, kind.name_en))) for kind in (Area, Unit, Team))
    groups = {
        each: by_id[group_id] for each, _n, _e, group_id in categories if group_id is not None
    }
    return _Names(by_id, groups, *others)


def _named(rows: Iterable[Sequence[Any]]) -> Mapping[int, Name]:
    return {each: Name(name, english) for each, name, english in rows}


_names = until_set_up_changes(_read_names)
