"""What the reader was told: their messages, each of which leads to its request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.errors import NotFoundError
from tracker.notifications import inbox
from tracker.notifications.models import InboxEntry
from tracker.service_requests import messages, queries
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import HistoryEntry, ServiceRequest
from tracker.web.access import signed_in_actor
from tracker.web.addresses import identity, read_argument, wants_counts_alone
from tracker.web.paging import page_of

blueprint = Blueprint("inbox", __name__)

PAGE_SIZE: Final = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the page shows it: of the request only what the reader may see now."""

    entry: InboxEntry
    service_request: ServiceRequest | None
    """None: it is not within reach any more."""
    is_known_of: bool
    """Whether the step may be named, though the request is out of reach."""
    thanks: str


@blueprint.get("/inbox")
def index() -> ResponseReturnValue:
    """List what the reader was told, the newest first."""
    person_id = _person_id()
    if wants_counts_alone():
        return render_template("service_requests/inbox_count.html", unread=inbox.unread(person_id))
    page = page_of(
        db.session(),
        inbox.entries(person_id),
        [InboxEntry.id],
        key_of=lambda entry: [entry.id],
        mark=request.args.get("mark"),
        size=PAGE_SIZE,
        newest_first=True,
    )
    return render_template("service_requests/inbox.html", page=page, lines=_lines(page.rows))


@blueprint.post("/inbox/<int:entry_id>/read")
def read(entry_id: int) -> ResponseReturnValue:
    """Mark one message as read, and lead to its request where the reader may see it."""
    person_id = _person_id()
    with transaction():
        entry = inbox.entry(person_id, entry_id)
        inbox.mark_read(entry, now=utc_now())
        about = entry.service_request_id
    try:
        queries.find(signed_in_actor(), about)
    except NotFoundError:
        return redirect(url_for(".index"), 303)
    return redirect(url_for("service_requests.show", service_request_id=about), 303)


@blueprint.post("/inbox/read")
def read_all() -> ResponseReturnValue:
    """Mark everything as read that was there when the page was opened."""
    person_id = _person_id()
    up_to = read_argument(request.form, "up_to", identity)
    with transaction():
        inbox.mark_all_read(person_id, up_to=up_to or 0, now=utc_now())
    flash(_("Everything is marked as read."))
    return redirect(url_for(".index"), 303)


def _person_id() -> int:
    person_id = signed_in_actor().person_id
    assert person_id is not None  # noqa: S101 - whoever is signed in is somebody
    return person_id


def _lines(entries: Sequence[InboxEntry]) -> Sequence[Line]:
    reach = _within_reach({entry.service_request_id for entry in entries})
    thanks = _thanks(reach)
    return [
        Line(
            entry,
            reach.get(entry.service_request_id),
            is_known_of=entry.step in messages.TO_KNOW_OF,
            thanks=thanks.get(entry.service_request_id, "") if entry.step == Step.CONFIRM else "",
        )
        for entry in entries
    ]


def _within_reach(ids: set[int]) -> Mapping[int, ServiceRequest]:
    wanted = (
        queries.visible_to(signed_in_actor())
        .where(ServiceRequest.id.in_(ids))
        .options(joinedload(ServiceRequest.category), joinedload(ServiceRequest.area))
    )
    return {found.id: found for found in db.session.scalars(wanted)} if ids else {}


def _thanks(ids: Mapping[int, ServiceRequest]) -> Mapping[int, str]:
    """Return the requester's words as they confirmed, for each request that has some."""
    if not ids:
        return {}
    rows = db.session.execute(
        select(HistoryEntry.service_request_id, HistoryEntry.public_note)
        .where(HistoryEntry.service_request_id.in_(ids), HistoryEntry.step == Step.CONFIRM)
        .order_by(HistoryEntry.id)
    )
    return dict(rows.all())
