"""What a volunteer sees: tasks to claim, without personal data, and the tasks that are theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from tracker.database import db
from tracker.errors import Refusal
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor
from tracker.privacy import find_personal_data
from tracker.service_requests.actions import claims
from tracker.service_requests.lifecycle import CLAIMABLE_STATUSES, OPEN_STATUSES, Status, Step
from tracker.service_requests.models import Claim, HistoryEntry, ServiceRequest
from tracker.service_requests.queries import visible_to
from tracker.visits.models import Visit, VisitStatus

FINISHED_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What a volunteer looks for, from the address."""

    area_id: int | None = None
    category_id: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One request as the board shows it: what, where, when; never who."""

    id: int
    service_request: ServiceRequest
    """Templates print category, area, places, times and the board note, and nothing else."""
    preferred_time: str
    refusal: Refusal | None

    @property
    def places_free(self) -> int:
        """Return how many volunteers are still needed."""
        return max(self.service_request.volunteers_needed - self.service_request.places_taken, 0)


@dataclass(frozen=True, slots=True)
class OwnTask:
    """One request that the volunteer claimed."""

    service_request: ServiceRequest
    next_visit: Visit | None
    thanks: str
    """What the requester said at the end."""


def claimable(actor: Actor, wish: Wish) -> Select[ServiceRequest]:
    """Select the requests of the actor's teams on which places are free."""
    query = (
        visible_to(actor, Action.VIEW_BOARD)
        .where(
            ServiceRequest.status.in_(CLAIMABLE_STATUSES),
            ServiceRequest.places_taken < ServiceRequest.volunteers_needed,
        )
        .options(
            joinedload(ServiceRequest.category),
            joinedload(ServiceRequest.area),
            joinedload(ServiceRequest.lead_team),
            selectinload(ServiceRequest.helping_teams),
            selectinload(ServiceRequest.claims),
        )
    )
    if actor.person_id is not None:
        mine = select(Claim.service_request_id).where(
            Claim.person_id == actor.person_id, Claim.released_at.is_(None)
        )
        query = query.where(ServiceRequest.id.not_in(mine))
    if wish.area_id is not None:
        query = query.where(ServiceRequest.area_id.in_(organisation.areas_below(wish.area_id)))
    if wish.category_id is not None:
        query = query.where(ServiceRequest.category_id == wish.category_id)
    return query


def due_or_submitted() -> ColumnElement[Any]:
    """Return by what the board is ordered: what is due first; while the clock stands, its age."""
    when: ColumnElement[Any] = func.coalesce(ServiceRequest.due_at, ServiceRequest.submitted_at)
    return when


def tasks(rows: Sequence[ServiceRequest], actor: Actor) -> Sequence[Task]:
    """Return what the board shows of `rows`, with why each cannot be claimed, if so."""
    standing = claims.standing_of(actor)
    return [
        Task(
            id=row.id,
            service_request=row,
            preferred_time=without_personal_data(row.preferred_time),
            refusal=claims.why_not(row, actor=actor, standing=standing),
        )
        for row in rows
    ]


def own_tasks(actor: Actor) -> tuple[Sequence[OwnTask], Sequence[OwnTask]]:
    """Return the actor's open tasks, first due first, and the latest finished ones.

    What has no due time, as its clock stands still, comes after what has one.
    """
    query = (
        select(ServiceRequest)
        .join(Claim, Claim.service_request_id == ServiceRequest.id)
        .where(Claim.person_id == actor.person_id, Claim.released_at.is_(None))
        .options(
            joinedload(ServiceRequest.category),
            joinedload(ServiceRequest.area),
            selectinload(ServiceRequest.claims).joinedload(Claim.person),
        )
    )
    unfinished = [status for status in OPEN_STATUSES if status is not Status.RESOLVED]
    still_open = db.session.scalars(
        query.where(ServiceRequest.status.in_(unfinished)).order_by(
            ServiceRequest.due_at.is_(None), due_or_submitted(), ServiceRequest.id
        )
    ).all()
    finished = db.session.scalars(
        query.where(ServiceRequest.status.not_in(unfinished))
        .order_by(ServiceRequest.resolved_at.desc(), ServiceRequest.id.desc())
        .limit(FINISHED_SHOWN)
    ).all()
    visits = _next_visits([each.id for each in still_open])
    thanks = _thanks([each.id for each in finished])
    return (
        [OwnTask(each, visits.get(each.id), "") for each in still_open],
        [OwnTask(each, None, thanks.get(each.id, "")) for each in finished],
    )


def without_personal_data(text: str) -> str:
    """Return `text` with phone numbers, ID numbers and addresses of mail blotted out."""
    for found in sorted(find_personal_data(text), key=lambda each: each.start, reverse=True):
        text = f"{text[: found.start]}…{text[found.end :]}"
    return text


def _next_visits(ids: Sequence[int]) -> Mapping[int, Visit]:
    planned = db.session.scalars(
        select(Visit)
        .where(Visit.service_request_id.in_(ids), Visit.status == VisitStatus.PLANNED)
        .order_by(Visit.planned_from.desc())
    )
    return {visit.service_request_id: visit for visit in planned}


def _thanks(ids: Sequence[int]) -> Mapping[int, str]:
    rows = db.session.execute(
        select(HistoryEntry.service_request_id, HistoryEntry.public_note)
        .where(HistoryEntry.service_request_id.in_(ids), HistoryEntry.step == Step.CONFIRM)
        .order_by(HistoryEntry.id)
    )
    return dict(rows.all())
