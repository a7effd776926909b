"""Backup of the embedded database: SQLite's own online copy, which writers do not disturb."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Engine

from tracker import private_files
from tracker.integrity.tables import BackupError, Photo, Source, has_no_rows

FILE: Final = "shishi.db"
is_empty = has_no_rows


class Readable(Protocol):
    """What a part of a backup is read from."""

    def read(self, size: int = ..., /) -> bytes:
        """Return at most `size` bytes."""
        ...


@contextmanager
def opened(engine: Engine, work: Path) -> Iterator[Source]:
    """Give a copy of the database as it is now, made in one go below `work`."""
    copy = work / FILE
    with (
        closing(sqlite3.connect(_path(engine))) as origin,
        closing(sqlite3.connect(copy)) as target,
    ):
        origin.backup(target)
        # One file holds all of it.
        target.execute("PRAGMA journal_mode=DELETE")
    photo_list = work / "photos.db"
    with closing(sqlite3.connect(copy)) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith("sqlite_")
        ]
        rows = {name: _count(connection, name) for name in tables}
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        # The copy is deleted once it is written; the photos to look for stay.
        connection.execute("ATTACH ? AS kept", (str(photo_list),))
        connection.execute(
            "CREATE TABLE kept.photo AS SELECT id, key, service_request_id IS NULL AS is_of_draft"
            " FROM main.photo"
        )
    yield Source(
        revision,
        rows,
        {},
        lambda: iter([(FILE, copy)]),
        lambda: _photos(photo_list),
        dict,
    )


@contextmanager
def receiving(engine: Engine, _manifest: Mapping[str, Any], work: Path) -> Iterator["Receiver"]:
    """Give what takes in the copy."""
    yield Receiver(engine, work / FILE)


class Receiver:
    """Takes in a copy, and lets it be the database in one go."""

    def __init__(self, engine: Engine, copy: Path) -> None:
        self._engine = engine
        self._copy = copy

    def take(self, _name: str, content: Readable) -> None:
        """Keep the copy aside."""
        with self._copy.open("wb") as file:
            while chunk := content.read():
                file.write(chunk)

    def finish(self, end: Mapping[str, Any]) -> None:
        """Let the copy be the database, for whoever is connected too."""
        with closing(sqlite3.connect(self._copy)) as origin:
            try:
                (said,) = origin.execute("PRAGMA quick_check").fetchone()
            except sqlite3.DatabaseError as error:
                said = str(error)
            if said != "ok":
                message = f"The database in the backup is damaged: {said}"
                raise BackupError(message)
            keys: Sequence[str] = end["discarded"]
            with origin:
                origin.executemany("DELETE FROM photo WHERE key = ?", [(key,) for key in keys])
            path = _path(self._engine)
            path.parent.mkdir(parents=True, exist_ok=True)
            private_files.make(path)
            self._engine.dispose()
            with closing(sqlite3.connect(path)) as target:
                target.execute("PRAGMA journal_mode=WAL")
                origin.backup(target)


def _path(engine: Engine) -> Path:
    if not engine.url.database or engine.url.database == ":memory:":
        message = "A database in memory cannot be backed up."
        raise BackupError(message)
    return Path(engine.url.database)


def _count(connection: sqlite3.Connection, table: str) -> int:
    found: int = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608 - our own names
    return found


def _photos(path: Path) -> Iterator[Photo]:
    with closing(sqlite3.connect(path)) as connection:
        for number, key, is_of_draft in connection.execute("SELECT * FROM photo ORDER BY id"):
            yield Photo(number, key, bool(is_of_draft))
