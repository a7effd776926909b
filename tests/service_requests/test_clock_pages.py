"""The pages that explain a request's clocks, and take the supervisor's answer."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from time_machine import Traveller

from tests.support import links
from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.permissions import resident
from tracker.service_requests.actions import answers, approvals, handling, parts, supervision
from tracker.service_requests.climbing import climb
from tracker.service_requests.clock_log import clock_logs
from tracker.service_requests.lifecycle import Outcome, Priority, Status
from tracker.service_requests.limits import Clock, Counted, LimitUnit
from tracker.service_requests.models import ApprovalKind, Escalation, ServiceRequest


def test_every_clock_is_explained_line_by_line(a: Builders, browser: Browser) -> None:
    it = a.service_request(status=Status.WAITING)
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{it.id}/clock")

    assert "Limit: 5 working days, counted from" in page.text
    assert "Stands still since" in page.text
    assert "because we waited for the requester's answer" in page.text
    assert "Signing for it" in page.text


@pytest.mark.parametrize("status", [Status.WAITING, Status.PARKED])
def test_what_was_overdue_when_its_clock_stopped_says_the_same_on_each_page(
    a: Builders, browser: Browser, status: Status
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, at=a.now - timedelta(days=9))
    if status is Status.WAITING:
        leads = a.actor(a.team_leader(it.lead_team))
        with transaction():
            handling.ask_requester(it, question="哪天在家?", actor=leads, now=a.now)
    else:
        asked = a.approval(it, ApprovalKind.PARKING)
        judge = a.actor(a.supervisor())
        with transaction():
            approvals.decide(asked, granted=True, actor=judge, now=a.now)
    said = "Overdue since Mon 9 Mar 2026, 18:00, and its clock stands still."

    requesters = browser.open(links.address(it, "clock")).text
    browser.sign_in(a.coordinator())
    texts = [browser.open(f"/requests/{it.id}{page}").text for page in ("", "/clock")]

    for text in (requesters, *texts):
        assert said in text
        assert "Clock stopped" not in text
    assert "Due Mon 9 Mar 2026, 18:00." in requesters  # the log goes to its end


def test_only_a_result_is_said_to_be_resolved_in_chinese(
    a: Builders, chinese_browser: Browser
) -> None:
    it = a.service_request(status=Status.RESOLVED)
    chinese_browser.sign_in(a.coordinator())

    text = chinese_browser.open(f"/requests/{it.id}/clock").text

    assert text.count("按时办结") == 1  # the result
    assert text.count("按时完成") == 3  # accepting, first response, signing for it
    assert text.count("可退单至") == 1


def test_a_part_that_is_done_is_not_said_to_be_resolved_in_chinese(
    a: Builders, chinese_browser: Browser
) -> None:
    it, helping = a.service_request(status=Status.IN_PROGRESS), a.team()
    part = a.part(it, helping, working_days=2)
    with transaction():
        parts.end(part, result="搬走了", actor=a.actor(a.team_leader(helping)), now=a.now)

    text = chinese_browser.sign_in(a.coordinator()).open(f"/requests/{it.id}").text

    assert "按时完成" in text
    assert "按时办结" not in text


def test_what_a_team_may_give_back_is_no_duty(
    a: Builders, browser: Browser, clock: Traveller
) -> None:
    it = a.service_request(status=Status.ASSIGNED)
    browser.sign_in(a.coordinator())

    def card() -> str:
        text = browser.open(f"/requests/{it.id}/clock").text
        return text.partition("Returning it to the desk")[2].partition("First response")[0]

    assert "It can be returned until " in card()
    clock.shift(timedelta(days=9))
    assert "It could be returned until " in card()
    assert "Overdue" not in card()


@pytest.mark.parametrize(
    ("unit", "left", "chinese"),
    [
        (LimitUnit.WORKING_DAYS, "3 working days left", "剩余 3 个工作日"),
        (LimitUnit.CALENDAR_DAYS, "3 calendar days left", "剩余 3 个自然日"),
        (LimitUnit.HOURS, "3 hours left", "剩余 3小时"),
    ],
)
def test_a_clock_that_stands_still_says_since_when_and_what_is_left(
    a: Builders,
    browser: Browser,
    chinese_browser: Browser,
    clock: Traveller,
    unit: LimitUnit,
    left: str,
    chinese: str,
) -> None:
    a.limit(3, unit, priority=Priority.NORMAL)
    it = a.service_request(status=Status.WAITING)
    person = a.coordinator()
    clock.shift(timedelta(days=6))

    page = browser.sign_in(person).open(f"/requests/{it.id}/clock")
    assert "Clock stopped since Wed 11 Mar 2026, 10:00" in page.text
    assert left in page.text
    assert chinese in chinese_browser.sign_in(person).open(f"/requests/{it.id}/clock").text


def test_the_requester_reads_why_in_their_own_words(a: Builders, browser: Browser) -> None:
    it = a.service_request(status=Status.WAITING)

    page = browser.open(links.address(it, "clock"))

    assert "because we waited for your answer" in page.text
    assert "Signing for it" not in page.text


@pytest.mark.parametrize("unit", LimitUnit)
def test_what_is_counted_adds_up_on_the_page_too(a: Builders, unit: LimitUnit) -> None:
    a.limit(3, unit, priority=Priority.NORMAL)
    it = a.service_request(status=Status.ACCEPTED)

    (log,) = [each for each in clock_logs(it, now=a.now) if each.clock is Clock.RESOLVE]

    assert log.due_at == it.due_at
    counted = [entry for entry in log.parts[0].entries if isinstance(entry, Counted)]
    days = sum(entry.days or 0 for entry in counted)
    time = sum((entry.time or timedelta() for entry in counted), timedelta())
    length = {LimitUnit.MINUTES: timedelta(minutes=3)}.get(unit, timedelta(hours=3))
    assert (days or time) == (3 if days else length)


def test_what_applied_then_is_said_where_limits_changed_since(
    a: Builders, browser: Browser
) -> None:
    it = a.service_request(status=Status.RESOLVED)
    a.limit(9)
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{it.id}/clock")

    assert "Limits or the calendar have changed since. What applied then: due" in page.text


@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.ACCEPTED, Status.WAITING])
def test_what_is_withdrawn_is_counted_no_further(
    a: Builders, browser: Browser, clock: Traveller, status: Status
) -> None:
    it = a.service_request(status=status)
    with transaction():
        answers.withdraw(it, actor=resident(it.id), now=a.now)
    clock.shift(timedelta(days=60))

    told = browser.open(links.address(it, "clock")).text
    browser.sign_in(a.coordinator())
    texts = [told, browser.open(f"/requests/{it.id}/clock").text]

    for text in texts:
        assert "Counted no further The request ended Wed 11 Mar 2026, 10:00." in text
        assert "Still to count" not in text
        assert "Overdue" not in text
        assert "In time" not in text.replace("Done in time", "")


def test_what_was_overdue_as_it_was_withdrawn_says_so_and_keeps_its_due_time(
    a: Builders, browser: Browser, clock: Traveller
) -> None:
    it = a.service_request(status=Status.ACCEPTED)
    clock.shift(timedelta(days=30))
    with transaction():
        answers.withdraw(it, actor=resident(it.id), now=utc_now())
    a.limit(9)
    clock.shift(timedelta(days=30))

    page = browser.sign_in(a.coordinator()).open(f"/requests/{it.id}/clock")

    assert "Overdue when it ended The request ended Fri 10 Apr 2026, 10:00." in page.text
    assert "Limits or the calendar have changed since. What applied then: due" in page.text
    logs = {log.clock: log for log in clock_logs(it, now=utc_now())}
    assert logs[Clock.RESOLVE].applied_at == it.due_at
    assert logs[Clock.RESOLVE].is_late


def test_what_was_closed_elsewhere_nobody_knows_when_counts_no_clock_that_did_not_end(
    a: Builders,
) -> None:
    it = a.service_request(status=Status.CLOSED)
    with db.session.no_autoflush:  # only an import may be closed without a time
        it.first_response_at = it.resolved_at = it.closed_at = None
        clocks = [log.clock for log in clock_logs(it, now=a.now)]
    db.session.rollback()

    assert Clock.ACCEPT in clocks
    assert not {Clock.FIRST_RESPONSE, Clock.RESOLVE} & set(clocks)


def test_a_supervisor_answers_and_the_notice_goes(a: Builders, browser: Browser) -> None:
    team = a.team()
    a.team_leader(team)
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    browser.sign_in(a.supervisor())
    climb(a.now + timedelta(days=15))
    assert "Under supervision since" in browser.open(f"/requests/{it.id}").text
    assert "Under supervision" in browser.open("/approvals/").text

    page = browser.send(f"/requests/{it.id}/supervision", answer="")
    assert page.errors["answer"] == "Write what you have seen to."
    page = browser.send(answer="周五前由队长上门，物业配合。")

    assert "Under supervision since" not in page.text
    assert "周五前由队长上门，物业配合。" in page.text
    answered = db.session.scalars(
        select(Escalation).where(Escalation.answered_at.is_not(None))
    ).one()
    assert answered.answer == "周五前由队长上门，物业配合。"
    assert "周五前由队长上门" in browser.open(f"/requests/{it.id}/clock").text
    assert it.reference not in browser.open("/approvals/").text


def test_the_answer_stands_in_the_history_under_its_own_name(
    a: Builders, browser: Browser, chinese_browser: Browser
) -> None:
    team = a.team()
    a.team_leader(team)
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    judge = a.supervisor()
    climb(a.now + timedelta(days=15))
    words = {"Supervision answered": browser, "督办已答复": chinese_browser}
    for named, seen in words.items():
        assert named not in seen.sign_in(judge).open(f"/requests/{it.id}").text

    browser.send(f"/requests/{it.id}/supervision", answer="周五前由队长上门。")

    for named, seen in words.items():
        _, _, told = seen.open(f"/requests/{it.id}").text.partition(named)
        assert "周五前由队长上门。" in told[:200]
    assert "周五前由队长上门" not in browser.open(links.address(it)).text


def test_the_list_says_what_is_supervised_and_what_was_urged(
    a: Builders, browser: Browser, chinese_browser: Browser
) -> None:
    team = a.team()
    leads = a.team_leader(team)
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    judge = a.supervisor()
    here = {browser: ("Under supervision", "Urged"), chinese_browser: ("督办", "催办")}

    def said(seen: Browser) -> list[bool]:
        cells = seen.open("/queue?status=all").html.partition("<tbody")[2].partition("</tbody")[0]
        return [words in cells for words in here[seen]]

    for seen in here:
        seen.sign_in(leads)
        assert said(seen) == [False, False]
    with transaction():
        answers.urge(it, actor=resident(it.id), now=a.now)
    climb(a.now + timedelta(days=15))
    for seen in here:
        assert said(seen) == [True, True]

    with transaction():
        it = db.session.get_one(ServiceRequest, it.id, populate_existing=True)
        supervision.answer(it, words="周五前上门", actor=a.actor(judge), now=a.now)
    for seen in here:
        assert said(seen) == [False, True]
    with transaction():
        handling.resolve(it, outcome=Outcome.SOLVED, answer="好了", actor=a.actor(leads), now=a.now)
    for seen in here:
        assert said(seen) == [False, False]


def test_an_extension_is_a_part_of_its_own(a: Builders, browser: Browser) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    with transaction():
        it.extension_working_days = 3
        handling.add_note(it, internal_note="x", actor=a.actor(a.coordinator()), now=utc_now())
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{it.id}/clock")

    assert "Extended by 3 working days, counted from" in page.text
