"""A requester changes how they are told: a new address is proven first, and the old one hears of it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Channel, Message
from tracker.permissions import resident
from tracker.service_requests import calls, judging, links, queries
from tracker.service_requests.actions import answers, private_links
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import (
    HistoryEntry,
    ReachableBy,
    Requester,
    ServiceRequest,
    new_salt,
)
from tracker.web import proving

OLD, NEW = "old@example.org", "new@example.org"
NUMBER = "+8613812345678"
LANDLINE = "+8675528331234"
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@pytest.fixture
def mine(a: Builders) -> ServiceRequest:
    """Return a request of somebody who reads mail."""
    return a.service_request(
        status=Status.IN_PROGRESS, reachable_by=ReachableBy.EMAIL, email=OLD, phone=None
    )


def page_of(it: ServiceRequest) -> str:
    """Return the address where the requester chooses how they are told."""
    return f"/track/{links.token_for(it.id, it.link_salt)}/contact"


def requester_of(it: ServiceRequest) -> Requester:
    """Return who is told, as it is saved."""
    db.session.expire_all()
    requester = db.session.get_one(ServiceRequest, it.id).requester
    assert requester is not None
    return requester


def written(kind: str) -> list[Message]:
    """Return the messages of a kind."""
    return list(
        db.session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id))
    )


def code() -> str:
    """Return the code that was sent last."""
    return str(written("contact_code")[-1].payload["code"])


def changes(it: ServiceRequest) -> list[HistoryEntry]:
    """Return the steps of the history that changed how they are told."""
    entries = select(HistoryEntry).where(HistoryEntry.service_request_id == it.id)
    return [entry for entry in db.session.scalars(entries) if entry.detail.get("reached_by")]


def holds(app: Flask) -> bool:
    """Tell whether `flask verify` has nothing to say."""
    db.session.rollback()
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        return list(violations(snapshot)) == []


# ------------------------------------------------------------------- a new address


def test_a_new_address_is_used_when_its_code_was_typed(
    app: Flask, a: Builders, browser: Browser, mine: ServiceRequest
) -> None:
    page = browser.send(page_of(mine), way="email", email=NEW)
    assert "n***@example.org" in page.text
    assert NEW not in page.html
    assert requester_of(mine).email == OLD
    assert written("contact_code")[0].address == NEW

    page = browser.send(code=f"{code()[:3]} {code()[3:]}")

    assert page.path == page_of(mine).removesuffix("/contact")
    assert "From now on we reach you in this way." in page.text
    assert "How we reach you was changed" in page.text
    assert requester_of(mine).email == NEW
    assert requester_of(mine).told_since == a.now
    assert [entry.detail for entry in changes(mine)] == [{"reached_by": "email"}]
    assert holds(app)


@pytest.mark.parametrize("type_it", [lambda it: it.translate(FULL_WIDTH), lambda it: f" {it} "])
def test_a_code_is_taken_as_an_input_method_writes_it(
    browser: Browser, mine: ServiceRequest, type_it: Callable[[str], str]
) -> None:
    browser.send(page_of(mine), way="email", email=NEW)

    browser.send(code=type_it(code()))

    assert requester_of(mine).email == NEW


def test_where_they_were_told_until_then_hears_of_it(
    browser: Browser, mine: ServiceRequest
) -> None:
    browser.send(page_of(mine), way="email", email=NEW)
    assert written("contact_changed") == []
    browser.send(code=code())

    [message] = written("contact_changed")
    assert message.address == OLD
    said = letter_of(message).text
    assert "Make a new one on your page" in said
    assert "/track/" in said
    assert NEW not in said


def test_the_code_goes_without_the_link_as_its_reader_may_be_a_stranger(
    browser: Browser, mine: ServiceRequest
) -> None:
    browser.send(page_of(mine), way="email", email=NEW)

    said = letter_of(written("contact_code")[0])
    assert code() in said.text
    assert code() in said.short
    assert "/track/" not in said.text + said.html + said.short


def test_a_wrong_code_changes_nothing_and_can_be_tried_five_times(
    browser: Browser, mine: ServiceRequest
) -> None:
    browser.send(page_of(mine), way="email", email=NEW)
    wrong = f"{(int(code()) + 1) % 10**6:06}"
    for _try in range(proving.TRIES_AN_HOUR):
        assert "not the code that we sent" in browser.send(code=wrong).text

    assert "Too many tries" in browser.send(code=code()).text
    assert requester_of(mine).email == OLD


def test_a_code_holds_for_an_hour(
    browser: Browser, mine: ServiceRequest, clock: time_machine.Traveller
) -> None:
    browser.send(page_of(mine), way="email", email=NEW)
    clock.shift(timedelta(hours=1))

    page = browser.send(code=code())

    assert "The code holds no longer." in page.text
    assert requester_of(mine).email == OLD


def test_a_renewed_link_makes_what_was_asked_with_the_old_one_worthless(
    browser: Browser, mine: ServiceRequest
) -> None:
    page = browser.send(page_of(mine), way="email", email=NEW)
    to = page.url.partition("?")[2]
    asked = code()
    with transaction():
        found = queries.find_for_change(resident(mine.id), mine.id)
        private_links.renew(found, salt=new_salt(), actor=resident(mine.id), now=found.submitted_at)
    db.session.expire_all()
    renewed = db.session.get_one(ServiceRequest, mine.id)

    page = browser.send(f"{page_of(renewed)}/code?{to}", code=asked)

    assert "not the code that we sent" in page.text
    assert requester_of(mine).email == OLD


def test_no_more_than_three_codes_go_to_new_addresses_within_an_hour(
    browser: Browser, mine: ServiceRequest
) -> None:
    for number in range(proving.CODES_AN_HOUR):
        browser.send(page_of(mine), way="email", email=f"new{number}@example.org")

    page = browser.send(page_of(mine), way="email", email=NEW)

    assert "We have sent several codes already" in page.text
    assert f'value="{NEW}"' in page.html
    assert len(written("contact_code")) == proving.CODES_AN_HOUR


def test_a_code_of_one_request_is_asked_for_on_no_other_s_page(
    a: Builders, browser: Browser, mine: ServiceRequest
) -> None:
    page = browser.send(page_of(mine), way="email", email=NEW)
    to = page.url.partition("?")[2]
    other = a.service_request(reachable_by=ReachableBy.EMAIL, email="other@example.org")

    page = browser.open(f"{page_of(other)}/code?{to}")

    assert "The code holds no longer." in page.text
    assert page.path == page_of(other)


@pytest.mark.parametrize("half", ["12345", "abcdef", "12 34", "1234567"])
def test_what_cannot_be_a_code_is_no_try(browser: Browser, mine: ServiceRequest, half: str) -> None:
    browser.send(page_of(mine), way="email", email=NEW)
    for _try in range(proving.TRIES_AN_HOUR + 1):
        page = browser.send(code=half)
        assert "Enter the code: six digits." in page.errors["code"]

    browser.send(code=code())

    assert requester_of(mine).email == NEW


def test_what_is_withdrawn_leads_messages_nowhere_else(
    browser: Browser, a: Builders, mine: ServiceRequest
) -> None:
    page = browser.send(page_of(mine), way="email", email=NEW)
    form = browser.open(page_of(mine)).form().filled({"way": "email", "email": OLD})
    sent = page.form().filled({"code": code()})
    with transaction():
        found = queries.find_for_change(resident(mine.id), mine.id)
        answers.withdraw(found, actor=resident(mine.id), now=a.now)

    codes = browser.request("POST", page.url, data=sent)
    addresses = browser.request("POST", page_of(mine), data=form)

    assert [codes.status_code, addresses.status_code] == [409, 409]
    browser.open(page_of(mine), status=409)
    assert (
        "nothing more will be told about it"
        in browser.open(page_of(mine).removesuffix("/contact")).text
    )
    assert requester_of(mine).email == OLD
    assert len(written("contact_code")) == 1


def test_who_waits_for_a_reopening_may_still_say_how_they_are_told(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    it = a.service_request(status=Status.CLOSED, reachable_by=ReachableBy.EMAIL, email=OLD)
    private = page_of(it).removesuffix("/contact")
    with transaction():
        answers.dispute(it, reason="Still dark.", actor=resident(it.id), now=a.now)
    clock.shift(timedelta(days=40))

    assert "nothing more will be told" not in browser.open(private).text
    browser.open(page_of(it))


def test_what_was_closed_long_ago_says_that_nothing_more_is_told(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    it = a.service_request(status=Status.CLOSED)
    private = page_of(it).removesuffix("/contact")
    assert "nothing more will be told" not in browser.open(private).text
    clock.shift(timedelta(days=40))

    assert "nothing more will be told" in browser.open(private).text


def test_a_second_tap_on_what_was_too_often_is_not_told_that_a_code_was_sent(
    browser: Browser, mine: ServiceRequest
) -> None:
    for number in range(proving.CODES_AN_HOUR):
        browser.send(page_of(mine), way="email", email=f"new{number}@example.org")
    data = browser.open(page_of(mine)).form().filled({"way": "email", "email": NEW})

    answers = [browser.request("POST", page_of(mine), data=data) for _time in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]


# ------------------------------------------------------------- what needs no code


def test_how_often_is_chosen_without_a_code(
    app: Flask, browser: Browser, mine: ServiceRequest
) -> None:
    browser.send(page_of(mine), way="email", only_needed="y")

    assert requester_of(mine).only_needed
    assert written("contact_code") == written("contact_changed") == []
    assert len(changes(mine)) == 1
    assert holds(app)


def test_what_stays_as_it_was_leaves_no_trace(browser: Browser, mine: ServiceRequest) -> None:
    browser.send(page_of(mine), way="email")

    assert changes(mine) == []
    assert requester_of(mine).told_since is None


def test_who_wants_to_be_called_is_called_from_then_on_and_verify_asks_for_no_call_of_before(
    app: Flask, a: Builders, browser: Browser, mine: ServiceRequest, clock: time_machine.Traveller
) -> None:
    a.planned_visit(mine, by=a.worker_on(mine))
    other = a.service_request(status=Status.PARKED)  # the first call of all
    clock.shift(timedelta(minutes=5))
    browser.send(page_of(mine), way="phone", phone=NUMBER)

    requester = requester_of(mine)
    assert (requester.reachable_by, requester.phone, requester.email) == (
        ReachableBy.PHONE,
        NUMBER,
        None,
    )
    [message] = written("contact_changed")
    assert message.address == OLD
    assert "From now on we call about your request." in letter_of(message).text
    assert calls.waiting(other) is not None
    assert holds(app)


def test_the_call_that_waits_is_let_be_as_the_page_tells_all(a: Builders, browser: Browser) -> None:
    it = a.service_request(status=Status.PARKED)
    assert calls.waiting(it) is not None

    browser.send(page_of(it), way="email", email=NEW)
    browser.send(code=code())

    db.session.expire_all()
    assert calls.waiting(it) is None
    assert requester_of(it).phone is not None  # whoever visits may have to ring


def test_who_goes_over_from_a_neighbour_is_not_told_through_them_any_more(
    app: Flask, a: Builders, browser: Browser
) -> None:
    it = a.service_request(
        status=Status.RESOLVED,
        reachable_by=ReachableBy.NEIGHBOUR,
        neighbour="The shop next door",
        phone=None,
    )
    browser.send(page_of(it), way="email", email=NEW)
    browser.send(code=code())

    assert requester_of(it).neighbour == ""
    to_ask = db.session.scalars(judging.to_call_back(a.actor(a.supervisor())))
    assert it.id not in [each.id for each in to_ask]
    assert holds(app)


def test_a_number_that_was_only_rung_hears_of_the_change_without_the_link(
    app: Flask, a: Builders, browser: Browser
) -> None:
    it = a.service_request(reachable_by=ReachableBy.PHONE, phone=NUMBER)
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], sms_url="http://gateway.example/")
    browser.send(page_of(it), way="email", email=NEW)
    browser.send(code=code())

    [message] = written("contact_changed")
    assert message.address == NUMBER
    said = letter_of(message)
    assert "/track/" not in said.text + said.short
    assert "Please call us." in said.text


def test_who_stayed_anonymous_may_be_written_to(a: Builders, browser: Browser) -> None:
    it = a.service_request(reachable_by=ReachableBy.NOBODY, requester_name="", phone=None)
    browser.send(page_of(it), way="email", email=NEW)
    browser.send(code=code())

    assert requester_of(it).email == NEW
    assert requester_of(it).name == ""


def test_a_number_for_texts_is_proven_by_a_text(app: Flask, a: Builders, browser: Browser) -> None:
    it = a.service_request(reachable_by=ReachableBy.PHONE, phone=NUMBER)
    assert 'value="text_message"' not in browser.open(page_of(it)).html
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], sms_url="http://gateway.example/")

    browser.send(page_of(it), way="text_message")
    assert written("contact_code")[0].channel is Channel.TEXT_MESSAGE
    assert written("contact_code")[0].address == NUMBER
    browser.send(code=code())

    assert requester_of(it).reachable_by is ReachableBy.TEXT_MESSAGE
    assert requester_of(it).only_needed  # each text is paid for


@pytest.mark.parametrize("typed", [{}, {"phone": "0755-2833 1234"}])
def test_no_landline_is_written_to_by_text(
    app: Flask, a: Builders, browser: Browser, typed: dict[str, str]
) -> None:
    it = a.service_request(reachable_by=ReachableBy.PHONE, phone=LANDLINE if not typed else NUMBER)
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], sms_url="http://gateway.example/")

    page = browser.send(page_of(it), way="text_message", **typed)  # type: ignore[arg-type]

    assert "No text message reaches this number." in page.errors["phone"]
    assert written("contact_code") == []


# --------------------------------------------------------------------- the page


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"way": "phone"}, "Enter the phone number."),
        ({"way": "phone", "phone": "12"}, "This does not look like a phone number."),
        ({"way": "email", "email": "nobody"}, "This does not look like an e-mail address."),
    ],
)
def test_what_cannot_be_reached_is_said_beside_the_field(
    browser: Browser, mine: ServiceRequest, typed: dict[str, str], problem: str
) -> None:
    page = browser.send(page_of(mine), **typed)  # type: ignore[arg-type]

    assert problem in page.text
    assert changes(mine) == []


def test_the_page_shows_no_whole_address(browser: Browser, mine: ServiceRequest) -> None:
    page = browser.open(page_of(mine))

    assert OLD not in page.html
    assert re.search(r"We have o\*+@example\.org", page.text)


def test_a_code_for_nothing_leads_back(browser: Browser, mine: ServiceRequest) -> None:
    page = browser.open(f"{page_of(mine)}/code?to=made-up")

    assert page.path == page_of(mine)


def test_a_form_sent_twice_sends_one_code_that_either_answer_takes(
    browser: Browser, mine: ServiceRequest
) -> None:
    data = browser.open(page_of(mine)).form().filled({"way": "email", "email": NEW})
    answers = [browser.request("POST", page_of(mine), data=data) for _time in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(written("contact_code")) == 1
    browser.send(answers[1].location, code=code())
    assert requester_of(mine).email == NEW


def test_the_staff_see_that_it_changed_and_look_at_the_new_address_as_ever(
    a: Builders, browser: Browser, mine: ServiceRequest
) -> None:
    browser.send(page_of(mine), way="email", email=NEW)
    browser.send(code=code())
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{mine.id}")

    assert "How they are reached was changed" in page.text
    assert NEW not in page.html
    assert NEW in browser.click("Show contact").text
