"""Mails as their reader gets them."""

from dataclasses import fields
from typing import Final

from tracker.notifications.letters import Envelope, Letter, letter
from tracker.notifications.models import Message

_NAMES: Final = [field.name for field in fields(Envelope)]


def letter_of(message: Message, locale: str = "en") -> Letter:
    """Return a message of the outbox as it goes out, in a language."""
    told = {name: getattr(message, name) for name in _NAMES}
    return letter(Envelope(**told | {"locale": locale}))
