"""One request, as staff read it, with the steps that the reader may take now."""

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.permissions import Action, Actor
from tracker.service_requests import parts, queries, unanswered
from tracker.service_requests.actions import approvals, reaching
from tracker.service_requests.contact import Contact, look_at_contact, may_see_contact
from tracker.service_requests.dossier import SYSTEM_STEPS, dossier_of
from tracker.service_requests.due import due_state
from tracker.service_requests.following import REQUESTER_STEPS
from tracker.service_requests.handing_over import givers_of
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.other_limits import other_limits
from tracker.service_requests.routing.proposals import NO_PROPOSAL, Proposal, proposal_to_assign
from tracker.service_requests.routing.words import conditions, proposal as proposal_words
from tracker.service_requests.steps_offered import next_step, steps_offered
from tracker.service_requests.words import SATISFACTION, channel_label
from tracker.visits.models import VisitStatus
from tracker.web.access import signed_in_actor

blueprint = Blueprint("service_requests", __name__)


@blueprint.get("/requests/<int:service_request_id>")
def show(service_request_id: int) -> ResponseReturnValue:
    """Show where it stands, all that happened, and what the reader may do."""
    return _page(service_request_id)


@blueprint.route("/requests/<int:service_request_id>/contact", methods=["GET", "POST"])
def contact(service_request_id: int) -> ResponseReturnValue:
    """Show the page with the full contact data; the look is logged. Opened anew, it is masked."""
    if request.method != "POST":
        return redirect(url_for(".show", service_request_id=service_request_id), 303)
    actor = signed_in_actor()
    with transaction():
        looked_at = queries.find(actor, service_request_id, Action.VIEW_CONTACT)
        full = look_at_contact(looked_at, where="request page", actor=actor, now=utc_now())
    return _page(service_request_id, full)


def _page(service_request_id: int, full: Contact | None = None) -> ResponseReturnValue:
    actor, now = signed_in_actor(), utc_now()
    dossier = dossier_of(service_request_id, actor)
    service_request = dossier.service_request
    asked = {approval.kind for approval in dossier.approvals}
    offered = steps_offered(service_request, actor=actor, now=now, asked=asked)
    # Pages of a feature that is switched off are not linked.
    buttons = [each for each in offered if each.endpoint in current_app.view_functions]
    return render_template(
        "service_requests/show.html",
        service_request=service_request,
        dossier=dossier,
        parts=[parts.line_of(part, actor, now) for part in dossier.parts],
        contact=full,
        may_see_contact=may_see_contact(actor, service_request),
        may_change_reaching=reaching.may_change_for_caller(
            service_request, actor=actor, now=now, asked=asked
        ),
        answer_by=unanswered.answer_by(service_request),
        givers=givers_of(service_request, actor),
        due_state=due_state(service_request, now),
        other_limits=other_limits(service_request, dossier.stops, now),
        buttons=buttons,
        next_step=next_step(buttons, service_request),
        channel=channel_label(service_request.channel),
        satisfaction=SATISFACTION,
        requester_steps=REQUESTER_STEPS,
        system_steps=SYSTEM_STEPS,
        planned=VisitStatus.PLANNED,
        proposal=_proposal(service_request, actor),
        proposal_words=proposal_words,
        conditions=conditions,
        may_decide="approvals.index" in current_app.view_functions,
        waits_for_another=approvals.waits_for_another,
    )


def _proposal(service_request: ServiceRequest, actor: Actor) -> Proposal:
    """Return by which rule one tap dispatches it: one that leaves nothing to choose."""
    if service_request.status is not Status.ACCEPTED:
        return NO_PROPOSAL
    proposal = proposal_to_assign(actor, service_request)
    return proposal if proposal.rule and proposal.rule.names_both else NO_PROPOSAL
