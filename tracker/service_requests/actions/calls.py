"""What became of telling a requester on the telephone."""

from datetime import datetime, timedelta
from typing import Final

from tracker.errors import Refusal, RefusedError, StaleError
from tracker.notifications import wishes
from tracker.permissions import Action, Actor, require
from tracker.service_requests import calls
from tracker.service_requests.actions import steps
from tracker.service_requests.calls import MOST_TRIES
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import CallResult, ServiceRequest

AGAIN_AFTER: Final = timedelta(hours=3)
"""How long after nobody answered it is tried again, by day."""


def record_call(
    service_request: ServiceRequest,
    result: CallResult,
    *,
    up_to: int,
    word: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Write down whether the requester was told, up to the reason with the id `up_to`.

    Where nobody answered it is tried again, until it was tried often enough. Raises `RefusedError`
    when no call waits any more, and `StaleError` when there is something new to tell.
    """
    require(actor, Action.CALL_REQUESTER, service_request)
    task, reasons = calls.held(service_request)
    if task is None:
        raise RefusedError(Refusal.ALREADY_ANSWERED)
    if result is not CallResult.NOT_REACHED and reasons[-1].id > up_to:
        message = "There is something new to tell."
        raise StaleError(message)
    steps.take(
        service_request,
        Step.NOTE,
        actor=actor,
        now=now,
        internal_note=word,
        detail={
            CallResult.TOLD: {"told_by_phone": True},
            CallResult.NOT_REACHED: {"nobody_answered": True},
        }.get(result, {}),
    )
    if result is CallResult.NOT_REACHED:
        task.tries += 1
        task.next_at = wishes.by_day(now + AGAIN_AFTER)
        if task.tries < MOST_TRIES:
            return
    calls.end(task, result, done_by_id=actor.person_id, now=now)
