"""What an administrator can do about messages, and about the endpoints that some go to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update

from tracker.accounts import audit
from tracker.database import db, hold
from tracker.errors import Refusal, RefusedError
from tracker.notifications import together
from tracker.notifications.endpoints import news
from tracker.notifications.endpoints.models import Endpoint, EndpointKind
from tracker.notifications.endpoints.queries import SWITCHED_OFF, as_listener
from tracker.notifications.models import Message
from tracker.permissions import Action, Actor, require


def send_again(message: Message, *, actor: Actor, now: datetime) -> None:
    """Let a message that was given up, or waits for its next try, be sent at once.

    What goes in its mail goes with it. Raises `RefusedError` for one that was sent: its links are used up or forgotten.
    """
    require(actor, Action.VIEW_OUTBOX)
    if message.sent_at is not None:
        raise RefusedError(Refusal.ALREADY_ANSWERED)
    for one in together.mail(message.id):
        one.failed_at = None
        one.leased_until = None
        one.run_at = now
        one.wanted_at = None
        one.attempts = 0
    # Given up a day after it was written: the day begins anew.
    message.created_at = now
    audit.record("message:send-again", message, actor=actor, now=now)


def add_endpoint(
    kind: EndpointKind, values: Mapping[str, Any], *, actor: Actor, now: datetime
) -> Endpoint:
    """Add an endpoint, switched on. `values` are its columns, the address sealed already."""
    require(actor, Action.MANAGE_ENDPOINTS)
    endpoint = Endpoint(kind=kind, **values, is_on=True, created_at=now)
    db.session.add(endpoint)
    changes = {name: [None, getattr(endpoint, name)] for name in ("name", "address_shown")}
    audit.record("endpoint:add", endpoint, changes, actor=actor, now=now)
    return endpoint


def edit_endpoint(
    endpoint: Endpoint,
    values: Mapping[str, Any],
    *,
    has_new_secret: bool,
    actor: Actor,
    now: datetime,
) -> None:
    """Change an endpoint. What was written for it before goes to the new address."""
    require(actor, Action.MANAGE_ENDPOINTS)
    changes = audit.apply(endpoint, values)
    if has_new_secret:
        changes["secret"] = ["…", "…"]
    if changes:
        audit.record("endpoint:edit", endpoint, changes, actor=actor, now=now)


def switch_endpoint(endpoint: Endpoint, *, on: bool, actor: Actor, now: datetime) -> None:
    """Let an endpoint be told of news, or not; what still waits to go to it is given up then."""
    require(actor, Action.MANAGE_ENDPOINTS)
    hold(endpoint)
    if endpoint.is_on is on:
        return
    endpoint.is_on = on
    if not on:
        db.session.execute(
            update(Message)
            .where(
                Message.channel == endpoint.kind.channel,
                Message.address == str(endpoint.id),
                Message.sent_at.is_(None),
                Message.failed_at.is_(None),
            )
            .values(failed_at=now, last_error=SWITCHED_OFF)
        )
    audit.record("endpoint:edit", endpoint, {"is_on": [not on, on]}, actor=actor, now=now)


def try_endpoint(endpoint: Endpoint, *, actor: Actor, now: datetime) -> None:
    """Send something to an endpoint that tells of nothing. Raises `RefusedError` while it is off."""
    require(actor, Action.MANAGE_ENDPOINTS)
    hold(endpoint)
    if not endpoint.is_on:
        raise RefusedError(Refusal.ALREADY_ANSWERED)
    news.write_test(as_listener(endpoint), now=now)
    audit.record("endpoint:test", endpoint, actor=actor, now=now)
