"""How messages reach me: by mail, by text message to a number of mine, how often, and when never."""

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l

from tracker.accounts import queries as accounts
from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.database import db, hold, transaction
from tracker.errors import StaleError
from tracker.notifications import asked_numbers, wishes
from tracker.notifications.asked_numbers import AskedNumber
from tracker.notifications.channels.text_message import can_send_texts
from tracker.notifications.endpoints import queries as endpoints
from tracker.notifications.forms import WishForm
from tracker.notifications.models import Channel
from tracker.notifications.outbox import enqueue
from tracker.organisation import queries as organisation
from tracker.privacy import mask_phone
from tracker.web import once, proving
from tracker.web.access import signed_in_actor
from tracker.web.locale import current_locale

blueprint = Blueprint("wishes", __name__)

_MEANWHILE: Final = _l(
    "How messages reach you was changed meanwhile. Look at how it stands now, and save again if it does "
    "not fit."
)
_REFUSED: Final = {
    proving.Codes.TOO_MANY_THIS_HOUR: _l(
        "We have sent several codes already. Please try again in an hour."
    ),
    proving.Codes.TOO_MANY_TODAY: _l(
        "Several codes went to this number today. Please try again tomorrow, or with another number."
    ),
}


@blueprint.route("/me/messages", methods=["GET", "POST"])
def edit() -> ResponseReturnValue:
    """Choose by which ways, how often, and when never, messages come; a new number is proven first."""
    person = _me()
    wish = wishes.wish_of(person.id)
    form = WishForm.from_request(wish)
    calendar = organisation.calendar(utc_now())
    form.offer(
        calendar,
        next(calendar.working_days_from(organisation.today(utc_now()))),
        texts=can_send_texts(),
        country=_country(),
        number=wish.text_number,
    )
    if form.is_sent_and_valid():
        stood = wishes.chosen_of(wish)
        wished = form.chosen(stood)
        if wished.text_number == stood.text_number:
            return _saved(form, person.id)
        asked = AskedNumber(person.id, wished, stood, once.sent_from() or once.new_key())
        sent = _send_code(asked)
        if sent is proving.Codes.WRITTEN:
            to = asked_numbers.sealed(asked, now=utc_now())
            return redirect(url_for(".prove", to=to), 303)
        form.form_errors.append(str(_REFUSED[sent]))
    person = _me()
    number = wishes.wish_of(person.id).text_number
    return render_template(
        "notifications/wishes.html",
        form=form,
        person=person,
        masked=mask_phone(number, _country()) if number else "",
        has_robots=endpoints.is_any_robot_on(),
    )


@blueprint.route("/me/messages/number", methods=["GET", "POST"])
def prove() -> ResponseReturnValue:
    """Ask for the code that was sent to a new number, and use the number from then on."""
    person_id = _me().id
    asked = asked_numbers.unsealed(request.args.get("to", ""), person_id=person_id, now=utc_now())
    if asked is None:
        flash(_("The code holds no longer. Please enter the number again."), "error")
        return redirect(url_for(".edit"), 303)
    form = proving.CodeForm.from_request()
    if form.is_sent_and_valid() and proving.is_typed_right(
        form, asked.proof, too_often=_("Too many tries. Please wait an hour."), now=utc_now()
    ):
        try:
            _take(asked)
        except StaleError:
            flash(str(_MEANWHILE), "error")
            return redirect(url_for(".edit"), 303)
        flash(_("Saved. The number is yours, and used from now on."))
        return redirect(url_for("accounts.me"), 303)
    return render_template(
        "notifications/number_code.html",
        form=form,
        sent_to=mask_phone(asked.number, _country()),
    )


@blueprint.post("/me/messages/number/removal")
def remove_number() -> ResponseReturnValue:
    """Forget my number."""
    person_id = _me().id
    with transaction():
        wish = wishes.wish_of(person_id)
        if wish in db.session:
            hold(wish)
            wishes.remove_number(wish, now=utc_now())
    flash(_("The number is forgotten. Nothing more goes there."))
    return redirect(url_for(".edit"), 303)


def _saved(form: WishForm, person_id: int) -> ResponseReturnValue:
    with transaction():
        wish = wishes.wish_of(person_id)
        if wish in db.session:
            form.hold(wish)
        stands = wishes.chosen_of(wish)
        wished = form.chosen(stands)
        if wished.text_number != stands.text_number or (wished.by_text and not wished.text_number):
            message = "Another window changed the number at the same moment."
            raise StaleError(message)
        wishes.choose(wish, wished, now=utc_now())
    flash(_("Saved."))
    return redirect(url_for("accounts.me"), 303)


def _send_code(asked: AskedNumber) -> proving.Codes:
    def write(code: str) -> None:
        enqueue(
            "contact_code",
            channel=Channel.TEXT_MESSAGE,
            address=asked.number,
            locale=current_locale(),
            payload={"code": code},
            now=utc_now(),
        )

    with transaction():
        return proving.send_code(asked.proof, write, now=utc_now())


def _take(asked: AskedNumber) -> None:
    """Do as was wished. Raises `StaleError` when it was changed since; done twice, it is done once."""
    with transaction():
        wish = wishes.wish_of(asked.person_id)
        if wish in db.session:
            hold(wish)
        stands = wishes.chosen_of(wish)
        if stands == asked.wished:
            return
        # A code proves a number once: one that was removed since comes back by a new one alone.
        if stands != asked.stood or not once.is_first_with(asked.key):
            message = "How messages reach them was changed meanwhile."
            raise StaleError(message)
        wishes.choose(wish, asked.wished, now=utc_now())


def _me() -> Person:
    return accounts.person(signed_in_actor().person_id)


def _country() -> str:
    return organisation.organisation().country
