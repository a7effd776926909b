"""Debian's Chromium, driven by Playwright: real pages, real scripts, real sizes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    sync_playwright,
)

from tests.support.missing import missing
from tests.support.visited import Visited
from tracker.accounts import sessions
from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.database import transaction

ARGUMENTS: Final = (
    "--no-sandbox",  # the tests may run as root, and open only our own pages
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
AXE_TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
PATIENCE_MS: Final = 10_000
LANGUAGES: Final = {"en": "en-GB", "zh_Hans_CN": "zh-CN"}


def executable() -> str:
    """Return where Chromium is; skips the test (fails it under CI) when there is none."""
    for candidate in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(candidate) if candidate else None
        if found:
            return found
    return missing("Chromium", why="no `chromium` on the path")


def require_driver() -> None:
    """Skip the test (fail it under CI) when what drives Chromium does not start here."""
    command = [sys.executable, "-m", "playwright", "--version"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        missing("Chromium's driver", why=answer.stderr.strip()[-200:] or answer.returncode)


@contextmanager
def launched() -> Iterator[Browser]:
    """Run one Chromium for a test process."""
    path = executable()
    require_driver()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Windows:
    """Opens windows, each with cookies of its own, and listens for what goes wrong in them.

    `complaints` are errors of scripts, of the console (among them breaches of the content
    security policy) and answers of 500 and above; the fixture fails the test on any.
    """

    def __init__(self, browser: Browser, url: str, app: Flask, visited: Visited) -> None:
        self._browser = browser
        self._app = app
        self._visited = visited
        self._contexts: list[BrowserContext] = []
        self.url = url
        self.complaints: list[str] = []

    def open(
        self,
        path: str | None = None,
        *,
        locale: str = "en",
        width: int = 1280,
        height: int = 900,
        javascript: bool = True,
        **options: Any,  # noqa: ANN401 - Playwright's
    ) -> Page:
        """Open a window, on `path` when it is given, for somebody with that language and screen."""
        context = self._browser.new_context(
            base_url=self.url,
            locale=LANGUAGES[locale],
            timezone_id="Asia/Shanghai",
            viewport={"width": width, "height": height},
            java_script_enabled=javascript,
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("console", self._hear)
        page.on("response", self._note)
        if path is not None:
            page.goto(path)
        return page

    def sign_in(self, page: Page, person: Person) -> Page:
        """Put the cookie of `person`'s session into the window, without the sign-in page."""
        serializer = SecureCookieSessionInterface().get_signing_serializer(self._app)
        assert serializer is not None, "the application has no secret key"
        with transaction():
            token = sessions.begin(person.id, remember=True, now=utc_now())
        cookie = serializer.dumps({"_user_id": token, "_fresh": True})
        name = str(self._app.config["SESSION_COOKIE_NAME"])
        page.context.add_cookies([{"name": name, "value": cookie, "url": self.url}])
        return page

    def close(self) -> None:
        """Close every window."""
        for context in self._contexts:
            context.close()

    def _note(self, answer: Response) -> None:
        self._visited.window_got(self._app, answer.request.method, answer.url, answer.status)
        if answer.status >= 500:
            self.complaints.append(f"{answer.status} {answer.url}")

    def _hear(self, message: ConsoleMessage) -> None:
        # Chromium reports every 4xx answer as an error; tests of refusals see those themselves.
        if (
            message.type == "error"
            and "the server responded with a status of 4" not in message.text
        ):
            self.complaints.append(f"console: {message.text}")


def accessibility_problems(page: Page) -> list[str]:
    """Return what axe finds against WCAG 2.2 A and AA on the page as it is now."""
    results = Axe().run(
        page,
        options={
            "runOnly": {"type": "tag", "values": list(AXE_TAGS)},
            "resultTypes": ["violations"],
        },
    )
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: "
        + "; ".join(" ".join(map(str, node["target"])) for node in violation["nodes"][:5])
        for violation in results.response["violations"]
    ]


def eventually(page: Page, expression: str) -> None:
    """Wait until `expression` is true in the page (its policy forbids Playwright's own way)."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {expression}")
