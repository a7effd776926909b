"""The parts of a request: what each helping team is to do, by when, and how that stands.

A helping team has a part once somebody says what it is to do, one at a time. Without one it helps as
before: its members may claim. A part with working days of its own is counted as its request is: by the
calendar of the request's unit, from the day after they were said, not while the request's clock stands
still. One without is due when the whole request is. Either climbs the two lower rungs of the ladder (see
`climbing_parts`), each once, and anew where its time begins anew: other days were said, or the request
that it is due with was extended. What becomes of an open part:

- its team ends it, with what it did, or gives it back, with the reason, and then helps no more
- whoever gives parts takes it back; the team still helps
- the request is assigned without its team, or returned to the desk: it is taken back
- the request is resolved, referred, merged, declined or withdrawn: it ends with the request
- the request is taken up again: what ended stays ended, and new parts may be given

An ended part stays with its request. A request that is split among several teams is one request in every
list and figure, of its lead team: parts count nothing and change no status.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, or_, select
from sqlalchemy.orm import joinedload

from tracker.database import db
from tracker.errors import NotFoundError
from tracker.permissions import Action, Actor
from tracker.service_requests import clocks, ladder
from tracker.service_requests.due import DueState, due_state
from tracker.service_requests.ladder import HelpersClock, Running
from tracker.service_requests.lifecycle import (
    CLAIMABLE_STATUSES,
    STOPPED_STATUSES,
    UNRESOLVED_STATUSES,
    Status,
)
from tracker.service_requests.limit_rules import limit_of
from tracker.service_requests.limits import (
    Clock,
    Limit,
    LimitUnit,
    due_at,
    is_overdue,
    keeps,
    near_at,
)
from tracker.service_requests.models import Claim, HelpingTeam, Part, PartEnd, ServiceRequest
from tracker.teams.models import AT_WORK, Membership

_ONE_ID: Final = bindparam("id", type_=Integer)
OPEN: Final = Part.ended_at.is_(None)
"""A part that has not ended."""
WITH_OPEN_PARTS: Final = frozenset((*CLAIMABLE_STATUSES, Status.PARKED))
"""Only in these a part of a request can be open: see `integrity.requests.parts`."""


@dataclass(frozen=True, slots=True)
class PartClock:
    """How a part stands against its time: what `due.due_state` asks."""

    status: Status
    resolved_on_time: bool | None
    due_at: datetime | None
    near_at: datetime | None


def clock_of(part: Part) -> PartClock:
    """Return the clock of a part: its own days, else that of its request."""
    it = part.service_request
    if part.ended_at is not None:
        in_time = None if part.due_at is None else not is_overdue(part.due_at, part.ended_at)
        told = in_time if part.ended_as is PartEnd.DONE else None
        return PartClock(Status.CLOSED, told, part.due_at, None)
    if part.working_days is None:
        return PartClock(it.status, None, it.due_at, it.near_at)
    return PartClock(it.status, None, part.due_at, part.near_at)


def state_of(part: Part, now: datetime) -> DueState | None:
    """Return how a part stands, by the one definition; None for what ended and was not done."""
    return due_state(clock_of(part), now)


def set_times(part: Part) -> None:
    """Count the days of an open part anew, and when it reaches its next rung of the ladder.

    Without days of its own it has no times: those of its request hold, which are counted first.
    """
    it = part.service_request
    if part.working_days is None:
        part.due_at = part.near_at = None
    else:
        part.due_at, part.near_at = times_of(it, part.working_days, part.counted_from)
    running = running_clock(clock_of(part))
    part.ladder_at = ladder.next_at(clocks.ladder_calendar_of(it), running, part.rungs_reached)


def begin_anew(part: Part) -> None:
    """Let its rungs be reached once more: its time begins anew."""
    if part.rungs_reached:
        part.rungs_reached = 0
        part.ladder_round += 1


def running_clock(clock: PartClock) -> Sequence[Running]:
    """Return the clock of a part as the ladder sees it; none while it stands still, or has ended."""
    runs = clock.status in UNRESOLVED_STATUSES and clock.status not in STOPPED_STATUSES
    if not runs or clock.due_at is None or clock.near_at is None:
        return ()
    return (Running(HelpersClock.PART, clock.near_at, clock.due_at),)


def times_of(
    service_request: ServiceRequest, working_days: int, start: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return when so many working days end, and from when that is near, by the stops so far.

    Both None while the clock stands still that was in time when it stopped.
    """
    calendar = clocks.calendar_of(service_request, start)
    limit = Limit(working_days, LimitUnit.WORKING_DAYS)
    stops = clocks.stops_of(service_request)
    ended = [stop for stop in stops if stop[1] is not None]
    due, near = due_at(calendar, limit, start, ended), near_at(calendar, limit, start, ended)
    return (due, near) if keeps(due, stops) else (None, None)


def return_limit_at(part: Part) -> datetime | None:
    """Return until when its team may give a part back: the return limit, from when it was given."""
    it = part.service_request
    limit = limit_of(it.category, it.priority, Clock.RETURN)
    return due_at(clocks.calendar_of(it, part.given_at), limit, part.given_at)


def has_begun(part: Part) -> bool:
    """Tell whether a member of its team works on it: see `holders_of`."""
    if not part.service_request.claimant_ids:
        return False
    return db.session.execute(holders_of(Part.id == part.id).limit(1)).first() is not None


def holders_of(which: ColumnElement[bool]) -> Select[int, int]:
    """Select the id of each of some parts with the id of each person who works on it.

    That is who holds a place, is a member of its team and in no other team of the request.
    """
    helping = select(HelpingTeam.team_id).where(HelpingTeam.service_request_id == ServiceRequest.id)
    elsewhere = (
        select(Membership.person_id)
        .where(
            AT_WORK,
            Membership.team_id != Part.team_id,
            or_(
                Membership.team_id == ServiceRequest.lead_team_id,
                Membership.team_id.in_(helping.correlate(ServiceRequest)),
            ),
        )
        .correlate(Part, ServiceRequest)
    )
    theirs = and_(
        Membership.person_id == Claim.person_id, Membership.team_id == Part.team_id, AT_WORK
    )
    return (
        select(Part.id, Claim.person_id)
        .join(ServiceRequest, ServiceRequest.id == Part.service_request_id)
        .join(Claim, Claim.service_request_id == Part.service_request_id)
        .join(Membership, theirs)
        .where(which, Claim.released_at.is_(None), Claim.person_id.not_in(elsewhere))
        .order_by(Claim.id)
    )


def can_return(part: Part, now: datetime) -> bool:
    """Tell whether its team may give a part back now: within the limit, and before it began."""
    return not is_overdue(return_limit_at(part), now) and not has_begun(part)


def open_parts(service_request: ServiceRequest) -> Sequence[Part]:
    """Return the parts that have not ended, in the order in which they were given."""
    return db.session.scalars(_OPEN_OF_ONE, {"id": service_request.id}).all()


def parts_of(service_request: ServiceRequest) -> Sequence[Part]:
    """Return every part with who gave and who ended it, in the order in which they were given."""
    return db.session.scalars(_ALL_OF_ONE, {"id": service_request.id}).all()


def own_part(actor: Actor, service_request: ServiceRequest, part_id: int) -> Part:
    """Return a part of a team that `actor` leads, ended or not.

    Raises `NotFoundError` where there is none, and where it is another team's.
    """
    found = db.session.scalar(
        select(Part)
        .where(
            Part.id == part_id,
            Part.service_request_id == service_request.id,
            Part.team_id.in_(sorted(actor.teams_where(Action.END_PART))),
        )
        .execution_options(populate_existing=True)
    )
    if found is None:
        message = "There is no such part of a team that the reader leads."
        raise NotFoundError(message)
    return found


@dataclass(frozen=True, slots=True)
class PartLine:
    """One part, as pages tell it to one reader."""

    part: Part
    state: DueState | None
    due_at: datetime | None
    is_own: bool
    """The reader leads its team, and it has not ended."""
    can_return: bool
    """And may give it back now."""

    @property
    def sits(self) -> bool:
        """Tell whether it is near or overdue by days of its own; else that is said of its request."""
        has_days = self.part.working_days is not None and self.part.ended_at is None
        return has_days and self.state in (DueState.NEAR, DueState.OVERDUE)


def line_of(part: Part, actor: Actor, now: datetime) -> PartLine:
    """Return a part as pages tell it to `actor`."""
    is_own = part.ended_at is None and part.team_id in actor.teams_where(Action.END_PART)
    may_go_back = is_own and can_return(part, now)
    return PartLine(part, state_of(part, now), clock_of(part).due_at, is_own, may_go_back)


def teams_with_open(service_request: ServiceRequest) -> Mapping[int, Part]:
    """Return team → its open part."""
    return {part.team_id: part for part in open_parts(service_request)}


_OPEN_OF_ONE: Final[Select[Part]] = (
    select(Part)
    .where(Part.service_request_id == _ONE_ID, OPEN)
    .options(joinedload(Part.team))
    .order_by(Part.id)
    .execution_options(populate_existing=True)
)
_ALL_OF_ONE: Final[Select[Part]] = (
    select(Part)
    .where(Part.service_request_id == _ONE_ID)
    .options(joinedload(Part.team), joinedload(Part.given_by), joinedload(Part.ended_by))
    .order_by(Part.id)
)
