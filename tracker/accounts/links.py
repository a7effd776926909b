"""One-time links: an invitation, a new password. Only their hashes are kept."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import select, update

from tracker.accounts import sessions
from tracker.accounts.models import LinkPurpose, OneTimeLink, Person
from tracker.database import db
from tracker.errors import Refusal, RefusedError

LIFETIMES: Final = {
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.RESET: timedelta(hours=4),
}


def new_link(person: Person, purpose: LinkPurpose, *, now: datetime) -> tuple[str, datetime]:
    """Make a link; return its token, which is kept nowhere, and when it expires.

    Earlier links of the same kind stop working. Part of a transaction.
    """
    db.session.execute(
        update(OneTimeLink)
        .where(
            OneTimeLink.person_id == person.id,
            OneTimeLink.purpose == purpose,
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
        )
        .values(expires_at=now)
    )
    token = secrets.token_urlsafe(32)
    expires_at = now + LIFETIMES[purpose]
    db.session.add(
        OneTimeLink(
            person_id=person.id,
            purpose=purpose,
            token_hash=_hash(token),
            created_at=now,
            expires_at=expires_at,
        )
    )
    return token, expires_at


def person_behind(token: str, purpose: LinkPurpose, *, now: datetime) -> Person:
    """Return whose link this is. Raises `RefusedError` when it was used, expired or never made."""
    return _valid(token, purpose, now=now).person


def use_link(token: str, purpose: LinkPurpose, *, password_hash: str, now: datetime) -> Person:
    """Set the password that the holder chose, once. Every session of before ends.

    Raises `RefusedError` as `person_behind` does; of two at the same moment one wins.
    """
    link = _valid(token, purpose, now=now)
    used = db.session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.id == link.id, OneTimeLink.used_at.is_(None))
        .values(used_at=now)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined] # an UPDATE has one
        raise RefusedError(Refusal.LINK_EXPIRED)
    link.person.password_hash = password_hash
    sessions.end_all(link.person_id)
    return link.person


def _valid(token: str, purpose: LinkPurpose, *, now: datetime) -> OneTimeLink:
    link = db.session.scalar(
        select(OneTimeLink)
        .join(OneTimeLink.person)
        .where(
            OneTimeLink.token_hash == _hash(token),
            OneTimeLink.purpose == purpose,
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
            Person.ended_at.is_(None),
        )
    )
    if link is None:
        raise RefusedError(Refusal.LINK_EXPIRED)
    return link


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
