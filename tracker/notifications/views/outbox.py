"""Outgoing messages: what waits, what is stuck and why."""

import re
from collections.abc import Mapping, Sequence
from functools import partial

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.accounts import demonstration
from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.notifications import actions, failures, queries, waiting
from tracker.notifications.channels.carriers import CARRIERS
from tracker.notifications.channels.text_message import can_send_texts
from tracker.notifications.endpoints import queries as endpoints
from tracker.notifications.models import Channel, Message
from tracker.notifications.words import KINDS, Fate
from tracker.organisation import queries as organisation
from tracker.permissions import Action, require
from tracker.privacy import mask_email, mask_phone
from tracker.web.access import signed_in_actor
from tracker.web.paging import page_of

blueprint = Blueprint("outbox", __name__)

PAGE_SIZE = 50
TO_PEOPLE = (Channel.EMAIL, Channel.TEXT_MESSAGE)
"""What goes to somebody's own address or number."""
NO_MORE = frozenset({endpoints.DELETED})
"""Why a message was given up that nobody can send again: where it was to go is no more."""


@blueprint.get("/admin/outbox")
def index() -> ResponseReturnValue:
    """List messages by what became of them."""
    actor = signed_in_actor()
    require(actor, Action.VIEW_OUTBOX)
    chosen = request.args.get("fate", "")
    fate = Fate(chosen) if chosen in set(Fate) else Fate.WAITING
    page = page_of(
        db.session(),
        queries.messages(fate),
        [(-Message.id).expression],
        key_of=lambda message: [-message.id],
        mark=request.args.get("mark"),
        size=PAGE_SIZE,
    )
    settings: Settings = current_app.config["SETTINGS"]
    now = utc_now()
    return render_template(
        "notifications/outbox.html",
        page=page,
        together=queries.in_one_mail(page.rows),
        fate=fate,
        fates=list(Fate),
        counts=queries.counts(),
        most_counted=queries.MOST_COUNTED,
        kinds=KINDS,
        masked=_masked,
        failure_in_words=failures.in_words,
        failure_said=failures.technical,
        why=partial(waiting.why, can_send=_can_send, now=now),
        now=now,
        may_open=actor.may_for_all(Action.VIEW_SERVICE_REQUEST),
        to=_receivers(page.rows),
        no_more=NO_MORE,
        can_send=bool(settings.smtp_url),
        has_texts=can_send_texts(),
        has_endpoints=endpoints.is_any_on(),
        is_demo=demonstration.is_on(),
    )


def _can_send(message: Message) -> bool:
    """Tell whether there is anything to send a message with."""
    settings: Settings = current_app.config["SETTINGS"]
    return CARRIERS[message.channel].is_ready(settings)


def _receivers(messages: Sequence[Message]) -> Mapping[int, str]:
    """Return by message whom it goes to, as the page may show it."""
    to_endpoints = [one for one in messages if one.channel not in TO_PEOPLE]
    names = endpoints.names([int(one.address) for one in to_endpoints]) if to_endpoints else {}
    return {
        one.id: _hidden(one) if one.channel in TO_PEOPLE else names.get(int(one.address), "–")
        for one in messages
    }


def _hidden(message: Message) -> str:
    """Return the address of somebody as pages may show it."""
    if message.channel is Channel.EMAIL:
        return mask_email(message.address)
    return mask_phone(message.address, organisation.organisation().country)


def _masked(text: str, message: Message) -> str:
    """Return `text` without the address of the message: what a server answers repeats it."""
    if message.channel not in TO_PEOPLE:
        return text  # what it says was masked as it was written down
    hidden = _hidden(message)
    return re.sub(re.escape(message.address), lambda _found: hidden, text, flags=re.IGNORECASE)


@blueprint.post("/admin/outbox/<int:message_id>/again")
def again(message_id: int) -> ResponseReturnValue:
    """Try again at once."""
    actor = signed_in_actor()
    require(actor, Action.VIEW_OUTBOX)  # first: which messages there are tells how many were sent
    with transaction():
        actions.send_again(queries.message(message_id), actor=actor, now=utc_now())
    flash(_("It is sent again in a moment."))
    return redirect(url_for("outbox.index"), 303)
