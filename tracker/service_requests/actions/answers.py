"""The requester's word: by the private link, or on the telephone to somebody who did not handle it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.database import db
from tracker.errors import Refusal, RefusedError
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, require
from tracker.service_requests import messages
from tracker.service_requests.actions import steps
from tracker.service_requests.actions.claims import release_all, release_leavers
from tracker.service_requests.actions.merging import hand_over
from tracker.service_requests.lifecycle import (
    UNCOUNTED_OUTCOMES,
    ConfirmationWay,
    Outcome,
    Solved,
    Status,
    Step,
)
from tracker.service_requests.models import (
    Approval,
    ApprovalKind,
    ServiceRequest,
)
from tracker.service_requests.queries import waiting_approvals

DISPUTE_DAYS = 30
"""Days after closing in which a requester may still say that it is not solved."""


def confirm(
    service_request: ServiceRequest,
    *,
    solved: Solved,
    satisfaction: int | None,
    word: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Close on the requester's own word, with the rating."""
    require(actor, Action.CONFIRM_OWN_REQUEST, service_request)
    _close(
        service_request,
        ConfirmationWay.LINK,
        solved=solved,
        satisfaction=satisfaction,
        word=word,
        actor=actor,
        now=now,
    )


def dispute(service_request: ServiceRequest, *, reason: str, actor: Actor, now: datetime) -> None:
    """Say that it is not solved. Before closing it reopens; after it, a supervisor decides.

    Raises `RefusedError` more than 30 days after closing, or when it waits for a decision.
    """
    require(actor, Action.DISPUTE_OWN_REQUEST, service_request)
    _dispute(service_request, reason=reason, actor=actor, now=now)


def record_call_back(
    service_request: ServiceRequest,
    *,
    solved: Solved,
    satisfaction: int | None,
    wants_it_reopened: bool = False,
    word: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Write down what the requester said on the telephone, to somebody who did not handle it."""
    require(actor, Action.CALL_BACK, service_request)
    if wants_it_reopened:
        _dispute(service_request, reason=word, actor=actor, now=now)
        return
    _close(
        service_request,
        ConfirmationWay.CALL_BACK,
        solved=solved,
        satisfaction=satisfaction,
        word=word,
        actor=actor,
        now=now,
    )


def withdraw(
    service_request: ServiceRequest, *, reason: str = "", actor: Actor, now: datetime
) -> None:
    """Close because the requester takes it back. What others asked for in it goes on."""
    require(actor, Action.WITHDRAW_OWN_REQUEST, service_request)
    service_request.outcome = Outcome.WITHDRAWN
    steps.take(service_request, Step.WITHDRAW, actor=actor, now=now, public_note=reason)
    release_all(service_request, reason="withdrawn", actor=actor, now=now)
    messages.tell_team(service_request, Step.WITHDRAW, now=now)
    hand_over(service_request, now=now)


def was_urged_today(service_request: ServiceRequest, now: datetime, zone: ZoneInfo) -> bool:
    """Tell whether the requester asked to hurry on this calendar day of `zone` already."""
    last = service_request.urged_at
    return last is not None and last.astimezone(zone).date() == now.astimezone(zone).date()


def urge(service_request: ServiceRequest, *, word: str = "", actor: Actor, now: datetime) -> None:
    """Ask to hurry, once a calendar day; reaches who holds it: team and leader, or the desk."""
    require(actor, Action.URGE_OWN_REQUEST, service_request)
    if was_urged_today(service_request, now, ZoneInfo(organisation.time_zone_name())):
        raise RefusedError(Refusal.URGED_TODAY)
    service_request.urged_at = now
    service_request.times_urged += 1
    steps.take(service_request, Step.URGE, actor=actor, now=now, public_note=word)
    messages.tell_team(service_request, Step.URGE, now=now)


def add_word(
    service_request: ServiceRequest, *, word: str, photos: int = 0, actor: Actor, now: datetime
) -> None:
    """Add a word or photos to the own request. While it waits for the requester, it is the answer.

    `photos`: how many came with it.
    """
    require(actor, Action.ADD_TO_OWN_REQUEST, service_request)
    steps.take(
        service_request,
        Step.RESUME if service_request.status is Status.WAITING else Step.ADD_WORD,
        actor=actor,
        now=now,
        public_note=word,
        detail={"photos": photos} if photos else None,
    )
    messages.tell_team(service_request, Step.ADD_WORD, now=now)


def _close(
    service_request: ServiceRequest,
    way: ConfirmationWay,
    *,
    solved: Solved,
    satisfaction: int | None,
    word: str,
    actor: Actor,
    now: datetime,
) -> None:
    service_request.confirmation = way
    service_request.confirmed_at = now
    service_request.solved = solved
    service_request.satisfaction = satisfaction
    steps.take(
        service_request,
        Step.CONFIRM,
        actor=actor,
        now=now,
        public_note=word,
        detail={"way": way.value, "solved": solved.value, "satisfaction": satisfaction},
    )
    messages.tell_of_end(service_request, thanks=word, by=actor, now=now)


def _dispute(service_request: ServiceRequest, *, reason: str, actor: Actor, now: datetime) -> None:
    if service_request.status is Status.CLOSED:
        _ask_reopening(service_request, reason=reason, actor=actor, now=now)
        return
    release_leavers(service_request, actor=actor, now=now)
    steps.forget_result(service_request, now=now)
    service_request.times_reopened += 1
    steps.take(service_request, Step.DISPUTE, actor=actor, now=now, public_note=reason)
    messages.tell_team(service_request, Step.DISPUTE, now=now)


def may_still_dispute(service_request: ServiceRequest, now: datetime) -> bool:
    """Tell whether the requester may say “not solved”: a result is there, and not too old.

    What ended without a result (withdrawn, duplicate, out of scope) cannot be disputed.
    """
    if service_request.status is Status.RESOLVED:
        return True
    return (
        service_request.status is Status.CLOSED
        # A result may have been reported before it was merged or withdrawn.
        and service_request.outcome not in UNCOUNTED_OUTCOMES
        and service_request.resolved_at is not None
        and service_request.closed_at is not None
        and now <= service_request.closed_at + timedelta(days=DISPUTE_DAYS)
    )


def _ask_reopening(
    service_request: ServiceRequest, *, reason: str, actor: Actor, now: datetime
) -> None:
    if not may_still_dispute(service_request, now):
        raise RefusedError(Refusal.DISPUTE_TOO_LATE)
    if any(a.kind is ApprovalKind.REOPENING for a in waiting_approvals(service_request)):
        raise RefusedError(Refusal.ALREADY_ASKED)
    db.session.add(
        Approval(
            service_request_id=service_request.id,
            kind=ApprovalKind.REOPENING,
            reason=reason.strip(),
            # Who has an account and asks by their own link does not decide on it either.
            asked_by_id=actor.person_id or actor.signed_in_id,
            asked_at=now,
        )
    )
    steps.take(service_request, Step.ASK_REOPENING, actor=actor, now=now, public_note=reason)
