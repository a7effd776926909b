"""Taking one step: the only writer of a request's status, history and clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select, update

from tracker.database import db
from tracker.organisation import queries as organisation
from tracker.permissions import Actor
from tracker.service_requests import calls, clocks, ladder, messages, news, parts
from tracker.service_requests.lifecycle import (
    HANDLED_STATUSES,
    HANDLING_STEPS,
    STOPPED_STATUSES,
    Status,
    Step,
    status_after,
)
from tracker.service_requests.limits import Clock
from tracker.service_requests.models import (
    Approval,
    ApprovalKind,
    Claim,
    ClockStop,
    Handler,
    HelpingTeam,
    HistoryEntry,
    Part,
    PartEnd,
    ServiceRequest,
)
from tracker.visits.models import Visit, VisitStatus
from tracker.visits.queries import is_to_come


def take(
    service_request: ServiceRequest,
    step: Step,
    *,
    actor: Actor,
    now: datetime,
    public_note: str = "",
    internal_note: str = "",
    team_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
    inside: bool = False,
) -> None:
    """Move to the next status and remember who did it.

    `inside`: it stays with its lead team, see `lifecycle.STAYS_INSIDE`. Raises `StepNotAllowedError` when the life cycle has no such step from here.
    """
    before, stood = service_request.status, _standing(service_request)
    after = status_after(before, step, inside=inside)
    # Every column that the CHECKs tie to the status changes before the first query, because a
    # query flushes what is half changed.
    service_request.status = after
    _set_columns(service_request, before, now)
    if service_request.first_response_at is None and _answers(step, actor, public_note):
        service_request.first_response_at = now
    record(
        service_request,
        step,
        before=before,
        actor=actor,
        now=now,
        public_note=public_note,
        internal_note=internal_note,
        team_id=team_id,
        detail=detail,
    )
    if step in HANDLING_STEPS and actor.person_id is not None:
        remember_handler(service_request, actor.person_id)
    _let_calls_be(service_request, step, before, actor=actor, detail=detail, now=now)
    if before in STOPPED_STATUSES and after != before:
        _end_stops(service_request, now)
    if after in STOPPED_STATUSES and after != before:
        service_request.stops.append(ClockStop(reason=after, stopped_at=now, resumed_at=None))
    _mark_what_hangs_on_it(service_request, before)
    if after in HANDLED_STATUSES and before not in HANDLED_STATUSES:
        _end_parts(service_request, actor=actor, now=now)
        _let_approvals_lapse(service_request, now)
        to_come = _call_off_visits(service_request, now)
        if step is not Step.WITHDRAW:  # who takes it back knows
            _tell_that_nobody_comes(service_request, to_come, actor=actor, now=now)
    if after is Status.PARKED and before is not Status.PARKED:
        to_come = _call_off_while_parked(service_request, now)
        _tell_that_nobody_comes(service_request, to_come, actor=actor, now=now)
    clocks.begin_anew(service_request, step, is_moved=not inside)
    clocks.set_clocks(service_request)
    is_new_limit = Clock.RESOLVE in ladder.BEGINS_ANEW.get(step, ())
    if {before, after} <= parts.WITH_OPEN_PARTS and (
        is_new_limit or _standing(service_request) != stood
    ):
        _count_parts_anew(service_request, begins_anew=is_new_limit)
    news.tell_of_step(service_request, step, now=now)


def record(
    service_request: ServiceRequest,
    step: Step,
    *,
    before: Status | None,
    actor: Actor,
    now: datetime,
    public_note: str = "",
    internal_note: str = "",
    team_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one row of history."""
    service_request.history.add(
        HistoryEntry(
            taken_at=now,
            step=step,
            from_status=before,
            to_status=service_request.status,
            actor_id=actor.person_id,
            team_id=team_id,
            public_note=public_note.strip(),
            internal_note=internal_note.strip(),
            detail=dict(detail or {}),
        )
    )


def forget_result(service_request: ServiceRequest, *, now: datetime) -> None:
    """Take back the result: a reopened request counts where it is now. History keeps it.

    The clock stood still from the result until now: nobody could work on it.
    """
    if service_request.resolved_at is not None:
        service_request.stops.append(
            ClockStop(
                reason=Status.RESOLVED, stopped_at=service_request.resolved_at, resumed_at=now
            )
        )
    service_request.outcome = None
    service_request.resolved_at = None
    service_request.resolved_on_time = None
    service_request.confirmation = None
    service_request.confirmed_at = None
    service_request.solved = None
    service_request.satisfaction = None
    service_request.reminders_sent = 0
    service_request.reminded_at = None


def remember_handler(service_request: ServiceRequest, person_id: int) -> None:
    """Remember that a person worked on the request, once."""
    known = db.session.scalar(
        select(Handler.person_id).where(
            Handler.service_request_id == service_request.id, Handler.person_id == person_id
        )
    )
    if known is None:
        db.session.add(Handler(service_request_id=service_request.id, person_id=person_id))
        db.session.flush()


def _set_columns(service_request: ServiceRequest, before: Status, now: datetime) -> None:
    after = service_request.status
    if after is not Status.WAITING:
        service_request.waiting_for = ""
        service_request.question_turn_at = None
    if after is not Status.PARKED:
        service_request.parked_until = None
    if after is Status.CLOSED and before is not Status.CLOSED:
        service_request.closed_at = now
        service_request.seconds_to_close = int((now - service_request.submitted_at).total_seconds())
    if before is Status.CLOSED and after is not Status.CLOSED:
        service_request.closed_at = None
        service_request.seconds_to_close = None


def _mark_what_hangs_on_it(service_request: ServiceRequest, before: Status) -> None:
    """Keep with each place and each team that helps whether it is over."""
    after = service_request.status
    if (after in HANDLED_STATUSES) != (before in HANDLED_STATUSES):
        db.session.execute(
            update(Claim)
            .where(Claim.service_request_id == service_request.id)
            .values(is_over=after in HANDLED_STATUSES)
        )
    if (after is Status.CLOSED) != (before is Status.CLOSED):
        db.session.execute(
            update(HelpingTeam)
            .where(HelpingTeam.service_request_id == service_request.id)
            .values(is_closed=after is Status.CLOSED)
        )


def _standing(service_request: ServiceRequest) -> tuple[object, ...]:
    """Return what the times of parts hang on: those of the request, and whether its clock stands still."""
    it = service_request
    return it.due_at, it.near_at, it.status in STOPPED_STATUSES


def _count_parts_anew(service_request: ServiceRequest, *, begins_anew: bool) -> None:
    """Let the days of parts stand still, and run, with the clock; and follow it where they have none.

    `begins_anew`: the limit of the request does.
    """
    for part in parts.open_parts(service_request):
        if begins_anew and part.working_days is None:
            parts.begin_anew(part)
        parts.set_times(part)


def _not_begun(
    service_request: ServiceRequest, now: datetime, *conditions: ColumnElement[bool]
) -> Sequence[Visit]:
    """Return the visits to come, but for one under way: who is there already is not called back."""
    return db.session.scalars(
        select(Visit).where(
            Visit.service_request_id == service_request.id,
            is_to_come(now),
            Visit.planned_from > now,
            *conditions,
        )
    ).all()


def _call_off_visits(service_request: ServiceRequest, now: datetime) -> Sequence[Visit]:
    """Let nobody ring at a door for what has been settled; return the visits that had not begun."""
    to_come = _not_begun(service_request, now)
    db.session.execute(
        update(Visit)
        .where(Visit.service_request_id == service_request.id, Visit.status == VisitStatus.PLANNED)
        .values(status=VisitStatus.CANCELLED)
    )
    return to_come


def _call_off_while_parked(service_request: ServiceRequest, now: datetime) -> Sequence[Visit]:
    """Let nobody wait at home while nothing can be done; what is planned for later stands."""
    assert service_request.parked_until is not None  # noqa: S101 - the database says so, too
    zone = ZoneInfo(organisation.time_zone_name())
    looked_at_again = datetime.combine(service_request.parked_until, time.min, zone)
    meanwhile = _not_begun(service_request, now, Visit.planned_from < looked_at_again)
    for visit in meanwhile:
        visit.status = VisitStatus.CANCELLED
    return meanwhile


def _tell_that_nobody_comes(
    service_request: ServiceRequest, to_come: Sequence[Visit], *, actor: Actor, now: datetime
) -> None:
    for visit in to_come:
        record(
            service_request,
            Step.NOTE,
            before=service_request.status,
            actor=actor,
            now=now,
            detail={"visit_id": visit.id, "cancelled": True},
        )
        messages.tell_requester(service_request, Step.NOTE, now=now, visit=visit, calls_off=True)


def _end_parts(service_request: ServiceRequest, *, actor: Actor, now: datetime) -> None:
    """Let no team go on with its part of what has a result, or is closed."""
    db.session.execute(
        update(Part)
        .where(Part.service_request_id == service_request.id, parts.OPEN)
        .values(
            ended_at=now,
            ended_as=PartEnd.WITH_REQUEST,
            ended_by_id=actor.person_id,
            ladder_at=None,
        )
    )


def _let_calls_be(
    service_request: ServiceRequest,
    step: Step,
    before: Status,
    *,
    actor: Actor,
    detail: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    """Call nobody about what they hear as the step is taken, or about what has come to its end."""
    after = service_request.status
    is_over = after in HANDLED_STATUSES and after != before
    if is_over or calls.is_heard_of(step, actor, detail or {}):
        calls.drop(service_request, now=now)


def _let_approvals_lapse(service_request: ServiceRequest, now: datetime) -> None:
    """Answer what is still asked about a request that needs no more time: no, by nobody."""
    db.session.execute(
        update(Approval)
        .where(
            Approval.service_request_id == service_request.id,
            Approval.decided_at.is_(None),
            Approval.kind.in_((ApprovalKind.EXTENSION, ApprovalKind.PARKING)),
        )
        .values(decided_at=now, granted=False)
    )


def _end_stops(service_request: ServiceRequest, now: datetime) -> None:
    for stop in service_request.stops:
        if stop.resumed_at is None:
            stop.resumed_at = now


def _answers(step: Step, actor: Actor, public_note: str) -> bool:
    """Tell whether a step is a first response: a person's word, or a visit, to the requester."""
    return actor.person_id is not None and (
        step is Step.VISIT or (bool(public_note.strip()) and step is not Step.SUBMIT)
    )
