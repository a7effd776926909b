"""Where a request stands, what happens next and by when: the facts of the resident's page.

Pure: what is given is all that is looked at. Templates put the facts into words.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from tracker.organisation.calendar import WorkingCalendar
from tracker.service_requests.actions.answers import DISPUTE_DAYS, was_urged_today
from tracker.service_requests.actions.time_passing import REMINDERS
from tracker.service_requests.lifecycle import (
    HANDLED_STATUSES,
    Outcome,
    Status,
    Step,
    may_take,
)
from tracker.service_requests.limits import DEFAULT_LIMITS, Clock, due_at, is_overdue
from tracker.service_requests.models import ServiceRequest


class Next(StrEnum):
    """What happens next, and whose turn it is."""

    DESK_READS = "desk_reads"
    DESK_ASSIGNS = "desk_assigns"
    TEAM_BEGINS = "team_begins"
    TEAM_FINISHES = "team_finishes"
    YOU_ANSWER = "you_answer"
    REVIEW = "review"
    YOU_CONFIRM = "you_confirm"
    SUPERVISOR_DECIDES = "supervisor_decides"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Progress:
    """The facts that one page tells. Times in UTC."""

    status: Status
    outcome: Outcome | None
    next: Next
    by: datetime | None = None
    """By when the next thing happens; for your turn: until when you can take it."""
    on: date | None = None
    """The review date of what is parked."""
    is_late: bool = False
    """`by` has passed, and it is not the reader's turn."""
    stage: int = 1
    """1 received, 2 someone found, 3 being done, 4 your word, 5 closed."""
    can_add: bool = False
    can_urge: bool = False
    urged_today: bool = False
    """Asked today already; once a day is enough."""
    can_withdraw: bool = False
    can_confirm: bool = False
    can_dispute: bool = False


_STAGES: Final = {
    Status.SUBMITTED: 1,
    Status.ACCEPTED: 2,
    Status.ASSIGNED: 2,
    Status.IN_PROGRESS: 3,
    Status.WAITING: 3,
    Status.PARKED: 3,
    Status.RESOLVED: 4,
    Status.CLOSED: 5,
}
_NEXT: Final = {
    Status.SUBMITTED: Next.DESK_READS,
    Status.ACCEPTED: Next.DESK_ASSIGNS,
    Status.ASSIGNED: Next.TEAM_BEGINS,
    Status.IN_PROGRESS: Next.TEAM_FINISHES,
    Status.WAITING: Next.YOU_ANSWER,
    Status.PARKED: Next.REVIEW,
    Status.RESOLVED: Next.YOU_CONFIRM,
    Status.CLOSED: Next.NOTHING,
}
_OWN_TURN: Final = (Next.YOU_ANSWER, Next.YOU_CONFIRM)


def progress_of(
    service_request: ServiceRequest,
    calendar: WorkingCalendar,
    *,
    reminder_days: int,
    answer_by: datetime | None = None,
    is_waiting_for_reopening: bool = False,
    now: datetime,
) -> Progress:
    """Return the facts about one request, as its requester may know them.

    `answer_by`: when work goes on without the answer to a question (`unanswered.answer_by`).

    `is_waiting_for_reopening`: the requester said after closing that it is not solved, and a
    supervisor has not decided yet.
    """
    status = service_request.status
    what = Next.SUPERVISOR_DECIDES if is_waiting_for_reopening else _NEXT[status]
    by = answer_by
    if what is not Next.YOU_ANSWER:
        by = _by_when(service_request, calendar, what, reminder_days)
    return Progress(
        status=status,
        outcome=service_request.outcome if status in HANDLED_STATUSES else None,
        next=what,
        by=by,
        on=service_request.parked_until,
        is_late=what not in _OWN_TURN and what is not Next.NOTHING and is_overdue(by, now),
        stage=_STAGES[status],
        can_add=may_take(status, Step.ADD_WORD),
        can_urge=may_take(status, Step.URGE) and what not in _OWN_TURN,
        urged_today=was_urged_today(service_request, now, calendar.time_zone),
        can_withdraw=may_take(status, Step.WITHDRAW),
        can_confirm=may_take(status, Step.CONFIRM),
        can_dispute=not is_waiting_for_reopening and _can_dispute(service_request, now),
    )


def dispute_until(service_request: ServiceRequest) -> datetime | None:
    """Return until when the requester may say “not solved”; None when there is no result to dispute."""
    has_result = service_request.outcome not in (
        Outcome.WITHDRAWN,
        Outcome.DUPLICATE,
        Outcome.OUT_OF_SCOPE,
    )
    if service_request.closed_at is None or service_request.resolved_at is None or not has_result:
        return None
    return service_request.closed_at + timedelta(days=DISPUTE_DAYS)


def _can_dispute(service_request: ServiceRequest, now: datetime) -> bool:
    if service_request.status is Status.RESOLVED:
        return True
    until = dispute_until(service_request)
    return service_request.status is Status.CLOSED and until is not None and now <= until


def _by_when(
    service_request: ServiceRequest, calendar: WorkingCalendar, what: Next, reminder_days: int
) -> datetime | None:
    match what:
        case Next.DESK_READS:
            # What the front page promises: the desk reads every request within one working day.
            limit = DEFAULT_LIMITS[Clock.ACCEPT][service_request.priority]
            return due_at(calendar, limit, service_request.submitted_at)
        case Next.YOU_CONFIRM:
            last = service_request.reminded_at or service_request.resolved_at
            if last is None:
                return None
            turns = REMINDERS + 1 - min(service_request.reminders_sent, REMINDERS)
            return last + timedelta(days=turns * reminder_days)
        case Next.DESK_ASSIGNS | Next.TEAM_BEGINS | Next.TEAM_FINISHES:
            return service_request.due_at
        case _:
            return None
