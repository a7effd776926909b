"""My own profile: what I hold, my password, my sessions."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.accounts import credentials, queries
from tracker.accounts.forms import ChangePasswordForm
from tracker.accounts.models import Person
from tracker.accounts.views.sign_in import blueprint, passwords
from tracker.database import transaction
from tracker.web.access import begin_session, end_session, signed_in_actor


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
    person = _person()
    if form.is_sent_and_valid():
        if passwords().matches(person.password_hash, form.present.data or ""):
            person_id, password_hash = person.id, passwords().hashed(form.password.data or "")
            with transaction():
                token = credentials.change_password(
                    person_id, password_hash=password_hash
                ).session_token
            begin_session(token)
            flash(_("Your password is changed. Other devices have to sign in again."))
            return redirect(url_for("accounts.me"), 303)
        form.complain(form.present, _("That is not your present password."))
    return render_template("accounts/change_password.html", form=form, person=_person())


@blueprint.post("/me/sign-out-everywhere")
def sign_out_everywhere() -> ResponseReturnValue:
    """End my sessions on every device, this one included."""
    person_id = _person().id
    with transaction():
        credentials.end_every_session(person_id)
    end_session()
    flash(_("You are signed out on every device."))
    return redirect(url_for("accounts.sign_in"), 303)


def _person() -> Person:
    return queries.person(signed_in_actor().person_id)
