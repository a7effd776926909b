"""The words of messages: which were changed, changing them, and looking at them first."""

from collections.abc import Mapping
from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import NotFoundError, StaleError
from tracker.notifications import actions
from tracker.notifications.texts import queries
from tracker.notifications.texts.forms import TextForm
from tracker.notifications.texts.models import MessageText
from tracker.notifications.texts.occasions import (
    DESCRIPTIONS,
    OCCASIONS,
    REQUESTER,
    STAFF,
    Occasion,
    occasion,
)
from tracker.notifications.texts.preview import our_words, preview, titles
from tracker.notifications.texts.wording import Words
from tracker.permissions import Action, Actor, require
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.locale import LOCALES, current_locale

blueprint = Blueprint("texts", __name__, url_prefix="/admin/messages")

RECEIVERS: Final[Mapping[str, object]] = {
    REQUESTER: _l("To requesters"),
    STAFF: _l("To the staff, about requests"),
    "invitation": _l("To somebody for whom an account was made"),
    "reset": _l("To somebody who forgot their password"),
}
"""To whom the messages of each kind go."""
_MEANWHILE: Final = _l("Somebody changed the words meanwhile. Look at them first.")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """List the messages, and in which languages their words were changed."""
    _editor()
    return render_template(
        "notifications/texts.html",
        occasions=list(OCCASIONS.values()),
        receivers=RECEIVERS,
        titles=titles(current_locale()),
        locales=LOCALES,
        changed=queries.all_changed(list(LOCALES)),
    )


@blueprint.route("/<kind>/<step>/<locale>", methods=["GET", "POST"])
def edit(kind: str, step: str, locale: str) -> ResponseReturnValue:
    """Change the words of one message in a language, or look at what was typed: nothing is kept then."""
    actor = _editor()
    about = _occasion(kind, step, locale)
    ours = our_words(about, locale)
    text = queries.text(about, locale)
    form = TextForm.from_request(_Shown(text, ours)).about(about)
    is_looked_at = "preview" in request.form
    if form.is_sent_and_valid() and not is_looked_at:
        with transaction():
            text = queries.text(about, locale)
            if text is None:
                once.require_first()
            else:
                form.hold(text, lambda row: _Shown(row, ours))
            actions.reword(text, about, locale, form.words(ours), actor=actor, now=utc_now())
        flash(_("Saved. Messages go out in these words from now on."))
        return _back(about, locale)
    text = queries.text(about, locale)
    return render_template(
        "notifications/text_form.html",
        form=form,
        about=about,
        locale=locale,
        locales=LOCALES,
        receiver=RECEIVERS[kind],
        title=titles(current_locale())[kind, step],
        descriptions=DESCRIPTIONS,
        text=text,
        is_ours=text is None or text.words == Words(),
        can_undo=text is not None and Words(**text.before) != text.words,
        shown=None if form.errors else preview(about, locale, form.words(ours)),
        is_looked_at=is_looked_at,
    )


@blueprint.post("/<kind>/<step>/<locale>/reset")
def reset(kind: str, step: str, locale: str) -> ResponseReturnValue:
    """Let one message go in our words again."""
    actor = _editor()
    about = _occasion(kind, step, locale)
    try:
        with transaction():
            actions.reset_words(_as_seen(about, locale), actor=actor, now=utc_now())
    except StaleError:
        flash(_MEANWHILE, "error")
    else:
        flash(_("It goes out in our words again."))
    return _back(about, locale)


@blueprint.post("/<kind>/<step>/<locale>/undo")
def undo(kind: str, step: str, locale: str) -> ResponseReturnValue:
    """Put the words before the last change in their place again."""
    actor = _editor()
    about = _occasion(kind, step, locale)
    try:
        with transaction():
            actions.undo_words(_as_seen(about, locale), actor=actor, now=utc_now())
    except StaleError:
        flash(_MEANWHILE, "error")
    else:
        flash(_("The last change was taken back."))
    return _back(about, locale)


class _Shown:
    """The words of a message as its form shows them: ours, where they were not changed."""

    def __init__(self, text: MessageText | None, ours: Words) -> None:
        words = text.words if text else Words()
        self.subject = words.subject or ours.subject
        self.body = words.body or ours.body
        self.short = words.short


def _editor() -> Actor:
    actor = signed_in_actor()
    require(actor, Action.EDIT_TEXTS)
    return actor


def _occasion(kind: str, step: str, locale: str) -> Occasion:
    """Return what the address names. Raises `NotFoundError`."""
    if locale not in LOCALES:
        message = "There is no such language."
        raise NotFoundError(message)
    return occasion(kind, step)


def _as_seen(about: Occasion, locale: str) -> MessageText:
    """Return what was entered for a message, if it is still what the page showed; else `StaleError`."""
    text = queries.text(about, locale)
    if text is None or request.form.get("version") != str(text.version):
        message = "Somebody changed the words meanwhile."
        raise StaleError(message)
    return text


def _back(about: Occasion, locale: str) -> ResponseReturnValue:
    address = url_for(".edit", kind=about.kind, step=about.step, locale=locale)
    return redirect(address, 303)
