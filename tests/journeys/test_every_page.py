"""Every page that anybody is offered: valid, accessible, in both languages, on phone and desktop."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import pytest
from flask import Flask
from playwright.sync_api import Page as Window
from sqlalchemy import select

from tests.support.browser import CHINESE, ENGLISH, Browser
from tests.support.chromium import Windows
from tests.support.crawler import Walk, endpoint_of
from tests.support.databases import Databases, settings
from tests.support.town import STAFF, build_town, somebody_who_is
from tests.torture.size import IS_FULL
from tracker import create_app
from tracker.database import db
from tracker.permissions import Role
from tracker.service_requests.links import token_for
from tracker.service_requests.models import ServiceRequest

PHONE: Final = 390
DESKTOP: Final = 1280
EVERYBODY: Final = (None, *STAFF)
LOOKED_AT: Final = [
    (role, locale)
    for number, role in enumerate(EVERYBODY)
    for locale in (
        (CHINESE, ENGLISH) if IS_FULL or role is None else ((CHINESE, ENGLISH)[number % 2],)
    )
]
"""In which language whose pages are looked at: visitors' in both; of the staff in turns, as most pages
are several people's, and with `TORTURE=1` in both."""


@pytest.fixture
def database_kind() -> str:
    """Templates do not know the database: one is enough here."""
    return "sqlite"


@pytest.fixture
def now() -> datetime:
    """The town is built once and looked at by everybody, also by a server of the real time."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def clock() -> None:
    """The clock runs on."""


@pytest.fixture(scope="module")
def town_url(databases: Databases) -> str:
    """Return the database of a town that is built once: these tests only look."""
    url = databases.empty("sqlite", "town")
    made = create_app(settings(url, databases.folder / "town"))
    with made.app_context():
        build_town(made, datetime.now(UTC).replace(microsecond=0))
        db.session.remove()
        db.engine.dispose()
    return url


@pytest.fixture
def database_url(town_url: str) -> str:
    """Look at the town, in place of an empty database."""
    return town_url


@pytest.fixture
def app(town_url: str, databases: Databases) -> Iterator[Flask]:
    """Return the application on the town, with the photos that belong to it."""
    made = create_app(settings(town_url, databases.folder / "town"))
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


def own_pages() -> list[str]:
    """Return the private pages of one request in each status."""
    found: dict[str, str] = {}
    for request in db.session.scalars(select(ServiceRequest).order_by(ServiceRequest.id)):
        key = f"{request.status}-{request.outcome}"
        found.setdefault(key, f"/track/{token_for(request.id, request.link_salt)}")
    return sorted(found.values())


@pytest.mark.parametrize("locale", [ENGLISH, CHINESE])
@pytest.mark.parametrize("role", EVERYBODY, ids=str)
def test_every_page_that_is_offered_is_valid(app: Flask, role: Role | None, locale: str) -> None:
    browser = Browser(app, locale=locale)
    if role is not None:
        browser.sign_in(somebody_who_is(role))

    walk = Walk(app, browser)

    assert len(walk.pages) > 3


@pytest.mark.parametrize("locale", [ENGLISH, CHINESE])
def test_every_page_of_a_private_link_is_valid(app: Flask, locale: str) -> None:
    with app.test_request_context():
        starts = own_pages()

    for start in starts:
        walk = Walk(app, Browser(app, locale=locale), start, of_each_kind=1)
        assert walk.endpoints


@pytest.mark.parametrize(("role", "locale"), LOOKED_AT, ids=str)
def test_every_kind_of_page_is_accessible(
    app: Flask,
    windows: Windows,
    assert_accessible: Callable[[Window], None],
    role: Role | None,
    locale: str,
) -> None:
    browser = Browser(app, locale=locale)
    person = somebody_who_is(role) if role is not None else None
    if person is not None:
        browser.sign_in(person)
    addresses = _one_of_each_kind(app, Walk(app, browser, of_each_kind=1))
    if role is None:
        with app.test_request_context():
            addresses += own_pages()

    # The narrow page holds everything that the wide one holds, in the order of reading; each
    # language is looked at in one of them, so that both widths and languages are covered.
    width = PHONE if locale == CHINESE else DESKTOP
    window = windows.open(locale=locale, width=width)
    if person is not None:
        windows.sign_in(window, person)
    for address in addresses:
        window.goto(address)
        assert_accessible(window)
        too_wide = window.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not too_wide, f"{address} scrolls sideways at {width} px"


def _one_of_each_kind(app: Flask, walk: Walk) -> list[str]:
    found: dict[str, str] = {}
    for page in walk.pages:
        endpoint = endpoint_of(app, page.path)
        if endpoint is not None and page.media_type == "text/html":
            found.setdefault(endpoint, page.path)
    return list(found.values())
