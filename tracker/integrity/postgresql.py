"""Backup of PostgreSQL: every table by COPY, in one transaction that sees one moment.

Without pg_dump, which would have to be there and of the server's version.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import Engine, NullPool, create_engine, text

from tracker import schema
from tracker.integrity.sqlite import Readable
from tracker.integrity.tables import BackupError, Photo, Source, has_no_rows

is_empty = has_no_rows
_COLUMNS: Final = """
    SELECT c.table_name, array_agg(c.column_name::text ORDER BY c.ordinal_position)
    FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
    AND c.is_generated = 'NEVER' AND c.table_name <> 'alembic_version'
    GROUP BY c.table_name ORDER BY c.table_name
"""
_SEQUENCES: Final = """
    SELECT sequencename, last_value FROM pg_sequences
    WHERE schemaname = current_schema() AND last_value IS NOT NULL
"""
_REFERENCES: Final = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
"""


@contextmanager
def opened(engine: Engine, work: Path) -> Iterator[Source]:
    """Give the database as it is now, for as long as it takes to write it."""
    own = create_engine(engine.url, poolclass=NullPool, isolation_level="REPEATABLE READ")
    with own.connect() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        raw = _raw(connection)
        columns = {name: list(names) for name, names in raw.execute(_COLUMNS)}
        rows = {name: _count(raw, name) for name in columns}
        revision = raw.execute("SELECT version_num FROM alembic_version").fetchone()
        if revision is None:
            message = "The database has no tables yet."
            raise BackupError(message)
        yield Source(
            revision[0],
            rows,
            columns,
            lambda: _tables(raw, columns, work),
            lambda: _photos(raw),
            lambda: dict(raw.execute(_SEQUENCES).fetchall()),
        )


@contextmanager
def receiving(engine: Engine, manifest: Mapping[str, Any], _work: Path) -> Iterator["Receiver"]:
    """Give what takes in the tables, all of them or none."""
    _prepare_schema(engine, manifest["revision"])
    own = create_engine(engine.url, poolclass=NullPool)
    with own.begin() as connection:
        receiver = Receiver(_raw(connection), manifest["tables"])
        receiver.begin()
        yield receiver


class Receiver:
    """Takes in one table after the other; references are checked when all are there."""

    def __init__(
        self, connection: "psycopg.Connection[Any]", columns: Mapping[str, Sequence[str]]
    ) -> None:
        self._connection = connection
        self._columns = columns
        self._references: Sequence[tuple[str, str, str]] = ()

    def begin(self) -> None:
        """Empty the tables, and let nothing happen by itself while they are filled."""
        self._references = self._connection.execute(_REFERENCES).fetchall()
        for table, name, _definition in self._references:
            self._alter(table, sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(name)))
        for table in self._columns:
            self._alter(table, sql.SQL("DISABLE TRIGGER USER"))

        self._connection.execute(sql.SQL("TRUNCATE {}").format(_listed(list(self._columns))))

    def take(self, name: str, content: Readable) -> None:
        """Fill the table `name`."""
        if name not in self._columns:
            message = f"The backup has a table {name} that it does not describe."
            raise BackupError(message)
        command = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(name), _listed(self._columns[name])
        )
        with self._connection.cursor() as cursor, cursor.copy(command) as copy:
            while chunk := content.read():
                copy.write(chunk)

    def finish(self, end: Mapping[str, Any]) -> None:
        """Go on counting where the backup was, and check every reference."""
        keys: Sequence[str] = end["discarded"]
        self._connection.execute("DELETE FROM photo WHERE key = ANY(%s)", (list(keys),))
        for name, value in end["sequences"].items():
            self._connection.execute("SELECT setval(quote_ident(%s)::regclass, %s)", (name, value))
        for table, name, definition in self._references:
            added = sql.SQL("ADD CONSTRAINT {} {}").format(
                sql.Identifier(name),
                sql.SQL(definition),  # PostgreSQL's own words
            )
            self._alter(table, added)
        for table in self._columns:
            self._alter(table, sql.SQL("ENABLE TRIGGER USER"))

    def _alter(self, table: str, change: sql.Composable) -> None:
        name = sql.Identifier(table.strip('"'))
        self._connection.execute(sql.SQL("ALTER TABLE {} {}").format(name, change))


def _prepare_schema(engine: Engine, revision: str) -> None:
    """Bring the database to the schema of the backup: first away with another one."""
    with engine.begin() as connection:
        there = connection.scalar(text("SELECT to_regclass('alembic_version')"))
        present = there and connection.scalar(text("SELECT version_num FROM alembic_version"))
        if present == revision:
            return
        if present:
            names = [name for name, _columns in _raw(connection).execute(_COLUMNS)]
            listed = ", ".join(f'"{name}"' for name in names)
            connection.execute(text(f"TRUNCATE {listed} CASCADE"))
    if present:
        schema.downgrade("base")
    schema.upgrade(revision)


def _raw(connection: Any) -> "psycopg.Connection[Any]":  # noqa: ANN401 - SQLAlchemy's
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)  # noqa: S101 - the only driver that there is
    return raw


def _tables(
    raw: "psycopg.Connection[Any]", columns: Mapping[str, Sequence[str]], work: Path
) -> Iterator[tuple[str, Path]]:
    for table, names in columns.items():
        path = work / table
        command = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(table), _listed(names))
        with path.open("wb") as file, raw.cursor() as cursor, cursor.copy(command) as copy:
            for chunk in copy:
                file.write(chunk)
        yield table, path


def _photos(raw: "psycopg.Connection[Any]") -> Iterator[Photo]:
    with raw.cursor(name="photos") as cursor:
        cursor.execute("SELECT id, key, service_request_id IS NULL FROM photo ORDER BY id")
        for number, key, is_of_draft in cursor:
            yield Photo(number, key, is_of_draft)


def _listed(names: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _count(raw: "psycopg.Connection[Any]", table: str) -> int:
    found = raw.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return int(found[0]) if found else 0
