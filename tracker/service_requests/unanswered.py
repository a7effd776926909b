"""Until when a question waits for its answer, in working days of the request's unit."""

from datetime import datetime
from typing import Final

from tracker.organisation import queries as organisation
from tracker.organisation.calendar import WorkingCalendar
from tracker.service_requests.clocks import calendar_of
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.limits import Limit, LimitUnit, due_at
from tracker.service_requests.models import ServiceRequest

REMINDERS: Final = 2
"""How often whoever does not answer is asked again."""


def turn_after(service_request: ServiceRequest, moment: datetime) -> datetime:
    """Return when time does the next thing to a question that was asked, or asked again, at `moment`.

    That is in the evening of the last working day counted.
    """
    days = organisation.organisation().question_days
    return _days_later(calendar_of(service_request, moment), moment, days)


def turn_of(service_request: ServiceRequest) -> datetime | None:
    """Return when that is, counted anew from when it was asked last; None where nobody counts."""
    if service_request.question_turn_at is None:
        return None
    asked = [stop.stopped_at for stop in service_request.stops if stop.resumed_at is None]
    last = service_request.reminded_at or (asked[-1] if asked else None)
    return service_request.question_turn_at if last is None else turn_after(service_request, last)


def answer_by(service_request: ServiceRequest) -> datetime | None:
    """Return when work goes on without an answer, if none comes; None where nobody counts."""
    turn_at = service_request.question_turn_at
    if service_request.status is not Status.WAITING or turn_at is None:
        return None
    left = max(REMINDERS - service_request.reminders_sent, 0)
    days = organisation.organisation().question_days
    return _days_later(calendar_of(service_request, turn_at), turn_at, left * days)


def _days_later(calendar: WorkingCalendar, moment: datetime, days: int) -> datetime:
    if not days:
        return moment
    found = due_at(calendar, Limit(days, LimitUnit.WORKING_DAYS), moment)
    assert found is not None  # noqa: S101 - nothing has stopped it
    return found
