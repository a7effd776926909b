"""What must be seen at once: labels on one line, errors in sight, words apart from buttons."""

import pytest
from playwright.sync_api import expect

from tests.support.builders import Builders
from tests.support.chromium import Windows
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind

pytestmark = pytest.mark.browser

PHONE = 390
LINES_OF = """span => { const range = document.createRange(); range.selectNodeContents(span);
    return new Set([...range.getClientRects()].map(each => Math.round(each.top))).size }"""


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.SUPERVISOR, Role.LEADER])
def test_no_label_at_the_bottom_of_a_phone_wraps(
    a: Builders, windows: Windows, locale: str, role: Role
) -> None:
    window = windows.open(width=PHONE, locale=locale)
    windows.sign_in(window, a.holder(role)).goto("/queue")

    labels = window.locator(".bottom-bar__link > span:not(.count)")

    assert labels.count() > 1
    wrapped = [each.inner_text() for each in labels.all() if each.evaluate(LINES_OF) > 1]
    assert wrapped == []


def test_what_is_wrong_with_a_decision_is_in_sight(a: Builders, windows: Windows) -> None:
    judge = a.supervisor()
    for _ in range(4):
        a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.PARKING)
    window = windows.open(width=PHONE, javascript=False)
    windows.sign_in(window, judge).goto("/approvals/")

    window.get_by_role("button", name="Refuse").last.click()

    expect(window.locator(".field__error")).to_be_in_viewport()
    expect(window.locator("[name=note][aria-invalid]")).to_be_focused()


def test_what_was_typed_stands_apart_from_the_buttons(a: Builders, windows: Windows) -> None:
    made = a.service_request()
    window = windows.open(width=PHONE)
    windows.sign_in(window, a.coordinator()).goto(f"/requests/{made.id}/refusal")
    other = a.service_request(status=Status.CLOSED)
    window.evaluate(f"document.querySelector('main form').action = '/requests/{other.id}/refusal'")
    window.locator("#reason").fill("不属于我们的职责")

    window.locator("main form button[type=submit]").first.click()

    buttons = window.locator(".problem .button-row").bounding_box()
    typed = window.get_by_role("heading", name="What you typed").bounding_box()
    assert buttons is not None
    assert typed is not None
    assert typed["y"] - (buttons["y"] + buttons["height"]) > 16
