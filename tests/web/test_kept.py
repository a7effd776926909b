"""What is kept of a form that could not be taken, and what never is."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.support.browser import Browser
from tests.support.builders import PASSWORD, Builders
from tests.support.page import Page
from tracker.accounts import credentials, links, sessions
from tracker.accounts.models import LinkPurpose
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind
from tracker.web.kept import KeptForm, kept_from_text

SECRET = "four quiet 冬天 rivers"
NOTE = "老人一个人住，水管漏了。"
TYPED = {"present": SECRET, "password": SECRET, "again": SECRET, "name": "周 zhou@example.org"}
ASKING = ("/sign-in", "/me/password", "/reset/{token}", "/invitation/{token}")
"""Every page that asks for a password."""


def _address(a: Builders, asking: str) -> str:
    purpose = LinkPurpose.INVITATION if "invitation" in asking else LinkPurpose.RESET
    with transaction():
        token, _ = links.new_link(a.coordinator(), purpose, now=a.now)
    return asking.format(token=token)


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_no_page_ever_shows_a_password(
    a: Builders, browser: Browser, asking: str, *, is_signed_in: bool
) -> None:
    address = _address(a, asking)
    if is_signed_in:
        browser.sign_in(a.coordinator())
        browser.open("/me")

    answer = browser.request(
        "POST",
        address,
        data=TYPED | {"csrf_token": "too old"},
        headers={"Referer": "http://localhost" + address},
    )

    assert answer.status_code == 400
    assert SECRET not in answer.text
    assert "zhou@example.org" not in answer.text


def test_no_password_is_shown_to_somebody_signed_out_meanwhile(
    a: Builders, browser: Browser
) -> None:
    person = a.coordinator(password=PASSWORD)
    browser.sign_in(person).open("/me/password")
    with transaction():
        sessions.end_all(person.id)

    page = browser.send(present=SECRET, password=SECRET, again=SECRET, status=None)

    assert page.path == "/sign-in"
    assert SECRET not in page.html


def test_no_password_is_shown_while_the_database_is_gone(
    a: Builders, browser: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.open("/sign-in")

    def gone(*_arguments: object, **_named: object) -> None:
        raise OperationalError(None, {}, Exception("gone"))

    monkeypatch.setattr(credentials, "count_try", gone)
    page = browser.send(name="zhou@example.org", password=SECRET, status=503)

    assert SECRET not in page.html


def test_signing_in_on_an_old_page_loses_no_note_that_it_carries(
    a: Builders, browser: Browser
) -> None:
    made = a.service_request(status=Status.IN_PROGRESS)
    db.session.refresh(made)
    assert made.lead_team is not None
    person = a.team_leader(made.lead_team, password=PASSWORD)
    browser.sign_in(person).open(f"/requests/{made.id}/note")
    with transaction():
        sessions.end_all(person.id)
    browser.send(internal_note=NOTE, status=401)
    page = browser.click("Sign in and go on")
    browser.sign_out()  # its session is forgotten while the page is open

    kept = page.form("kept").values()["kept"][0]
    answer = browser.request(
        "POST",
        "/sign-in",
        data={"name": person.email, "password": SECRET, "kept": kept, "csrf_token": "too old"},
        headers={"Referer": "http://localhost/sign-in"},
    )

    assert answer.status_code == 400
    assert SECRET not in answer.text
    assert NOTE not in answer.text  # nobody is signed in: it goes on sealed
    [carried] = Page(answer).form("kept").values()["kept"]
    browser.open("/sign-in")
    sent = browser.page.form("name").values() | {"kept": [carried]}
    answer = browser.request(
        "POST", "/sign-in", data=sent | {"name": [person.email], "password": [PASSWORD]}
    )
    assert NOTE in answer.text
    assert "Send it now" in answer.text


@pytest.mark.parametrize("address", ["/nowhere", "/sign-in", "/language", "/me/password"])
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_what_is_sealed_is_opened_for_its_writer_alone(
    a: Builders, browser: Browser, address: str, *, is_signed_in: bool
) -> None:
    kept = carried_note(a, browser)
    if is_signed_in:
        browser.sign_in(a.coordinator())

    answer = browser.request(
        "POST",
        address,
        data={"password": "x", "kept": kept},
        headers={"Referer": "http://localhost/sign-in"},
    )

    assert answer.status_code in (400, 401, 404)
    assert NOTE not in answer.text


def test_a_form_that_bears_no_mark_is_carried_to_nobody(a: Builders, browser: Browser) -> None:
    """Somebody who is not signed in leaves it in the sign-in page for who comes next."""
    person = a.administrator(password=PASSWORD)
    token = browser.open("/sign-in").form("name").values()["csrf_token"]
    answer = browser.request(
        "POST",
        f"/admin/people/{person.id}/roles",
        data={"role": "administrator", "unit_id": "1", "note": NOTE, "csrf_token": token},
        headers={"Referer": "http://localhost/sign-in"},
    )

    assert answer.status_code == 401
    assert NOTE in answer.text
    assert 'name="kept"' not in answer.text
    with browser.app.test_request_context():
        assert kept_from_text(KeptForm("/queue", (("note", NOTE),)).to_text()) is None


def test_what_was_written_under_an_earlier_secret_is_still_its_writers(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = a.service_request(status=Status.IN_PROGRESS)
    db.session.refresh(made)
    assert made.lead_team is not None
    writer = a.team_leader(made.lead_team)
    page = browser.sign_in(writer).open(f"/requests/{made.id}/note")
    sent = page.form("internal_note").values() | {"internal_note": [NOTE]}
    settings, new = browser.app.config["SETTINGS"], "new" * 20
    monkeypatch.setitem(
        browser.app.config,
        "SETTINGS",
        replace(settings, secret_key=new, secret_key_fallbacks=(settings.secret_key,)),
    )
    monkeypatch.setitem(browser.app.config, "SECRET_KEY", new)
    monkeypatch.setitem(browser.app.config, "SECRET_KEY_FALLBACKS", [settings.secret_key])

    answer = browser.request(
        "POST",
        f"/requests/{made.id}/note",
        data=sent | {"csrf_token": ["too old"]},
        headers={"Referer": "http://localhost/"},
    )

    assert answer.status_code == 400
    assert "Send it now" in answer.text
    assert NOTE in answer.text


def carried_note(a: Builders, browser: Browser) -> str:
    """Let a note travel through a sign-in, and return it as it stands in the page."""
    made = a.service_request(status=Status.IN_PROGRESS)
    db.session.refresh(made)
    assert made.lead_team is not None
    writer = a.team_leader(made.lead_team)
    browser.sign_in(writer).open(f"/requests/{made.id}/note")
    with transaction():
        sessions.end_all(writer.id)
    page = browser.send(internal_note=NOTE, status=401)
    return page.form("kept").values()["kept"][0]


def test_who_comes_next_on_the_same_device_reads_nothing_in_the_source(
    a: Builders, browser: Browser
) -> None:
    made = a.service_request(status=Status.IN_PROGRESS)
    db.session.refresh(made)
    assert made.lead_team is not None
    writer = a.team_leader(made.lead_team)
    browser.sign_in(writer).open(f"/requests/{made.id}/note")
    with transaction():
        sessions.end_all(writer.id)
    browser.send(internal_note=NOTE, status=401)
    browser.click("Sign in and go on")
    other = a.coordinator(email="other@example.org", password=PASSWORD)

    page = browser.send(name=other.email, password=PASSWORD)

    assert "Somebody else was writing this" in page.text
    assert NOTE not in page.html
    kept = page.form("kept").values()["kept"][0]
    assert NOTE not in kept
    for made_up in (kept[:-9], kept.swapcase(), '{"path": "/queue", "fields": [["note", "x"]]}'):
        sent = page.form("kept").values() | {"kept": [made_up]}
        assert NOTE not in browser.request("POST", "/sign-in", data=sent).text


def test_a_decision_is_kept_for_who_wrote_it(a: Builders, browser: Browser) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    asked = a.approval(it, ApprovalKind.EXTENSION)
    judge = a.supervisor()
    browser.sign_in(judge).open("/approvals/")
    with transaction():
        sessions.end_all(judge.id)
    browser.send(note=NOTE, press="Refuse", status=401)
    browser.click("Sign in and go on")
    other = a.supervisor(email="other@example.org", password=PASSWORD)

    page = browser.send(name=other.email, password=PASSWORD)

    assert "Somebody else was writing this" in page.text
    assert NOTE not in page.html
    db.session.expire_all()
    assert asked.decided_at is None


@pytest.mark.parametrize("is_the_writer", [True, False])
def test_what_was_typed_outlives_a_change_of_the_servers_secret(
    a: Builders,
    app: Flask,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_the_writer: bool,
) -> None:
    made = a.service_request(status=Status.IN_PROGRESS)
    db.session.refresh(made)
    writer = a.team_leader(made.lead_team)
    page = browser.sign_in(writer).open(f"/requests/{made.id}/note")
    typed = page.form("internal_note").filled({"internal_note": NOTE})
    settings: Settings = app.config["SETTINGS"]
    changed = replace(settings, secret_key="a" * 40, secret_key_fallbacks=(settings.secret_key,))
    monkeypatch.setitem(app.config, "SETTINGS", changed)
    monkeypatch.setitem(app.config, "SECRET_KEY", changed.secret_key)
    monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", list(changed.secret_key_fallbacks))
    if not is_the_writer:
        browser.sign_in(a.team_leader(made.lead_team))

    answer = browser.request("POST", page.path, data=typed, headers={"Referer": page.url})

    assert answer.status_code == 400
    assert (NOTE in answer.text) is is_the_writer
