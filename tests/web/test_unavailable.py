"""The database is gone, or takes nothing: a clear page, nothing typed is lost, and all comes back."""

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest
from flask import Flask
from sqlalchemy import event, func, insert, select, text
from sqlalchemy.pool import ConnectionPoolEntry

from tests.support.browser import CHINESE, Browser
from tests.support.builders import Builders
from tests.support.databases import settings
from tests.support.page import Page
from tests.support.pictures import small_jpeg
from tests.support.relay import Relay
from tracker import create_app
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.service_requests import photos
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import HistoryEntry
from tracker.web.access import public
from tracker.web.throttle import Attempt

WORDS = "下午三点打过电话,没有人接"
on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


class Outage:
    """What can go away, and come back."""

    def __init__(self, app: Flask, go: Callable[[], None], come_back: Callable[[], None]) -> None:
        self.app = app
        self.go = go
        self.come_back = come_back


@pytest.fixture
def outage(app: Flask, database_kind: str, database_url: str, tmp_path: Path) -> Iterator[Outage]:
    """Return the product, on a database that can go away entirely."""
    if database_kind == "postgresql":
        relay = Relay(database_url)
        made = create_app(settings(relay.url, tmp_path))
        yield Outage(made, relay.cut, relay.mend)
        relay.cut()
        with made.app_context():
            db.engine.dispose()
        return
    path = Path(database_url.removeprefix("sqlite:///"))
    aside = path.with_suffix(".aside")

    def go() -> None:
        db.session.remove()
        db.engine.dispose()
        for name in ("", "-wal", "-shm"):
            part = Path(f"{path}{name}")
            if part.exists():
                part.rename(f"{aside}{name}")
        path.mkdir()  # nobody makes an empty one in its place

    def come_back() -> None:
        db.engine.dispose()
        if path.is_dir():
            path.rmdir()
            for name in ("", "-wal", "-shm"):
                if Path(f"{aside}{name}").exists():
                    Path(f"{aside}{name}").rename(f"{path}{name}")

    yield Outage(app, go, come_back)
    come_back()


def notes() -> int:
    db.session.rollback()
    found = select(func.count()).where(HistoryEntry.internal_note == WORDS)
    return db.session.scalar(found) or 0


def assert_unavailable(page: Page, locale: str) -> None:
    assert page.headers["Retry-After"] == "10"
    words = "Our records cannot be reached" if locale == "en" else "现在连不上数据"
    assert words in page.text


@pytest.mark.parametrize("locale", ["en", CHINESE])
def test_a_form_sent_while_the_database_is_gone_is_sent_again_by_one_button(
    a: Builders, outage: Outage, locale: str
) -> None:
    team = a.team()
    number = a.service_request(team=team, status=Status.IN_PROGRESS).id
    browser = Browser(outage.app, locale=locale).sign_in(a.team_leader(team))
    address = f"/requests/{number}/note"
    browser.open(address)

    outage.go()
    page = browser.send(internal_note=WORDS, status=503)
    assert_unavailable(page, locale)
    assert WORDS in page.text
    button = "Send it again" if locale == "en" else "重新发送"
    again = browser.send(press=button, status=503)
    assert WORDS in again.text

    outage.come_back()
    done = browser.send(press=button)
    assert done.path == f"/requests/{number}"
    assert notes() == 1


@pytest.mark.parametrize("path", ["/", "/sign-in", "/board", "/requests/1"])
def test_every_page_says_so_and_comes_back_by_itself(
    a: Builders, outage: Outage, path: str
) -> None:
    it = a.service_request()
    assert it.id == 1
    browser = Browser(outage.app).sign_in(a.coordinator())
    there = browser.open(path, status=None).status

    outage.go()
    for locale in ("en", CHINESE):
        assert_unavailable(browser.speak(locale).open(path, status=503), locale)
    assert browser.request("GET", "/healthz").status_code == 200
    assert browser.request("GET", "/no/such/page").status_code == 503
    assert browser.request("GET", "/readyz").status_code == 503
    answer = browser.request("GET", path, headers={"Accept": "application/json"})
    assert answer.json is not None
    assert answer.json["status"] == 503

    outage.come_back()
    assert browser.open(path, status=None).status == there


@contextmanager
def pragma(statement: str, back: str) -> Iterator[None]:
    """Let every connection be so, until it is taken back."""

    def so(connection: object, _record: ConnectionPoolEntry, _proxy: object) -> None:
        connection.execute(statement)  # type: ignore[attr-defined]

    def not_so(connection: object, _record: ConnectionPoolEntry, _proxy: object) -> None:
        connection.execute(back)  # type: ignore[attr-defined]

    db.session.remove()
    event.listen(db.engine, "checkout", so)
    try:
        yield
    finally:
        event.remove(db.engine, "checkout", so)
        db.session.remove()
        event.listen(db.engine, "checkout", not_so)
        connections = [db.engine.connect() for _ in range(5)]
        for each in connections:
            each.close()
        event.remove(db.engine, "checkout", not_so)


@on_sqlite
@pytest.mark.parametrize("harm", ["full", "read only"])
def test_a_full_disk_keeps_what_was_typed(app: Flask, a: Builders, harm: str) -> None:
    team = a.team()
    number = a.service_request(team=team, status=Status.IN_PROGRESS).id
    browser = Browser(app).sign_in(a.team_leader(team))
    long = WORDS + "。" * 3900
    browser.open(f"/requests/{number}/note")
    pages = db.session.scalar(text("PRAGMA page_count"))
    how = {
        "full": (f"PRAGMA max_page_count={pages}", "PRAGMA max_page_count=1073741823"),
        "read only": ("PRAGMA query_only=ON", "PRAGMA query_only=OFF"),
    }[harm]
    with pragma(*how):
        page = browser.send(internal_note=long, status=503)
        assert WORDS in page.text
        assert browser.request("GET", f"/requests/{number}").status_code == 200  # reading goes on
    before = db.session.scalar(select(func.count()).select_from(HistoryEntry)) or 0
    assert browser.send(press="Send it again").path == f"/requests/{number}"
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(HistoryEntry)) == before + 1


def test_a_photo_that_finds_no_room_leaves_the_words(
    app: Flask, a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    team = a.team()
    number = a.service_request(team=team, status=Status.IN_PROGRESS).id
    browser = Browser(app).sign_in(a.team_leader(team))
    monkeypatch.setattr(photos, "_write", full)
    page = browser.open(f"/requests/{number}/resolution")
    form = page.form("outcome", "answer")
    data = form.filled({"outcome": "solved", "answer": WORDS})
    data.pop("preview", None)
    data["evidence"] = [(BytesIO(small_jpeg()), "a.jpg")]
    answer = browser.request(
        "POST",
        form.destination(),
        data=data,
        headers={"Referer": page.url},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 503
    assert WORDS in answer.text
    assert "Photos have to be chosen again" in answer.text


@on_sqlite
def test_fifty_writers_wait_their_turn_and_none_is_sent_away(app: Flask, a: Builders) -> None:
    a.organisation()
    db.session.remove()
    written: list[bool] = []
    errors: list[BaseException] = []
    end = monotonic() + 3

    def write() -> None:
        with app.app_context():
            try:
                while monotonic() < end:
                    with transaction():
                        db.session.execute(text("UPDATE organisation SET version = version + 1"))
                    written.append(True)
            except BaseException as error:  # noqa: BLE001 - handed to the test
                errors.append(error)
            finally:
                db.session.remove()

    threads = [Thread(target=write) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert db.session.scalar(text("SELECT version FROM organisation")) == 1 + len(written)


def test_after_a_page_that_failed_half_way_nobody_sees_the_past(
    app: Flask, a: Builders, database_url: str, tmp_path: Path
) -> None:
    made = create_app(settings(database_url, tmp_path))
    made.config["PROPAGATE_EXCEPTIONS"] = False
    person, kept = a.person(name="旧名"), KeepsFaults()
    many = [{"scope": "planted", "key_hash": f"{n:064}", "at": a.now} for n in range(1000)]
    with transaction():
        db.session.execute(insert(Attempt), many)
    made.logger.addHandler(kept)

    @made.get("/planted")
    @public
    def planted() -> str:
        rows = db.session.execute(text("SELECT scope FROM throttled_attempt"))
        for (name,) in rows:
            message = f"{name} is half of it"
            raise ZeroDivisionError(message)
        return ""

    assert made.test_client().get("/planted").status_code == 500
    with transaction():
        db.session.get_one(Person, person.id).name = "新名"

    with made.app_context():
        assert db.session.scalar(select(Person.name).where(Person.id == person.id)) == "新名"
        with transaction():
            db.session.get_one(Person, person.id).name = "再改"
        db.session.remove()
        db.engine.dispose()
    assert len(kept.faults) == 1


class KeepsFaults(logging.Handler):
    """A log that keeps what it was told, as some do to send it on."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[object] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.faults.append(record.exc_info)
