"""Reading and noting what goes on at endpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, update

from tracker.database import db
from tracker.errors import NotFoundError
from tracker.notifications.endpoints.models import Endpoint, EndpointKind, News

SWITCHED_OFF: Final = "endpoint_off"
"""Why a message is given up whose endpoint was switched off; the page says it in words."""


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
    """Return every endpoint, those that are on first, by name."""
    return db.session.scalars(
        select(Endpoint).order_by(Endpoint.is_on.desc(), Endpoint.name, Endpoint.id)
    ).all()


def endpoint(endpoint_id: int) -> Endpoint:
    """Return one. Raises `NotFoundError`."""
    found = db.session.get(Endpoint, endpoint_id)
    if found is None:
        text = "There is no such endpoint."
        raise NotFoundError(text)
    return found


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
    """Tell whether there is any endpoint of a kind."""
    return db.session.scalar(select(Endpoint.id).where(Endpoint.kind == kind).limit(1)) is not None


def names(ids: Sequence[int]) -> dict[int, str]:
    """Return the names of some endpoints."""
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
