"""The rules that propose who takes a request: their list, their draft tried, and put in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import StaleError
from tracker.organisation.queries import team_names
from tracker.permissions import Action, Actor, may, require
from tracker.service_requests import lines
from tracker.service_requests.actions import routing as actions
from tracker.service_requests.forms.routing import RoutingRuleForm
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.routing import queries, trial, words
from tracker.service_requests.routing.matching import Problem, Rule, problem_of
from tracker.service_requests.routing.models import RoutingRule
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.addresses import read_argument
from tracker.web.labels import label
from tracker.web.locale import ENGLISH, current_locale, localized

Value = TypeVar("Value", int, Priority)
blueprint = Blueprint("routing", __name__, url_prefix="/admin/routing")

FIELDS: Final = (
    "name",
    "name_en",
    "category_id",
    "area_id",
    "kind",
    "begins_at",
    "ends_at",
    "is_outside_work",
    "lead_team_id",
    "leader_id",
    "priority",
)


class Standing(StrEnum):
    """How a rule of the draft stands beside the rules in force."""

    IN_FORCE = "in_force"
    NEW = "new"
    CHANGED = "changed"
    STILL_IN_FORCE = "still_in_force"
    OFF = "off"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Line:
    """A rule as the list shows it."""

    thing: RoutingRule
    number: int | None
    """Its place among those that are switched on."""
    standing: Standing
    conditions: Sequence[str]
    gives: Sequence[str]
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Part:
    """One side of a trial: what is given, how often before and after, and how the desk agrees."""

    title: str
    rows: Sequence[tuple[str, int, int]]
    agrees: tuple[trial.Agreement, trial.Agreement]


@dataclass(frozen=True, slots=True)
class Example:
    """A request that would get something else, with what it gets in words."""

    line: lines.Line
    before: Sequence[str]
    after: Sequence[str]
    decided: Sequence[str]


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """List the rules in their order, and say how the draft stands beside what is in force."""
    actor = _reader()
    shows_ended = request.args.get("ended") == "1"
    worked_on, edition = queries.rules(ended=shows_ended), queries.in_force()
    draft = queries.draft(worked_on)
    standing = [each.id for each in worked_on if each.ended_at is None]
    return render_template(
        "service_requests/routing.html",
        lines=_lines(worked_on, draft, edition.rules),
        edition=edition,
        is_changed=queries.stamp(draft) != queries.stamp(edition.rules),
        may_edit=may(actor, Action.EDIT_ROUTING),
        edges={"up": standing[:1], "down": standing[-1:]},
        ended=shows_ended,
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Add a rule to the draft."""
    return _form_page(None)


@blueprint.route("/<int:rule_id>", methods=["GET", "POST"])
def edit(rule_id: int) -> ResponseReturnValue:
    """Change a rule of the draft."""
    _editor()
    return _form_page(queries.rule(rule_id))


@blueprint.post("/<int:rule_id>/switch")
def switch(rule_id: int) -> ResponseReturnValue:
    """Take a rule into the draft, or out of it."""
    actor, on = _editor(), request.form.get("on") == "1"
    with transaction():
        actions.switch_rule(queries.rule(rule_id), on=on, actor=actor, now=utc_now())
    flash(
        _("Switched on in the draft. Try it, then put it in force.")
        if on
        else _("Switched off in the draft. Try it, then put it in force.")
    )
    return _back(rule_id)


@blueprint.post("/<int:rule_id>/move")
def move(rule_id: int) -> ResponseReturnValue:
    """Change places with the rule before or after."""
    actor, up = _editor(), request.form.get("way") == "up"
    with transaction():
        actions.move_rule(queries.rule(rule_id), up=up, actor=actor, now=utc_now())
    return _back(rule_id)


@blueprint.post("/<int:rule_id>/end")
def end(rule_id: int) -> ResponseReturnValue:
    """Take a rule off the list."""
    actor = _editor()
    with transaction():
        actions.end_rule(queries.rule(rule_id), actor=actor, now=utc_now())
    flash(_("The rule is ended in the draft."))
    return redirect(url_for(".index"), 303)


@blueprint.post("/<int:rule_id>/take-up")
def take_up(rule_id: int) -> ResponseReturnValue:
    """Put an ended rule back on the list."""
    actor = _editor()
    with transaction():
        actions.take_up_rule(queries.rule(rule_id), actor=actor, now=utc_now())
    flash(_("Taken up again, switched off."))
    return _back(rule_id)


@blueprint.get("/trial")
def try_out() -> ResponseReturnValue:
    """Show what the draft would have done last month."""
    actor, now = _reader(), utc_now()
    worked_on, edition = queries.rules(), queries.in_force()
    draft, standing = queries.draft(worked_on), queries.standing()
    tried = trial.try_out(actor, edition.rules, draft, standing, now=now)
    return render_template(
        "service_requests/routing_trial.html",
        trial=tried,
        parts=_parts(tried),
        rules=_by_rule(tried, edition.rules, draft),
        examples=_examples(tried),
        broken=[(rule, problem) for rule in draft if (problem := problem_of(rule, standing))],
        edition=edition,
        mark=queries.stamp(draft),
        is_changed=queries.stamp(draft) != queries.stamp(edition.rules),
        may_edit=may(actor, Action.EDIT_ROUTING),
        most=trial.MOST,
    )


@blueprint.post("/edition")
def put_in_force() -> ResponseReturnValue:
    """Put the draft in force, as it was tried."""
    actor = _editor()
    try:
        with transaction():
            actions.put_in_force(
                tried=request.form.get("draft", ""),
                instead_of=read_argument(request.form, "edition", int),
                actor=actor,
                now=utc_now(),
            )
    except StaleError:
        flash(
            _("The rules were changed since this trial. Here is a new one: look at it first."),
            "error",
        )
        return redirect(url_for(".try_out"), 303)
    flash(_("In force. The desk's forms propose by these rules from now on."))
    return redirect(url_for(".index"), 303)


def _reader() -> Actor:
    actor = signed_in_actor()
    require(actor, Action.VIEW_ROUTING)
    return actor


def _editor() -> Actor:
    actor = signed_in_actor()
    require(actor, Action.EDIT_ROUTING)
    return actor


def _back(rule_id: int) -> ResponseReturnValue:
    return redirect(url_for(".index", _anchor=f"rule-{rule_id}"), 303)


def _form_page(rule: RoutingRule | None) -> ResponseReturnValue:
    actor = _editor()
    rule_id = rule.id if rule is not None else None
    english = current_locale() == ENGLISH
    form = RoutingRuleForm.from_request(rule).offer(
        teams=[
            (each, (name_en or name) if english else name) for each, name, name_en in team_names()
        ],
        leaders=queries.leaders(),
        channel=rule.channel if rule is not None else None,
    )
    if form.is_sent_and_valid():
        with transaction():
            if rule_id is None:
                once.require_first()
                rule_id = actions.add_rule(_values(form), actor=actor, now=utc_now()).id
                flash(_("Saved, switched off. Switch it on to try it."))
            else:
                kept = queries.rule(rule_id)
                form.hold(kept)
                actions.edit_rule(kept, _values(form), actor=actor, now=utc_now())
                flash(_("Saved in the draft. Try it, then put it in force."))
        return _back(rule_id)
    shown = queries.rule(rule_id) if rule_id is not None else None
    problem = problem_of(queries.as_rule(shown, 0), queries.standing()) if shown else None
    return render_template(
        "service_requests/routing_form.html", form=form, rule=shown, problem=problem
    )


def _values(form: RoutingRuleForm) -> dict[str, Any]:
    return {
        **{name: form[name].data for name in FIELDS},
        "channel": form.channel.data or None,
        "weekdays": "".join(sorted(form.weekdays.data or ())),
    }


def _lines(
    worked_on: Sequence[RoutingRule], draft: Sequence[Rule], in_force: Sequence[Rule]
) -> Sequence[Line]:
    standing, numbers = queries.standing(), {rule.id: rule.number for rule in draft}
    old = {rule.id: replace(rule, number=0) for rule in in_force}
    made = []
    for thing in worked_on:
        rule = queries.as_rule(thing, 0)
        made.append(
            Line(
                thing=thing,
                number=numbers.get(thing.id),
                standing=_standing(thing, rule, old.get(thing.id)),
                conditions=words.conditions(rule),
                gives=words.gives(rule.gives),
                problem=problem_of(rule, standing),
            )
        )
    return made


def _standing(thing: RoutingRule, rule: Rule, in_force: Rule | None) -> Standing:
    if thing.ended_at is not None or not thing.is_on:
        if in_force is not None:
            return Standing.STILL_IN_FORCE
        return Standing.OFF if thing.ended_at is None else Standing.ENDED
    if in_force is None:
        return Standing.NEW
    return Standing.IN_FORCE if in_force == rule else Standing.CHANGED


def _parts(tried: trial.Trial) -> Sequence[Part]:
    called, before, after = words.names(), tried.before, tried.after
    priorities = {each: label(each) for each in Priority}
    return [
        Part(
            _("By lead team"),
            _rows(before.teams, after.teams, called.teams),
            (before.team_agrees, after.team_agrees),
        ),
        Part(
            _("By leader"),
            _rows(before.leaders, after.leaders, called.leaders),
            (before.leader_agrees, after.leader_agrees),
        ),
        Part(
            _("By priority"),
            _rows(before.priorities, after.priorities, priorities),
            (before.priority_agrees, after.priority_agrees),
        ),
    ]


def _rows(
    before: Mapping[Value | None, int],
    after: Mapping[Value | None, int],
    called: Mapping[Value, str],
) -> Sequence[tuple[str, int, int]]:
    return [
        (_("Left to the desk") if value is None else called.get(value, "–"), then, would_be)
        for value, then, would_be in trial.side_by_side(before, after)
    ]


def _by_rule(
    tried: trial.Trial, in_force: Sequence[Rule], draft: Sequence[Rule]
) -> Sequence[tuple[str, int, int]]:
    """Return how many each rule takes, in the draft's order; those that it drops stand below."""
    known = {rule.id: rule for rule in (*draft, *in_force)}
    known |= {rule.id: rule for rule in draft}
    rows = [
        (localized(rule), tried.before.rules[rule_id], tried.after.rules[rule_id])
        for rule_id, rule in known.items()
    ]
    return [*rows, (_("No rule fits"), tried.before.rules[None], tried.after.rules[None])]


def _examples(tried: trial.Trial) -> Sequence[Example]:
    if not tried.listed:
        return []
    of = {line.id: line for line in lines.of([each.id for each in tried.listed])}
    return [
        Example(
            of[each.id],
            words.gives(each.before),
            words.gives(each.after),
            words.gives(each.decided),
        )
        for each in tried.listed
        if each.id in of
    ]
