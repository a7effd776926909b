"""Who and what may be chosen when a request is dispatched: teams, leaders, requests to merge into."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import joinedload, selectinload

from tracker.accounts.models import Grant, Person
from tracker.database import db
from tracker.organisation import queries as organisation
from tracker.organisation.models import Area
from tracker.permissions import Action, Actor, Role
from tracker.service_requests import queries
from tracker.service_requests.actions.dispatch import is_its_desk, may_choose_team
from tracker.service_requests.lifecycle import OPEN_STATUSES
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.reference import parse_reference
from tracker.set_up import until_set_up_changes
from tracker.teams.models import Team
from tracker.web.locale import in_locale, localized
from tracker.web.options import Options

CANDIDATES: Final = 8
"""How many requests to merge into are offered without searching."""


class Reason(StrEnum):
    """Why a team fits a request."""

    HAS_IT_NOW = "has_it_now"
    USUAL_TEAM = "usual_team"
    CATEGORY = "category"
    AREA = "area"
    UNIT = "unit"


_WEIGHT: Final = {
    Reason.HAS_IT_NOW: 16,
    Reason.USUAL_TEAM: 8,
    Reason.AREA: 4,
    Reason.CATEGORY: 4,
    Reason.UNIT: 1,
}
_ENOUGH: Final = 4
"""From this weight on a team is suggested: a usual team, or the area, or the category."""


@dataclass(frozen=True, slots=True)
class TeamChoice:
    """A team that may be chosen, and why it fits."""

    team: Team
    reasons: tuple[Reason, ...]

    @property
    def weight(self) -> int:
        """Return how well it fits; more is better."""
        return sum(_WEIGHT[reason] for reason in self.reasons)

    @property
    def is_suggested(self) -> bool:
        """Tell whether it fits by more than its unit."""
        return self.weight >= _ENOUGH


def teams_to_choose(service_request: ServiceRequest, actor: Actor) -> Sequence[TeamChoice]:
    """Return the teams that `actor` may assign the request to, the most fitting first."""
    teams = db.session.scalars(
        select(Team)
        .where(Team.ended_at.is_(None))
        .options(selectinload(Team.areas), selectinload(Team.categories))
        .order_by(Team.name, Team.id)
    )
    places = _with_above(service_request.area)
    return sorted(
        (
            TeamChoice(team, tuple(_reasons(team, service_request, places)))
            for team in teams
            if may_choose_team(actor, service_request, team)
        ),
        key=lambda choice: -choice.weight,
    )


def helping_teams_to_choose(service_request: ServiceRequest, actor: Actor) -> Sequence[Team]:
    """Return every team that may help, as far as `actor` may choose them: a desk."""
    if not is_its_desk(actor, service_request):
        return []
    query = select(Team).where(Team.ended_at.is_(None)).order_by(Team.name, Team.id)
    return list(db.session.scalars(query))


@until_set_up_changes
def team_options(
    locale: str,
    unit_ids: frozenset[int],
    team_ids: frozenset[int] = frozenset(),
    *,
    all_there_are: bool = False,
) -> Options:
    """Offer the teams of some units, and some others, or all, by name; ended ones too."""
    query = select(Team).order_by(Team.name, Team.id)
    if not all_there_are:
        of_units, others = Team.unit_id.in_(sorted(unit_ids)), Team.id.in_(sorted(team_ids))
        query = query.where(or_(of_units, others))
    with in_locale(locale):
        return Options((team.id, localized(team)) for team in db.session.scalars(query))


def leaders_to_choose(service_request: ServiceRequest, actor: Actor) -> Sequence[Person]:
    """Return the leaders who may answer for the request, as far as `actor` may choose them."""
    present = service_request.leader
    if present is not None and not is_its_desk(actor, service_request):
        return [present]
    return leaders_reaching(service_request.unit_id)


def leaders_reaching(unit_id: int) -> Sequence[Person]:
    """Return the people who hold the role of leader in the unit or above it."""
    return _leaders(_reaches([unit_id]))


@until_set_up_changes
def leader_options(unit_ids: frozenset[int], dispatched: frozenset[int] = frozenset()) -> Options:
    """Offer the leaders of some units, and those who may be chosen for requests of the units `dispatched`."""
    leaders = _leaders(or_(Grant.unit_id.in_(sorted(unit_ids)), _reaches(dispatched)))
    return Options((leader.id, leader.name) for leader in leaders)


def merge_candidates(service_request: ServiceRequest, actor: Actor) -> Sequence[ServiceRequest]:
    """Return open requests of the same category here and next door: here first, then the oldest."""
    area = service_request.area
    if area is None:
        near: ColumnElement[bool] = ServiceRequest.area_id.is_(None)
    else:
        around = organisation.areas_below(area.parent_id or area.id)
        near = ServiceRequest.area_id.in_(sorted(around))
    return list(
        db.session.scalars(
            _mergeable(service_request, actor)
            .where(ServiceRequest.category_id == service_request.category_id, near)
            .order_by(
                ServiceRequest.area_id != service_request.area_id,
                ServiceRequest.submitted_at,
                ServiceRequest.id,
            )
            .limit(CANDIDATES)
        )
    )


def survivor_by_id(
    service_request: ServiceRequest, actor: Actor, survivor_id: int
) -> ServiceRequest | None:
    """Return the open request to merge into, if `actor` may merge it too."""
    return db.session.scalar(
        _mergeable(service_request, actor).where(ServiceRequest.id == survivor_id)
    )


def survivor_by_reference(
    service_request: ServiceRequest, actor: Actor, text: str
) -> ServiceRequest | None:
    """Return the open request with the reference that somebody typed, if `actor` may merge it."""
    reference = parse_reference(text)
    if reference is None:
        return None
    return db.session.scalar(
        _mergeable(service_request, actor).where(ServiceRequest.reference == reference)
    )


def _mergeable(service_request: ServiceRequest, actor: Actor) -> Select[ServiceRequest]:
    return (
        queries.visible_to(actor, Action.MERGE_SERVICE_REQUEST)
        .where(
            ServiceRequest.id != service_request.id,
            ServiceRequest.status.in_(OPEN_STATUSES),
        )
        .options(
            joinedload(ServiceRequest.category),
            joinedload(ServiceRequest.area).joinedload(Area.parent),
            joinedload(ServiceRequest.requester),
            joinedload(ServiceRequest.lead_team),
        )
    )


def _reaches(unit_ids: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a role is held in one of the units or above it."""
    above = frozenset[int]().union(*map(organisation.units_above, unit_ids))
    return Grant.unit_id.in_(sorted(above))


def _leaders(condition: ColumnElement[bool]) -> Sequence[Person]:
    holders = select(Grant.person_id).where(
        Grant.role == Role.LEADER, Grant.ended_at.is_(None), condition
    )
    return list(
        db.session.scalars(
            select(Person)
            .where(Person.id.in_(holders), Person.ended_at.is_(None))
            .order_by(Person.sort_key, Person.id)
        )
    )


def _with_above(area: Area | None) -> frozenset[int]:
    found: set[int] = set()
    while area is not None and area.id not in found:
        found.add(area.id)
        area = area.parent
    return frozenset(found)


def _reasons(
    team: Team, service_request: ServiceRequest, places: Collection[int]
) -> Sequence[Reason]:
    category = service_request.category
    subjects = {category.id, category.parent_id}
    facts = (
        (Reason.HAS_IT_NOW, team.id == service_request.lead_team_id),
        (Reason.USUAL_TEAM, team.id == category.default_team_id),
        (Reason.AREA, any(area.id in places for area in team.areas)),
        (Reason.CATEGORY, any(each.id in subjects for each in team.categories)),
        (Reason.UNIT, team.unit_id == service_request.unit_id),
    )
    return [reason for reason, is_so in facts if is_so]
