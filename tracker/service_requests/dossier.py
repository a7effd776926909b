"""Everything that staff read of one request on one page, and nothing that they may not.

Contact data is masked here; the full data comes from `contact.look_at_contact` only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Integer, Select, bindparam, exists, select
from sqlalchemy.orm import aliased

from tracker.accounts.models import Person
from tracker.database import db, read
from tracker.organisation import queries as organisation
from tracker.permissions import Actor
from tracker.privacy import mask_address, mask_email, mask_name, mask_phone
from tracker.service_requests import clocks, parts, queries
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.limits import Stops
from tracker.service_requests.models import (
    Approval,
    ClockStop,
    Part,
    Photo,
    Requester,
    ServiceRequest,
)
from tracker.service_requests.queries import Entry
from tracker.visibility import made_once
from tracker.visits.models import ContactWay, Visit, VisitStatus, visit_visitor

SYSTEM_STEPS: Final = frozenset({Step.REMIND, Step.TIME_OUT, Step.IMPORT})
"""Steps that nobody takes: their row of history names no person."""

SAID_LATER: Final = frozenset(
    {Step.ADD_WORD, Step.RESUME, Step.URGE, Step.DISPUTE, Step.ASK_REOPENING}
)
"""Steps in which a requester speaks of the need again: words, answers, urges, “not solved”."""


@dataclass(frozen=True, slots=True)
class MaskedContact:
    """Enough to tell people apart, too little to reach them."""

    name: str
    phone: str
    email: str
    has_neighbour: bool
    address: str
    beneficiary_name: str

    @property
    def is_anonymous(self) -> bool:
        """Tell whether nobody can be reached; who gave a number and no name is not anonymous."""
        return not (self.name or self.phone or self.email or self.has_neighbour)


@dataclass(frozen=True, slots=True)
class Material:
    """What came with a request and after it: whoever decides on it decides on this too."""

    photos: Sequence[Photo]
    """Those that show the need, not a visit, nor the result."""
    said_later: Sequence[Entry]
    """What the requester said since they asked, oldest first."""


class VisitLine(NamedTuple):
    """A visit, as the page of its request tells it: `Visit` in plain values, with who goes."""

    id: int
    status: VisitStatus
    planned_from: datetime | None
    planned_to: datetime | None
    started_at: datetime | None
    way: ContactWay | None
    contact_made: bool | None
    findings: str
    needs_found: str
    next_step: str
    next_step_on: date | None
    visitors: Sequence[str]
    """Their names."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """One request with what hangs on it, as one reader may see it."""

    service_request: ServiceRequest
    history: Sequence[Entry]
    visits: Sequence[VisitLine]
    """Oldest first."""
    photos: Sequence[Photo]
    approvals: Sequence[Approval]
    """What waits for a supervisor's decision."""
    stops: Stops
    """When its clock stood still, oldest first."""
    parts: Sequence[Part]
    """What helping teams are to do, or did, in the order in which it was given."""
    merged: Sequence[ServiceRequest]
    """The duplicates that were merged into it, as far as the reader may see them."""
    survivor: ServiceRequest | None
    """What it was merged into; None too when the reader may not see that."""
    merged_with: Mapping[str, int]
    """The ids of what its history says it was merged with, by reference, as far as the reader may see them."""
    said_to_be_same_as: ServiceRequest | None
    """The open request that the requester said theirs is about."""
    contact: MaskedContact


def dossier_of(service_request_id: int, actor: Actor) -> Dossier:
    """Return one service request with what `actor` reads of it. Raises `NotFoundError` as `queries.find` does."""
    service_request, known = queries.find_beside(
        actor, service_request_id, beside=tuple(_WHAT_THERE_IS)
    )
    has, history = _Has(*known), queries.history_of(service_request)
    merged = _merged_into(service_request, actor) if has.merged else ()
    survivor = _visible(service_request.survivor_id, actor)
    return Dossier(
        service_request=service_request,
        history=history,
        visits=_visits(service_request.id) if has.visits else (),
        photos=queries.photos_of(service_request) if has.photos else (),
        approvals=queries.waiting_approvals(service_request) if has.approvals else (),
        stops=clocks.stops_of(service_request) if has.stops else (),
        parts=parts.parts_of(service_request) if has.parts else (),
        merged=merged,
        survivor=survivor,
        merged_with=_merged_with(history, (*merged, *filter(None, [survivor])), actor),
        said_to_be_same_as=_visible(_same_as(history), actor),
        contact=masked_contact(service_request),
    )


def material_of(service_request: ServiceRequest) -> Material:
    """Return the photos of the need and what the requester said later."""
    return Material(
        photos=[each for each in queries.photos_of(service_request) if each.is_of_need],
        said_later=[each for each in queries.history_of(service_request) if _is_said_later(each)],
    )


def _is_said_later(entry: Entry) -> bool:
    # Handlers go on by themselves too; those who call back write down the requester's words.
    by_a_handler = entry.step is Step.RESUME and entry.actor_id is not None
    return entry.step in SAID_LATER and not by_a_handler and not entry.is_unanswered


def masked_contact(service_request: ServiceRequest, country: str | None = None) -> MaskedContact:
    """Return the requester's contact data, masked.

    `country` (ISO 3166-1) says whose numbers are written short; a list passes it, so that not
    every row asks for the organisation's.
    """
    requester = service_request.requester
    return MaskedContact(
        name=mask_name(requester.name) if requester else "",
        phone=masked_phone(requester, country),
        email=mask_email(requester.email) if requester and requester.email else "",
        has_neighbour=bool(requester and requester.neighbour),
        address=mask_address(service_request.address),
        beneficiary_name=mask_name(service_request.beneficiary_name),
    )


def masked_phone(requester: Requester | None, country: str | None = None) -> str:
    """Return a phone number of which only the ends show, or nothing."""
    if requester is None or not requester.phone:
        return ""
    return mask_phone(requester.phone, country or organisation.organisation().country)


_ONE_ID: Final = bindparam("id", type_=Integer)


class _Has(NamedTuple):
    """Whether there is any of these. Most requests have next to nothing: what is not there need not be read."""

    visits: Any
    photos: Any
    approvals: Any
    stops: Any
    parts: Any
    merged: Any


_duplicate: Final = aliased(ServiceRequest)
_WHAT_THERE_IS: Final = _Has(
    visits=exists().where(Visit.service_request_id == ServiceRequest.id),
    photos=exists().where(Photo.service_request_id == ServiceRequest.id),
    approvals=exists().where(
        Approval.service_request_id == ServiceRequest.id, Approval.decided_at.is_(None)
    ),
    stops=exists().where(ClockStop.service_request_id == ServiceRequest.id),
    parts=exists().where(Part.service_request_id == ServiceRequest.id),
    merged=exists().where(_duplicate.survivor_id == ServiceRequest.id),
)
"""Asked beside the request itself."""
_VISITS: Final[Select[*tuple[Any, ...]]] = (
    select(*(getattr(Visit, name) for name in VisitLine._fields[:-1]), Person.name)
    .outerjoin(visit_visitor, visit_visitor.c.visit_id == Visit.id)
    .outerjoin(Person, Person.id == visit_visitor.c.person_id)
    .where(Visit.service_request_id == _ONE_ID)
    .order_by(Visit.id, Person.id)
)


def _visits(service_request_id: int) -> Sequence[VisitLine]:
    found: dict[int, tuple[list[Any], list[str]]] = {}
    for *visit, visitor in read(_VISITS, {"id": service_request_id}).all():
        _visit, visitors = found.setdefault(visit[0], (visit, []))
        visitors += [visitor] if visitor else []
    return [VisitLine._make((*visit, visitors)) for visit, visitors in found.values()]


def _merged_into(survivor: ServiceRequest, actor: Actor) -> Sequence[ServiceRequest]:
    return db.session.scalars(_merged(actor), {"id": survivor.id}).all()


@made_once
def _merged(actor: Actor) -> Select[ServiceRequest]:
    """Select what the reader may see of what was merged into one request."""
    query = queries.visible_to(actor).where(ServiceRequest.survivor_id == _ONE_ID)
    return query.order_by(ServiceRequest.id)


def _merged_with(
    history: Sequence[Entry], seen: Iterable[ServiceRequest], actor: Actor
) -> Mapping[str, int]:
    known = {each.reference: each.id for each in seen}
    others = {entry.merged_with for entry in history if entry.merged_with} - known.keys()
    if others:  # what has been taken back or merged on since, and is not on the page otherwise
        rows = read(_by_reference(actor), {"references": sorted(others)})
        known.update((reference, number) for reference, number in rows)
    return known


@made_once
def _by_reference(actor: Actor) -> Select[str, int]:
    asked = ServiceRequest.reference.in_(bindparam("references", expanding=True))
    return (
        queries.visible_to(actor)
        .with_only_columns(ServiceRequest.reference, ServiceRequest.id)
        .where(asked)
    )


@made_once
def _one(actor: Actor) -> Select[ServiceRequest]:
    return queries.visible_to(actor).where(ServiceRequest.id == _ONE_ID)


def _visible(service_request_id: int | None, actor: Actor) -> ServiceRequest | None:
    if service_request_id is None:
        return None
    return db.session.scalar(_one(actor), {"id": service_request_id})


def _same_as(history: Sequence[Entry]) -> int | None:
    for entry in history:
        said = entry.detail.get("same_as") if entry.step is Step.SUBMIT else None
        if isinstance(said, int):
            return said
    return None
