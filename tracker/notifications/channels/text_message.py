"""Text messages, by a gateway of the organisation's own: whichever provider stands behind it.

The gateway gets `{"id", "to", "text", "parts"}` as signed JSON, by the rules of Standard Webhooks;
docs/channels.md says what it answers.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from flask import current_app

from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.notifications import own_texts, together, wishes
from tracker.notifications.channels import outside
from tracker.notifications.channels.carrier import Delayed, Line, Refused
from tracker.notifications.channels.endpoint import UNREADABLE, Gone, understand_status
from tracker.notifications.channels.webhook import signature
from tracker.notifications.endpoints.addresses import key_of
from tracker.notifications.letters import Envelope, Letter, without_private_links
from tracker.notifications.sms_length import fitted, parts

MOST_PARTS: Final = 3
"""Each is paid for; what is longer is cut before the link."""


def can_send_texts() -> bool:
    """Tell whether there is a gateway here: without one, nobody is offered text messages."""
    settings: Settings = current_app.config["SETTINGS"]
    return bool(settings.sms_url)


class TextMessages:
    """The gateway, where one is set."""

    def is_ready(self, settings: Settings) -> bool:
        """Tell whether there is a gateway."""
        return bool(settings.sms_url)

    @contextmanager
    def line(self, settings: Settings) -> Iterator[Line]:
        """Open nothing: each message is posted by itself."""
        yield _ToGateway(settings)


class _ToGateway:
    """Posts one text at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def deliver(self, envelope: Envelope, letter: Letter, *, now: datetime) -> None:
        """Hand it to the gateway. Raises `Refused`, `Delayed`."""
        _require_their_number(envelope, now=now)
        key = key_of(self._settings.sms_secret)
        if key is None:
            raise Delayed(UNREADABLE)
        text = _fitted(letter)
        said = {
            "id": envelope.message_key,
            "to": envelope.address,
            "text": text,
            "parts": parts(text),
        }
        body = json.dumps(said, ensure_ascii=False).encode()
        timestamp = str(int(utc_now().timestamp()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "webhook-id": envelope.message_key,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(key, envelope.message_key, timestamp, body),
        }
        try:
            # The gateway is named in the configuration, not on a page: it may stand within.
            answer = outside.post(self._settings.sms_url, body, headers, is_trusted=True)
        except outside.NoAnswerError as error:
            raise Delayed(str(error)) from error
        try:
            understand_status(answer)
        except Gone as gone:  # a gateway is not switched off by what one number is answered
            said_why = f"HTTP {answer.status}"
            raise Refused(said_why) from gone

    def kept(self, letter: Letter) -> str:
        """Return the text as it went."""
        return without_private_links(_fitted(letter))


def _fitted(letter: Letter) -> str:
    return fitted(letter.short, most=MOST_PARTS)


def _require_their_number(envelope: Envelope, *, now: datetime) -> None:
    """Raise `Refused` where one of the staff gave the number up meanwhile, and write mail in its place."""
    person_id = own_texts.whose(envelope.kind, envelope.payload)
    if person_id is None:
        return
    is_theirs = wishes.is_number_of(person_id, envelope.address)
    db.session.rollback()  # no session stays open while the gateway answers
    if is_theirs:
        return
    with transaction():
        for message in together.mail(envelope.id):
            own_texts.mail_instead(message, own_texts.NUMBER_GONE, now=now)
    raise Refused(own_texts.NUMBER_GONE)
