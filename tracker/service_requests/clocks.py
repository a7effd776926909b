"""The clocks of one request: which run, from when, by when; and the times kept with its row.

Everything that counts time on a request asks here: its steps, its pages, the ladder, and what
counts anew when limits or the calendar change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tracker.organisation import queries as organisation
from tracker.organisation.calendar import WorkingCalendar
from tracker.service_requests import ladder
from tracker.service_requests.lifecycle import (
    STOPPED_STATUSES,
    UNRESOLVED_STATUSES,
    Priority,
    Status,
    Step,
)
from tracker.service_requests.limit_rules import SET_BY_PEOPLE, Placed, limit_of
from tracker.service_requests.limits import (
    Clock,
    Limit,
    LimitUnit,
    Stop,
    Stops,
    due_at,
    keeps,
    near_at,
    past,
)
from tracker.service_requests.models import ServiceRequest


class Counted(Protocol):
    """What is asked of a request: it, or its plain values."""

    status: Status
    priority: Priority
    unit_id: int
    import_id: int | None
    submitted_at: datetime
    accepted_at: datetime | None
    assigned_at: datetime | None
    signed_for_at: datetime | None
    first_response_at: datetime | None
    resolved_at: datetime | None
    due_at: datetime | None
    near_at: datetime | None
    rungs_reached: int

    @property
    def category(self) -> Placed: ...  # noqa: D102 - as in `ServiceRequest`


@dataclass(frozen=True, slots=True)
class Counting:
    """One clock of a request: from when it counts, and when that ended."""

    clock: Clock
    started_at: datetime
    ended_at: datetime | None
    """When what it measures happened; None while it has not."""

    def limit(self, it: Counted) -> Limit:
        """Return what it counts by."""
        category = it.category if self.clock in SET_BY_PEOPLE else None
        return limit_of(category, it.priority, self.clock)


def countings(it: Counted) -> Iterator[Counting]:
    """Yield the clocks that a request has had so far, in the order of its life.

    What came from elsewhere and was never accepted here has none: when it should have been read
    nobody knows.
    """
    came = it.submitted_at if it.import_id is None else None
    starts = {
        Clock.ACCEPT: (came, it.accepted_at),
        Clock.FIRST_RESPONSE: (it.accepted_at, it.first_response_at),
        Clock.RETURN: (it.assigned_at, it.signed_for_at),
        Clock.SIGN_FOR: (it.assigned_at, it.signed_for_at),
        Clock.RESOLVE: (it.accepted_at, it.resolved_at),
    }
    for clock, (started_at, ended_at) in starts.items():
        if started_at is not None:
            yield Counting(clock, started_at, ended_at)


def set_clocks(service_request: ServiceRequest) -> None:
    """Recompute every due time, and when the next rung of the ladder is reached.

    The result is due by a limit that counts from acceptance and stands still while stopped. What
    was overdue when its clock stopped keeps its due time: a question makes nothing punctual. A
    resolved or closed request keeps the due times that applied, and so does what was done already:
    a first response, signing for it. While the clock stands still the ladder leads nowhere.
    """
    it = service_request
    if it.status not in UNRESOLVED_STATUSES:
        it.ladder_at = None
        return
    it.due_at, it.near_at = resolve_times(it)
    running = list(running_clocks(it, stops_of(it)))
    if it.first_response_at is None:
        it.first_response_due_at = _due_of(Clock.FIRST_RESPONSE, running)
    if it.assigned_at is None or it.status is Status.ASSIGNED:
        it.sign_for_due_at = _due_of(Clock.SIGN_FOR, running)
    it.ladder_at = next_rung_at(it, running)


def next_rung_at(
    it: Counted, running: Sequence[ladder.Running], calendar: WorkingCalendar | None = None
) -> datetime | None:
    """Return when the next rung of the ladder is reached; `running`: as `running_clocks` says.

    `calendar`: its `ladder_calendar_of`, of who has asked for that already.
    """
    if it.status in STOPPED_STATUSES:
        return None
    return ladder.next_at(calendar or ladder_calendar_of(it), running, it.rungs_reached)


def running_clocks(it: Counted, stops: Stops) -> Iterator[ladder.Running]:
    """Yield the clocks whose end is still to come, with their times; none of those that stand still."""
    if it.status not in UNRESOLVED_STATUSES:
        return
    for counting in countings(it):
        if counting.ended_at is not None or not _runs(it.status, counting.clock):
            continue
        if counting.clock is Clock.RESOLVE:
            due, near = it.due_at, it.near_at
        else:
            calendar, limit = calendar_of(it, counting.started_at), counting.limit(it)
            due = due_at(calendar, limit, counting.started_at, stops)
            near = near_at(calendar, limit, counting.started_at, stops)
        if due is not None and near is not None:
            yield ladder.Running(counting.clock, near, due)


def begin_anew(service_request: ServiceRequest, step: Step, *, is_moved: bool) -> None:
    """Let the ladder's rungs be reached once more where a step lets a limit begin anew.

    `is_moved`: not where the request only changed hands inside the team that has it.
    """
    clocks = ladder.BEGINS_ANEW.get(step, ()) if is_moved else ()
    if step is Step.RECEIVE_MERGED and service_request.accepted_at is None:
        clocks = tuple(Clock)
    bits = ladder.bits_of(clocks)
    if service_request.rungs_reached & bits:
        service_request.rungs_reached &= ~bits
        service_request.ladder_round += 1


def resolve_times(service_request: ServiceRequest) -> tuple[datetime | None, datetime | None]:
    """Return by when there must be a result, and from when that is near, by the stops so far.

    Both None before acceptance, and while a stop has not ended that began by the due time. What
    came from elsewhere and was never accepted here has the due time that its source gave it; for
    how long a stop would move that, nobody knows.
    """
    return _times_with(service_request, extension_of(service_request))


def due_if_extended(service_request: ServiceRequest, working_days: int) -> datetime | None:
    """Return by when there must be a result once so many working days more are granted.

    The same reckoning as when they are; None while the clock stands still.
    """
    return _times_with(service_request, _more_time(working_days))[0]


def extension_of(service_request: ServiceRequest) -> Limit | None:
    """Return what a supervisor granted on top of the limit."""
    return _more_time(service_request.extension_working_days)


def stops_of(service_request: ServiceRequest) -> Stops:
    """Return when the clock stood still."""
    return [(stop.stopped_at, stop.resumed_at) for stop in service_request.stops]


def told_stops_of(service_request: ServiceRequest) -> list[Stop]:
    """Return when the clock stood still, and the value of `ClockStop.reason`, to be told."""
    return [
        Stop(stop.stopped_at, stop.resumed_at, stop.reason.value) for stop in service_request.stops
    ]


def calendar_of(service_request: Counted, around: datetime | None = None) -> WorkingCalendar:
    """Return the working calendar by which a request is counted."""
    around = around or service_request.submitted_at
    return organisation.calendar(around, unit_id=service_request.unit_id)


def ladder_calendar_of(service_request: Counted) -> WorkingCalendar:
    """Return the working calendar by which the upper rungs are counted, past the due time."""
    return calendar_of(service_request, service_request.due_at)


def _more_time(working_days: int) -> Limit | None:
    return Limit(working_days, LimitUnit.WORKING_DAYS) if working_days else None


def _times_with(
    service_request: ServiceRequest, extra: Limit | None
) -> tuple[datetime | None, datetime | None]:
    stops = stops_of(service_request)
    if service_request.accepted_at is None:
        due, near = service_request.due_at, service_request.near_at
        stops = [(begun, None) for begun, _ in stops]  # how far one moves it nobody knows
    else:
        ended = [stop for stop in stops if stop[1] is not None]
        due, near = _counted_times(service_request, ended, extra)
    return (due, near) if keeps(due, stops) else (None, None)


def _counted_times(
    service_request: ServiceRequest, stops: Stops, extra: Limit | None
) -> tuple[datetime | None, datetime | None]:
    started_at = service_request.accepted_at
    assert started_at is not None  # noqa: S101 - asked only of what was accepted
    calendar = calendar_of(service_request, started_at)
    limit = limit_of(service_request.category, service_request.priority)
    due = due_at(calendar, limit, started_at, stops)
    near = near_at(calendar, limit, started_at, stops)
    if extra is not None and due is not None:
        near = near_at(calendar, extra, past(due), stops)
        due = due_at(calendar, extra, past(due), stops)
    return due, near


def _runs(status: Status, clock: Clock) -> bool:
    """Tell whether a clock that the ladder watches can run in a status."""
    match clock:
        case Clock.ACCEPT:
            return status is Status.SUBMITTED
        case Clock.SIGN_FOR:
            return status is Status.ASSIGNED
        case Clock.RETURN:
            return False
        case _:
            return True


def _due_of(clock: Clock, running: list[ladder.Running]) -> datetime | None:
    return next((each.due_at for each in running if each.clock is clock), None)
