"""One-time links: an invitation or a reset shows a form; only sending it uses the link."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.accounts import credentials, demonstration, links, mail, queries, sessions
from tracker.accounts.forms import ForgottenForm, NewPasswordForm
from tracker.accounts.models import LinkPurpose
from tracker.accounts.views.sign_in import blueprint, passwords, settings
from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import RefusedError
from tracker.web import throttle
from tracker.web.access import begin_session, public, session_token_or_none
from tracker.web.errors import refusal_text
from tracker.web.templating import first_place


@blueprint.route("/forgotten", methods=["GET", "POST"])
@public
def forgotten() -> ResponseReturnValue:
    """Send a link to choose a new password; the answer is the same whoever asks."""
    form = ForgottenForm.from_request()
    status = 200
    if form.is_sent_and_valid():
        name = queries.sign_in_name(form.name.data or "")
        try:
            with throttle.takes_at_least(credentials.SHOWS_NOTHING_FOR_S), transaction():
                _send_link(name)
        except RefusedError as refused:
            form.complain(form.name, refusal_text(refused.refusal))
            status = 429
        else:
            return render_template("accounts/forgotten_sent.html", demo=demonstration.is_on())
    return render_template("accounts/forgotten.html", form=form), status


@blueprint.route("/reset/<token>", methods=["GET", "POST"])
@public
def reset(token: str) -> ResponseReturnValue:
    """Choose a new password by the link of a mail."""
    return _choose(token, LinkPurpose.RESET)


@blueprint.route("/invitation/<token>", methods=["GET", "POST"])
@public
def invitation(token: str) -> ResponseReturnValue:
    """Choose the first password."""
    return _choose(token, LinkPurpose.INVITATION)


def _send_link(name: str) -> None:
    """Mail a link to whoever `name` is, if anybody; raises `RefusedError` after too many tries."""
    secret, now = settings().secret_key, utc_now()
    credentials.count_try(name, throttle.callers_network(), purpose="reset", secret=secret, now=now)
    is_to_be_sent = credentials.may_be_sent_a_link(name, secret=secret, now=now)
    person = queries.person_named(name)
    if person is not None and is_to_be_sent:
        mail.send_link(person, LinkPurpose.RESET, now=now)


def _choose(token: str, purpose: LinkPurpose) -> ResponseReturnValue:
    form = NewPasswordForm.from_request()
    try:
        person = links.person_behind(token, purpose, now=utc_now())
        if form.is_sent_and_valid():
            password_hash = passwords().hashed(form.password.data or "")
            with transaction():
                person = links.use_link(token, purpose, password_hash=password_hash, now=utc_now())
                session_token = sessions.begin(
                    person.id, replacing=session_token_or_none(), now=utc_now()
                )
            actor = begin_session(session_token)
            flash(_("Your password is set, and you are signed in."))
            return redirect(first_place(actor), 303)
    except RefusedError:
        return render_template(
            "accounts/link_expired.html", again=url_for("accounts.forgotten")
        ), 410
    return render_template(
        "accounts/choose_password.html", form=form, person=person, purpose=purpose.value
    )
