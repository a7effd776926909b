"""The pages of texts in real windows: a tap puts a variable in, and everybody can use them."""

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Page

from tests.support.builders import Builders
from tests.support.chromium import Windows

ON_SQLITE: Final = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
WAIT: Final = "/admin/messages/requester_step/wait"


@ON_SQLITE
def test_a_tap_puts_a_variable_where_one_was_typing(a: Builders, windows: Windows) -> None:
    page = windows.sign_in(windows.open(width=390), a.administrator())
    page.goto(f"{WAIT}/en")
    page.fill("#subject", "About ")
    page.click(".variables__tap >> text={category}")
    assert page.input_value("#subject") == "About {category}"

    page.click(".variables__tap >> text={question}")  # of its own line, and in the message alone
    assert page.input_value("#subject") == "About {category}"
    assert page.input_value("#body").splitlines()[-1] == "{question}"


@ON_SQLITE
@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_looked_at_first_can_be_read_on_a_phone_and_on_a_screen(
    a: Builders,
    windows: Windows,
    assert_accessible: Callable[[Page], None],
    locale: str,
    width: int,
) -> None:
    page = windows.sign_in(windows.open(locale=locale, width=width), a.administrator())
    page.goto(f"{WAIT}/{locale}")
    page.click("button[name=preview]")
    page.wait_for_load_state()
    assert page.evaluate("document.activeElement.id") == "preview-title"
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert_accessible(page)
    page.goto("/admin/messages/")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert_accessible(page)
