"""What lists say of a request: plain values, read in one statement, equal where they read the same.

What a page draws of a line can therefore be remembered by the line itself
(`tracker.web.templating.drawn_once`).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, case, select
from sqlalchemy.orm import aliased

from tracker.accounts.models import Person
from tracker.database import db, numbered, one_of
from tracker.organisation.models import Area, Category, Unit
from tracker.privacy import mask_name, mask_phone
from tracker.service_requests.lifecycle import Outcome, Priority, Solved, Status
from tracker.service_requests.models import Requester, ServiceRequest
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
    resolved_on_time: bool | None
    closed_at: datetime | None
    seconds_to_close: int | None
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


_GROUP: Final = aliased(Category)
_NAMED: Final = (Category, _GROUP, Area, Unit, Team)
_OWN: Final = [
    getattr(ServiceRequest, name) for name in Line._fields[: Line._fields.index("leader")]
]
_IS_REACHABLE: Final = case(
    (Requester.phone.is_not(None), True),
    (Requester.email.is_not(None), True),
    (Requester.neighbour != "", True),
    else_=False,
)
_LINES: Final[Select[*tuple[Any, ...]]] = (
    select(
        *_OWN,
        Person.name,
        Requester.name,
        Requester.phone,
        _IS_REACHABLE,
        *(column for thing in _NAMED for column in (thing.name, thing.name_en)),
    )
    .join(Category, Category.id == ServiceRequest.category_id)
    .outerjoin(_GROUP, _GROUP.id == Category.parent_id)
    .outerjoin(Area, Area.id == ServiceRequest.area_id)
    .join(Unit, Unit.id == ServiceRequest.unit_id)
    .outerjoin(Team, Team.id == ServiceRequest.lead_team_id)
    .outerjoin(Person, Person.id == ServiceRequest.leader_id)
    .outerjoin(Requester, Requester.id == ServiceRequest.requester_id)
)


@lru_cache
def _lines(how_many: int) -> Select[*tuple[Any, ...]]:
    """Select so many lines. Made once: making a statement of so many columns takes longer than its answer."""
    return _LINES.where(one_of(ServiceRequest.id, how_many))


def of(ids: Sequence[int]) -> Sequence[Line]:
    """Return the lines of some requests, in no order."""
    return [_line(row) for row in db.session.execute(_lines(len(ids)), numbered(ids))]


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


def _line(row: Sequence[Any]) -> Line:
    values = tuple(row)
    named = -2 * len(_NAMED)
    return Line._make((*values[:named], *names(values[named:])))
