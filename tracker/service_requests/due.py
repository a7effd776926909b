"""How a request stands against its due time, in one word, for colours, chips and filters.

The definition of overdue itself is `limits.is_overdue`; `conditions` says the same in SQL.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from sqlalchemy import BindParameter, ColumnElement, and_, or_

from tracker.database import always_among
from tracker.service_requests.lifecycle import (
    HANDLED_STATUSES,
    STOPPED_STATUSES,
    UNRESOLVED_STATUSES,
    Status,
)
from tracker.service_requests.limits import is_overdue
from tracker.service_requests.models import ServiceRequest


class Timed(Protocol):
    """What `due_state` asks of a request, or of a line of a list."""

    @property
    def status(self) -> Status: ...  # noqa: D102 - as in `ServiceRequest`
    @property
    def resolved_on_time(self) -> bool | None: ...  # noqa: D102
    @property
    def due_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def near_at(self) -> datetime | None: ...  # noqa: D102


class DueState(StrEnum):
    """How a request stands against its due time."""

    ON_TIME = "on_time"
    NEAR = "near"
    """More than 80 % of the limit is used."""
    OVERDUE = "overdue"
    STOPPED = "stopped"
    """The clock stands still, and it was in time when it stopped."""
    DONE = "done"
    DONE_LATE = "done_late"


def due_state(service_request: Timed, now: datetime) -> DueState | None:
    """Return how a request stands; what is resolved or closed keeps how it ended.

    None for what ended without a result, such as a withdrawal.
    """
    if service_request.status not in UNRESOLVED_STATUSES:
        match service_request.resolved_on_time:
            case None:
                return None
            case in_time:
                return DueState.DONE if in_time else DueState.DONE_LATE
    if is_overdue(service_request.due_at, now):
        return DueState.OVERDUE  # also while the clock stands still: it was when it stopped
    if service_request.status in STOPPED_STATUSES:
        return DueState.STOPPED
    if service_request.near_at is not None and now >= service_request.near_at:
        return DueState.NEAR
    return DueState.ON_TIME


_RUNNING: Final = tuple(one for one in UNRESOLVED_STATUSES if one not in STOPPED_STATUSES)
STATUSES: Final[Mapping[DueState, Sequence[Status]]] = {
    DueState.ON_TIME: _RUNNING,
    DueState.NEAR: _RUNNING,
    DueState.OVERDUE: UNRESOLVED_STATUSES,
    DueState.STOPPED: STOPPED_STATUSES,
    DueState.DONE_LATE: HANDLED_STATUSES,
}
"""In which statuses a request can stand so, for each that a list asks for."""


def is_in_state(state: DueState, now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition that a request stands so; raises `ValueError` for what no list asks."""
    if state not in STATUSES:
        message = f"No list asks for {state}."
        raise ValueError(message)
    due_at, near_at = ServiceRequest.due_at, ServiceRequest.near_at
    stands = always_among(ServiceRequest.status, STATUSES[state])
    match state:
        case DueState.OVERDUE:
            return and_(stands, due_at < now)
        case DueState.NEAR:
            return and_(stands, near_at <= now, due_at >= now)
        case DueState.STOPPED:
            return and_(stands, or_(due_at.is_(None), due_at >= now))
        case DueState.DONE_LATE:
            return and_(stands, ServiceRequest.resolved_on_time.is_(False))
        case _:
            return and_(stands, or_(due_at.is_(None), near_at > now))
