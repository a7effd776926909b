"""A note typed for an hour survives a sign-out, with script and without."""

from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.chromium import Windows, eventually
from tracker.accounts import sessions
from tracker.database import transaction
from tracker.service_requests.models import ServiceRequest

NOTE = "老人一个人住，水管漏了，需要再来一次。" * 20


def test_a_form_sent_after_a_sign_out_is_kept_and_sent_by_one_button(
    app: Flask, a: Builders, browser: Browser, claimed: ServiceRequest
) -> None:
    person = a.worker_on(claimed)
    browser.sign_in(person)
    address = f"/requests/{claimed.id}/note"
    browser.open(address)
    with transaction():
        # Signed out everywhere, while the form was open for an hour.
        sessions.end_all(person.id)

    page = browser.send(internal_note=NOTE, status=401)
    assert NOTE in page.text
    page = browser.click("Sign in and go on")
    page = browser.send(name=person.email, password="open sesame please", press="Sign in")
    assert NOTE in page.text
    page = browser.click("Send it now")

    assert page.path == f"/requests/{claimed.id}"
    assert NOTE in page.text


def test_another_person_on_the_same_phone_neither_reads_nor_sends_it(
    app: Flask, a: Builders, browser: Browser, claimed: ServiceRequest
) -> None:
    author, other = a.worker_on(claimed), a.worker_on(claimed)
    browser.sign_in(author)
    browser.open(f"/requests/{claimed.id}/note")
    with transaction():
        sessions.end_all(author.id)

    browser.send(internal_note=NOTE, status=401)
    browser.click("Sign in and go on")
    page = browser.send(name=other.email, password="open sesame please", press="Sign in")
    assert page.heading == "Somebody else was writing this"
    assert NOTE not in page.text

    browser.click("Sign in as that person")
    page = browser.send(name=author.email, password="open sesame please", press="Sign in")
    assert NOTE in page.text
    assert NOTE in browser.click("Send it now").text


def test_what_was_kept_comes_back_into_its_form(
    app: Flask, a: Builders, browser: Browser, claimed: ServiceRequest
) -> None:
    author = a.worker_on(claimed)
    browser.sign_in(author)
    address = f"/requests/{claimed.id}/note"
    browser.open(address)
    with transaction():
        sessions.end_all(author.id)
    browser.send(internal_note=NOTE, status=401)
    browser.click("Sign in and go on")
    browser.send(name=author.email, password="open sesame please", press="Sign in")

    page = browser.click("Back to the form")
    assert page.form("internal_note").values()["internal_note"] == [NOTE]
    assert page.errors == {}
    page = browser.send(internal_note=NOTE + "，另外", press="Save the note")

    assert page.path == f"/requests/{claimed.id}"
    assert NOTE + "，另外" in page.text


def test_a_form_of_another_site_is_never_offered_as_ones_own(
    app: Flask, a: Builders, browser: Browser, claimed: ServiceRequest
) -> None:
    browser.sign_in(a.worker_on(claimed))

    answer = browser.request(
        "POST",
        f"/requests/{claimed.id}/note",
        data={"internal_note": "planted"},
        headers={"Origin": "https://evil.example"},
    )

    assert answer.status_code == 400
    assert "planted" not in answer.get_data(as_text=True)


def test_a_request_that_somebody_began_on_a_device_is_theirs_alone(
    a: Builders, windows: Windows
) -> None:
    tap, one, other = a.category(name_en="Dripping tap"), a.coordinator(), a.volunteer()
    window = windows.open()
    windows.sign_in(window, one)
    window.goto(f"/requests/new/form?category={tap.id}")
    window.locator("#need").fill("The tap of Mrs Grey drips.")
    window.locator("#need").blur()
    eventually(window, "localStorage.getItem('shishi-draft') !== null")
    offer = window.locator("[data-draft-offer]")

    for nobody in (other, None):
        if nobody is None:
            window.context.clear_cookies()
        else:
            windows.sign_in(window, nobody)
        window.goto("/requests/new")
        assert not offer.is_visible()
    windows.sign_in(window, one)
    window.goto("/requests/new")
    offer.get_by_role("link", name="Continue with it").click()
    eventually(window, "document.querySelector('#need').value !== ''")
    mine = window.locator("form[data-draft] [name=author]").input_value()
    assert mine == window.locator("[data-sign-out]").get_attribute("data-sign-out")
