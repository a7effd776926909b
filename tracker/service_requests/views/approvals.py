"""One page with everything that waits for my decision."""

from datetime import datetime
from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.errors import Refusal, RefusedError, StepNotAllowedError
from tracker.permissions import Action, require
from tracker.service_requests import clocks, queries
from tracker.service_requests.actions import approvals
from tracker.service_requests.due import due_state
from tracker.service_requests.forms.judging import GRANT, REFUSE, DecisionForm
from tracker.service_requests.judging import find_approval, supervised_by, to_decide
from tracker.service_requests.lifecycle import Step, may_take
from tracker.service_requests.models import Approval
from tracker.web.access import signed_in_actor
from tracker.web.addresses import identity, read_argument
from tracker.web.errors import problem, refusal_text
from tracker.web.forms import is_blank
from tracker.web.paging import page_of

MOST_SUPERVISED: Final = 50

blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """List what waits for my decision, longest waiting first, with the facts needed to decide."""
    return _page()


@blueprint.post("/")
def decide() -> ResponseReturnValue:
    """Grant or refuse one of them."""
    actor = signed_in_actor()
    approval_id = read_argument(request.form, "approval", identity) or 0
    decision = request.form.get("decision")
    form = DecisionForm.from_request()
    if decision == REFUSE and is_blank(form.note.data):
        form.complain(form.note, _("Write a word on why not: those who asked are told."))
        return _page(failed=approval_id, form=form)
    if not form.is_sent_and_valid() or decision not in (GRANT, REFUSE):
        return _page(failed=approval_id, form=form)
    granted = decision == GRANT
    service_request_id = find_approval(actor, approval_id).service_request_id
    try:
        with transaction():
            # The request first, then what hangs on it: everybody locks in this order.
            queries.find_for_change(actor, service_request_id)
            approval = find_approval(actor, approval_id, lock=True)
            approvals.decide(
                approval, granted=granted, note=form.note.data or "", actor=actor, now=utc_now()
            )
    except RefusedError as refused:
        if refused.refusal is Refusal.REVIEW_DAY_PASSED:
            form.complain(form.note, refusal_text(refused.refusal))
            return _page(failed=approval_id, form=form)
        if not _is_own_decision(approval_id, granted=granted, note=form.note.data or ""):
            return _too_late(form, refusal_text(refused.refusal))
    except StepNotAllowedError:
        return _too_late(form, _("The request has moved on, so this can no longer be granted."))
    flash(
        _("Granted. Everybody concerned is told.")
        if granted
        else _("Refused. Those who asked are told.")
    )
    return redirect(url_for(".index"), 303)


def _is_own_decision(approval_id: int, *, granted: bool, note: str) -> bool:
    """Tell whether the reader has decided just so: a double tap."""
    actor = signed_in_actor()
    approval = find_approval(actor, approval_id)
    decided = (approval.decided_by_id, approval.granted, approval.decision_note)
    return decided == (actor.person_id, granted, note.strip())


def _too_late(form: DecisionForm, why: str) -> ResponseReturnValue:
    """Say why it is not decided; what was typed is shown, to be taken along."""
    if not is_blank(form.note.data):
        return problem(409, why, way_back=url_for(".index"))
    flash(why, "warning")
    return redirect(url_for(".index"), 303)


def _page(*, failed: int | None = None, form: DecisionForm | None = None) -> ResponseReturnValue:
    actor, now = signed_in_actor(), utc_now()
    require(actor, Action.DECIDE_EXTENSION)
    page = page_of(
        db.session(),
        to_decide(actor),
        (Approval.asked_at, Approval.id),
        key_of=lambda asked: (asked.asked_at, asked.id),
        mark=request.args.get("mark"),
        size=20,
    )
    forms = {
        approval.id: form
        if approval.id == failed and form is not None
        else DecisionForm(formdata=None, prefix="")
        for approval in page.rows
    }
    return render_template(
        "service_requests/approvals.html",
        page=page,
        forms=forms,
        state_of=lambda it: due_state(it, now),
        due_if_granted=_due_if_granted,
        supervised=supervised_by(actor, limit=MOST_SUPERVISED),
        most_supervised=MOST_SUPERVISED,
    )


def _due_if_granted(approval: Approval) -> datetime | None:
    """Return by when a result would be due with the time asked for; None where nobody can know."""
    it = approval.service_request
    if not approval.working_days or not may_take(it.status, Step.EXTEND):
        return None
    return clocks.due_if_extended(it, approval.working_days)
