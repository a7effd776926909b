"""What was typed into a form comes back when another form of the same page was sent."""

from tests.support.builders import Builders
from tests.support.chromium import Windows
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind

WORDS = "The tap in the kitchen drips."
KEEP_AS_IF_THE_PAGE_NEVER_CAME = """() => {
  const size = document.querySelector("[name=size]").form;
  window.addEventListener("submit", (event) => event.preventDefault());
  size.requestSubmit();
}"""


def test_another_language_and_larger_text_empty_no_form(a: Builders, windows: Windows) -> None:
    category = a.category()
    window = windows.open(f"/requests/new/form?category={category.id}", width=390)
    window.locator("[name=need]").fill(WORDS)
    window.locator("[name=for_whom][value=someone_else]").check(force=True)

    window.get_by_role("button", name="Large text").first.click()
    window.wait_for_load_state("load")
    assert window.locator("[name=need]").input_value() == WORDS
    window.get_by_role("button", name="中文").first.click()
    window.wait_for_load_state("load")

    assert window.locator("html").get_attribute("lang") == "zh-Hans"
    assert window.locator("[name=need]").input_value() == WORDS
    assert window.locator("[name=for_whom][value=someone_else]").is_checked()
    window.reload()
    assert window.locator("[name=need]").input_value() == "", "once, and not again"


def test_a_note_on_another_card_is_there_after_one_was_answered(
    a: Builders, windows: Windows
) -> None:
    supervisor = a.supervisor()
    for _ in range(3):
        a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.PARKING)
    window = windows.open(width=390)
    windows.sign_in(window, supervisor)
    window.goto("/approvals/")
    window.locator("[name=note]").nth(1).fill(WORDS)
    card = window.locator("form.decision").nth(1).locator("[name=approval]").input_value()

    window.locator("form.decision").first.get_by_role("button", name="Grant").click()
    window.wait_for_load_state("load")

    notes = window.locator("[name=note]")
    assert [notes.nth(place).input_value() for place in range(notes.count())].count(WORDS) == 1
    kept = window.locator(f"form.decision:has([name=approval][value='{card}']) [name=note]")
    assert kept.input_value() == WORDS


def test_the_next_person_in_the_same_tab_finds_nothing_of_it(a: Builders, windows: Windows) -> None:
    first, second = a.supervisor(), a.supervisor()
    a.approval(a.service_request(status=Status.IN_PROGRESS), ApprovalKind.PARKING)
    window = windows.open()
    windows.sign_in(window, first)
    window.goto("/approvals/")
    window.locator("[name=note]").fill(WORDS)
    window.get_by_role("button", name="Large text").first.click()
    window.wait_for_load_state("load")
    assert window.locator("[name=note]").input_value() == WORDS
    window.evaluate(KEEP_AS_IF_THE_PAGE_NEVER_CAME)
    assert window.evaluate("sessionStorage.length") == 1
    windows.sign_in(window, second)
    window.goto("/approvals/")

    assert window.locator("[name=note]").input_value() == ""
    assert window.evaluate("sessionStorage.length") == 0
