"""Reading and noting what goes on at endpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select, update

from tracker.database import db
from tracker.errors import NotFoundError
from tracker.notifications.endpoints.models import Endpoint, EndpointKind, News
from tracker.notifications.models import Message

SWITCHED_OFF: Final = "endpoint_off"
DELETED: Final = "endpoint_deleted"
"""Why a message is given up whose endpoint was switched off, or deleted; the page says it in words."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An endpoint that hears of something, in plain values."""

    id: int
    kind: EndpointKind
    team_id: int | None
    locale: str
    news: frozenset[News]
    """Of what it wants to hear."""


def endpoints() -> Sequence[Endpoint]:
    """Return every endpoint that was not deleted, those that are on first, by name."""
    return db.session.scalars(
        select(Endpoint)
        .where(Endpoint.deleted_at.is_(None))
        .order_by(Endpoint.is_on.desc(), Endpoint.name, Endpoint.id)
    ).all()


def endpoint(endpoint_id: int) -> Endpoint:
    """Return one. Raises `NotFoundError`, also for one that was deleted."""
    found = perhaps_deleted(endpoint_id)
    if found.deleted_at is not None:
        text = "The endpoint was deleted."
        raise NotFoundError(text)
    return found


def perhaps_deleted(endpoint_id: int) -> Endpoint:
    """Return one, for what was written to it: it may have been deleted since. Raises `NotFoundError`."""
    found = db.session.get(Endpoint, endpoint_id)
    if found is None:
        text = "There is no such endpoint."
        raise NotFoundError(text)
    return found


def waiting_for(endpoint: Endpoint) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on the messages that were not sent to an endpoint yet."""
    return (
        Message.channel == endpoint.kind.channel,
        Message.address == str(endpoint.id),
        Message.sent_at.is_(None),
        Message.failed_at.is_(None),
    )


def count_waiting(endpoint: Endpoint) -> int:
    """Return how many messages wait to go to an endpoint."""
    waiting = select(func.count()).select_from(Message).where(*waiting_for(endpoint))
    return db.session.scalar(waiting) or 0


def listening_to(*news: News) -> Sequence[Listener]:
    """Return who hears of any of `news`, of some team or of all."""
    rows = db.session.scalars(select(Endpoint).where(Endpoint.is_on).order_by(Endpoint.id))
    return [listener for row in rows if (listener := as_listener(row)).news.intersection(news)]


def as_listener(endpoint: Endpoint) -> Listener:
    """Return an endpoint as what is written for it needs it."""
    return Listener(
        id=endpoint.id,
        kind=endpoint.kind,
        team_id=endpoint.team_id,
        locale=endpoint.locale,
        news=frozenset(map(News, endpoint.news)),
    )


def are_any(kind: EndpointKind) -> bool:
    """Tell whether there is, or was, any endpoint of a kind.

    What was written for one in the moment in which it was deleted is taken up, and given up with its reason.
    """
    return db.session.scalar(select(Endpoint.id).where(Endpoint.kind == kind).limit(1)) is not None


def is_any_on() -> bool:
    """Tell whether a robot or a webhook hears of something."""
    return db.session.scalar(select(Endpoint.id).where(Endpoint.is_on).limit(1)) is not None


def is_any_robot_on() -> bool:
    """Tell whether some group of a messenger hears of something."""
    robots = Endpoint.is_on & (Endpoint.kind != EndpointKind.WEBHOOK)
    return db.session.scalar(select(Endpoint.id).where(robots).limit(1)) is not None


def names(ids: Sequence[int]) -> dict[int, str]:
    """Return the names of some endpoints, also of those that were deleted."""
    rows = db.session.execute(select(Endpoint.id, Endpoint.name).where(Endpoint.id.in_(ids)))
    return {row.id: row.name for row in rows}


def note(
    endpoint_id: int, *, failure: str | None, switches_off: bool = False, now: datetime
) -> None:
    """Note how sending went: `failure` says why it did not. Part of a transaction.

    Past the version: nobody typed anything of this.
    """
    values: dict[str, object] = (
        {"succeeded_at": now} if failure is None else {"failed_at": now, "failure": failure[:500]}
    )
    if switches_off:
        values["is_on"] = False
    db.session.execute(update(Endpoint).where(Endpoint.id == endpoint_id).values(values))
