"""Reading the outbox."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Select, func, select

from tracker.database import db
from tracker.errors import NotFoundError
from tracker.notifications.models import Channel, Message
from tracker.notifications.words import Fate

MOST_COUNTED: Final = 1000
OF_ITS_OWN = Message.sent_with_id.is_(None)
"""What goes in another one's mail is shown with that one."""
UNSENT = (Message.sent_at.is_(None), Message.failed_at.is_(None))
CONDITIONS: dict[Fate, tuple[ColumnElement[bool], ...]] = {
    Fate.WAITING: (*UNSENT, Message.last_error == ""),
    Fate.STUCK: (*UNSENT, Message.last_error != ""),
    Fate.GIVEN_UP: (Message.failed_at.is_not(None),),
    Fate.SENT: (Message.sent_at.is_not(None),),
}


def counts() -> dict[Fate, int]:
    """Return how many mails have each fate; `MOST_COUNTED` means as many or more."""
    return {
        fate: db.session.scalar(
            select(func.count()).select_from(
                select(Message.id).where(OF_ITS_OWN, *conditions).limit(MOST_COUNTED).subquery()
            )
        )
        or 0
        for fate, conditions in CONDITIONS.items()
    }


def messages(fate: Fate) -> Select[Message]:
    """Select the messages with one fate, but for those that go in another one's mail."""
    return select(Message).where(OF_ITS_OWN, *CONDITIONS[fate])


def in_one_mail(messages: Sequence[Message]) -> Mapping[int, Mapping[str, int]]:
    """Return of how many messages of each kind a mail is made, by its id: those of several alone."""
    ids = [one.id for one in messages]
    found: dict[int, dict[str, int]] = {}
    rows = db.session.execute(
        select(Message.sent_with_id, Message.kind, func.count())
        .where(Message.sent_with_id.in_(ids))
        .group_by(Message.sent_with_id, Message.kind)
        .order_by(Message.kind)
    )
    for leading, kind, count in rows:
        found.setdefault(leading or 0, {})[kind] = count
    for one in messages:
        if one.id in found:
            found[one.id][one.kind] = found[one.id].get(one.kind, 0) + 1
    return found


def message(message_id: int) -> Message:
    """Return one message, as the first of its mail. Raises `NotFoundError`."""
    found = db.session.get(Message, message_id)
    if found is None or found.sent_with_id is not None:
        text = "There is no such message."
        raise NotFoundError(text)
    return found


def delivered_to_the_page(channel: Channel, *, address: str = "", limit: int = 50) -> list[Message]:
    """Return the latest a demonstration sent by a channel, newest first, perhaps to one address only."""
    query = select(Message).where(
        Message.channel == channel, Message.sent_at.is_not(None), Message.body != ""
    )
    if address:
        query = query.where(Message.address == address)
    return list(
        db.session.scalars(
            query.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)
        )
    )
