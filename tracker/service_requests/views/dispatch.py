"""Dispatching a request: accept, decline, merge, assign; and the team's answer: return, sign for."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.errors import NotFoundError, RefusedError, StaleError
from tracker.organisation import queries as organisation
from tracker.organisation.models import Category
from tracker.permissions import Action, Actor
from tracker.service_requests import choices, parts, queries
from tracker.service_requests.actions import dispatch
from tracker.service_requests.contact import may_see_contact
from tracker.service_requests.dossier import masked_contact, material_of
from tracker.service_requests.forms.dispatch import (
    AcceptanceForm,
    AssignmentForm,
    DeclineForm,
    MergerForm,
    ReturnForm,
    SignForForm,
)
from tracker.service_requests.lifecycle import RIGHT_FOR, Priority, Step, status_after
from tracker.service_requests.limit_rules import SetBy, holding
from tracker.service_requests.limits import Clock
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.routing.matching import Rule
from tracker.service_requests.routing.proposals import Proposal, proposal_for, proposal_to_assign
from tracker.service_requests.routing.words import proposal as proposal_words
from tracker.service_requests.words import channel_label, limit_words
from tracker.teams.models import Team
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import problem, refusal_text
from tracker.web.forms import Form
from tracker.web.locale import localized

blueprint = Blueprint("dispatch", __name__, url_prefix="/requests/<int:service_request_id>")


@blueprint.before_request
def tell_of_the_first() -> ResponseReturnValue | None:
    """Answer a form that was taken before: the request may have moved out of the sender's reach with it."""
    if not once.was_taken():
        return None
    flash(once.told(""))
    return _back(signed_in_actor(), (request.view_args or {})["service_request_id"])


@blueprint.route("/acceptance", methods=["GET", "POST"])
def accept(service_request_id: int) -> ResponseReturnValue:
    """Check category, priority and area, and accept."""
    actor = signed_in_actor()
    service_request = _found(actor, service_request_id, Step.ACCEPT)
    proposal = proposal_for(service_request)
    form = AcceptanceForm.from_request(
        category_id=service_request.category_id,
        priority=_first_priority(service_request, proposal.rule),
        area_id=service_request.area_id,
        proposed=proposal.mark,
    ).offer(categories=organisation.category_tree())
    if form.is_sent_and_valid():

        def change(changed: ServiceRequest) -> None:
            dispatch.accept(
                changed,
                category_id=form.category_id.data,
                priority=form.priority.data,
                area_id=form.area_id.data,
                note=form.note.data or "",
                by_rule=proposal_for(changed).kept(form.proposed.data),
                actor=actor,
                now=utc_now(),
            )

        if _changed(actor, service_request_id, form, change):
            flash(once.told(_("Accepted. The clock is running.")))
            if request.form.get("then") != "stop" and _may_assign(actor, service_request_id):
                return redirect(url_for(".assign", service_request_id=service_request_id), 303)
            return _back(actor, service_request_id)
    chosen = _chosen_category(form)
    category = chosen or _found(actor, service_request_id, Step.ACCEPT).category
    limits = {priority: _limit_words(category, priority) for priority in Priority}
    can_be_one_tap = (
        proposal.rule is not None
        and proposal.rule.names_both
        and _may_assign(actor, service_request_id)
    )
    return _page(
        "accept",
        service_request_id,
        form,
        Step.ACCEPT,
        limits=limits,
        proposal=proposal,
        proposal_words=proposal_words,
        can_be_one_tap=can_be_one_tap,
    )


@blueprint.post("/acceptance-by-rule")
def accept_by_rule(service_request_id: int) -> ResponseReturnValue:
    """Accept and assign in one tap, as the rule proposes that the desk has read."""
    actor = signed_in_actor()
    _found(actor, service_request_id, Step.ACCEPT)
    form, seen = Form.from_request(), request.form.get("proposed", "")

    def change(changed: ServiceRequest) -> None:
        rule, kept = _as_read(proposal_for(changed), seen)
        dispatch.accept(
            changed,
            category_id=changed.category_id,
            priority=_first_priority(changed, rule),
            area_id=changed.area_id,
            by_rule=kept,
            actor=actor,
            now=utc_now(),
        )
        _assign_by(rule, changed, kept, actor)

    try:
        if _changed(actor, service_request_id, form, change):
            flash(once.told(_("Accepted and assigned by the rule. The team has been told.")))
            return _back(actor, service_request_id)
        flash(str(form.form_errors[0]), "error")
    except StaleError:
        flash(_("The rules have changed meanwhile. Look at what they propose now."), "error")
    return redirect(url_for(".accept", service_request_id=service_request_id), 303)


@blueprint.post("/assignment-by-rule")
def assign_by_rule(service_request_id: int) -> ResponseReturnValue:
    """Assign what was accepted in one tap, as the rule proposes that the desk has read."""
    actor = signed_in_actor()
    _found(actor, service_request_id, Step.ASSIGN)
    form, seen = Form.from_request(), request.form.get("proposed", "")

    def change(changed: ServiceRequest) -> None:
        rule, kept = _as_read(proposal_to_assign(actor, changed), seen)
        _assign_by(rule, changed, kept, actor)

    try:
        if _changed(actor, service_request_id, form, change):
            flash(once.told(_("Assigned by the rule. The team has been told.")))
        else:
            flash(str(form.form_errors[0]), "error")
    except StaleError:
        flash(_("It is not as you read it any more. Look at what is proposed now."), "error")
    return _back(actor, service_request_id)


@blueprint.route("/refusal", methods=["GET", "POST"])
def decline(service_request_id: int) -> ResponseReturnValue:
    """Close a request that is not for us, with the reason and where to turn."""
    actor = signed_in_actor()
    service_request = _found(actor, service_request_id, Step.DECLINE)
    form = DeclineForm.from_request()
    if not dispatch.may_be_spam(service_request):
        del form.is_spam
    if form.is_sent_and_valid():

        def change(changed: ServiceRequest) -> None:
            dispatch.decline(
                changed,
                reason=form.reason.data or "",
                where_to_turn=form.where_to_turn.data or "",
                is_spam=bool("is_spam" in form and form.is_spam.data),
                actor=actor,
                now=utc_now(),
            )

        if _changed(actor, service_request_id, form, change):
            flash(once.told(_("Declined and closed.")))
            return _back(actor, service_request_id)
    return _page("decline", service_request_id, form, Step.DECLINE)


@blueprint.route("/merger", methods=["GET", "POST"])
def merge(service_request_id: int) -> ResponseReturnValue:
    """Choose the request that goes on, look at both side by side, and merge."""
    actor = signed_in_actor()
    service_request = _found(actor, service_request_id, Step.MERGE)
    form = MergerForm.from_request()
    typed = request.args.get("reference", "").strip()
    survivor = _chosen_survivor(service_request, actor, typed, form.survivor_id.data)
    if form.is_sent_and_valid() and survivor is not None:
        survivor_id = survivor.id

        def change(changed: ServiceRequest) -> None:
            kept = queries.find_for_change(actor, survivor_id, Action.MERGE_SERVICE_REQUEST)
            dispatch.merge(changed, kept, note=form.note.data or "", actor=actor, now=utc_now())

        if _changed(actor, service_request_id, form, change, also_id=survivor_id):
            flash(
                once.told(
                    _(
                        "Merged. The requester of the closed one is told, and hears how this one goes on."
                    )
                )
            )
            return _back(actor, survivor_id)
        service_request = _found(actor, service_request_id, Step.MERGE)
        survivor = choices.survivor_by_id(service_request, actor, survivor_id)
    if survivor is not None:
        form.survivor_id.data = str(survivor.id)
    return render_template(
        "service_requests/merge.html",
        service_request=service_request,
        survivor=survivor,
        candidates=[] if survivor else choices.merge_candidates(service_request, actor),
        typed=typed,
        is_lost=survivor is None and request.method == "POST",
        form=form,
        masked_contact=masked_contact,
        material_of=material_of,
        channel_label=channel_label,
    )


@blueprint.route("/assignment", methods=["GET", "POST"])
def assign(service_request_id: int) -> ResponseReturnValue:
    """Choose lead team, helping teams and leader, and dispatch."""
    actor = signed_in_actor()
    service_request = _found(actor, service_request_id, Step.ASSIGN)
    teams = choices.teams_to_choose(service_request, actor)
    leaders = choices.leaders_to_choose(service_request, actor)
    proposal = proposal_to_assign(actor, service_request)
    form = AssignmentForm.from_request(
        lead_team_id=_first_team(service_request, teams, proposal.rule),
        helping_team_ids=[team.id for team in service_request.helping_teams],
        leader_id=_first_leader(service_request, leaders, proposal.rule),
        volunteers_needed=service_request.volunteers_needed,
        board_note=service_request.board_note,
        stood=_stands(service_request),
        proposed=proposal.mark,
    ).offer(
        lead_teams=teams,
        helping_teams=choices.helping_teams_to_choose(service_request, actor),
        leaders=leaders,
        about=service_request,
    )
    if form.is_sent_and_valid():
        is_other = True

        def change(changed: ServiceRequest) -> None:
            nonlocal is_other
            if form.stood.data != _stands(changed):
                raise StaleError(_stands(changed))
            kept = proposal_to_assign(actor, changed).kept(form.proposed.data)
            is_other = dispatch.assign(
                changed,
                lead_team=db.session.get_one(Team, form.lead_team_id.data),
                helping_teams=(
                    [db.session.get_one(Team, i) for i in form.helping_team_ids.data or ()]
                    if form.helping_team_ids.choices
                    else changed.helping_teams
                ),
                leader=db.session.get_one(Person, form.leader_id.data),
                volunteers_needed=form.volunteers_needed.data or 1,
                board_note=form.board_note.data or "",
                note=form.note.data or "",
                by_rule=kept,
                tasks=form.tasks(),
                actor=actor,
                now=utc_now(),
            )

        try:
            if _changed(actor, service_request_id, form, change):
                assigned = _("Assigned. The team has been told.")
                flash(once.told(assigned if is_other else _("Nothing was changed.")))
                return _back(actor, service_request_id)
        except StaleError:
            service_request = queries.find(actor, service_request_id, Action.ASSIGN_SERVICE_REQUEST)
            form.form_errors.append(_meanwhile(service_request, form))
            form.stood.data = _stands(service_request)
    return _page(
        "assign",
        service_request_id,
        form,
        Step.ASSIGN,
        has_leaders=bool(leaders),
        open_parts=parts.teams_with_open(service_request),
        proposal=proposal,
        proposal_words=proposal_words,
    )


@blueprint.route("/return", methods=["GET", "POST"])
def return_(service_request_id: int) -> ResponseReturnValue:
    """Give a request back to the desk, with the reason."""
    actor = signed_in_actor()
    service_request = _found(actor, service_request_id, Step.RETURN)
    why_not = dispatch.why_not_returned(service_request, now=utc_now())
    if why_not is not None and request.method != "POST":
        back = url_for("service_requests.show", service_request_id=service_request_id)
        return problem(409, refusal_text(why_not), way_back=back)
    limit = dispatch.return_limit_at(service_request)
    form = ReturnForm.from_request()
    if form.is_sent_and_valid():

        def change(changed: ServiceRequest) -> None:
            dispatch.return_(changed, reason=form.reason.data or "", actor=actor, now=utc_now())

        if _changed(actor, service_request_id, form, change):
            flash(once.told(_("Returned to the desk.")))
            return _back(actor, service_request_id)
    return _page("return", service_request_id, form, Step.RETURN, limit=limit)


@blueprint.route("/receipt", methods=["GET", "POST"])
def sign_for(service_request_id: int) -> ResponseReturnValue:
    """Sign for a request in the team's name."""
    actor = signed_in_actor()
    _found(actor, service_request_id, Step.SIGN_FOR)
    form = SignForForm.from_request()
    if form.is_sent_and_valid():

        def change(changed: ServiceRequest) -> None:
            dispatch.sign_for(changed, actor=actor, now=utc_now())

        if _changed(actor, service_request_id, form, change):
            flash(once.told(_("Signed for. It is your team's now.")))
            return _back(actor, service_request_id)
    return _page("sign_for", service_request_id, form, Step.SIGN_FOR)


def _as_read(proposal: Proposal, seen: str) -> tuple[Rule, Mapping[str, Any]]:
    """Return the rule by which one tap dispatches, and what history keeps of it.

    Raises `StaleError` where it is another than the desk has read, or leaves something to choose.
    """
    rule, kept = proposal.rule, proposal.kept(seen)
    if rule is None or not kept or not rule.names_both:
        raise StaleError(proposal.mark)
    return rule, kept


def _assign_by(
    rule: Rule, service_request: ServiceRequest, kept: Mapping[str, Any], actor: Actor
) -> None:
    dispatch.assign(
        service_request,
        lead_team=db.session.get_one(Team, rule.lead_team_id),
        leader=db.session.get_one(Person, rule.leader_id),
        volunteers_needed=service_request.volunteers_needed,
        board_note=service_request.board_note,
        by_rule=kept,
        actor=actor,
        now=utc_now(),
    )


def _limit_words(category: Category, priority: Priority) -> str:
    """Return how long a request of the category may take; where the limit is its own, whose it is."""
    held = holding(category, priority, Clock.RESOLVE)
    words: str = limit_words(held.limit)
    if held.set_by in (SetBy.CATEGORY, SetBy.GROUP):
        whose = category if held.set_by is SetBy.CATEGORY else category.parent
        words = _(
            "%(limit)s That is the limit of “%(category)s”.",
            limit=words,
            category=localized(whose),
        )
    return words


def _chosen_category(form: AcceptanceForm) -> Category | None:
    """Return the category that stands in the form, when it is one that can be chosen."""
    chosen = form.category_id.data
    tree = organisation.category_tree()
    return next((node.thing for node in tree if node.thing.id == chosen), None)


def _found(actor: Actor, service_request_id: int, step: Step) -> ServiceRequest:
    """Return the request on which `actor` may take `step` now.

    Raises `NotFoundError` for those who may not, and `StepNotAllowedError` when it is too late.
    """
    action = RIGHT_FOR[step]
    assert action is not None  # noqa: S101 - only steps that people take have pages
    service_request = queries.find(actor, service_request_id, action)
    status_after(service_request.status, step)
    return service_request


def _changed(
    actor: Actor,
    service_request_id: int,
    form: Form,
    change: Callable[[ServiceRequest], None],
    *,
    also_id: int | None = None,
) -> bool:
    """Make the change, once for each form; tell whether it is made. A refusal is said in the form.

    `also_id` is a second request that the change is about.
    """
    try:
        with transaction():
            if also_id is not None:
                # Both, in an order that is the same for everybody who takes these two.
                to_merge = Action.MERGE_SERVICE_REQUEST
                queries.find_both_for_change(actor, service_request_id, also_id, to_merge)
            changed = queries.find_for_change(actor, service_request_id)
            if once.is_first():
                change(changed)
    except RefusedError as refused:
        form.form_errors.append(refusal_text(refused.refusal))
        return False
    except NotFoundError:
        if not once.was_taken():  # by another tap, which came first and led it out of reach
            raise
    return True


def _page(
    name: str, service_request_id: int, form: Form, step: Step, **more: object
) -> ResponseReturnValue:
    # Read anew: a change that was refused has made what was read before stale.
    actor = signed_in_actor()
    service_request = _found(actor, service_request_id, step)
    return render_template(
        f"service_requests/{name}.html",
        form=form,
        service_request=service_request,
        masked=masked_contact(service_request),
        material=material_of(service_request),
        may_see_contact=may_see_contact(actor, service_request),
        channel=channel_label(service_request.channel),
        **more,
    )


def _back(actor: Actor, service_request_id: int) -> ResponseReturnValue:
    """Lead to the request; to the queue when it has moved out of the actor's reach."""
    try:
        queries.find(actor, service_request_id)
    except NotFoundError:
        return redirect(url_for("queue.index"), 303)
    return redirect(url_for("service_requests.show", service_request_id=service_request_id), 303)


def _stands(service_request: ServiceRequest) -> str:
    """Return a mark of how a request is assigned and what the board says, to tell whether that changed."""
    it, helping = service_request, sorted(team.id for team in service_request.helping_teams)
    with_part = sorted(parts.teams_with_open(it)) if helping else []
    stands = (
        it.lead_team_id,
        it.leader_id,
        helping,
        it.volunteers_needed,
        it.board_note,
        with_part,
    )
    return hashlib.sha256(repr(stands).encode()).hexdigest()[:16]


def _as_kept(words: str | None) -> str:
    """Return words to compare by: browsers end lines in their own way."""
    return "\n".join((words or "").strip().splitlines())


def _meanwhile(service_request: ServiceRequest, form: AssignmentForm) -> str:
    words: str = _("Meanwhile somebody took it from its team. Check, and send again if it fits.")
    if service_request.lead_team is not None and service_request.leader is not None:
        words = _(
            "Meanwhile somebody assigned it to %(team)s, with %(leader)s. To put your choice in its place, send again.",
            team=localized(service_request.lead_team),
            leader=service_request.leader.name,
        )
    board = (service_request.volunteers_needed, _as_kept(service_request.board_note))
    if board != (form.volunteers_needed.data, _as_kept(form.board_note.data)):
        words += " " + _(
            "It asks for so many volunteers now: %(number)s. What they read on the board: “%(words)s”",
            number=service_request.volunteers_needed,
            words=service_request.board_note,
        )
    return words


def _may_assign(actor: Actor, service_request_id: int) -> bool:
    try:
        queries.find(actor, service_request_id, Action.ASSIGN_SERVICE_REQUEST)
    except NotFoundError:
        return False
    return True


def _first_priority(service_request: ServiceRequest, rule: Rule | None) -> Priority:
    return (rule and rule.priority) or service_request.priority


def _first_leader(
    service_request: ServiceRequest, leaders: Sequence[Person], rule: Rule | None
) -> int | None:
    """Return the leader who stands in the form at first: the present one, the rule's, or the only one."""
    only = leaders[0].id if len(leaders) == 1 else None
    return service_request.leader_id or (rule and rule.leader_id) or only


def _first_team(
    service_request: ServiceRequest, teams: Sequence[choices.TeamChoice], rule: Rule | None
) -> int | None:
    """Return the team that stands in the form at first: the present one, the rule's, or the best fitting."""
    if service_request.lead_team_id is not None:
        return service_request.lead_team_id
    if rule is not None and rule.lead_team_id is not None:
        return rule.lead_team_id
    best = teams[0] if teams else None
    return best.team.id if best and best.is_suggested else None


def _chosen_survivor(
    service_request: ServiceRequest, actor: Actor, typed: str, survivor_id: str | None
) -> ServiceRequest | None:
    chosen = survivor_id or request.args.get("survivor", "")
    if chosen.isascii() and chosen.isdecimal() and len(chosen) < 10:
        return choices.survivor_by_id(service_request, actor, int(chosen))
    return choices.survivor_by_reference(service_request, actor, typed) if typed else None
