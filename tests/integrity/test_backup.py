"""A backup taken while people work is whole, and gives the same place back somewhere else."""

import random
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from datetime import datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from threading import Condition, Event, RLock, Thread

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from tests.support.builders import Builders
from tests.support.databases import Databases, settings
from tests.support.pictures import small_jpeg
from tests.support.walk import Cast, Walk, cast_of
from tracker import create_app
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.integrity import backup
from tracker.integrity.invariants import snapshot_of, violations
from tracker.permissions import SYSTEM, resident
from tracker.reports.definitions import Scope
from tracker.reports.statistics import summary
from tracker.reports.values import Summary
from tracker.service_requests.actions import drafts
from tracker.service_requests.actions.photos import add_to_draft
from tracker.service_requests.models import Photo, ServiceRequest
from tracker.service_requests.photos import delete_photo, save_photo

WRITERS = 6


class Gate:
    """Everybody passes, until it is closed; then nobody is inside."""

    def __init__(self) -> None:
        self._turn = Condition()
        self._inside = 0
        self._is_closed = False

    @contextmanager
    def passed(self) -> Iterator[None]:
        with self._turn:
            self._turn.wait_for(lambda: not self._is_closed)
            self._inside += 1
        try:
            yield
        finally:
            with self._turn:
                self._inside -= 1
                self._turn.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        with self._turn:
            self._is_closed = True
            self._turn.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            with self._turn:
                self._is_closed = False
                self._turn.notify_all()


@contextmanager
def writers(app: Flask, cast: Cast, now: datetime, gate: Gate) -> Iterator[None]:
    """Let people work, each in a thread, until the test goes on; `gate` holds them up."""
    moments = (now + timedelta(seconds=number) for number in count())
    clock, stop = RLock(), Event()
    errors: list[BaseException] = []

    def moment() -> datetime:
        with clock:
            return next(moments)

    def work(seed: int) -> None:
        with app.app_context():
            walk = Walk(cast, uploads_of(app), moment, random.Random(seed))  # noqa: S311
            try:
                while not stop.is_set():
                    with gate.passed():
                        walk.step()
            except BaseException as error:  # noqa: BLE001 - handed to the test
                errors.append(error)

    db.session.rollback()
    threads = [Thread(target=work, args=(seed,)) for seed in range(WRITERS)]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []


def command(app: Flask, *arguments: str) -> Result:
    """Run a command on its own application, not on the one that the test is in."""

    def run() -> Result:
        with app.app_context():
            return app.test_cli_runner().invoke(args=arguments)

    db.session.rollback()
    return Context().run(run)


def uploads_of(app: Flask) -> Path:
    found: Settings = app.config["SETTINGS"]
    return found.uploads_path


def figures(now: datetime) -> Summary:
    db.session.rollback()
    return summary(SYSTEM, Scope(as_of=now))


def requests() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(ServiceRequest)) or 0


def _files_of(app: Flask) -> list[Path]:
    """Return what people's data lies in: the embedded database, the folder of photos, each photo."""
    uploads = app.config["SETTINGS"].uploads_path
    database = [Path(db.engine.url.database or "")] if db.engine.name == "sqlite" else []
    return [*database, uploads, *(path for path in uploads.rglob("*") if path.is_file())]


@pytest.fixture
def elsewhere(databases: Databases, database_kind: str, tmp_path: Path) -> Iterator[Flask]:
    """Return the product on an empty machine with the same kind of database."""
    url = databases.without_schema(database_kind)
    made = create_app(settings(url, tmp_path / "elsewhere"))
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("name", ["all.tar", "all.tar.gz"])
def test_what_was_taken_under_load_is_whole_somewhere_else(
    app: Flask, elsewhere: Flask, a: Builders, tmp_path: Path, name: str
) -> None:
    cast, gate, file = cast_of(a), Gate(), tmp_path / name
    _warm_up(app, cast, a.now)
    with writers(app, cast, a.now + timedelta(days=1), gate):
        before = requests()
        taken = command(app, "backup", str(file))
        after = requests()
    assert taken.exit_code == 0, taken.output
    assert file.stat().st_mode & 0o077 == 0

    done = command(elsewhere, "restore", str(file))

    assert done.exit_code == 0, done.output
    with elsewhere.app_context():
        assert before <= requests() <= after
        assert _broken(elsewhere) == []
        assert db.session.scalar(select(func.count()).select_from(Photo))
        assert not [path for path in _files_of(elsewhere) if path.stat().st_mode & 0o077]
        # Ids go on where they were, so that nothing is mistaken for what was.
        _warm_up(elsewhere, cast, a.now + timedelta(days=2))
        assert requests() > before
        assert _broken(elsewhere) == []
        db.session.remove()


def test_the_figures_are_those_of_the_moment_though_people_work_on(
    app: Flask, elsewhere: Flask, a: Builders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast, gate, file = cast_of(a), Gate(), tmp_path / "all.tar"
    _warm_up(app, cast, a.now)
    kind = backup.KINDS[db.engine.dialect.name]
    opened, seen = kind.opened, []

    @contextmanager
    def looked_at(*arguments: object) -> Iterator[object]:
        with gate.closed():
            opening = opened(*arguments)
            source = opening.__enter__()
            seen.append(figures(a.now + timedelta(days=9)))
        try:
            yield source
        finally:
            opening.__exit__(None, None, None)

    monkeypatch.setattr(kind, "opened", looked_at)
    with writers(app, cast, a.now + timedelta(days=1), gate):
        report = backup.back_up(db.engine, uploads_of(app), file, secret_key="x" * 32, now=a.now)
    assert report.lost == []
    with elsewhere.app_context():
        backup.restore(db.engine, uploads_of(elsewhere), file)
        assert [figures(a.now + timedelta(days=9))] == seen
        assert _broken(elsewhere) == []
        db.session.remove()


def test_what_is_there_is_not_overwritten_unless_told(
    app: Flask, a: Builders, tmp_path: Path
) -> None:
    it = a.service_request()
    a.photo(it)
    file = tmp_path / "all.tar"
    assert command(app, "backup", str(file)).exit_code == 0
    assert "exists already" in command(app, "backup", str(file)).output
    a.service_request()

    refused = command(app, "restore", str(file))
    assert refused.exit_code == 1
    assert "not empty" in refused.output
    assert requests() == 2

    db.session.remove()
    told = command(app, "restore", str(file), "--replace")
    assert told.exit_code == 0, told.output
    assert requests() == 1
    assert _broken(app) == []
    assert list(uploads_of(app).glob(".replaced-1/*"))


def test_a_backup_of_the_other_kind_of_database_is_refused(
    app: Flask, a: Builders, databases: Databases, database_kind: str, tmp_path: Path
) -> None:
    a.service_request()
    file = tmp_path / "all.tar"
    assert command(app, "backup", str(file)).exit_code == 0
    other = "postgresql" if database_kind == "sqlite" else "sqlite"
    there = create_app(settings(databases.without_schema(other), tmp_path / "there"))
    answer = command(there, "restore", str(file))
    assert answer.exit_code == 1
    assert f"was made of a {database_kind} database" in answer.output
    with there.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("harm", ["cut off", "changed", "something else"])
def test_a_damaged_backup_changes_nothing(
    app: Flask, elsewhere: Flask, a: Builders, tmp_path: Path, harm: str
) -> None:
    a.photo(a.service_request(need="水龙头滴水" * 50))
    file = tmp_path / "all.tar"
    assert command(app, "backup", str(file)).exit_code == 0
    content = bytearray(file.read_bytes())
    if harm == "cut off":
        content = content[: len(content) // 2]
    elif harm == "changed":
        at = content.index("水龙头滴水".encode())
        content[at : at + 15] = "水管儿滴水".encode()
    else:
        content = bytearray(b"not a backup at all" * 1000)
    file.write_bytes(content)

    answer = command(elsewhere, "restore", str(file))

    assert answer.exit_code == 1
    assert "Traceback" not in answer.output
    assert isinstance(answer.exception, SystemExit)
    with elsewhere.app_context():
        assert backup.KINDS[db.engine.dialect.name].is_empty(db.engine)
        assert not [path for path in uploads_of(elsewhere).glob("*") if path.is_dir()]


def test_photos_of_drafts_thrown_away_meanwhile_leave_nothing_dangling(
    app: Flask, elsewhere: Flask, a: Builders, tmp_path: Path
) -> None:
    a.photo(a.service_request())
    stored = save_photo(BytesIO(small_jpeg()), "photo.jpg", uploads_of(app))
    with transaction():
        draft = drafts.save("d" * 32, {}, actor=resident(), now=a.now)
        add_to_draft(draft, [stored], actor=resident(), now=a.now)
    delete_photo(uploads_of(app), stored.key)
    file = tmp_path / "all.tar"
    report = backup.back_up(db.engine, uploads_of(app), file, secret_key="x" * 32, now=a.now)
    assert report.lost == []
    with elsewhere.app_context():
        backup.restore(db.engine, uploads_of(elsewhere), file)
        assert _broken(elsewhere) == []
        db.session.remove()


def test_the_secret_is_not_in_it_and_another_one_is_pointed_out(
    app: Flask, elsewhere: Flask, a: Builders, tmp_path: Path
) -> None:
    a.service_request()
    file = tmp_path / "all.tar"
    assert command(app, "backup", str(file)).exit_code == 0
    assert app.config["SECRET_KEY"].encode() not in file.read_bytes()
    with tarfile.open(file) as archive:
        assert archive.getnames()[0] == "manifest.json"
        assert archive.getnames()[-1] == "end.json"

    same = command(elsewhere, "restore", str(file))
    assert "SECRET_KEY" not in same.output
    other = create_app(settings(elsewhere.config["SQLALCHEMY_DATABASE_URI"], tmp_path / "third"))
    own: Settings = other.config["SETTINGS"]
    object.__setattr__(own, "secret_key", "another secret that is long enough")
    again = command(other, "restore", str(file), "--replace")
    assert "SECRET_KEY" in again.output
    with other.app_context():
        db.engine.dispose()


def _warm_up(app: Flask, cast: Cast, now: datetime) -> None:
    """Let a few things have happened already."""
    moments = (now + timedelta(minutes=number) for number in count())
    Walk(cast, uploads_of(app), lambda: next(moments), random.Random(7)).go(150)  # noqa: S311


def _broken(app: Flask) -> list[str]:
    db.session.rollback()
    with snapshot_of(db.engine, uploads_of(app)) as snapshot:
        return [f"{each.invariant}: {each.words}" for each in violations(snapshot)]
