"""Several acts at the same moment, in real threads."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Barrier, Event, Thread
from time import monotonic, sleep
from typing import Final, TypeVar

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from tests.support.browser import Browser
from tracker.database import Model, db, transaction
from tracker.errors import ShishiError
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


def while_the_other_waits(
    app: Flask, first: Callable[[], object], second: Callable[[], object]
) -> None:
    """Do the second while the first is done but not committed; it may be refused."""
    is_done = Event()

    def begin() -> None:
        with transaction():
            first()
            db.session.flush()
            is_done.set()
            until_others_wait(1, at_most_s=2.0)

    def follow() -> None:
        is_done.wait()
        with suppress(ShishiError), transaction():
            second()

    at_once(app, [begin, follow])


def held_until_all_wait(held: type[Model], *, waiting: int) -> Callable[[], None]:
    """Return an act that holds the rows of `held` until so many others wait for something.

    So all of them have read, and none has committed, when the first goes on.
    """

    def act() -> None:
        with transaction():
            db.session.scalars(select(held).with_for_update()).all()
            until_others_wait(waiting)

    return act


def until_others_wait(how_many: int, *, at_most_s: float = 5.0) -> None:
    """Wait, in a transaction, until so many others wait for what somebody holds.

    On SQLite, where one writes at a time, nobody can tell: they are given a moment.
    """
    if db.session.connection().dialect.name == "sqlite":
        sleep(0.2)
        return
    deadline = monotonic() + at_most_s
    while (db.session.scalar(_WAITING) or 0) < how_many and monotonic() < deadline:
        sleep(0.02)


_WAITING: Final = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


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
