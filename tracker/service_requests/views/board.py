"""The volunteer's board: tasks to claim, claiming, giving back, my tasks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import Refusal, RefusedError
from tracker.loading import Loader
from tracker.organisation import queries as organisation
from tracker.organisation.offered import area_options, category_options
from tracker.permissions import Action, Actor, require
from tracker.service_requests import board, queries
from tracker.service_requests.actions import claims
from tracker.service_requests.due import DueState, due_state
from tracker.service_requests.forms.board import ReleaseForm
from tracker.service_requests.lifecycle import Step, may_take
from tracker.service_requests.models import Claim, ServiceRequest
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.addresses import wants_fields_alone
from tracker.web.errors import refusal_text
from tracker.web.locale import current_locale, format_ago, format_due
from tracker.web.options import Options
from tracker.web.paging import wide_page_of

blueprint = Blueprint("board", __name__)


_FREE_AGAIN: Final = _l("The place is free again, and the team leader has been told.")
_IN_ORDER: Final = (board.due_or_submitted(), ServiceRequest.id)


@dataclass(frozen=True, slots=True)
class Row:
    """A task of the board, with what is read off a clock in words."""

    task: board.Task
    refusal: Refusal | None
    """Why the reader cannot claim it, if so."""
    state: DueState | None
    due_ago: str
    due_time: str


@blueprint.get("/board")
def index() -> ResponseReturnValue:
    """List what my teams can still take, without personal data."""
    actor, now = signed_in_actor(), utc_now()
    require(actor, Action.VIEW_BOARD)
    areas = area_options(current_locale(), ended=False)
    categories = category_options(current_locale(), ended=False)
    if wants_fields_alone():
        return render_template(
            "service_requests/board_filters.html",
            chips=(),
            area_options=areas,
            category_options=categories,
        )
    area_id, category_id = _wanted("area", areas), _wanted("category", categories)
    within = None if area_id is None else organisation.areas_below(area_id)
    page = wide_page_of(
        board.claimable(actor, within, category_id),
        _IN_ORDER,
        load=Loader(board.shown),
        mark=request.args.get("mark"),
        size=20,
    )
    standing = claims.standing_of(actor)
    return render_template(
        "service_requests/board.html",
        page=page,
        tasks=[_row(task, actor, standing, now) for task in page.rows],
        standing=standing,
        chips=_chips({"area": (area_id, areas), "category": (category_id, categories)}),
        area_options=areas,
        category_options=categories,
        refusal_text=refusal_text,
    )


def _row(task: board.Task, actor: Actor, standing: claims.Standing, now: datetime) -> Row:
    refusal = claims.why_not(task, actor=actor, standing=standing)
    state = due_state(task, now)
    due_ago, due_time = format_ago(task.due_at), format_due(task.due_at)
    return Row(task, refusal, state, due_ago, due_time)


@blueprint.get("/mine")
def mine() -> ResponseReturnValue:
    """List the tasks that I claimed: what is open, and what came of the others."""
    actor, now = signed_in_actor(), utc_now()
    require(actor, Action.VIEW_BOARD)
    mark = request.args.get("mark")
    return render_template(
        "service_requests/mine.html",
        page=board.own_tasks(actor, mark=mark),
        finished=[] if mark else board.finished_tasks(actor),
        can_visit=lambda it: may_take(it.status, Step.VISIT),
        due_state=lambda it: due_state(it, now),
    )


@blueprint.post("/requests/<int:service_request_id>/claim")
def claim(service_request_id: int) -> ResponseReturnValue:
    """Take a place. Tapping twice takes one; the loser is told why and sees the other tasks."""
    actor = signed_in_actor()
    try:
        with transaction():
            it = queries.find_for_change(actor, service_request_id, Action.CLAIM_SERVICE_REQUEST)
            if actor.person_id not in it.claimant_ids:
                claims.claim(it, actor=actor, now=utc_now())
    except RefusedError as refused:
        flash(refusal_text(refused.refusal), "warning")
        return redirect(url_for(".index"), 303)
    flash(_("It is yours. Thank you! Plan a visit, or call first."))
    return redirect(url_for("service_requests.show", service_request_id=service_request_id), 303)


@blueprint.route("/requests/<int:service_request_id>/release", methods=["GET", "POST"])
def release(service_request_id: int) -> ResponseReturnValue:
    """Give a place back, with a reason: one's own, or one of the team that one leads."""
    actor = signed_in_actor()
    if once.was_taken():  # it may be out of their reach by now
        return _free_again(service_request_id)
    service_request = queries.find(actor, service_request_id, Action.RELEASE_CLAIM)
    form = ReleaseForm.from_request().offer(_places(service_request))
    if form.is_sent_and_valid():
        with transaction():
            it = queries.find_for_change(actor, service_request_id, Action.RELEASE_CLAIM)
            if once.is_first():
                claims.release(
                    it,
                    person_id=form.person_id.data,
                    reason=form.reason.data or "",
                    actor=actor,
                    now=utc_now(),
                )
        return _free_again(service_request_id)
    return render_template(
        "service_requests/release.html", form=form, service_request=service_request
    )


def _free_again(service_request_id: int) -> ResponseReturnValue:
    flash(once.told(_FREE_AGAIN))
    if request.form.get("person_id") == str(signed_in_actor().person_id):
        return redirect(url_for(".mine"), 303)
    return redirect(url_for("service_requests.show", service_request_id=service_request_id), 303)


def _wanted(name: str, offered: Options) -> int | None:
    """Return the id that the address asks for; what is not offered is no filter."""
    number = request.args.get(name, "")
    return int(number) if number in offered else None


def _chips(wanted: Mapping[str, tuple[int | None, Options]]) -> list[dict[str, str]]:
    return [
        {"param": name, "value": str(value), "label": offered.name(value)}
        for name, (value, offered) in wanted.items()
        if value is not None
    ]


def _places(service_request: ServiceRequest) -> list[Claim]:
    theirs = claims.may_free(service_request, signed_in_actor())
    return [claim for claim in service_request.claims if claim.person_id in theirs]
