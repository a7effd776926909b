"""Proving who one is. Nobody holds a right here yet, so nothing asks the matrix."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.accounts import links, queries
from tracker.accounts.models import Person
from tracker.accounts.passwords import Passwords
from tracker.database import db
from tracker.errors import Refusal, RefusedError
from tracker.web import throttle
from tracker.web.throttle import Limit

WINDOW = timedelta(minutes=15)
TRIES_PER_ADDRESS = 60
"""A whole office may share one address."""
TRIES_PER_NAME_FROM_AN_ADDRESS = 10
TRIES_PER_NAME = 100
"""From everywhere: more than one stranger can use up, so that none locks others out."""
LINKS_PER_NAME = 10
"""More mails than that help nobody. The last of them has a link that works."""
SHOWS_NOTHING_FOR_S = 0.1
"""Longer than it takes to write a mail, or to write none."""


def count_try(
    name: str, address: str, *, purpose: str = "sign-in", secret: str, now: datetime
) -> None:
    """Count one try to sign in as `name` from `address`, before anything is verified.

    Raises `RefusedError` when the address, the name from there, or the name from everywhere has
    used up its tries. It is counted whether or not there is such a person, so that the answer
    tells nothing.
    """
    limits = (
        Limit(f"{purpose}-address", address, TRIES_PER_ADDRESS, WINDOW),
        Limit(f"{purpose}-pair", _pair(name, address), TRIES_PER_NAME_FROM_AN_ADDRESS, WINDOW),
        Limit(f"{purpose}-name", name, TRIES_PER_NAME, WINDOW),
    )
    if throttle.is_one_too_many(limits, secret=secret, now=now):
        raise RefusedError(Refusal.TOO_MANY_TRIES)


def may_be_sent_a_link(name: str, *, secret: str, now: datetime) -> bool:
    """Count one link for `name`; tell whether it is to be sent, or enough were lately."""
    limit = Limit("reset-link", name, LINKS_PER_NAME, WINDOW)
    return not throttle.is_one_too_many((limit,), secret=secret, now=now)


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody knew the password of a person, as it was kept then."""

    person_id: int
    kept_hash: str
    better_hash: str | None
    """The password hashed with today's work factors, when the kept one is outdated."""


def prove(name: str, password: str, *, passwords: Passwords) -> Proof:
    """Return the proof that `password` is that of whoever signs in with `name`.

    Raises `RefusedError` when it is not, or there is nobody; the work is the same.
    """
    person = queries.person_named(name)
    kept = person.password_hash if person else None
    if not passwords.matches(kept, password) or person is None or kept is None:
        raise RefusedError(Refusal.WRONG_NAME_OR_PASSWORD)
    better = passwords.hashed(password) if passwords.is_outdated(kept) else None
    return Proof(person.id, kept, better)


def welcome(proof: Proof, name: str, address: str, *, secret: str) -> None:
    """Forget the failed tries of somebody who got in, and bring their hash up to date.

    Those from elsewhere are not theirs, and not forgotten. That they got in counts for nobody:
    an office behind one address signs in every morning.

    Raises `RefusedError` when name and password do not go together any more: verifying takes a
    while, and what was changed meanwhile begins no session. Part of a transaction.
    """
    person = _locked(proof.person_id)
    named = queries.person_named(name)
    if named is not person or person.password_hash != proof.kept_hash:
        raise RefusedError(Refusal.WRONG_NAME_OR_PASSWORD)
    throttle.forget_attempts("sign-in-pair", _pair(name, address), secret=secret)
    throttle.take_back("sign-in-address", address, secret=secret)
    throttle.take_back("sign-in-name", name, secret=secret)
    if proof.better_hash:
        person.password_hash = proof.better_hash


def remember_locale(person_id: int, locale: str) -> None:
    """Speak `locale` to that person, in messages too."""
    db.session.get_one(Person, person_id).locale = locale


def change_password(
    person_id: int, *, kept_hash: str | None, password_hash: str, now: datetime
) -> None:
    """Keep another password; every session and link of before ends. The owner's own doing.

    Raises `RefusedError` when it was changed since `kept_hash` was verified. Part of a transaction.
    """
    person = _locked(person_id)
    if person.password_hash != kept_hash:
        raise RefusedError(Refusal.WRONG_NAME_OR_PASSWORD)
    person.password_hash = password_hash
    links.end_every_way_in(person_id, now=now)


def _locked(person_id: int) -> Person:
    """Return the person as they are now; whoever changes them waits."""
    return db.session.get_one(
        Person, person_id, with_for_update={"key_share": True}, populate_existing=True
    )


def _pair(name: str, address: str) -> str:
    return f"{address} {name}"
