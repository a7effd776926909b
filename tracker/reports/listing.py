"""The exact list behind a figure: the same condition that counts it selects it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, bindparam, select, tuple_

from tracker.accounts.models import Person
from tracker.database import UtcDateTime, db
from tracker.permissions import Action, Actor
from tracker.reports.definitions import CONDITIONS, Figure, Scope, visible
from tracker.service_requests import lines
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.lifecycle import Kind, Outcome, Priority, Solved, Status
from tracker.service_requests.lines import Line
from tracker.service_requests.models import Requester, ServiceRequest
from tracker.visibility import made_once, within_reach
from tracker.web.paging import Page, wide_page_of

AT_ONCE = 1000
_IDS: Final = select(ServiceRequest.id)
_NEWEST: Final = (ServiceRequest.submitted_at.expression, ServiceRequest.id.expression)
_MOMENTS: Final[Mapping[str, Any]] = {
    name: bindparam(name, type_=UtcDateTime()) for name in ("as_of", "start", "end")
}
_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands for every moment where only what is asked matters, not as of when."""


def behind(
    actor: Actor, scope: Scope, figure: Figure, *, mark: str | None = None, size: int = 50
) -> Page[Line]:
    """Return a page of the requests behind a figure, newest first, with the names to show."""
    moments: dict[str, Any] = {name: getattr(scope, name) for name in _MOMENTS}
    given = {name: moment for name, moment in moments.items() if moment is not None}
    any_time: dict[str, Any] = dict.fromkeys(given, _SOME_TIME)
    return wide_page_of(
        _IDS,
        _NEWEST,
        load=lines.LOADER,
        mark=mark,
        parameters=given,
        size=size,
        newest_first=True,
        asked=_asked(actor, replace(scope, **any_time), figure),
    )


@made_once
def _asked(actor: Actor, scope: Scope, figure: Figure) -> Sequence[ColumnElement[bool]]:
    """Return what is asked of the requests behind a figure; each moment is a parameter of its name."""
    asked_for = {
        name: named for name, named in _MOMENTS.items() if getattr(scope, name) is not None
    }
    return visible(actor), CONDITIONS[figure](replace(scope, **asked_for))


class Row(NamedTuple):
    """One request as it is exported: its own columns, and the names of who asks and who leads."""

    id: int
    reference: str
    kind: Kind
    category_id: int
    unit_id: int
    area_id: int | None
    address: str
    channel: str
    priority: Priority
    status: Status
    outcome: Outcome | None
    lead_team_id: int | None
    submitted_at: datetime
    due_at: datetime | None
    resolved_at: datetime | None
    resolved_on_time: bool | None
    closed_at: datetime | None
    seconds_to_close: int | None
    solved: Solved | None
    satisfaction: int | None
    times_reopened: int
    source_id: str | None
    leader_name: str | None
    requester_name: str | None
    requester_phone: str | None


def exported(actor: Actor, scope: Scope, figure: Figure) -> Iterator[Sequence[Row]]:
    """Yield what `actor` may export of the list behind a figure, newest first, some at a time.

    Each part is read by its place, so that neither memory nor a transaction is held while a
    slow reader takes it.
    """
    own = [getattr(ServiceRequest, name) for name in Row._fields[:-3]]
    asked = (
        visible(actor),
        CONDITIONS[figure](scope),
        within_reach(actor, Action.EXPORT_SERVICE_REQUESTS, CASEWORK),
    )
    query = (
        select(*own, Person.name, Requester.name, Requester.phone)
        .outerjoin(Person, Person.id == ServiceRequest.leader_id)
        .outerjoin(Requester, Requester.id == ServiceRequest.requester_id)
        .order_by(ServiceRequest.submitted_at.desc(), ServiceRequest.id.desc())
        .limit(AT_ONCE)
    )
    place = tuple_(ServiceRequest.submitted_at, ServiceRequest.id)
    part = query.where(*asked)
    while rows := [Row._make(row) for row in db.session.execute(part)]:
        yield rows
        if len(rows) < AT_ONCE:
            return
        db.session.rollback()
        # The place first: of two bounds SQLite begins at the one that it reads first.
        part = query.where(place < (rows[-1].submitted_at, rows[-1].id), *asked)
