"""Webhooks, by the rules of Standard Webhooks: signed JSON that a program of anybody's can read.

docs/channels.md says what is sent, and how a receiver checks it.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any, Final

from flask import current_app

from tracker.clock import utc_now
from tracker.config import Settings
from tracker.notifications.channels.carrier import Refused
from tracker.notifications.channels.endpoint import UNREADABLE, Post, Target
from tracker.notifications.channels.outside import Answer
from tracker.notifications.endpoints.addresses import key_of
from tracker.notifications.letters import Envelope, Letter

VERSION: Final = 1
"""Of what is sent. Names may be added to it; what one of them means stays."""


def spoken(target: Target, envelope: Envelope, letter: Letter, now: datetime) -> Post:  # noqa: ARG001 - as every kind
    """Return the event, signed at the moment at which it is sent."""
    key = key_of(target.secret)
    if key is None:
        raise Refused(UNREADABLE)
    settings: Settings = current_app.config["SETTINGS"]
    body = json.dumps(event(envelope, settings.public_url), ensure_ascii=False).encode()
    # Receivers refuse what is too old: `now` is when the whole batch was taken up.
    timestamp = str(int(utc_now().timestamp()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Shishi-Webhook/1",
        "webhook-id": envelope.message_key,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(key, envelope.message_key, timestamp, body),
    }
    return Post(target.address, body, headers)


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature over id, time and body."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def event(envelope: Envelope, public_url: str) -> dict[str, Any]:
    """Return what a program reads: which step, of which requests. Nothing of anybody's person."""
    news = envelope.payload["news"]
    return {
        "type": news if news == "test" else f"request.{news}",
        "timestamp": envelope.created_at.isoformat(),
        "version": VERSION,
        "data": {
            "requests": [
                {
                    **{name: value for name, value in item.items() if name != "request_id"},
                    "link": f"{public_url}/requests/{item['request_id']}",
                }
                for item in envelope.payload["requests"]
            ]
        },
    }


def understood(answer: Answer) -> None:
    """Take any success for one: what else a receiver says is its own business."""
