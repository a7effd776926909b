"""What a volunteer sees: tasks to claim, without personal data, and the tasks that are theirs."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    TextClause,
    case,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import joinedload, selectinload

from tracker.database import UtcDateTime, among, db, numbered, one_of, read
from tracker.organisation import queries as organisation
from tracker.organisation.models import Area, Category
from tracker.permissions import Action, Actor
from tracker.service_requests.blotting import blotted
from tracker.service_requests.casework import BY_UNDER_WAY, CASEWORK, OPEN_CASEWORK, UNDER_WAY
from tracker.service_requests.lifecycle import Priority, Status, Step
from tracker.service_requests.lines import Name, names
from tracker.service_requests.models import (
    Claim,
    Handler,
    HelpingTeam,
    HistoryEntry,
    Requester,
    ServiceRequest,
)
from tracker.teams.models import Team
from tracker.visibility import made_once, within_reach
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
class Task:
    """One request as the board shows it: what, where, when; never who. Plain values, as in `lines`."""

    id: int
    reference: str
    status: Status
    priority: Priority
    board_note: str
    preferred_time: str
    """Without numbers and addresses, and without the request's own people and door."""
    due_at: datetime | None
    near_at: datetime | None
    resolved_on_time: bool | None
    volunteers_needed: int
    places_taken: int
    unit_id: int
    leader_id: int | None
    lead_team_id: int | None
    icon: str
    is_sensitive: bool
    category: Name
    area: Name | None
    team: Name | None
    team_ids: frozenset[int]
    claimant_ids: frozenset[int]
    handler_ids: frozenset[int]

    @property
    def places_free(self) -> int:
        """Return how many volunteers are still needed."""
        return max(self.volunteers_needed - self.places_taken, 0)


_NAMED: Final = (Category, Area, Team)
_OWN: Final = tuple(each.name for each in fields(Task))[:-8]
"""The columns of the request itself: all before the category's."""
_TASKS: Final[Select[*tuple[Any, ...]]] = (
    select(
        *(getattr(ServiceRequest, name) for name in _OWN),
        Category.icon,
        Category.is_sensitive,
        *(column for thing in _NAMED for column in (thing.name, thing.name_en)),
        Requester.name,
        ServiceRequest.beneficiary_name,
        ServiceRequest.address,
        Requester.phone,
        Requester.neighbour,
    )
    .join(Category, Category.id == ServiceRequest.category_id)
    .outerjoin(Area, Area.id == ServiceRequest.area_id)
    .outerjoin(Team, Team.id == ServiceRequest.lead_team_id)
    .outerjoin(Requester, Requester.id == ServiceRequest.requester_id)
)
_TEAMS, _CLAIMANTS, _HANDLERS = range(3)


@lru_cache
def _tasks(how_many: int) -> Select[*tuple[Any, ...]]:
    return _TASKS.where(one_of(ServiceRequest.id, how_many))


@lru_cache
def _held(how_many: int) -> CompoundSelect[*tuple[Any, ...]]:
    """Select who has to do with so many requests, in one statement."""

    def theirs(kind: int, rows: type[HelpingTeam | Claim | Handler], held: Any) -> Select[Any]:  # noqa: ANN401 - a column
        here = one_of(rows.service_request_id, how_many)
        return select(literal_column(str(kind)), rows.service_request_id, held).where(here)

    return union_all(
        theirs(_TEAMS, HelpingTeam, HelpingTeam.team_id),
        theirs(_CLAIMANTS, Claim, Claim.person_id).where(Claim.released_at.is_(None)),
        theirs(_HANDLERS, Handler, Handler.person_id),
    )


@dataclass(frozen=True, slots=True)
class OwnTask:
    """One request that the volunteer claimed."""

    service_request: ServiceRequest
    next_visit: Visit | None
    thanks: str
    """What the requester said at the end."""


@made_once
def claimable(
    actor: Actor, areas: frozenset[int] | None = None, category_id: int | None = None
) -> Select[int]:
    """Select the ids of the requests of the actor's teams on which places are free.

    With `areas`, or a `category_id`, those there and of it.
    """
    query = (
        select(ServiceRequest.id)
        .where(
            within_reach(actor, Action.VIEW_BOARD, OPEN_CASEWORK),
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
    if areas is not None:
        query = query.where(among(ServiceRequest.area_id, sorted(areas)))
    if category_id is not None:
        query = query.where(ServiceRequest.category_id == category_id)
    return query


def shown(ids: Sequence[int]) -> Sequence[Task]:
    """Return what the board shows of some requests, in no order."""
    held: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for kind, service_request_id, held_id in read(_held(len(ids)), numbered(ids)).all():
        held[kind, service_request_id].add(held_id)
    return [_task(tuple(row), held) for row in read(_tasks(len(ids)), numbered(ids)).all()]


def _task(values: tuple[Any, ...], held: Mapping[tuple[int, int], Collection[int]]) -> Task:
    plain, named = values[: len(_OWN) + 2], values[len(_OWN) + 2 : -5]
    whose = values[-5:]
    country = organisation.organisation().country
    own = dict(zip((*_OWN, "icon", "is_sensitive"), plain, strict=True))
    category, area, team = names(named)
    task_id, lead_team_id = own["id"], own["lead_team_id"]
    teams = held.get((_TEAMS, task_id), ())
    return Task(
        **own
        | {
            "preferred_time": own["preferred_time"]
            and blotted(own["preferred_time"], country, *whose)
        },
        category=category,
        area=area,
        team=team,
        team_ids=frozenset(teams if lead_team_id is None else (lead_team_id, *teams)),
        claimant_ids=frozenset(held.get((_CLAIMANTS, task_id), ())),
        handler_ids=frozenset(held.get((_HANDLERS, task_id), ())),
    )


def due_or_submitted() -> ColumnElement[Any]:
    """Return by what the board is ordered: what is due first; while the clock stands, its age."""
    return _WHEN


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
    """Return the actor's latest finished tasks, last first, with the thanks for them.

    Who has left the team since reads no more of what was done in it.
    """
    may_see = within_reach(actor, Action.VIEW_SERVICE_REQUEST, CASEWORK)
    # The places taken last, of perhaps thousands; among them what was finished last comes first.
    lately = db.session.scalars(
        _claimed_by(actor, Claim.released_at.is_(None), Claim.is_over.expression, may_see)
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
