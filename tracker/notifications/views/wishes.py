"""How messages reach me."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.accounts import queries as accounts
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.notifications import wishes
from tracker.notifications.forms import WishForm
from tracker.organisation import queries as organisation
from tracker.web.access import signed_in_actor

blueprint = Blueprint("wishes", __name__)


@blueprint.route("/me/messages", methods=["GET", "POST"])
def edit() -> ResponseReturnValue:
    """Choose how often, and when never, mail comes."""
    person = accounts.person(signed_in_actor().person_id)
    wish = wishes.wish_of(person.id)
    form = WishForm.from_request(wish)
    calendar = organisation.calendar(utc_now())
    form.offer(calendar, next(calendar.working_days_from(organisation.today(utc_now()))))
    if form.is_sent_and_valid():
        person_id = person.id
        with transaction():
            wish = wishes.wish_of(person_id)
            if wish in db.session:
                form.hold(wish)
            wishes.choose(
                wish,
                by_mail=form.by_mail.data,
                rhythm=form.rhythm.data,
                quiet_from=form.quiet_from.data,
                quiet_until=form.quiet_until.data,
            )
        flash(_("Saved."))
        return redirect(url_for("accounts.me"), 303)
    return render_template("notifications/wishes.html", form=form, person=person)
