"""Signing in and out."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.accounts import credentials, demonstration, queries, sessions
from tracker.accounts.forms import SignInForm
from tracker.accounts.passwords import Passwords
from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import transaction
from tracker.errors import NotFoundError, Refusal, RefusedError
from tracker.permissions import Actor
from tracker.web.access import (
    actor_or_none,
    begin_session,
    end_session,
    public,
    safe_path,
    session_token_or_none,
)
from tracker.web.errors import refusal_text
from tracker.web.kept import kept_from_text, kept_page
from tracker.web.templating import first_place
from tracker.web.throttle import callers_network

blueprint = Blueprint("accounts", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Ask who is there. In a demonstration, offer the invented people."""
    kept = kept_from_text(request.form.get("kept"))
    # The page that keeps a form leads here without a name: nothing is wrong with that.
    comes_to_go_on = kept is not None and "name" not in request.form
    form = (
        SignInForm(formdata=None)
        if comes_to_go_on
        else SignInForm.from_request(next=request.args.get("next", ""))
    )
    actor = actor_or_none() if request.method != "POST" else None
    status = 200
    if not comes_to_go_on and form.is_sent_and_valid():
        try:
            actor = _sign_in(form)
        except RefusedError as refused:
            form.complain(form.password, refusal_text(refused.refusal))
            status = 429 if refused.refusal is Refusal.TOO_MANY_TRIES else 200
    if actor is not None and kept is not None:
        return kept_page(kept, is_signed_in=True)
    if actor is not None:
        return redirect(safe_path(form.next.data) or first_place(actor), 303)
    return render_template(
        "accounts/sign_in.html",
        form=form,
        kept=kept,
        is_new=queries.there_is_nobody(),
        demo_people=queries.demo_people() if demonstration.is_on() else [],
    ), status


@blueprint.post("/sign-in/demo/<int:person_id>")
@public
def sign_in_demo(person_id: int) -> ResponseReturnValue:
    """Sign in as one of the invented people. Exists in a demonstration only."""
    person = next((p for p in queries.demo_people() if p.id == person_id), None)
    if person is None or not demonstration.is_on():
        message = "There is no such demo person."
        raise NotFoundError(message)
    with transaction():
        token = sessions.begin(person.id, replacing=session_token_or_none(), now=utc_now())
    actor = begin_session(token)
    kept = kept_from_text(request.form.get("kept"))
    if kept is not None:
        return kept_page(kept, is_signed_in=True)
    return redirect(safe_path(request.form.get("next")) or first_place(actor), 303)


@blueprint.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """End this browser's session, in the database too: a copied cookie opens nothing."""
    token = session_token_or_none()
    if token is not None:
        with transaction():
            sessions.end(token)
    end_session()
    flash(_("You are signed out."))
    return redirect(url_for("accounts.sign_in"), 303)


def settings() -> Settings:
    """Return the settings of this installation."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def passwords() -> Passwords:
    """Return the hasher with this installation's work factors."""
    found = settings()
    return Passwords(time_cost=found.argon2_time_cost, memory_kib=found.argon2_memory_kib)


def _sign_in(form: SignInForm) -> Actor:
    """Begin a session, or raise `RefusedError`: too many tries, or no such name and password."""
    name, password = queries.sign_in_name(form.name.data or ""), form.password.data or ""
    secret = settings().secret_key
    with transaction():
        credentials.count_try(name, callers_network(), secret=secret, now=utc_now())
    # Outside a transaction: hashing takes a tenth of a second, and others want to write.
    proof = credentials.prove(name, password, passwords=passwords())
    remember = bool(form.remember.data)
    with transaction():
        credentials.welcome(proof, name, callers_network(), secret=secret)
        token = sessions.begin(
            proof.person_id,
            remember=remember,
            replacing=session_token_or_none(),
            now=utc_now(),
        )
    return begin_session(token, remember=remember)
