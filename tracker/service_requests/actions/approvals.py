"""A supervisor decides what was asked: extension, parking, reopening."""

from datetime import datetime

from sqlalchemy import select

from tracker.accounts.models import Grant, Person
from tracker.database import db
from tracker.errors import Refusal, RefusedError
from tracker.organisation import queries as organisation
from tracker.permissions import MATRIX, Action, Actor, Reach, Role, require
from tracker.service_requests import messages
from tracker.service_requests.actions import steps
from tracker.service_requests.actions.claims import release_leavers
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import Approval, ApprovalKind, ServiceRequest

RIGHTS = {
    ApprovalKind.EXTENSION: Action.DECIDE_EXTENSION,
    ApprovalKind.PARKING: Action.DECIDE_PARKING,
    ApprovalKind.REOPENING: Action.DECIDE_REOPENING,
}
_DECIDING = {
    role for role in Role for right in RIGHTS.values() if MATRIX[right][role] is Reach.UNIT
}
_REFUSING = {
    ApprovalKind.EXTENSION: Step.REFUSE_EXTENSION,
    ApprovalKind.PARKING: Step.REFUSE_PARKING,
    ApprovalKind.REOPENING: Step.REFUSE_REOPENING,
}


def decide(
    approval: Approval,
    *,
    granted: bool,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Grant or refuse what was asked. Whoever handled the request, or asked, may not decide.

    Raises `RefusedError` when it was decided already, and `StepNotAllowedError` when the
    request has moved on so that it can no longer be granted.
    """
    require(actor, RIGHTS[approval.kind], approval.service_request)
    if approval.decided_at is not None:
        raise RefusedError(Refusal.ALREADY_ANSWERED)
    if is_for_another(approval, actor):
        raise RefusedError(Refusal.ASKED_BY_YOU)
    approval.decided_by_id = actor.person_id
    approval.decided_at = now
    approval.granted = granted
    approval.decision_note = note.strip()
    service_request = approval.service_request
    if granted:
        _grant(service_request, approval, actor=actor, now=now)
    else:
        step = _REFUSING[approval.kind]
        # The requester asked for the reopening, so the answer is theirs to read.
        is_public = approval.kind is ApprovalKind.REOPENING
        steps.take(
            service_request,
            step,
            actor=actor,
            now=now,
            public_note=note if is_public else "",
            internal_note="" if is_public else note,
        )
        messages.tell_team(service_request, step, now=now)
        if is_public:
            messages.tell_requester(service_request, step, now=now)


def is_for_another(approval: Approval, actor: Actor) -> bool:
    """Tell whether `actor` asked for it, and somebody else is there to decide."""
    return (
        actor.person_id is not None
        and approval.asked_by_id == actor.person_id
        and approval.service_request.unit_id in units_of_other_deciders(actor)
    )


def units_of_other_deciders(actor: Actor) -> frozenset[int]:
    """Return the units in which somebody else decides: who is alone decides on their own wish, too."""
    held = db.session.scalars(
        select(Grant.unit_id)
        .join(Person, Person.id == Grant.person_id)
        .where(
            Grant.role.in_(sorted(_DECIDING)),
            Grant.person_id != actor.person_id,
            Grant.ended_at.is_(None),
            Person.ended_at.is_(None),
        )
        .distinct()
    )
    return frozenset().union(*map(organisation.units_below, held))


def _grant(
    service_request: ServiceRequest, approval: Approval, *, actor: Actor, now: datetime
) -> None:
    step, public_note = Step.REOPEN, approval.decision_note
    match approval.kind:
        case ApprovalKind.EXTENSION:
            step = Step.EXTEND
            service_request.extension_working_days = approval.working_days or 0
            public_note = approval.reason
        case ApprovalKind.PARKING:
            step = Step.PARK
            service_request.parked_until = approval.until
            public_note = approval.reason
        case ApprovalKind.REOPENING:
            release_leavers(service_request, actor=actor, now=now)
            steps.forget_result(service_request, now=now)
            service_request.times_reopened += 1
    steps.take(
        service_request,
        step,
        actor=actor,
        now=now,
        public_note=public_note,
        internal_note=approval.decision_note if step is not Step.REOPEN else "",
        detail={
            "until": approval.until.isoformat() if approval.until else None,
            "working_days": approval.working_days,
        },
    )
    messages.tell_requester(service_request, step, now=now)
    messages.tell_team(service_request, step, now=now)
    if step is Step.REOPEN:
        messages.tell_desk_of_the_teamless(service_request, step, now=now)
