"""What a volunteer sees: tasks to claim, without personal data, and the tasks that are theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, TextClause, case, literal_column, select, text
from sqlalchemy.orm import joinedload, selectinload

from tracker.database import UtcDateTime, db
from tracker.errors import Refusal
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor
from tracker.privacy import find_personal_data
from tracker.service_requests import queries
from tracker.service_requests.actions import claims
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import (
    BY_UNDER_WAY,
    CASEWORK,
    UNDER_WAY,
    Claim,
    HistoryEntry,
    ServiceRequest,
)
from tracker.visibility import within_reach
from tracker.visits.models import Visit, VisitStatus
from tracker.web.paging import Page, page_of

FINISHED_SHOWN: Final = 20
# In the very words of the index ix_service_request_board (migration 0009).
_CLAIMABLE: Final = text("service_request.status IN ('assigned', 'in_progress', 'waiting')")
_WHEN: Final[ColumnElement[Any]] = literal_column(
    "coalesce(service_request.due_at, service_request.submitted_at)", UtcDateTime()
)

_STANDS_STILL: Final = case((ServiceRequest.due_at.is_(None), 1), else_=0)


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


def claimable(actor: Actor, wish: Wish) -> Select[int]:
    """Select the ids of the requests of the actor's teams on which places are free."""
    query = (
        select(ServiceRequest.id)
        .where(
            within_reach(actor, Action.VIEW_BOARD, CASEWORK),
            _CLAIMABLE,
            ServiceRequest.places_taken < ServiceRequest.volunteers_needed,
        )
        .with_hint(ServiceRequest, "INDEXED BY ix_service_request_board", "sqlite")
    )
    if actor.person_id is not None:
        mine = (
            select(Claim.service_request_id)
            .where(Claim.person_id == actor.person_id, UNDER_WAY)
            .with_hint(Claim, BY_UNDER_WAY, "sqlite")
        )
        query = query.where(ServiceRequest.id.not_in(mine))
    if wish.area_id is not None:
        query = query.where(ServiceRequest.area_id.in_(organisation.areas_below(wish.area_id)))
    if wish.category_id is not None:
        query = query.where(ServiceRequest.category_id == wish.category_id)
    return query


def shown(ids: Sequence[int]) -> Sequence[ServiceRequest]:
    """Return the requests with everything that the board shows of them."""
    return queries.lines(
        ids,
        selectinload(ServiceRequest.helping_teams),
        selectinload(ServiceRequest.claims),
    )


def due_or_submitted() -> ColumnElement[Any]:
    """Return by what the board is ordered: what is due first; while the clock stands, its age."""
    return _WHEN


def tasks(
    rows: Sequence[ServiceRequest], actor: Actor, standing: claims.Standing
) -> Sequence[Task]:
    """Return what the board shows of `rows`, with why each cannot be claimed, if so."""
    return [
        Task(
            id=row.id,
            service_request=row,
            preferred_time=without_personal_data(row.preferred_time),
            refusal=claims.why_not(row, actor=actor, standing=standing),
        )
        for row in rows
    ]


def own_tasks(actor: Actor, *, mark: str | None = None, size: int = 50) -> Page[OwnTask]:
    """Return a page of the actor's open tasks, first due first.

    What has no due time, as its clock stands still, comes after what has one.
    """
    page = page_of(
        db.session(),
        _claimed_by(actor, UNDER_WAY).with_hint(Claim, BY_UNDER_WAY, "sqlite"),
        (_STANDS_STILL, due_or_submitted(), ServiceRequest.id.expression),
        key_of=lambda it: (int(it.due_at is None), it.due_at or it.submitted_at, it.id),
        mark=mark,
        size=size,
    )
    visits = _next_visits([each.id for each in page.rows])
    return Page(
        [OwnTask(each, visits.get(each.id), "") for each in page.rows],
        page.next_mark,
        page.previous_mark,
    )


def finished_tasks(actor: Actor) -> Sequence[OwnTask]:
    """Return the actor's latest finished tasks, last first, with the thanks for them."""
    # The places taken last, of perhaps thousands; among them what was finished last comes first.
    lately = db.session.scalars(
        _claimed_by(actor, Claim.released_at.is_(None), Claim.is_over.expression)
        .order_by(Claim.id.desc())
        .limit(FINISHED_SHOWN)
    ).all()
    thanks = _thanks([each.id for each in lately])
    return [
        OwnTask(each, None, thanks.get(each.id, ""))
        for each in sorted(lately, key=_finished_at, reverse=True)
    ]


def _claimed_by(
    actor: Actor, *conditions: ColumnElement[bool] | TextClause
) -> Select[ServiceRequest]:
    return (
        select(ServiceRequest)
        .join(Claim, Claim.service_request_id == ServiceRequest.id)
        .where(Claim.person_id == actor.person_id, *conditions)
        .options(
            joinedload(ServiceRequest.category),
            joinedload(ServiceRequest.area),
            selectinload(ServiceRequest.claims).joinedload(Claim.person),
        )
    )


def _finished_at(service_request: ServiceRequest) -> tuple[datetime, int]:
    done = service_request.resolved_at or service_request.closed_at
    return done or service_request.submitted_at, service_request.id


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
