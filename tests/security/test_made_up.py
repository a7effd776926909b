"""What no page of ours sends: JSON in hidden fields, numbers that nobody has, lines in a heading."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest
from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import PASSWORD, Builders
from tracker.notifications.channels import email
from tracker.notifications.letters import Envelope, letter
from tracker.notifications.models import Channel
from tracker.service_requests.lifecycle import Status
from tracker.web import sealing

NO_NUMBERS: Final = ("-99999999999999999999", "9" * 30, "9" * 5000, "-1", "x", "1e9", "²", "")
BROKEN: Final = {
    "nested too deep": "[" * 50_000,
    "nested too deep in a dictionary": '{"path":' * 7_000,
    "half a character": '[["findings", "\\ud800"]]',
    "a control character": '[["findings", "\\u0000\\u0007"]]',
    "a number that is none": '[["visitors", 1e999], ["met", null]]',
    "no list": '"words"',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_a_draft_that_no_page_wrote_opens_the_form(
    a: Builders, browser: Browser, app: Flask, content: str
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    team = a.team()
    volunteer = a.volunteer(team)
    made = a.service_request(team=team, claimed_by=[volunteer], status=Status.IN_PROGRESS)
    browser.sign_in(volunteer)
    draft = {"form_key": f"visit:{made.id}:new", "content": content}
    assert browser.request("POST", "/drafts", data=draft).status_code == 204

    browser.open(f"/requests/{made.id}/visits/record")


@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize(
    "kept",
    [
        *BROKEN.values(),
        json.dumps({"path": "/requests/new", "fields": [["need", "\ud800 \x00 words"]]}),
        json.dumps({"path": "/requests/new", "fields": [["need", "words"]], "author": "é\ud800"}),
    ],
)
def test_a_kept_form_that_no_page_wrote_does_not_stand_in_the_way(
    a: Builders, browser: Browser, app: Flask, kept: str, *, is_sealed: bool
) -> None:
    a.coordinator(email="li@example.org", password=PASSWORD)
    page = browser.open("/sign-in")
    token = page.form("password").values()["csrf_token"][0]
    known = {"csrf_token": token, "name": "li@example.org", "password": PASSWORD}
    if is_sealed:  # as a page of another version might have written it
        with app.app_context():
            kept = sealing.seal(kept.encode(errors="replace").decode(), purpose="kept")

    asked = browser.request("POST", "/sign-in", data={"csrf_token": token, "kept": kept})
    signed_in = browser.request("POST", "/sign-in", data={**known, "kept": kept})

    assert asked.status_code in (200, 401)
    assert signed_in.status_code in (200, 303)


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_decision_about_nothing_finds_nothing(
    a: Builders, browser: Browser, app: Flask, number: str
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    browser.sign_in(a.supervisor())

    sent = {"approval": number, "decision": "grant"}
    assert browser.request("POST", "/approvals/", data=sent).status_code == 404


@pytest.mark.parametrize("seen", NO_NUMBERS)
def test_settings_that_never_were_like_that_are_shown_again(
    a: Builders, browser: Browser, seen: str
) -> None:
    a.organisation()
    browser.sign_in(a.administrator())
    values = browser.open("/admin/organisation").form("country").values()

    sent = {**values, "name": "Another name", "seen": seen}
    answer = browser.request("POST", "/admin/organisation", data=sent)

    assert answer.status_code == 200
    assert "Somebody changed this since you opened it" in answer.get_data(as_text=True)
    assert "Another name" not in browser.open("/admin/organisation").html


def test_an_invitation_names_the_configured_address(a: Builders, app: Flask) -> None:
    """The link is handed on: whoever names another host in the request must not be in it."""
    browser = Browser(app).sign_in(a.administrator())
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], public_url="https://help.example")

    page = browser.send("/admin/people/new", name="Wang Hua", phone="139 1234 5678")

    assert "https://help.example/invitation/" in page.text
    assert "localhost/invitation" not in page.text


def test_a_name_puts_no_header_into_a_mail(a: Builders, app: Flask) -> None:
    a.organisation(
        name="Help\r\nBcc: everybody@example.org", name_en="Help\rBcc: everybody@example.org"
    )
    now = datetime(2026, 3, 11, 2, 0, tzinfo=UTC)
    payload = {"name": "Li\r\nBcc: x@example.org", "token": "t", "expires_at": now.isoformat()}
    for locale in ("en", "zh_Hans_CN"):
        envelope = Envelope(
            id=1,
            channel=Channel.EMAIL,
            kind="invitation",
            address="li@example.org",
            locale=locale,
            payload=payload,
            message_key="a-key",
            created_at=now,
        )

        mail = email.written(
            envelope, letter(envelope), app.config["SETTINGS"], now=now
        ).as_string()

        headers = mail.partition("\n\n")[0]
        assert "\nBcc:" not in headers
        assert headers.count("\nTo:") == 1


def test_what_others_are_reached_by_is_not_tried_out_on_the_page_of_a_team(
    a: Builders, browser: Browser
) -> None:
    ours, theirs = a.unit(), a.unit()
    team = a.team(ours)
    there = a.volunteer(
        a.team(theirs), name="郑远", email="yuan.zheng@example.org", sort_key="zheng yuan"
    )
    here = a.coordinator(ours, name="吴近", email="jin.wu@example.org", sort_key="wu jin")
    browser.sign_in(a.administrator(ours))

    def found(q: str) -> str:
        return browser.open(f"/admin/teams/{team.id}?q={q}").text

    assert there.name in found("zheng")
    assert "yuan.zheng" not in found("zheng")
    assert there.name not in found("yuan.zh")
    assert here.name in found("jin.wu")
    assert "jin.wu@example.org" in found("jin.wu")
