"""A requester's contact data: who may see it, and the log of every look."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_

from tracker.database import db
from tracker.errors import NotPermittedError
from tracker.permissions import Action, Actor, may, require
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ContactLook, ReachableBy, ServiceRequest
from tracker.visibility import within_reach


@dataclass(frozen=True, slots=True)
class Contact:
    """Everything about how to reach the people of one request."""

    name: str
    reachable_by: ReachableBy
    phone: str | None
    """In E.164."""
    email: str | None
    neighbour: str
    address: str
    beneficiary_name: str
    beneficiary_relation: str


def may_see_contact(actor: Actor, service_request: ServiceRequest) -> bool:
    """Tell whether `actor` may look: a desk always, everybody else until it is closed.

    Volunteers only from claiming on. Source: product.md, sections 6 and 10.
    """
    if service_request.unit_id in actor.units_where(Action.VIEW_CONTACT):
        return True
    return service_request.status is not Status.CLOSED and may(
        actor, Action.VIEW_CONTACT, service_request
    )


def is_seen_by(actor: Actor) -> ColumnElement[bool]:
    """Return the same as a condition on the requests of a list."""
    by_desk = ServiceRequest.unit_id.in_(sorted(actor.units_where(Action.VIEW_CONTACT)))
    return and_(
        within_reach(actor, Action.VIEW_CONTACT, CASEWORK),
        or_(by_desk, ServiceRequest.status != Status.CLOSED),
    )


def look_at_contact(
    service_request: ServiceRequest, *, where: str, actor: Actor, now: datetime
) -> Contact:
    """Return the full contact data, and log that `actor` looked. Runs inside a transaction.

    `where` names the page that shows it. Raises `NotPermittedError`.
    """
    require(actor, Action.VIEW_CONTACT, service_request)
    if not may_see_contact(actor, service_request):
        message = "Contact data of a closed request is for its desk only."
        raise NotPermittedError(message)
    if actor.person_id is not None:
        db.session.add(
            ContactLook(
                service_request_id=service_request.id,
                person_id=actor.person_id,
                at=now,
                where=where,
            )
        )
    requester = service_request.requester
    return Contact(
        name=requester.name if requester else "",
        reachable_by=requester.reachable_by if requester else ReachableBy.NOBODY,
        phone=requester.phone if requester else None,
        email=requester.email if requester else None,
        neighbour=requester.neighbour if requester else "",
        address=service_request.address,
        beneficiary_name=service_request.beneficiary_name,
        beneficiary_relation=service_request.beneficiary_relation,
    )
