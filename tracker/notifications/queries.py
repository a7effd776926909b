"""Reading the outbox."""

from typing import Final

from sqlalchemy import ColumnElement, Select, func, select

from tracker.database import db
from tracker.errors import NotFoundError
from tracker.notifications.models import Message
from tracker.notifications.words import Fate

MOST_COUNTED: Final = 1000
UNSENT = (Message.sent_at.is_(None), Message.failed_at.is_(None))
CONDITIONS: dict[Fate, tuple[ColumnElement[bool], ...]] = {
    Fate.WAITING: (*UNSENT, Message.last_error == ""),
    Fate.STUCK: (*UNSENT, Message.last_error != ""),
    Fate.GIVEN_UP: (Message.failed_at.is_not(None),),
    Fate.SENT: (Message.sent_at.is_not(None),),
}


def counts() -> dict[Fate, int]:
    """Return how many messages have each fate; `MOST_COUNTED` means as many or more."""
    return {
        fate: db.session.scalar(
            select(func.count()).select_from(
                select(Message.id).where(*conditions).limit(MOST_COUNTED).subquery()
            )
        )
        or 0
        for fate, conditions in CONDITIONS.items()
    }


def messages(fate: Fate) -> Select[Message]:
    """Select the messages with one fate."""
    return select(Message).where(*CONDITIONS[fate])


def message(message_id: int) -> Message:
    """Return one message. Raises `NotFoundError`."""
    found = db.session.get(Message, message_id)
    if found is None:
        text = "There is no such message."
        raise NotFoundError(text)
    return found


def delivered_to_the_page(*, address: str = "", limit: int = 50) -> list[Message]:
    """Return the latest mails of a demonstration, newest first, perhaps to one address only."""
    query = select(Message).where(Message.sent_at.is_not(None), Message.body != "")
    if address:
        query = query.where(Message.address == address)
    return list(
        db.session.scalars(
            query.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)
        )
    )
