"""Refuses locks that are gone with the statement that took them.

On PostgreSQL what is read outside of a change has no transaction: decisions/0012.
"""

import re
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

_LOCKS: Final = re.compile(
    r"\bFOR (?:NO KEY )?(?:UPDATE|SHARE|KEY SHARE)\b|pg_advisory_xact", re.IGNORECASE
)


class LockWithoutATransactionError(AssertionError):
    """Something is locked for nobody: the next statement finds it changed."""


def watch() -> None:
    """Look at every statement of this process from now on."""
    event.listen(Engine, "before_cursor_execute", _look)


def _look(
    connection: Connection,
    _cursor: Any,  # noqa: ANN401 - the driver's
    statement: str,
    _parameters: object,
    _context: object,
    _many: bool,  # noqa: FBT001 - the signature is SQLAlchemy's
) -> None:
    raw = connection.connection.driver_connection
    if isinstance(raw, psycopg.Connection) and raw.autocommit and _LOCKS.search(statement):
        raise LockWithoutATransactionError(statement[:200])
