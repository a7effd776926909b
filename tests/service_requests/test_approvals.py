"""The page of decisions: what waits for whom, with the facts, and one answer to each."""

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from time_machine import Traveller

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.permissions import Role
from tracker.service_requests import links
from tracker.service_requests.actions import handling
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import Approval, ApprovalKind, ServiceRequest
from tracker.web.locale import format_datetime, in_locale

NOTHING = "Nothing waits for your decision"


@pytest.fixture
def judge(a: Builders) -> Person:
    """Return a supervisor of the bureau."""
    return a.supervisor()


def decided() -> list[bool | None]:
    """Return what came of everything that was asked."""
    asked = select(Approval).order_by(Approval.id).execution_options(populate_existing=True)
    return [one.granted for one in db.session.scalars(asked)]


def now_of(it: ServiceRequest) -> ServiceRequest:
    """Return the request as it stands in the database."""
    return db.session.get_one(ServiceRequest, it.id, populate_existing=True)


def in_english(moment: datetime | None) -> str:
    """Return a moment as an English page writes it."""
    with in_locale("en"):
        return format_datetime(moment)


def test_it_shows_who_asks_what_and_why(a: Builders, browser: Browser, judge: Person) -> None:
    team = a.team(name_en="Sunrise team")
    leads = a.team_leader(team, name="林小雨")
    it = a.service_request(team=team, status=Status.IN_PROGRESS)
    a.approval(it, ApprovalKind.EXTENSION, by=leads)
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.PARKING)
    a.approval(a.service_request(status=Status.CLOSED), ApprovalKind.REOPENING)

    page = browser.sign_in(judge).open("/approvals/")

    for fact in (
        "林小雨",
        "等待配件到货",
        "3 working days",
        "Sunrise team",
        "Fri 10 Apr 2026",
        "又漏水了",
    ):
        assert fact in page.text
    assert page.buttons.count("Grant") == 3


def test_more_time_says_by_when_it_would_be_due_as_granting_makes_it(
    a: Builders, browser: Browser, judge: Person
) -> None:
    unit = a.unit()
    it = a.service_request(status=Status.IN_PROGRESS, unit=unit)
    # Days of its own, which only its own calendar knows; the last stands after the due time.
    for days in (1, 9, 10):
        a.calendar_day((a.now + timedelta(days=days)).date(), is_working=False, unit=unit)
    a.approval(it, ApprovalKind.EXTENSION)
    now_due = in_english(now_of(it).due_at)
    page = browser.sign_in(judge).open("/approvals/")
    said = re.search(r"due now (.+?) → would be due (\w+ \d+ \w+ \d+, \d+:\d+)", page.text)
    assert said is not None

    browser.send(press="Grant")

    assert said.groups() == (now_due, in_english(now_of(it).due_at))
    assert said[1] != said[2]


def test_more_time_has_no_date_while_the_clock_stands_still(
    a: Builders, browser: Browser, judge: Person
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    a.approval(it, ApprovalKind.EXTENSION)
    with transaction():
        handling.ask_requester(
            now_of(it), question="哪天在家?", actor=a.actor(a.team_leader(it.lead_team)), now=a.now
        )

    page = browser.sign_in(judge).open("/approvals/")

    assert "3 working days · added once the clock runs again" in page.text
    assert "would be due" not in page.text


def test_what_waits_longest_is_first(a: Builders, browser: Browser, judge: Person) -> None:
    late = a.service_request(status=Status.IN_PROGRESS)
    a.approval(late, ApprovalKind.EXTENSION)
    early = a.service_request(status=Status.IN_PROGRESS)
    asked = a.approval(early, ApprovalKind.PARKING)
    with transaction():
        asked.asked_at = a.now - timedelta(hours=1)

    page = browser.sign_in(judge).open("/approvals/")

    assert page.html.index(f"/requests/{early.id}") < page.html.index(f"/requests/{late.id}")


def test_long_lists_have_pages_and_a_wrong_answer_stays_on_its_page(
    a: Builders, browser: Browser, judge: Person
) -> None:
    for _ in range(21):
        a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.EXTENSION)
    browser.sign_in(judge).open("/approvals/")
    assert browser.page.buttons.count("Grant") == 20
    browser.click("Next page")

    page = browser.send(press="Refuse", note="")

    assert page.buttons.count("Grant") == 1
    assert "note" in page.errors


def test_granting_more_time_needs_no_word(a: Builders, browser: Browser, judge: Person) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    due = it.due_at
    a.approval(it, ApprovalKind.EXTENSION)
    browser.sign_in(judge).open("/approvals/")

    page = browser.send(press="Grant")

    assert "Granted. Everybody concerned is told." in page.text
    assert NOTHING in page.text
    assert decided() == [True]
    after = now_of(it).due_at
    assert after is not None
    assert due is not None
    assert after > due


def test_a_refusal_needs_a_word_and_what_was_typed_stays(
    a: Builders, browser: Browser, judge: Person
) -> None:
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.PARKING)
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.PARKING)
    browser.sign_in(judge).open("/approvals/")

    page = browser.send(press="Refuse", note=" ")

    assert page.errors == {"note": "Write a word on why not: those who asked are told."}
    assert decided() == [None, None]
    page = browser.send(press="Refuse", note="请先协调道路单位")
    assert "Refused. Those who asked are told." in page.text
    assert decided() == [False, None]


def test_a_word_that_is_too_long_is_said_beside_it(
    a: Builders, browser: Browser, judge: Person
) -> None:
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.PARKING)
    browser.sign_in(judge).open("/approvals/")

    page = browser.send(press="Grant", note="长" * 501)

    assert "note" in page.errors
    assert page.form("note").values()["note"] == ["长" * 501]
    assert decided() == [None]


def test_the_requester_reads_why_it_is_not_reopened(
    a: Builders, browser: Browser, judge: Person
) -> None:
    it = a.service_request(status=Status.CLOSED)
    a.approval(it, ApprovalKind.REOPENING)
    browser.sign_in(judge).open("/approvals/")

    browser.send(press="Refuse", note="已复查,不再滴水")

    token = links.token_for(it.id, it.link_salt)
    assert "已复查,不再滴水" in browser.sign_out().open(f"/track/{token}").text


def test_what_somebody_else_decided_is_said(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser], judge: Person
) -> None:
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.EXTENSION)
    other = new_browser().sign_in(a.supervisor())
    other.open("/approvals/")
    browser.sign_in(judge).open("/approvals/")
    other.send(press="Refuse", note="还来得及")

    page = browser.send(press="Grant")

    assert "answered" in " ".join(page.flashes)
    assert decided() == [False]


def test_a_word_that_comes_too_late_is_shown_to_be_taken_along(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser], judge: Person
) -> None:
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.EXTENSION)
    other = new_browser().sign_in(a.supervisor())
    other.open("/approvals/")
    browser.sign_in(judge).open("/approvals/")
    other.send(press="Grant")

    page = browser.send(press="Refuse", note="不同意，理由很长", status=409)

    assert "不同意，理由很长" in page.text
    assert "answered" in page.text
    assert page.link("See how it stands") == "/approvals/"
    assert decided() == [True]


def test_a_decision_that_is_sent_twice_is_made_once(
    a: Builders, browser: Browser, judge: Person
) -> None:
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.EXTENSION)
    card = browser.sign_in(judge).open("/approvals/").form("note").values()
    sent = card | {"note": ["还来得及"], "decision": ["refuse"]}

    answers = [browser.request("POST", "/approvals/", data=sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert decided() == [False]


def test_what_has_moved_on_cannot_be_granted(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser], judge: Person
) -> None:
    team = a.team()
    it = a.service_request(team=team, status=Status.IN_PROGRESS)
    a.approval(it, ApprovalKind.PARKING)
    browser.sign_in(judge).open("/approvals/")
    handler = new_browser().sign_in(a.team_leader(team))
    handler.send(f"/requests/{it.id}/question", question="请问哪天在家?")

    page = browser.send(press="Grant")

    assert "can no longer be granted" in page.text
    assert decided() == [None]


def test_who_asked_by_their_own_link_leaves_the_decision_to_another(
    a: Builders, browser: Browser, judge: Person
) -> None:
    it = a.service_request(status=Status.CLOSED)
    one = a.supervisor()
    link = f"/track/{links.token_for(it.id, it.link_salt)}"
    browser.sign_in(one).send(f"{link}/dispute", reason="又漏水了")
    assert [asked.asked_by_id for asked in db.session.scalars(select(Approval))] == [one.id]

    assert NOTHING in browser.open("/approvals/").text
    assert "又漏水了" in browser.sign_out().sign_in(judge).open("/approvals/").text


def test_nothing_is_parked_until_a_day_that_has_come(
    a: Builders, browser: Browser, judge: Person, clock: Traveller
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    asked = a.approval(it, ApprovalKind.PARKING)
    assert asked.until is not None
    clock.move_to(datetime.combine(asked.until, time(0, 30), ZoneInfo("Asia/Shanghai")))
    browser.sign_in(judge).open("/approvals/")

    page = browser.send(press="Grant", note="路还没修好")

    assert "has come already" in page.text
    assert page.form("note").values()["note"] == ["路还没修好"]
    assert decided() == [None]
    assert now_of(it).status is Status.IN_PROGRESS
    clock.shift(timedelta(hours=-1))
    browser.send(press="Grant")
    assert decided() == [True]


def test_nobody_sees_or_decides_what_they_worked_on(a: Builders, browser: Browser) -> None:
    both = a.supervisor()
    team = a.team()
    a.membership(team, both, leads=True)
    it = a.service_request(team=team, claimed_by=[both])
    own = a.approval(it, ApprovalKind.EXTENSION, by=both)
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.EXTENSION)
    page = browser.sign_in(both).open("/approvals/")
    assert page.buttons.count("Grant") == 1

    sent = {**page.form("note").values(), "decision": "grant", "approval": str(own.id)}
    answer = browser.request("POST", "/approvals/", data=sent)

    assert answer.status_code == 404
    assert decided() == [None, None]


@pytest.mark.parametrize("role", [Role.LEADER, Role.COORDINATOR, Role.ADMINISTRATOR, Role.AUDITOR])
def test_only_supervisors_see_the_page(a: Builders, browser: Browser, role: Role) -> None:
    browser.sign_in(a.holder(role)).open("/approvals/", status=403)


def test_what_is_supervised_says_by_when_it_is_due(
    a: Builders, browser: Browser, judge: Person
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    with transaction():
        held = db.session.get_one(ServiceRequest, it.id)
        held.supervised_at = a.now
        due_at = held.due_at
    assert due_at is not None

    page = browser.sign_in(judge).open("/approvals/")

    assert "Under supervision" in page.text
    assert f'datetime="{due_at.isoformat()}"' in page.html


def test_another_units_questions_are_not_there(a: Builders, browser: Browser) -> None:
    a.approval(a.service_request(status=Status.IN_PROGRESS, unit=a.unit()), ApprovalKind.PARKING)

    assert NOTHING in browser.sign_in(a.supervisor(a.unit())).open("/approvals/").text


def test_a_button_that_does_not_exist_decides_nothing(
    a: Builders, browser: Browser, judge: Person
) -> None:
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.PARKING)
    page = browser.sign_in(judge).open("/approvals/")
    sent = {**page.form("note").values(), "decision": "perhaps"}

    assert browser.request("POST", "/approvals/", data=sent).status_code == 200
    assert decided() == [None]


@pytest.mark.parametrize("number", ["", "x", "0", "4711", "99999999999"])
def test_what_was_never_asked_cannot_be_decided(
    a: Builders, browser: Browser, judge: Person, number: str
) -> None:
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.PARKING)
    page = browser.sign_in(judge).open("/approvals/")
    sent = {**page.form("note").values(), "decision": "grant", "approval": number}

    assert browser.request("POST", "/approvals/", data=sent).status_code == 404
    assert decided() == [None]


def test_more_questions_ask_no_more_of_the_database(
    a: Builders,
    browser: Browser,
    judge: Person,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    a.organisation()
    browser.sign_in(judge)
    counts = []
    for _ in range(2):
        for _ in range(3):
            made = a.service_request(
                status=Status.IN_PROGRESS,
                category=a.category(),
                team=a.team(),
                leader=a.leader(),
                area=a.area(),
            )
            a.approval(made, ApprovalKind.EXTENSION)
        counts.append(count_queries(partial(browser.open, "/approvals/")))

    assert counts[0] == counts[1]


def test_the_page_speaks_chinese(a: Builders, chinese_browser: Browser, judge: Person) -> None:
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.PARKING)

    page = chinese_browser.sign_in(judge).open("/approvals/")

    assert "审批" in page.heading
    assert "Needed" not in page.text
