"""Sending what the outbox holds: leased, rendered in the reader's language, retried, given up."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from time import monotonic
from typing import Final

from flask import current_app
from sqlalchemy import select

from tracker.config import Settings
from tracker.database import db, transaction
from tracker.notifications import together
from tracker.notifications.channels.carrier import Delayed, Line, Refused
from tracker.notifications.channels.carriers import CARRIERS
from tracker.notifications.letters import Envelope, letter
from tracker.notifications.models import Channel, Message

LEASE: Final = timedelta(minutes=5)
"""How long a worker may take over a batch before another one takes it up."""
PAUSES: Final = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 20, 40, 80, 160))
"""Before the second try, the third, …; then the last of them again and again."""
GIVEN_UP_AFTER: Final = timedelta(days=1)
SECRETS: Final = ("token", "link_salt", "code")
"""What a payload forgets once it was sent."""

_log = logging.getLogger(__name__)


def send_due(*, now: datetime, limit: int = 20) -> int:
    """Send up to `limit` letters of each channel whose time has come; return how many were taken up.

    Two workers never take the same one: rows are leased. A lease that runs out means that the
    worker died; the letter may then go out twice, with the same key. What waits for one reader
    goes as one (see `together`): the same rows each time.
    """
    return sum(send_due_by(channel, now=now, limit=limit) for channel in CARRIERS)


def send_due_by(channel: Channel, *, now: datetime, limit: int = 20) -> int:
    """Send up to `limit` letters of one channel; return how many were taken up."""
    settings: Settings = current_app.config["SETTINGS"]
    carrier = CARRIERS[channel]
    if not carrier.is_ready(settings):
        return 0  # nothing to send with: the outbox page says so
    envelopes = _lease(channel, now=now, limit=limit)
    if not envelopes:
        return 0
    # By a clock that never jumps: a slow server must not outlast the lease.
    ends = monotonic() + LEASE.total_seconds() / 2
    try:
        with carrier.line(settings) as line:
            for place, envelope in enumerate(envelopes):
                if monotonic() > ends:
                    _give_back(envelopes[place:], now=now)
                    return place
                _send(envelope, line, now=now)
    except Delayed as delayed:
        for envelope in envelopes:
            _wait_for_a_line(envelope, str(delayed), now=now, at_least=delayed.after)
    return len(envelopes)


def _lease(channel: Channel, *, now: datetime, limit: int) -> Sequence[Envelope]:
    with transaction():
        leading = db.session.scalars(
            select(Message)
            .where(
                Message.channel == channel,
                Message.sent_with_id.is_(None),
                *together.waiting(now),
            )
            .order_by(Message.run_at, Message.id)
            .limit(limit)
            .with_for_update(skip_locked=True)  # SQLite: the transaction holds the only lock
        ).all()
        others = together.gathered(leading, now=now) if leading else {}
        envelopes = [
            _envelope(message, others.get(message.id, ()))
            for message in leading
            if message.sent_with_id is None
        ]
        for message in {*leading, *chain.from_iterable(others.values())}:
            message.leased_until = now + LEASE
            message.bound_at = message.bound_at or now
            message.attempts += 1
        return envelopes


def _envelope(message: Message, others: Sequence[Message] = ()) -> Envelope:
    return Envelope(
        id=message.id,
        channel=message.channel,
        kind=message.kind,
        address=message.address,
        locale=message.locale,
        payload=dict(message.payload),
        message_key=message.message_key,
        created_at=message.created_at,
        wanted_at=message.wanted_at,
        others=tuple(_envelope(one) for one in others),
        is_new=message.bound_at is None,
    )


def _give_back(envelopes: Sequence[Envelope], *, now: datetime) -> None:
    """Let whoever comes next take up what was not tried."""
    with transaction():
        for envelope in envelopes:
            for message in _in_hand(envelope, now=now):
                message.leased_until = None
                message.attempts -= 1
                if envelope.is_new:
                    message.bound_at = message.sent_with_id = None


def _send(envelope: Envelope, line: Line, *, now: datetime) -> None:
    try:
        written = letter(envelope)
    except Exception as error:  # noqa: BLE001 - one template must not stop the others
        _log.exception("Message %s (%s) cannot be written.", envelope.id, envelope.kind)
        reason = f"{type(error).__name__}: {error}"
        if envelope.others:
            _part(envelope, reason, now=now)
        else:
            _postpone(envelope, reason, now=now)
        return
    try:
        line.deliver(envelope, written, now=now)
    except Delayed as delayed:
        _postpone(envelope, str(delayed), now=now, at_least=delayed.after)
    except Refused as refused:
        _give_up(envelope, str(refused), now=now)
    except Exception as error:  # noqa: BLE001 - one message must not stop the others
        _log.exception("Message %s (%s) cannot be sent.", envelope.id, envelope.kind)
        _postpone(envelope, f"{type(error).__name__}: {error}", now=now)
    else:
        _note_sent(envelope, written.subject, line.kept(written), now=now)


def _in_hand(envelope: Envelope, *, now: datetime) -> Sequence[Message]:
    """Return the rows of a mail that this worker took up; none where another has them since."""
    mail = together.mail(envelope.id)
    return mail if mail and mail[0].leased_until == now + LEASE else []


def _note_sent(envelope: Envelope, subject: str, kept: str, *, now: datetime) -> None:
    known = {one.id: one for one in (envelope, *envelope.others)}
    with transaction():
        for message in together.mail(envelope.id):
            message.sent_at = now
            message.failed_at = message.leased_until = None
            message.last_error = ""
            message.payload = {
                name: value
                for name, value in known[message.id].payload.items()
                if name not in SECRETS
            }
            if message.id == envelope.id:
                message.subject = subject[:200]
                message.body = kept


def _wait_for_a_line(
    envelope: Envelope, reason: str, *, now: datetime, at_least: timedelta | None = None
) -> None:
    """Put off what was not handed over: what is new goes with whatever waits by the next try."""
    if not envelope.is_new:
        _postpone(envelope, reason, now=now, at_least=at_least)
        return
    with transaction():
        for message in _in_hand(envelope, now=now):
            message.leased_until = message.bound_at = message.sent_with_id = None
            if message.run_at > now:  # it only came along: its own next try is still to come
                message.attempts -= 1
                continue
            message.last_error = reason[:500]
            if now - (message.wanted_at or message.created_at) >= GIVEN_UP_AFTER:
                message.failed_at = now
                _log.warning("Message %s is given up: %s", message.id, reason)
            else:
                message.run_at = _next_try(message, now=now, at_least=at_least)


def _postpone(
    envelope: Envelope, reason: str, *, now: datetime, at_least: timedelta | None = None
) -> None:
    # A mail of several is tried for a day from the youngest of them on.
    begun = max(one.wanted_at or one.created_at for one in (envelope, *envelope.others))
    if now - begun >= GIVEN_UP_AFTER:
        _give_up(envelope, reason, now=now)
        return
    with transaction():
        mail = _in_hand(envelope, now=now)
        for message in mail:
            message.run_at = _next_try(mail[0], now=now, at_least=at_least)
            message.leased_until = None
            message.last_error = reason[:500]


def _part(envelope: Envelope, reason: str, *, now: datetime) -> None:
    """Let each of a mail that cannot be written go by itself from now on: one of them is at fault."""
    with transaction():
        for message in _in_hand(envelope, now=now):
            message.sent_with_id = None
            message.run_at = _next_try(message, now=now)
            message.leased_until = None
            message.last_error = reason[:500]


def _next_try(message: Message, *, now: datetime, at_least: timedelta | None = None) -> datetime:
    pause = PAUSES[min(message.attempts, len(PAUSES)) - 1]
    return now + max(pause, at_least or pause)


def _give_up(envelope: Envelope, reason: str, *, now: datetime) -> None:
    with transaction():
        for message in _in_hand(envelope, now=now):
            message.failed_at = now
            message.leased_until = None
            message.last_error = reason[:500]
    _log.warning("Message %s (%s) is given up: %s", envelope.id, envelope.kind, reason)
