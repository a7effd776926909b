"""The handlers' work: notes, questions, extension and parking asked, refer, resolve."""

from collections.abc import Collection
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from tracker.database import db
from tracker.errors import Refusal, RefusedError
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, require
from tracker.service_requests import clocks, messages, parts, unanswered
from tracker.service_requests.actions import steps
from tracker.service_requests.lifecycle import RESULT_OUTCOMES, Outcome, Step
from tracker.service_requests.models import (
    Approval,
    ApprovalKind,
    HistoryEntry,
    Photo,
    ServiceRequest,
)
from tracker.service_requests.queries import waiting_approvals
from tracker.visits.models import Visit, VisitStatus


def add_note(
    service_request: ServiceRequest,
    *,
    public_note: str = "",
    internal_note: str = "",
    nobody_answered: bool = False,
    actor: Actor,
    now: datetime,
) -> None:
    """Write a note: public ones the requester reads and is told of, internal ones never.

    `nobody_answered`: it is of a call-back that reached nobody.
    """
    require(actor, Action.ADD_NOTE, service_request)
    steps.take(
        service_request,
        Step.NOTE,
        actor=actor,
        now=now,
        public_note=public_note,
        internal_note=internal_note,
        detail={"nobody_answered": True} if nobody_answered else {},
    )
    if public_note.strip():
        messages.tell_requester(service_request, Step.NOTE, now=now)


def ask_requester(
    service_request: ServiceRequest, *, question: str, actor: Actor, now: datetime
) -> None:
    """Wait for the requester (or a third party) to answer a question. Stops the clock.

    Raises `RefusedError` when they were written to too often: what they must answer reaches them.
    """
    require(actor, Action.ASK_REQUESTER, service_request)
    messages.refuse_too_many(service_request, now=now)
    # First: a query flushes what is half changed.
    turn_at = unanswered.turn_after(service_request, now)
    service_request.waiting_for = question.strip()
    service_request.question_turn_at = turn_at
    service_request.reminders_sent = 0
    service_request.reminded_at = None
    steps.take(service_request, Step.WAIT, actor=actor, now=now, public_note=question)
    messages.tell_requester(service_request, Step.WAIT, now=now)


def resume(service_request: ServiceRequest, *, note: str = "", actor: Actor, now: datetime) -> None:
    """Go on without waiting longer. The clock runs again."""
    require(actor, Action.RESUME_SERVICE_REQUEST, service_request)
    steps.take(service_request, Step.RESUME, actor=actor, now=now, internal_note=note)


def why_no_extension(service_request: ServiceRequest, *, now: datetime) -> Refusal | None:
    """Return why nobody can ask for more time; None while one can."""
    if service_request.extension_working_days:
        return Refusal.ALREADY_EXTENDED
    if service_request.due_at is None or now > service_request.due_at:
        return Refusal.DUE_TIME_PASSED
    return why_not_asked(service_request, ApprovalKind.EXTENSION)


def why_not_asked(service_request: ServiceRequest, kind: ApprovalKind) -> Refusal | None:
    """Return that the same waits for a decision; None when it does not."""
    is_waiting = any(asked.kind is kind for asked in waiting_approvals(service_request))
    return Refusal.ALREADY_ASKED if is_waiting else None


def ask_extension(
    service_request: ServiceRequest,
    *,
    working_days: int,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Approval:
    """Ask a supervisor for more time: once, before the due time, with a public reason."""
    require(actor, Action.ASK_EXTENSION, service_request)
    why_not = why_no_extension(service_request, now=now)
    if why_not is not None:
        raise RefusedError(why_not)
    approval = _ask(service_request, ApprovalKind.EXTENSION, reason=reason, actor=actor, now=now)
    approval.working_days = working_days
    steps.take(
        service_request,
        Step.ASK_EXTENSION,
        actor=actor,
        now=now,
        internal_note=reason,
        detail={"working_days": working_days},
    )
    return approval


def ask_parking(
    service_request: ServiceRequest,
    *,
    until: date,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Approval:
    """Ask a supervisor to park what cannot be done now, until a review date."""
    require(actor, Action.ASK_PARKING, service_request)
    approval = _ask(service_request, ApprovalKind.PARKING, reason=reason, actor=actor, now=now)
    approval.until = until
    steps.take(
        service_request,
        Step.ASK_PARKING,
        actor=actor,
        now=now,
        internal_note=reason,
        detail={"until": until.isoformat()},
    )
    return approval


def unpark(service_request: ServiceRequest, *, note: str = "", actor: Actor, now: datetime) -> None:
    """Take a parked request up again. The clock runs again."""
    require(actor, Action.UNPARK_SERVICE_REQUEST, service_request)
    steps.take(service_request, Step.UNPARK, actor=actor, now=now, public_note=note)
    messages.tell_requester(service_request, Step.UNPARK, now=now)


def refer(
    service_request: ServiceRequest,
    *,
    to_whom: str,
    answer: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Resolve by handing it to another body, named with its contact."""
    require(actor, Action.REFER_SERVICE_REQUEST, service_request)
    service_request.referred_to = to_whom.strip()
    _resolve(service_request, Step.REFER, Outcome.REFERRED, answer=answer, actor=actor, now=now)


def resolve(
    service_request: ServiceRequest,
    *,
    outcome: Outcome,
    answer: str,
    internal_note: str = "",
    ends_parts: Collection[int] = (),
    actor: Actor,
    now: datetime,
) -> None:
    """Report the result, with a text that the requester reads.

    `ends_parts` are the parts of helping teams that are known to end with it undone, by their ids.
    Raises `RefusedError` when another has not ended, when the category asks for a photo as evidence
    and there is none, or when “no contact” is claimed without tries on enough days.
    """
    require(actor, Action.RESOLVE_SERVICE_REQUEST, service_request)
    if outcome not in RESULT_OUTCOMES:
        message = f"{outcome} comes from a step of its own."
        raise ValueError(message)
    if service_request.category.needs_evidence and not has_evidence(service_request):
        raise RefusedError(Refusal.EVIDENCE_MISSING)
    if outcome is Outcome.NO_CONTACT and days_tried(service_request) < tries_needed():
        raise RefusedError(Refusal.NOT_ENOUGH_TRIES)
    if not {part.id for part in parts.open_parts(service_request)}.issubset(ends_parts):
        raise RefusedError(Refusal.PARTS_NOT_ENDED)
    _resolve(
        service_request,
        Step.RESOLVE,
        outcome,
        answer=answer,
        internal_note=internal_note,
        actor=actor,
        now=now,
    )


def has_evidence(service_request: ServiceRequest) -> bool:
    """Tell whether a photo of the result was added since it was last taken up again."""
    return (
        db.session.scalar(
            select(Photo.id)
            .where(
                Photo.service_request_id == service_request.id,
                Photo.is_evidence,
                Photo.added_at >= _reopened_at(service_request),
            )
            .limit(1)
        )
        is not None
    )


def days_tried(service_request: ServiceRequest) -> int:
    """Return on how many days visits or calls were logged that reached nobody.

    Days of the organisation's calendar: several tries on one day are one. What was tried before a
    dispute or a reopening counts no more.
    """
    zone = ZoneInfo(organisation.time_zone_name())
    begun = db.session.scalars(
        select(Visit.started_at).where(
            Visit.service_request_id == service_request.id,
            Visit.status == VisitStatus.DONE,
            Visit.contact_made.is_(False),
            Visit.started_at >= _reopened_at(service_request),
        )
    )
    return len({at.astimezone(zone).date() for at in begun if at is not None})


def tries_needed() -> int:
    """Return on how many days somebody must have tried before “no contact”."""
    return organisation.organisation().no_contact_tries


def _reopened_at(service_request: ServiceRequest) -> datetime:
    """Return when it was last taken up again after a result, else when it came."""
    again = db.session.scalar(
        select(func.max(HistoryEntry.taken_at)).where(
            HistoryEntry.service_request_id == service_request.id,
            HistoryEntry.step.in_((Step.DISPUTE, Step.REOPEN)),
        )
    )
    return again or service_request.submitted_at


def _resolve(
    service_request: ServiceRequest,
    step: Step,
    outcome: Outcome,
    *,
    answer: str,
    internal_note: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    unfinished = parts.open_parts(service_request)  # first: a query flushes what is half changed
    service_request.outcome = outcome
    service_request.public_answer = answer.strip()
    service_request.resolved_at = now
    service_request.reminders_sent = 0
    service_request.reminded_at = None
    steps.take(
        service_request,
        step,
        actor=actor,
        now=now,
        public_note=answer,
        internal_note=internal_note,
        detail={"outcome": outcome.value},
    )
    # When it was waiting, the clock stood still until this moment; the stop has just ended.
    due, service_request.near_at = clocks.resolve_times(service_request)
    service_request.due_at = due
    service_request.resolved_on_time = None if due is None else now <= due
    messages.tell_requester(service_request, step, now=now)
    messages.tell_of_result(service_request, step, by=actor, now=now)
    for part in unfinished:
        messages.tell_team_of_part(part, step, by=actor, now=now)


def _ask(
    service_request: ServiceRequest,
    kind: ApprovalKind,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Approval:
    why_not = why_not_asked(service_request, kind)
    if why_not is not None:
        raise RefusedError(why_not)
    approval = Approval(
        service_request_id=service_request.id,
        kind=kind,
        reason=reason.strip(),
        asked_by_id=actor.person_id,
        asked_at=now,
    )
    db.session.add(approval)
    return approval
