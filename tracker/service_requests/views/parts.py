"""Parts of a request for helping teams: split it up; and a team's end of its part."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.errors import (
    NotFoundError,
    Refusal,
    RefusedError,
    StaleError,
    StepNotAllowedError,
)
from tracker.permissions import Action, Actor
from tracker.service_requests import choices, parts, queries
from tracker.service_requests.actions import parts as actions
from tracker.service_requests.forms.parts import (
    PartResultForm,
    PartReturnForm,
    PartRow,
    PartsForm,
    row_of,
)
from tracker.service_requests.lifecycle import Step, status_after
from tracker.service_requests.models import Part, ServiceRequest
from tracker.teams.models import Team
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import refusal_text
from tracker.web.locale import localized

blueprint = Blueprint("parts", __name__, url_prefix="/requests/<int:service_request_id>/parts")

BLANK_ROWS: Final = 2
"""For teams that do not help yet."""
ABOUT_TIME: Final = frozenset({Refusal.PART_AFTER_REQUEST})
"""Refusals that stand beside the days."""


@blueprint.route("", methods=["GET", "POST"])
def index(service_request_id: int) -> ResponseReturnValue:
    """Say what each helping team is to do, and until when."""
    actor = signed_in_actor()
    it = queries.find(actor, service_request_id, Action.GIVE_PART)
    if once.was_taken():
        flash(once.told(""))
        return _back(actor, service_request_id)
    status_after(it.status, Step.GIVE_PART)
    teams = choices.helping_teams_to_choose(it, actor)
    form = PartsForm.from_request(rows=_rows(it, with_blank=bool(teams)), stood=_stands(it))
    _offer(form, it, teams)
    if form.is_sent_and_valid():
        try:
            changed = _split(actor, service_request_id, form)
        except StaleError:
            it = queries.find(actor, service_request_id, Action.GIVE_PART)
            _offer(form, it, teams)
            form.form_errors.append(_meanwhile(it))
            form.stood.data = _stands(it)
            form.add_missing()
            _offer(form, it, teams)
        else:
            if changed is not None:
                done = _("The parts are given. Each team has been told.")
                flash(once.told(done if changed else _("Nothing was changed.")))
                return _back(actor, service_request_id)
    it = queries.find(actor, service_request_id, Action.GIVE_PART)
    return render_template("service_requests/parts.html", form=form, service_request=it)


@blueprint.route("/<int:part_id>/result", methods=["GET", "POST"])
def end(service_request_id: int, part_id: int) -> ResponseReturnValue:
    """Say what one's own team did."""
    form = PartResultForm.from_request()

    def take(part: Part, actor: Actor) -> None:
        actions.end(part, result=form.result.data or "", actor=actor, now=utc_now())

    done = _("Your part is done. The lead team has been told.")
    return _own_part_page(service_request_id, part_id, form, Step.END_PART, take, done)


@blueprint.route("/<int:part_id>/return", methods=["GET", "POST"])
def return_(service_request_id: int, part_id: int) -> ResponseReturnValue:
    """Give one's own team's part back."""
    form = PartReturnForm.from_request()

    def take(part: Part, actor: Actor) -> None:
        actions.return_(part, reason=form.reason.data or "", actor=actor, now=utc_now())

    done = _("Given back. The desk and the lead team have been told.")
    return _own_part_page(service_request_id, part_id, form, Step.RETURN_PART, take, done)


def _own_part_page(
    service_request_id: int,
    part_id: int,
    form: PartResultForm | PartReturnForm,
    step: Step,
    take: Callable[[Part, Actor], None],
    done: str,
) -> ResponseReturnValue:
    """Show the form of a step on a team's own part; when it is in order, take the step."""
    actor = signed_in_actor()
    if once.was_taken():
        flash(once.told(done))
        return _back(actor, service_request_id)
    part = _own_part(actor, service_request_id, part_id)
    status_after(part.service_request.status, step)
    if not form.is_submitted() and part.ended_at is not None:
        message = "The part has ended."
        raise StepNotAllowedError(message)
    if form.is_sent_and_valid():
        try:
            with transaction():
                queries.find_for_change(actor, service_request_id, Action.END_PART)
                if once.is_first():
                    take(_own_part(actor, service_request_id, part_id), actor)
            flash(once.told(done))
            return _back(actor, service_request_id)
        except RefusedError as refused:
            words = form.result if isinstance(form, PartResultForm) else form.reason
            form.complain(words, refusal_text(refused.refusal))
    part = _own_part(actor, service_request_id, part_id)
    return render_template(
        "service_requests/part_end.html",
        form=form,
        service_request=part.service_request,
        part=parts.line_of(part, actor, utc_now()),
        is_return=step is Step.RETURN_PART,
        limit=parts.return_limit_at(part),
    )


def _own_part(actor: Actor, service_request_id: int, part_id: int) -> Part:
    it = queries.find(actor, service_request_id, Action.END_PART)
    return parts.own_part(actor, it, part_id)


def _rows(it: ServiceRequest, *, with_blank: bool) -> list[dict[str, object]]:
    open_parts = parts.teams_with_open(it)
    rows = [row_of(team, open_parts.get(team.id)) for team in it.helping_teams]
    return rows + [{"team_id": None} for _row in range(BLANK_ROWS if with_blank else 0)]


def _offer(form: PartsForm, it: ServiceRequest, teams: Sequence[Team]) -> None:
    form.offer(
        teams=[team for team in teams if team.id != it.lead_team_id],
        helping=it.helping_teams,
        open_parts=parts.teams_with_open(it),
    )


def _split(actor: Actor, service_request_id: int, form: PartsForm) -> int | None:
    """Take every row, or none; return how many changed something, None for a refusal, which is said.

    Raises `StaleError` when there are other parts than the form showed.
    """
    at: PartRow | None = None
    changed = 0
    try:
        with transaction():
            it = queries.find_for_change(actor, service_request_id, Action.GIVE_PART)
            if not once.is_first():
                return 0
            if form.stood.data != _stands(it):
                raise StaleError(_stands(it))
            open_parts = parts.teams_with_open(it)
            for team_id, row in form.entered():
                at = row
                changed += _take_row(it, team_id, row, open_parts.get(team_id), actor)
    except RefusedError as refused:
        name = "working_days" if refused.refusal in ABOUT_TIME else "task"
        assert at is not None  # noqa: S101 - rows are what is refused
        form.complain_of_row(at, name, refusal_text(refused.refusal))
        return None
    return changed


def _take_row(
    it: ServiceRequest, team_id: int, row: PartRow, part: Part | None, actor: Actor
) -> bool:
    task, days, now = row.task.data or "", row.working_days.data, utc_now()
    if part is None:
        team = db.session.get_one(Team, team_id)
        actions.give(it, team, task=task, working_days=days, actor=actor, now=now)
        return True
    if row.is_taken_back.data:
        actions.take_back(part, actor=actor, now=now)
        return True
    return actions.change(part, task=task, working_days=days, actor=actor, now=now)


def _stands(it: ServiceRequest) -> str:
    """Return a mark of which teams help, and with what."""
    helping = sorted(team.id for team in it.helping_teams)
    open_parts = [(part.id, part.task, part.working_days) for part in parts.open_parts(it)]
    return hashlib.sha256(repr((it.lead_team_id, helping, open_parts)).encode()).hexdigest()[:16]


def _meanwhile(it: ServiceRequest) -> str:
    words: str = _("Meanwhile the parts have ended. Check, and send again if it fits.")
    open_parts = parts.open_parts(it)
    if open_parts:
        stand = "; ".join(f"{localized(part.team)}: {part.task}" for part in open_parts)
        words = _(
            "Meanwhile somebody changed the parts. They are now: %(parts)s. To put yours in their place, send again.",
            parts=stand,
        )
    return words


def _back(actor: Actor, service_request_id: int) -> ResponseReturnValue:
    """Lead to the request; to the queue when it has moved out of the actor's reach."""
    try:
        queries.find(actor, service_request_id)
    except NotFoundError:
        return redirect(url_for("queue.index"), 303)
    return redirect(url_for("service_requests.show", service_request_id=service_request_id), 303)
