"""Several acts at the same moment, in real threads."""

from collections.abc import Callable, Sequence
from threading import Barrier, Thread
from typing import TypeVar

from flask import Flask
from flask.testing import FlaskClient

from tests.support.browser import Browser
from tracker.database import db
from tracker.service_requests.views import draft_keys

Result = TypeVar("Result")


def at_once(app: Flask, acts: Sequence[Callable[[], Result]]) -> list[Result]:
    """Let each act begin in a thread of its own at the same moment; return what each returned.

    Raises the first error that an act raised.
    """
    results: list[Result] = []
    errors: list[BaseException] = []
    start = Barrier(len(acts))
    # The test's own session gives back its connection: it must not hold up the others.
    db.session.rollback()

    def run(act: Callable[[], Result]) -> None:
        with app.app_context():
            start.wait()
            try:
                results.append(act())
            except BaseException as error:  # noqa: BLE001 - handed to the test below
                errors.append(error)
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()
    if errors:
        raise errors[0]
    return results


def same_visitor(app: Flask, browser: Browser) -> FlaskClient:
    """Return another tab of the same browser."""
    client = app.test_client()
    cookies = {
        app.config["SESSION_COOKIE_NAME"]: "/",
        draft_keys.COOKIE: "/requests/new",
    }
    for name, path in cookies.items():
        if cookie := browser.client.get_cookie(name, path=path):
            client.set_cookie(name, cookie.value, path=path)
    return client
