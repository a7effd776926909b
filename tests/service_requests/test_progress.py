"""What happens next and by when: every status has an answer."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tracker.organisation.calendar import WorkingCalendar, working_calendar
from tracker.service_requests.lifecycle import Outcome, Priority, Status
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.progress import Next, Progress, progress_of

SENT = datetime(2026, 2, 13, 2, 0, tzinfo=UTC)
"""A Friday, ten in the morning in Shanghai; the Saturday after it is a make-up working day."""


@pytest.fixture
def calendar() -> WorkingCalendar:
    return working_calendar(
        "CN",
        "Asia/Shanghai",
        range(2025, 2028),
        {},
        hours=((time(9), time(12)), (time(14), time(18))),
    )


def request(**values: object) -> ServiceRequest:
    known = {
        "status": Status.SUBMITTED,
        "priority": Priority.NORMAL,
        "submitted_at": SENT,
        "reminders_sent": 0,
    }
    return ServiceRequest(**{**known, **values})


def told(
    calendar: WorkingCalendar, it: ServiceRequest, *, now: datetime = SENT, waits: bool = False
) -> Progress:
    return progress_of(it, calendar, reminder_days=3, is_waiting_for_reopening=waits, now=now)


def local(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_next_step_and_a_stage(
    calendar: WorkingCalendar, status: Status
) -> None:
    progress = told(calendar, request(status=status))

    assert progress.next in Next
    assert 1 <= progress.stage <= 5


def test_the_desk_reads_it_within_one_working_day_make_up_days_included(
    calendar: WorkingCalendar,
) -> None:
    assert told(calendar, request()).by == local(date(2026, 2, 14), 18)


def test_the_desk_reads_an_emergency_within_two_hours(calendar: WorkingCalendar) -> None:
    it = request(priority=Priority.EMERGENCY)

    assert told(calendar, it).by == SENT + timedelta(hours=2)


def test_we_are_late_once_the_time_has_passed_and_not_a_moment_before(
    calendar: WorkingCalendar,
) -> None:
    due = SENT + timedelta(days=2)
    it = request(status=Status.IN_PROGRESS, due_at=due)

    assert not told(calendar, it, now=due).is_late
    assert told(calendar, it, now=due + timedelta(seconds=1)).is_late


def test_nobody_is_late_while_it_is_the_requesters_turn(calendar: WorkingCalendar) -> None:
    it = request(status=Status.RESOLVED, resolved_at=SENT, outcome=Outcome.SOLVED)

    assert not told(calendar, it, now=SENT + timedelta(days=99)).is_late


@pytest.mark.parametrize(("sent", "days"), [(0, 9), (1, 6), (2, 3)])
def test_a_result_waits_for_two_reminders_and_one_more_turn(
    calendar: WorkingCalendar, sent: int, days: int
) -> None:
    it = request(
        status=Status.RESOLVED,
        resolved_at=SENT,
        reminded_at=SENT if sent else None,
        reminders_sent=sent,
        outcome=Outcome.SOLVED,
    )

    assert told(calendar, it).by == SENT + timedelta(days=days)


def test_a_parked_request_tells_its_review_date(calendar: WorkingCalendar) -> None:
    it = request(status=Status.PARKED, parked_until=date(2026, 6, 1))

    assert (told(calendar, it).next, told(calendar, it).on) == (Next.REVIEW, date(2026, 6, 1))


@pytest.mark.parametrize(
    ("outcome", "may_dispute"),
    [(Outcome.SOLVED, True), (Outcome.EXPLAINED, True), (Outcome.NO_CONTACT, True)]
    + [(o, False) for o in (Outcome.WITHDRAWN, Outcome.DUPLICATE, Outcome.OUT_OF_SCOPE)],
)
def test_only_a_result_can_be_disputed(
    calendar: WorkingCalendar, outcome: Outcome, *, may_dispute: bool
) -> None:
    it = request(status=Status.CLOSED, resolved_at=SENT, closed_at=SENT, outcome=outcome)

    assert told(calendar, it).can_dispute is may_dispute


def test_who_disputed_waits_for_the_supervisor_and_cannot_dispute_again(
    calendar: WorkingCalendar,
) -> None:
    it = request(status=Status.CLOSED, resolved_at=SENT, closed_at=SENT, outcome=Outcome.SOLVED)

    progress = told(calendar, it, waits=True)

    assert progress.next is Next.SUPERVISOR_DECIDES
    assert not progress.can_dispute
