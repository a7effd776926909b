"""How accounts send mail: through a function that `create_app` hands in, as the outbox is above."""

from datetime import datetime
from typing import Any, Protocol

from flask import Flask, current_app

from tracker.accounts import links
from tracker.accounts.models import LinkPurpose, Person
from tracker.web.locale import CHINESE


class Enqueue(Protocol):
    """Writes a message into the outbox, in the caller's transaction."""

    def __call__(  # noqa: D102 - the class says it
        self, kind: str, *, address: str, locale: str, payload: dict[str, Any], now: datetime
    ) -> object: ...


def init_app(app: Flask, *, enqueue: Enqueue) -> None:
    """Let the pages of accounts send mail."""
    app.extensions["enqueue"] = enqueue


def send_link(person: Person, purpose: LinkPurpose, *, now: datetime) -> str:
    """Make a one-time link, mail it when there is an address, and return its token."""
    token, expires_at = links.new_link(person, purpose, now=now)
    if person.email:
        enqueue: Enqueue = current_app.extensions["enqueue"]
        enqueue(
            purpose.value,
            address=person.email,
            locale=person.locale or CHINESE,
            payload={
                "name": person.name,
                "token": token,
                "expires_at": expires_at.isoformat(),
            },
            now=now,
        )
    return token
