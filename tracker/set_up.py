"""What the set-up says, remembered until any of it changes.

Every page reads units, areas, categories, teams, roles and the calendar; they change a few times a
month. Triggers (migration 0010) give the set-up a new stamp in the transaction of each change,
whichever way it comes. A page reads the stamp, and what it knows under that stamp it need not read.

Stamps are random: after a backup is restored, or in another database, none means something else.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, ParamSpec, TypeVar

from sqlalchemy import CheckConstraint, ScalarSelect, String, event, select, text
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    SessionTransaction,
    UOWTransaction,
    mapped_column,
)

from tracker.database import Model, db, is_changing

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

REMEMBERED: Final = 256
"""How many answers of each function are remembered: of so many people, or sets of units."""
WATCHED: Final = frozenset(
    {
        "organisation",
        "calendar_day",
        "unit",
        "area",
        "category",
        "limit_rule",
        "team",
        "membership",
        "role_grant",
        "person",  # its name, and whether it was ended
    }
)
"""The tables whose changes renew the stamp."""
_KEY: Final = "set_up_stamp"


class SetUpStamp(Model):
    """Which set-up this is. One row, written by triggers alone."""

    __tablename__ = "set_up_stamp"
    __table_args__ = (CheckConstraint("id = 1", "is_the_only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    stamp: Mapped[str] = mapped_column(String(36))


def until_set_up_changes(load: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Remember what `load` returns for the same arguments, in this process, while the set-up stays.

    For what `load` reads of the `WATCHED` tables and of its arguments alone (the language is an
    argument, too). What it returns is shared by threads: nothing in it may change, or be bound to
    a database session. Whoever has changed the set-up reads what is there until they commit.
    """

    @lru_cache(REMEMBERED)
    def remembered(_stamp: str, *given: Any, **named: Any) -> Result:  # noqa: ANN401 - as `load`
        return load(*given, **named)

    @wraps(load)
    def answer(*given: Parameters.args, **named: Parameters.kwargs) -> Result:
        stamp = _stamp()
        if stamp is None:
            return load(*given, **named)
        return remembered(stamp, *given, **named)  # type: ignore[arg-type]  # they must be hashable

    return answer


def stamp_beside() -> ScalarSelect[str]:
    """Return the stamp as a column, for a statement that reads something else as well.

    Whoever executes it hands the value to `know_stamp`.
    """
    return select(SetUpStamp.stamp).scalar_subquery()


def know_stamp(stamp: str | None) -> None:
    """Spare this transaction the reading of the stamp: it was read beside something else."""
    db.session.info[_KEY] = stamp


def stamp() -> str | None:
    """Return the stamp as others left it; on SQLite, where nobody else writes now, with own changes."""
    return db.session.scalar(select(SetUpStamp.stamp))


def own_stamp(known: str | None) -> str | None:
    """Return the stamp that this transaction leaves, with its own changes.

    None if others have changed anything since the stamp was `known`: what they did is in it, too.
    """
    if db.session.connection().dialect.name == "postgresql":
        if db.session.scalar(select(SetUpStamp.stamp).with_for_update()) != known:
            return None
        # The trigger waits for the end, so that nobody waits for the one row any longer.
        db.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    return stamp()


def read_past_what_is_remembered() -> None:
    """Let this transaction read what is there: it waited, and others may have changed it."""
    db.session.info[_KEY] = None


def _stamp() -> str | None:
    known = db.session.info
    if _changes_it(db.session()):
        return None
    if _KEY not in known:
        known[_KEY] = db.session.scalar(select(SetUpStamp.stamp))
    stamp: str | None = known[_KEY]
    return stamp


@event.listens_for(Session, "before_flush")
def _notice_changes(session: Session, _context: UOWTransaction, _instances: object) -> None:
    if _changes_it(session):
        session.info[_KEY] = None


def _changes_it(session: Session) -> bool:
    """Tell whether a change of the set-up waits to be written."""
    changed = (*session.new, *session.dirty, *session.deleted)
    return any(one.__tablename__ in WATCHED for one in changed)


@event.listens_for(Session, "do_orm_execute")
def _notice_locks(state: ORMExecuteState) -> None:
    """Ask for the stamp again after a change locked rows: who waited for them reads what is so now.

    On SQLite a change has its turn before it reads anything.
    """
    locks = getattr(state.statement, "_for_update_arg", None) is not None and is_changing()
    if locks and state.session.info.get(_KEY) and not _has_one_writer(state):
        del state.session.info[_KEY]


def _has_one_writer(state: ORMExecuteState) -> bool:
    return state.session.get_bind(**state.bind_arguments).dialect.name == "sqlite"


@event.listens_for(Session, "do_orm_execute")
def _notice_statements(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        table: Any = state.statement.table  # type: ignore[attr-defined]  # of these three
        if getattr(table, "name", "") in WATCHED:
            state.session.info[_KEY] = None


@event.listens_for(Session, "after_transaction_end")
def _forget_stamp(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:
        session.info.pop(_KEY, None)
