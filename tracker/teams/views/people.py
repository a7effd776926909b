"""People: invited, edited, given roles, ended."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from tracker.accounts import actions, mail, queries as accounts
from tracker.accounts.actions import PersonDetails
from tracker.accounts.models import LinkPurpose, Person
from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import hold, transaction
from tracker.errors import Refusal, RefusedError
from tracker.organisation import queries as organisation
from tracker.organisation.forms import tree_choices
from tracker.permissions import Action, Actor, require
from tracker.privacy import normalise_phone
from tracker.teams import actions as team_actions, directory, queries
from tracker.teams.forms import InvitationForm, PersonForm, RoleForm, role_choices
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.addresses import identity, read_argument
from tracker.web.errors import refusal_text
from tracker.web.locale import localized
from tracker.web.looking import words_for

blueprint = Blueprint("people", __name__, url_prefix="/admin/people")


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who was just sent, or is to be handed, a link to choose a password."""

    person_id: int
    name: str
    email: str | None
    address: str


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """List the people, with what they hold."""
    actor = signed_in_actor()
    require(actor, Action.MANAGE_PEOPLE)
    q = words_for(request.args.get("q"))
    ended = request.args.get("ended") == "1"
    page = directory.people(actor, q=q, ended=ended, mark=request.args.get("mark"))
    person_ids = [person.id for person in page.rows]
    return render_template(
        "teams/people.html",
        page=page,
        holdings=queries.holdings(person_ids),
        answered_for=queries.answered_for_among(actor, person_ids),
        q=q,
        ended=ended,
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Invite somebody, with a first role or place in a team."""
    actor = signed_in_actor()
    require(actor, Action.MANAGE_PEOPLE)
    form = InvitationForm.from_request(team_id=read_argument(request.args, "team_id", identity))
    form.offer()
    form.role.choices = role_choices(blank=_("None for now"))
    form.unit_id.choices = _units(actor, blank=_("–"))
    form.team_id.choices = [
        SelectChoice("", _("None for now")),
        *(SelectChoice(line.team.id, localized(line.team)) for line in queries.teams(actor)),
    ]
    if form.is_sent_and_valid():
        try:
            with transaction():
                once.require_first()
                invited = _invite_new(form, actor)
        except RefusedError as refused:
            _complain(form, refused)
        else:
            return _after_invitation(invited)
    return render_template("teams/person_form.html", form=form, person=None)


@blueprint.get("/<int:person_id>")
def show(person_id: int) -> ResponseReturnValue:
    """Show somebody, what they hold, and what can be changed."""
    actor = signed_in_actor()
    require(actor, Action.MANAGE_PEOPLE)
    person = queries.person(actor, person_id)
    form = RoleForm.from_request()
    form.offer(_units(actor))
    return render_template(
        "teams/person.html",
        person=person,
        holding=queries.holdings([person.id])[person.id],
        role_form=form,
        reach=actor.units_where(Action.MANAGE_GRANTS),
        is_in_reach=bool(queries.answered_for_among(actor, [person.id])),
    )


@blueprint.route("/<int:person_id>/edit", methods=["GET", "POST"])
def edit(person_id: int) -> ResponseReturnValue:
    """Correct somebody's details."""
    actor = signed_in_actor()
    require(actor, Action.MANAGE_PEOPLE)
    form = PersonForm.from_request(_to_change(actor, person_id))
    form.offer()
    if form.is_sent_and_valid():
        try:
            with transaction():
                person = _to_change(actor, person_id)
                form.hold(person)
                is_reached_otherwise = actions.edit_person(
                    person,
                    _details(form),
                    held_in=queries.units_held_in(person_id, actor),
                    actor=actor,
                    now=utc_now(),
                )
                waits_for_link = is_reached_otherwise and person.password_hash is None
        except RefusedError as refused:
            _complain(form, refused)
        else:
            flash(_("Saved."))
            if waits_for_link:
                flash(_("What they signed in with no longer works. Send them a new link."))
            return redirect(url_for(".show", person_id=person_id), 303)
    return render_template(
        "teams/person_form.html", form=form, person=queries.person(actor, person_id)
    )


@blueprint.post("/<int:person_id>/invitation")
def invite(person_id: int) -> ResponseReturnValue:
    """Send a link to choose a password."""
    actor = signed_in_actor()
    with transaction():
        person, held_in = _held(actor, person_id)
        actions.note_invitation(person, held_in=held_in, actor=actor, now=utc_now())
        invited = _invited(person)
    return _after_invitation(invited)


@blueprint.post("/<int:person_id>/end")
def end(person_id: int) -> ResponseReturnValue:
    """End somebody; what they had in hand goes back."""
    actor = signed_in_actor()
    try:
        with transaction():
            person, held_in = _held(actor, person_id)
            team_actions.leave_every_team(person, held_in=held_in, actor=actor, now=utc_now())
            actions.end_person(
                person,
                held_in=held_in,
                root_unit_id=organisation.root_unit().id,
                actor=actor,
                now=utc_now(),
            )
    except RefusedError as refused:
        flash(refusal_text(refused.refusal), "error")
    else:
        flash(_("Ended. What they had claimed is back with their team leaders."))
    return redirect(url_for(".show", person_id=person_id), 303)


@blueprint.post("/<int:person_id>/take-up")
def take_up(person_id: int) -> ResponseReturnValue:
    """Let somebody who was ended come back."""
    actor = signed_in_actor()
    with transaction():
        person, held_in = _held(actor, person_id)
        actions.take_up_person(person, held_in=held_in, actor=actor, now=utc_now())
    flash(_("Taken up again. Send an invitation, and give the roles anew."))
    return redirect(url_for(".show", person_id=person_id), 303)


@blueprint.post("/<int:person_id>/roles")
def give_role(person_id: int) -> ResponseReturnValue:
    """Give a role in a unit."""
    actor = signed_in_actor()
    require(actor, Action.MANAGE_PEOPLE)
    queries.person(actor, person_id)
    form = RoleForm.from_request()
    form.offer(_units(actor))
    if form.is_sent_and_valid() and form.unit_id.data is not None:
        try:
            with transaction():
                person, held_in = _held(actor, person_id)
                had_password = person.password_hash is not None
                actions.give_role(
                    person,
                    form.role.data,
                    unit_id=form.unit_id.data,
                    held_in=held_in,
                    actor=actor,
                    now=utc_now(),
                )
                waits_for_link = had_password and person.password_hash is None
        except RefusedError as refused:
            flash(refusal_text(refused.refusal), "error")
        else:
            flash(_("The role is given; it holds from the next page that they open."))
            if waits_for_link:
                flash(_("What they signed in with no longer works. Send them a new link."))
    else:
        flash(_("Choose a role and a unit."), "error")
    return redirect(url_for(".show", person_id=person_id), 303)


@blueprint.post("/<int:person_id>/roles/<int:grant_id>/end")
def end_role(person_id: int, grant_id: int) -> ResponseReturnValue:
    """Take a role back."""
    actor = signed_in_actor()
    try:
        with transaction():
            queries.person(actor, person_id)
            actions.end_role(
                accounts.grant(grant_id, of=person_id),
                root_unit_id=organisation.root_unit().id,
                actor=actor,
                now=utc_now(),
            )
    except RefusedError as refused:
        flash(refusal_text(refused.refusal), "error")
    else:
        flash(_("The role is ended."))
    return redirect(url_for(".show", person_id=person_id), 303)


def _held(actor: Actor, person_id: int) -> tuple[Person, frozenset[int]]:
    """Return somebody, held until the transaction ends, and the units that answer for them then.

    A role may be given to them while one waits: whoever answered for them before may not any more.
    """
    person = queries.person(actor, person_id)
    hold(person)
    return person, queries.units_held_in(person_id, actor)


def _to_change(actor: Actor, person_id: int) -> Person:
    """Return somebody for whom the actor answers: the form tells how they are reached."""
    person = queries.person(actor, person_id)
    held_in = queries.units_held_in(person_id, actor)
    actions.require_everywhere(actor, Action.MANAGE_PEOPLE, held_in)
    return person


def _invite_new(form: InvitationForm, actor: Actor) -> Invited:
    now = utc_now()
    person = actions.add_person(_details(form), actor=actor, now=now)
    if form.role.data is not None:
        actions.give_role(
            person,
            form.role.data,
            unit_id=form.unit_id.data,
            held_in=frozenset(),
            actor=actor,
            now=now,
        )
    if form.team_id.data is not None:
        team = queries.team(actor, form.team_id.data)
        team_actions.join(team, person, is_vetted=True, actor=actor, now=now)
    return _invited(person)


def _invited(person: Person) -> Invited:
    token = mail.send_link(person, LinkPurpose.INVITATION, now=utc_now())
    settings: Settings = current_app.config["SETTINGS"]
    address = settings.public_url + url_for("accounts.invitation", token=token)
    return Invited(person.id, person.name, person.email, address)


def _after_invitation(invited: Invited) -> ResponseReturnValue:
    """Say that the mail is on its way; without an address show the link, this once."""
    if invited.email:
        flash(_("An invitation is on its way to %(address)s.", address=invited.email))
        return redirect(url_for(".show", person_id=invited.person_id), 303)
    return render_template("teams/invited.html", invited=invited)


def _details(form: PersonForm) -> PersonDetails:
    return PersonDetails(
        name=form.name.data or "",
        title=form.title.data or "",
        title_en=form.title_en.data,
        email=form.email.data,
        phone=normalise_phone(form.phone.data) if form.phone.data else None,
        locale=form.locale.data or None,
    )


def _complain(form: PersonForm, refused: RefusedError) -> None:
    """Say what is wrong beside the field that it is about."""
    names = {Refusal.UNIT_ENDED: "unit_id", Refusal.TEAM_ENDED: "team_id"}
    name = names.get(refused.refusal) or refused.detail or "email"
    form.complain(form[name], refusal_text(refused.refusal))


def _units(actor: Actor, **options: Any) -> list[SelectChoice]:  # noqa: ANN401 - passed on
    within = actor.units_where(Action.MANAGE_GRANTS)
    return tree_choices(organisation.unit_tree(within=within), **options)
