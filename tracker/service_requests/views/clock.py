"""How a request's clocks have counted, who was told that it sits, and the supervisor's answer."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import RefusedError
from tracker.permissions import Action, may
from tracker.service_requests import queries
from tracker.service_requests.actions import supervision
from tracker.service_requests.clock_log import climbed, clock_logs, part_logs
from tracker.service_requests.forms.judging import SupervisionForm
from tracker.service_requests.words import length_words
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import refusal_text

blueprint = Blueprint("clock", __name__, url_prefix="/requests/<int:service_request_id>")


@blueprint.get("/clock")
def show(service_request_id: int) -> ResponseReturnValue:
    """Explain each due time, and list the rungs of the ladder that were reached."""
    actor, now = signed_in_actor(), utc_now()
    service_request = queries.find(actor, service_request_id)
    return render_template(
        "service_requests/clock.html",
        service_request=service_request,
        logs=clock_logs(service_request, now=now),
        part_logs=part_logs(service_request, now=now),
        climbed=climbed(service_request),
        length_words=length_words,
        may_answer=service_request.supervised_at is not None
        and may(actor, Action.ANSWER_SUPERVISION, service_request),
    )


@blueprint.route("/supervision", methods=["GET", "POST"])
def answer(service_request_id: int) -> ResponseReturnValue:
    """Answer in writing for what sits."""
    actor = signed_in_actor()
    service_request = queries.find(actor, service_request_id, Action.ANSWER_SUPERVISION)
    form = SupervisionForm.from_request()
    back = redirect(url_for("service_requests.show", service_request_id=service_request_id), 303)
    if form.is_sent_and_valid():
        try:
            with transaction():
                changed = queries.find_for_change(actor, service_request_id)
                if once.is_first():
                    words = form.answer.data or ""
                    supervision.answer(changed, words=words, actor=actor, now=utc_now())
        except RefusedError as refused:
            form.form_errors.append(refusal_text(refused.refusal))
            service_request = queries.find(actor, service_request_id)
        else:
            flash(once.told(_("Answered. Those who hold it are told.")))
            return back
    elif service_request.supervised_at is None:
        flash(_("No answer is called for any more."))
        return back
    return render_template(
        "service_requests/supervise.html",
        form=form,
        service_request=service_request,
        climbed=[each for each in climbed(service_request) if each.team is None],
    )
