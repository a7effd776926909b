"""Limits beside that of the result: on the request's page, in the list, in mails and messages."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from time_machine import Traveller

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tracker.database import db
from tracker.notifications.models import Message
from tracker.service_requests.climbing import climb
from tracker.service_requests.lifecycle import Priority, Status
from tracker.service_requests.limits import Clock, LimitUnit
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.other_limits import other_limits


@pytest.fixture
def it(a: Builders) -> ServiceRequest:
    """Return an assigned request: its result is due in weeks, the rest in hours."""
    a.limit(20, LimitUnit.WORKING_DAYS, priority=Priority.NORMAL)
    for clock in (Clock.SIGN_FOR, Clock.FIRST_RESPONSE):
        a.limit(10, LimitUnit.HOURS, priority=Priority.NORMAL, clock=clock)
    team = a.team()
    a.team_leader(team, email="dui@example.org")
    return a.service_request(status=Status.ASSIGNED, team=team)


@pytest.mark.both_databases
def test_what_is_near_or_overdue_stands_on_the_page_and_in_the_list(
    a: Builders, browser: Browser, chinese_browser: Browser, it: ServiceRequest, clock: Traveller
) -> None:
    person, here = a.coordinator(), f"/requests/{it.id}"
    browser.sign_in(person)
    chinese_browser.sign_in(person)
    assert "Sign for it:" not in browser.open(here).text
    assert "Sign for it by " in browser.open("/queue").text

    clock.shift(timedelta(hours=9))
    text = browser.open(here).text
    assert "Sign for it: due soon, " in text
    assert "First response: due soon, " in text

    clock.shift(timedelta(hours=2))
    text = browser.open(here).text
    assert "Sign for it: overdue since " in text
    assert "First response: overdue since " in text
    assert "签收：" in chinese_browser.open(here).text
    assert "起已超期" in chinese_browser.open(here).text
    assert "Sign for it: overdue since " in browser.open("/queue").text
    assert "起已超期" in chinese_browser.open("/queue").text


def test_at_the_due_time_itself_nothing_is_overdue_yet(a: Builders, it: ServiceRequest) -> None:
    due = a.now + timedelta(hours=10)

    assert {each.is_overdue for each in other_limits(it, (), due)} == {False}
    assert {each.is_overdue for each in other_limits(it, (), due + timedelta(seconds=1))} == {True}


def test_what_was_done_or_stands_still_is_not_named(a: Builders) -> None:
    done = a.service_request(status=Status.WAITING)
    later = a.now + timedelta(days=30)

    assert other_limits(done, (), later) == ()
    unread = a.service_request()
    assert [each.clock for each in other_limits(unread, (), later)] == [Clock.ACCEPT]
    closed = a.service_request(status=Status.CLOSED)
    assert list(other_limits(closed, (), later)) == []


def test_mail_and_messages_say_which_limit_and_the_subject_counts_requests(
    a: Builders, browser: Browser, chinese_browser: Browser, it: ServiceRequest
) -> None:
    climb(a.now + timedelta(hours=23))  # the next working day

    mail = db.session.scalars(
        select(Message).where(Message.kind == "ladder", Message.address == "dui@example.org")
    ).one()
    assert mail.payload["counts"] == {"overdue": 1}
    assert mail.payload["total"] == 2
    letter = letter_of(mail, "en")
    assert "1 overdue" in letter.subject
    assert "2 overdue" not in letter.subject
    for named, text in (
        (("Overdue: sign for it", "Overdue: first response"), letter.text),
        (("已超期：签收", "已超期：首次响应"), letter_of(mail, "zh_Hans_CN").text),
    ):
        assert all(words in text for words in named)

    assert it.lead_team is not None
    (leads,) = [each.person for each in it.lead_team.memberships if each.leads]
    for seen, named in (
        (browser, ("Overdue: sign for it", "Overdue: first response")),
        (chinese_browser, ("已超期：签收", "已超期：首次响应")),
    ):
        text = seen.sign_in(leads).open("/inbox").text
        assert all(words in text for words in named)
