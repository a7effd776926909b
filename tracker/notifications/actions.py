"""What an administrator can do about messages."""

from datetime import datetime

from tracker.accounts import audit
from tracker.errors import Refusal, RefusedError
from tracker.notifications.models import Message
from tracker.permissions import Action, Actor, require


def send_again(message: Message, *, actor: Actor, now: datetime) -> None:
    """Let a message that was given up, or waits for its next try, be sent at once.

    Raises `RefusedError` for one that was sent: its links are used up or forgotten.
    """
    require(actor, Action.VIEW_OUTBOX)
    if message.sent_at is not None:
        raise RefusedError(Refusal.ALREADY_ANSWERED)
    message.failed_at = None
    message.leased_until = None
    message.attempts = 0
    message.run_at = now
    message.wanted_at = None
    # Given up a day after it was written: the day begins anew.
    message.created_at = now
    audit.record("message:send-again", message, actor=actor, now=now)
