"""What time itself does: reminders, closing what stays unanswered, ending a waiting or a parking.

These steps are the system's: nobody is asked for a right, and no page leads here.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import select, text

from tracker.database import db
from tracker.organisation import queries as organisation
from tracker.permissions import SYSTEM
from tracker.service_requests import messages, unanswered
from tracker.service_requests.actions import steps
from tracker.service_requests.lifecycle import ConfirmationWay, Status, Step
from tracker.service_requests.models import ServiceRequest

REMINDERS = 2


def next_turn(service_request: ServiceRequest, *, reminder_days: int) -> datetime | None:
    """Return when time does the next thing to a resolved request: remind it or close it."""
    last = service_request.reminded_at or service_request.resolved_at
    if service_request.status is not Status.RESOLVED or last is None:
        return None
    return last + timedelta(days=reminder_days)


def due_for_a_turn(*, now: datetime, after: int = 0, limit: int = 500) -> list[int]:
    """Return ids above `after` of resolved requests whose reminder or closing has come."""
    earliest = now - timedelta(days=organisation.organisation().reminder_days)
    return list(
        db.session.scalars(
            select(ServiceRequest.id)
            .where(
                ServiceRequest.status == Status.RESOLVED,
                ServiceRequest.id > after,
                ServiceRequest.resolved_at <= earliest,
                (ServiceRequest.reminded_at.is_(None)) | (ServiceRequest.reminded_at <= earliest),
            )
            .order_by(ServiceRequest.id)
            .limit(limit)
        )
    )


def take_turn(service_request: ServiceRequest, *, now: datetime) -> Step | None:
    """Remind the requester, or after two reminders close unconfirmed. None when not yet due."""
    turn = next_turn(service_request, reminder_days=organisation.organisation().reminder_days)
    if turn is None or now < turn:
        return None
    if service_request.reminders_sent < REMINDERS:
        service_request.reminders_sent += 1
        service_request.reminded_at = now
        steps.take(service_request, Step.REMIND, actor=SYSTEM, now=now)
        messages.tell_requester(service_request, Step.REMIND, now=now)
        return Step.REMIND
    service_request.confirmation = ConfirmationWay.NONE
    steps.take(service_request, Step.TIME_OUT, actor=SYSTEM, now=now)
    messages.tell_requester(service_request, Step.TIME_OUT, now=now)
    return Step.TIME_OUT


def questions_due(*, now: datetime, after: int = 0, limit: int = 500) -> list[int]:
    """Return ids above `after` of requests whose question is to be asked again, or waits no longer."""
    return list(
        db.session.scalars(
            select(ServiceRequest.id)
            .where(
                text("service_request.status = 'waiting'"),  # in the very words of the index
                ServiceRequest.question_turn_at <= now,
                ServiceRequest.id > after,
            )
            .order_by(ServiceRequest.id)
            .limit(limit)
        )
    )


def take_question_turn(service_request: ServiceRequest, *, now: datetime) -> Step | None:
    """Ask a question again, or after two reminders go on without its answer. None when not yet due.

    It never closes anything: the clock runs again, and whoever handles it is told that nobody answered.
    """
    turn = service_request.question_turn_at
    if service_request.status is not Status.WAITING or turn is None or now < turn:
        return None
    if service_request.reminders_sent < unanswered.REMINDERS:
        service_request.reminders_sent += 1
        service_request.reminded_at = now
        service_request.question_turn_at = unanswered.turn_after(service_request, now)
        steps.take(service_request, Step.REMIND, actor=SYSTEM, now=now)
        messages.tell_requester(service_request, Step.REMIND, now=now)
        return Step.REMIND
    detail = {"unanswered": True, "reminders": service_request.reminders_sent}
    steps.take(service_request, Step.RESUME, actor=SYSTEM, now=now, detail=detail)
    messages.tell_requester(service_request, Step.RESUME, now=now)
    messages.tell_team(service_request, Step.RESUME, now=now)
    return Step.RESUME


def parked_until(day: date, *, after: int = 0, limit: int = 500) -> list[int]:
    """Return ids above `after` of parked requests whose review date has come."""
    return list(
        db.session.scalars(
            select(ServiceRequest.id)
            .where(
                ServiceRequest.status == Status.PARKED,
                ServiceRequest.id > after,
                ServiceRequest.parked_until <= day,
            )
            .order_by(ServiceRequest.id)
            .limit(limit)
        )
    )


def end_parking(service_request: ServiceRequest, *, now: datetime) -> None:
    """Take up again what was parked until today."""
    steps.take(service_request, Step.UNPARK, actor=SYSTEM, now=now)
    messages.tell_requester(service_request, Step.UNPARK, now=now)
    messages.tell_team(service_request, Step.UNPARK, now=now)
