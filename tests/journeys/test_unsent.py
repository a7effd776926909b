"""What was typed into a form comes back when another form of the same page was sent."""

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import Browser
from tests.support.builders import PASSWORD, Builders
from tests.support.chromium import Windows
from tracker.accounts import sessions
from tracker.database import transaction
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind
from tracker.web.locale import TEXT_SIZE_COOKIE

# The scripts' own: what the server makes of it is tested on both databases.
pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

WORDS = "The tap in the kitchen drips."
WIDER = """(width) => [...document.querySelectorAll("*")]
  .filter((one) => one.getBoundingClientRect().right > width).map((one) => one.outerHTML.slice(0, 80))"""
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


@pytest.mark.parametrize("way", ["back", "loaded anew"])
def test_who_goes_back_finds_what_they_typed_and_the_next_person_nothing(
    a: Builders, windows: Windows, way: str
) -> None:
    it = a.service_request(status=Status.ACCEPTED)
    address = f"/requests/{it.id}/note"
    window = windows.open(width=390)
    windows.sign_in(window, a.coordinator())
    window.goto(address)
    words = window.locator("textarea").first
    words.press_sequentially(WORDS)
    if way == "back":
        window.goto("/queue")
        window.go_back()
    else:
        window.reload()

    expect(words).to_have_value(WORDS)

    windows.sign_in(window, a.coordinator())
    window.goto("/queue")
    window.go_back()
    expect(words).to_have_value("")
    window.reload()
    windows.sign_in(window, a.coordinator())
    window.reload()
    expect(words).to_have_value("")


@pytest.mark.parametrize(
    "how", ["signed out meanwhile", "on that page", "signs out", "signs out everywhere"]
)
def test_who_has_to_sign_in_again_finds_what_they_typed_unless_they_signed_out(
    a: Builders, windows: Windows, how: str
) -> None:
    it = a.service_request(status=Status.ACCEPTED)
    coordinator = a.coordinator(password=PASSWORD, email="desk@example.org")
    window = windows.open()
    windows.sign_in(window, coordinator)
    address = f"{windows.url}/requests/{it.id}/note"
    window.goto(address)
    words = window.locator("textarea").first
    words.press_sequentially(WORDS)
    if how == "signs out":
        window.evaluate("document.querySelector('form[data-sign-out]').requestSubmit()")
        window.get_by_text("You are signed out.").wait_for()
    elif how == "signs out everywhere":
        window.goto("/me")
        window.get_by_role("button", name="Sign out everywhere").click()
        window.get_by_text("You are signed out on every device.").wait_for()
        assert window.evaluate("sessionStorage.length") == 0
    else:
        window.context.clear_cookies()
        if how == "on that page":
            window.reload()
        else:
            window.goto("/queue")
    assert "/sign-in" in window.url
    if how == "on that page":
        window.get_by_label("E-mail or phone number").fill(coordinator.email or "")
        window.get_by_label("Password", exact=True).fill(PASSWORD)
        window.get_by_role("button", name="Sign in", exact=True).click()
        window.wait_for_url(address)
    else:
        windows.sign_in(window, coordinator)
        window.goto("/me")

    while window.url != address:
        window.go_back()

    expect(words).to_have_value("" if how.startswith("signs out") else WORDS)


def test_a_chosen_option_is_put_back_by_what_it_stands_for(a: Builders, windows: Windows) -> None:
    it = a.service_request(status=Status.ACCEPTED)
    for _ in range(3):
        a.team()
    window = windows.open()
    windows.sign_in(window, a.coordinator())
    address = f"/requests/{it.id}/assignment"
    window.goto(address)
    team = window.locator("select[name=lead_team_id]")
    chosen = team.locator("option").last.get_attribute("value")
    team.select_option(chosen)
    window.goto("/queue")
    other = '<option value="999">Another</option>'

    def with_another_before(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("<option", f"{other}<option", 1))

    window.route(f"**{address}", with_another_before)

    window.go_back()

    expect(team.locator("option[value='999']")).to_have_count(1)
    expect(team).to_have_value(chosen or "")


def test_what_was_sent_after_signing_in_again_does_not_stand_in_its_form_once_more(
    a: Builders, windows: Windows
) -> None:
    administrator = a.administrator(password=PASSWORD, email="head@example.org")
    window = windows.open()
    windows.sign_in(window, administrator)
    window.goto("/admin/calendar")
    day = window.locator("[name=day]")
    day.fill("2027-03-01")
    window.locator("[name=is_working]").first.check()
    window.locator("[name=name]").fill("make-up day")
    window.context.clear_cookies()
    window.get_by_role("button", name="Add the day").click()
    window.get_by_role("button", name="Sign in and go on").click()
    window.get_by_label("E-mail or phone number").fill(administrator.email or "")
    window.get_by_label("Password", exact=True).fill(PASSWORD)
    window.get_by_role("button", name="Sign in", exact=True).click()

    window.get_by_role("button", name="Send it now").click()

    window.get_by_role("cell", name="make-up day").wait_for()
    assert window.url.endswith("/admin/calendar")
    expect(day).to_have_value("")
    expect(window.locator("[name=name]")).to_have_value("")
    windows.complaints.clear()  # the answer to who was signed out


def test_what_was_not_touched_on_a_page_of_mistakes_is_read_anew(
    a: Builders, windows: Windows
) -> None:
    person = a.person("Lin Xiaoyu", email="lin@example.org")
    window = windows.open()
    windows.sign_in(window, a.administrator())
    window.goto(f"/admin/people/{person.id}/edit")
    window.locator("[name=name]").fill("")
    window.get_by_role("button", name="Save").first.click()
    window.locator(".error-summary").wait_for()
    window.goto("/me")

    def with_another_address(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("lin@example", "xiaoyu@example"))

    window.route("**/edit", with_another_address)
    window.go_back()

    expect(window.locator("[name=name]")).to_have_value("")
    expect(window.locator("[name=email]")).to_have_value("xiaoyu@example.org")


def test_a_request_begun_signed_in_is_put_back_for_nobody_else(
    a: Builders, windows: Windows
) -> None:
    category = a.category()
    window = windows.open()
    windows.sign_in(window, a.coordinator())
    window.goto(f"/requests/new/form?category={category.id}")
    window.locator("[name=need]").press_sequentially(WORDS)
    window.locator("[name=address]").press_sequentially("Here 1")
    window.goto("/queue")
    windows.sign_in(window, a.coordinator())
    window.goto("/me")

    while "/form" not in window.url:
        window.go_back()

    expect(window.locator("[name=need]")).to_have_value("")
    expect(window.locator("[name=address]")).to_have_value("")


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


def test_what_was_typed_stays_on_a_page_of_mistakes_in_another_language(
    a: Builders, windows: Windows
) -> None:
    team = a.team()
    it = a.service_request(team=team, status=Status.IN_PROGRESS)
    window = windows.open(width=1280)
    windows.sign_in(window, a.team_leader(team))
    window.goto(f"/requests/{it.id}/resolution")
    window.locator("[name=answer]").fill(WORDS)
    window.get_by_role("button", name="Report the result").click()
    expect(window.locator(".error-summary")).to_be_visible()
    assert window.locator("[name=answer]").input_value() == WORDS

    window.get_by_role("button", name="Large text").first.click()
    window.wait_for_load_state("load")

    assert window.locator("html").get_attribute("data-text-size") == "large"
    assert window.locator("[name=answer]").input_value() == WORDS

    window.get_by_role("button", name="Report the result").click()
    expect(window.locator(".error-summary")).to_be_visible()
    window.reload()
    assert window.locator(".error-summary").count() == 0
    assert window.locator("[name=answer]").input_value() == WORDS

    window.get_by_role("button", name="Report the result").click()
    expect(window.locator(".error-summary")).to_be_visible()
    window.goto("/queue")
    window.goto(f"/requests/{it.id}/resolution")
    assert window.locator("[name=answer]").input_value() == ""


def test_a_call_is_still_there_in_another_language_when_the_caller_is_known(
    a: Builders, windows: Windows
) -> None:
    a.service_request(phone="+8613800138222", requester_name="王小明")
    window = windows.open(width=1280)
    windows.sign_in(window, a.coordinator())
    window.goto("/intake")
    window.locator("[name=need]").fill(WORDS)
    window.locator("[name=phone]").fill("13800138222")
    window.locator("[name=phone]").press("Tab")
    expect(window.locator("[name=use]")).to_be_visible()

    window.get_by_role("button", name="中文").first.click()
    window.wait_for_load_state("load")

    assert window.locator("html").get_attribute("lang") == "zh-Hans"
    assert window.locator("[name=need]").input_value() == WORDS
    assert window.locator("[name=phone]").input_value() == "13800138222"


def test_a_form_that_is_kept_is_not_left_for_another_language(
    a: Builders, windows: Windows
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    person = a.team_leader(it.lead_team)
    window = windows.open(width=1280)
    windows.sign_in(window, person)
    window.goto(f"/requests/{it.id}/note")
    window.locator("[name=internal_note]").fill(WORDS)
    with transaction():
        sessions.end_all(person.id)

    window.get_by_role("button", name="Save the note").click()

    expect(window.get_by_role("button", name="Sign in and go on")).to_be_visible()
    assert window.locator("[name=locale]").count() == 0
    window.get_by_role("button", name="Sign in and go on").click()
    expect(window.locator("[name=password]")).to_be_visible()
    assert window.locator("[name=locale]").count() == 0


def test_enter_saves_the_answer_of_a_call_back(a: Builders, windows: Windows) -> None:
    it = a.service_request(status=Status.RESOLVED)
    window = windows.open(width=1280)
    windows.sign_in(window, a.supervisor())
    window.goto(f"/requests/{it.id}/call-back")
    window.locator("[name=result][value=not_reached]").check(force=True)

    window.locator("[name=result][value=not_reached]").press("Enter")
    window.wait_for_url("**/call-backs**")

    assert "The try is noted" in window.locator("main").inner_text()


def test_the_words_of_a_call_back_stay_when_the_number_is_shown(
    a: Builders, browser: Browser
) -> None:
    it = a.service_request(status=Status.RESOLVED)
    browser.sign_in(a.supervisor()).open(f"/requests/{it.id}/call-back")

    page = browser.send(press="Show contact", word=WORDS, result="answered")

    assert "This look was logged." in page.text
    assert page.form("word").values()["word"] == [WORDS]


@pytest.mark.parametrize("width", [320, 390])
def test_large_text_is_no_wider_than_a_phone(a: Builders, windows: Windows, width: int) -> None:
    team = a.team()
    leader = a.team_leader(team)
    it = a.service_request(team=team, status=Status.IN_PROGRESS, preferred_time="周六上午")
    a.service_request(team=team, status=Status.IN_PROGRESS, claimed_by=[leader])
    a.approval(it, ApprovalKind.PARKING)
    for person, addresses in ((leader, ("/board", "/mine")), (a.supervisor(), ("/approvals/",))):
        window = windows.open(width=width)
        windows.sign_in(window, person)
        window.goto(addresses[0])
        window.context.add_cookies(
            [{"name": TEXT_SIZE_COOKIE, "value": "large", "url": window.url}]
        )
        for address in addresses:
            window.goto(address)
            assert window.locator("html").get_attribute("data-text-size") == "large"
            wide = window.evaluate(WIDER, width)
            assert window.evaluate("document.documentElement.scrollWidth") <= width, (address, wide)
