"""What stands before every page: headers, cookies, tokens of forms, ways back, and the host's name."""

import re
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import pytest
from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker import create_app
from tracker.database import db
from tracker.web.security import POLICY

EVIL: Final = "https://evil.example/"
ANSWERS: Final = (
    *("/", "/track", "/requests/new", "/sign-in", "/queue", "/nowhere", "/healthz"),
    *("/static/css/tokens.css", "/vendor/bootstrap.css"),
)


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_carries_the_headers(app: Flask, browser: Browser, path: str) -> None:
    headers = browser.request("GET", path).headers

    assert headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_browsers_are_bound_to_tls_behind_tls_only(app: Flask, browser: Browser) -> None:
    answer = browser.request("GET", "/", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(app: Flask, a: Builders) -> None:
    a.person("Li", password="a long password", email="li@example.org")
    browser = Browser(app)
    browser.open("/sign-in")
    browser.send(name="li@example.org", password="a long password", remember="y")
    cookies = list(browser.client._cookies.values())  # type: ignore[union-attr]
    assert cookies
    for cookie in cookies:
        assert cookie.http_only or cookie.key == "locale", cookie
        assert cookie.same_site == "Lax", cookie


def test_behind_tls_cookies_travel_by_tls_alone(app: Flask) -> None:
    settings = replace(app.config["SETTINGS"], cookies_secure=True)
    made = create_app(settings)
    assert made.config["SESSION_COOKIE_SECURE"]
    assert made.config["REMEMBER_COOKIE_SECURE"]


def test_nothing_is_done_without_the_token_of_a_form(app: Flask, a: Builders) -> None:
    """Another site can make a browser send a form, but not with the token of this session."""
    browser = Browser(app).sign_in(a.administrator())
    posts = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    assert len(posts) > 50
    for rule in posts:
        arguments: dict[str, Any] = {
            name: 1 if "int:" in str(rule) else "x" for name in rule.arguments
        }
        built = rule.build(arguments, append_unknown=False)
        assert built is not None
        answer = browser.request("POST", built[1], data={"name": "x"})
        assert answer.status_code == 400, f"{rule} took a form without its token"
        db.session.rollback()


@pytest.mark.parametrize("name", ["next", "back", "return", "url"])
def test_no_address_leads_to_another_site(app: Flask, a: Builders, name: str) -> None:
    a.person("Li", password="a long password", email="li@example.org")
    for path in ("/sign-in", "/track", "/", "/requests/new"):
        answer = Browser(app).request("GET", f"{path}?{name}={EVIL}")
        assert "evil.example" not in answer.headers.get("Location", "")
        assert not re.search(r'(?:href|action)="https://evil', answer.text)
    browser = Browser(app)
    browser.open(f"/sign-in?next={EVIL}")
    browser.send(name="li@example.org", password="a long password")
    assert "evil" not in browser.page.url


def test_the_name_of_the_host_is_never_taken_from_the_visitor(
    app: Flask, a: Builders, browser: Browser
) -> None:
    """A link in a message, or a redirect, that named the visitor's host would lead astray."""
    a.person("Li", email="li@example.org")
    for path in ("/", "/track", "/queue", "/sign-in"):
        answer = browser.request("GET", path, headers={"Host": "evil.example"})
        assert "evil.example" not in answer.headers.get("Location", "").partition("?")[0]
        assert "evil.example" not in answer.text


@pytest.mark.parametrize("host", ["x" * 64, "a..b", "[::1", "é", "a b", ""])
@pytest.mark.parametrize("path", ["/", "/queue", "/static/none.css", "/language"])
def test_a_host_whose_name_is_none_gets_a_plain_answer(app: Flask, host: str, path: str) -> None:
    client = app.test_client()
    for answer in (
        client.get(path, headers={"Host": host}),
        client.post(path, headers={"Host": host}, data={"locale": "en"}),
    ):
        assert answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "said", ["http://[::1", "http://[x]/", "//[", "null", "http://a:b/", "\u00e9"]
)
@pytest.mark.parametrize("header", ["Origin", "Referer"])
def test_an_origin_that_is_no_address_is_nobody_of_ours(app: Flask, said: str, header: str) -> None:
    answer = app.test_client().post("/language", headers={header: said}, data={"locale": "en"})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/static/none.js", "/vendor/none.css", "/none", "/requests/1"])
def test_no_page_of_an_error_is_kept_by_anything_on_the_way(
    a: Builders, browser: Browser, path: str
) -> None:
    browser.sign_in(a.coordinator())

    answer = browser.request("GET", path)

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_taken_along_is_kept_by_nothing_on_the_way(
    a: Builders, browser: Browser, kind: str
) -> None:
    a.service_request()
    browser.sign_in(a.supervisor())

    answer = browser.request("GET", f"/figures/list.{kind}")

    assert answer.status_code == HTTPStatus.OK
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("/track//abc?x=1", "/track/abc?x=1"), ("/approvals", "/approvals/")],
)
@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"X-Forwarded-Proto": "javascript"}])
def test_an_address_is_put_right_without_naming_a_host(
    app: Flask, asked: str, answered: str, headers: dict[str, str]
) -> None:
    path, _, query = asked.partition("?")
    answer = app.test_client().get(path, query_string=query, headers=headers)

    assert answer.status_code == HTTPStatus.PERMANENT_REDIRECT
    assert answer.headers["Location"] == answered
