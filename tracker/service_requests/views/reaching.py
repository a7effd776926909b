"""How a requester is told, changed for whoever tells it to staff: on the telephone, at a counter, at the door."""

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l, ngettext

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import RefusedError, StaleError
from tracker.notifications.channels.text_message import can_send_texts
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor
from tracker.service_requests import callers, calls, queries
from tracker.service_requests.actions import reaching
from tracker.service_requests.contact import Contact, look_at_contact
from tracker.service_requests.dossier import masked_contact
from tracker.service_requests.forms.reaching import DeskReachingForm
from tracker.service_requests.models import ServiceRequest
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import refusal_text
from tracker.web.locale import current_locale

blueprint = Blueprint("reaching", __name__)

_MEANWHILE: Final = _l(
    "How they are reached was changed meanwhile. Look at how it stands now, and save again if it does "
    "not fit."
)


@blueprint.route("/requests/<int:service_request_id>/reaching", methods=["GET", "POST"])
def edit(service_request_id: int) -> ResponseReturnValue:
    """Choose how, where and how often they are told; what stands now is masked until somebody looks."""
    actor, right = signed_in_actor(), Action.CHANGE_REACHING
    if once.was_taken():
        flash(once.told(""))
        return _back(service_request_id)
    found = queries.find(actor, service_request_id, right)
    reaching.refuse_what_is_over(found, actor=actor, now=utc_now())
    form = DeskReachingForm.from_request()
    form.offer(
        found.requester,
        country=organisation.organisation().country,
        texts=can_send_texts(),
        is_new=request.method != "POST",
    )
    if not reaching.may_lead_link(found, actor=actor):
        form.keep_link()
    others = [
        each
        for each in callers.others_of(found, actor=actor)
        if not form.leads_link or reaching.may_lead_link(each, actor=actor)
    ]
    form.offer_others(others, is_new=request.method != "POST")
    contact = None
    if request.method == "POST" and "show_contact" in request.form:
        contact = _looked_at(actor, service_request_id)
        form.stood.data = reaching.mark_of(found.requester)
    elif form.is_sent_and_valid() and _changed(actor, service_request_id, form):
        return _back(service_request_id)
    found = queries.find(actor, service_request_id, right)
    return render_template(
        "service_requests/reaching.html",
        form=form,
        service_request=found,
        contact=contact,
        masked=masked_contact(found),
        call=calls.waiting(found),
    )


def _looked_at(actor: Actor, service_request_id: int) -> Contact:
    with transaction():
        looked_at = queries.find(actor, service_request_id, Action.CHANGE_REACHING)
        return look_at_contact(looked_at, where="reaching", actor=actor, now=utc_now())


def _changed(actor: Actor, service_request_id: int, form: DeskReachingForm) -> bool:
    """Change it, once for each form; tell whether it is so now, else say in the form why not."""
    try:
        with transaction():
            stood = {service_request_id: form.stood.data or ""} | form.others()
            held = {
                each: queries.find_for_change(actor, each, Action.CHANGE_REACHING)
                for each in sorted(stood)  # everybody who takes several takes them in this order
            }
            changed = 0
            if once.is_first():
                wished = form.content()
                changed = sum(_change(held[each], wished, stood[each], actor) for each in stood)
    except StaleError:
        form.form_errors.append(str(_MEANWHILE))
        now = queries.find(actor, service_request_id, Action.CHANGE_REACHING).requester
        form.stood.data = reaching.mark_of(now)  # whoever saves again has read how it stands
        return False
    except RefusedError as refused:
        form.form_errors.append(refusal_text(refused.refusal))
        return False
    flash(once.told(_done(changed)))
    return True


def _change(it: ServiceRequest, wished: reaching.Reaching, stood: str, actor: Actor) -> bool:
    return reaching.change_for_caller(
        it,
        wished,
        stood=stood,
        locale=current_locale(),
        texts=can_send_texts(),
        actor=actor,
        now=utc_now(),
    )


def _done(changed: int) -> str:
    if not changed:
        return str(_("It stood so already: nothing was changed."))
    return str(
        ngettext(
            "Saved. They are told in this way from now on.",
            "Saved for %(num)s requests. They are told in this way from now on.",
            changed,
        )
    )


def _back(service_request_id: int) -> ResponseReturnValue:
    return redirect(url_for("service_requests.show", service_request_id=service_request_id), 303)
