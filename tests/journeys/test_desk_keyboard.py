"""The desk in a real browser: keys, the caller found while typing, and axe on every page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page as Window, expect

from tests.support.builders import Builders
from tests.support.chromium import Windows
from tracker.service_requests.lifecycle import Status


@pytest.fixture
def database_kind() -> str:
    """Run on one database: nothing here differs between them."""
    return "sqlite"


def test_the_queue_is_worked_by_keys(a: Builders, windows: Windows) -> None:
    first, second = a.service_request(), a.service_request()
    window = windows.sign_in(windows.open(), a.coordinator())
    window.goto("/queue")

    window.keyboard.press("j")
    window.keyboard.press("j")
    window.keyboard.press("k")
    window.keyboard.press("j")
    window.keyboard.press("Enter")
    expect(window).to_have_url(f"{windows.url}/requests/{second.id}")
    window.go_back()
    window.keyboard.press("?")
    expect(window.get_by_text("Show these keys")).to_be_visible()
    window.keyboard.press("Escape")
    expect(window.get_by_text("Show these keys")).to_be_hidden()
    window.keyboard.press("/")
    window.keyboard.type("jk?n")
    expect(window.get_by_role("searchbox")).to_have_value("jk?n")
    assert first.id != second.id


def test_a_caller_is_shown_as_soon_as_the_number_is_typed(a: Builders, windows: Windows) -> None:
    a.service_request(phone="+8613912345678", requester_name="王小明", address="幸福路8号")
    window = windows.sign_in(windows.open(), a.coordinator())
    window.goto("/intake")

    window.get_by_label("Phone number").fill("139 1234 5678")
    window.get_by_label("Phone number").press("Tab")
    expect(window.get_by_text("1 person called from this number before")).to_be_visible()
    window.get_by_role("button", name="It is them: fill in").click()

    expect(window.get_by_label("Name (optional)", exact=True)).to_have_value("王小明")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_every_page_of_the_desk_is_accessible(
    a: Builders,
    windows: Windows,
    assert_accessible: Callable[[Window], None],
    locale: str,
    width: int,
) -> None:
    team = a.team()
    a.leader()
    new = a.service_request()
    other = a.service_request()
    accepted = a.service_request(status=Status.ACCEPTED)
    running = a.service_request(team=team, status=Status.IN_PROGRESS)
    a.photo(running)
    window = windows.sign_in(windows.open(locale=locale, width=width), a.coordinator())

    for path in (
        "/queue?priority=normal",
        "/queue?status=parked",
        f"/requests/{running.id}",
        f"/requests/{new.id}/acceptance",
        f"/requests/{new.id}/refusal",
        f"/requests/{new.id}/merger",
        f"/requests/{new.id}/merger?survivor={other.id}",
        f"/requests/{accepted.id}/assignment",
        "/intake",
    ):
        window.goto(path)
        assert_accessible(window)
