"""One-time links, and changing the password."""

import re
import time
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import PASSWORD, Builders
from tracker.accounts import actions, credentials, links
from tracker.accounts.models import LinkPurpose, OneTimeLink, Person
from tracker.database import db, transaction
from tracker.notifications.models import Message

NEW = "four quiet winter rivers"


def _token_in_the_outbox(kind: str = "reset") -> str:
    message = db.session.scalars(select(Message).where(Message.kind == kind)).one()
    return str(message.payload["token"])


def test_a_forgotten_password_is_chosen_anew_by_mail(a: Builders, browser: Browser) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)
    page = browser.send("/forgotten", name="zhou@example.org")
    assert page.heading == "Look into your mail"

    page = browser.send(f"/reset/{_token_in_the_outbox()}", password=NEW, again=NEW)

    assert page.path == "/queue"
    browser.sign_out()
    assert browser.send("/sign-in", name="zhou@example.org", password=NEW).path == "/queue"


def test_nobody_learns_who_has_an_account(a: Builders, browser: Browser) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)

    known = browser.send("/forgotten", name="zhou@example.org").text
    unknown = browser.send("/forgotten", name="nobody@example.org").text

    assert known == unknown
    assert len(db.session.scalars(select(Message)).all()) == 1


def test_a_link_works_once(a: Builders, browser: Browser, now: object) -> None:
    person = a.coordinator()
    with transaction():
        token, _ = links.new_link(person, LinkPurpose.RESET, now=a.now)

    browser.send(f"/reset/{token}", password=NEW, again=NEW)
    page = browser.open(f"/reset/{token}", status=410)

    assert page.heading == "This link no longer works"


def test_opening_a_link_does_not_use_it(a: Builders, browser: Browser) -> None:
    person = a.coordinator()
    with transaction():
        token, _ = links.new_link(person, LinkPurpose.INVITATION, now=a.now)

    for _turn in range(3):
        browser.open(f"/invitation/{token}")

    assert browser.send(f"/invitation/{token}", password=NEW, again=NEW).path == "/queue"


def test_a_link_expires_and_a_newer_one_replaces_it(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    person = a.coordinator()
    with transaction():
        first, _ = links.new_link(person, LinkPurpose.RESET, now=a.now)
        second, _ = links.new_link(person, LinkPurpose.RESET, now=a.now)
    browser.open(f"/reset/{first}", status=410)
    browser.open(f"/reset/{second}")

    clock.shift(timedelta(hours=5))

    browser.open(f"/reset/{second}", status=410)


def test_an_invitation_is_no_reset_and_the_token_is_kept_nowhere(
    a: Builders, browser: Browser
) -> None:
    person = a.coordinator()
    with transaction():
        token, _ = links.new_link(person, LinkPurpose.INVITATION, now=a.now)

    browser.open(f"/reset/{token}", status=410)

    kept = db.session.scalars(select(OneTimeLink)).one()
    assert token not in kept.token_hash
    assert re.fullmatch(r"[0-9a-f]{64}", kept.token_hash)


def test_a_new_password_has_ten_characters_and_is_typed_twice_alike(
    a: Builders, browser: Browser
) -> None:
    person = a.coordinator()
    with transaction():
        token, _ = links.new_link(person, LinkPurpose.RESET, now=a.now)

    page = browser.send(f"/reset/{token}", password="short", again="short")
    assert "Take 10 characters or more" in page.errors["password"]

    page = browser.send(password=NEW, again=NEW + "s")
    assert page.errors["again"] == "The two passwords differ."


def test_changing_the_password_needs_the_present_one_and_ends_other_sessions(
    a: Builders, browser: Browser, chinese_browser: Browser
) -> None:
    person = a.coordinator(password=PASSWORD)
    browser.sign_in(person)
    chinese_browser.sign_in(person)

    page = browser.send("/me/password", present="wrong one", password=NEW, again=NEW)
    assert page.errors["present"] == "That is not your present password."

    page = browser.send(present=PASSWORD, password=NEW, again=NEW)
    assert "Your password is changed" in page.text
    assert chinese_browser.open("/me").path == "/sign-in"


def test_asking_too_often_for_a_link_has_to_wait(a: Builders, browser: Browser) -> None:
    for _turn in range(10):
        browser.send("/forgotten", name="zhou@example.org")

    page = browser.send("/forgotten", name="zhou@example.org", status=429)

    assert "Too many tries" in page.errors["name"]


def test_nobody_is_kept_from_a_new_password_by_who_asks_for_many(
    a: Builders, browser: Browser
) -> None:
    a.coordinator(email="zhou@example.org")
    for number in range(credentials.LINKS_PER_NAME + 2):
        browser.address = f"198.51.100.{number}"
        page = browser.send("/forgotten", name="zhou@example.org")
        assert page.heading == "Look into your mail"

    sent = db.session.scalars(select(Message).order_by(Message.id)).all()
    assert len(sent) == credentials.LINKS_PER_NAME
    browser.open(f"/reset/{sent[-1].payload['token']}")


@pytest.mark.parametrize("name", ["zhou@example.org", "nobody@example.org"])
def test_how_long_it_takes_does_not_tell_who_has_an_account(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(credentials, "SHOWS_NOTHING_FOR_S", 0.5)
    a.coordinator(email="zhou@example.org")
    browser.open("/forgotten")

    began = time.monotonic()
    browser.send(name=name)

    assert time.monotonic() - began >= 0.5


def test_the_matrix_is_shown_with_words_for_everything(a: Builders, browser: Browser) -> None:
    page = browser.sign_in(a.volunteer(a.team())).open("/admin/permissions")

    assert "Decide about parking" in page.text


def _used(browser: Browser, address: str) -> None:
    assert browser.send(address, password=NEW, again=NEW).path == "/queue"


def _changed(browser: Browser, person: Person) -> None:
    browser.sign_in(person)
    page = browser.send("/me/password", present=PASSWORD, password=NEW, again=NEW)
    assert "Your password is changed" in page.text


def _corrected(person: Person, a: Builders, **details: str | None) -> None:
    given = {"name": person.name, "email": person.email, "phone": person.phone, **details}
    with transaction():
        actions.edit_person(
            person,
            actions.PersonDetails(**given),  # type: ignore[arg-type]
            held_in=[a.bureau.id],
            actor=a.actor(a.administrator()),
            now=a.now,
        )


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_a_password_chosen_by_one_link_ends_every_other(
    a: Builders, browser: Browser, purpose: LinkPurpose
) -> None:
    person = a.coordinator(password=PASSWORD)
    with transaction():
        older = {each: links.new_link(person, each, now=a.now)[0] for each in LinkPurpose}

    _used(browser, f"/{purpose}/{older[purpose]}")

    for each, token in older.items():
        browser.open(f"/{each}/{token}", status=410)


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_no_link_outlives_a_password_that_its_owner_changed(
    a: Builders, browser: Browser, purpose: LinkPurpose
) -> None:
    person = a.coordinator(password=PASSWORD)
    with transaction():
        token, _ = links.new_link(person, purpose, now=a.now)

    _changed(browser, person)

    browser.open(f"/{purpose}/{token}", status=410)


@pytest.mark.parametrize("purpose", LinkPurpose)
@pytest.mark.parametrize("corrected", [{"email": "right@example.org"}, {"phone": "+8613800138009"}])
def test_a_link_that_went_to_a_mistyped_address_ends_when_it_is_corrected(
    a: Builders, browser: Browser, purpose: LinkPurpose, corrected: dict[str, str]
) -> None:
    person = a.coordinator(email="wrong@example.org")
    with transaction():
        token, _ = links.new_link(person, purpose, now=a.now)
    _corrected(person, a, name="Another name")
    browser.open(f"/{purpose}/{token}")

    _corrected(person, a, **corrected)

    browser.open(f"/{purpose}/{token}", status=410)


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_no_link_of_before_works_for_somebody_ended_and_taken_up_again(
    a: Builders, browser: Browser, purpose: LinkPurpose
) -> None:
    person = a.coordinator(password=PASSWORD)
    with transaction():
        token, _ = links.new_link(person, purpose, now=a.now)
    browser.sign_in(a.administrator()).open(f"/admin/people/{person.id}")
    browser.click("End this person")

    browser.open(f"/admin/people/{person.id}")
    browser.click("Take up again")

    browser.sign_out().open(f"/{purpose}/{token}", status=410)


def test_a_link_asked_for_by_anybody_ends_no_invitation(a: Builders, browser: Browser) -> None:
    person = a.coordinator(email="zhou@example.org")
    with transaction():
        token, _ = links.new_link(person, LinkPurpose.INVITATION, now=a.now)

    browser.send("/forgotten", name="zhou@example.org")

    browser.open(f"/invitation/{token}")
