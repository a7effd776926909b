"""A resident's part of the life of a request, on a real server, in a real browser."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from tests.support.builders import Builders
from tests.support.chromium import Windows, eventually
from tests.support.pictures import small_jpeg
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.organisation.models import Area, Category
from tracker.service_requests import links
from tracker.service_requests.actions import dispatch, handling
from tracker.service_requests.lifecycle import Outcome, Priority, Status
from tracker.service_requests.models import Photo, ServiceRequest, SubmissionDraft

pytestmark = pytest.mark.browser

WORDS = {
    "en": {
        "ask": "Ask for help",
        "tap": "Small repairs",
        "continue": "Continue",
        "send": "Send it now",
        "follow": "See how it stands",
        "happy": "Rate it and close it",
        "close": "Send and close",
        "end": "you have told us how it went",
    },
    "zh_Hans_CN": {
        "ask": "提出诉求",
        "tap": "水电小修",
        "continue": "下一步",
        "send": "提交",
        "follow": "查看进展",
        "happy": "评价并销号",
        "close": "提交并销号",
        "end": "您也告诉了我们办得怎么样",
    },
}


@pytest.fixture
def tap(a: Builders) -> Category:
    a.organisation(phone="0571 8800 1234")
    _ = a.bureau
    return a.category(
        name="水电小修", name_en="Small repairs", keywords="水龙头 tap", shows_emergency_notice=True
    )


@pytest.fixture
def place(a: Builders) -> Area:
    return a.area(name="河东社区", name_en="Hedong")


def fill(page: Page, place: Area) -> None:
    page.locator("#need").fill("厨房的水龙头日夜滴水。")
    page.locator("#area_id").select_option(str(place.id))
    page.locator("#address").fill("幸福路 12 号")
    page.locator('[name="reachable_by"][value="phone"]').check()
    page.locator("#phone").fill("138 0013 8000")
    page.locator("#requester_name").fill("李明")


def only_request() -> ServiceRequest:
    db.session.rollback()
    return db.session.scalars(select(ServiceRequest)).one()


def plan_a_visit(a: Builders, made: ServiceRequest, now: datetime) -> Person:
    """Do the organisation's part: accept, assign, plan a visit; return who comes."""
    team = a.team()
    volunteer = a.volunteer(team, name="林小雨")
    desk = a.actor(a.coordinator())
    with transaction():
        dispatch.accept(
            made,
            category_id=made.category_id,
            priority=Priority.NORMAL,
            area_id=made.area_id,
            actor=desk,
            now=now,
        )
    with transaction():
        dispatch.assign(
            made,
            lead_team=team,
            helping_teams=(),
            leader=a.leader(),
            volunteers_needed=1,
            actor=desk,
            now=now,
        )
    a.claim(made, volunteer)
    a.planned_visit(made, by=volunteer, planned_from=now + timedelta(hours=2))
    return volunteer


def solve(a: Builders, made: ServiceRequest, volunteer: Person, now: datetime) -> None:
    """Report the result."""
    with transaction():
        handling.resolve(
            made,
            outcome=Outcome.SOLVED,
            answer="换了垫片，不再滴水。",
            actor=a.actor(volunteer),
            now=now,
        )


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_without_javascript_on_a_phone_a_resident_asks_follows_and_confirms(
    a: Builders, windows: Windows, tap: Category, place: Area, now: datetime, locale: str
) -> None:
    words = WORDS[locale]
    page = windows.open("/", locale=locale, width=390, javascript=False)

    page.get_by_role("link", name=words["ask"]).click()
    page.get_by_role("link", name=re.compile(words["tap"])).click()
    fill(page, place)
    page.locator("#photos").set_input_files(
        {"name": "tap.jpg", "mimeType": "image/jpeg", "buffer": small_jpeg()}
    )
    page.get_by_role("button", name=words["continue"], exact=True).last.click()
    expect(page.locator("main img").first).to_be_visible()
    page.get_by_role("button", name=words["send"], exact=True).click()
    made = only_request()
    expect(page.locator(".receipt__code")).to_have_text(
        re.compile(links.code_for(made)[:3] + " " + links.code_for(made)[3:])
    )
    page.get_by_role("link", name=words["follow"]).click()

    volunteer = plan_a_visit(a, made, now)
    page.reload()
    expect(page.get_by_text("林小雨")).to_be_visible()
    solve(a, made, volunteer, now)
    page.reload()
    expect(page.get_by_text("林小雨")).to_have_count(0)  # nobody comes for what is settled
    page.get_by_role("link", name=words["happy"]).click()
    page.locator('[name="solved"][value="yes"]').check()
    page.locator('[name="satisfaction"][value="5"]').check()
    page.get_by_role("button", name=words["close"]).click()

    expect(page.locator(".standing__now")).to_contain_text(words["end"])
    assert only_request().status is Status.CLOSED
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def filled_in(windows: Windows, tap: Category) -> Page:
    """Open the form on a phone, and fill in what it asks for."""
    page = windows.open(f"/requests/new/form?category={tap.id}", width=390)
    page.locator("#need").fill("The kitchen tap drips.")
    page.locator("#address").fill("12 River Lane")
    page.locator('[name="reachable_by"][value="nobody"]').check()
    return page


def test_what_is_typed_survives_a_closed_tab_and_is_gone_after_sending(
    windows: Windows, tap: Category, place: Area
) -> None:
    page = filled_in(windows, tap)
    eventually(page, "localStorage.getItem('shishi-draft') !== null")
    context = page.context
    page.close()

    page = context.new_page()
    page.goto("/requests/new")
    page.get_by_role("link", name="Continue with it").click()
    expect(page.locator("#need")).to_have_value("The kitchen tap drips.")
    expect(page.locator("#address")).to_have_value("12 River Lane")
    expect(page.locator('[name="reachable_by"][value="nobody"]')).to_be_checked()

    page.get_by_role("button", name="Continue", exact=True).last.click()
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your request is with us")
    eventually(page, "localStorage.getItem('shishi-draft') === null")


def test_going_back_over_a_page_of_errors_opens_the_form_again(
    windows: Windows, tap: Category, place: Area
) -> None:
    words = WORDS["en"]
    page = windows.open("/requests/new/form?category=" + str(tap.id), width=390)
    page.get_by_role("button", name=words["continue"], exact=True).last.click()
    expect(page.locator(".error-summary")).to_be_visible()
    page.locator("#need").fill("The tap drips all night")
    page.locator("#address").fill("By the well")
    page.locator('[name="reachable_by"][value="nobody"]').check()
    page.get_by_role("button", name=words["continue"], exact=True).last.click()
    expect(page.get_by_role("button", name=words["send"], exact=True)).to_be_visible()

    page.go_back()

    expect(page.locator("#need")).to_have_value("The tap drips all night")


def test_what_is_discarded_on_the_last_page_leaves_nothing_on_the_device(
    windows: Windows, tap: Category, place: Area
) -> None:
    page = filled_in(windows, tap)
    page.get_by_role("button", name="Continue", exact=True).last.click()
    expect(page.get_by_role("button", name="Send it now")).to_be_visible()
    assert page.evaluate("localStorage.getItem('shishi-draft')") is not None

    page.get_by_role("button", name="Discard everything").click()
    page.wait_for_load_state("load")

    assert page.evaluate("localStorage.getItem('shishi-draft')") is None
    page.goto("/requests/new")
    expect(page.get_by_text("You began a request on this device")).to_be_hidden()


def test_what_was_begun_anew_without_cookies_is_gone_from_the_device_after_sending(
    windows: Windows, tap: Category, place: Area
) -> None:
    page = filled_in(windows, tap)
    page.context.clear_cookies()
    page.get_by_role("button", name="Continue", exact=True).last.click()
    page.get_by_role("button", name="Send it now").click()  # the form that was kept
    page.get_by_role("button", name="Send it now").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Your request is with us")
    eventually(page, "localStorage.getItem('shishi-draft') === null")


def test_two_requests_that_were_begun_are_both_kept(windows: Windows, tap: Category) -> None:
    form = f"/requests/new/form?category={tap.id}"
    page = windows.open(form, width=390)
    page.locator("#need").fill("The kitchen tap drips.")
    page.goto(form)
    expect(page.get_by_text("The kitchen tap drips.")).to_be_visible()
    page.locator("#need").fill("The lamp is out.")

    page.get_by_role("link", name="Continue with it").click()

    expect(page.locator("#need")).to_have_value("The kitchen tap drips.")
    page.get_by_role("button", name="Discard what I typed").click()
    page.goto(form)
    page.get_by_role("link", name="Continue with it").click()
    expect(page.locator("#need")).to_have_value("The lamp is out.")
    page.goto(form)
    page.locator("#need").fill("The door sticks.")

    page.goto("/requests/new")
    expect(page.get_by_text("The door sticks.")).to_be_visible()
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_text("The lamp is out.")).to_be_visible()
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_text("You began a request on this device")).to_be_hidden()
    assert page.evaluate("localStorage.getItem('shishi-draft')") is None


def test_what_is_typed_can_be_discarded(windows: Windows, tap: Category) -> None:
    page = windows.open(f"/requests/new/form?category={tap.id}", width=390)
    page.locator("#need").fill("The kitchen tap drips.")
    eventually(page, "localStorage.getItem('shishi-draft') !== null")

    page.get_by_role("button", name="Discard what I typed").click()

    expect(page.locator("#need")).to_have_value("")
    page.goto("/requests/new")
    expect(page.get_by_text("You began a request on this device")).to_be_hidden()


def test_what_came_back_with_mistakes_can_be_discarded_everywhere(
    windows: Windows, tap: Category
) -> None:
    page = windows.open(f"/requests/new/form?category={tap.id}", width=390)
    page.locator("#need").fill("My private trouble")
    page.get_by_role("button", name="Continue", exact=True).last.click()
    expect(page.get_by_text("Please check what you entered")).to_be_visible()
    page.locator("#need").press_sequentially("!")
    eventually(page, "localStorage.getItem('shishi-draft') !== null")

    page.get_by_role("button", name="Discard what I typed").click()
    page.wait_for_url("**/")

    assert page.evaluate("localStorage.getItem('shishi-draft')") is None
    db.session.rollback()
    assert db.session.query(SubmissionDraft).count() == 0
    page.goto("/requests/new")
    expect(page.get_by_text("You began a request on this device")).to_be_hidden()


def test_others_who_asked_for_the_same_show_while_one_fills_in(
    a: Builders, windows: Windows, tap: Category, place: Area
) -> None:
    a.service_request(category=tap, area=place)
    page = windows.open(f"/requests/new/form?category={tap.id}")

    page.locator("#area_id").select_option(str(place.id))

    expect(page.get_by_text("Others asked for the same here")).to_be_visible()


def test_the_categories_narrow_while_one_types(
    a: Builders, windows: Windows, tap: Category
) -> None:
    a.category(name="陪同就医", name_en="Company to hospital")
    page = windows.open("/requests/new")

    page.get_by_role("searchbox").fill("水龙头")

    expect(page.get_by_role("link", name=re.compile("Small repairs"))).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Company to hospital"))).to_be_hidden()


def test_a_large_photo_is_made_small_before_it_is_sent(
    windows: Windows, tap: Category, place: Area
) -> None:
    picture = BytesIO()
    Image.effect_noise((2600, 1900), 80).convert("RGB").save(picture, "JPEG", quality=95)
    assert len(picture.getvalue()) > 1024 * 1024
    page = windows.open(f"/requests/new/form?category={tap.id}")
    page.locator("#photos").set_input_files(
        {"name": "large.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()}
    )
    eventually(page, f"document.querySelector('#photos').files[0].size < {len(picture.getvalue())}")
    fill(page, place)
    page.get_by_role("button", name="Continue", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check and send")

    db.session.rollback()
    assert db.session.scalars(select(Photo)).one().width == 1600


def test_two_taps_on_send_make_one_request(windows: Windows, tap: Category, place: Area) -> None:
    page = windows.open(f"/requests/new/form?category={tap.id}", width=390)
    fill(page, place)
    page.get_by_role("button", name="Continue", exact=True).last.click()

    page.get_by_role("button", name="Send it now").dblclick()

    expect(page.get_by_role("heading", level=1)).to_have_text("Your request is with us")
    only_request()


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_of_a_resident_is_accessible(
    a: Builders,
    windows: Windows,
    assert_accessible: Callable[[Page], None],
    tap: Category,
    place: Area,
    locale: str,
    width: int,
) -> None:
    a.service_request(category=tap, area=place)
    page = windows.open("/", locale=locale, width=width)

    def fits() -> None:
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url

    def press(button: Locator) -> None:
        # A click does not wait for the page it leads to, and a page cannot be judged while it goes.
        with page.expect_navigation():
            button.click()

    fits()
    for path in ("/track", "/requests/new", f"/requests/new/form?category={tap.id}"):
        page.goto(path)
        fits()
    form = page.locator("form.ask-form")
    page.locator('[name="for_whom"][value="someone_else"]').check()
    press(form.locator(".form__actions button"))
    fits()
    page.locator('[name="for_whom"][value="self"]').check()
    fill(page, place)
    press(form.locator(".form__actions button"))
    fits()
    press(page.locator("main form.form .form__actions button"))
    fits()
    for status in (Status.WAITING, Status.RESOLVED, Status.CLOSED):
        made = a.service_request(status=status)
        private = f"/track/{links.token_for(made.id, made.link_salt)}"
        for below in ("", "/words", "/confirmation", "/dispute", "/slip"):
            page.goto(private + below)
            fits()


@pytest.mark.parametrize("typed", ["龙头", "厨房水龙头", "TAP"])
def test_kinds_of_help_are_narrowed_while_one_types(
    a: Builders, tap: Category, windows: Windows, typed: str
) -> None:
    a.category(name="陪同就医", name_en="Company to hospital")
    page = windows.open("/requests/new", width=390, locale="zh_Hans_CN")

    page.get_by_role("searchbox").fill(typed)

    expect(page.get_by_text("水电小修")).to_be_visible()
    expect(page.get_by_text("陪同就医")).to_be_hidden()


def test_a_sentence_narrows_the_kinds_of_help_while_it_is_typed(
    a: Builders, windows: Windows
) -> None:
    a.category(name="水电小修", name_en="Small repairs", keywords="tap")
    a.category(name="陪同就医", name_en="Company to hospital")
    window = windows.open("/requests/new", width=390)

    window.get_by_role("searchbox").fill("my tap is dripping, please help")

    expect(window.get_by_text("Small repairs")).to_be_visible()
    expect(window.get_by_text("Company to hospital")).to_be_hidden()
