"""Sessions of people who signed in, kept in the database: ending one ends copies of its cookie."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import ScalarSelect, Select, bindparam, delete, select

from tracker.accounts.models import Person, SignInSession
from tracker.database import db, read
from tracker.set_up import know_stamp, stamp_beside

A_DAY: Final = timedelta(days=1)
REMEMBERED: Final = timedelta(days=30)
"""How long "stay signed in" lasts; Flask-Login's cookie lives longer and then names nobody."""


def begin(
    person_id: int, *, remember: bool = False, replacing: str | None = None, now: datetime
) -> str:
    """Begin a session; return its token, of which only the hash is kept. Part of a transaction.

    It ends a day later, or after thirty when it is to be remembered. The session that this
    browser had before (`replacing`) ends, and so do the person's expired ones.
    """
    db.session.execute(
        delete(SignInSession).where(
            SignInSession.person_id == person_id, SignInSession.expires_at <= now
        )
    )
    if replacing is not None:
        end(replacing)
    token = secrets.token_urlsafe(32)
    db.session.add(
        SignInSession(
            token_hash=_hash(token),
            person_id=person_id,
            begun_at=now,
            expires_at=now + (REMEMBERED if remember else A_DAY),
        )
    )
    return token


def end(token: str) -> None:
    """End one session, wherever its cookie was copied to. Part of a transaction."""
    db.session.execute(delete(SignInSession).where(SignInSession.token_hash == _hash(token)))


def end_all(person_id: int) -> None:
    """Sign the person out on every device. Part of a transaction."""
    db.session.execute(delete(SignInSession).where(SignInSession.person_id == person_id))


class Who(NamedTuple):
    """Whose session it is."""

    id: int
    name: str
    locale: str | None


class Beside(NamedTuple):
    """What every page needs besides, and who is told: it is read with the person in one statement."""

    column: ScalarSelect[Any]
    know: Callable[[int, Any], None]
    """Gets the id of the person, and what was read."""


def person_behind(token: str, *, beside: Sequence[Beside] = (), now: datetime) -> Who | None:
    """Return whose session this is, or None when it ended, expired, or the person was ended."""
    asked = {"token_hash": _hash(token), "now": now}
    found = read(_behind(tuple(one.column for one in beside)), asked).one_or_none()
    if found is None:
        return None
    person_id, name, locale, stamp, *besides = found
    know_stamp(stamp)
    for one, value in zip(beside, besides, strict=True):
        one.know(person_id, value)
    return Who(person_id, name, locale)


@cache
def _behind(beside: tuple[ScalarSelect[Any], ...]) -> Select[*tuple[Any, ...]]:
    """Return what is asked by every page of everybody who is signed in, and therefore made once."""
    return (
        select(Person.id, Person.name, Person.locale, stamp_beside(), *beside)
        .join(SignInSession, SignInSession.person_id == Person.id)
        .where(
            SignInSession.token_hash == bindparam("token_hash"),
            SignInSession.expires_at > bindparam("now", type_=SignInSession.expires_at.type),
            Person.ended_at.is_(None),
        )
    )


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
