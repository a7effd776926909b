"""What the staff are told on their own page: written with the step that it is about, read by a tap.

Everything here is of one person, whose id the caller passes: nobody reads another's.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Integer,
    ScalarSelect,
    Select,
    SQLColumnExpression,
    bindparam,
    delete,
    func,
    select,
    update,
)

from tracker.bulk import insert_many
from tracker.database import db, know, once_a_transaction, read
from tracker.errors import NotFoundError
from tracker.notifications.models import InboxEntry

KEPT: Final = timedelta(days=90)
"""How long what was read is kept. What nobody has read stays."""
MOST_COUNTED: Final = 100
"""Nobody needs to know how many more they have not read."""


def _unread_of(person_id: SQLColumnExpression[int]) -> Select[int]:
    of_them = select(InboxEntry.id).where(
        InboxEntry.person_id == person_id, InboxEntry.read_at.is_(None)
    )
    return select(func.count()).select_from(
        of_them.limit(MOST_COUNTED).correlate_except(InboxEntry).subquery()
    )


_UNREAD: Final = _unread_of(bindparam("person_id", type_=Integer))


def tell(person_id: int, *, service_request_id: int, step: str, now: datetime) -> None:
    """Write that somebody is told of a step, in the caller's transaction: both or neither."""
    db.session.add(
        InboxEntry(
            person_id=person_id, service_request_id=service_request_id, step=step, created_at=now
        )
    )


def tell_many(entries: Sequence[Mapping[str, Any]]) -> None:
    """Write many at once: the columns of `InboxEntry` by their names, in the caller's transaction."""
    insert_many(InboxEntry.metadata.tables[InboxEntry.__tablename__], entries)


def count_since(person_id: int, *, service_request_id: int, step: str, since: datetime) -> int:
    """Return how often somebody was told of a step of a request since a moment."""
    told = _about(person_id, service_request_id, step).where(InboxEntry.created_at > since)
    return db.session.scalar(select(func.count()).select_from(told.subquery())) or 0


def is_unread(person_id: int, *, service_request_id: int, step: str) -> bool:
    """Tell whether somebody was told of a step of a request, and has not read it yet."""
    unread = _about(person_id, service_request_id, step).where(InboxEntry.read_at.is_(None))
    return db.session.scalar(unread.limit(1)) is not None


@once_a_transaction
def unread(person_id: int) -> int:
    """Return how many messages somebody has not read; `MOST_COUNTED` means as many or more."""
    with db.session.no_autoflush:  # the frame of a page asks, whatever was begun on it
        return int(read(_UNREAD, {"person_id": person_id}).scalar_one())


def unread_beside(person_id: SQLColumnExpression[int]) -> ScalarSelect[int]:
    """Return the same as a column, for a statement that reads the person as well.

    Whoever executes it hands the value to `know_unread`.
    """
    return _unread_of(person_id).scalar_subquery()


def know_unread(person_id: int, count: int) -> None:
    """Spare this transaction the counting: it was done beside something else."""
    know(unread, person_id, answer=count)


def entries(person_id: int) -> Select[InboxEntry]:
    """Select what somebody was told."""
    return select(InboxEntry).where(InboxEntry.person_id == person_id)


def entry(person_id: int, entry_id: int) -> InboxEntry:
    """Return one message. Raises `NotFoundError` also for another's."""
    found = db.session.scalar(entries(person_id).where(InboxEntry.id == entry_id))
    if found is None:
        text = "There is no such message."
        raise NotFoundError(text)
    return found


def mark_read(found: InboxEntry, *, now: datetime) -> None:
    """Remember that it was read; the first time counts."""
    if found.read_at is None:
        found.read_at = now


def mark_all_read(person_id: int, *, up_to: int, now: datetime) -> int:
    """Remember that all was read up to the message `up_to`; return how many had not been.

    What came after it was not on the page that says so.
    """
    waiting = update(InboxEntry).where(
        InboxEntry.person_id == person_id,
        InboxEntry.read_at.is_(None),
        InboxEntry.id <= up_to,
    )
    return int(db.session.execute(waiting.values(read_at=now)).rowcount)  # type: ignore[attr-defined] # an UPDATE has one


def forget_old(*, now: datetime) -> int:
    """Forget what was read and is older than `KEPT`; return how many these were."""
    old = delete(InboxEntry).where(
        InboxEntry.created_at < now - KEPT, InboxEntry.read_at.is_not(None)
    )
    return int(db.session.execute(old).rowcount)  # type: ignore[attr-defined] # a DELETE has one


def _about(person_id: int, service_request_id: int, step: str) -> Select[int]:
    return select(InboxEntry.id).where(
        InboxEntry.service_request_id == service_request_id,
        InboxEntry.person_id == person_id,
        InboxEntry.step == step,
    )
