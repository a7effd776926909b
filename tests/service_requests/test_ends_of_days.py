"""What is due at the end of a day is due on that day, wherever it is printed: 24:00, not 00:00."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.support import links
from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tracker.database import db, transaction
from tracker.notifications.models import Message
from tracker.service_requests import clocks, ladder
from tracker.service_requests.actions import approvals
from tracker.service_requests.lifecycle import Priority, Status
from tracker.service_requests.limits import Clock, LimitUnit
from tracker.service_requests.models import ApprovalKind, ReachableBy, ServiceRequest

A_DAY_LATER = "Thu 19 Mar 2026"


@pytest.fixture
def until_midnight(a: Builders) -> ServiceRequest:
    """Return a request of a desk that works at night: due on Wednesday, 24:00."""
    a.organisation(working_week=[[["18:00", "00:00"]]] * 5 + [[], []])
    return a.service_request(status=Status.ASSIGNED)


def test_pages_and_lists(a: Builders, browser: Browser, until_midnight: ServiceRequest) -> None:
    it = until_midnight
    browser.sign_in(a.coordinator())

    for address in (f"/requests/{it.id}", f"/requests/{it.id}/clock", "/queue"):
        text = browser.open(address).text
        assert "Wed 18 Mar 2026, 24:00" in text, address
        assert A_DAY_LATER not in text, address


def test_the_requesters_page(browser: Browser, until_midnight: ServiceRequest) -> None:
    for page in ("", "clock"):
        text = browser.open(links.address(until_midnight, page)).text
        assert "Wed 18 Mar 2026, 24:00" in text
        assert A_DAY_LATER not in text


def test_pages_in_chinese(
    a: Builders, chinese_browser: Browser, until_midnight: ServiceRequest
) -> None:
    chinese_browser.sign_in(a.coordinator())

    text = chinese_browser.open(f"/requests/{until_midnight.id}/clock").text

    assert "2026年3月18日 周三 24:00" in text
    assert "00:00" not in text


def test_what_is_asked_for_a_supervisor(
    a: Builders, browser: Browser, until_midnight: ServiceRequest
) -> None:
    a.approval(until_midnight, ApprovalKind.EXTENSION)

    text = browser.sign_in(a.supervisor()).open("/approvals/").text

    assert "due now Wed 18 Mar 2026, 24:00 → would be due Mon 23 Mar 2026, 24:00" in text


def test_days_on_top_of_it_count_from_that_day(
    a: Builders, browser: Browser, until_midnight: ServiceRequest
) -> None:
    asked = a.approval(until_midnight, ApprovalKind.EXTENSION)
    judge = a.supervisor()
    with transaction():
        approvals.decide(asked, granted=True, actor=a.actor(judge), now=a.now)

    text = browser.sign_in(judge).open(f"/requests/{until_midnight.id}/clock").text

    assert "Extended by 3 working days, counted from Wed 18 Mar 2026, 24:00." in text
    assert "Still to count: 3 working days (Thu 19 Mar 2026 – Mon 23 Mar 2026)." in text
    assert "Due Mon 23 Mar 2026, 24:00." in text


def test_days_past_it_count_from_that_day(a: Builders, until_midnight: ServiceRequest) -> None:
    due = until_midnight.due_at
    assert due is not None
    running = ladder.Running(Clock.RESOLVE, due, due)
    calendar = clocks.calendar_of(until_midnight)

    pressed = ladder.reached_at(calendar, running, ladder.Rung.PRESSED)
    supervised = ladder.reached_at(calendar, running, ladder.Rung.SUPERVISED)

    assert [pressed - due, supervised - due] == [timedelta(days=1), timedelta(days=5)]


def test_mails_and_what_is_asked(a: Builders) -> None:
    a.organisation(working_week=[[["18:00", "00:00"]]] * 5 + [[], []])
    a.service_request(
        status=Status.WAITING, email="who@example.org", reachable_by=ReachableBy.EMAIL
    )
    sent = db.session.scalars(select(Message).order_by(Message.id)).all()
    told = {(one.kind, one.payload["step"]): letter_of(one).text for one in sent}

    assert "To be done by Wed 18 Mar 2026, 24:00." in told["requester_step", "accept"]
    # Asked three times, three working days each, the last of which ends with the day.
    assert "If no answer comes by Wed 25 Mar 2026," in told["requester_step", "wait"]


def test_a_limit_of_hours_that_ends_with_the_day(a: Builders, browser: Browser) -> None:
    a.limit(6, LimitUnit.HOURS, clock=Clock.SIGN_FOR)
    before = a.now.replace(hour=10, minute=0)  # six in the evening where the organisation is
    it = a.service_request(status=Status.ASSIGNED, priority=Priority.NORMAL, at=before)
    browser.sign_in(a.coordinator())

    assert "24:00" in browser.open("/queue").text
    assert it.sign_for_due_at is not None
