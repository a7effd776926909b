"""Which messages go as one mail, or one text message: what waits for one reader when a worker takes it up.

Which go with which is written in the transaction that takes them up. Whoever takes them up again,
after a crash say, finds it there, and what has come meanwhile goes in a mail of its own. Only where no
line could be opened, nothing can have arrived: what has come by the next try goes along.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, or_, select

from tracker.database import db
from tracker.notifications.models import Channel, Message

CHANNELS: Final = frozenset({Channel.EMAIL, Channel.TEXT_MESSAGE})
"""Ways of sending whose messages can be put together; text messages, those to the staff alone."""
FOR_STAFF: Final = frozenset({"staff_step", "ladder", "handed_over"})
"""Kinds that tell one of the staff of requests: what waits for one person goes as one."""
FOR_REQUESTERS: Final = "requester_step"
"""Of one request alone, and only where nothing is asked."""
NOTHING_ASKED: Final = frozenset({"accept", "assign", "claim", "extend", "unpark"})
"""Steps of which a requester must only know. What they must answer, who comes to their door, and how it
ends have a mail of their own, under their own subject."""
MOST: Final = 200
"""Nobody's mail is made of more; the rest goes in the next one."""


def waiting(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on a message whose time has come and that no worker has in hand."""
    return (Message.run_at <= now, *_in_no_hand(now))


def _in_no_hand(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Message.sent_at.is_(None),
        Message.failed_at.is_(None),
        or_(Message.leased_until.is_(None), Message.leased_until <= now),
    )


def gathered(leading: Sequence[Message], *, now: datetime) -> Mapping[int, Sequence[Message]]:
    """Return, by the id of the message in whose mail they go, the others: none has no entry.

    `leading` are rows that the caller holds locked, in the order in which they are sent. Those that
    join another one are among the values; whatever was put together before stays as it was.
    """
    found: dict[int, list[Message]] = {}
    bound = db.session.scalars(
        select(Message)
        .where(Message.sent_with_id.in_([one.id for one in leading]))
        .order_by(Message.id)
    )
    for one in bound:
        found.setdefault(one.sent_with_id or 0, []).append(one)
    fresh = [one for one in leading if one.bound_at is None and _reader(one) is not None]
    for first, *others in _groups([*fresh, *_more_for(fresh, now=now)]):
        for one in others[: MOST - 1]:
            one.sent_with_id = first.id
        if others:
            found[first.id] = others[: MOST - 1]
    return found


def mail(message_id: int) -> Sequence[Message]:
    """Return all messages of one mail, the leading one first, held until the transaction ends.

    Whoever changes them asks here, and takes hold of the leading one first: nobody waits for another
    who waits for them.
    """
    return db.session.scalars(
        select(Message)
        .where(or_(Message.id == message_id, Message.sent_with_id == message_id))
        .order_by(Message.sent_with_id.is_not(None), Message.id)
        .with_for_update()
    ).all()


def _reader(message: Message) -> Hashable | None:
    """Return what messages that may be put together have in common; None: it stands alone."""
    if message.channel not in CHANNELS:
        return None
    reader = (message.channel, message.address, message.locale)
    if message.kind in FOR_STAFF:
        # Two of them may share a number, and each has a page of messages of their own.
        return (*reader, "staff", message.payload.get("person_id"))
    if message.channel is not Channel.EMAIL:
        return None
    if message.kind == FOR_REQUESTERS and message.payload.get("step") in NOTHING_ASKED:
        # A planned visit that is called off is told as a step, too.
        return None if message.payload.get("calls_off") else (*reader, message.service_request_id)
    return None


def _more_for(fresh: Sequence[Message], *, now: datetime) -> Sequence[Message]:
    """Return what else waits for the same readers and cannot have arrived, and take hold of it."""
    if not fresh:
        return []
    more = db.session.scalars(
        select(Message)
        .where(
            *_in_no_hand(now),
            # What waits only for its next try comes along: nothing of it has arrived.
            or_(Message.run_at <= now, Message.last_error != ""),
            Message.address.in_(sorted({one.address for one in fresh})),
            Message.id.not_in([one.id for one in fresh]),
            Message.kind.in_(sorted({one.kind for one in fresh} | FOR_STAFF)),
            Message.sent_with_id.is_(None),
            Message.bound_at.is_(None),
        )
        # As its index is: by time, SQLite would go over all that waits for anybody.
        .order_by(Message.address, Message.id)
        .limit(MOST * len(fresh))
        .with_for_update(skip_locked=True)
    )
    readers = {_reader(one) for one in fresh}
    mine = [one for one in more if _reader(one) in readers]
    return sorted(mine, key=lambda one: (one.run_at, one.id))


def _groups(messages: Iterable[Message]) -> Sequence[Sequence[Message]]:
    """Return messages by reader, each in the order in which they were to go."""
    by_reader: dict[Hashable, list[Message]] = {}
    for one in messages:
        by_reader.setdefault(_reader(one), []).append(one)
    return list(by_reader.values())
