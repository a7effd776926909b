"""Counting attempts in the database, so that every worker process counts the same."""

import hashlib
import hmac
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from flask import request
from sqlalchemy import Index, String, delete, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import Model, db, take_turns


class Attempt(Model):
    """One attempt at something that is limited. The key is a keyed hash: no personal data."""

    __tablename__ = "throttled_attempt"
    __table_args__ = (Index("ix_throttled_attempt_scope_key_at", "scope", "key_hash", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(32))
    key_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many attempts of `key` within `window`."""

    scope: str
    key: str
    most: int
    window: timedelta


def callers_network() -> str:
    """Return from where this request comes, as it is counted: an IPv4 address, an IPv6 /64.

    A household gets a whole /64, so that counting its single addresses would count nothing.
    """
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return request.remote_addr or ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((int(address), 64), strict=False))
    return str(address)


def is_one_too_many(limits: Sequence[Limit], *, secret: str, now: datetime, times: int = 1) -> bool:
    """Count as `spent_of` does; tell whether one of them has not as many left."""
    return spent_of(limits, secret=secret, now=now, times=times) is not None


def spent_of(
    limits: Sequence[Limit], *, secret: str, now: datetime, times: int = 1
) -> Limit | None:
    """Count `times` attempts against each of `limits`; none if one of them has not as many left.

    Return the first of which that is so. Runs inside a transaction.
    """
    for limit in limits:
        if is_exhausted(
            limit.scope,
            limit.key,
            limit=limit.most - times + 1,
            window=limit.window,
            secret=secret,
            now=now,
        ):
            return limit
    for limit in limits:
        for _ in range(times):
            count_attempt(limit.scope, limit.key, secret=secret, now=now)
    return None


def is_exhausted(
    scope: str, key: str, *, limit: int, window: timedelta, secret: str, now: datetime
) -> bool:
    """Tell whether `key` has used up its `limit` attempts in the `window` before `now`.

    Of several at once each waits for the one before to be counted, until the transaction ends.
    """
    take_turns(f"{scope} {_hash(key, secret)}")
    used = db.session.scalar(
        select(func.count())
        .select_from(Attempt)
        .where(
            Attempt.scope == scope,
            Attempt.key_hash == _hash(key, secret),
            Attempt.at > now - window,
        )
    )
    return (used or 0) >= limit


def count_attempt(scope: str, key: str, *, secret: str, now: datetime) -> None:
    """Remember one attempt, and forget those older than a day. Runs inside a transaction."""
    attempt = {"scope": scope, "key_hash": _hash(key, secret), "at": now}
    db.session.execute(insert(Attempt.__table__), attempt)  # type: ignore[arg-type] # a table
    db.session.execute(delete(Attempt).where(Attempt.at < now - timedelta(days=1)))


def forget_attempts(scope: str, key: str, *, secret: str) -> None:
    """Forget the attempts of `key`, after it succeeded. Runs inside a transaction."""
    db.session.execute(
        delete(Attempt).where(Attempt.scope == scope, Attempt.key_hash == _hash(key, secret))
    )


def take_back(scope: str, key: str, *, secret: str) -> None:
    """Forget the latest attempt of `key`: it succeeded. Runs inside a transaction."""
    latest = (
        select(Attempt.id)
        .where(Attempt.scope == scope, Attempt.key_hash == _hash(key, secret))
        .order_by(Attempt.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    db.session.execute(delete(Attempt).where(Attempt.id == latest))


@contextmanager
def takes_at_least(seconds: float) -> Iterator[None]:
    """Let what happens inside take at least so long: how long it took tells nothing."""
    began = time.monotonic()
    try:
        yield
    finally:
        time.sleep(max(0.0, began + seconds - time.monotonic()))


def _hash(key: str, secret: str) -> str:
    return hmac.new(secret.encode(), key.encode(), hashlib.sha256).hexdigest()
