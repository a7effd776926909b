"""What an administrator can do about messages, their words, and the endpoints that some go to."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from tracker.accounts import audit
from tracker.database import db, hold
from tracker.errors import NotFoundError, Refusal, RefusedError, StaleError
from tracker.notifications import together
from tracker.notifications.endpoints import news
from tracker.notifications.endpoints.models import Endpoint, EndpointKind
from tracker.notifications.endpoints.queries import (
    DELETED,
    SWITCHED_OFF,
    as_listener,
    waiting_for,
)
from tracker.notifications.models import Message
from tracker.notifications.texts.models import MessageText
from tracker.notifications.texts.occasions import Occasion
from tracker.notifications.texts.wording import Words
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
    _hold_what_is_there(endpoint)
    if endpoint.is_on is on:
        return
    endpoint.is_on = on
    if not on:
        _call_off(endpoint, SWITCHED_OFF, now=now)
    audit.record("endpoint:edit", endpoint, {"is_on": [not on, on]}, actor=actor, now=now)


def try_endpoint(endpoint: Endpoint, *, actor: Actor, now: datetime) -> None:
    """Send something to an endpoint that tells of nothing. Raises `RefusedError` while it is off."""
    require(actor, Action.MANAGE_ENDPOINTS)
    _hold_what_is_there(endpoint)
    if not endpoint.is_on:
        raise RefusedError(Refusal.ALREADY_ANSWERED)
    news.write_test(as_listener(endpoint), now=now)
    audit.record("endpoint:test", endpoint, actor=actor, now=now)


def delete_endpoint(endpoint: Endpoint, *, actor: Actor, now: datetime) -> None:
    """Let nothing go to an endpoint any more, for good; what still waits to go to it is given up.

    Address and secret are forgotten. The name stays, and what was sent: the outbox says where it went.
    Raises `NotFoundError` when it was deleted meanwhile.
    """
    require(actor, Action.MANAGE_ENDPOINTS)
    _hold_what_is_there(endpoint)
    changes = {"address_shown": [endpoint.address_shown, None]}
    endpoint.deleted_at, endpoint.is_on = now, False
    endpoint.sealed = endpoint.address_shown = endpoint.failure = ""
    _call_off(endpoint, DELETED, now=now)
    audit.record("endpoint:delete", endpoint, changes, actor=actor, now=now)


def _hold_what_is_there(endpoint: Endpoint) -> None:
    """Lock an endpoint until the end of the transaction. Raises `NotFoundError` for a deleted one."""
    hold(endpoint)
    if endpoint.deleted_at is not None:
        text = "The endpoint was deleted."
        raise NotFoundError(text)


def _call_off(endpoint: Endpoint, reason: str, *, now: datetime) -> None:
    db.session.execute(
        update(Message)
        .where(*waiting_for(endpoint))
        .values(failed_at=now, last_error=reason, leased_until=None)
    )


def reword(
    text: MessageText | None,
    occasion: Occasion,
    locale: str,
    words: Words,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Let a message go in an administrator's words; of those that are empty, ours go.

    `text` is what was entered before, None where nobody ever did. Raises `StaleError` when somebody
    else did at the same moment.
    """
    require(actor, Action.EDIT_TEXTS)
    if text is None:
        text = MessageText(
            kind=occasion.kind, step=occasion.step, locale=locale, **asdict(Words()), before={}
        )
        db.session.add(text)
        try:
            db.session.flush()
        except IntegrityError as error:
            message = "Somebody saved it at the same moment."
            raise StaleError(message) from error
    _put(text, words, "text:edit", actor=actor, now=now)


def reset_words(text: MessageText, *, actor: Actor, now: datetime) -> None:
    """Let a message go in our words again. The last ones are kept, and can be put back."""
    require(actor, Action.EDIT_TEXTS)
    hold(text)
    _put(text, Words(), "text:reset", actor=actor, now=now)


def undo_words(text: MessageText, *, actor: Actor, now: datetime) -> None:
    """Put the words before the last change in their place again; once more, and those come back."""
    require(actor, Action.EDIT_TEXTS)
    hold(text)
    _put(text, Words(**text.before), "text:undo", actor=actor, now=now)


def _put(text: MessageText, words: Words, did: str, *, actor: Actor, now: datetime) -> None:
    before = asdict(text.words)
    changes = audit.apply(text, asdict(words))
    if changes:
        text.before = before
        audit.record(did, text, changes, actor=actor, now=now)
