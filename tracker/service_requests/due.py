"""How a request stands against its due time, in one word, for colours, chips and filters.

The definition of overdue itself is `limits.is_overdue`; `conditions` says the same in SQL.
"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import BindParameter, ColumnElement, and_, or_

from tracker.database import always_among
from tracker.service_requests.lifecycle import (
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


def is_in_state(state: DueState, now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition that a request stands so; raises `ValueError` for what no list asks."""
    running = always_among(
        ServiceRequest.status,
        [status for status in UNRESOLVED_STATUSES if status not in STOPPED_STATUSES],
    )
    match state:
        case DueState.OVERDUE:
            return and_(
                always_among(ServiceRequest.status, UNRESOLVED_STATUSES),
                ServiceRequest.due_at < now,
            )
        case DueState.NEAR:
            return and_(running, ServiceRequest.near_at <= now, ServiceRequest.due_at >= now)
        case DueState.STOPPED:
            return and_(
                always_among(ServiceRequest.status, STOPPED_STATUSES),
                or_(ServiceRequest.due_at.is_(None), ServiceRequest.due_at >= now),
            )
        case DueState.DONE_LATE:
            return and_(
                always_among(ServiceRequest.status, (Status.RESOLVED, Status.CLOSED)),
                ServiceRequest.resolved_on_time.is_(False),
            )
        case DueState.ON_TIME:
            return and_(
                running,
                or_(ServiceRequest.due_at.is_(None), ServiceRequest.near_at > now),
            )
        case _:
            message = f"No list asks for {state}."
            raise ValueError(message)
