"""Signing in, out, and everything that remembers the reader."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import PASSWORD, Builders
from tests.support.together import at_once
from tracker.accounts import credentials, links
from tracker.accounts.models import LinkPurpose, Person, SignInSession
from tracker.accounts.passwords import Passwords
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.errors import RefusedError
from tracker.web.access import safe_path

WRONG = "The name and the password do not go together"


def test_somebody_signs_in_by_mail_and_lands_at_their_work(a: Builders, browser: Browser) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)

    page = browser.send("/sign-in", name=" Zhou@Example.org", password=PASSWORD)

    assert page.path == "/queue"


@pytest.mark.parametrize(
    "typed", ["zhou@例子.com", "ZHOU@xn--fsqu00a.com", "zhou@例子。com", " zhou@例子.com "]
)
def test_somebody_signs_in_by_mail_however_its_domain_is_spelt(
    a: Builders, browser: Browser, typed: str
) -> None:
    a.person(email="zhou@例子.com", password=PASSWORD)

    browser.send("/sign-in", name=typed, password=PASSWORD)

    assert browser.page.path != "/sign-in"


def test_somebody_signs_in_by_telephone_however_it_is_written(
    a: Builders, browser: Browser
) -> None:
    a.auditor(phone="+8613800138000", password=PASSWORD)

    browser.send("/sign-in?next=/me", name="138 0013 8000", password=PASSWORD)

    assert browser.page.heading == "My profile"


@pytest.mark.parametrize("name", ["zhou@example.org", "nobody@example.org", "00", "…"])
def test_a_wrong_password_and_an_unknown_name_are_answered_alike(
    a: Builders, browser: Browser, name: str
) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)

    page = browser.send("/sign-in", name=name, password="not the password")

    assert page.errors == {"password": page.errors["password"]}
    assert WRONG in page.errors["password"]


def test_somebody_who_was_ended_cannot_sign_in(a: Builders, browser: Browser) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD, ended_at=a.now)

    page = browser.send("/sign-in", name="zhou@example.org", password=PASSWORD)

    assert WRONG in page.text


@pytest.mark.parametrize("exists", [True, False])
def test_after_ten_tries_the_name_has_to_wait_whether_it_exists_or_not(
    a: Builders,
    browser: Browser,
    clock: time_machine.Traveller,
    *,
    exists: bool,
) -> None:
    if exists:
        a.coordinator(email="zhou@example.org", password=PASSWORD)
    for _ in range(credentials.TRIES_PER_NAME_FROM_AN_ADDRESS):
        browser.send("/sign-in", name="zhou@example.org", password="wrong")

    page = browser.send("/sign-in", name="zhou@example.org", password=PASSWORD, status=429)
    assert "Too many tries" in page.text

    clock.shift(timedelta(minutes=16))
    page = browser.send("/sign-in", name="zhou@example.org", password=PASSWORD)
    assert (page.path == "/queue") == exists


def test_no_stranger_locks_anybody_out(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)
    stranger = new_browser()
    stranger.address = "198.51.100.7"
    for _ in range(credentials.TRIES_PER_NAME_FROM_AN_ADDRESS):
        stranger.send("/sign-in", name="zhou@example.org", password="wrong")
    stranger.send("/sign-in", name="zhou@example.org", password=PASSWORD, status=429)

    assert browser.send("/sign-in", name="zhou@example.org", password=PASSWORD).path == "/queue"

    stranger.send("/sign-in", name="zhou@example.org", password=PASSWORD, status=429)


def test_tries_from_many_networks_end_as_well(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "TRIES_PER_NAME", 3)
    a.coordinator(email="zhou@example.org", password=PASSWORD)
    for number in range(3):
        browser.address = f"198.51.100.{number}"
        browser.send("/sign-in", name="zhou@example.org", password="wrong")
    browser.address = "203.0.113.1"

    browser.send("/sign-in", name="zhou@example.org", password=PASSWORD, status=429)


def test_the_password_in_the_database_is_no_password(a: Builders) -> None:
    person = a.person(password=PASSWORD)

    assert person.password_hash is not None
    assert person.password_hash.startswith("$argon2id$")


def test_signing_in_begins_a_new_session(a: Builders, browser: Browser) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)
    browser.open("/sign-in")
    before = browser.client.get_cookie("shishi")

    browser.send("/sign-in", name="zhou@example.org", password=PASSWORD)

    assert before is not None
    with browser.client.session_transaction() as session:
        assert "csrf_token" not in before.value
        assert session["_user_id"]


def test_stay_signed_in_survives_the_end_of_the_session_until_signed_out_everywhere(
    a: Builders, new_browser: Callable[[], Browser]
) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)
    phone, computer = new_browser(), new_browser()
    for browser in (phone, computer):
        browser.send("/sign-in", name="zhou@example.org", password=PASSWORD, remember="y")
        browser.client.delete_cookie("shishi")
        assert browser.open("/me").heading == "My profile"

    computer.open("/me")
    computer.click("Sign out everywhere")

    for browser in (phone, computer):
        browser.client.delete_cookie("shishi")
        assert browser.open("/me").heading == "Sign in"


def test_signing_out_forgets_the_remembered_device(a: Builders, browser: Browser) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)
    browser.send("/sign-in", name="zhou@example.org", password=PASSWORD, remember="y")

    browser.open("/admin/permissions")
    page = browser.click("Sign out")

    assert "You are signed out." in page.text
    assert browser.client.get_cookie("shishi_remember") is None
    assert browser.open("/me").heading == "Sign in"


@pytest.mark.parametrize("remember", [False, True])
def test_a_copied_cookie_opens_nothing_after_signing_out(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser], *, remember: bool
) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)
    fields = {"name": "zhou@example.org", "password": PASSWORD}
    browser.send("/sign-in", fields=fields | ({"remember": "y"} if remember else {}))
    thief, other_device = new_browser(), new_browser()
    for name in ("shishi", "shishi_remember"):
        cookie = browser.client.get_cookie(name)
        if cookie is not None:
            thief.client.set_cookie(name, cookie.value)
    other_device.send("/sign-in", name="zhou@example.org", password=PASSWORD)
    assert thief.open("/me").heading == "My profile"

    browser.open("/admin/permissions")
    browser.click("Sign out")

    assert thief.open("/me").heading == "Sign in"
    assert other_device.open("/me").heading == "My profile"


def test_signing_in_again_ends_the_session_that_this_browser_had(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    for name in ("zhou", "he"):
        a.coordinator(email=f"{name}@example.org", password=PASSWORD)
    browser.send("/sign-in", name="zhou@example.org", password=PASSWORD)
    cookie = browser.client.get_cookie("shishi")
    assert cookie is not None
    page = browser.open("/me/password")
    browser.request(
        "POST",
        "/sign-in",
        data={
            "name": "he@example.org",
            "password": PASSWORD,
            "csrf_token": page.form("present").values()["csrf_token"][0],
        },
    )

    thief = new_browser()
    thief.client.set_cookie("shishi", cookie.value)

    assert thief.open("/me").heading == "Sign in"


@pytest.mark.parametrize(("remember", "days"), [(False, 1), (True, 30)])
def test_a_session_ends_by_itself(
    a: Builders, browser: Browser, clock: time_machine.Traveller, *, remember: bool, days: int
) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)
    fields = {"name": "zhou@example.org", "password": PASSWORD}
    browser.send("/sign-in", fields=fields | ({"remember": "y"} if remember else {}))

    clock.shift(timedelta(days=days, minutes=-1))
    assert browser.open("/me").heading == "My profile"
    clock.shift(timedelta(minutes=1))
    assert browser.open("/me").heading == "Sign in"


def test_the_database_keeps_no_token_of_a_session(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.coordinator())
    with browser.client.session_transaction() as session:
        token = session["_user_id"]

    assert db.session.scalars(select(SignInSession.token_hash)).all() == [
        sha256(token.encode()).hexdigest()
    ]


def test_guesses_of_the_present_password_are_counted(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.coordinator(password=PASSWORD))
    new: dict[str, object] = {"password": "a new long password", "again": "a new long password"}
    for _ in range(credentials.TRIES_PER_NAME_FROM_AN_ADDRESS):
        browser.send("/me/password", fields=new | {"present": "wrong"})

    page = browser.send("/me/password", fields=new | {"present": PASSWORD}, status=429)

    assert "Too many tries" in page.errors["present"]


def test_a_page_that_needs_signing_in_comes_back_after_it(a: Builders, browser: Browser) -> None:
    a.auditor(email="he@example.org", password=PASSWORD)

    browser.open("/admin/permissions")
    page = browser.send(name="he@example.org", password=PASSWORD)

    assert page.path == "/admin/permissions"


@pytest.mark.parametrize("away", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_the_way_back_never_leads_away(a: Builders, browser: Browser, away: str) -> None:
    a.coordinator(email="zhou@example.org", password=PASSWORD)

    page = browser.send(f"/sign-in?next={away}", name="zhou@example.org", password=PASSWORD)

    assert safe_path(away) is None
    assert page.path == "/queue"


def test_the_language_is_switched_and_remembered_for_the_person(
    a: Builders, browser: Browser
) -> None:
    person = a.coordinator()
    browser.sign_in(person).open("/me")

    page = browser.click("中文")

    assert page.language == "zh-Hans"
    db.session.expire_all()
    assert person.locale == "zh_Hans_CN"
    assert browser.open("/me").language == "zh-Hans"


def test_large_text_is_remembered(browser: Browser) -> None:
    browser.open("/sign-in")

    browser.click("Large text")

    assert browser.page.find_all("html")[0].get("data-text-size") == "large"
    assert "Normal text" in browser.open("/sign-in").text


def test_a_hash_of_earlier_work_factors_is_renewed_on_signing_in(
    a: Builders, browser: Browser, app: Flask
) -> None:
    person = a.coordinator(email="zhou@example.org")
    with transaction():
        person.password_hash = Passwords(time_cost=2, memory_kib=64).hashed(PASSWORD)
    before = person.password_hash

    browser.send("/sign-in", name="zhou@example.org", password=PASSWORD)

    assert person.password_hash != before
    assert app.config["SETTINGS"].argon2_time_cost == 1


def test_demo_people_exist_in_a_demonstration_only(a: Builders, browser: Browser) -> None:
    invented = a.coordinator(is_demo=True)
    browser.open("/sign-in")
    token = browser.page.find_all("input", name="csrf_token")[0].get("value")

    answer = browser.request("POST", f"/sign-in/demo/{invented.id}", data={"csrf_token": token})

    assert answer.status_code == 404
    assert "One tap signs you in" not in browser.page.text


def test_where_somebody_is_real_nobody_is_signed_in_by_one_tap(
    a: Builders, browser: Browser, app: Flask
) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], demo=True)
    invented = a.coordinator(is_demo=True)
    page = browser.open("/sign-in")
    assert "One tap signs you in" in page.text
    token = page.find_all("input", name="csrf_token")[0].get("value")
    a.person()

    answer = browser.request("POST", f"/sign-in/demo/{invented.id}", data={"csrf_token": token})

    assert answer.status_code == 404
    assert "One tap signs you in" not in browser.open("/sign-in").text


def test_a_new_installation_says_how_to_begin(a: Builders, browser: Browser) -> None:
    assert "create-administrator" in browser.open("/sign-in").text

    a.person()

    assert "create-administrator" not in browser.open("/sign-in").text


def test_an_office_behind_one_address_signs_in_every_morning(
    a: Builders, new_browser: Callable[[], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = a.coordinator(email="zhou@example.org", password=PASSWORD)
    monkeypatch.setattr(credentials, "TRIES_PER_ADDRESS", 4)
    monkeypatch.setattr(credentials, "TRIES_PER_NAME", 4)

    browsers = [new_browser() for _ in range(6)]
    for browser in browsers:
        browser.send("/sign-in", name=person.email, password=PASSWORD)

    assert browsers[-1].open("/me").path == "/me"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda person: setattr(person, "email", "other@example.org"), id="address"),
        pytest.param(
            lambda person: setattr(person, "password_hash", _hash("another long one")),
            id="password",
        ),
        pytest.param(lambda person: setattr(person, "ended_at", utc_now()), id="end"),
    ],
)
def test_what_changes_while_a_password_is_verified_lets_nobody_in(
    app: Flask,
    a: Builders,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Person], None],
) -> None:
    """Hashing takes a tenth of a second, and nothing is locked meanwhile."""
    person_id = a.coordinator(email="zhou@example.org", password=PASSWORD).id
    prove = credentials.prove

    def prove_and_be_overtaken(*given: Any, **named: Any) -> credentials.Proof:  # noqa: ANN401 - passed on
        proof = prove(*given, **named)

        def act() -> None:
            with transaction():
                found = db.session.get_one(Person, person_id)
                change(found)
                links.end_every_way_in(found.id, now=utc_now())

        at_once(app, [act])
        return proof

    monkeypatch.setattr(credentials, "prove", prove_and_be_overtaken)
    page = browser.send("/sign-in", name="zhou@example.org", password=PASSWORD)

    assert WRONG in page.errors["password"]
    assert db.session.query(SignInSession).count() == 0


def test_a_password_is_changed_by_who_knows_the_present_one_at_the_end(
    app: Flask, a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = a.coordinator(password=PASSWORD)
    person_id = person.id
    browser.sign_in(person)
    matches = Passwords.matches

    def match_and_be_overtaken(self: Passwords, kept: str | None, word: str) -> bool:
        found = matches(self, kept, word)

        def act() -> None:
            with transaction():
                db.session.get_one(Person, person_id).password_hash = _hash("the owner's own")

        at_once(app, [act])
        return found

    monkeypatch.setattr(Passwords, "matches", match_and_be_overtaken)
    new: dict[str, object] = {"password": "a new long password", "again": "a new long password"}
    page = browser.send("/me/password", fields=new | {"present": PASSWORD})

    assert "That is not your present password." in page.errors["present"]
    kept = db.session.get_one(Person, person_id).password_hash
    assert matches(Passwords(time_cost=1, memory_kib=64), kept, "the owner's own")


def test_a_link_that_was_ended_a_moment_later_does_not_work(a: Builders, now: datetime) -> None:
    """Its holder asked the time, and then waited for whoever ended it."""
    person = a.person(email="li@example.org")
    with transaction():
        token, _ = links.new_link(person, LinkPurpose.INVITATION, now=now)
    with transaction():
        links.end_every_way_in(person.id, now=now + timedelta(seconds=1))

    with pytest.raises(RefusedError), transaction():
        links.use_link(token, LinkPurpose.INVITATION, password_hash="new", now=now)


def _hash(password: str) -> str:
    return Passwords(time_cost=1, memory_kib=64).hashed(password)
