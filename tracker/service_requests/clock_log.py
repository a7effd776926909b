"""Why each due time of a request is what it is: the facts of the page that explains its clocks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from tracker.accounts.models import Person
from tracker.database import db
from tracker.organisation import queries as organisation
from tracker.service_requests import clocks
from tracker.service_requests.ladder import HelpersClock, Watched
from tracker.service_requests.lifecycle import UNRESOLVED_STATUSES
from tracker.service_requests.limits import (
    DAY_UNITS,
    Clock,
    ClockEntry,
    Counted,
    Due,
    Limit,
    LimitUnit,
    Stop,
    explain,
    is_overdue,
    past,
)
from tracker.service_requests.models import (
    Escalation,
    Part,
    PartEnd,
    PartEscalation,
    ServiceRequest,
)
from tracker.service_requests.parts import parts_of
from tracker.teams.models import Team


@dataclass(frozen=True, slots=True)
class LimitLog:
    """A limit, and line by line how it was counted."""

    limit: Limit
    started_at: datetime
    entries: Sequence[ClockEntry]
    is_extension: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What of a limit is not used while its clock stands still: days, or else time."""

    unit: LimitUnit
    days: int | None = None
    time: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ClockLog:
    """One clock of a request. Times in UTC."""

    clock: Watched
    parts: Sequence[LimitLog]
    """The limit, and after it what a supervisor granted on top."""
    due_at: datetime | None
    """None while it stands still."""
    ended_at: datetime | None
    """When what it measures happened."""
    is_late: bool
    applied_at: datetime | None = None
    """The due time that applied when it ended, where limits or calendar have changed since."""
    is_over: bool = False
    """Whether it has ended, or its due time has passed."""
    halted_at: datetime | None = None
    """When the request was done with, though what the clock measures never happened: it is counted no further."""
    stopped_at: datetime | None = None
    """Since when it stands still."""
    left: Left | None = None
    """What is left while it stands still; None where nothing is, or where that cannot be summed."""

    @property
    def returnable_until(self) -> datetime | None:
        """Return until when a team may give it back, or could: what ended before ended that, too."""
        ends = (self.due_at, self.ended_at, self.halted_at)
        return min((at for at in ends if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class PartLog:
    """The clock of a helping team's part with days of its own."""

    part: Part
    log: ClockLog


@dataclass(frozen=True, slots=True)
class Climbed:
    """One rung that was reached, with the people who were told by name."""

    escalation: Escalation | PartEscalation
    told: Sequence[str] = field(default_factory=tuple)
    team: Team | None = None
    """The helping team, of a rung that its part reached."""


def clock_logs(service_request: ServiceRequest, *, now: datetime) -> list[ClockLog]:
    """Return how each clock of a request has counted until `now`, in the order of its life.

    Once a request is done with, none counts any further. What was closed elsewhere, nobody knows
    when, has only the clocks that ended before.
    """
    it = service_request
    halted_at = None if it.status in UNRESOLVED_STATUSES else it.resolved_at or it.closed_at
    return [
        _log(it, each, now, halted_at if each.ended_at is None else None)
        for each in clocks.countings(it)
        if each.ended_at or halted_at or it.status in UNRESOLVED_STATUSES
    ]


def climbed(service_request: ServiceRequest) -> list[Climbed]:
    """Return the rungs of the ladder that a request reached, and its parts did, oldest first."""
    own = db.session.scalars(
        select(Escalation)
        .where(Escalation.service_request_id == service_request.id)
        .order_by(Escalation.id)
        .options(joinedload(Escalation.answered_by))
    ).all()
    of_parts = db.session.scalars(
        select(PartEscalation)
        .join(PartEscalation.part)
        .where(Part.service_request_id == service_request.id)
        .order_by(PartEscalation.id)
        .options(contains_eager(PartEscalation.part).joinedload(Part.team))
    ).all()
    ids = {person_id for each in own for person_id in each.told}
    names = _names(ids | {person_id for each in of_parts for person_id in each.told})
    found = [Climbed(each, _called(each.told, names)) for each in own]
    found += [Climbed(each, _called(each.told, names), each.part.team) for each in of_parts]
    return sorted(found, key=lambda one: one.escalation.reached_at)


def part_logs(service_request: ServiceRequest, *, now: datetime) -> list[PartLog]:
    """Return how the days of each part have counted until `now`: of what is open, or was done."""
    return [
        PartLog(part, _part_log(part, now))
        for part in parts_of(service_request)
        if part.working_days is not None and part.ended_as in (None, PartEnd.DONE)
    ]


def _names(ids: Collection[int]) -> Mapping[int, str]:
    named = select(Person.id, Person.name).where(Person.id.in_(sorted(ids)))
    return dict(db.session.execute(named).all())


def _called(ids: Sequence[int], names: Mapping[int, str]) -> Sequence[str]:
    return [names[person_id] for person_id in ids if person_id in names]


def _part_log(part: Part, now: datetime) -> ClockLog:
    assert part.working_days is not None  # noqa: S101 - asked only of what has days of its own
    it, ended_at = part.service_request, part.ended_at
    stops = [
        stop for stop in clocks.told_stops_of(it) if ended_at is None or stop.stopped_at < ended_at
    ]
    limit = Limit(part.working_days, LimitUnit.WORKING_DAYS)
    counted = _limit_log(it, limit, part.counted_from, stops, ended_at or now)
    stopped_at = _stopped_at(stops) if ended_at is None and _due_of(counted) is None else None
    return _clock_log(HelpersClock.PART, [counted], part.due_at, stopped_at, ended_at, now)


def _log(
    service_request: ServiceRequest,
    counting: clocks.Counting,
    now: datetime,
    halted_at: datetime | None,
) -> ClockLog:
    over_at = counting.ended_at or halted_at
    until = over_at or now
    stops = _until(clocks.told_stops_of(service_request), counting.clock, over_at)
    stopped_at = _stopped_at(stops) if over_at is None else None
    if stopped_at is not None and counting.clock is Clock.RESOLVE:
        stops = _moving(stops, service_request)
    parts = [
        _limit_log(
            service_request,
            counting.limit(service_request),
            counting.started_at,
            stops,
            until,
        )
    ]
    extra = clocks.extension_of(service_request) if counting.clock is Clock.RESOLVE else None
    due = _due_of(parts[-1])
    if extra is not None and due is not None:
        parts.append(_limit_log(service_request, extra, due, stops, until, is_extension=True))
    kept = _kept(service_request, counting.clock)
    return replace(
        _clock_log(counting.clock, parts, kept, stopped_at, over_at, now, extra),
        ended_at=counting.ended_at,
        halted_at=halted_at,
    )


def _clock_log(
    clock: Watched,
    parts: Sequence[LimitLog],
    kept: datetime | None,
    stopped_at: datetime | None,
    ended_at: datetime | None,
    now: datetime,
    extra: Limit | None = None,
) -> ClockLog:
    """Return the log of a clock; `kept`: by when it was due as it ended, `extra`: what was granted on top."""
    due = _due_of(parts[-1])
    has_moved = ended_at is not None and kept is not None and kept != due
    return ClockLog(
        clock,
        parts,
        due,
        ended_at,
        is_overdue(kept if has_moved else due, now, ended_at),
        kept if has_moved else None,
        is_over=ended_at is not None or is_overdue(due, now),
        stopped_at=stopped_at,
        left=_left(parts[0], extra) if due is None and ended_at is None else None,
    )


def _stopped_at(stops: Sequence[Stop]) -> datetime | None:
    return next((stop.stopped_at for stop in stops if stop.resumed_at is None), None)


def _moving(stops: list[Stop], service_request: ServiceRequest) -> list[Stop]:
    """Return the stops that move the due time: none that lasts where that holds, as it had passed."""
    holds = clocks.resolve_times(service_request)[0] is not None
    return [stop for stop in stops if stop.resumed_at is not None] if holds else stops


def _left(part: LimitLog, extra: Limit | None) -> Left | None:
    """Return what a limit that stands still has left, with what a supervisor granted on top."""
    limit = part.limit
    if extra is not None and extra.unit is not limit.unit:
        return None
    counted = [entry for entry in part.entries if isinstance(entry, Counted)]
    if limit.unit in DAY_UNITS:
        granted = limit.amount + (extra.amount if extra else 0)
        days = granted - sum(entry.days or 0 for entry in counted)
        return Left(limit.unit, days=days) if days > 0 else None
    unit = timedelta(minutes=1) if limit.unit is LimitUnit.MINUTES else timedelta(hours=1)
    time = limit.amount * unit - sum((entry.time or timedelta() for entry in counted), timedelta())
    return Left(limit.unit, time=time) if time > timedelta() else None


def _limit_log(
    service_request: ServiceRequest,
    limit: Limit,
    started_at: datetime,
    stops: Sequence[Stop],
    until: datetime,
    *,
    is_extension: bool = False,
) -> LimitLog:
    calendar = organisation.calendar(started_at, unit_id=service_request.unit_id)
    begins = past(started_at) if is_extension else started_at
    entries = explain(calendar, limit, begins, stops, now=until)
    return LimitLog(limit, started_at, entries, is_extension)


def _until(stops: Sequence[Stop], clock: Clock, ended_at: datetime | None) -> list[Stop]:
    """Return the stops that began before the clock ended; only those of the result count."""
    if clock not in (Clock.RESOLVE, Clock.FIRST_RESPONSE):
        return []
    return [stop for stop in stops if ended_at is None or stop.stopped_at < ended_at]


def _due_of(part: LimitLog) -> datetime | None:
    return next((entry.at for entry in part.entries if isinstance(entry, Due)), None)


def _kept(service_request: ServiceRequest, clock: Clock) -> datetime | None:
    """Return the due time that stands with the request."""
    match clock:
        case Clock.RESOLVE:
            return service_request.due_at
        case Clock.FIRST_RESPONSE:
            return service_request.first_response_due_at
        case Clock.SIGN_FOR:
            return service_request.sign_for_due_at
        case _:
            return None
