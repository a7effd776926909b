"""Text messages that wait although the gateway was taken away: somebody calls instead.

The staff are written to by mail instead. Every few minutes, by the workers. What needs no call, as a
list of its own leads to it (a question, a result), is given up; the outbox says why.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select

from tracker.database import db, transaction
from tracker.notifications import own_texts
from tracker.notifications.channels.text_message import can_send_texts
from tracker.notifications.models import Channel, Message
from tracker.service_requests import calls
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import ServiceRequest

WAITED: Final = timedelta(minutes=10)
"""So long a gateway may be missing, while somebody changes the settings say."""
AT_ONCE: Final = 100


def call_instead(now: datetime) -> str:
    """Let those be called, or mailed, whose text messages nobody can send; return how many these were."""
    if can_send_texts():
        return ""
    done = 0
    while some := _give_up_some(now):
        done += some
    return f"{done} texts not sent" if done else ""


def _give_up_some(now: datetime) -> int:
    with transaction():
        waiting = _waiting(now)
        for message in waiting:
            if own_texts.whose(message.kind, message.payload) is not None:
                own_texts.mail_instead(message, own_texts.NO_GATEWAY, now=now)
                continue
            message.failed_at, message.last_error = now, calls.NO_GATEWAY
            message.leased_until = None
            _ask_for_call(message, now=now)
        return len(waiting)


def _waiting(now: datetime) -> Sequence[Message]:
    """Return some texts that are due and in nobody's hand, held until the transaction ends."""
    return db.session.scalars(
        select(Message)
        .where(
            Message.channel == Channel.TEXT_MESSAGE,
            Message.run_at <= now - WAITED,
            Message.sent_at.is_(None),
            Message.failed_at.is_(None),
            or_(Message.leased_until.is_(None), Message.leased_until <= now),
        )
        .order_by(Message.run_at, Message.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()


def _ask_for_call(message: Message, *, now: datetime) -> None:
    facts = message.payload
    told = db.session.scalar(
        select(ServiceRequest)
        .where(ServiceRequest.id == message.service_request_id)
        .with_for_update(of=ServiceRequest, key_share=True)
    )
    if told is None or message.kind != "requester_step" or calls.is_over(told, facts, now=now):
        return
    calls.ask_for(told, Step(facts["step"]), facts, now=now)
