"""Phone and visitor intake on one page; the caller is found again by the phone number."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.errors import NotFoundError, NotPermittedError, RefusedError
from tracker.notifications.channels.text_message import can_send_texts
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, require
from tracker.service_requests import links, queries
from tracker.service_requests.actions import intake
from tracker.service_requests.callers import Caller, callers_with, log_looks
from tracker.service_requests.forms.intake import IntakeForm
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import HistoryEntry, ServiceRequest
from tracker.service_requests.reference import mark_of_link
from tracker.web.access import signed_in_actor

blueprint = Blueprint("intake", __name__)

READ_OUT_WITHIN: Final = timedelta(hours=1)
"""How long the code can be read out again. Later nobody of the staff sees it: with the code one
speaks as the requester."""


@blueprint.route("/intake", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Take a request in for a caller or a visitor, and accept it in the same breath."""
    actor = signed_in_actor()
    require(actor, Action.TAKE_IN_SERVICE_REQUEST)
    form = _form()
    if request.method == "POST" and ("look_up" in request.form or "use" in request.form):
        callers = _look_up(form, actor)
        if callers is None:
            form.complain(form.phone, _("This is no phone number yet. Check the digits, please."))
        for caller in callers or ():
            if str(caller.latest_id) == request.form.get("use"):
                form.use(caller)
        return _page(form, callers)
    if form.is_sent_and_valid():
        taken_id = _take_in(form, actor)
        if taken_id is not None:
            flash(_("Taken in and accepted. The clock is running."))
            return redirect(url_for(".receipt", service_request_id=taken_id), 303)
    return _page(form, None)


@blueprint.post("/intake/callers")
def callers() -> ResponseReturnValue:
    """Return who called from a number before as a piece of a page, for the script."""
    actor = signed_in_actor()
    require(actor, Action.TAKE_IN_SERVICE_REQUEST)
    return render_template("service_requests/callers.html", callers=_look_up(_form(), actor))


@blueprint.get("/intake/<int:service_request_id>/receipt")
def receipt(service_request_id: int) -> ResponseReturnValue:
    """Show reference and code to read out, to whoever took it in, for an hour."""
    actor = signed_in_actor()
    service_request = queries.find(actor, service_request_id, Action.ACCEPT_SERVICE_REQUEST)
    is_fresh = utc_now() - service_request.submitted_at <= READ_OUT_WITHIN
    taken_in_by, link = _taken_in(service_request)
    is_its_first = link == mark_of_link(service_request.link_salt)
    if not (is_fresh and is_its_first and taken_in_by == actor.person_id):
        message = "The first code is shown to whoever took the request in, and only at once."
        raise NotFoundError(message)
    return render_template(
        "service_requests/intake_receipt.html",
        service_request=service_request,
        code=links.code_for(service_request),
        token=links.token_for(service_request.id, service_request.link_salt),
    )


def _form() -> IntakeForm:
    return IntakeForm.from_request().offer_to_desk(
        categories=organisation.category_tree(),
        country=organisation.organisation().country,
        texts=can_send_texts(),
    )


def _look_up(form: IntakeForm, actor: Actor) -> Sequence[Caller] | None:
    """Return who has the number that was typed; None while it is no number. Looks are logged."""
    phone = form.phone_number()
    if phone is None:
        return None
    with transaction():
        log_looks(phone, actor=actor, now=utc_now())
    return callers_with(phone, actor=actor)


def _take_in(form: IntakeForm, actor: Actor) -> int | None:
    """Make the request, once; None when the place is another desk's, which the form then says."""
    key, now = form.submission_key.data or "", utc_now()
    try:
        with transaction():
            return intake.take_in(form.content(), submission_key=key, actor=actor, now=now).id
    except RefusedError:
        form.begin_anew()
        form.form_errors.append(
            _(
                "This form was sent before, with other words, and taken in; nothing was changed "
                "there. If this is another request, press the button once more."
            )
        )
        return None
    except NotPermittedError:
        form.complain(
            form.area_id,
            _(
                "Another desk answers for this place. Please pass the caller on, or choose an area of yours."
            ),
        )
        return None


def _page(form: IntakeForm, found: Sequence[Caller] | None) -> ResponseReturnValue:
    looked_up = request.method == "POST" and ("look_up" in request.form or "use" in request.form)
    return render_template(
        "service_requests/intake.html",
        form=form,
        callers=found,
        looked_up=looked_up,
    )


def _taken_in(service_request: ServiceRequest) -> tuple[int | None, str | None]:
    """Return who took it in, and the mark of the link that it had then."""
    entry = db.session.scalars(
        select(HistoryEntry).where(
            HistoryEntry.service_request_id == service_request.id,
            HistoryEntry.step == Step.SUBMIT,
        )
    ).first()
    return (entry.actor_id, entry.detail.get("link")) if entry else (None, None)
