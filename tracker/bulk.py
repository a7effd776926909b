"""Writing many rows with one statement. In the caller's transaction, past the session's objects.

PostgreSQL takes the rows as one parameter: a statement for each row costs it several times what
the writing does. SQLite, in the same process, has no such way to go.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, text, update

from tracker.database import db

Row = Mapping[str, Any]
"""The values of a row by its columns' names, as Python has them. All rows of a call name the same."""


def insert_many(table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; what they do not name takes the database's own default."""
    if not rows:
        return
    connection = db.session.connection()
    if not _takes_sets(connection):
        connection.execute(insert(table), [dict(row) for row in rows])
        return
    names = ", ".join(_quoted(table, rows[0], connection))
    connection.execute(
        text(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {_set_of(table)}"),  # noqa: S608 - names of ours
        {"given": _as_json(rows)},
    )


def update_many(table: Table, rows: Sequence[Row]) -> None:
    """Update the rows whose `id` each of `rows` names with what else it names."""
    if not rows:
        return
    connection = db.session.connection()
    changed = [name for name in rows[0] if name != "id"]
    if not _takes_sets(connection):
        connection.execute(
            update(table)
            .where(table.c.id == bindparam("its_id"))
            .values({name: bindparam(f"new_{name}") for name in changed}),
            [
                {"its_id": row["id"], **{f"new_{name}": row[name] for name in changed}}
                for row in rows
            ],
        )
        return
    given = ", ".join(f"{name} = given.{name}" for name in _quoted(table, changed, connection))
    connection.execute(
        text(
            f"UPDATE {table.name} AS held SET {given} FROM {_set_of(table)}"  # noqa: S608 - names of ours
            " WHERE held.id = given.id"
        ),
        {"given": _as_json(rows)},
    )


def _takes_sets(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _set_of(table: Table) -> str:
    return f"json_populate_recordset(NULL::{table.name}, CAST(:given AS json)) AS given"


def _quoted(table: Table, names: Collection[str], connection: Connection) -> list[str]:
    prepare = connection.dialect.identifier_preparer
    return [prepare.quote(table.c[name].name) for name in names]


def _as_json(rows: Sequence[Row]) -> str:
    return json.dumps([dict(row) for row in rows], default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat()
    message = f"This cannot be written with many rows: {value!r}."
    raise TypeError(message)
