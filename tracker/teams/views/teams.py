"""Teams and who is in them."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import RefusedError
from tracker.organisation import queries as organisation
from tracker.organisation.forms import tree_choices
from tracker.permissions import Action, Actor, require
from tracker.teams import actions, queries
from tracker.teams.forms import PlaceForm, TeamForm
from tracker.teams.models import Team
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import refusal_text
from tracker.web.locale import localized
from tracker.web.looking import words_for

blueprint = Blueprint("teams", __name__, url_prefix="/admin/teams")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """List the teams."""
    actor = _manager()
    ended = request.args.get("ended") == "1"
    return render_template("teams/teams.html", lines=queries.teams(actor, ended=ended), ended=ended)


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Make a team."""
    actor = _manager()
    form = _form(None, actor)
    if form.is_sent_and_valid():
        try:
            with transaction():
                once.require_first()
                team = actions.add_team(**_content(form), actor=actor, now=utc_now())
                team_id = team.id
        except RefusedError as refused:
            form.complain(form.unit_id, refusal_text(refused.refusal))
        else:
            flash(_("The team is made. Add its members."))
            return redirect(url_for(".show", team_id=team_id), 303)
    return render_template("teams/team_form.html", form=form, team=None)


@blueprint.get("/<int:team_id>")
def show(team_id: int) -> ResponseReturnValue:
    """Show a team, its members, and people who could join."""
    actor = _manager()
    q = words_for(request.args.get("q"))
    return render_template(
        "teams/team.html",
        team=queries.team(actor, team_id),
        members=queries.members(team_id),
        q=q,
        candidates=queries.candidates(actor, team_id, q) if q else [],
    )


@blueprint.route("/<int:team_id>/edit", methods=["GET", "POST"])
def edit(team_id: int) -> ResponseReturnValue:
    """Change a team."""
    actor = _manager()
    form = _form(queries.team(actor, team_id), actor)
    if form.is_sent_and_valid():
        try:
            with transaction():
                team = queries.team(actor, team_id)
                form.hold(team, _Plain)
                actions.edit_team(team, **_content(form), actor=actor, now=utc_now())
        except RefusedError as refused:
            form.complain(form.unit_id, refusal_text(refused.refusal))
        else:
            flash(_("Saved."))
            return redirect(url_for(".show", team_id=team_id), 303)
    return render_template("teams/team_form.html", form=form, team=queries.team(actor, team_id))


@blueprint.post("/<int:team_id>/end")
def end(team_id: int) -> ResponseReturnValue:
    """End a team."""
    actor = _manager()
    try:
        with transaction():
            actions.end_team(queries.team(actor, team_id), actor=actor, now=utc_now())
    except RefusedError:
        flash(_("The team still has open requests. Assign them to another team first."), "error")
    else:
        flash(_("The team is ended."))
    return redirect(url_for(".show", team_id=team_id), 303)


@blueprint.post("/<int:team_id>/take-up")
def take_up(team_id: int) -> ResponseReturnValue:
    """Take an ended team up again."""
    actor = _manager()
    try:
        with transaction():
            actions.take_up_team(queries.team(actor, team_id), actor=actor, now=utc_now())
    except RefusedError as refused:
        flash(refusal_text(refused.refusal), "error")
    else:
        flash(_("Taken up again. Add its members."))
    return redirect(url_for(".show", team_id=team_id), 303)


@blueprint.post("/<int:team_id>/members/<int:person_id>")
def join(team_id: int, person_id: int) -> ResponseReturnValue:
    """Let somebody join."""
    actor = _manager()
    try:
        with transaction():
            actions.join(
                queries.team(actor, team_id),
                queries.candidate(actor, person_id),
                is_vetted=True,
                actor=actor,
                now=utc_now(),
            )
    except RefusedError as refused:
        flash(refusal_text(refused.refusal), "error")
    else:
        flash(_("Added."))
    return redirect(url_for(".show", team_id=team_id), 303)


@blueprint.route("/<int:team_id>/members/<int:person_id>/place", methods=["GET", "POST"])
def place(team_id: int, person_id: int) -> ResponseReturnValue:
    """Say whether somebody leads the team and was checked."""
    actor = _manager()
    queries.team(actor, team_id)
    held = queries.membership(team_id, person_id)
    form = PlaceForm.from_request(held)
    if form.is_sent_and_valid():
        with transaction():
            actions.change_place(
                queries.membership(team_id, person_id),
                leads=bool(form.leads.data),
                is_vetted=bool(form.is_vetted.data),
                actor=actor,
                now=utc_now(),
            )
        flash(_("Saved."))
        return redirect(url_for(".show", team_id=team_id), 303)
    return render_template("teams/place.html", form=form, place=held)


@blueprint.post("/<int:team_id>/members/<int:person_id>/leave")
def leave(team_id: int, person_id: int) -> ResponseReturnValue:
    """Let somebody leave; their open claims go back."""
    actor = _manager()
    with transaction():
        queries.team(actor, team_id)
        actions.leave(queries.membership(team_id, person_id), actor=actor, now=utc_now())
    flash(_("They left the team. Open claims are back with the team leader."))
    return redirect(url_for(".show", team_id=team_id), 303)


def _manager() -> Actor:
    actor = signed_in_actor()
    require(actor, Action.MANAGE_TEAMS)
    return actor


def _form(team: Team | None, actor: Actor) -> TeamForm:
    form = TeamForm.from_request(None if team is None else _Plain(team))
    units = organisation.unit_tree(within=actor.units_where(Action.MANAGE_TEAMS))
    form.unit_id.choices = tree_choices(units)
    form.areas.choices = tree_choices(organisation.area_tree())
    form.categories.choices = [
        SelectChoice(node.thing.id, localized(node.thing))
        for node in organisation.category_tree()
        if node.thing.parent_id is None
    ]
    return form


class _Plain:
    """A team as its form reads it: ids where the model has things."""

    def __init__(self, team: Team) -> None:
        self.name, self.name_en, self.unit_id = team.name, team.name_en, team.unit_id
        self.description, self.description_en = team.description, team.description_en
        self.areas = [area.id for area in team.areas]
        self.categories = [category.id for category in team.categories]


def _content(form: TeamForm) -> dict[str, Any]:
    return {
        "values": {
            name: form[name].data for name in ("name", "name_en", "description", "description_en")
        },
        "unit_id": form.unit_id.data,
        "areas": [organisation.area(area_id) for area_id in form.areas.data or []],
        "categories": [organisation.category(key) for key in form.categories.data or []],
    }
