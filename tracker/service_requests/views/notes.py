"""What is being typed about a visit, kept; and what of it was never sent."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import MultiDict

from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.errors import NotPermittedError
from tracker.permissions import Action, may
from tracker.service_requests import queries
from tracker.service_requests.actions import visiting
from tracker.service_requests.lifecycle import Step, may_take
from tracker.service_requests.models import ServiceRequest
from tracker.visits.models import NoteDraft
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.addresses import identity, printable, read_argument

blueprint = Blueprint("notes", __name__)
LONGEST: Final = 60_000
"""In characters, as JSON."""
_MOST_SHOWN: Final = 10
"""With how many drafts one page can go on: one, and one more for each time it came back with a mistake."""
_BEGINNING: Final = 60
_WRITTEN: Final = ("place", "met", "findings", "needs_found", "next_step", "public_note")
"""The fields of a report that somebody writes into."""
_MARK: Final = re.compile(r"([A-Za-z0-9_-]{0,32}):(\d{1,9})", re.ASCII)
"""Of a draft, as `NoteDraft.mark` writes it."""
_FORM_KEY: Final = re.compile(r"visit:(\d{1,10}):(\d{1,10}|new)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Unsent:
    """What somebody typed about a visit to `service_request`, and did not send."""

    draft: NoteDraft
    service_request: ServiceRequest
    words: Sequence[str]
    visit_id: int | None
    can_go_on: bool


@blueprint.get("/drafts")
def index() -> ResponseReturnValue:
    """List what the reader typed about visits and did not send, the newest first.

    Only of requests within reach: the words may tell of people whom the reader no longer helps.
    """
    drafts = visiting.unsent_drafts_of(signed_in_actor().person_id or 0)
    return render_template("service_requests/notes.html", unsent=_unsent(drafts))


def _unsent(drafts: Sequence[NoteDraft]) -> Sequence[Unsent]:
    actor = signed_in_actor()
    keys = {draft.id: found for draft in drafts if (found := _FORM_KEY.fullmatch(draft.form_key))}
    reach = _within_reach({int(key[1]) for key in keys.values()})
    listed = []
    for draft in drafts:
        key, words = keys.get(draft.id), written_in(draft.content)
        it = reach.get(int(key[1])) if key else None
        if key is None or it is None or not words:
            continue
        can_go_on = may(actor, Action.RECORD_VISIT, it) and may_take(it.status, Step.VISIT)
        visit_id = None if key[2] == "new" else int(key[2])
        listed.append(Unsent(draft, it, words, visit_id, can_go_on))
    return listed


def _within_reach(ids: set[int]) -> Mapping[int, ServiceRequest]:
    wanted = (
        queries.visible_to(signed_in_actor())
        .where(ServiceRequest.id.in_(ids))
        .options(joinedload(ServiceRequest.category), joinedload(ServiceRequest.area))
    )
    return {it.id: it for it in db.session.scalars(wanted)}


@blueprint.post("/drafts")
def keep() -> ResponseReturnValue:
    """Keep what somebody is typing, field by field, as JSON; or throw it away."""
    actor = signed_in_actor()
    key, content = request.form.get("form_key", ""), request.form.get("content", "")
    page, shown = request.form.get("page", ""), shown_in(request.form.get("follows", ""))
    is_thrown_away = bool(request.form.get("discard"))
    if actor.person_id is None:
        message = "Nothing is kept for somebody who is no person."
        raise NotPermittedError(message)
    if len(content) > LONGEST:
        abort(413)
    if not _FORM_KEY.fullmatch(key) or (page and not once.is_key(page)):
        abort(400)
    with transaction():
        if is_thrown_away:
            visiting.end_drafts(actor.person_id, key, shown, now=utc_now())
        else:
            typed = visiting.Typed(
                content,
                page,
                number=read_argument(request.form, "number", identity) or 0,
                shown=shown,
                ago=timedelta(seconds=read_argument(request.form, "ago", identity) or 0),
            )
            visiting.keep_draft(actor.person_id, key, typed, now=utc_now())
    if is_thrown_away:
        return redirect((request.referrer if _from_here() else None) or "/", 303)
    return "", 204


def _from_here() -> bool:
    return (request.referrer or "").startswith(request.host_url)


def to_show(known: Sequence[NoteDraft]) -> tuple[NoteDraft | None, Sequence[NoteDraft]]:
    """Return what a page is filled in with, and what else was begun, of all that the server knows.

    The newest, or the one that was asked for. A page that answers a form holds what was sent, and nothing besides.
    """
    if request.method == "POST":
        return None, []
    drafts = [draft for draft in known if not draft.is_over and typed_in(draft.content)]
    wanted = request.args.get("typed", "")
    chosen = next((draft for draft in drafts if draft.page == wanted), next(iter(drafts), None))
    return chosen, [draft for draft in drafts if draft is not chosen]


def shown_in(marks: str) -> Sequence[tuple[str, int]]:
    """Return the drafts that a page says it goes on with, by page and number; what is no mark is left out."""
    found = [_MARK.fullmatch(mark) for mark in marks.split()[:_MOST_SHOWN]]
    return [(mark[1], int(mark[2])) for mark in found if mark]


def form_key(service_request_id: int, visit_id: int | None) -> str:
    """Return by what the form of a visit is known, planned or not."""
    return f"visit:{service_request_id}:{visit_id or 'new'}"


def marks(drafts: Sequence[NoteDraft]) -> str:
    """Return what the server knows, by which a device tells what it has besides."""
    return " ".join(draft.mark for draft in drafts)


def unsent_words(drafts: Sequence[NoteDraft]) -> Sequence[tuple[NoteDraft, Sequence[str]]]:
    """Return what was typed and not sent, with the words of each."""
    written = [(draft, written_in(draft.content)) for draft in drafts if not draft.is_over]
    return [(draft, words) for draft, words in written if words]


def stand_nowhere_else(known: Sequence[NoteDraft], it: ServiceRequest) -> bool:
    """Tell whether something was typed into a form that is not shown again as `it` stands now."""
    return not may_take(it.status, Step.VISIT) and bool(unsent_words(known))


def written_in(draft: str) -> Sequence[str]:
    """Return what somebody wrote, field by field, without what is chosen or counted."""
    typed = typed_in(draft)
    return [words for name in _WRITTEN if (words := (typed.get(name) or "").strip())]


def beginning(draft: str) -> str:
    """Return the first of the words that were typed, by which their writer knows them again."""
    words = " ".join(" ".join(written_in(draft)).split())
    return words if len(words) <= _BEGINNING else f"{words[:_BEGINNING]}…"


def typed_in(draft: str) -> MultiDict[str, str]:
    """Return the fields of a form as they were typed; none of what no page of ours kept."""
    try:
        fields = json.loads(draft)
    except (ValueError, RecursionError):
        return MultiDict()
    if not isinstance(fields, list):
        return MultiDict()
    pairs = [pair for pair in fields if isinstance(pair, list) and len(pair) == 2]
    return MultiDict(
        [
            (printable(name), printable(value))
            for name, value in pairs
            if isinstance(name, str) and isinstance(value, str)
        ]
    )
