"""The team leader's pages: the team, checking who registered, entering a volunteer for a task."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l

from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.errors import Refusal, RefusedError
from tracker.permissions import Action, Actor, require
from tracker.service_requests import own_parts, own_team, parts, queries
from tracker.service_requests.actions import claims
from tracker.service_requests.forms.board import EnterForm
from tracker.service_requests.lifecycle import Step, status_after
from tracker.service_requests.models import Part
from tracker.teams import actions as team_actions
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import refusal_text
from tracker.web.paging import Page

blueprint = Blueprint("own_team", __name__)

FIRST_PARTS: Final = 5
"""So many stand on the page of the team; the others on their own."""

WHY_NOT = {
    Refusal.ALREADY_CLAIMED: _l("has it already"),
    Refusal.NOT_VETTED: _l("you have to confirm the registration first"),
    Refusal.CLAIM_LIMIT: _l("holds as many open tasks as one person may"),
    Refusal.FULL: _l("all places are taken"),
}
"""Why a volunteer cannot be entered, as their team leader reads it."""


@blueprint.get("/team")
def index() -> ResponseReturnValue:
    """List the volunteers of the teams that one leads."""
    actor = signed_in_actor()
    require(actor, Action.LEAD_TEAM)
    now = utc_now()
    return render_template(
        "service_requests/own_team.html",
        teams=own_team.teams(actor),
        own_parts=own_parts.count_own(actor, now),
        parts=_lines(own_parts.page_of_own(actor, None, size=FIRST_PARTS), actor, now),
    )


@blueprint.get("/team/parts")
def parts_of_own() -> ResponseReturnValue:
    """List what the teams that one leads are to do for requests of others."""
    actor, now = signed_in_actor(), utc_now()
    require(actor, Action.END_PART)
    page = own_parts.page_of_own(actor, request.args.get("mark"))
    return render_template(
        "service_requests/own_parts.html",
        page=page,
        parts=_lines(page, actor, now),
    )


def _lines(page: Page[Part], actor: Actor, now: datetime) -> Sequence[parts.PartLine]:
    return [parts.line_of(part, actor, now) for part in page.rows]


@blueprint.post("/team/<int:team_id>/members/<int:person_id>/check")
def check(team_id: int, person_id: int) -> ResponseReturnValue:
    """Confirm a volunteer's registration: they can claim from now on."""
    actor = signed_in_actor()
    with transaction():
        place = own_team.place(actor, team_id, person_id)
        team_actions.vet(place, actor=actor, now=utc_now())
        name = place.person.name
    flash(_("%(name)s can claim tasks from now on.", name=name))
    return redirect(url_for(".index"), 303)


@blueprint.route("/requests/<int:service_request_id>/volunteers", methods=["GET", "POST"])
def enter(service_request_id: int) -> ResponseReturnValue:
    """Enter a volunteer of the team for a free place."""
    actor = signed_in_actor()
    it = queries.find(actor, service_request_id, Action.LEAD_TEAM)
    once.refuse_second()
    status_after(it.status, Step.CLAIM)
    people = own_team.candidates(it, actor)
    form = EnterForm.from_request().offer(people)
    if form.is_sent_and_valid():
        person_id = form.person_id.data
        try:
            with transaction():
                it = queries.find_for_change(actor, service_request_id, Action.LEAD_TEAM)
                person = db.session.get_one(Person, person_id)
                if once.is_first() and person_id not in it.claimant_ids:
                    claims.enter(it, person, actor=actor, now=utc_now())
                name = person.name
        except RefusedError as refused:
            form.complain(form.person_id, _why_not(refused.refusal))
        else:
            flash(once.told(_("%(name)s is entered and has been told.", name=name)))
            return redirect(
                url_for("service_requests.show", service_request_id=service_request_id), 303
            )
    it = queries.find(actor, service_request_id, Action.LEAD_TEAM)
    return render_template(
        "service_requests/enter.html",
        form=form,
        service_request=it,
        unable=[each for each in own_team.candidates(it, actor) if each.refusal],
        why_not=_why_not,
    )


def _why_not(refusal: Refusal) -> str:
    return str(WHY_NOT.get(refusal) or refusal_text(refusal))
