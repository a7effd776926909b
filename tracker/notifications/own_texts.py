"""Text messages to one of the staff that wait while their number is changed, or it or the gateway goes.

Nobody becomes unreachable by that: what nobody can send any more goes by mail. What a worker has in
hand goes where it goes, unless it finds that the number was given up.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select

from tracker.accounts.models import Person
from tracker.database import db
from tracker.notifications.models import Channel, Message
from tracker.notifications.outbox import enqueue
from tracker.notifications.together import FOR_STAFF

NUMBER_GONE: Final = "number_gone"
NO_GATEWAY: Final = "no_gateway_for_staff"
"""Why a message is given up; the page says it in words."""
_PERSON: Final = "person_id"
_HAS_MAIL: Final = "has_mail"
WHOSE: Final = frozenset({_PERSON})
"""Which of the facts of a text tell whose it is."""


def facts(person_id: int, *, has_mail: bool) -> Mapping[str, Any]:
    """Return what a text to one of the staff remembers: whose it is, and whether mail tells them as well.

    The number alone does not say whose it is: several people may share one.
    """
    return {_PERSON: person_id, _HAS_MAIL: has_mail}


def whose(kind: str, payload: Mapping[str, Any]) -> int | None:
    """Return to whom of the staff a text goes; None for all others."""
    return payload.get(_PERSON) if kind in FOR_STAFF else None


def redirect(person_id: int, number: str, to: str, *, now: datetime) -> None:
    """Let what waits to go to somebody's number go to another one of theirs."""
    for message in _waiting(person_id, number, now=now):
        if message.bound_at is not None:  # it may have arrived there: here it is another one
            message.message_key = secrets.token_hex(16)
        if message.last_error:
            message.run_at = now
        message.address = to
        message.bound_at = message.sent_with_id = message.leased_until = None
        message.attempts, message.last_error = 0, ""


def mail_instead_of(person_id: int, number: str, *, now: datetime) -> None:
    """Let what waits to go to a number that somebody gave up go by mail, where it does not already."""
    for message in _waiting(person_id, number, now=now):
        mail_instead(message, NUMBER_GONE, now=now)


def mail_instead(message: Message, reason: str, *, now: datetime) -> None:
    """Give up one text to one of the staff, and write a mail in its place, unless one was written with it."""
    message.failed_at, message.last_error = now, reason
    message.leased_until = None
    person = db.session.get_one(Person, message.payload[_PERSON])
    if message.payload.get(_HAS_MAIL) or person.email is None or person.ended_at is not None:
        return
    told = {
        name: value for name, value in message.payload.items() if name not in (_PERSON, _HAS_MAIL)
    }
    enqueue(
        message.kind,
        address=person.email,
        locale=message.locale,
        payload=told,
        now=now,
        service_request_id=message.service_request_id,
        run_at=message.wanted_at,
    )


def _waiting(person_id: int, number: str, *, now: datetime) -> Sequence[Message]:
    """Return what waits to go to somebody's number and is in no hand, held until the transaction ends."""
    return db.session.scalars(
        select(Message)
        .where(
            Message.address == number,
            Message.channel == Channel.TEXT_MESSAGE,
            Message.kind.in_(sorted(FOR_STAFF)),
            Message.payload[_PERSON].as_integer() == person_id,
            Message.sent_at.is_(None),
            Message.failed_at.is_(None),
            or_(Message.leased_until.is_(None), Message.leased_until <= now),
        )
        .order_by(Message.id)
        .with_for_update(skip_locked=True)
    ).all()
