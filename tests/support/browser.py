"""A person at a browser without JavaScript; every page that is opened is checked."""

from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Any, Final, TypeVar
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.support.page import Page, check
from tracker.accounts import sessions
from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.database import db, transaction

Result = TypeVar("Result")
REDIRECTS: Final = (301, 302, 303, 307, 308)
ENGLISH: Final = "en"
CHINESE: Final = "zh_Hans_CN"


class Browser:
    """One person's browser, in English until told otherwise.

    Each request runs as on a server: without the application context of the test, so that no
    `g` and no database session is shared. Before it the test's own session gives back its
    connection, and afterwards what the test holds is read anew.
    """

    def __init__(self, app: Flask, *, locale: str = ENGLISH) -> None:
        self.app = app
        self.client = app.test_client(use_cookies=True)
        self.locale = locale
        self.address = "127.0.0.1"
        self._page: Page | None = None

    @property
    def page(self) -> Page:
        """Return the page that is open."""
        assert self._page is not None, "no page was opened yet"
        return self._page

    def sign_in(self, person: Person) -> "Browser":
        """Be signed in as `person`, without the detour over the sign-in page."""
        with transaction():
            token = sessions.begin(person.id, remember=True, now=utc_now())

        def remember() -> None:
            with self.client.session_transaction() as session:
                session["_user_id"] = token
                session["_fresh"] = True

        self._as_on_a_server(remember)
        return self

    def sign_out(self) -> "Browser":
        """Forget every cookie."""
        self.client = self.app.test_client(use_cookies=True)
        return self

    def speak(self, locale: str) -> "Browser":
        """Ask for pages in `locale` (`en`, `zh_Hans_CN`) from now on."""
        self.locale = locale
        return self

    def open(self, address: str, *, status: int | None = 200) -> Page:
        """Open a page, follow redirects, and check that it answers `status` (None: any)."""
        return self._follow(self.request("GET", address), status)

    def send(
        self,
        address: str = "",
        *,
        press: str = "",
        fields: Mapping[str, object] | None = None,
        status: int | None = 200,
        **more: object,
    ) -> Page:
        """Open `address` (without one, stay), fill in its form and press a button (the first).

        Fields not given keep what the page put into them. A field or a value that the page does
        not offer fails; so does a page at the end that answers other than `status`.
        """
        page = self.open(address) if address else self.page
        given = {**(fields or {}), **more}
        form = page.form(*given, press=press)
        data = form.filled(given, press=press)
        destination = form.destination(press)
        if form.method == "get":
            query = MultiDict([(name, str(v)) for name, values in data.items() for v in values])
            return self._follow(self.request("GET", destination, query_string=query), status)
        response = self.request("POST", destination, data=data, headers={"Referer": page.url})
        return self._follow(response, status)

    def click(self, text: str, *, status: int | None = 200) -> Page:
        """Follow the link, or press the button, named `text`."""
        page = self.page
        links = [link.text for link in page.links]
        is_link = text in links or (
            text not in page.buttons and any(text in name for name in links)
        )
        if is_link:
            return self.open(urljoin(page.url, page.link(text)), status=status)
        return self.send(press=text, status=status)

    def request(self, method: str, address: str, **options: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's
        """Send one request and return the bare answer, unchecked and unfollowed."""
        headers = {"Accept-Language": self.locale.replace("_", "-"), **options.pop("headers", {})}
        parts = urlsplit(address)
        path = parts.path or "/"
        if parts.query and "query_string" not in options:
            options["query_string"] = parts.query
        # A body that streams must be read in the context that it was made in.
        options.setdefault("buffered", True)
        options.setdefault("environ_base", {"REMOTE_ADDR": self.address})
        db.session.rollback()
        answer = self._as_on_a_server(
            lambda: self.client.open(path, method=method, headers=headers, **options)
        )
        db.session.expire_all()
        return answer

    def _follow(self, response: TestResponse, status: int | None) -> Page:
        for _turn in range(6):
            if response.status_code not in REDIRECTS:
                break
            target = urljoin(response.request.url, response.headers["Location"])
            assert urlsplit(target).netloc == urlsplit(response.request.url).netloc, target
            response = self.request("GET", target)
        page = Page(response)
        self._page = page
        if status is not None:
            assert page.status == status, f"expected {status}: {page!r}"
        if page.media_type == "text/html":
            check(page, self.app)
        return page

    def _as_on_a_server(self, act: Callable[[], Result]) -> Result:
        """Run `act` in an empty context: the request then makes an application context of its own."""
        return Context().run(act)
