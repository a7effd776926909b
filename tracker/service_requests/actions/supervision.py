"""A supervisor answers in writing for what the ladder led up to them (督办)."""

from datetime import datetime

from sqlalchemy import select

from tracker.database import db
from tracker.errors import Refusal, RefusedError
from tracker.permissions import Action, Actor, require
from tracker.service_requests import messages
from tracker.service_requests.actions import steps
from tracker.service_requests.ladder import Rung
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import Escalation, ServiceRequest


def answer(service_request: ServiceRequest, *, words: str, actor: Actor, now: datetime) -> None:
    """Write down what a supervisor sees to, and let the request be supervised no more.

    Those who hold it are told; the requester is not: the answer is internal. Raises `RefusedError`
    when somebody answered a moment before.
    """
    require(actor, Action.ANSWER_SUPERVISION, service_request)
    if service_request.supervised_at is None:
        raise RefusedError(Refusal.ALREADY_ANSWERED)
    for escalation in unanswered(service_request):
        escalation.answer = words.strip()
        escalation.answered_by_id = actor.person_id
        escalation.answered_at = now
    service_request.supervised_at = None
    steps.take(
        service_request,
        Step.NOTE,
        actor=actor,
        now=now,
        internal_note=words,
        detail={"answers_supervision": True},
    )
    messages.tell_team(service_request, Step.NOTE, by=actor, now=now)


def unanswered(service_request: ServiceRequest) -> list[Escalation]:
    """Return what a written answer is called for, oldest first."""
    return list(
        db.session.scalars(
            select(Escalation)
            .where(
                Escalation.service_request_id == service_request.id,
                Escalation.rung == Rung.SUPERVISED,
                Escalation.answered_at.is_(None),
            )
            .order_by(Escalation.id)
        )
    )
