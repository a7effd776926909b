"""Call-backs at a browser: by somebody who did not handle it, and every look is logged."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from tests.support.browser import CHINESE, ENGLISH, Browser
from tests.support.builders import Builders
from tests.support.page import Page
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.permissions import Role
from tracker.service_requests import queries
from tracker.service_requests.actions import handling
from tracker.service_requests.lifecycle import ConfirmationWay, Outcome, Solved, Status, Step
from tracker.service_requests.models import ContactLook, ReachableBy, ServiceRequest
from tracker.service_requests.reference import format_reference

NOBODY = "Nobody to call"


@pytest.fixture
def it(a: Builders) -> ServiceRequest:
    """Return a result that waits for the requester's word."""
    return a.service_request(
        status=Status.RESOLVED, requester_name="王秀兰", phone="+8613812345678"
    )


@pytest.fixture
def caller(a: Builders) -> Person:
    """Return a supervisor who did not handle it."""
    return a.supervisor()


def address_of(it: ServiceRequest) -> str:
    """Return the page of the call."""
    return f"/requests/{it.id}/call-back"


def now_of(it: ServiceRequest) -> ServiceRequest:
    """Return the request as it stands in the database."""
    return db.session.get_one(ServiceRequest, it.id, populate_existing=True)


def looks() -> list[tuple[int, int, str]]:
    """Return every logged look: request, person, page."""
    found = db.session.scalars(select(ContactLook))
    return [(look.service_request_id, look.person_id, look.where) for look in found]


# ---------------------------------------------------------------- the list


def test_what_waits_longest_is_called_first_and_no_number_is_whole(
    a: Builders, browser: Browser, caller: Person, it: ServiceRequest
) -> None:
    older = a.service_request(status=Status.RESOLVED, at=a.now - timedelta(days=2))

    page = browser.sign_in(caller).open("/call-backs")

    assert page.html.index(address_of(older)) < page.html.index(address_of(it))
    assert "13812345678" not in page.html
    assert "王秀兰" not in page.html
    assert looks() == []


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.RESOLVED])
def test_only_results_without_an_answer_are_called_about(
    a: Builders, browser: Browser, caller: Person, status: Status
) -> None:
    a.service_request(status=status)

    assert NOBODY in browser.sign_in(caller).open("/call-backs").text


def test_nobody_calls_about_their_own_work(a: Builders, browser: Browser) -> None:
    desk = a.coordinator()
    team = a.team()
    a.membership(team, desk)
    done = a.service_request(team=team, claimed_by=[desk], status=Status.RESOLVED)
    browser.sign_in(desk)

    assert NOBODY in browser.open("/call-backs").text
    browser.open(address_of(done), status=404)


@pytest.mark.parametrize("is_lead", [True, False])
def test_who_leads_a_team_that_has_it_does_not_call(
    a: Builders, browser: Browser, *, is_lead: bool
) -> None:
    lead, helping = a.team(), a.team()
    a.team_leader(lead)
    it = a.service_request(status=Status.RESOLVED, team=lead, helping_teams=[helping])
    both = a.coordinator()
    a.membership(lead if is_lead else helping, both, leads=True)
    assert both.id not in it.handler_ids

    assert address_of(it) not in browser.sign_in(both).open("/call-backs").html
    browser.open(address_of(it), status=404)
    assert address_of(it) in browser.sign_in(a.coordinator()).open("/call-backs").html


@pytest.mark.parametrize("status", [Status.WAITING, Status.PARKED])
def test_who_took_it_up_again_does_not_call(a: Builders, browser: Browser, status: Status) -> None:
    team, desk = a.team(), a.coordinator()
    it = a.service_request(status=status, team=team)
    take_up = handling.resume if status is Status.WAITING else handling.unpark
    with transaction():
        take_up(it, actor=a.actor(desk), now=a.now)
        handling.resolve(
            it,
            outcome=Outcome.SOLVED,
            answer="修好了",
            actor=a.actor(a.team_leader(team)),
            now=a.now,
        )

    browser.sign_in(desk).open(address_of(it), status=404)


def test_another_units_results_are_not_there(
    a: Builders, browser: Browser, it: ServiceRequest
) -> None:
    browser.sign_in(a.supervisor(a.unit()))

    assert NOBODY in browser.open("/call-backs").text
    browser.open(address_of(it), status=404)


@pytest.mark.parametrize("role", [Role.LEADER, Role.ADMINISTRATOR, Role.AUDITOR])
def test_others_do_not_call(a: Builders, browser: Browser, it: ServiceRequest, role: Role) -> None:
    browser.sign_in(a.holder(role)).open("/call-backs", status=403)
    browser.open(address_of(it), status=404)


def test_volunteers_and_team_leaders_do_not_call(
    a: Builders, browser: Browser, it: ServiceRequest
) -> None:
    for person in (a.volunteer(), a.team_leader(it.lead_team)):
        browser.sign_out().sign_in(person).open("/call-backs", status=403)
        browser.open(address_of(it), status=404)


def test_long_lists_have_pages(a: Builders, browser: Browser, caller: Person) -> None:
    for _ in range(26):
        a.service_request(status=Status.RESOLVED)
    browser.sign_in(caller).open("/call-backs")

    browser.click("Next page")

    assert browser.page.html.count('/call-back"') == 1


def test_more_results_ask_no_more_of_the_database(
    a: Builders,
    browser: Browser,
    caller: Person,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    a.organisation()
    browser.sign_in(caller)
    counts = []
    for _ in range(2):
        for _ in range(3):
            a.service_request(status=Status.RESOLVED, category=a.category(), team=a.team())
        counts.append(count_queries(partial(browser.open, "/call-backs")))

    assert counts[0] == counts[1]


# ---------------------------------------------------------------- the call


def test_the_number_is_shown_after_a_tap_and_the_look_is_logged(
    browser: Browser, caller: Person, it: ServiceRequest
) -> None:
    page = browser.sign_in(caller).open(address_of(it))
    assert "13812345678" not in page.html
    assert looks() == []

    page = browser.send(press="Show contact")

    assert "王秀兰" in page.text
    assert "138 1234 5678" in page.text
    assert page.link("138 1234 5678") == "tel:+8613812345678"
    assert looks() == [(it.id, caller.id, "call-back")]


def test_what_they_said_closes_it(browser: Browser, caller: Person, it: ServiceRequest) -> None:
    browser.sign_in(caller)

    page = browser.send(
        address_of(it), result="answered", solved="partly", satisfaction=4, word="还有一点滴水"
    )

    assert page.path == "/call-backs"
    assert "The request is closed on the requester's word." in page.text
    after = now_of(it)
    assert (after.status, after.confirmation) == (Status.CLOSED, ConfirmationWay.CALL_BACK)
    assert (after.solved, after.satisfaction) == (Solved.PARTLY, 4)
    last = queries.history_of(after)[-1]
    assert (last.step, last.public_note, last.actor_id) == (
        Step.CONFIRM,
        "还有一点滴水",
        caller.id,
    )


def test_one_need_not_say_how_satisfied(
    browser: Browser, caller: Person, it: ServiceRequest
) -> None:
    browser.sign_in(caller).send(address_of(it), result="answered", solved="yes")

    assert (now_of(it).solved, now_of(it).satisfaction) == (Solved.YES, None)


def test_what_is_not_solved_goes_on_when_they_wish(
    browser: Browser, caller: Person, it: ServiceRequest
) -> None:
    page = browser.sign_in(caller).send(address_of(it), result="reopen", word="又漏了")

    assert "It goes back to those who handle it" in page.text
    after = now_of(it)
    assert (after.status, after.times_reopened) == (Status.IN_PROGRESS, 1)
    assert after.outcome is None
    assert queries.history_of(after)[-1].public_note == "又漏了"


def test_a_call_that_nobody_answered_stays_in_the_list(
    browser: Browser, caller: Person, it: ServiceRequest
) -> None:
    page = browser.sign_in(caller).send(address_of(it), result="not_reached", word="响了没人接")

    assert address_of(it) in page.html
    after = now_of(it)
    assert (after.status, after.outcome) == (Status.RESOLVED, Outcome.SOLVED)
    last = queries.history_of(after)[-1]
    assert (last.step, last.public_note) == (Step.NOTE, "")
    assert (last.internal_note, last.detail) == ("响了没人接", {"nobody_answered": True})
    # Trying is not handling: they may call again.
    browser.open(address_of(it))


@pytest.mark.parametrize("word", ["", "响了没人接"])
def test_a_call_that_nobody_answered_is_told_to_each_in_their_language(
    browser: Browser, caller: Person, it: ServiceRequest, word: str
) -> None:
    browser.sign_in(caller).speak(CHINESE).send(address_of(it), result="not_reached", word=word)

    chinese = browser.open(f"/requests/{it.id}").text
    english = browser.speak(ENGLISH).open(f"/requests/{it.id}").text

    assert "Call-back: nobody answered." in english
    assert "Call-back" not in chinese
    assert "回访：无人接听。" in chinese
    assert word in english
    assert "internal" in english


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"word": "x"}, "result", "Choose what came of the call."),
        ({"result": "answered", "word": "x"}, "solved", "is it solved?"),
        ({"result": "reopen", "word": " "}, "word", "Write down what is still not right."),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_saved(
    browser: Browser,
    caller: Person,
    it: ServiceRequest,
    given: dict[str, object],
    field: str,
    words: str,
) -> None:
    page = browser.sign_in(caller).send(address_of(it), fields=given)

    assert words in page.errors[field]
    assert page.form("word").values()["word"] == [given.get("word", "")]
    assert now_of(it).status is Status.RESOLVED


def test_who_gave_no_number_is_said_to_have_none(
    a: Builders, browser: Browser, caller: Person
) -> None:
    made = a.service_request(
        status=Status.RESOLVED,
        reachable_by=ReachableBy.NOBODY,
        phone=None,
        requester_name="",
    )

    page = browser.sign_in(caller).send(address_of(made), press="Show contact")

    assert "None was given" in page.text


def test_an_answer_that_came_in_the_meantime_is_not_written_over(
    a: Builders, browser: Browser, caller: Person, it: ServiceRequest
) -> None:
    page = browser.sign_in(caller).open(address_of(it))
    sent = {**page.form("word").values(), "result": "answered", "solved": "no"}
    browser.request("POST", page.path, data={**sent, "solved": "yes", "satisfaction": "5"})

    answer = browser.request("POST", page.path, data=sent)

    assert answer.status_code == 409
    assert now_of(it).solved is Solved.YES
    assert "There is no result to ask about now." in browser.open(address_of(it)).text


def test_the_pages_speak_chinese(
    chinese_browser: Browser, caller: Person, it: ServiceRequest
) -> None:
    assert chinese_browser.sign_in(caller).open("/call-backs").heading == "回访"
    chinese_browser.open(address_of(it))


def test_whom_nobody_can_call_is_not_in_the_list(a: Builders, browser: Browser) -> None:
    by_phone = a.service_request(status=Status.RESOLVED, phone="+8613800138000")
    nobody = a.service_request(status=Status.RESOLVED, reachable_by=ReachableBy.NOBODY, phone=None)
    browser.sign_in(a.supervisor())

    text = browser.open("/call-backs").text

    assert format_reference(by_phone.reference) in text
    assert format_reference(nobody.reference) not in text


def test_no_page_says_solved_when_the_requester_says_no(a: Builders, browser: Browser) -> None:
    it = a.service_request(status=Status.CLOSED, solved=Solved.NO, satisfaction=2)
    browser.sign_in(a.supervisor())

    for page in (f"/requests/{it.id}", "/queue?status=closed"):
        assert "Requester: not solved" in browser.open(page).text


@pytest.mark.parametrize(
    ("stood", "said", "told"),
    [
        (
            Status.RESOLVED,
            {"result": "answered", "solved": "partly", "satisfaction": 3, "word": "慢了点"},
            "The request is closed on the requester's word.",
        ),
        (
            Status.RESOLVED,
            {"result": "reopen", "word": "又漏了"},
            "It goes back to those who handle it",
        ),
        (
            Status.CLOSED,
            {"result": "reopen", "word": "又漏了"},
            "A supervisor decides whether it is taken up again.",
        ),
    ],
)
def test_what_is_sent_twice_is_written_down_once(
    browser: Browser,
    caller: Person,
    it: ServiceRequest,
    stood: Status,
    said: dict[str, object],
    told: str,
) -> None:
    page = browser.sign_in(caller).open(address_of(it))
    sent = {**page.form("word").values(), **said}
    if stood is Status.CLOSED:
        closing = {**sent, "result": "answered", "solved": "yes", "word": ""}
        browser.request("POST", page.path, data=closing)
        browser.open("/call-backs")

    answers = [browser.request("POST", page.path, data=sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    words = browser.open("/call-backs").text
    assert (words.count(told), words.count("arrived already, and was done once")) == (1, 1)
    taken = [entry.step for entry in queries.history_of(now_of(it))]
    assert sum(step in (Step.CONFIRM, Step.DISPUTE, Step.ASK_REOPENING) for step in taken) == (
        2 if stood is Status.CLOSED else 1
    )


def test_a_wish_to_go_on_that_comes_after_the_closing_promises_no_more_than_is_so(
    browser: Browser, caller: Person, it: ServiceRequest
) -> None:
    page = browser.sign_in(caller).open(address_of(it))
    sent = {**page.form("word").values(), "result": "reopen", "word": "又漏了"}
    browser.request(
        "POST", page.path, data={**sent, "result": "answered", "solved": "yes", "word": ""}
    )

    browser.request("POST", page.path, data=sent)

    assert now_of(it).status is Status.CLOSED
    assert "A supervisor decides whether it is taken up again." in browser.open("/call-backs").text


# -------------------------------------------------------------------- questions that wait


def test_a_question_to_somebody_without_mail_is_to_be_called_about(
    a: Builders, browser: Browser
) -> None:
    it = a.service_request(status=Status.WAITING, phone="+8613812345678")
    reads_mail = a.service_request(
        status=Status.WAITING, reachable_by=ReachableBy.EMAIL, email="li@example.org"
    )
    nobody = a.service_request(status=Status.WAITING, reachable_by=ReachableBy.NOBODY, phone=None)
    elsewhere = a.service_request(status=Status.IN_PROGRESS)
    browser.sign_in(a.coordinator()).open("/call-backs")

    page = browser.click("Questions that wait")

    assert page.path == "/call-backs/questions"
    assert "请问哪天在家?" in page.text
    assert "Wed 25 Mar 2026" not in page.text
    assert "Tue 24 Mar 2026" in page.text  # three times three working days from Wednesday on
    assert "13812345678" not in page.text
    shown = {one.id for one in (it, reads_mail, nobody, elsewhere) if _is_linked(page, one)}
    assert shown == {it.id}


def test_another_units_questions_and_ones_own_work_are_not_called_about(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    it = a.service_request(status=Status.WAITING, team=team, phone="+8613812345678")
    both = a.worker_on(it)
    a.grant(both, Role.COORDINATOR)

    for person in (a.coordinator(a.unit()), both):
        page = browser.sign_in(person).open("/call-backs/questions")
        assert NOBODY in page.text
    for person in (a.leader(), a.volunteer(team), a.administrator()):
        browser.sign_in(person).open("/call-backs/questions", status=403)


def test_more_questions_ask_no_more_of_the_database(
    a: Builders, browser: Browser, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    def more(number: int) -> None:
        for _ in range(number):
            a.service_request(status=Status.WAITING, phone="+8613812345678")

    def look() -> None:
        browser.open("/call-backs/questions")

    more(2)
    browser.sign_in(a.coordinator()).open("/call-backs/questions")
    few = count_queries(look)
    more(8)
    look()
    assert count_queries(look) == few


def _is_linked(page: Page, it: ServiceRequest) -> bool:
    return f"/requests/{it.id}" in [link.href for link in page.links]
