"""Call-backs: asking those who did not confirm by themselves, by somebody who did not handle it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func

from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.permissions import Action, require
from tracker.service_requests import queries, unanswered
from tracker.service_requests.actions import answers, handling
from tracker.service_requests.contact import look_at_contact
from tracker.service_requests.dossier import masked_phone
from tracker.service_requests.forms.judging import NOT_REACHED, REOPEN, CallBackForm
from tracker.service_requests.judging import to_ask_by_phone, to_call_back
from tracker.service_requests.lifecycle import Solved, Status
from tracker.service_requests.models import ServiceRequest
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.paging import page_of

blueprint = Blueprint("call_backs", __name__)


@blueprint.get("/call-backs")
def index() -> ResponseReturnValue:
    """List the results that still wait for the requester's word, oldest first."""
    actor = signed_in_actor()
    require(actor, Action.CALL_BACK)
    page = page_of(
        db.session(),
        to_call_back(actor),
        (func.coalesce(ServiceRequest.resolved_at, ServiceRequest.submitted_at), ServiceRequest.id),
        key_of=lambda it: (it.resolved_at or it.submitted_at, it.id),
        mark=request.args.get("mark"),
        size=25,
    )
    return render_template("service_requests/call_backs.html", page=page, masked_phone=masked_phone)


@blueprint.get("/call-backs/questions")
def questions() -> ResponseReturnValue:
    """List the questions that wait for an answer and reach nobody in writing: whoever may calls."""
    actor = signed_in_actor()
    require(actor, Action.CALL_BACK)
    page = page_of(
        db.session(),
        to_ask_by_phone(actor),
        (ServiceRequest.question_turn_at, ServiceRequest.id),
        key_of=lambda it: (it.question_turn_at, it.id),
        mark=request.args.get("mark"),
        size=25,
    )
    return render_template(
        "service_requests/call_back_questions.html",
        page=page,
        masked_phone=masked_phone,
        answer_by=unanswered.answer_by,
    )


@blueprint.route("/requests/<int:service_request_id>/call-back", methods=["GET", "POST"])
def call(service_request_id: int) -> ResponseReturnValue:
    """Show whom to call and what to ask; write down what they said."""
    actor = signed_in_actor()
    service_request = queries.find(actor, service_request_id, Action.CALL_BACK)
    form = CallBackForm.from_request().offer()
    wants_contact = request.method == "POST" and "show_contact" in request.form
    contact = None
    if wants_contact:
        with transaction():
            looked_at = queries.find(actor, service_request_id, Action.CALL_BACK)
            contact = look_at_contact(looked_at, where="call-back", actor=actor, now=utc_now())
        service_request = queries.find(actor, service_request_id, Action.CALL_BACK)
        form.form_errors = []
    elif form.is_sent_and_valid():
        with transaction():
            it = queries.find_for_change(actor, service_request_id, Action.CALL_BACK)
            was_closed = it.status is Status.CLOSED
            if once.is_first():
                _record(it, form)
        flash(once.told(_said(form, was_closed=was_closed)))
        return redirect(url_for(".index"), 303)
    return render_template(
        "service_requests/call_back.html",
        form=form,
        service_request=service_request,
        contact=contact,
        is_open=service_request.status is Status.RESOLVED,
    )


def _record(it: ServiceRequest, form: CallBackForm) -> None:
    actor, now = signed_in_actor(), utc_now()
    if form.result.data == NOT_REACHED:
        handling.add_note(
            it, internal_note=form.word.data or "", nobody_answered=True, actor=actor, now=now
        )
        return
    answers.record_call_back(
        it,
        solved=form.solved.data or Solved.NO,
        satisfaction=form.satisfaction.data,
        wants_it_reopened=form.result.data == REOPEN,
        word=form.word.data or "",
        actor=actor,
        now=now,
    )


def _said(form: CallBackForm, *, was_closed: bool) -> str:
    match form.result.data:
        case "reopen" if was_closed:
            return str(
                _("It was closed already. A supervisor decides whether it is taken up again.")
            )
        case "not_reached":
            return str(_("The try is noted. The request stays in the list."))
        case "reopen":
            return str(_("It goes back to those who handle it, and they have been told."))
        case _:
            return str(_("Thank you. The request is closed on the requester's word."))
