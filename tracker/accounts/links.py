"""One-time links: an invitation, a new password. Only their hashes are kept."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import select, update

from tracker.accounts import sessions
from tracker.accounts.models import LinkPurpose, OneTimeLink, Person
from tracker.database import db, hold
from tracker.errors import Refusal, RefusedError

LIFETIMES: Final = {
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.RESET: timedelta(hours=4),
}


def new_link(person: Person, purpose: LinkPurpose, *, now: datetime) -> tuple[str, datetime]:
    """Make a link; return its token, which is kept nowhere, and when it expires.

    Earlier links of the same kind stop working, and of two made at the same moment the first.
    Part of a transaction.
    """
    hold(person)
    _expire(person.id, (purpose,), now=now)
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
    """Set the password that the holder chose, once. Every session and link of before ends.

    Raises `RefusedError` as `person_behind` does; of two at the same moment one wins.
    """
    link = _valid(token, purpose, now=now)
    # One at a time: two links of the same person each end the other.
    person = db.session.get_one(Person, link.person_id, with_for_update=True)
    used = db.session.execute(
        update(OneTimeLink)
        .where(
            OneTimeLink.id == link.id, OneTimeLink.used_at.is_(None), OneTimeLink.expires_at > now
        )
        .values(used_at=now)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined] # an UPDATE has one
        raise RefusedError(Refusal.LINK_EXPIRED)
    person.password_hash = password_hash
    end_every_way_in(person.id, now=now)
    return person


def end_every_way_in(person_id: int, *, now: datetime) -> None:
    """Sign the person out on every device, and let none of their one-time links work any more.

    For whatever changes who they are or how they prove it: a password that was chosen, another
    address, an end, a new beginning. A link that went to a mistyped address, or lies in a mailbox
    that somebody else reads, must not outlive it. Part of a transaction.
    """
    sessions.end_all(person_id)
    _expire(person_id, LinkPurpose, now=now)


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


def _expire(person_id: int, purposes: Iterable[LinkPurpose], *, now: datetime) -> None:
    db.session.execute(
        update(OneTimeLink)
        .where(
            OneTimeLink.person_id == person_id,
            OneTimeLink.purpose.in_(list(purposes)),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
        )
        # As if it had never worked: who holds it may have come before this, and waited.
        .values(expires_at=OneTimeLink.created_at)
    )


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
