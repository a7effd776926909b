"""A supervisor decides what was asked: extension, parking, reopening."""

from datetime import datetime

from tracker.errors import Refusal, RefusedError
from tracker.permissions import Action, Actor, require
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
    if actor.person_id is not None and approval.asked_by_id == actor.person_id:
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
