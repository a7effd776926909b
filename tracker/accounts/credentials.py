"""Proving who one is. Nobody holds a right here yet, so nothing asks the matrix."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.accounts import links, queries
from tracker.accounts.models import Person
from tracker.accounts.passwords import Passwords
from tracker.database import db
from tracker.errors import Refusal, RefusedError
from tracker.web import throttle

WINDOW = timedelta(minutes=15)
TRIES_PER_NAME = 10
TRIES_PER_ADDRESS = 60


def count_try(
    name: str, address: str, *, purpose: str = "sign-in", secret: str, now: datetime
) -> None:
    """Count one try to sign in as `name` from `address`, before anything is verified.

    Raises `RefusedError` when either has used up its tries. It is counted whether or not
    there is such a person, so that the answer tells nothing.
    """
    for scope, key, limit in (
        (f"{purpose}-name", name, TRIES_PER_NAME),
        (f"{purpose}-address", address, TRIES_PER_ADDRESS),
    ):
        if throttle.is_exhausted(scope, key, limit=limit, window=WINDOW, secret=secret, now=now):
            raise RefusedError(Refusal.TOO_MANY_TRIES)
        throttle.count_attempt(scope, key, secret=secret, now=now)


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody knew the password of a person."""

    person_id: int
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
    return Proof(person.id, better)


def welcome(proof: Proof, name: str, *, secret: str) -> None:
    """Forget the failed tries of somebody who got in, and bring their hash up to date."""
    throttle.forget_attempts("sign-in-name", name, secret=secret)
    if proof.better_hash:
        person = db.session.get_one(Person, proof.person_id)
        person.password_hash = proof.better_hash


def remember_locale(person_id: int, locale: str) -> None:
    """Speak `locale` to that person, in messages too."""
    db.session.get_one(Person, person_id).locale = locale


def change_password(person_id: int, *, password_hash: str, now: datetime) -> None:
    """Keep another password; every session and link of before ends. The owner's own doing."""
    db.session.get_one(Person, person_id).password_hash = password_hash
    links.end_every_way_in(person_id, now=now)
