"""Calls to make: who reads no mail hears of what they must know when somebody rings, or a neighbour does.

Asked for in the transaction of the step; more steps add to the call that waits already. A question
and a result have lists of their own, where whoever calls writes down the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import joinedload, selectinload

from tracker.database import db
from tracker.notifications import wishes
from tracker.permissions import SYSTEM, Action, Actor
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.lifecycle import HANDLED_STATUSES, Step
from tracker.service_requests.models import (
    CallReason,
    CallResult,
    CallTask,
    ReachableBy,
    Requester,
    ServiceRequest,
)
from tracker.visibility import within_reach

MUST_KNOW: Final = frozenset(
    {
        Step.DECLINE,
        Step.PLAN_VISIT,
        Step.EXTEND,
        Step.PARK,
        Step.UNPARK,
        Step.TIME_OUT,
        Step.REOPEN,
        Step.REFUSE_REOPENING,
    }
)
"""Steps of which nobody may be left in the dark; that nobody comes (`calls_off`) is one more."""
OF_OTHERS: Final = frozenset({Step.RESOLVE, Step.REFER})
"""Of these whoever asks for it is called for their answer; those merged into it hear of it here."""
THEIR_OWN: Final = frozenset(
    {
        Step.CONFIRM,
        Step.DISPUTE,
        Step.ASK_REOPENING,
        Step.WITHDRAW,
        Step.URGE,
        Step.ADD_WORD,
    }
)
"""Steps that the requester takes, on the page that shows how it stands, or on the telephone."""
MOST_TRIES: Final = 3
"""So often nobody answers until it is let be."""
MOST_COUNTED: Final = 100
NO_GATEWAY: Final = "no_gateway"
REACHED_OTHERWISE: Final = "reached_otherwise"
"""Why a message was given up that somebody calls about instead, see `notifications.words.REASONS`."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many calls wait: `known`, or more."""

    known: int
    is_more: bool


def ask_for(told: ServiceRequest, step: Step, facts: Mapping[str, Any], *, now: datetime) -> None:
    """Let somebody call the requester of `told` about a step, where they must know and can be called.

    `facts` is what a message would say of it, see `messages`.
    """
    is_of_others = step in OF_OTHERS and not facts["is_asked"]
    if not (step in MUST_KNOW or is_of_others or facts.get("calls_off")):
        return
    if not can_be_called(told.requester):
        return
    # Of a visit they must hear before somebody stands at the door, or they wait at home for nobody.
    next_at = now if "visit_from" in facts else wishes.by_day(now)
    task = _open(told.id)
    if task is None:
        task = CallTask(service_request_id=told.id, opened_at=now, next_at=next_at)
        db.session.add(task)
    task.next_at, task.tries = min(task.next_at, next_at), 0
    db.session.flush()
    kept = {name: value for name, value in facts.items() if name != "link_salt"}
    db.session.add(CallReason(call_task_id=task.id, step=step, at=now, facts=kept))


def can_be_called(requester: Requester | None) -> bool:
    """Tell whether somebody is reached by voice: by a number, or through a neighbour."""
    return (
        requester is not None
        and requester.reachable_by is not ReachableBy.NOBODY
        and bool(requester.phone or requester.neighbour)
    )


def is_heard_of(step: Step, actor: Actor, detail: Mapping[str, Any]) -> bool:
    """Tell whether the requester hears how it stands as a step is taken, so that nobody need call."""
    if step is Step.VISIT:
        return bool(detail.get("contact_made"))
    if step is Step.RESUME:
        return actor.person_id is None and actor is not SYSTEM
    return step in THEIR_OWN


def is_over(told: ServiceRequest, facts: Mapping[str, Any], *, now: datetime) -> bool:
    """Tell whether there is nothing left to tell: it has come to its end since, or the visit has passed.

    `facts` is what a message would say of the step.
    """
    ended = (told.survivor or told).status in HANDLED_STATUSES
    visit_to = facts.get("visit_to")
    return (ended and facts["status"] not in HANDLED_STATUSES) or (
        visit_to is not None and datetime.fromisoformat(visit_to) <= now
    )


def drop(service_request: ServiceRequest, *, now: datetime) -> None:
    """Let the call that waits be: they know, or what there was to tell is over."""
    task = _open(service_request.id)
    if task is not None:
        end(task, CallResult.OTHERWISE, now=now)


def begin_anew(service_request: ServiceRequest, *, now: datetime) -> None:
    """Try the call that waits from the first on: they are reached at another number, say."""
    task = _open(service_request.id)
    if task is not None and task.tries:
        task.tries, task.next_at = 0, min(task.next_at, wishes.by_day(now))
        db.session.flush()


def end(
    task: CallTask, result: CallResult, *, done_by_id: int | None = None, now: datetime
) -> None:
    """Write down what became of a call, and forget what there was to tell."""
    task.done_at, task.result, task.done_by_id = now, result, done_by_id
    db.session.flush()
    db.session.execute(
        update(CallReason).where(CallReason.call_task_id == task.id).values(facts={})
    )


def waiting(service_request: ServiceRequest) -> CallTask | None:
    """Return the call that waits to be made about a request."""
    return db.session.scalar(
        select(CallTask)
        .where(CallTask.service_request_id == service_request.id, CallTask.done_at.is_(None))
        .options(selectinload(CallTask.reasons))
    )


def to_make(actor: Actor) -> Select[CallTask]:
    """Select the calls that `actor` may make."""
    return _within_reach(select(CallTask), actor).options(
        joinedload(CallTask.service_request).options(
            joinedload(ServiceRequest.category),
            joinedload(ServiceRequest.lead_team),
            joinedload(ServiceRequest.requester),
        ),
        selectinload(CallTask.reasons),
    )


def count(actor: Actor) -> Count:
    """Return how many calls wait for `actor`; counted up to `MOST_COUNTED`."""
    some = _within_reach(select(CallTask.id), actor).limit(MOST_COUNTED + 1).subquery()
    found = db.session.scalar(select(func.count()).select_from(some)) or 0
    return Count(min(found, MOST_COUNTED), found > MOST_COUNTED)


def _within_reach(query: Select[Any], actor: Actor) -> Select[Any]:
    return query.join(ServiceRequest, ServiceRequest.id == CallTask.service_request_id).where(
        CallTask.done_at.is_(None), within_reach(actor, Action.CALL_REQUESTER, CASEWORK)
    )


def _open(service_request_id: int) -> CallTask | None:
    """Return the call that waits, held until the transaction ends."""
    return db.session.scalar(
        select(CallTask)
        .where(CallTask.service_request_id == service_request_id, CallTask.done_at.is_(None))
        .with_for_update(of=CallTask)
        .execution_options(populate_existing=True)
    )


def held(service_request: ServiceRequest) -> tuple[CallTask | None, Sequence[CallReason]]:
    """Return the call that waits and what there is to tell, held until the transaction ends."""
    task = _open(service_request.id)
    if task is None:
        return None, ()
    reasons = select(CallReason).where(CallReason.call_task_id == task.id)
    return task, db.session.scalars(reasons.order_by(CallReason.id)).all()
