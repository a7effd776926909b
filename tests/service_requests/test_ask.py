"""Asking for help, as somebody without an account and without JavaScript does it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from threading import Thread
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import Cookie

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.page import Page
from tests.support.pictures import photos_worked_on, small_jpeg
from tests.support.together import same_visitor
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Message
from tracker.organisation.models import Area, Category
from tracker.permissions import resident
from tracker.service_requests import links
from tracker.service_requests.actions import dispatch, drafts, private_links
from tracker.service_requests.forms.ask import NEED_LENGTH
from tracker.service_requests.leftovers import clear_old_drafts
from tracker.service_requests.lifecycle import Kind, Outcome, Priority, Status
from tracker.service_requests.models import (
    ForWhom,
    HistoryEntry,
    Photo,
    ReachableBy,
    Requester,
    ServiceRequest,
    SubmissionDraft,
)
from tracker.service_requests.photos import photo_path, save_photo
from tracker.service_requests.views import ask, draft_keys, receipts, uploads


@pytest.fixture
def tap(a: Builders) -> Category:
    _ = a.bureau
    return a.category(name="水电小修", name_en="Small repairs", keywords="水龙头 tap 漏水")


@pytest.fixture
def place(a: Builders) -> Area:
    return a.area(name="河东社区", name_en="Hedong")


def fill(browser: Browser, category: Category, **values: Any) -> Page:  # noqa: ANN401
    """Fill in the form as most people do, and press Continue."""
    fields = {
        "need": "The kitchen tap drips day and night.",
        "address": "12 River Lane",
        "reachable_by": ReachableBy.PHONE,
        "phone": "138 0013 8000",
        **values,
    }
    return browser.send(f"/requests/new/form?category={category.id}", fields=fields)


def drafts_cookie(browser: Browser) -> Cookie | None:
    """Return by what the browser tells that it began a draft."""
    return browser.client.get_cookie(draft_keys.COOKIE, path="/requests/new")


def sent_requests() -> list[ServiceRequest]:
    return list(db.session.scalars(select(ServiceRequest).order_by(ServiceRequest.id)))


# ---------------------------------------------------------------- what it is about


def test_the_front_page_leads_to_asking_and_following(a: Builders, browser: Browser) -> None:
    a.organisation(phone="0571 8800 1234")

    browser.open("/")

    assert browser.page.link("Ask for help") == "/requests/new"
    assert browser.page.link("Follow my request") == "/track"
    assert "0571 8800 1234" in browser.page.text


def test_staff_find_their_work_from_the_front_page(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.auditor())

    browser.open("/")

    assert "Go to my work" in browser.page.text


@pytest.mark.parametrize(
    "words",
    [
        *("tap", "水龙头", "漏水", "SMALL repairs", "水电", "厨房水龙头", "水龙头坏了 漏水"),
        *("My tap is dripping, please help", "somebody who can repair something small"),
    ],
)
def test_a_kind_of_help_is_found_in_either_language_and_by_other_words(
    a: Builders, browser: Browser, tap: Category, words: str
) -> None:
    a.category(name="陪同就医", name_en="Company to hospital")

    page = browser.send("/requests/new", q=words)

    assert "Small repairs" in page.text
    assert "Company to hospital" not in page.text


def test_a_search_that_finds_nothing_shows_everything(browser: Browser, tap: Category) -> None:
    page = browser.send("/requests/new", q="submarine")

    assert "Nothing fits “submarine”." in page.text
    assert "Small repairs" in page.text


def test_what_is_not_offered_or_has_ended_cannot_be_chosen(
    a: Builders, browser: Browser, tap: Category, now: datetime
) -> None:
    hidden = a.category(name="导入的", name_en="Imported", is_offered=False)
    ended = a.category(name="旧的", name_en="Old one", ended_at=now)

    page = browser.open("/requests/new")

    assert "Imported" not in page.text
    assert "Old one" not in page.text
    for category in (hidden, ended):
        assert browser.open(f"/requests/new/form?category={category.id}").path == "/requests/new"


def test_before_set_up_the_page_says_so(browser: Browser) -> None:
    assert "Nothing can be chosen here yet" in browser.open("/requests/new").text


def test_the_emergency_numbers_show_where_the_category_asks_for_it(
    a: Builders, browser: Browser, tap: Category
) -> None:
    danger = a.category(name="燃气", name_en="Gas", shows_emergency_notice=True)

    assert "119" in browser.open(f"/requests/new/form?category={danger.id}").text
    assert "119" not in browser.open(f"/requests/new/form?category={tap.id}").text


# ---------------------------------------------------------------- filling in and sending


def test_a_resident_asks_checks_and_sends(
    a: Builders, browser: Browser, tap: Category, place: Area
) -> None:
    page = fill(browser, tap, area_id=place.id, requester_name="李明", preferred_time="mornings")
    assert page.heading == "Check and send"
    for shown in ("drips day and night", "Hedong", "12 River Lane", "138 0013 8000", "mornings"):
        assert shown in page.text

    page = browser.click("Send it now")

    assert page.heading == "Your request is with us"
    [made] = sent_requests()
    assert made.status is Status.SUBMITTED
    assert made.area_id == place.id
    assert made.requester is not None
    assert (made.requester.name, made.requester.phone) == ("李明", "+8613800138000")
    assert made.requester.locale == "en"


def test_looking_at_the_pages_saves_nothing(browser: Browser, tap: Category) -> None:
    browser.open("/requests/new")
    browser.open(f"/requests/new/form?category={tap.id}")

    assert db.session.scalar(select(func.count()).select_from(SubmissionDraft)) == 0


def test_sending_twice_makes_one_request(browser: Browser, tap: Category) -> None:
    check = fill(browser, tap)
    first = browser.click("Send it now")

    again = browser.request("POST", check.path, data=check.form(press="Send it now").values())

    assert again.headers["Location"] == first.path
    assert len(sent_requests()) == 1


def test_the_form_of_a_request_whose_link_was_renewed_leads_nowhere(
    a: Builders, browser: Browser, tap: Category
) -> None:
    check = fill(browser, tap)
    form_address = check.path.removesuffix("/check")
    form = browser.open(form_address).form("need")
    typed = form.filled({})
    browser.open(check.path)
    browser.send(press="Send it now")
    made = sent_requests()[0]
    with transaction():
        private_links.renew(made, salt="another", actor=resident(made.id), now=made.submitted_at)

    again = browser.request("POST", form_address, data=typed)

    assert again.status_code == 404
    assert "Location" not in again.headers
    assert browser.request("GET", check.path).status_code == 404
    assert len(sent_requests()) == 1


def test_a_sent_draft_keeps_nothing_that_was_typed(browser: Browser, tap: Category) -> None:
    check = fill(browser, tap)
    browser.click("Send it now")

    draft = db.session.scalars(select(SubmissionDraft)).one()

    assert draft.content == {}
    assert browser.open(check.path).path.endswith("/receipt")


def test_what_is_missing_is_said_beside_the_field_and_nothing_is_lost(
    browser: Browser, tap: Category
) -> None:
    page = fill(browser, tap, need="", address="", phone="12", requester_name="李明")

    assert set(page.errors) == {"need", "address", "phone"}
    assert page.form("need").values()["requester_name"] == ["李明"]
    assert page.form("need").values()["phone"] == ["12"]


@pytest.mark.parametrize(
    ("way", "missing"),
    [
        (ReachableBy.PHONE, {"phone"}),
        (ReachableBy.EMAIL, {"email"}),
        (ReachableBy.NEIGHBOUR, {"neighbour"}),
        (ReachableBy.NOBODY, set()),
    ],
)
def test_only_what_belongs_to_the_chosen_way_is_needed(
    browser: Browser, tap: Category, way: ReachableBy, missing: set[str]
) -> None:
    page = fill(browser, tap, reachable_by=way, phone="")

    assert set(page.errors) == missing


def test_what_does_not_belong_to_the_chosen_way_is_not_sent(
    browser: Browser, tap: Category
) -> None:
    fill(
        browser,
        tap,
        reachable_by=ReachableBy.EMAIL,
        email=" Li@Example.org ",
        phone="not a number",
        beneficiary_name="nobody",
    )
    browser.click("Send it now")

    [made] = sent_requests()
    assert made.requester is not None
    assert (made.requester.email, made.requester.phone) == ("li@example.org", None)
    assert made.beneficiary_name == ""


def test_a_stranger_is_not_flooded_with_mails_of_new_requests(
    app: Flask, a: Builders, browser: Browser, tap: Category, clock: time_machine.Traveller
) -> None:
    def ask_for(email: str) -> None:
        fill(browser, tap, reachable_by=ReachableBy.EMAIL, email=email)
        assert browser.click("Send it now").path.endswith("/receipt")

    def mails() -> int:
        return db.session.scalar(select(func.count()).select_from(Message)) or 0

    for typed in (
        "li@example.org",
        "LI@example.org",
        "li+a@example.org",
        *["li@EXAMPLE。ｏrg"] * 3,
    ):
        ask_for(typed)
    assert mails() == receipts.RECEIPTS_A_DAY == 3
    assert len(sent_requests()) == 6

    ask_for("other@example.org")
    clock.shift(timedelta(days=1, minutes=1))
    ask_for("li@example.org")
    assert mails() == 5
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(violations(snapshot)) == []


def test_somebody_who_stays_anonymous_leaves_no_requester(browser: Browser, tap: Category) -> None:
    fill(browser, tap, reachable_by=ReachableBy.NOBODY, requester_name="李明")
    browser.click("Send it now")

    [made] = sent_requests()
    assert made.requester is None
    assert db.session.scalar(select(func.count()).select_from(Requester)) == 0


@pytest.mark.parametrize(
    "bad",
    [
        "li",
        "li@",
        "@example.org",
        "li@example",
        "a b@example.org",
        "root,postmaster,b@example.org",
        "=?utf-8?q?v1=40evil.com=2Cv2=40evil.org=2C?=@example.org",
        "Li <li@example.org>",
        "İ" * 200 + "@example.org",  # longer than its field in small letters
    ],
)
def test_an_address_that_cannot_be_mailed_is_refused(
    browser: Browser, tap: Category, bad: str
) -> None:
    assert set(fill(browser, tap, reachable_by=ReachableBy.EMAIL, email=bad).errors) == {"email"}


def test_asking_for_somebody_else_needs_who_relation_and_consent(
    browser: Browser, tap: Category
) -> None:
    page = fill(browser, tap, for_whom=ForWhom.SOMEONE_ELSE)
    assert {"beneficiary_name", "beneficiary_relation"} <= set(page.errors)
    assert "Tell us whether they know and agree." in page.text

    page = browser.send(
        beneficiary_name="王奶奶", beneficiary_relation="neighbour", beneficiary_consents="no"
    )
    assert "They do not know yet" in page.text
    browser.click("Send it now")

    [made] = sent_requests()
    assert (made.beneficiary_name, made.beneficiary_consents) == ("王奶奶", False)


@pytest.mark.parametrize(
    ("kind", "is_needed"),
    [(Kind.HELP, True), (Kind.COMPLAINT, True), (Kind.SUGGESTION, False), (Kind.THANKS, False)],
)
def test_a_place_is_needed_where_somebody_has_to_come(
    browser: Browser, tap: Category, kind: Kind, *, is_needed: bool
) -> None:
    page = fill(browser, tap, kind=kind, address="")

    assert ("address" in page.errors) is is_needed


def test_change_leads_back_with_everything_kept(
    a: Builders, browser: Browser, tap: Category
) -> None:
    other = a.category(name="陪伴", name_en="Company and talk")
    fill(browser, tap, requester_name="李明")

    page = browser.click("Change something")
    assert page.form("need").values()["requester_name"] == ["李明"]

    browser.send(press="Change: what it is about")
    page = browser.click("Company and talk")
    assert "drips day and night" in page.html
    browser.send(need="Somebody to talk to.")
    browser.click("Send it now")

    [made] = sent_requests()
    assert made.category_id == other.id
    assert made.need == "Somebody to talk to."


def test_numbers_in_the_text_are_pointed_out(browser: Browser, tap: Category) -> None:
    page = fill(browser, tap, need="Call me: 13800138000")

    assert "There seem to be personal numbers in your text" in page.text


def test_everything_can_be_discarded(browser: Browser, tap: Category) -> None:
    check = fill(browser, tap, photos=[(BytesIO(small_jpeg()), "tap.jpg")])

    assert browser.click("Discard everything").path == "/"

    assert db.session.scalar(select(func.count()).select_from(SubmissionDraft)) == 0
    assert db.session.scalar(select(func.count()).select_from(Photo)) == 0
    assert "no longer here" in browser.open(check.path, status=404).text


def test_a_draft_is_gone_after_a_day(
    browser: Browser, tap: Category, clock: time_machine.Traveller, now: datetime
) -> None:
    check = fill(browser, tap)
    clock.shift(timedelta(days=1, minutes=1))

    browser.open(check.path, status=404)
    browser.open(check.path.removesuffix("/check"), status=404)
    with transaction():
        drafts.remove_old(now=now + timedelta(days=1, minutes=1))

    assert db.session.scalar(select(func.count()).select_from(SubmissionDraft)) == 0


def test_old_drafts_go_with_their_photos_and_younger_ones_stay(
    browser: Browser, tap: Category, clock: time_machine.Traveller, now: datetime, app: Flask
) -> None:
    settings: Settings = app.config["SETTINGS"]
    fill(browser, tap, photos=[(BytesIO(small_jpeg()), "tap.jpg")])
    key = db.session.scalars(select(Photo)).one().key
    file = photo_path(settings.uploads_path, key)
    assert file.exists()
    clock.shift(timedelta(hours=23))
    fill(browser, tap, need="A younger one.")

    cleared = clear_old_drafts(settings.uploads_path, now=now + timedelta(hours=25))

    assert cleared == 1
    assert not file.exists()
    kept = db.session.scalars(select(SubmissionDraft)).one()
    assert kept.content["need"] == "A younger one."


def test_many_sendings_at_the_same_moment_make_one_request(
    app: Flask, browser: Browser, tap: Category
) -> None:
    check = fill(browser, tap)
    form = check.form(press="Send it now").values()
    cookies = [browser.client.get_cookie("shishi"), drafts_cookie(browser)]
    db.session.remove()

    def send() -> str:
        client = app.test_client()
        for cookie in filter(None, cookies):
            client.set_cookie(cookie.key, cookie.value, path=cookie.path)
        answer = client.post(check.path, data=form)
        return answer.headers.get("Location", str(answer.status_code))

    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: send(), range(20)))

    [made] = sent_requests()
    assert set(answers) == {
        f"/track/{links.token_for(made.id, made.link_salt)}/receipt",
    }


def test_a_draft_keeps_what_is_too_long_but_not_without_end(
    browser: Browser, tap: Category
) -> None:
    longer = "水" * (NEED_LENGTH + 500)
    page = fill(browser, tap, need=longer)
    assert page.form("need").values()["need"] == [longer]
    assert db.session.scalars(select(SubmissionDraft)).one().content["need"] == longer

    page = browser.send(fields=dict.fromkeys(("need", "address", "phone"), "水" * 50_000))

    assert len(page.form("need").values()["need"][0]) == 50_000  # still there to be made shorter
    db.session.rollback()
    draft = db.session.scalars(select(SubmissionDraft)).one()
    assert sum(len(text) for text in draft.content.values()) < 6 * NEED_LENGTH
    assert draft.content["need"] == "水" * len(draft.content["need"])


# ---------------------------------------------------------------- whose draft it is

PRIVATE = ("12 River Lane", "138 0013 8000", "drips day and night")


def test_whoever_is_sent_the_address_of_a_draft_finds_nothing_to_read_or_fill_in(
    browser: Browser, tap: Category, new_browser: Callable[[], Browser]
) -> None:
    check = fill(browser, tap, photos=[(BytesIO(small_jpeg()), "tap.jpg")])
    form_address = check.path.removesuffix("/check")
    photo = db.session.scalars(select(Photo)).one()
    other = new_browser()
    other.open(f"/requests/new/form?category={tap.id}")

    for path in (form_address, check.path):
        page = other.open(path, status=404)
        assert "begun on another device" in page.text
        assert page.link("Begin a request of my own") == "/requests/new"
        assert not [word for word in PRIVATE if word in page.html]
    assert other.request("GET", f"{form_address}/photos/{photo.key}").status_code == 404
    chooser = other.open(f"/requests/new?draft={form_address[-32:]}")
    assert not [link for link in chooser.links if form_address in link.href]


def test_who_began_a_draft_does_not_learn_what_another_browser_sends_to_its_address(
    browser: Browser, tap: Category, new_browser: Callable[[], Browser]
) -> None:
    planted = fill(browser, tap, need="Hello,", reachable_by=ReachableBy.NOBODY)
    address = planted.path.removesuffix("/check")
    victim = new_browser()
    form = victim.open(f"/requests/new/form?category={tap.id}").form("need")
    typed = form.filled(
        {"need": "My own.", "address": "7 Private Road", "reachable_by": ReachableBy.NOBODY}
    )

    answer = victim.request("POST", address, data=typed)

    assert answer.status_code == 303
    assert address not in answer.headers["Location"]
    assert "7 Private Road" not in browser.open(address).html
    kept = {each.key: each.content for each in db.session.scalars(select(SubmissionDraft))}
    assert kept.pop(address[-32:])["need"] == "Hello,"
    assert [content["address"] for content in kept.values()] == ["7 Private Road"]


def test_another_browser_neither_discards_nor_sends_a_draft_nor_is_led_to_its_link(
    browser: Browser, tap: Category, new_browser: Callable[[], Browser]
) -> None:
    check = fill(browser, tap)
    other = new_browser()
    token = other.open(f"/requests/new/form?category={tap.id}").form("need").values()["csrf_token"]

    for way in ("/check", "/discard"):
        address = check.path.removesuffix("/check") + way
        assert other.request("POST", address, data={"csrf_token": token}).status_code == 404
    assert sent_requests() == []
    assert browser.click("Send it now").path.endswith("/receipt")

    for address in (check.path, check.path.removesuffix("/check")):
        assert "Location" not in other.request("GET", address).headers
        again = other.request("POST", address, data={"csrf_token": token, "need": "x"})
        assert again.status_code == 404
    assert browser.open(check.path).path.endswith("/receipt")


def test_a_draft_outlasts_a_closed_window_and_a_sign_in(
    a: Builders, browser: Browser, tap: Category
) -> None:
    check = fill(browser, tap)
    browser.client.delete_cookie("shishi")
    assert "drips day and night" in browser.open(check.path).text

    browser.sign_in(a.volunteer())

    assert "drips day and night" in browser.open(check.path).text
    assert browser.click("Send it now").path.endswith("/receipt")


def test_who_forgot_that_they_began_a_draft_loses_nothing_that_they_typed(
    browser: Browser, tap: Category
) -> None:
    check = fill(browser, tap)
    browser.open(check.path.removesuffix("/check"))
    browser.client.delete_cookie(draft_keys.COOKIE, path="/requests/new")

    page = browser.send(need="The tap drips more and more.")

    assert page.heading == "Check and send"
    assert page.path != check.path
    assert "The tap drips more and more." in page.text


def test_a_draft_opens_by_an_older_secret_of_the_server(
    app: Flask, browser: Browser, tap: Category
) -> None:
    check = fill(browser, tap)
    settings: Settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(
        settings, secret_key="a" * 40, secret_key_fallbacks=(settings.secret_key,)
    )

    assert "drips day and night" in browser.open(check.path).text


def test_what_somebody_began_signed_in_opens_for_nobody_else_on_that_device(
    a: Builders, browser: Browser, tap: Category
) -> None:
    one, other = a.coordinator(), a.volunteer()
    browser.sign_in(one)
    check = fill(browser, tap)
    form = check.path.removesuffix("/check")

    for nobody in (other, None):
        if nobody is None:
            browser.client.delete_cookie("shishi")
        else:
            browser.sign_in(nobody)
        for page in (form, check.path):
            assert "12 River Lane" not in browser.request("GET", page).text
    browser.sign_in(one)
    assert "12 River Lane" in browser.request("GET", form).text


def test_without_cookies_the_form_says_what_to_do_and_keeps_what_was_typed(
    browser: Browser, tap: Category
) -> None:
    form = browser.open(f"/requests/new/form?category={tap.id}").form("need")
    typed = form.filled({"need": "The tap drips."})
    page = browser.page
    browser.sign_out()

    answer = browser.request("POST", form.destination(), data=typed, headers={"Referer": page.url})

    assert answer.status_code == 400
    assert "Allow cookies for this site" in answer.text
    assert "The tap drips." in answer.text
    assert "Send it now" in answer.text


def test_an_unknown_draft_is_not_there(browser: Browser, tap: Category) -> None:
    browser.open(f"/requests/new/{'x' * 32}", status=404)
    browser.open("/requests/new/short", status=404)


def test_a_guessable_key_keeps_no_draft(a: Builders, now: datetime) -> None:
    with pytest.raises(ValueError, match="unguessable"), transaction():
        drafts.save("1234", {}, actor=resident(), now=now)


def test_very_many_sendings_from_one_address_have_to_wait(
    browser: Browser, tap: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "SENDINGS_AN_HOUR", 1)
    fill(browser, tap)
    browser.click("Send it now")
    fill(browser, tap, need="Another one.")

    page = browser.click("Send it now", status=429)

    assert "It was not sent yet" in page.text
    assert "Another one." in page.text
    assert len(sent_requests()) == 1


def test_very_many_drafts_from_one_address_have_to_wait_and_lose_nothing(
    browser: Browser, tap: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "DRAFTS_AN_HOUR", 0)
    browser.open(f"/requests/new/form?category={tap.id}")

    page = browser.send(need="Help!", status=429)

    assert "Very many requests" in page.text
    assert page.form("need").values()["need"] == ["Help!"]


# ---------------------------------------------------------------- photos


def test_photos_are_kept_shown_and_handed_over(browser: Browser, tap: Category, app: Flask) -> None:
    picture = (BytesIO(small_jpeg()), "tap.jpg")
    page = fill(browser, tap, need="", photos=[picture])
    [shown] = [
        image.get("src", "") for image in page.find_all("img") if "photos" in image.get("src", "")
    ]
    with browser.request("GET", shown) as answer:
        assert answer.mimetype == "image/webp"

    browser.send(need="See the photo.")
    browser.click("Send it now")

    [photo] = db.session.scalars(select(Photo))
    assert photo.draft_id is None
    assert photo.service_request_id == sent_requests()[0].id


def test_a_file_that_is_no_photo_is_named_and_the_others_are_kept(
    browser: Browser, tap: Category
) -> None:
    page = fill(
        browser,
        tap,
        photos=[(BytesIO(small_jpeg()), "tap.jpg"), (BytesIO(b"MZ\x90"), "virus.jpg")],
    )

    assert "virus.jpg" in page.errors["photos"]
    assert len(list(db.session.scalars(select(Photo)))) == 1


def test_each_of_several_bad_photos_is_named(browser: Browser, tap: Category) -> None:
    photos = [
        (BytesIO(content), name)
        for content, name in (
            (small_jpeg(), "tap.jpg"),
            (b"<svg/>", "drawing.jpg"),
            (small_jpeg()[:120], "cut_off.jpg"),
            (b"", "empty.jpg"),
        )
    ]

    page = fill(browser, tap, photos=photos)

    for name in ("drawing.jpg: Only photos", "cut_off.jpg: The file is damaged", "empty.jpg: "):
        assert name in page.errors["photos"]
        assert page.text.count(name) == 2  # at the top as well
    assert "tap.jpg" not in page.errors["photos"]


def test_the_photos_of_a_form_that_is_sent_twice_are_taken_once(
    browser: Browser, tap: Category, app: Flask
) -> None:
    page = browser.open(f"/requests/new/form?category={tap.id}")
    address, typed = page.form("need").action, page.form("need").values()

    def send(*contents: bytes, **changed: object) -> str:
        photos = [(BytesIO(each), f"{at}.jpg") for at, each in enumerate(contents)]
        answer = browser.request("POST", address, data={**typed, "photos": photos, **changed})
        return answer.get_data(as_text=True)

    def photos() -> set[str]:
        db.session.rollback()
        return set(db.session.scalars(select(Photo.key)))

    sent = small_jpeg(), small_jpeg("red"), small_jpeg("blue"), b"MZ"
    assert "3.jpg: Only photos" in send(*sent)
    kept = photos()
    assert len(kept) == 3
    again = send(*sent)
    assert "3.jpg: Only photos" in again
    assert "At most 5 photos." not in again
    assert photos() == kept
    settings: Settings = app.config["SETTINGS"]
    assert len(list(settings.uploads_path.rglob("*.webp"))) == 2 * len(kept)

    send(small_jpeg("green"))
    assert len(photos()) == 4

    # Thrown away, and sent once more by going back: nothing of it is there any more.
    browser.request("POST", f"{address}/discard", data=typed)
    assert photos() == set()
    send(*sent)
    assert len(photos() - kept) == len(photos()) == 3


def test_a_photo_can_be_removed_again(browser: Browser, tap: Category) -> None:
    fill(browser, tap, need="", photos=[(BytesIO(small_jpeg()), "tap.jpg")])

    page = browser.send(press="Remove: photo 1", need="Typed meanwhile.")

    assert list(db.session.scalars(select(Photo))) == []
    assert page.form("need").values()["need"] == ["Typed meanwhile."]


def test_a_sixth_photo_is_refused_and_the_words_are_kept(
    browser: Browser, tap: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_on = photos_worked_on(monkeypatch)
    page = fill(
        browser, tap, photos=[(BytesIO(small_jpeg()), f"{number}.jpg") for number in range(6)]
    )

    assert "At most 5 photos." in page.errors["photos"]
    assert "drips day and night" in page.html
    assert list(db.session.scalars(select(Photo))) == []
    browser.send(photos=[(BytesIO(small_jpeg()), f"{number}.jpg") for number in range(3)])
    browser.open(browser.page.path.removesuffix("/check"))
    page = browser.send(photos=[(BytesIO(small_jpeg()), f"{number}.jpg") for number in range(3)])
    assert "At most 5 photos." in page.errors["photos"]
    assert worked_on == ["0.jpg", "1.jpg", "2.jpg"]


@pytest.mark.parametrize("limit", ["PHOTOS_OF_ONE", "PHOTOS_OF_A_NETWORK"])
def test_only_so_many_photos_of_a_visitor_are_worked_on_in_an_hour(
    browser: Browser,
    tap: Category,
    monkeypatch: pytest.MonkeyPatch,
    clock: time_machine.Traveller,
    limit: str,
) -> None:
    monkeypatch.setattr(uploads, limit, 5)
    worked_on = photos_worked_on(monkeypatch)

    def broken(number: int) -> list[tuple[BytesIO, str]]:
        return [(BytesIO(b"MZ"), f"{each}.jpg") for each in range(number)]

    fill(browser, tap, photos=broken(3))
    page = browser.send(need="Look.", photos=broken(3))
    assert "Very many photos" in page.errors["photos"]
    assert page.form("need").values()["need"] == ["Look."]
    assert len(worked_on) == 3

    browser.send(photos=broken(2))
    assert len(worked_on) == 5
    browser.send(photos=broken(1))
    assert len(worked_on) == 5
    assert browser.send(photos=[]).path.endswith("/check")

    clock.shift(timedelta(hours=1))
    browser.open(browser.page.path.removesuffix("/check"))
    browser.send(photos=broken(5))
    assert len(worked_on) == 10


# ---------------------------------------------------------------- others asked for the same


def test_open_requests_of_the_same_place_and_category_are_offered_without_anything_personal(
    a: Builders, browser: Browser, tap: Category, place: Area
) -> None:
    grid = a.area(parent=place, name="一网格", name_en="Grid 1")
    same = a.service_request(
        category=tap, area=grid, need="secret words", requester_name="secret name"
    )

    page = fill(browser, tap, area_id=place.id)

    assert "Others asked for the same here." in page.text
    assert "Grid 1" in page.text
    assert "secret" not in page.html
    assert same.reference not in page.html


def test_choosing_one_of_them_still_makes_a_request_and_tells_the_desk(
    a: Builders, browser: Browser, tap: Category, place: Area
) -> None:
    same = a.service_request(category=tap, area=place)
    fill(browser, tap, area_id=place.id)

    browser.send(same_as=same.id)

    made = sent_requests()[-1]
    assert made.id != same.id
    entry = db.session.scalars(
        select(HistoryEntry).where(HistoryEntry.service_request_id == made.id)
    ).one()
    assert entry.detail["same_as"] == same.id


def test_what_is_closed_elsewhere_or_sensitive_is_not_offered(
    a: Builders, browser: Browser, tap: Category, place: Area
) -> None:
    sensitive = a.category(name="家暴", name_en="Violence", is_sensitive=True)
    a.service_request(category=tap, area=place, status=Status.CLOSED, outcome=Outcome.SOLVED)
    a.service_request(category=tap, area=a.area())
    a.service_request(category=sensitive, area=place)
    group = a.top_category(name="家庭", name_en="Family", is_sensitive=True)
    below = a.category(parent=group, name="调解", name_en="Mediation")
    a.service_request(category=below, area=place)

    assert "Others asked" not in fill(browser, tap, area_id=place.id).text
    assert "Others asked" not in fill(browser, sensitive, area_id=place.id).text
    assert "Others asked" not in fill(browser, below, area_id=place.id).text


def test_the_script_of_the_form_gets_them_as_a_piece_of_a_page(
    a: Builders, browser: Browser, tap: Category, place: Area
) -> None:
    a.service_request(category=tap, area=place)

    answer = browser.request("GET", f"/requests/new/similar?category={tap.id}&area={place.id}")
    nothing = browser.request("GET", "/requests/new/similar?category=x&area=y")

    assert "Hedong" in answer.text
    assert nothing.text.strip() == ""


def test_what_others_ask_for_is_not_to_be_read_off_place_by_place(
    a: Builders, browser: Browser, tap: Category, place: Area, monkeypatch: pytest.MonkeyPatch
) -> None:
    a.service_request(category=tap, area=place)
    monkeypatch.setattr(ask, "LOOK_UPS_AN_HOUR", 2)
    address = f"/requests/new/similar?category={tap.id}&area={place.id}"
    assert browser.request("GET", address).status_code == 200
    # The last page asks the same, and is counted with it.
    assert "Others asked for the same here." in fill(browser, tap, area_id=place.id).text

    refused = browser.request("GET", address)
    page = fill(browser, tap, area_id=place.id)

    for text in (refused.text, page.text):
        assert "looked up very often from this connection" in text
    assert refused.status_code == 429
    assert "asked for the same" not in refused.text + page.html
    assert "same_as" not in page.html
    # Their own words are still there, and go the same way.
    assert "drips day and night" in page.text
    browser.click("Send it now")
    assert len(sent_requests()) == 2


def test_a_form_without_a_place_looks_nothing_up(
    browser: Browser, tap: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "LOOK_UPS_AN_HOUR", 0)

    assert "looked up very often" not in fill(browser, tap).text
    assert browser.request("GET", "/requests/new/similar?category=x&area=y").status_code == 200


# ---------------------------------------------------------------- both languages


def test_the_same_pages_speak_chinese(chinese_browser: Browser, tap: Category, place: Area) -> None:
    page = fill(chinese_browser, tap, area_id=place.id, address="")
    assert page.heading == "核对并提交"

    page = chinese_browser.click("提交")

    assert page.heading == "您的诉求我们收到了"
    assert sent_requests()[0].requester is not None


def test_the_pages_ask_no_more_of_the_database_when_there_are_more_categories(
    a: Builders,
    browser: Browser,
    tap: Category,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    few = count_queries(lambda: browser.open("/requests/new"))
    for _ in range(5):
        a.category()
        a.area()

    assert count_queries(lambda: browser.open("/requests/new")) == few


def test_what_was_typed_is_kept_when_its_kind_is_withdrawn_meanwhile(
    a: Builders, browser: Browser
) -> None:
    gone, other = a.category(), a.category()
    browser.open(f"/requests/new/form?category={gone.id}")
    with transaction():
        db.session.merge(gone).is_offered = False

    page = browser.send(need="屋顶漏雨", fields={"address": "柳桥路88号"})

    assert page.path == "/requests/new"
    page = browser.open(f"/requests/new/{page.query['draft'][0]}?category={other.id}")
    assert "屋顶漏雨" in page.html
    assert "柳桥路88号" in page.html


@pytest.mark.parametrize(
    ("name", "more"), [("need", " And the sink."), ("phone", "9"), ("requester_name", "junior")]
)
def test_what_is_added_after_it_was_sent_is_shown_and_not_taken_for_sent(
    browser: Browser, tap: Category, name: str, more: str
) -> None:
    form = fill(browser, tap).path.removesuffix("/check")
    browser.open(form)
    older = browser.page
    browser.open(f"{form}/check")
    browser.click("Send it now")
    same = {name: each[-1] for name, each in older.form("need").values().items() if each}
    sent = {"data": same, "headers": {"Referer": older.url}}

    assert browser.request("POST", form, **sent).headers["Location"].endswith("/receipt")
    same[name] = same[name].strip()[: -1 if more == "9" else None] + more
    answer = browser.request("POST", form, **sent)

    assert answer.status_code == 409
    page = Page(answer)
    assert same[name] in page.text
    assert page.link("See how it stands").endswith("/receipt")
    [made] = sent_requests()
    assert made.requester is not None
    assert same[name] not in (made.need, made.requester.name, made.requester.phone)


def test_a_photo_that_was_worked_on_while_it_was_sent_is_not_taken_for_kept(
    app: Flask, browser: Browser, tap: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = fill(browser, tap).path.removesuffix("/check")
    token = browser.page.form("shown").values()

    def send_meanwhile(*given: Any) -> Any:  # noqa: ANN401 - as it is
        client = same_visitor(app, browser)
        other = Thread(target=lambda: client.post(f"{form}/check", data=token))
        other.start()
        other.join()
        return save_photo(*given)

    monkeypatch.setattr(uploads, "save_photo", send_meanwhile)
    browser.open(form)

    page = browser.send(photos=[(BytesIO(small_jpeg()), "tap.jpg")], status=409)

    assert "choose photos again there" in page.text
    assert len(sent_requests()) == 1
    assert list(db.session.scalars(select(Photo))) == []


def test_what_another_window_kept_since_is_not_sent_by_the_page_that_showed_something_else(
    browser: Browser, tap: Category
) -> None:
    shown = fill(browser, tap)
    form = shown.path.removesuffix("/check")
    sending = shown.form("shown").values()
    browser.open(form)
    browser.send(need="Something else altogether.")

    answer = browser.request("POST", shown.path, data=sending)

    assert answer.location == shown.path
    assert sent_requests() == []
    page = browser.open(shown.path)
    assert "changed in another window" in page.text
    assert "Something else altogether." in page.text
    browser.send(press="Send it now")
    assert [made.need for made in sent_requests()] == ["Something else altogether."]


def test_what_was_corrected_in_another_window_as_it_was_sent_is_looked_at_once_more(
    app: Flask, browser: Browser, tap: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = fill(browser, tap)
    form = check.path.removesuffix("/check")
    corrected = browser.open(form).form("need").values() | {"need": ["The tap of the kitchen."]}
    offered = ask._offered_as_similar

    def correct_meanwhile(*given: Any) -> Any:  # noqa: ANN401 - as it is
        client = same_visitor(app, browser)
        other = Thread(target=lambda: client.post(form, data=corrected))
        other.start()
        other.join()
        return offered(*given)

    browser.open(check.path)
    with monkeypatch.context() as patched:
        patched.setattr(ask, "_offered_as_similar", correct_meanwhile)
        page = browser.click("Send it now")

    assert "It was changed in another window." in page.text
    assert "The tap of the kitchen." in page.text
    assert sent_requests() == []
    browser.click("Send it now")
    assert [made.need for made in sent_requests()] == ["The tap of the kitchen."]


def test_what_the_desk_chose_since_is_not_missed_when_it_is_sent_again(
    a: Builders, browser: Browser, tap: Category
) -> None:
    form = fill(browser, tap).path.removesuffix("/check")
    older = browser.open(form)
    browser.open(f"{form}/check")
    browser.click("Send it now")
    [made] = sent_requests()
    with transaction():
        dispatch.accept(
            db.session.merge(made),
            category_id=a.category().id,
            priority=Priority.NORMAL,
            area_id=None,
            actor=a.actor(a.coordinator()),
            now=a.now + timedelta(hours=1),
        )

    same = {name: each[-1] for name, each in older.form("need").values().items() if each}
    answer = browser.request("POST", form, data=same, headers={"Referer": older.url})

    assert answer.headers["Location"].endswith("/receipt")
