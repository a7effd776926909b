"""What somebody types about a visit is kept: on the server, by the device where there is no line, and nowhere twice.

How the server keeps it is tested beside the actions, on both databases; these tests are about the script.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Error, Page as WebPage, Route, expect

from tests.support.builders import Builders
from tests.support.chromium import Windows, eventually
from tracker.accounts.models import Person
from tracker.database import db
from tracker.service_requests.models import ServiceRequest
from tracker.visits.models import NoteDraft, Visit

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
NOTE = "老人一个人住，水管漏了，需要再来一次。" * 20
FOUND = "What did you find?"
HIDE = (
    "Object.defineProperty(document, 'visibilityState', { value: '%s', configurable: true });"
    " document.dispatchEvent(new Event('visibilitychange'))"
)
COPIES = "Object.keys(localStorage).filter((name) => name.startsWith('shishi-note:')).length"


@pytest.fixture
def address(claimed: ServiceRequest) -> str:
    """Return where a visit is written down."""
    return f"/requests/{claimed.id}/visits/record"


@pytest.fixture
def author(a: Builders, claimed: ServiceRequest) -> Person:
    """Return somebody who works on the request."""
    return a.worker_on(claimed)


@pytest.fixture
def window(windows: Windows, author: Person, address: str) -> WebPage:
    """Return the form of a visit, opened by its author."""
    opened = windows.open()
    windows.sign_in(opened, author)
    opened.goto(address)
    return opened


def just_now() -> str:
    """Return when a visit may have begun, as it is typed."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%dT%H:%M")


def test_what_is_typed_is_kept_while_it_is_typed(
    a: Builders, windows: Windows, claimed: ServiceRequest, address: str
) -> None:
    person = a.worker_on(claimed)
    window = windows.open()
    windows.sign_in(window, person)
    window.goto(address)
    window.get_by_label(FOUND).fill(NOTE)
    window.get_by_text("Kept.", exact=True).wait_for()
    window.close()

    again = windows.open(width=390)
    windows.sign_in(again, person)
    again.goto(address)

    assert again.get_by_label(FOUND).input_value() == NOTE
    db.session.rollback()
    assert db.session.query(NoteDraft).count() == 1
    record(again)
    db.session.rollback()
    assert all(draft.is_over for draft in db.session.query(NoteDraft))
    assert db.session.query(Visit).one().findings == NOTE


def test_a_note_that_only_the_device_keeps_is_its_writers_alone(
    a: Builders,
    windows: Windows,
    author: Person,
    window: WebPage,
    claimed: ServiceRequest,
    address: str,
) -> None:
    other = a.worker_on(claimed)
    window.context.clear_cookies()
    window.get_by_label(FOUND).fill(NOTE)
    window.get_by_text("Not connected: kept on this device.").wait_for()

    windows.sign_in(window, other)
    window.goto(address)
    marks = [window.locator("[name=author]").input_value()]
    assert window.get_by_label(FOUND).input_value() == ""

    windows.sign_in(window, author)
    window.goto(address)
    expect(window.get_by_label(FOUND)).to_have_value(NOTE)
    marks.append(window.locator("[name=author]").input_value())
    assert len(set(marks)) == 2
    eventually(window, f"{COPIES} === 0")
    db.session.rollback()
    assert {draft.person_id for draft in db.session.query(NoteDraft)} == {author.id}


def test_a_page_that_was_printed_before_the_note_arrived_has_it_from_the_device(
    a: Builders,
    windows: Windows,
    author: Person,
    window: WebPage,
    claimed: ServiceRequest,
    address: str,
) -> None:
    earlier = a.visit(claimed, by=author)
    window.context.clear_cookies()
    window.get_by_label(FOUND).fill(NOTE)
    window.get_by_text("Not connected: kept on this device.").wait_for()
    windows.sign_in(window, author)
    printed = window.request.get(address, headers={"Accept-Language": "en"})
    html, told = printed.text(), {"Content-Type": "text/html; charset=utf-8"}
    with window.expect_response(lambda answer: answer.request.method == "POST") as given:
        window.goto(f"/requests/{claimed.id}/visits/{earlier.id}")
    assert given.value.status == 204
    window.wait_for_timeout(200)  # until the script has read that

    window.route(f"**{address}", lambda route: route.fulfill(headers=told, body=html))
    window.goto(address)

    expect(window.get_by_label(FOUND)).to_have_value(NOTE)
    window.unroute(f"**{address}")
    eventually(window, f"{COPIES} === 0")
    window.goto(address)
    expect(window.get_by_label(FOUND)).to_have_value(NOTE)


def test_a_note_that_could_not_be_sent_stays_on_the_device_until_it_is_recorded(
    a: Builders,
    windows: Windows,
    author: Person,
    window: WebPage,
    claimed: ServiceRequest,
    address: str,
) -> None:
    earlier = a.visit(claimed, by=author)
    window.context.clear_cookies()
    window.get_by_label(FOUND).fill(NOTE)
    window.get_by_label("Began").fill(just_now())
    window.get_by_label("Yes", exact=True).check()
    window.get_by_role("button", name="Save the visit").click()
    window.get_by_text("Nothing that you typed is lost").first.wait_for()

    windows.sign_in(window, author)
    window.goto(f"/requests/{claimed.id}/visits/{earlier.id}")
    window.goto(address)
    expect(window.get_by_label(FOUND)).to_have_value(NOTE)

    window.get_by_role("button", name="Save the visit").click()
    window.get_by_text("The visit is recorded.").wait_for()
    eventually(window, f"{COPIES} === 0")
    assert kept_on_the_server() == ""


def test_signing_out_leaves_no_note_on_the_device_and_loses_none(
    author: Person, window: WebPage
) -> None:
    window.route("**/drafts", lambda route: route.fulfill(status=401))
    window.get_by_label(FOUND).fill(NOTE)
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
    windows: Windows, author: Person, window: WebPage, address: str, left_by: str
) -> None:
    window.get_by_label(FOUND).press_sequentially(NOTE, delay=1)
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

    window.goto(address)
    expect(window.get_by_label(FOUND)).to_have_value(NOTE)


def test_a_note_that_is_thrown_away_stays_away(window: WebPage, address: str) -> None:
    window.get_by_label(FOUND).fill(NOTE)
    window.get_by_text("Kept.", exact=True).wait_for()
    window.goto(address)
    window.get_by_label(FOUND).press_sequentially("!")
    with window.expect_navigation():
        window.get_by_role("button", name="Throw it away").click()
    expect(window.get_by_label(FOUND)).to_have_value("")

    window.goto(address)
    expect(window.get_by_label(FOUND)).to_have_value("")
    assert window.evaluate(COPIES) == 0


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
    window: WebPage, address: str, how: str
) -> None:
    """The first save is held back until the page is left, and then comes late or fails."""
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

    window.goto(address)
    expect(window.get_by_label(FOUND)).to_have_value("first words and the end")
    assert "the end" in kept_on_the_server()


@pytest.mark.parametrize("first_opened", ["the form", "another page"])
def test_an_older_note_of_a_device_never_replaces_a_newer_one_but_is_offered(
    windows: Windows, author: Person, address: str, first_opened: str
) -> None:
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
    windows: Windows, author: Person, address: str
) -> None:
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
    windows: Windows, author: Person, window: WebPage
) -> None:
    window.route("**/drafts", lambda route: route.fulfill(status=503))
    window.get_by_label(FOUND).fill(NOTE)
    window.get_by_text("Not connected: kept on this device.").wait_for()
    other = window.context.new_page()
    other.goto("/me")
    eventually(other, f"{COPIES} === 0")
    other.locator("summary", has_text=author.name).click()
    other.get_by_role("button", name="Sign out", exact=True).click()
    other.get_by_text("You are signed out.").wait_for()

    window.goto("/")

    assert window.evaluate(COPIES) == 0
    assert NOTE in kept_on_the_server()
    windows.complaints.clear()  # what was not taken, on purpose


@pytest.mark.parametrize("how", ["opening the page anew", "another language"])
def test_what_was_typed_at_the_last_moment_goes_on_on_the_page_that_comes(
    window: WebPage, how: str
) -> None:
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


def test_what_is_typed_on_while_the_line_is_dead_is_on_the_device(window: WebPage) -> None:
    unanswered: list[Route] = []
    window.route("**/drafts", lambda route: unanswered.append(route))  # noqa: PLW0108 - Playwright marks it
    window.get_by_label(FOUND).fill("first words")
    eventually(window, f"{COPIES} === 1")
    window.get_by_label(FOUND).fill("first words and the end")
    eventually(
        window, "Object.values(localStorage).some((kept) => kept.includes('words and the end'))"
    )
    assert kept_on_the_server() == ""


def test_what_is_typed_after_sending_is_kept_apart_from_what_was_sent(window: WebPage) -> None:
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
    windows: Windows, window: WebPage, address: str
) -> None:
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
    windows: Windows, window: WebPage, address: str
) -> None:
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
    windows: Windows, window: WebPage, address: str
) -> None:
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


def test_a_window_that_is_come_back_to_goes_on_keeping(window: WebPage, windows: Windows) -> None:
    window.context.set_offline(True)
    window.get_by_label(FOUND).fill(NOTE)
    window.get_by_text("Not connected: kept on this device.").wait_for()
    window.evaluate(HIDE % "hidden")
    window.evaluate(HIDE % "visible")

    window.context.set_offline(False)

    wait_until(window, lambda: NOTE in kept_on_the_server())
    eventually(window, f"{COPIES} === 0")
    windows.complaints.clear()  # the line that was cut, on purpose


@pytest.fixture
def recorded_by_another(
    a: Builders, windows: Windows, author: Person, claimed: ServiceRequest
) -> tuple[WebPage, str]:
    """Return a page of a phone that has words for a visit which others recorded; and the visit's address."""
    other = a.worker_on(claimed)
    planned = a.planned_visit(claimed, by=author)
    shown = f"/requests/{claimed.id}/visits/{planned.id}"
    window, others = windows.open(), windows.open()
    windows.sign_in(window, author)
    window.goto(f"{shown}/record")
    # No line for this window alone, and for ever: one that closes may still hear that there is one again.
    window.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('no line')); }")
    window.get_by_label(FOUND).fill("I went there, too")
    window.get_by_text("Not connected: kept on this device.").wait_for()
    back = window.context.new_page()
    window.close()
    windows.sign_in(others, other)
    others.goto(f"{shown}/record")
    others.get_by_label(FOUND).fill("Done")
    record(others)
    return back, shown


def record(window: WebPage) -> None:
    """Send the report that is open."""
    window.get_by_label("Began").fill(just_now())
    window.get_by_label("Yes", exact=True).check()
    window.get_by_role("button", name="Save the visit").click()
    window.get_by_text("The visit is recorded.").wait_for()


def test_words_on_a_device_for_a_visit_that_others_recorded_stand_beside_it(
    recorded_by_another: tuple[WebPage, str],
) -> None:
    back, shown = recorded_by_another
    back.goto(f"{shown}/record")

    back.get_by_role("link", name="Show it").click()

    expect(back.get_by_text("I went there, too")).to_be_visible()
    assert back.url.endswith(shown)


def test_who_signs_out_is_signed_out_although_the_device_hands_over_words_meanwhile(
    recorded_by_another: tuple[WebPage, str], author: Person
) -> None:
    back, shown = recorded_by_another
    held: list[Route] = []
    outs: list[Route] = []
    back.route("**/drafts", lambda route: route.continue_() if held else held.append(route))
    back.route("**/sign-out", lambda route: outs.append(route))  # noqa: PLW0108 - a method of the language is not taken
    back.goto(shown)
    wait_until(back, lambda: bool(held))
    back.locator("summary", has_text=author.name).click()
    back.get_by_role("button", name="Sign out", exact=True).click(no_wait_after=True)
    wait_until(back, lambda: bool(outs))
    held[0].continue_()
    wait_until(back, lambda: "I went there, too" in kept_on_the_server())

    outs[0].continue_()

    back.get_by_text("You are signed out.").wait_for()


def test_who_goes_back_on_a_shared_device_finds_nothing_of_somebody_else(
    a: Builders, windows: Windows, author: Person, window: WebPage, claimed: ServiceRequest
) -> None:
    other = a.worker_on(claimed)
    window.get_by_label(FOUND).fill("words of the first")
    window.get_by_text("Kept.", exact=True).wait_for()
    window.goto("/me")
    window.locator("summary", has_text=author.name).click()
    window.get_by_role("button", name="Sign out", exact=True).click()
    window.get_by_text("You are signed out.").wait_for()
    windows.sign_in(window, other)
    while not window.url.endswith("/record"):
        window.go_back()

    expect(window.get_by_label(FOUND)).to_have_value("")
    window.get_by_label("Place").press_sequentially("of the second")
    window.get_by_text("Kept.", exact=True).wait_for()
    db.session.rollback()
    theirs = db.session.query(NoteDraft).filter_by(person_id=other.id).one()
    assert "of the second" in theirs.content
    assert "words of the first" not in theirs.content


def test_who_goes_back_finds_what_they_wrote_last_and_loses_none_of_it(
    window: WebPage, address: str
) -> None:
    window.get_by_label(FOUND).fill("A")
    window.get_by_text("Kept.", exact=True).wait_for()
    window.goto("/board")
    window.goto(address)
    window.get_by_label(FOUND).fill("A and the whole report")
    window.get_by_text("Kept.", exact=True).wait_for()
    window.go_back()
    window.go_back()

    expect(window.get_by_label(FOUND)).to_have_value("A and the whole report")
    window.get_by_label("Place").press_sequentially("x")
    window.get_by_text("Kept.", exact=True).wait_for()
    assert "A and the whole report" in kept_on_the_server()


def test_who_goes_back_after_sending_finds_an_empty_form(window: WebPage, address: str) -> None:
    window.get_by_label(FOUND).fill("Tap mended")
    record(window)

    window.go_back()

    assert window.url.endswith(address)
    expect(window.get_by_label(FOUND)).to_have_value("")
    expect(window.get_by_label("Yes", exact=True)).not_to_be_checked()
    assert visits_recorded() == 1


@pytest.fixture
def forgetful(windows: Windows, author: Person, address: str) -> WebPage:
    """Return the form in a browser that keeps nothing."""
    window = windows.open()
    window.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full'); }")
    windows.sign_in(window, author)
    window.goto(address)
    return window


def test_a_double_tap_on_sign_out_waits_for_what_is_handed_over(forgetful: WebPage) -> None:
    held: list[Route] = []
    outs: list[Route] = []
    forgetful.route("**/drafts", lambda route: held.append(route))  # noqa: PLW0108 - a method of the language is not taken
    forgetful.route("**/sign-out", lambda route: outs.append(route))  # noqa: PLW0108 - a method of the language is not taken
    forgetful.get_by_label(FOUND).fill("the last words")

    forgetful.evaluate(
        "for (let tap = 0; tap < 2; tap += 1)"
        " document.querySelector('form[data-sign-out]').requestSubmit()"
    )

    wait_until(forgetful, lambda: bool(held))
    assert not outs
    held[0].continue_()
    wait_until(forgetful, lambda: bool(outs))
    outs[0].continue_()
    forgetful.get_by_text("You are signed out.").wait_for()
    assert "the last words" in kept_on_the_server()
    assert len(outs) == 1


def test_what_this_device_keeps_is_handed_over_as_one_signs_out_everywhere(
    windows: Windows, author: Person, address: str
) -> None:
    window = windows.open()
    windows.sign_in(window, author)
    window.goto(address)
    window.route("**/drafts", lambda route: route.abort())
    window.get_by_label(FOUND).fill("typed without a line")
    window.get_by_text("Not connected: kept on this device.").wait_for()
    window.goto("/me")
    assert window.evaluate(COPIES) == 1
    window.unroute("**/drafts")

    window.get_by_role("button", name="Sign out everywhere").click()

    window.get_by_text("You are signed out on every device.").wait_for()
    assert window.evaluate(COPIES) == 0
    assert "typed without a line" in kept_on_the_server()
    windows.complaints.clear()  # the line that was cut


def test_a_browser_that_keeps_nothing_gives_the_last_words_as_one_signs_out(
    forgetful: WebPage,
) -> None:
    forgetful.get_by_label(FOUND).fill("the last words")

    forgetful.evaluate("document.querySelector('form[data-sign-out]').requestSubmit()")

    forgetful.get_by_text("You are signed out.").wait_for()
    assert "the last words" in kept_on_the_server()


def test_what_is_not_taken_as_the_page_is_left_is_no_longer_told_as_kept(
    windows: Windows, window: WebPage
) -> None:
    window.get_by_label(FOUND).fill("one")
    window.get_by_text("Kept.", exact=True).wait_for()
    window.route("**/drafts", lambda route: route.fulfill(status=401))
    window.get_by_label(FOUND).fill("one and two")

    window.evaluate(HIDE % "hidden")
    window.evaluate(HIDE % "visible")

    window.get_by_text("Not connected: kept on this device.").wait_for()
    windows.complaints.clear()  # what was not taken, on purpose


def test_what_is_too_long_to_be_kept_is_told_as_that(windows: Windows, window: WebPage) -> None:
    window.get_by_label(FOUND).evaluate("(field) => { field.removeAttribute('maxlength'); }")
    window.get_by_label(FOUND).fill("x" * 60_000)
    window.get_by_text("This is too long to be kept while you type.").wait_for()

    window.get_by_label(FOUND).fill("shorter")

    window.get_by_text("Kept.", exact=True).wait_for()
    assert "shorter" in kept_on_the_server()
    windows.complaints.clear()  # what was not taken, on purpose


def test_one_window_forgets_nothing_that_another_keeps_on_the_device(
    a: Builders, windows: Windows, claimed: ServiceRequest, address: str
) -> None:
    one = windows.open()
    windows.sign_in(one, a.worker_on(claimed))
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
    a: Builders, windows: Windows, window: WebPage, claimed: ServiceRequest
) -> None:
    window.route("**/drafts", lambda route: route.fulfill(status=503))
    window.get_by_label(FOUND).fill("a secret")
    window.get_by_text("Not connected: kept on this device.").wait_for()
    window.goto("/me")
    window.evaluate(
        "for (const [name, kept] of Object.entries(localStorage).filter(([n]) => n.startsWith('shishi-note:')))"
        " localStorage.setItem(name, JSON.stringify({ ...JSON.parse(kept), at: 1 }))"
    )

    windows.sign_in(window, a.worker_on(claimed))
    window.goto("/me")
    eventually(window, f"{COPIES} === 0")
    windows.complaints.clear()  # what was not taken, on purpose


def test_what_is_typed_on_and_on_is_kept_meanwhile(window: WebPage) -> None:
    for _ in range(8):
        window.get_by_label(FOUND).press_sequentially("water", delay=60)
    db.session.rollback()
    assert "waterwater" in db.session.query(NoteDraft).one().content
