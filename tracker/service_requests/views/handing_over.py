"""Handing over what somebody holds: to whom, what would happen then, and doing it at once."""

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l

from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import NotFoundError, Refusal, RefusedError, StaleError
from tracker.permissions import Action, Actor, require
from tracker.service_requests import handing_over
from tracker.service_requests.actions.handing_over import Group
from tracker.service_requests.forms.handing_over import HandOverForm, form_for
from tracker.service_requests.handing_over import Changes, Fate, Holdings, Plan
from tracker.teams import queries as teams
from tracker.teams.models import Team
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import refusal_text

blueprint = Blueprint("handing_over", __name__)

WHY_NOT: Final = {
    Refusal.ALREADY_CLAIMED: _l("has it already"),
    Refusal.NOT_OPEN_FOR_CLAIMS: _l("nobody can be entered where it stands now"),
    Refusal.NOT_A_MEMBER: _l("is in none of its teams"),
    Refusal.NOT_VETTED: _l("is not checked in a team of it"),
    Refusal.FULL: _l("all places are taken"),
    Refusal.CLAIM_LIMIT: _l("holds as many open tasks as one person may"),
    Refusal.CLASH: _l("has another visit planned at that time"),
    Refusal.LEADER_ENDED: _l("holds no role of leader there"),
}
"""Why something can't go to somebody, as whoever hands it over reads it."""


@blueprint.route("/hand-over/<int:person_id>", methods=["GET", "POST"])
def show(person_id: int) -> ResponseReturnValue:
    """List what somebody holds; say what would happen; hand it over if that is still so."""
    actor, now = signed_in_actor(), utc_now()
    person = handing_over.find_person(actor, person_id, now=now)
    once.refuse_second()
    holdings = handing_over.holdings_of(person, actor=actor, now=now)
    form = form_for(holdings)
    if holdings.is_empty and form.seen.data:
        flash(_("Somebody has handed it over meanwhile."), "warning")
        return _page(form, holdings)
    if not form.is_sent_and_valid():
        if form.seen.data and form.errors:
            form.form_errors.append(_("What they hold has changed since you looked. Choose anew."))
        return _page(form, holdings)
    plan, seen = handing_over.plan_of(holdings, form.chosen), form.seen.data or ""
    if not plan.moves and not plan.cannot:
        form.form_errors.append(_("Choose to whom something goes."))
        return _page(form, holdings)
    if plan.moves and seen and "look" not in request.form:
        done = _done(form, person, actor)
        if done is not None:
            flash(_("Handed over. Everybody concerned has been told."))
            return redirect(_back_to(actor, person_id), 303)
        # What was read before has changed meanwhile.
        holdings = handing_over.holdings_of(person, actor=actor, now=now)
        form = form_for(holdings)
        plan = handing_over.plan_of(holdings, form.chosen)
        return _page(form, holdings, plan, handing_over.changes_since(seen, plan))
    is_sent = bool(seen) and "look" not in request.form  # and nothing of it can go there any more
    return _page(form, holdings, plan, handing_over.changes_since(seen, plan) if is_sent else None)


@blueprint.get("/admin/people/<int:person_id>/holds")
def counts(person_id: int) -> ResponseReturnValue:
    """Tell who manages people how much somebody holds: numbers, and nothing of what it is."""
    actor = signed_in_actor()
    require(actor, Action.MANAGE_PEOPLE)
    person = teams.person(actor, person_id)
    within = Team.unit_id.in_(sorted(actor.units_where(Action.MANAGE_TEAMS)))
    return render_template(
        "service_requests/hand_over_counts.html",
        person=person,
        counts=handing_over.counts_of(person.id, now=utc_now()),
        led_alone=handing_over.teams_led_alone(person.id, within),
        groups=Group,
    )


def _done(form: HandOverForm, person: Person, actor: Actor) -> Plan | None:
    """Hand it over as the page said; None when something has changed since."""
    try:
        with transaction():
            plan = handing_over.hand_over_as_seen(
                person,
                form.chosen,
                seen=form.seen.data or "",
                note=form.note.data or "",
                actor=actor,
                now=utc_now(),
            )
            once.require_first()
            return plan
    except (StaleError, RefusedError):
        once.refuse_second()
        return None


def _back_to(actor: Actor, person_id: int) -> str:
    """Return where to go on: to the queue, when nothing of theirs is within reach any more."""
    try:
        handing_over.find_person(actor, person_id, now=utc_now())
    except NotFoundError:
        return url_for("queue.index")
    return url_for(".show", person_id=person_id)


def _page(
    form: HandOverForm,
    holdings: Holdings,
    plan: Plan | None = None,
    changes: Changes | None = None,
) -> ResponseReturnValue:
    form.seen.data = plan.seen if plan is not None and plan.moves else ""
    return render_template(
        "service_requests/hand_over.html",
        form=form,
        holdings=holdings,
        plan=plan,
        changes=changes,
        groups=Group,
        fates=Fate,
        why_not=_why_not,
        most=handing_over.MOST,
    )


def _why_not(refusal: Refusal) -> str:
    return str(WHY_NOT.get(refusal) or refusal_text(refusal))
