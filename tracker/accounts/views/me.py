"""My own profile: what I hold, my password, my sessions."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.accounts import credentials, queries, sessions
from tracker.accounts.forms import ChangePasswordForm
from tracker.accounts.models import Person
from tracker.accounts.views.sign_in import blueprint, passwords, settings
from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import RefusedError
from tracker.web.access import begin_session, end_session, signed_in_actor
from tracker.web.errors import refusal_text
from tracker.web.throttle import callers_network


@blueprint.get("/me")
def me() -> ResponseReturnValue:
    """Show what I hold and what I can change."""
    return render_template(
        "accounts/me.html", person=_person(), roles=sorted(signed_in_actor().roles)
    )


@blueprint.route("/me/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change my password; other devices have to sign in again."""
    form = ChangePasswordForm.from_request()
    status = 200
    if form.is_sent_and_valid():
        person_id, kept = _person().id, _person().password_hash
        try:
            with transaction():
                credentials.count_try(
                    str(person_id),
                    callers_network(),
                    purpose="password",
                    secret=settings().secret_key,
                    now=utc_now(),
                )
        except RefusedError as refused:
            form.complain(form.present, refusal_text(refused.refusal))
            status = 429
        else:
            if _changes_password(person_id, kept, form):
                flash(_("Your password is changed. Other devices have to sign in again."))
                return redirect(url_for("accounts.me"), 303)
            form.complain(form.present, _("That is not your present password."))
    return render_template("accounts/change_password.html", form=form, person=_person()), status


@blueprint.post("/me/sign-out-everywhere")
def sign_out_everywhere() -> ResponseReturnValue:
    """End my sessions on every device, this one included."""
    person_id = _person().id
    with transaction():
        sessions.end_all(person_id)
    end_session()
    flash(_("You are signed out on every device."))
    return redirect(url_for("accounts.sign_in"), 303)


def _changes_password(person_id: int, kept: str | None, form: ChangePasswordForm) -> bool:
    """Change the password if the present one is known, also by the time that both are hashed."""
    if not passwords().matches(kept, form.present.data or ""):
        return False
    password_hash = passwords().hashed(form.password.data or "")
    now = utc_now()
    try:
        with transaction():
            credentials.change_password(
                person_id, kept_hash=kept, password_hash=password_hash, now=now
            )
            token = sessions.begin(person_id, now=now)
    except RefusedError:
        return False
    begin_session(token)
    return True


def _person() -> Person:
    return queries.person(signed_in_actor().person_id)
