"""A supervisor decides what was asked: extension, parking, reopening."""

from datetime import datetime

from sqlalchemy import ColumnElement, Integer, and_, exists, literal_column, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from tracker.accounts.models import Grant, Person
from tracker.database import db
from tracker.errors import Refusal, RefusedError
from tracker.organisation import queries as organisation
from tracker.organisation.models import Unit
from tracker.permissions import MATRIX, Action, Actor, Reach, Role, require
from tracker.service_requests import messages
from tracker.service_requests.actions import steps
from tracker.service_requests.actions.claims import release_leavers
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import (
    Approval,
    ApprovalKind,
    Handler,
    HelpingTeam,
    ServiceRequest,
)
from tracker.teams.models import Membership

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

    Raises `RefusedError` when it was decided already, or would be parked until a day that has come,
    and `StepNotAllowedError` when the request has moved on so that it can no longer be granted.
    """
    require(actor, RIGHTS[approval.kind], approval.service_request)
    if approval.decided_at is not None:
        raise RefusedError(Refusal.ALREADY_ANSWERED)
    if waits_for_another(approval, actor):
        raise RefusedError(Refusal.ASKED_BY_YOU)
    if granted and approval.until is not None and approval.until <= organisation.today(now):
        raise RefusedError(Refusal.REVIEW_DAY_PASSED)
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


def waits_for_another(approval: Approval, actor: Actor) -> bool:
    """Tell whether `actor` asked for it, and somebody else is there to decide."""
    if approval.asked_by_id != actor.person_id:
        return False
    asked = select(Approval.id).join(Approval.service_request)
    asked = asked.where(Approval.id == approval.id, is_for_another(actor))
    return db.session.scalar(asked) is not None


def is_for_another(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that `actor` asked for it, and somebody else is there to decide.

    That is who decides in its unit, never worked on the request, and leads no team that has it:
    who alone may decide does so on their own wish, too.
    """
    is_own = Approval.asked_by_id.is_not_distinct_from(actor.person_id)
    return and_(is_own, somebody_decides(besides=Approval.asked_by_id))


def somebody_decides(*, besides: int | InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    """Return the condition that somebody is there to decide, besides one person.

    That is who decides in its unit, never worked on the request, and leads no team that has it.
    """
    # The units above each request are looked up for it: few wait that the same person asked for.
    own = select(literal_column("service_request.unit_id", Integer).label("id"))
    above = own.cte("above", recursive=True, nesting=True)
    above = above.union(select(Unit.parent_id).join(above, Unit.id == above.c.id))
    worked_on_it = exists().where(
        Handler.service_request_id == Approval.service_request_id,
        Handler.person_id == Grant.person_id,
    )
    leads_a_team_of_it = exists().where(
        Membership.person_id == Grant.person_id,
        Membership.leads,
        Membership.ended_at.is_(None),
        or_(
            Membership.team_id == ServiceRequest.lead_team_id,
            exists().where(
                HelpingTeam.service_request_id == Approval.service_request_id,
                HelpingTeam.team_id == Membership.team_id,
            ),
        ),
    )
    another = (
        select(Grant.id)
        .join(above, above.c.id == Grant.unit_id)
        .join(Person, Person.id == Grant.person_id)
        .where(
            Grant.role.in_(sorted(_DECIDING)),
            Grant.person_id != besides,
            Grant.ended_at.is_(None),
            Person.ended_at.is_(None),
            ~worked_on_it,
            ~leads_a_team_of_it,
        )
        .correlate(Approval, ServiceRequest)
    )
    return another.exists()


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
    # Why a request is opened again is said to one home, on its page.
    reason = "" if step is Step.REOPEN else public_note
    messages.tell_requester(service_request, step, reason=reason, now=now)
    messages.tell_team(service_request, step, now=now)
