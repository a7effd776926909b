"""What a resident filled in and has not sent yet: kept on the server, for a day."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select

from tracker.database import db
from tracker.errors import Refusal, RefusedError
from tracker.permissions import Action, Actor, require
from tracker.service_requests import queries
from tracker.service_requests.models import Photo, SubmissionDraft

KEPT: Final = timedelta(days=1)
"""How long a draft is kept after it was begun."""

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{32}")
_CHANCE_BYTES: Final = 12
_CHANCE: Final = 16
"""How many characters of a key are chance; the others say in which browser it was begun."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed from the database; the files of the photos are still there."""

    drafts: int
    photo_keys: Sequence[str]


def is_key(text: str) -> bool:
    """Tell whether `text` can name a draft: long enough that nobody guesses it."""
    return _KEY.fullmatch(text) is not None


def new_key(browser: str, secret: str) -> str:
    """Return the key of a new draft, which opens it only in the browser that is named `browser`.

    `browser` is a number that this browser alone knows. Nothing has to be stored: the second
    half of the key is made of the first, of that number and of the server's secret.
    """
    chance = secrets.token_urlsafe(_CHANCE_BYTES)
    return chance + _mark(chance, browser, secret)


def is_begun_in(browser: str, key: str, server_secrets: Sequence[str]) -> bool:
    """Tell whether `new_key` made `key` for `browser`, with one of the server's secrets."""
    if not is_key(key):
        return False
    chance, mark = key[:_CHANCE], key[_CHANCE:]
    return any(
        hmac.compare_digest(mark, _mark(chance, browser, secret)) for secret in server_secrets
    )


def save(key: str, content: Mapping[str, Any], *, actor: Actor, now: datetime) -> SubmissionDraft:
    """Keep what was filled in under `key`, in place of what was kept before.

    Raises `RefusedError` for one that was sent: that stays as it is, and nothing hangs on it any
    more. Raises `ValueError` for a key that could be guessed.
    """
    require(actor, Action.SUBMIT_SERVICE_REQUEST)
    if not is_key(key):
        message = "A draft needs an unguessable key."
        raise ValueError(message)
    draft = queries.draft_for_change(key)
    if draft is None:
        draft = SubmissionDraft(key=key, content={}, created_at=now)
        db.session.add(draft)
    if draft.service_request_id is not None:
        raise RefusedError(Refusal.SENT_ALREADY)
    draft.content = dict(content)
    if draft.created_at < now - KEPT:
        draft.created_at = now  # the daily job has not been here yet: it begins anew
    db.session.flush()
    return draft


def forget_sent(service_request_id: int, *, actor: Actor) -> None:
    """Forget the draft that a request was sent from, so that its address leads nowhere."""
    require(actor, Action.SUBMIT_SERVICE_REQUEST)
    db.session.execute(
        delete(SubmissionDraft).where(SubmissionDraft.service_request_id == service_request_id)
    )


def discard(key: str, *, actor: Actor) -> Sequence[str]:
    """Throw away what was filled in; return the keys of the photos whose files go with it.

    What was sent stays, and so do its photos.
    """
    require(actor, Action.SUBMIT_SERVICE_REQUEST)
    draft = queries.draft_for_change(key)
    if draft is None or draft.service_request_id is not None:
        return ()
    return _remove([draft.id])


def remove_old(*, now: datetime, limit: int = 500) -> Removed:
    """Remove drafts older than a day, at most `limit`; tell how many, and which photos they had.

    For the daily job. The caller deletes the files after the transaction, so that nothing that
    is still in the database ever lacks its file.
    """
    old = db.session.scalars(
        select(SubmissionDraft.id)
        .where(SubmissionDraft.created_at < now - KEPT)
        .order_by(SubmissionDraft.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(old)
    return Removed(len(ids), _remove(ids))


def _mark(chance: str, browser: str, secret: str) -> str:
    words = f"draft {chance} begun in {browser}".encode()
    digest = hmac.new(secret.encode(), words, hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:_CHANCE_BYTES]).decode()


def _remove(ids: Sequence[int]) -> Sequence[str]:
    theirs = delete(Photo).where(Photo.draft_id.in_(ids)).returning(Photo.key)
    keys = list(db.session.scalars(theirs))
    db.session.execute(delete(SubmissionDraft).where(SubmissionDraft.id.in_(ids)))
    return keys
