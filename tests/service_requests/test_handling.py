"""The handlers' pages: notes, questions, more time, parking, referral and the result."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.pictures import small_jpeg
from tracker.accounts.models import Person
from tracker.database import db
from tracker.permissions import Role
from tracker.service_requests import links
from tracker.service_requests.lifecycle import Outcome, Status
from tracker.service_requests.models import Approval, ApprovalKind, Photo, ServiceRequest
from tracker.teams.models import Team


@dataclass(frozen=True)
class Page:
    """One page of a handler: when it is there, and what is written on it."""

    name: str
    status: Status
    wrong_status: Status
    fields: dict[str, object] = field(default_factory=dict)
    required: dict[str, str] = field(default_factory=dict)


PAGES = [
    Page("note", Status.IN_PROGRESS, Status.IN_PROGRESS, {"public_note": "明天上门"}),
    Page(
        "question",
        Status.IN_PROGRESS,
        Status.WAITING,
        {"question": "哪天在家?"},
        {"question": "Write the question"},
    ),
    Page("resumption", Status.WAITING, Status.IN_PROGRESS, {"note": "打电话说了"}),
    Page(
        "extension",
        Status.IN_PROGRESS,
        Status.RESOLVED,
        {"working_days": 3, "reason": "等配件"},
        {"working_days": "Enter a number", "reason": "write one"},
    ),
    Page(
        "parking",
        Status.IN_PROGRESS,
        Status.WAITING,
        {"until": "2026-05-01", "reason": "道路施工"},
        {"until": "Choose the day", "reason": "write one"},
    ),
    Page("unparking", Status.PARKED, Status.IN_PROGRESS, {"note": "路修好了"}),
    Page(
        "referral",
        Status.IN_PROGRESS,
        Status.WAITING,
        {"to_whom": "区自来水公司,96390", "answer": "由自来水公司更换水表"},
        {"to_whom": "Name the body", "answer": "Tell the requester"},
    ),
    Page(
        "resolution",
        Status.IN_PROGRESS,
        Status.RESOLVED,
        {"outcome": "solved", "answer": "换好了"},
        {"answer": "Tell the requester what was done"},
    ),
]
BY_NAME = {page.name: page for page in PAGES}
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture
def team(a: Builders) -> Team:
    """Return the team that handles the requests."""
    return a.team()


@pytest.fixture
def handler(a: Builders, team: Team) -> Person:
    """Return who leads `team` and sits at the desk too, which alone refers to other bodies."""
    person = a.team_leader(team)
    a.grant(person, Role.COORDINATOR)
    return person


@pytest.fixture
def at_work(browser: Browser, handler: Person) -> Browser:
    """Return the browser of `handler`."""
    return browser.sign_in(handler)


def now_of(it: ServiceRequest) -> ServiceRequest:
    """Return the request as it stands in the database."""
    return db.session.get_one(ServiceRequest, it.id, populate_existing=True)


def send(browser: Browser, it: ServiceRequest, name: str, **changed: object) -> Any:  # noqa: ANN401 - a page
    """Fill in the page as it should be, except for what is `changed`, and send it."""
    press = "Report the result" if name == "resolution" else ""
    page = BY_NAME[name]
    address = f"/requests/{it.id}/{name}"
    browser.open(address)
    if press and press not in browser.page.buttons:
        press = browser.page.form("answer").buttons[-1]
    return browser.send(press=press, fields={**page.fields, **changed})


# ---------------------------------------------------------------- on every page


@each_page
def test_who_may_not_finds_no_page(a: Builders, browser: Browser, page: Page, team: Team) -> None:
    it = a.service_request(status=page.status, team=team)
    strangers = [a.volunteer(), a.team_leader(), a.coordinator(a.unit()), a.holder(Role.AUDITOR)]
    if page.name != "note":
        strangers.append(a.volunteer(team))

    for person in strangers:
        browser.sign_out().sign_in(person)
        browser.open(f"/requests/{it.id}/{page.name}", status=404)


@pytest.mark.parametrize(
    "page", [each for each in PAGES if each.status is not each.wrong_status], ids=lambda it: it.name
)
def test_a_step_that_the_status_does_not_have_says_so(
    a: Builders, at_work: Browser, team: Team, page: Page
) -> None:
    it = a.service_request(status=page.wrong_status, team=team)

    answer = at_work.open(f"/requests/{it.id}/{page.name}", status=409)

    assert "no longer possible" in answer.text


@pytest.mark.parametrize(
    ("page", "name"),
    [(page, name) for page in PAGES for name in page.required],
    ids=lambda it: it.name if isinstance(it, Page) else it,
)
def test_what_is_missing_is_named_beside_its_field_and_the_rest_is_kept(
    a: Builders, at_work: Browser, team: Team, page: Page, name: str
) -> None:
    it = a.service_request(status=page.status, team=team)
    blank = "" if name in ("until", "working_days") else "   "

    answer = send(at_work, it, page.name, **{name: blank})

    assert page.required[name] in answer.errors[name]
    assert now_of(it).status is page.status
    kept = answer.form(*page.fields).values()
    for other, value in page.fields.items():
        if other != name:
            assert kept[other] == [str(value)]


@each_page
def test_every_page_speaks_chinese(
    a: Builders, chinese_browser: Browser, handler: Person, team: Team, page: Page
) -> None:
    it = a.service_request(status=page.status, team=team)

    shown = chinese_browser.sign_in(handler).open(f"/requests/{it.id}/{page.name}")

    assert shown.language == "zh-Hans"
    assert not shown.heading.isascii()


# ---------------------------------------------------------------- notes and questions


def test_a_note_needs_a_word_in_one_of_the_two(a: Builders, at_work: Browser, team: Team) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)

    answer = send(at_work, it, "note", public_note=" ")

    assert "Write at least one of the two notes." in answer.errors["internal_note"]


def test_the_requester_reads_the_public_note_only(
    a: Builders, at_work: Browser, team: Team
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)

    page = send(at_work, it, "note", internal_note="带大号扳手")

    assert page.path == f"/requests/{it.id}"
    assert "带大号扳手" in page.text
    requesters = at_work.sign_out().open(f"/track/{links.token_for(it.id, it.link_salt)}")
    assert "明天上门" in requesters.text
    assert "扳手" not in requesters.html


def test_a_question_stops_the_clock_until_it_goes_on(
    a: Builders, at_work: Browser, team: Team
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)

    send(at_work, it, "question")
    assert (now_of(it).status, now_of(it).due_at) == (Status.WAITING, None)
    send(at_work, it, "resumption")

    assert now_of(it).status is Status.IN_PROGRESS
    assert now_of(it).due_at is not None


# ---------------------------------------------------------------- more time, parking


@pytest.mark.parametrize(
    ("name", "kind"),
    [("extension", ApprovalKind.EXTENSION), ("parking", ApprovalKind.PARKING)],
)
def test_what_a_supervisor_decides_waits_and_is_asked_once(
    a: Builders, at_work: Browser, team: Team, name: str, kind: ApprovalKind
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)

    path = f"/requests/{it.id}/{name}"
    opened = at_work.open(path).form("reason")
    assert "Your supervisor will decide." in send(at_work, it, name).text
    filled = opened.filled({**BY_NAME[name].fields, "reason": "还有别的原因"})
    again = at_work.request("POST", path, data=filled).get_data(as_text=True)

    assert "asked already and waits for a decision" in again
    assert "还有别的原因" in again
    told = at_work.open(path, status=409)
    assert "asked already and waits for a decision" in told.text
    [asked] = db.session.scalars(select(Approval))
    assert (asked.kind, asked.decided_at) == (kind, None)


def test_more_time_is_asked_for_before_the_due_time(
    a: Builders, at_work: Browser, team: Team
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team, at=a.now - timedelta(days=40))

    page = at_work.open(f"/requests/{it.id}/extension", status=409)

    assert "The due time has passed" in page.text


@pytest.mark.parametrize("days", ["0", "-3", "61", "viele", "3.5"])
def test_more_time_is_a_number_of_working_days(
    a: Builders, at_work: Browser, team: Team, days: str
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)

    answer = send(at_work, it, "extension", working_days=days)

    assert answer.errors["working_days"]
    assert list(db.session.scalars(select(Approval))) == []


@pytest.mark.parametrize(
    "day", ["2026-03-11", "2020-01-01", "31. Mai", "0001-01-01", "2027-03-13", "9999-12-31"]
)
def test_the_day_of_the_review_lies_ahead(
    a: Builders, at_work: Browser, team: Team, day: str
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)

    answer = send(at_work, it, "parking", until=day)

    assert answer.errors["until"]
    assert list(db.session.scalars(select(Approval))) == []


def test_a_parked_request_is_taken_up_again(a: Builders, at_work: Browser, team: Team) -> None:
    it = a.service_request(status=Status.PARKED, team=team)
    assert now_of(it).parked_until is not None

    page = send(at_work, it, "unparking")

    assert "It goes on." in page.text
    assert (now_of(it).status, now_of(it).parked_until) == (Status.IN_PROGRESS, None)


# ---------------------------------------------------------------- the end


def test_a_referral_names_where_it_is_now(a: Builders, at_work: Browser, team: Team) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)

    send(at_work, it, "referral")

    assert (now_of(it).status, now_of(it).outcome) == (Status.RESOLVED, Outcome.REFERRED)
    requesters = at_work.sign_out().open(f"/track/{links.token_for(it.id, it.link_salt)}")
    assert "区自来水公司,96390" in requesters.text


@pytest.mark.parametrize("outcome", [Outcome.SOLVED, Outcome.PARTLY_SOLVED, Outcome.EXPLAINED])
def test_the_result_is_reported(
    a: Builders, at_work: Browser, team: Team, outcome: Outcome
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)

    page = send(at_work, it, "resolution", outcome=outcome)

    assert page.path == f"/requests/{it.id}"
    after = now_of(it)
    assert (after.status, after.outcome) == (Status.RESOLVED, outcome)
    assert (after.public_answer, after.resolved_on_time) == ("换好了", True)


def test_the_result_needs_an_outcome(a: Builders, at_work: Browser, team: Team) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    page = at_work.open(f"/requests/{it.id}/resolution")
    sent = {**page.form("answer").values(), "answer": "换好了"}

    answer = at_work._follow(at_work.request("POST", page.path, data=sent), 200)

    assert "Choose how it ended." in answer.text
    assert answer.form("answer").values()["answer"] == ["换好了"]


def test_one_can_look_at_it_as_the_requester_will_before_sending(
    a: Builders, at_work: Browser, team: Team
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    page = at_work.open(f"/requests/{it.id}/resolution")
    sent = {**page.form("answer").values(), **BY_NAME["resolution"].fields, "preview": "1"}

    shown = at_work._follow(at_work.request("POST", page.path, data=sent), 200)

    assert now_of(it).status is Status.IN_PROGRESS
    assert shown.form("answer").values()["answer"] == ["换好了"]
    assert shown.text.count("换好了") >= 1


def test_an_answer_with_personal_data_is_warned_of(
    a: Builders, at_work: Browser, team: Team
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    page = at_work.open(f"/requests/{it.id}/resolution")
    fields = {"outcome": "solved", "answer": "王阿姨电话13812345678", "preview": "1"}
    sent = {**page.form("answer").values(), **fields}

    with_number = at_work._follow(at_work.request("POST", page.path, data=sent), 200)
    sent["answer"] = "换好了"
    without = at_work._follow(at_work.request("POST", page.path, data=sent), 200)

    assert len(with_number.find_all(class_="notice")) > len(without.find_all(class_="notice"))


def test_no_contact_needs_logged_tries(
    a: Builders, at_work: Browser, team: Team, handler: Person
) -> None:
    a.organisation(no_contact_tries=2)
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    a.visit(it, by=handler, contact_made=False, findings="", at=a.now + timedelta(hours=1))

    refused = send(at_work, it, "resolution", outcome="no_contact")
    assert "needs logged tries on more days" in refused.text
    assert "on 2 different days. 1 so far." in refused.text
    assert refused.form("answer").values()["answer"] == ["换好了"]
    assert now_of(it).status is Status.IN_PROGRESS

    next_day = a.now + timedelta(days=1)
    a.visit(it, by=handler, contact_made=False, findings="", at=next_day)
    send(at_work, it, "resolution", outcome="no_contact")
    assert now_of(it).outcome is Outcome.NO_CONTACT


def test_some_results_need_a_photo_as_evidence(a: Builders, at_work: Browser, team: Team) -> None:
    it = a.service_request(
        status=Status.IN_PROGRESS, team=team, category=a.category(needs_evidence=True)
    )

    refused = send(at_work, it, "resolution")
    assert "needs a photo of the result" in refused.errors["evidence"]
    bad = [(BytesIO(b"no"), "b.jpg"), (BytesIO(b"<svg/>"), "c.jpg")]
    broken = send(at_work, it, "resolution", evidence=bad)
    assert "b.jpg" in broken.errors["evidence"]
    assert "c.jpg" in broken.errors["evidence"]
    assert list(db.session.scalars(select(Photo))) == []

    send(at_work, it, "resolution", evidence=[(BytesIO(small_jpeg()), "a.jpg")])
    assert now_of(it).status is Status.RESOLVED
    [photo] = db.session.scalars(select(Photo))
    assert photo.is_evidence


def test_another_result_after_the_first_says_that_it_is_no_longer_possible(
    a: Builders, at_work: Browser, team: Team
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    page = at_work.open(f"/requests/{it.id}/resolution")
    sent = {**page.form("answer").values(), **BY_NAME["resolution"].fields}
    answers = [
        at_work.request("POST", page.path, data={**sent, "answer": answer})
        for answer in ("换好了", "没换成")
    ]

    assert [answer.status_code for answer in answers] == [303, 409]
    assert now_of(it).resolved_at == a.now


@pytest.mark.parametrize("page", PAGES, ids=lambda it: it.name)
def test_what_is_sent_twice_is_done_once_and_answered_as_done(
    a: Builders, at_work: Browser, team: Team, page: Page
) -> None:
    it = a.service_request(team=team, status=page.status)
    opened = at_work.open(f"/requests/{it.id}/{page.name}")
    sent = {**opened.form(next(iter(page.fields))).values(), **page.fields}

    answers = [at_work.request("POST", opened.path, data=sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    other = {"working_days": "5", "until": "2026-05-02", "outcome": "explained"}
    if changed := {name: value for name, value in other.items() if name in page.fields}:
        answer = at_work.request("POST", opened.path, data={**sent, **changed})
        assert answer.status_code in (200, 409)


def test_the_review_day_of_a_parking_is_what_was_asked_for(
    a: Builders, at_work: Browser, team: Team
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    send(at_work, it, "parking")

    [asked] = db.session.scalars(select(Approval))
    assert asked.until == date(2026, 5, 1)


@pytest.mark.parametrize("step", ["note", "extension", "parking", "unparking"])
def test_a_form_whose_words_neighbours_read_says_so(
    a: Builders, browser: Browser, step: str
) -> None:
    """What concerns all whose requests are one is told to all: why it is parked, say."""
    it = a.service_request(status=Status.PARKED if step == "unparking" else Status.IN_PROGRESS)
    assert it.leader is not None
    browser.sign_in(it.leader)

    assert (
        "those whose requests were merged into this one read it, too"
        in browser.open(f"/requests/{it.id}/{step}").text
    )
