"""The base of every table, UTC times, and the only commit.

SQLite: WAL, foreign keys on, a busy timeout, and a writing unit of work begins IMMEDIATE: with
the driver's own way, two writers silently lose updates (both read, both write), and with a
plain BEGIN the second fails at once however long the busy timeout is. See
docs/decisions/0002-writers-begin-immediate.md.
"""

import enum
import hashlib
import inspect
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from select import POLLIN, poll
from types import MappingProxyType
from typing import Any, ClassVar, Final, ParamSpec, TypeAlias, TypeVar, cast, overload

import psycopg
from flask_sqlalchemy import SQLAlchemy
from psycopg import Column
from psycopg.pq import ExecStatus, Format, TransactionStatus
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Executable,
    MetaData,
    TypeDecorator,
    bindparam,
    event,
    func,
    literal,
    literal_column,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteDialect
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext, ExecutionContext
from sqlalchemy.exc import DisconnectionError, IntegrityError
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    ORMExecuteState,
    Session,
    SessionTransaction,
    UOWTransaction,
)
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.sql import FromClause

from tracker import private_files

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_TIMEOUT_MS = 10_000
TURN_WITHIN_S = 20.0
"""How long a writer waits for its turn on SQLite."""
TURN_ASKED_EVERY_S = (0.001, 0.005)
"""Between these, by chance: whoever waits longest is not asked to wait longer still."""
CONNECTS_WITHIN_S = 5


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Refuses naive times; gives aware UTC times back, also from SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """Return what a value is in Python."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return `value` in UTC, naive where the database keeps no zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "A time without a zone must not reach the database."
            raise ValueError(message)
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Return `value` aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None] | None:
        """Return what reads a value: SQLite's text at once, of which a page has hundreds."""
        return (
            _utc_of_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)
        )


def _utc_of_text(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value + "+00:00")
    except ValueError:  # written by another program, with its zone
        return datetime.fromisoformat(value).astimezone(UTC)


def values_of(choices: type[enum.Enum]) -> list[str]:
    """Return what is stored of an enum: its values, which read well in SQL, not the names."""
    return [choice.value for choice in choices]


def enum_column(kind: type[enum.Enum], *, name: str) -> Enum:
    """Return the type of an enum column whose CHECK needs a name of its own in its table."""
    return Enum(
        kind,
        values_callable=values_of,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=name,
    )


class Model(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)  # so migrations can drop constraints
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        enum.Enum: Enum(
            enum.Enum,
            values_callable=values_of,
            native_enum=False,
            create_constraint=True,
            length=32,
        ),
    }


_Column: TypeAlias = "ColumnElement[Any] | InstrumentedAttribute[Any]"


def among(column: _Column, values: Iterable[Any]) -> ColumnElement[bool]:
    """Return the condition that a column is one of some values, each a parameter of its own.

    The text of a list of SQLAlchemy's own is written anew with every execution, and the whole statement
    is looked through for it: that takes longer than most answers. For what pages ask again and again.
    """
    return column.in_([literal(value, column.type) for value in values])


def always_among(column: _Column, words: Iterable[enum.Enum]) -> ColumnElement[bool]:
    """Return the condition that a column is one of some words that never change, and are no parameters.

    A database plans for what they are, and nothing is handed over with each execution.
    """
    return column.in_([literal_column(f"'{word.value}'") for word in words])


def one_of(column: _Column, how_many: int) -> ColumnElement[bool]:
    """Return the condition that a column is one of so many numbers; `numbered` hands them over."""
    return column.in_([bindparam(f"one_{place}", type_=column.type) for place in range(how_many)])


def numbered(ids: Sequence[int]) -> dict[str, int]:
    """Return the parameters of `one_of`."""
    return {f"one_{place}": each for place, each in enumerate(ids)}


db = SQLAlchemy(metadata=Model.metadata)  # plain typed models, Flask-SQLAlchemy's session


def read(
    statement: Executable, parameters: Mapping[str, object] = MappingProxyType({})
) -> CursorResult[*tuple[Any, ...]]:
    """Return the rows of a statement that selects columns, not things: as the session does, only sooner.

    For what pages ask again and again: the session looks for things in every row, which takes longer
    than most answers. It does not write what waits to be written first.
    """
    return db.session.connection().execute(statement, parameters)


Given = ParamSpec("Given")
Result = TypeVar("Result")
_KNOWN: Final = "known"
_ASKED: Final = "asked"
before_writing: list[Callable[[], None]] = []
"""Filled by `create_app`: what is asked once a change has its turn, perhaps long after it began."""
_writing: ContextVar[bool] = ContextVar("writing", default=False)


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what happens inside, or roll all of it back if anything is raised.

    Views and commands open transactions. Actions and queries never do, so that
    several actions can be made to succeed or fail together.

    What `before_writing` raises, refuses the change; on PostgreSQL, where one waits for the rows
    that one will change, it is asked once more before the first thing is written.
    What was read before is forgotten first: on SQLite the write lock is taken at the
    beginning, so that everything read inside is what the change is made from.
    """
    if _writing.get():
        message = "transaction() is already open: only the outermost caller opens one."
        raise RuntimeError(message)
    db.session.rollback()
    token = _writing.set(True)
    try:
        _ask_first()
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        _writing.reset(token)


def is_changing() -> bool:
    """Tell whether `transaction()` is open here."""
    return _writing.get()


def _ask_first() -> None:
    for check in before_writing:
        check()


@event.listens_for(Session, "before_flush")
def _before_rows_are_written(session: Session, _context: UOWTransaction, _rows: object) -> None:
    if session.new or session.dirty or session.deleted:
        _ask_again(session)


@event.listens_for(Session, "do_orm_execute")
def _before_a_statement_writes(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        _ask_again(state.session)


def _ask_again(session: Session) -> None:
    """Ask what is asked before writing once more, where one may have waited for others meanwhile.

    Before the first thing that is written: who ends what they hold themselves has not ended it yet.
    SQLite has one writer at a time: who waited for their turn had not begun.
    """
    if not _writing.get() or _ASKED in session.info:
        return
    session.info[_ASKED] = True
    if session.connection().dialect.name == "postgresql":
        _ask_first()


def read_in_a_transaction() -> None:
    """Let the session read on in one transaction, so that what it locks stays locked to its end.

    On PostgreSQL a page reads without one (`_read_without_a_transaction`): a lock would be gone with
    the statement that took it.
    """
    raw = db.session.connection().connection.driver_connection
    if isinstance(raw, _PatientConnection):
        raw.read_alone(alone=False)


def begin_afresh() -> None:
    """Close the connection that was at work as a fault of ours came up.

    Something may be half read, and whoever writes the fault down keeps it so: on SQLite, whoever
    used that connection next would go on seeing the past, and could write nothing.
    """
    db.session().invalidate()


def hold(row: Model) -> None:
    """Lock `row` until the transaction ends, and read it anew.

    Who comes second to change it waits here, and then finds what the first did. SQLite has one
    writer at a time anyway.
    """
    db.session.refresh(row, with_for_update={"of": type(row), "key_share": True})


def take_turns(over: str, *, with_others: bool = False) -> None:
    """Hold up whoever takes turns over the same until the transaction ends.

    `with_others`: not those who are here with others as well. SQLite has one writer at a time anyway.
    """
    if db.session.connection().dialect.name == "postgresql":
        lock = hashlib.sha256(over.encode()).digest()[:8]
        take = func.pg_advisory_xact_lock_shared if with_others else func.pg_advisory_xact_lock
        db.session.execute(select(take(int.from_bytes(lock, "big", signed=True))))


def is_taken_already(error: IntegrityError) -> bool:
    """Tell whether a row was refused because there is one with what no two rows may have."""
    told = error.orig
    if isinstance(told, sqlite3.IntegrityError):
        return told.sqlite_errorcode in (
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        )
    return isinstance(told, psycopg.errors.UniqueViolation)


def once_a_transaction(read: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let `read` be asked once in each transaction; in the same one it answers the same again.

    For what a page asks several times, by the same arguments (hashable ones), while it is read, and
    which it does not change itself.
    """

    @wraps(read)
    def answer(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        known = db.session.info.setdefault(_KNOWN, {})
        asked = (read, args, *kwargs.items())
        if asked not in known:
            known[asked] = read(*args, **kwargs)
        found: Result = known[asked]
        return found

    return answer


def know(read: Callable[Given, Result], *args: object, answer: Result) -> None:
    """Spare this transaction `read`, one of `once_a_transaction`: its answer was read beside something else."""
    asked = (inspect.unwrap(read), args)
    db.session.info.setdefault(_KNOWN, {})[asked] = answer


@event.listens_for(Session, "after_transaction_end")
def _forget_what_was_read(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:
        session.info.pop(_KNOWN, None)
        session.info.pop(_ASKED, None)


@event.listens_for(Engine, "handle_error")
def _name_nobody(context: ExceptionContext) -> None:
    """Leave out what PostgreSQL adds to an error: the values of the row that was refused."""
    told = context.original_exception
    primary = getattr(getattr(told, "diag", None), "message_primary", None)
    if primary and context.sqlalchemy_exception is not None:
        told.args = (primary,)
        context.sqlalchemy_exception.args = (f"({type(told).__name__}) {primary}",)


class _SqliteCompiler(SQLiteCompiler):
    """Lets `Select.with_hint` name the index to read, as SQLite can and SQLAlchemy leaves out."""

    def get_from_hint_text(self, _table: FromClause, text: str | None) -> str | None:
        return text


SQLiteDialect.statement_compiler = _SqliteCompiler


def refresh_statistics() -> None:
    """Tell SQLite how its tables look now, or it takes the wrong index; opens a transaction.

    PostgreSQL does so by itself.
    """
    if db.engine.dialect.name == "sqlite":
        with transaction():
            db.session.execute(text("PRAGMA analysis_limit = 1000"))
            db.session.execute(text("ANALYZE"))


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    if not type(connection).__module__.startswith("sqlite3"):
        return
    # The driver's own transactions begin too late; ours are begun below.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # an acknowledged write survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.execute("PRAGMA cache_size=-2048")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        return
    if _writing.get():
        _wait_for_turn(connection)
    else:
        connection.exec_driver_sql("BEGIN")


@event.listens_for(Session, "after_begin")
def _read_without_a_transaction(
    _session: Session, _begun: SessionTransaction, connection: Connection
) -> None:
    """Spare a page that only reads two ways to PostgreSQL and back, one to begin and one to end.

    There each statement sees what was committed before it, in a transaction or not. Who asked for
    another isolation has its transaction.
    """
    raw = connection.connection.driver_connection
    if (
        isinstance(raw, _PatientConnection)
        and not _writing.get()
        and "isolation_level" not in connection.get_execution_options()
    ):
        raw.read_alone(alone=True)


def _wait_for_turn(connection: Connection) -> None:
    """Begin to write, after whoever writes now.

    SQLite itself asks ten times a second in the end: among forty writers somebody then waits
    for ten seconds, and gives up. Asked so often, everybody's turn comes within a few rounds.
    """
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - the dialect's only driver
    deadline = time.monotonic() + TURN_WITHIN_S
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < deadline:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    break
                time.sleep(random.uniform(*TURN_ASKED_EVERY_S))  # noqa: S311 - no secret
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # so that its error is SQLAlchemy's
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


class _Columns(Sequence[Column]):
    """What the columns of an answer are called, found out when somebody asks."""

    def __init__(self, tell: Callable[[], Sequence[Column]]) -> None:
        self._tell = tell

    def __len__(self) -> int:
        return len(self._tell())

    @overload
    def __getitem__(self, index: int) -> Column: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Column]: ...

    def __getitem__(self, index: int | slice) -> Column | Sequence[Column]:
        return self._tell()[index]


class _BriefCursor(psycopg.Cursor[Any]):
    """A cursor that describes its columns to nobody who does not look.

    SQLAlchemy remembers them with the statement; psycopg would make an object of each, each time,
    which takes longer than reading the row that they are of.
    """

    @property
    def description(self) -> Any:  # noqa: ANN401 - a list to psycopg, any sequence to the DBAPI
        """The columns of the answer; None where it has none (PEP 249)."""
        if self.pgresult is None or not self.pgresult.nfields:
            return super().description
        return _Columns(self._columns)

    def _columns(self) -> Sequence[Column]:
        return super().description or ()


class _PatientConnection(psycopg.Connection[Any]):
    """A connection that still knows its prepared statements after a transaction was rolled back.

    Every page that only reads ends so, and planning a statement anew takes longer than its answer.
    psycopg forgets them, as tables may have been made anew in what was rolled back; ours never are.
    """

    _reads_alone = False

    def read_alone(self, *, alone: bool) -> None:
        """Let each statement be a transaction of its own, or, as before, begin one with the first."""
        if self._reads_alone != alone:
            self.autocommit = self._reads_alone = alone

    def rollback(self) -> None:
        """Roll back to the start of any pending transaction."""
        if self.pgconn.transaction_status == TransactionStatus.IDLE:
            return
        if self.pgconn.transaction_status == TransactionStatus.INTRANS:
            with self.lock:
                if self.pgconn.exec_(b"ROLLBACK").status == ExecStatus.COMMAND_OK:
                    return
        super().rollback()  # it says what is wrong


@event.listens_for(Engine, "do_connect")
def _connect_to_postgres(
    dialect: Dialect, _record: ConnectionPoolEntry, given: list[Any], named: dict[str, Any]
) -> DBAPIConnection | None:
    if dialect.name != "postgresql":
        return None
    connection: Any = _PatientConnection.connect(*given, cursor_factory=_BriefCursor, **named)
    return cast("DBAPIConnection", connection)


@event.listens_for(Engine, "do_connect")
def _make_sqlite_private(
    dialect: Dialect, _record: ConnectionPoolEntry, given: list[Any], named: dict[str, Any]
) -> None:
    """Make the file before SQLite does, which lets everybody read it; its journals follow it."""
    if dialect.name == "sqlite" and given[0] != ":memory:" and not named.get("uri"):
        path = Path(given[0])
        if path.parent.is_dir() and not path.exists():
            private_files.make(path)


AS_BYTES: Final = "as_bytes"
"""An execution option: PostgreSQL answers in its own binary form, not in words. For long bytes,
which are twice as long in words and take five times as long to read."""


@event.listens_for(Engine, "checkout")
def _take_over(
    connection: DBAPIConnection, _record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """Begin as if nothing had been asked, and with a new connection if its server has hung up.

    A server that ends says so, and then there is something to read. SQLAlchemy's own way asks the
    server each time, and a machine that is gone answers that as little as any other question.
    """
    raw: Any = connection
    if not isinstance(raw, _PatientConnection):
        return
    raw.read_alone(alone=False)
    if _has_news(raw.fileno()):
        try:
            raw.execute("SELECT 1")
            raw.rollback()
        except psycopg.Error as error:
            raise DisconnectionError from error


def _has_news(descriptor: int) -> bool:
    asked = poll()
    asked.register(descriptor, POLLIN)
    return bool(asked.poll(0))


@event.listens_for(Engine, "before_cursor_execute")
def _choose_format(
    connection: Connection,
    cursor: Any,  # noqa: ANN401 - the driver's
    _statement: str,
    _parameters: object,
    context: ExecutionContext,
    _many: bool,  # noqa: FBT001 - the signature is SQLAlchemy's
) -> None:
    if context.execution_options.get(AS_BYTES) and connection.dialect.name == "postgresql":
        cursor.format = Format.BINARY
    if isinstance(cursor, psycopg.ServerCursor):
        raw: Any = cursor.connection
        raw.read_alone(alone=False)  # it lives as long as its transaction


def engine_options(database_url: str) -> dict[str, Any]:
    """Return how to connect.

    What a statement was given is never told with its error: that would put people into the log.
    """
    always: dict[str, Any] = {"hide_parameters": True}
    if make_url(database_url).database not in (None, "", ":memory:"):
        # The connection used last is used first: few are warm, and keep their pages in memory.
        always["pool_use_lifo"] = True
    if not database_url.startswith("postgresql"):
        return always
    given = make_url(database_url).query
    patience = {
        "connect_timeout": CONNECTS_WITHIN_S,
        # A machine that is gone says nothing: ask, and give up within a minute.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    return {
        **always,
        "connect_args": {name: value for name, value in patience.items() if name not in given},
    }
