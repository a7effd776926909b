"""A note typed for an hour survives a sign-out, with script and without."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from playwright.sync_api import Error, Page as WebPage, Route, expect

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.chromium import Windows, eventually
from tracker.accounts import sessions
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ServiceRequest
from tracker.visits.models import NoteDraft, Visit

NOTE = "老人一个人住，水管漏了，需要再来一次。" * 20


@pytest.fixture
def claimed(a: Builders) -> ServiceRequest:
    """Return a request on which somebody works."""
    made = a.service_request(status=Status.IN_PROGRESS)
    db.session.refresh(made)
    return made


def worker_on(a: Builders, claimed: ServiceRequest) -> Person:
    """Return a team leader of the request's team, with a password."""
    assert claimed.lead_team is not None
    return a.team_leader(claimed.lead_team, password="open sesame please")


def just_now() -> str:
    """Return when a visit may have begun, as it is typed."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%dT%H:%M")


def test_a_form_sent_after_a_sign_out_is_kept_and_sent_by_one_button(
    app: Flask, a: Builders, browser: Browser, claimed: ServiceRequest
) -> None:
    person = worker_on(a, claimed)
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
    author, other = worker_on(a, claimed), worker_on(a, claimed)
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
    author = worker_on(a, claimed)
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
    browser.sign_in(worker_on(a, claimed))

    answer = browser.request(
        "POST",
        f"/requests/{claimed.id}/note",
        data={"internal_note": "planted"},
        headers={"Origin": "https://evil.example"},
    )

    assert answer.status_code == 400
    assert "planted" not in answer.get_data(as_text=True)


def test_what_is_typed_is_kept_while_it_is_typed(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    person = worker_on(a, claimed)
    window = windows.open(width=390)
    windows.sign_in(window, person)
    window.goto(f"/requests/{claimed.id}/visits/record")
    window.get_by_label("What did you find?").fill(NOTE)
    window.get_by_text("Kept.", exact=True).wait_for()
    window.close()

    again = windows.open(width=390)
    windows.sign_in(again, person)
    again.goto(f"/requests/{claimed.id}/visits/record")

    assert again.get_by_label("What did you find?").input_value() == NOTE
    db.session.rollback()
    assert db.session.query(NoteDraft).count() == 1
    again.get_by_label("Began").fill(just_now())
    again.get_by_label("Yes", exact=True).check()
    again.get_by_role("button", name="Save the visit").click()
    again.get_by_text("The visit is recorded.").wait_for()
    db.session.rollback()
    assert all(draft.is_over for draft in db.session.query(NoteDraft))
    assert db.session.query(Visit).one().findings == NOTE


COPIES = "Object.keys(localStorage).filter((name) => name.startsWith('shishi-note:')).length"


def test_a_note_that_only_the_device_keeps_is_its_writers_alone(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    author, other = worker_on(a, claimed), worker_on(a, claimed)
    address = f"/requests/{claimed.id}/visits/record"
    window = windows.open(width=390)
    windows.sign_in(window, author)
    window.goto(address)
    window.context.clear_cookies()
    window.get_by_label("What did you find?").fill(NOTE)
    window.get_by_text("Not connected: kept on this device.").wait_for()

    windows.sign_in(window, other)
    window.goto(address)
    marks = [window.locator("[name=author]").input_value()]
    assert window.get_by_label("What did you find?").input_value() == ""

    windows.sign_in(window, author)
    window.goto(address)
    expect(window.get_by_label("What did you find?")).to_have_value(NOTE)
    marks.append(window.locator("[name=author]").input_value())
    assert len(set(marks)) == 2
    eventually(window, f"{COPIES} === 0")
    db.session.rollback()
    assert {draft.person_id for draft in db.session.query(NoteDraft)} == {author.id}


def test_a_note_that_could_not_be_sent_stays_on_the_device_until_it_is_recorded(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    author = worker_on(a, claimed)
    earlier = a.visit(claimed, by=author)
    window = windows.open(width=390)
    windows.sign_in(window, author)
    window.goto(f"/requests/{claimed.id}/visits/record")
    window.context.clear_cookies()
    window.get_by_label("What did you find?").fill(NOTE)
    window.get_by_label("Began").fill(just_now())
    window.get_by_label("Yes", exact=True).check()
    window.get_by_role("button", name="Save the visit").click()
    window.get_by_text("Nothing that you typed is lost").first.wait_for()

    windows.sign_in(window, author)
    window.goto(f"/requests/{claimed.id}/visits/{earlier.id}")
    window.goto(f"/requests/{claimed.id}/visits/record")
    expect(window.get_by_label("What did you find?")).to_have_value(NOTE)

    window.get_by_role("button", name="Save the visit").click()
    window.get_by_text("The visit is recorded.").wait_for()
    eventually(window, f"{COPIES} === 0")
    assert kept_on_the_server() == ""


def test_signing_out_leaves_no_note_on_the_device_and_loses_none(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    author = worker_on(a, claimed)
    window = windows.open()
    windows.sign_in(window, author)
    window.goto(f"/requests/{claimed.id}/visits/record")
    window.route("**/drafts", lambda route: route.fulfill(status=401))
    window.get_by_label("What did you find?").fill(NOTE)
    window.get_by_text("Not connected: kept on this device.").wait_for()
    window.goto("/me")
    assert window.evaluate(COPIES) == 1
    window.unroute("**/drafts")

    window.locator("summary", has_text=author.name).click()
    window.get_by_role("button", name="Sign out", exact=True).click()
    window.get_by_text("You are signed out.").wait_for()

    assert window.evaluate(COPIES) == 0
    assert NOTE in kept_on_the_server()


@pytest.mark.parametrize("left_by", ["a link", "signing out"])
def test_a_note_is_kept_however_the_page_is_left(
    a: Builders, windows: Windows, claimed: ServiceRequest, left_by: str
) -> None:
    author = worker_on(a, claimed)
    window = windows.open()
    windows.sign_in(window, author)
    window.goto(f"/requests/{claimed.id}/visits/record")
    window.get_by_label("What did you find?").press_sequentially(NOTE, delay=1)
    if left_by == "a link":
        window.get_by_role("link", name="Board").first.click()
        window.wait_for_url("**/board")
    else:
        window.locator("summary", has_text=author.name).click()
        window.get_by_role("button", name="Sign out", exact=True).click()
        window.get_by_text("You are signed out.").wait_for()
        assert window.evaluate(COPIES) == 0
        windows.sign_in(window, author)
    eventually(window, f"{COPIES} === 0")

    window.goto(f"/requests/{claimed.id}/visits/record")
    expect(window.get_by_label("What did you find?")).to_have_value(NOTE)


def test_a_note_that_is_thrown_away_stays_away(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    window = windows.open()
    windows.sign_in(window, worker_on(a, claimed))
    window.goto(f"/requests/{claimed.id}/visits/record")
    window.get_by_label("What did you find?").fill(NOTE)
    window.get_by_text("Kept.", exact=True).wait_for()
    window.goto(f"/requests/{claimed.id}/visits/record")
    window.get_by_label("What did you find?").press_sequentially("!")
    with window.expect_navigation():
        window.get_by_role("button", name="Throw it away").click()
    expect(window.get_by_label("What did you find?")).to_have_value("")

    window.goto(f"/requests/{claimed.id}/visits/record")
    expect(window.get_by_label("What did you find?")).to_have_value("")
    assert window.evaluate(COPIES) == 0


FOUND = "What did you find?"


def wait_until(page: WebPage, is_so: Callable[[], bool]) -> None:
    """Wait until something is so that the page does not show."""
    for _ in range(200):
        if is_so():
            return
        page.wait_for_timeout(50)
    pytest.fail("it never was so")


def kept_on_the_server() -> str:
    """Return what the server keeps of the only note."""
    db.session.rollback()
    return "".join(draft.content for draft in db.session.query(NoteDraft))


@pytest.mark.parametrize("how", ["late", "lost"])
def test_what_was_typed_first_never_replaces_what_was_typed_last(
    a: Builders, windows: Windows, claimed: ServiceRequest, how: str
) -> None:
    """The first save is held back until the page is left, and then comes late or fails."""
    window = windows.open()
    windows.sign_in(window, worker_on(a, claimed))
    window.goto(f"/requests/{claimed.id}/visits/record")
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        held.append(route) if not held else route.continue_()

    window.route("**/drafts", hold_the_first)
    window.get_by_label(FOUND).fill("first words")
    wait_until(window, lambda: bool(held))
    window.get_by_label(FOUND).fill("first words and the end")
    window.goto("/board")
    wait_until(window, lambda: "the end" in kept_on_the_server())
    with suppress(Error):  # the page that sent it is gone
        held[0].continue_() if how == "late" else held[0].abort()

    window.goto(f"/requests/{claimed.id}/visits/record")
    expect(window.get_by_label(FOUND)).to_have_value("first words and the end")
    assert "the end" in kept_on_the_server()


@pytest.mark.parametrize("first_opened", ["the form", "another page"])
def test_an_older_note_of_a_device_never_replaces_a_newer_one_but_is_offered(
    a: Builders, windows: Windows, claimed: ServiceRequest, first_opened: str
) -> None:
    author, address = worker_on(a, claimed), f"/requests/{claimed.id}/visits/record"
    train, desk = windows.open(width=390), windows.open()
    windows.sign_in(train, author)
    train.goto(address)
    train.context.set_offline(True)
    train.get_by_label(FOUND).fill("old, typed on the train")
    train.get_by_text("Not connected: kept on this device.").wait_for()
    phone = train.context.new_page()
    train.close()
    phone.context.set_offline(False)
    windows.sign_in(desk, author)
    desk.goto(address)
    desk.get_by_label(FOUND).fill("new, the whole report")
    desk.get_by_text("Kept.", exact=True).wait_for()

    if first_opened == "another page":
        phone.goto("/board")
        eventually(phone, f"{COPIES} === 0")
    phone.goto(address)
    expect(phone.get_by_label(FOUND)).to_have_value("new, the whole report")
    for shown, offered in (("on the train", "whole report"), ("whole report", "on the train")):
        phone.get_by_role("link", name="Go on with it").click()
        expect(phone.get_by_label(FOUND)).to_have_value(re.compile(shown))
        expect(phone.get_by_text(re.compile(f"{offered}$")).first).to_be_visible()
    eventually(phone, f"{COPIES} === 0")
    assert {"train", "report"} <= set(re.findall(r"train|report", kept_on_the_server()))
    windows.complaints.clear()  # the line that was cut, on purpose


def test_a_note_that_both_went_on_with_is_not_overwritten_by_the_older_one(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    author, address = worker_on(a, claimed), f"/requests/{claimed.id}/visits/record"
    train, desk = windows.open(width=390), windows.open()
    for window in (desk, train):
        windows.sign_in(window, author)
    desk.goto(address)
    desk.get_by_label(FOUND).fill("begun")
    desk.get_by_text("Kept.", exact=True).wait_for()
    train.goto(address)
    expect(train.get_by_label(FOUND)).to_have_value("begun")
    train.context.set_offline(True)
    train.get_by_label(FOUND).fill("begun, and on the train")
    train.get_by_text("Not connected: kept on this device.").wait_for()
    train.get_by_label(FOUND).fill("begun, and on the train, and on")
    eventually(train, "Object.values(localStorage).some((kept) => kept.includes('train, and on'))")
    phone = train.context.new_page()
    train.close()
    desk.get_by_label(FOUND).fill("begun, and the whole report")
    wait_until(desk, lambda: "whole report" in kept_on_the_server())
    phone.context.set_offline(False)

    phone.goto(address)
    expect(phone.get_by_label(FOUND)).to_have_value("begun, and the whole report")
    phone.get_by_role("link", name="Go on with it").click()
    expect(phone.get_by_label(FOUND)).to_have_value("begun, and on the train, and on")
    assert "whole report" in kept_on_the_server()
    windows.complaints.clear()  # the line that was cut, on purpose


def test_an_open_window_does_not_put_back_on_the_device_what_was_handed_over(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    author = worker_on(a, claimed)
    open_window = windows.open()
    windows.sign_in(open_window, author)
    open_window.goto(f"/requests/{claimed.id}/visits/record")
    open_window.route("**/drafts", lambda route: route.fulfill(status=503))
    open_window.get_by_label(FOUND).fill(NOTE)
    open_window.get_by_text("Not connected: kept on this device.").wait_for()
    other = open_window.context.new_page()
    other.goto("/me")
    eventually(other, f"{COPIES} === 0")
    other.locator("summary", has_text=author.name).click()
    other.get_by_role("button", name="Sign out", exact=True).click()
    other.get_by_text("You are signed out.").wait_for()

    open_window.goto("/")

    assert open_window.evaluate(COPIES) == 0
    assert NOTE in kept_on_the_server()
    windows.complaints.clear()  # what was not taken, on purpose


@pytest.mark.parametrize("how", ["opening the page anew", "another language"])
def test_what_was_typed_at_the_last_moment_goes_on_on_the_page_that_comes(
    a: Builders, windows: Windows, claimed: ServiceRequest, how: str
) -> None:
    author, address = worker_on(a, claimed), f"/requests/{claimed.id}/visits/record"
    window = windows.open()
    windows.sign_in(window, author)
    window.goto(address)
    window.get_by_label(FOUND).fill("first words")
    window.get_by_text("Kept.", exact=True).wait_for()
    window.get_by_label(FOUND).fill("first words and the end")
    if how == "opening the page anew":
        window.reload()
    else:
        with window.expect_navigation():
            window.get_by_role("button", name="中文").first.click()
    findings = window.locator("#findings")
    expect(findings).to_have_value("first words and the end")
    wait_until(window, lambda: kept_on_the_server().count("and the end") == 1)

    window.locator("#started_at").fill(just_now())
    window.locator("[name=contact_made][value=yes]").check()
    with window.expect_navigation():
        window.locator("form", has=findings).locator("button[type=submit]").click()
    assert visits_recorded() == 1
    eventually(window, f"{COPIES} === 0")
    assert kept_on_the_server() == "", "nothing comes back as another visit"


def test_what_is_typed_on_while_the_line_is_dead_is_on_the_device(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    address = f"/requests/{claimed.id}/visits/record"
    window = windows.open()
    windows.sign_in(window, worker_on(a, claimed))
    window.goto(address)
    unanswered: list[Route] = []
    window.route("**/drafts", lambda route: unanswered.append(route))  # noqa: PLW0108 - Playwright marks it
    window.get_by_label(FOUND).fill("first words")
    eventually(window, f"{COPIES} === 1")
    window.get_by_label(FOUND).fill("first words and the end")
    eventually(
        window, "Object.values(localStorage).some((kept) => kept.includes('words and the end'))"
    )
    assert kept_on_the_server() == ""


def test_what_is_typed_after_sending_is_kept_apart_from_what_was_sent(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    address = f"/requests/{claimed.id}/visits/record"
    window = windows.open()
    windows.sign_in(window, worker_on(a, claimed))
    window.goto(address)
    window.get_by_label(FOUND).fill("Tap mended")
    window.get_by_label("Began").fill(just_now())
    window.get_by_label("Yes", exact=True).check()
    held: list[Route] = []
    window.route("**/visits/record", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    # Beforehand, as Playwright types nothing until the page has come that is on its way.
    window.evaluate(
        "setTimeout(() => { const it = document.querySelector('#findings'); it.value += ', and the lamp';"
        " it.dispatchEvent(new Event('input', { bubbles: true })); }, 1000)"
    )
    window.get_by_role("button", name="Save the visit").click(no_wait_after=True)
    wait_until(window, lambda: bool(held))
    wait_until(window, lambda: "the lamp" in kept_on_the_server())
    held[0].continue_()
    window.get_by_text("The visit is recorded.").wait_for()

    assert visits_recorded() == 1
    assert "the lamp" in kept_on_the_server()


def test_a_visit_whose_answer_was_lost_does_not_come_back_as_another(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    author, address = worker_on(a, claimed), f"/requests/{claimed.id}/visits/record"
    window = windows.open()
    windows.sign_in(window, author)
    window.goto(address)
    window.get_by_label(FOUND).fill("Tap mended")
    window.get_by_label("Began").fill(just_now())
    window.get_by_label("Yes", exact=True).check()

    def lose_the_answer(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort("connectionreset")

    window.route("**/visits/record", lose_the_answer)
    window.get_by_role("button", name="Save the visit").click()
    wait_until(window, lambda: visits_recorded() == 1)
    window.unroute("**/visits/record")
    window.goto("/me")
    eventually(window, f"{COPIES} === 0")

    window.goto(address)
    expect(window.get_by_label(FOUND)).to_have_value("")
    assert kept_on_the_server() == ""
    windows.complaints.clear()  # the connection that was lost, on purpose


def test_what_was_typed_while_a_save_was_on_its_way_outlives_a_lost_line(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    address = f"/requests/{claimed.id}/visits/record"
    window = windows.open()
    windows.sign_in(window, worker_on(a, claimed))
    window.goto(address)
    held: list[Route] = []
    window.route("**/drafts", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    window.get_by_label(FOUND).fill("first words")
    wait_until(window, lambda: bool(held))
    window.get_by_label(FOUND).fill("first words and the end")
    window.get_by_label("Began").fill(just_now())
    window.get_by_label("Yes", exact=True).check()
    window.route("**/visits/record", lambda route: route.abort("connectionreset"))
    window.get_by_role("button", name="Save the visit").click()
    held[0].continue_()
    wait_until(window, lambda: "first words" in kept_on_the_server())
    window.unroute("**/visits/record")
    window.unroute("**/drafts")

    window.goto(address)
    expect(window.get_by_label(FOUND)).to_have_value("first words and the end")
    windows.complaints.clear()  # the connection that was lost, on purpose


def visits_recorded() -> int:
    """Return how many visits were recorded."""
    db.session.rollback()
    return db.session.query(Visit).count()


def test_a_note_thrown_away_does_not_come_back_with_a_save_on_its_way(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    address = f"/requests/{claimed.id}/visits/record"
    window = windows.open()
    windows.sign_in(window, worker_on(a, claimed))
    window.goto(address)
    window.get_by_label(FOUND).fill("a secret")
    window.get_by_text("Kept.", exact=True).wait_for()
    window.goto(address)
    held: list[Route] = []
    window.route("**/drafts", lambda route: route.continue_() if held else held.append(route))
    window.get_by_label(FOUND).press_sequentially("!")
    wait_until(window, lambda: bool(held))
    with window.expect_navigation():
        window.get_by_role("button", name="Throw it away").click()
    wait_until(window, lambda: kept_on_the_server() == "")
    with suppress(Error):
        held[0].continue_()

    window.goto(address)
    expect(window.get_by_label(FOUND)).to_have_value("")
    assert kept_on_the_server() == ""
    assert window.evaluate(COPIES) == 0
    windows.complaints.clear()  # the save that was called off, on purpose


def test_one_window_forgets_nothing_that_another_keeps_on_the_device(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    address = f"/requests/{claimed.id}/visits/record"
    one = windows.open()
    windows.sign_in(one, worker_on(a, claimed))
    one.goto(address)
    two = one.context.new_page()
    two.goto(address)
    one.route("**/drafts", lambda route: route.fulfill(status=503))
    one.get_by_label(FOUND).fill("a long report")
    one.get_by_text("Not connected: kept on this device.").wait_for()
    one.close()
    two.get_by_label("Place").fill("x")
    two.get_by_text("Kept.", exact=True).wait_for()

    two.goto(address)
    two.get_by_role("link", name="Go on with it").click()
    expect(two.get_by_label(FOUND)).to_have_value("a long report")
    windows.complaints.clear()  # what was not taken, on purpose


def test_a_copy_that_is_too_old_is_gone_from_the_device_whoever_opens_a_page(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    address = f"/requests/{claimed.id}/visits/record"
    window = windows.open()
    windows.sign_in(window, worker_on(a, claimed))
    window.goto(address)
    window.route("**/drafts", lambda route: route.fulfill(status=503))
    window.get_by_label(FOUND).fill("a secret")
    window.get_by_text("Not connected: kept on this device.").wait_for()
    window.goto("/me")
    window.evaluate(
        "for (const [name, kept] of Object.entries(localStorage).filter(([n]) => n.startsWith('shishi-note:')))"
        " localStorage.setItem(name, JSON.stringify({ ...JSON.parse(kept), at: 1 }))"
    )

    windows.sign_in(window, worker_on(a, claimed))
    window.goto("/me")
    eventually(window, f"{COPIES} === 0")
    windows.complaints.clear()  # what was not taken, on purpose


def test_what_is_typed_on_and_on_is_kept_meanwhile(
    a: Builders, windows: Windows, claimed: ServiceRequest
) -> None:
    window = windows.open()
    windows.sign_in(window, worker_on(a, claimed))
    window.goto(f"/requests/{claimed.id}/visits/record")
    for _ in range(8):
        window.get_by_label("What did you find?").press_sequentially("water", delay=60)
    db.session.rollback()
    assert "waterwater" in db.session.query(NoteDraft).one().content


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
