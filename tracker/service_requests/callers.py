"""Finding a caller again by the phone number: who they are, and what they asked before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from tracker.database import db
from tracker.permissions import Action, Actor
from tracker.service_requests import queries
from tracker.service_requests.contact import look_at_contact
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import Requester, ServiceRequest

MOST: Final = 20
"""How many past requests are looked through."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who called from this number before, as they told it last."""

    name: str
    address: str
    area_id: int | None
    locale: str
    requests: Sequence[ServiceRequest]
    """What they asked before, the newest first."""

    @property
    def latest_id(self) -> int:
        """Return the id of their newest request."""
        return self.requests[0].id


def callers_with(phone: str, *, actor: Actor) -> list[Caller]:
    """Return who asked for something from `phone` (E.164), as far as `actor` may see it.

    One number may be a whole family's, so that people are told apart by their names.
    """
    by_name: dict[str, list[ServiceRequest]] = {}
    for found in _requests_of(phone, actor):
        name = found.requester.name if found.requester else ""
        by_name.setdefault(name, []).append(found)
    return [
        Caller(
            name=name,
            address=found[0].address,
            area_id=found[0].area_id,
            locale=found[0].requester.locale if found[0].requester else "",
            requests=found,
        )
        for name, found in by_name.items()
    ]


def others_of(service_request: ServiceRequest, *, actor: Actor) -> Sequence[ServiceRequest]:
    """Return what else the same caller waits for: same number, same name, and not closed, the newest first.

    As far as `actor` may change how they are told. Who left no number is known by nothing.
    """
    requester = service_request.requester
    if requester is None or not requester.phone:
        return ()
    # The newest of them first, by themselves: a limit on the requests would tempt a database to go
    # through all of them by time.
    same = db.session.scalars(
        select(Requester.id)
        .where(Requester.phone == requester.phone, Requester.name == requester.name)
        .order_by(Requester.id.desc())
        .limit(MOST + 1)
    ).all()
    found = db.session.scalars(
        queries.visible_to(actor, Action.CHANGE_REACHING)
        .where(
            ServiceRequest.requester_id.in_(same),
            ServiceRequest.id != service_request.id,
            ServiceRequest.status != Status.CLOSED,
        )
        .options(joinedload(ServiceRequest.requester), joinedload(ServiceRequest.category))
    )
    return sorted(found, key=lambda it: (it.submitted_at, it.id), reverse=True)


def log_looks(phone: str, *, actor: Actor, now: datetime) -> None:
    """Write down that `actor` saw the data of each caller with this number. In a transaction."""
    for caller in callers_with(phone, actor=actor):
        look_at_contact(caller.requests[0], where="intake", actor=actor, now=now)


def _requests_of(phone: str, actor: Actor) -> Sequence[ServiceRequest]:
    people = select(Requester.id).where(Requester.phone == phone)
    return list(
        db.session.scalars(
            queries.visible_to(actor, Action.VIEW_CONTACT)
            .where(
                ServiceRequest.requester_id.in_(people),
                ServiceRequest.unit_id.in_(sorted(actor.units_where(Action.VIEW_CONTACT))),
            )
            .options(joinedload(ServiceRequest.requester), joinedload(ServiceRequest.category))
            .order_by(ServiceRequest.submitted_at.desc(), ServiceRequest.id.desc())
            .limit(MOST)
        )
    )
