"""The audit trail: what administrators changed, and who looked at whose contact data."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from tracker.accounts.audit import within_sight
from tracker.accounts.models import AuditEntry
from tracker.database import db
from tracker.permissions import Action, require
from tracker.reports.trail import in_words
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.models import ContactLook, ServiceRequest
from tracker.visibility import within_reach
from tracker.web.access import signed_in_actor
from tracker.web.addresses import identity, read_argument
from tracker.web.paging import page_of

blueprint = Blueprint("audit", __name__)

PAGE_SIZE = 50
PLACES = {
    "request page": _l("Page of the request"),
    "call-back": _l("Call-back"),
    "call": _l("Call"),
    "intake": _l("Intake"),
    "my tasks": _l("My tasks"),
    "visit": _l("Page of a visit"),
    "reaching": _l("Changing how they are told"),
    "export": _l("Export"),
}
"""The words for where contact data is shown."""
ACTIONS = {
    "person:add": _l("Person entered"),
    "person:edit": _l("Person edited"),
    "person:end": _l("Person ended"),
    "person:take-up": _l("Person taken up again"),
    "person:invite": _l("Link for a password sent"),
    "person:hand-over": _l("Handed over what they held"),
    "role:give": _l("Role given"),
    "role:end": _l("Role ended"),
    "administrator:create": _l("Administrator made on the command line"),
    "organisation:edit": _l("Settings changed"),
    "calendar-day:set": _l("Day of the calendar set"),
    "limits:set": _l("Time limits set"),
    "clocks:recount": _l("Due times counted anew"),
    "calendar-day:forget": _l("Day of the calendar removed"),
    "unit:add": _l("Unit added"),
    "unit:edit": _l("Unit edited"),
    "unit:end": _l("Unit ended"),
    "unit:take-up": _l("Unit taken up again"),
    "unit:move": _l("Unit moved in the list"),
    "area:add": _l("Area added"),
    "area:edit": _l("Area edited"),
    "area:end": _l("Area ended"),
    "area:take-up": _l("Area taken up again"),
    "area:move": _l("Area moved in the list"),
    "category:add": _l("Category added"),
    "category:edit": _l("Category edited"),
    "category:end": _l("Category ended"),
    "category:take-up": _l("Category taken up again"),
    "category:move": _l("Category moved in the list"),
    "team:add": _l("Team made"),
    "team:edit": _l("Team edited"),
    "team:end": _l("Team ended"),
    "team:take-up": _l("Team taken up again"),
    "team:join": _l("Joined a team"),
    "team:change-place": _l("Place in a team changed"),
    "team:leave": _l("Left a team"),
    "routing-rule:add": _l("Dispatch rule added"),
    "routing-rule:edit": _l("Dispatch rule edited"),
    "routing-rule:end": _l("Dispatch rule ended"),
    "routing-rule:take-up": _l("Dispatch rule taken up again"),
    "routing-rule:move": _l("Dispatch rule moved in the list"),
    "routing:put-in-force": _l("Dispatch rules put in force"),
    "endpoint:add": _l("Webhook or robot added"),
    "endpoint:edit": _l("Webhook or robot edited"),
    "endpoint:delete": _l("Webhook or robot deleted"),
    "endpoint:test": _l("Test message sent"),
    "text:edit": _l("Words of a message changed"),
    "text:reset": _l("Words of a message: ours again"),
    "text:undo": _l("Words of a message: the last change taken back"),
    "message:send-again": _l("Message sent again"),
}
"""The words for what was done."""
BY_ITSELF = frozenset({"clocks:recount"})
"""What the system does in the background; whatever else names nobody came from the command line."""


@blueprint.get("/admin/audit")
def index() -> ResponseReturnValue:
    """List the changes of administrators in one's units, newest first."""
    actor = signed_in_actor()
    require(actor, Action.VIEW_AUDIT_TRAIL)
    page = page_of(
        db.session(),
        select(AuditEntry).where(within_sight(actor)).options(joinedload(AuditEntry.actor)),
        [(-AuditEntry.id).expression],
        key_of=lambda entry: [-entry.id],
        mark=request.args.get("mark"),
        size=PAGE_SIZE,
    )
    return render_template(
        "reports/audit.html",
        page=page,
        lines=in_words(page.rows),
        actions=ACTIONS,
        by_itself=BY_ITSELF,
    )


@blueprint.get("/admin/audit/looks")
def looks() -> ResponseReturnValue:
    """List who looked at whose full contact data, newest first; perhaps of one request or person.

    The page says that somebody looked, never what they saw.
    """
    actor = signed_in_actor()
    require(actor, Action.VIEW_AUDIT_TRAIL)
    query = (
        select(ContactLook)
        .join(ServiceRequest, ServiceRequest.id == ContactLook.service_request_id)
        .options(joinedload(ContactLook.person))
        .where(within_reach(actor, Action.VIEW_AUDIT_TRAIL, CASEWORK))
    )
    reference = "".join(filter(str.isdigit, request.args.get("q", "")))
    if reference:
        query = query.where(ServiceRequest.reference == reference)
    person = read_argument(request.args, "person", identity)
    if person is not None:
        query = query.where(ContactLook.person_id == person)
    page = page_of(
        db.session(),
        query,
        [(-ContactLook.id).expression],
        key_of=lambda look: [-look.id],
        mark=request.args.get("mark"),
        size=PAGE_SIZE,
    )
    references = dict(
        db.session.execute(
            select(ServiceRequest.id, ServiceRequest.reference).where(
                ServiceRequest.id.in_([look.service_request_id for look in page.rows])
            )
        ).all()
    )
    return render_template(
        "reports/looks.html",
        page=page,
        references=references,
        places=PLACES,
        q=request.args.get("q", ""),
        is_of_one=person is not None,
        # Named by their looks, as far as these are to be seen: an id alone names nobody.
        person=page.rows[0].person if person is not None and page.rows else None,
    )
