"""What anybody can make up in an address or a form does no harm."""

import pytest
from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.queries import history_of
from tracker.web.addresses import LARGEST_ID, LONGEST_ADDRESS, day, identity, read_argument


@pytest.mark.parametrize(
    "address",
    [
        "/queue?channel=%00",
        "/queue?q=%00%1f",
        "/queue?q=%00漏水",
        "/figures?channel=%00",
        "/figures/list?figure=closed&channel=a%00b",
        "/call-backs?mark=%00",
        "/requests/new?q=%00",
    ],
)
def test_control_characters_in_an_address_are_as_nothing(
    a: Builders, browser: Browser, address: str
) -> None:
    browser.sign_in(a.coordinator()).open(address)


def test_control_characters_in_a_form_are_not_kept(a: Builders, browser: Browser) -> None:
    made = a.service_request(status=Status.ACCEPTED)
    browser.sign_in(a.coordinator())

    browser.send(f"/requests/{made.id}/note", internal_note="one\x00two\x1b\nthree")

    db.session.refresh(made)
    # A browser sends a new line as two characters, which are kept.
    assert history_of(made)[-1].internal_note.replace("\r", "") == "onetwo\nthree"


@pytest.mark.parametrize("text", ["", " ", "0", "-1", "x", str(LARGEST_ID + 1), "1e3"])
def test_what_is_no_id_is_as_nothing(text: str) -> None:
    assert read_argument({"id": text}, "id", identity) is None


@pytest.mark.parametrize("text", ["", "yesterday", "0001-01-01", "9999-12-31", "2026-02-30"])
def test_what_is_no_day_is_as_nothing(text: str) -> None:
    assert read_argument({"day": text}, "day", day) is None


def test_what_can_be_read_is_read() -> None:
    assert read_argument({"id": " 42 "}, "id", identity) == 42
    assert read_argument({}, "id", identity) is None


@pytest.mark.parametrize("parameter", ["q", "mark", "typed", "unit", "next"])
def test_an_address_without_end_is_not_taken(a: Builders, browser: Browser, parameter: str) -> None:
    browser.sign_in(a.coordinator())
    for path in ("/queue", "/sign-in", "/requests/new"):
        page = browser.open(f"{path}?{parameter}={'x' * 20_000}", status=414)
        assert "Shorten what you are looking for" in page.text

    page = browser.open(f"/queue?mark={'x' * (LONGEST_ADDRESS - 20)}")
    assert page.status == 200


def test_who_is_not_signed_in_is_asked_to_although_the_address_would_become_too_long(
    browser: Browser,
) -> None:
    page = browser.open("/queue?channel=" + "%25" * 1_200)
    assert page.url.endswith("/sign-in")
    assert "next=" in browser.open("/queue?channel=phone").url


TOO_LONG = "x" * 2_100_000


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "text/plain", ""])
@pytest.mark.parametrize("referer", ["http://localhost/sign-in", ""])
def test_words_without_end_are_not_taken(
    app: Flask, browser: Browser, media_type: str, referer: str
) -> None:
    answer = browser.request(
        "POST",
        "/sign-in",
        data=f"name={TOO_LONG}",
        content_type=media_type,
        headers={"Referer": referer},
    )

    assert answer.status_code == 413
    assert "What you sent is too large" in answer.text
    assert len(answer.text) < 50_000


@pytest.mark.parametrize("referer", ["http://localhost/requests/new", ""])
def test_words_without_end_beside_files_are_not_taken(
    app: Flask, chinese_browser: Browser, referer: str
) -> None:
    body = f'--|\r\nContent-Disposition: form-data; name="need"\r\n\r\n{TOO_LONG}\r\n--|--\r\n'
    answer = chinese_browser.request(
        "POST",
        f"/requests/new/{'k' * 32}",
        data=body.encode(),
        content_type="multipart/form-data; boundary=|",
        headers={"Referer": referer},
    )

    assert answer.status_code == 413
    assert "内容过大" in answer.text
