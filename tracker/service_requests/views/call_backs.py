"""Call-backs: asking those who did not confirm by themselves, by somebody who did not handle it."""

from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func

from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.errors import RefusedError, StaleError
from tracker.permissions import Action, require
from tracker.service_requests import calls, queries, unanswered
from tracker.service_requests.actions import answers, calls as call_actions, handling
from tracker.service_requests.contact import look_at_contact
from tracker.service_requests.dossier import masked_phone
from tracker.service_requests.forms.judging import NOT_REACHED, REOPEN, CallBackForm, CallForm
from tracker.service_requests.judging import to_ask_by_phone, to_call_back
from tracker.service_requests.lifecycle import Solved, Status
from tracker.service_requests.models import CallResult, CallTask, ServiceRequest
from tracker.service_requests.spoken import spoken
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.locale import CHINESE, HTML_LANG, LOCALES, current_locale
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
    return render_template(
        "service_requests/call_backs.html",
        page=page,
        masked_phone=masked_phone,
        to_tell=calls.count(actor),
    )


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
        to_tell=calls.count(actor),
    )


@blueprint.get("/call-backs/news")
def news() -> ResponseReturnValue:
    """List those who must be told of something and get no mail: whoever may calls."""
    actor = signed_in_actor()
    require(actor, Action.CALL_REQUESTER)
    page = page_of(
        db.session(),
        calls.to_make(actor),
        (CallTask.next_at, CallTask.id),
        key_of=lambda task: (task.next_at, task.id),
        mark=request.args.get("mark"),
        size=25,
    )
    return render_template(
        "service_requests/calls.html",
        page=page,
        masked_phone=masked_phone,
        headline=lambda reason: spoken(reason, current_locale())[0],
        to_tell=calls.count(actor),
        now=utc_now(),
    )


@blueprint.route("/requests/<int:service_request_id>/call", methods=["GET", "POST"])
def tell(service_request_id: int) -> ResponseReturnValue:
    """Show whom to call and what to tell them; write down whether they know."""
    actor, right = signed_in_actor(), Action.CALL_REQUESTER
    service_request = queries.find(actor, service_request_id, right)
    form = CallForm.from_request().offer(_newest(calls.waiting(service_request)))
    contact = None
    if request.method == "POST" and "show_contact" in request.form:
        with transaction():
            looked_at = queries.find(actor, service_request_id, right)
            contact = look_at_contact(looked_at, where="call", actor=actor, now=utc_now())
        form.form_errors = []
    elif form.is_sent_and_valid():
        try:
            with transaction():
                it = queries.find_for_change(actor, service_request_id, right)
                if once.is_first():
                    call_actions.record_call(
                        it,
                        form.result.data,
                        up_to=form.told_up_to,
                        word=form.word.data or "",
                        actor=actor,
                        now=utc_now(),
                    )
        except StaleError:
            form.complain(form.result, _("Something new came meanwhile. Tell them that, too."))
        except RefusedError:
            flash(_("Somebody else has called them already, or there is nothing to tell any more."))
            return redirect(url_for(".news"), 303)
        else:
            flash(once.told(_told(form.result.data)))
            return redirect(url_for(".news"), 303)
    service_request = queries.find(actor, service_request_id, right)
    task = calls.waiting(service_request)
    form.up_to.data = str(_newest(task))
    return render_template(
        "service_requests/call.html",
        form=form,
        service_request=service_request,
        contact=contact,
        task=task,
        languages=_languages(service_request, task),
        masked_phone=masked_phone,
    )


def _newest(task: CallTask | None) -> int:
    return task.reasons[-1].id if task and task.reasons else 0


def _languages(
    service_request: ServiceRequest, task: CallTask | None
) -> Sequence[tuple[str, Sequence[tuple[datetime, Sequence[str]]]]]:
    """Return what to say in both languages, the requester's first."""
    if task is None:
        return []
    theirs = service_request.requester.locale if service_request.requester else CHINESE
    return [
        (HTML_LANG[locale], [(reason.at, spoken(reason, locale)) for reason in task.reasons])
        for locale in sorted(LOCALES, key=lambda one: one != theirs)
    ]


def _told(result: CallResult) -> str:
    match result:
        case CallResult.TOLD:
            return str(_("Thank you. They know it now."))
        case CallResult.NOT_REACHED:
            return str(_("The try is noted."))
        case _:
            return str(_("It is let be."))


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
        changed=queries.last_changed_by_staff(queries.history_of(service_request)),
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
