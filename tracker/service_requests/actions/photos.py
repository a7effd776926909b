"""Photos join a draft or a request. The files were kept before; see `service_requests.photos`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from tracker.database import db
from tracker.errors import NotFoundError, Refusal, RefusedError
from tracker.permissions import Action, Actor, require
from tracker.service_requests import queries
from tracker.service_requests.models import Photo, ServiceRequest, SubmissionDraft
from tracker.service_requests.photos import StoredPhoto

MOST_AT_ONCE: Final = 5
"""Photos of one draft, one word, one visit or one result."""
MOST_FROM_REQUESTER: Final = 20
"""Photos that the requester may add to one request over its whole life."""


def add_to_draft(
    draft: SubmissionDraft, stored: Sequence[StoredPhoto], *, actor: Actor, now: datetime
) -> None:
    """Add photos to what a resident is filling in; raises `RefusedError` above 5."""
    require(actor, Action.SUBMIT_SERVICE_REQUEST)
    if _count(Photo.draft_id == draft.id) + len(stored) > MOST_AT_ONCE:
        raise RefusedError(Refusal.TOO_MANY_PHOTOS)
    for each in stored:
        db.session.add(_photo(each, actor=actor, now=now, draft_id=draft.id))
    db.session.flush()


def remove_from_draft(draft: SubmissionDraft, key: str, *, actor: Actor) -> None:
    """Take a photo back before sending. The caller deletes its files after the transaction.

    Raises `NotFoundError` when the draft has no such photo.
    """
    require(actor, Action.SUBMIT_SERVICE_REQUEST)
    photo = db.session.scalar(select(Photo).where(Photo.key == key, Photo.draft_id == draft.id))
    if photo is None:
        message = "The draft has no such photo."
        raise NotFoundError(message)
    db.session.delete(photo)
    db.session.flush()


def add_photos(
    service_request: ServiceRequest,
    stored: Sequence[StoredPhoto],
    action: Action,
    *,
    is_evidence: bool = False,
    visit_id: int | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Add photos to a request, by the right of the step that they come with.

    `is_evidence`: the requester sees them beside the answer. Raises `RefusedError` for more
    than 5 at once, or more than 20 from the requester.
    """
    require(actor, action, service_request)
    if len(stored) > MOST_AT_ONCE:
        raise RefusedError(Refusal.TOO_MANY_PHOTOS)
    if (
        actor.person_id is None
        and stored
        and queries.photos_from_requester(service_request) + len(stored) > MOST_FROM_REQUESTER
    ):
        raise RefusedError(Refusal.TOO_MANY_PHOTOS, str(MOST_FROM_REQUESTER))
    for each in stored:
        photo = _photo(each, actor=actor, now=now, service_request_id=service_request.id)
        photo.is_evidence, photo.visit_id = is_evidence, visit_id
        db.session.add(photo)
    db.session.flush()


def _photo(
    stored: StoredPhoto,
    *,
    actor: Actor,
    now: datetime,
    draft_id: int | None = None,
    service_request_id: int | None = None,
) -> Photo:
    return Photo(
        key=stored.key,
        draft_id=draft_id,
        service_request_id=service_request_id,
        media_type=stored.media_type,
        width=stored.width,
        height=stored.height,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        added_by_id=actor.person_id,
        added_at=now,
    )


def _count(*conditions: object) -> int:
    return db.session.scalar(select(func.count()).select_from(Photo).where(*conditions)) or 0  # type: ignore[arg-type]
