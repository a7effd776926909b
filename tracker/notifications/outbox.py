"""Writing messages with the change that causes them. Sending is `sending`'s business."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from tracker.database import db
from tracker.notifications.models import Channel, Message


def enqueue(
    kind: str,
    *,
    address: str,
    locale: str,
    payload: Mapping[str, Any],
    now: datetime,
    service_request_id: int | None = None,
    run_at: datetime | None = None,
    channel: Channel = Channel.EMAIL,
) -> Message:
    """Write a message into the outbox, in the caller's transaction: both or neither.

    `kind` names the template `mail/<kind>`; `payload` is what it is filled with. It goes out at
    `run_at`, or at once.
    """
    message = Message(
        channel=channel,
        kind=kind,
        address=address,
        locale=locale,
        payload=dict(payload),
        message_key=secrets.token_hex(16),
        service_request_id=service_request_id,
        created_at=now,
        run_at=run_at or now,
        wanted_at=run_at if run_at is not None and run_at > now else None,
    )
    db.session.add(message)
    return message


def count_since(
    kind: str, *, service_request_id: int, steps: Collection[str], since: datetime
) -> int:
    """Return how many messages of a kind were written about some steps of a request since a moment."""
    written = select(func.count()).where(
        Message.service_request_id == service_request_id,
        Message.kind == kind,
        Message.created_at > since,
        Message.payload["step"].as_string().in_(sorted(steps)),
    )
    return db.session.scalar(written) or 0


def is_waiting(
    kind: str,
    *,
    address: str,
    facts: Mapping[str, int],
    service_request_id: int,
    step: str,
    now: datetime,
) -> bool:
    """Tell whether a message about the same step of a request still waits to go to an address.

    `facts`: what its payload must say besides, where several people may read there. One that a worker is just sending does not count: it may be written already.
    """
    waiting = select(Message.id).where(
        Message.service_request_id == service_request_id,
        Message.address == address,
        Message.kind == kind,
        Message.payload["step"].as_string() == step,
        Message.sent_at.is_(None),
        Message.failed_at.is_(None),
        or_(Message.leased_until.is_(None), Message.leased_until < now),
        *(Message.payload[name].as_integer() == value for name, value in facts.items()),
    )
    return db.session.scalar(waiting.limit(1)) is not None
