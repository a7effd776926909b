"""What a resident reads of their own request: public steps, visits to come, photos.

Never an internal note, never another resident's word, and of the people who work on it no more
than the team; who stands at the door is told by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Integer, bindparam, select
from sqlalchemy.orm import joinedload, selectinload

from tracker.database import UtcDateTime, db
from tracker.errors import NotFoundError
from tracker.service_requests import queries
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import (
    ApprovalKind,
    HistoryEntry,
    Photo,
    ServiceRequest,
    calls_off_a_visit,
    changes_reaching,
    goes_on_unanswered,
)
from tracker.teams.models import Team
from tracker.visits.models import Visit
from tracker.visits.queries import is_to_come

SHOWN_STEPS: Final = frozenset(
    {
        Step.SUBMIT,
        Step.IMPORT,
        Step.ACCEPT,
        Step.DECLINE,
        Step.MERGE,
        Step.ASSIGN,
        Step.SIGN_FOR,
        Step.CLAIM,
        Step.PLAN_VISIT,
        Step.VISIT,
        Step.ADD_WORD,
        Step.WAIT,
        Step.RESUME,
        Step.EXTEND,
        Step.PARK,
        Step.UNPARK,
        Step.REFER,
        Step.RESOLVE,
        Step.REMIND,
        Step.CONFIRM,
        Step.DISPUTE,
        Step.ASK_REOPENING,
        Step.REOPEN,
        Step.REFUSE_REOPENING,
        Step.TIME_OUT,
        Step.WITHDRAW,
        Step.URGE,
    }
)
"""Steps that the requester sees even without a public note."""

REQUESTER_STEPS: Final = frozenset(
    {
        Step.SUBMIT,
        Step.ADD_WORD,
        Step.CONFIRM,
        Step.DISPUTE,
        Step.ASK_REOPENING,
        Step.WITHDRAW,
        Step.URGE,
    }
)
"""Steps in which a requester speaks. Of a request that this one was merged into, they are
another person's words."""

OF_ONE_HOME: Final = REQUESTER_STEPS | {
    Step.WAIT,
    Step.RESUME,
    Step.RECEIVE_MERGED,
    Step.REMIND,
}
"""Steps that are one requester's alone: their words, what they are asked, that theirs goes on by itself."""

SAID_TO_ONE_HOME: Final = frozenset(
    {Step.PLAN_VISIT, Step.VISIT, Step.REOPEN, Step.REFUSE_REOPENING}
)
"""Steps whose words are one requester's alone."""

MERGE_HOPS: Final = 20


@dataclass(frozen=True, slots=True)
class PublicStep:
    """One line of the timeline."""

    at: datetime
    step: Step
    note: str
    team: Team | None
    is_own: bool
    """The requester did it."""
    calls_off: bool = False
    """A planned visit does not take place."""
    changes_reaching: bool = False
    """How the requester is told was changed."""
    photos: int = 0
    """How many came with it."""
    asks_again: bool = False
    """A question was asked once more."""
    is_unanswered: bool = False
    """The waiting ended because no answer came."""


@dataclass(frozen=True, slots=True)
class PhotoLink:
    """A photo that the requester may see."""

    key: str
    is_evidence: bool


_ONE_ID: Final = bindparam("id", type_=Integer)
_VISITS_TO_COME: Final = (
    select(Visit)
    .where(
        Visit.service_request_id == _ONE_ID,
        is_to_come(bindparam("now", type_=UtcDateTime())),
    )
    .options(selectinload(Visit.visitors))
    .order_by(Visit.planned_from, Visit.id)
)
_ENTRIES: Final = (
    select(HistoryEntry)
    .where(HistoryEntry.service_request_id == _ONE_ID)
    .options(joinedload(HistoryEntry.team))
    .order_by(HistoryEntry.id)
)


def survivor_of(service_request: ServiceRequest) -> ServiceRequest:
    """Return the request that answers for this one: itself, or what it was merged into."""
    survivor = service_request
    for _ in range(MERGE_HOPS):
        if survivor.survivor is None:
            break
        survivor = survivor.survivor
    return survivor


def public_history(service_request: ServiceRequest) -> Sequence[PublicStep]:
    """Return what the requester may read, oldest first, with what followed a merge."""
    own = [
        _public(entry, is_own=_is_own(entry))
        for entry in _entries(service_request)
        if _is_shown(entry)
    ]
    survivor = survivor_of(service_request)
    if survivor is service_request:
        return own
    entries = _entries(survivor)
    together_since = _together_since(service_request, entries)
    theirs = [
        _of_neighbour(entry)
        for entry in entries
        if _is_shown(entry)
        and entry.step not in OF_ONE_HOME
        and not changes_reaching(entry.step, entry.detail)
        and together_since is not None
        and entry.taken_at >= together_since
    ]
    return own + theirs


def _together_since(
    service_request: ServiceRequest, entries_of_survivor: Sequence[HistoryEntry]
) -> datetime | None:
    """Return since when one request answers for another: what was written before is not its own.

    That is when it was merged; or when it followed what it had been merged into. Where nobody wrote
    down what followed, at the latest when its present survivor last received something.
    """
    merged_at = service_request.closed_at
    if merged_at is None:
        return None
    received = [
        entry
        for entry in entries_of_survivor
        if entry.step is Step.RECEIVE_MERGED and entry.taken_at >= merged_at
    ]
    own = [entry for entry in received if _brings(entry, service_request.reference)]
    return (own or received)[-1].taken_at if received else merged_at


def _brings(received: HistoryEntry, reference: str) -> bool:
    detail = received.detail
    return reference == detail.get("duplicate") or reference in detail.get("followed", ())


def _of_neighbour(entry: HistoryEntry) -> PublicStep:
    """Return a step of what this one was merged into, without what is said to one home.

    That is its requester's words, the answer to them, and what goes with a visit: when, why not,
    where the key is.
    """
    step = _public(entry, is_own=False)
    is_of_one = entry.step in SAID_TO_ONE_HOME or calls_off_a_visit(entry.step, entry.detail)
    return replace(step, note="") if is_of_one or entry.actor_id is None else step


def visits_to_come(service_request: ServiceRequest, now: datetime) -> Sequence[Visit]:
    """Return the planned visits whose window has not passed, next first, visitors loaded."""
    asked = {"id": service_request.id, "now": now}
    return db.session.scalars(_VISITS_TO_COME, asked).all()


def photos_of(service_request: ServiceRequest) -> Sequence[PhotoLink]:
    """Return the photos that the requester may see: their own, and those of the result."""
    photos = queries.photos_of(service_request)
    return [PhotoLink(photo.key, photo.is_evidence) for photo in photos if _may_see(photo)]


def find_photo(service_request: ServiceRequest, key: str) -> Photo:
    """Return a photo that the requester may see, or raise `NotFoundError`."""
    photo = db.session.scalar(
        select(Photo).where(Photo.key == key, Photo.service_request_id == service_request.id)
    )
    if photo is None or not _may_see(photo):
        message = "There is no such photo."
        raise NotFoundError(message)
    return photo


def waits_for_reopening(service_request: ServiceRequest) -> bool:
    """Tell whether the requester disputed a closed request and waits for the decision."""
    return any(
        approval.kind is ApprovalKind.REOPENING
        for approval in queries.waiting_approvals(service_request)
    )


def _entries(service_request: ServiceRequest) -> Sequence[HistoryEntry]:
    return db.session.scalars(_ENTRIES, {"id": service_request.id}).all()


def _is_own(entry: HistoryEntry) -> bool:
    speaks = entry.step in REQUESTER_STEPS or changes_reaching(entry.step, entry.detail)
    return speaks and entry.actor_id is None


def _is_shown(entry: HistoryEntry) -> bool:
    return (
        (entry.step in SHOWN_STEPS and not _stays_inside(entry))
        or bool(entry.public_note)
        or calls_off_a_visit(entry.step, entry.detail)
        or changes_reaching(entry.step, entry.detail)
        or (entry.step is Step.RECEIVE_MERGED and entry.from_status is Status.CLOSED)
    )


def _stays_inside(entry: HistoryEntry) -> bool:
    """Tell whether it was only assigned anew inside the team that had it already."""
    return entry.step is Step.ASSIGN and bool(entry.detail.get("inside"))


def _public(entry: HistoryEntry, *, is_own: bool) -> PublicStep:
    return PublicStep(
        entry.taken_at,
        entry.step,
        entry.public_note,
        entry.team,
        is_own,
        calls_off=calls_off_a_visit(entry.step, entry.detail),
        changes_reaching=changes_reaching(entry.step, entry.detail),
        photos=entry.photos_added,
        asks_again=entry.step is Step.REMIND and entry.to_status is Status.WAITING,
        is_unanswered=goes_on_unanswered(entry.step, entry.detail),
    )


def _may_see(photo: Photo) -> bool:
    return photo.is_evidence or (photo.added_by_id is None and photo.visit_id is None)
