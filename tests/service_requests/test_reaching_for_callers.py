"""Staff change for a caller how they are told: masked until somebody looks, never over somebody else's change."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.service_requests.test_reaching import (
    NEW,
    NUMBER,
    OLD,
    changes,
    holds,
    page_of as own_page_of,
    requester_of,
    written,
)
from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tests.support.together import at_once
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.errors import NotPermittedError
from tracker.permissions import Action, resident
from tracker.service_requests import queries
from tracker.service_requests.actions import answers, approvals, dispatch, reaching
from tracker.service_requests.actions.answers import DISPUTE_DAYS
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind, ContactLook, ReachableBy, ServiceRequest

OTHER_NUMBER = "+8613887654321"
LINK = "Change how, where and how often they are told"


@pytest.fixture
def desk(a: Builders) -> Person:
    """Return whoever takes the call."""
    return a.coordinator(name="陈静")


@pytest.fixture
def it(a: Builders) -> ServiceRequest:
    """Return a request of somebody who left a number alone."""
    return a.service_request(
        status=Status.IN_PROGRESS,
        reachable_by=ReachableBy.PHONE,
        phone=NUMBER,
        requester_name="王秀兰",
    )


def page_of(it: ServiceRequest) -> str:
    """Return the address where staff change how somebody is told."""
    return f"/requests/{it.id}/reaching"


def looks() -> list[ContactLook]:
    """Return every look at contact data."""
    return list(db.session.scalars(select(ContactLook)))


# ------------------------------------------------------------------------- a change


def test_another_number_is_entered_for_a_caller_and_the_history_says_by_whom(
    app: Flask, a: Builders, browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    browser.sign_in(desk).open(f"/requests/{it.id}")
    browser.click(LINK)

    page = browser.send(press="Save", phone="138 8765 4321")

    assert page.path == f"/requests/{it.id}"
    assert "Saved. They are told in this way from now on." in page.text
    assert "How they are reached was changed" in page.text
    assert requester_of(it).phone == OTHER_NUMBER
    [entry] = changes(it)
    assert entry.actor_id == desk.id
    assert OTHER_NUMBER not in str(entry.detail)
    assert looks() == []  # nobody saw how they were reached
    assert holds(app)


def test_the_page_begins_with_what_stands_and_shows_no_whole_number(
    browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    page = browser.sign_in(desk).open(page_of(it))

    values = page.form("phone").values()
    assert values["way"] == ["phone"]
    assert values["phone"] == [""]
    assert re.search(r"We have [^.]*\*[^.]*5678\. Left empty, it stays\.", page.text)
    assert NUMBER.removeprefix("+86") not in re.sub(r"\s", "", page.html)


def test_a_look_at_how_it_stands_is_logged_and_nothing_typed_is_lost(
    browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    browser.sign_in(desk).open(page_of(it))

    page = browser.send(press="Show contact", way="email", email=NEW)

    assert "138 1234 5678" in page.text
    assert page.form("phone").values()["email"] == [NEW]
    assert page.form("phone").values()["phone"] == [""]
    assert [(look.person_id, look.where) for look in looks()] == [(desk.id, "reaching")]
    assert changes(it) == []


def test_what_is_left_empty_stays(browser: Browser, desk: Person, it: ServiceRequest) -> None:
    browser.sign_in(desk)

    page = browser.send(page_of(it), press="Save")
    assert "It stood so already" in page.text
    assert changes(it) == []

    browser.send(page_of(it), press="Save", way="email", email=NEW)
    browser.send(page_of(it), press="Save", way="email", only_needed="y")

    requester = requester_of(it)
    assert (requester.email, requester.only_needed) == (NEW, True)
    assert requester.phone == NUMBER  # whoever visits may have to ring


def test_where_they_were_written_to_hears_of_it_without_the_link(
    app: Flask, a: Builders, browser: Browser, desk: Person
) -> None:
    mine = a.service_request(
        status=Status.IN_PROGRESS, reachable_by=ReachableBy.EMAIL, email=OLD, phone=None
    )
    browser.sign_in(desk).send(page_of(mine), press="Save", way="phone", phone=NUMBER)

    [message] = written("contact_changed")
    assert message.address == OLD
    said = letter_of(message).text
    assert "Our desk was told to call about the request from now on." in said
    assert "/track/" not in said
    assert NUMBER[-4:] not in said
    assert requester_of(mine).email is None
    assert holds(app)


def test_a_number_that_was_only_rung_hears_of_it_by_text_without_the_link(
    app: Flask, browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], sms_url="http://gateway.example/")

    browser.sign_in(desk).send(page_of(it), press="Save", way="email", email=NEW)

    [message] = written("contact_changed")
    assert message.address == NUMBER
    assert "/track/" not in letter_of(message).short
    assert "link_salt" not in message.payload


def test_who_was_told_by_phone_gets_the_link_at_the_new_address(
    browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    browser.sign_in(desk).send(page_of(it), press="Save", way="email", email=NEW)

    [message] = written("contact_now")
    assert message.address == NEW
    assert "/track/" in letter_of(message).text


def test_a_neighbour_takes_the_place_of_an_address_and_is_forgotten_again(
    app: Flask, a: Builders, browser: Browser, desk: Person
) -> None:
    mine = a.service_request(
        status=Status.IN_PROGRESS, reachable_by=ReachableBy.EMAIL, email=OLD, phone=None
    )
    browser.sign_in(desk)
    browser.send(page_of(mine), press="Save", way="neighbour", neighbour="The shop next door")
    requester = requester_of(mine)
    assert (requester.email, requester.neighbour) == (None, "The shop next door")

    browser.send(page_of(mine), press="Save", way="email", email=NEW)

    assert requester_of(mine).neighbour == ""
    assert holds(app)


def test_who_cannot_be_reached_any_more_keeps_their_name_alone(
    app: Flask, a: Builders, browser: Browser, desk: Person
) -> None:
    parked = a.service_request(status=Status.PARKED, phone=NUMBER, requester_name="王秀兰")

    browser.sign_in(desk).send(page_of(parked), press="Save", way="nobody")

    requester = requester_of(parked)
    assert (requester.name, requester.phone) == ("王秀兰", None)
    assert requester.reachable_by is ReachableBy.NOBODY
    assert holds(app)


def test_who_stayed_anonymous_is_told_from_now_on(
    app: Flask, a: Builders, browser: Browser, desk: Person
) -> None:
    nobody = a.service_request(
        status=Status.WAITING, reachable_by=ReachableBy.NOBODY, requester_name="", phone=None
    )
    browser.sign_in(desk)
    assert "It stood so already" in browser.send(page_of(nobody), press="Save", way="nobody").text

    browser.send(page_of(nobody), press="Save", way="email", email=NEW)

    assert requester_of(nobody).email == NEW
    assert [message.payload["step"] for message in written("requester_step")] == ["wait"]
    assert holds(app)


def test_texts_are_offered_where_there_is_a_gateway(
    app: Flask, browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    assert 'value="text_message"' not in browser.sign_in(desk).open(page_of(it)).html
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], sms_url="http://gateway.example/")

    browser.send(page_of(it), press="Save", way="text_message")

    requester = requester_of(it)
    assert (requester.reachable_by, requester.phone) == (ReachableBy.TEXT_MESSAGE, NUMBER)
    assert requester.only_needed  # each text is paid for


def test_news_that_waits_to_be_told_is_named_on_the_page(
    a: Builders, browser: Browser, desk: Person
) -> None:
    parked = a.service_request(status=Status.PARKED, phone=NUMBER)

    page = browser.sign_in(desk).open(page_of(parked))

    assert "There is news that they do not know yet" in page.text
    assert browser.click("Tell them now").path == f"/requests/{parked.id}/call"


# ------------------------------------------------------------------- mistakes, and others


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"way": "email"}, "Enter the e-mail address."),
        ({"way": "email", "email": "nobody"}, "This does not look like an e-mail address."),
        ({"way": "phone", "phone": "12"}, "This does not look like a phone number."),
        ({"way": "neighbour", "neighbour": " "}, "Tell us who can pass on our word"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_typed_is_lost(
    browser: Browser, desk: Person, it: ServiceRequest, typed: dict[str, str], problem: str
) -> None:
    page = browser.sign_in(desk).send(page_of(it), press="Save", **typed)  # type: ignore[arg-type]

    [(field, said)] = page.errors.items()
    assert field == list(typed)[-1].replace("way", "email")
    assert problem in said
    shown = page.form("phone").values()
    assert all(shown[name] == [value] for name, value in typed.items() if value.strip())
    assert changes(it) == []


def test_who_saves_second_reads_how_it_stands_and_chooses(
    new_browser: Callable[[], Browser],
    desk: Person,
    it: ServiceRequest,
    clock: time_machine.Traveller,
) -> None:
    one, two = new_browser().sign_in(desk), new_browser().sign_in(desk)
    one.open(page_of(it))
    two.open(page_of(it))
    clock.shift(timedelta(minutes=1))
    one.send(press="Save", way="email", email=NEW)

    page = two.send(press="Save", phone="138 8765 4321")

    assert "How they are reached was changed meanwhile." in page.text
    assert "n***@example.org" in page.text
    assert requester_of(it).email == NEW
    assert page.form("phone").values()["phone"] == ["138 8765 4321"]
    clock.shift(timedelta(minutes=1))
    two.send(press="Save")
    assert (requester_of(it).phone, requester_of(it).email) == (OTHER_NUMBER, None)
    assert len(changes(it)) == 2


def test_the_requester_does_not_overwrite_unseen_what_the_desk_entered(
    new_browser: Callable[[], Browser],
    desk: Person,
    it: ServiceRequest,
    clock: time_machine.Traveller,
) -> None:
    requester, staff = new_browser(), new_browser().sign_in(desk)
    requester.open(own_page_of(it))
    staff.open(page_of(it))
    clock.shift(timedelta(minutes=1))
    staff.send(press="Save", phone="138 8765 4321")

    page = requester.send(press="Save", phone="138 1111 2222")

    assert "How we reach you was changed meanwhile." in page.text
    assert requester_of(it).phone == OTHER_NUMBER
    clock.shift(timedelta(minutes=1))
    requester.send(press="Save")
    assert requester_of(it).phone == "+8613811112222"


def test_a_code_that_was_asked_for_before_the_desk_changed_it_changes_nothing_unseen(
    new_browser: Callable[[], Browser],
    desk: Person,
    it: ServiceRequest,
    clock: time_machine.Traveller,
) -> None:
    requester, staff = new_browser(), new_browser().sign_in(desk)
    requester.send(own_page_of(it), way="email", email=NEW)
    clock.shift(timedelta(minutes=1))
    staff.send(page_of(it), press="Save", phone="138 8765 4321")

    page = requester.send(code=str(written("contact_code")[0].payload["code"]))

    assert page.path == own_page_of(it)
    assert "How we reach you was changed meanwhile." in page.text
    assert requester_of(it).phone == OTHER_NUMBER


def test_of_two_at_the_same_moment_one_is_taken(
    app: Flask, new_browser: Callable[[], Browser], desk: Person, it: ServiceRequest
) -> None:
    acts = []
    for number in ("138 8765 4321", "138 1111 2222"):
        browser = new_browser().sign_in(desk)
        data = browser.open(page_of(it)).form("phone").filled({"phone": number}, press="Save")
        acts.append(partial(browser.client.post, page_of(it), data=data))

    answers_ = at_once(app, acts)

    assert sorted(answer.status_code for answer in answers_) == [200, 303]
    assert len(changes(it)) == 1


def test_a_form_sent_twice_is_taken_once(
    browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    page = browser.sign_in(desk).open(page_of(it))
    data = page.form("phone").filled({"way": "email", "email": NEW}, press="Save")

    sent = [browser.request("POST", page_of(it), data=data) for _time in range(2)]

    assert [answer.status_code for answer in sent] == [303, 303]
    assert "This form had arrived already" in browser.open(f"/requests/{it.id}").text
    assert len(changes(it)) == len(written("contact_now")) == 1


# ------------------------------------------------------------------------- who, and when


def test_who_leads_its_team_may_change_it_and_volunteers_and_auditors_may_not(
    a: Builders, new_browser: Callable[[], Browser]
) -> None:
    team, helping = a.team(), a.team()
    volunteer = a.volunteer(team)
    made = a.service_request(
        team=team, helping_teams=[helping], claimed_by=[volunteer], volunteers_needed=2
    )
    leads, leads_helping = a.team_leader(team), a.team_leader(helping)
    expected = {leads: True, leads_helping: False, volunteer: False, a.auditor(): False}
    expected |= {a.coordinator(): True, a.supervisor(): True}

    for person, may in expected.items():
        browser = new_browser().sign_in(person)
        assert (LINK in browser.open(f"/requests/{made.id}").text) is may
        browser.open(page_of(made), status=200 if may else 404)


def test_who_handles_it_enters_a_number_to_ring_but_not_where_the_link_goes(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    leads = a.team_leader(team)
    mine = a.service_request(team=team, reachable_by=ReachableBy.PHONE, phone=NUMBER)

    page = browser.sign_in(leads).open(page_of(mine))
    assert page.form("phone").options("way") == ["phone", "neighbour", "nobody"]
    assert "The desk enters where we write to" in page.text
    browser.send(press="Save", phone="138 8765 4321")
    assert requester_of(mine).phone == OTHER_NUMBER

    stood = browser.open(page_of(mine)).form("phone").values()["stood"]
    data = {"way": "email", "email": NEW, "stood": stood}
    browser.app.config["WTF_CSRF_ENABLED"] = False
    answer = browser.request("POST", page_of(mine), data=data)
    assert answer.status_code == 200
    assert requester_of(mine).reachable_by is ReachableBy.PHONE
    with pytest.raises(NotPermittedError), transaction():
        reaching.change_for_caller(
            mine,
            reaching.Reaching(ReachableBy.EMAIL, NEW),
            stood=reaching.mark_of(mine.requester),
            locale="en",
            texts=False,
            actor=a.actor(leads),
            now=a.now,
        )


def test_who_handles_it_enters_that_who_reads_mail_wishes_less_of_it(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    mine = a.service_request(team=team, reachable_by=ReachableBy.EMAIL, email=OLD, phone=None)

    page = browser.sign_in(a.team_leader(team)).open(page_of(mine))
    assert "email" not in page.form("way").names
    browser.send(press="Save", way="email", only_needed="y")

    requester = requester_of(mine)
    assert (requester.email, requester.only_needed) == (OLD, True)


@pytest.mark.parametrize("days", [DISPUTE_DAYS, DISPUTE_DAYS + 1])
def test_after_closing_it_matters_while_it_may_be_taken_up_again(
    a: Builders, browser: Browser, desk: Person, clock: time_machine.Traveller, days: int
) -> None:
    closed = a.service_request(status=Status.CLOSED, phone=NUMBER)
    clock.shift(timedelta(days=days))
    still = days <= DISPUTE_DAYS

    page = browser.sign_in(desk).open(f"/requests/{closed.id}")
    assert (LINK in page.text) is still
    page = browser.open(page_of(closed), status=200 if still else 409)

    assert ("nothing more will be told about it" in page.text) is not still


def test_while_a_supervisor_decides_on_taking_it_up_again_it_matters_however_long_that_takes(
    a: Builders, browser: Browser, desk: Person, clock: time_machine.Traveller
) -> None:
    closed = a.service_request(status=Status.CLOSED, phone=NUMBER)
    a.approval(closed, ApprovalKind.REOPENING)
    clock.shift(timedelta(days=DISPUTE_DAYS + 5))

    browser.sign_in(desk).send(page_of(closed), press="Save", way="email", email=NEW)
    with transaction():
        [asked] = queries.waiting_approvals(closed)
        supervisor = a.actor(a.supervisor())
        approvals.decide(asked, granted=False, note="No", actor=supervisor, now=a.now)

    assert written("requester_step")[-1].address == NEW


def test_who_took_theirs_back_is_told_nothing_more(
    a: Builders, browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    page = browser.sign_in(desk).open(page_of(it))
    with transaction():
        mine = queries.find_for_change(resident(it.id), it.id, Action.WITHDRAW_OWN_REQUEST)
        answers.withdraw(mine, actor=resident(it.id), now=a.now)

    page = browser.send(press="Save", phone="138 8765 4321", status=409)

    assert "nothing more will be told about it" in page.text
    assert requester_of(it).phone == NUMBER


def test_who_was_merged_into_another_is_told_what_becomes_of_that(
    app: Flask, a: Builders, browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    mine = a.service_request(phone=OTHER_NUMBER)
    with transaction():
        dispatch.merge(mine, it, actor=a.actor(desk), now=a.now)

    browser.sign_in(desk).send(page_of(mine), press="Save", way="email", email=NEW)
    asked = a.approval(it, ApprovalKind.PARKING)
    with transaction():
        supervisor = a.actor(a.supervisor())
        approvals.decide(asked, granted=True, note="", actor=supervisor, now=a.now)

    last = written("requester_step")[-1]
    assert (last.address, last.payload["step"]) == (NEW, "park")
    assert holds(app)


def test_a_team_leader_sees_no_contact_of_what_is_closed_nor_changes_it(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    closed = a.service_request(status=Status.CLOSED, team=team)

    page = browser.sign_in(a.team_leader(team)).open(f"/requests/{closed.id}")

    assert LINK not in page.text
    browser.open(page_of(closed), status=403)


# ------------------------------------------------------------------------- who reads of it


def test_the_requester_reads_that_the_desk_changed_it(
    new_browser: Callable[[], Browser], desk: Person, it: ServiceRequest
) -> None:
    new_browser().sign_in(desk).send(page_of(it), press="Save", phone="138 8765 4321")

    page = new_browser().open(own_page_of(it).removesuffix("/contact"))

    assert "How we reach you was changed, as our desk was told" in page.text
    assert "陈静" not in page.text


def test_whoever_calls_back_reads_that_a_handler_changed_how_they_are_reached(
    a: Builders, new_browser: Callable[[], Browser], desk: Person
) -> None:
    team = a.team()
    resolved = a.service_request(status=Status.RESOLVED, team=team, phone=NUMBER)
    leads = a.team_leader(team, name="赵强")
    new_browser().sign_in(leads).send(page_of(resolved), press="Save", phone="138 8765 4321")

    page = new_browser().sign_in(desk).open(f"/requests/{resolved.id}/call-back")

    assert re.search(r"How they are reached was changed .+ by 赵强", page.text)


# ------------------------------------------------------------------------- other requests of theirs


def another(a: Builders, **more: object) -> ServiceRequest:
    """Return one more request of whoever asked for `it`."""
    theirs = {"reachable_by": ReachableBy.PHONE, "phone": NUMBER, "requester_name": "王秀兰"}
    return a.service_request(**(theirs | more))  # type: ignore[arg-type]


def test_what_else_they_wait_for_is_changed_with_it_unless_unticked(
    app: Flask, a: Builders, browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    other, left = another(a, status=Status.PARKED), another(a)
    page = browser.sign_in(desk).open(page_of(it))
    ticked = page.form("phone").values()["also"]
    assert [value.partition("/")[0] for value in ticked] == [str(left.id), str(other.id)]

    page = browser.send(press="Save", fields={"also": ticked[1:]}, phone="138 8765 4321")

    assert "Saved for 2 requests." in page.text
    assert [requester_of(each).phone for each in (it, other, left)] == [
        OTHER_NUMBER,
        OTHER_NUMBER,
        NUMBER,
    ]
    assert [len(changes(each)) for each in (it, other, left)] == [1, 1, 0]
    assert holds(app)


def test_the_same_number_under_another_name_or_out_of_reach_or_closed_is_not_offered(
    a: Builders, browser: Browser
) -> None:
    unit = a.unit()
    mine, same = another(a, unit=unit), another(a, unit=unit)
    another(a, unit=unit, requester_name="王强")
    another(a, unit=unit, status=Status.CLOSED)
    another(a, unit=a.unit())

    page = browser.sign_in(a.coordinator(unit)).open(page_of(mine))

    offered = page.form("phone").options("also")
    assert [value.partition("/")[0] for value in offered] == [str(same.id)]


def test_who_gave_no_name_may_be_somebody_else_with_that_number(
    a: Builders, browser: Browser, desk: Person
) -> None:
    mine, other = another(a, requester_name=""), another(a, requester_name="")

    page = browser.sign_in(desk).open(page_of(mine))

    form = page.form("phone")
    assert [value.partition("/")[0] for value in form.options("also")] == [str(other.id)]
    assert not any(form.values()["also"])


def test_who_has_no_other_request_reads_that_it_holds_for_this_one(
    browser: Browser, desk: Person, it: ServiceRequest
) -> None:
    assert "It holds for this request alone." in browser.sign_in(desk).open(page_of(it)).text


def test_one_that_was_changed_meanwhile_is_asked_about_anew(
    a: Builders,
    new_browser: Callable[[], Browser],
    desk: Person,
    it: ServiceRequest,
    clock: time_machine.Traveller,
) -> None:
    other = another(a)
    one, two = new_browser().sign_in(desk), new_browser().sign_in(desk)
    two.open(page_of(it))
    clock.shift(timedelta(minutes=1))
    one.send(page_of(other), press="Save", fields={"also": []}, way="email", email=NEW)

    page = two.send(press="Save", phone="138 8765 4321")

    assert "One of these was changed meanwhile." in page.text
    assert page.form("phone").values()["phone"] == ["138 8765 4321"]
    assert changes(it) == []
    assert requester_of(other).email == NEW
