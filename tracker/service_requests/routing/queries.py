"""Reading the rules: those that are worked on, those in force, and what they say of a request."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from tracker.accounts.models import Grant, Person
from tracker.database import db
from tracker.errors import NotFoundError
from tracker.organisation import queries as organisation
from tracker.organisation.models import Area, Category, Unit
from tracker.permissions import Role
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.routing.matching import Case, Decision, Router, Rule, Standing
from tracker.service_requests.routing.models import RoutingEdition, RoutingRule
from tracker.set_up import until_set_up_changes
from tracker.teams.models import Team

NO_EDITION: Final = 0
"""Stands for the edition before the first: no rule is in force."""


@dataclass(frozen=True, slots=True)
class Edition:
    """The rules that are in force, and since when; before the first edition there are none."""

    id: int
    rules: tuple[Rule, ...]
    since: datetime | None = None
    by: str | None = None
    """The name of who put them in force."""


def rules(*, ended: bool = False) -> Sequence[RoutingRule]:
    """Return the rules that are worked on, in their order; with `ended` those as well, last."""
    query = (
        select(RoutingRule)
        .options(
            joinedload(RoutingRule.category),
            joinedload(RoutingRule.area),
            joinedload(RoutingRule.lead_team),
            joinedload(RoutingRule.leader),
        )
        .order_by(RoutingRule.ended_at.is_not(None), RoutingRule.position, RoutingRule.id)
    )
    return list(db.session.scalars(query if ended else query.where(RoutingRule.ended_at.is_(None))))


def rule(rule_id: int) -> RoutingRule:
    """Return one rule, ended ones too. Raises `NotFoundError`."""
    found = db.session.get(RoutingRule, rule_id)
    if found is None:
        message = "There is no such rule."
        raise NotFoundError(message)
    return found


def draft(worked_on: Iterable[RoutingRule]) -> tuple[Rule, ...]:
    """Return the rules that would be in force: those that are switched on, numbered in their order."""
    on = [each for each in worked_on if each.is_on and each.ended_at is None]
    return tuple(as_rule(each, number) for number, each in enumerate(on, start=1))


def as_rule(worked_on: RoutingRule, number: int) -> Rule:
    """Return a rule that is worked on as it would stand in force."""
    return Rule(
        id=worked_on.id,
        number=number,
        name=worked_on.name,
        name_en=worked_on.name_en,
        category_id=worked_on.category_id,
        area_id=worked_on.area_id,
        channel=worked_on.channel,
        kind=worked_on.kind,
        weekdays=worked_on.weekdays,
        begins_at=worked_on.begins_at,
        ends_at=worked_on.ends_at,
        is_outside_work=worked_on.is_outside_work,
        lead_team_id=worked_on.lead_team_id,
        leader_id=worked_on.leader_id,
        priority=worked_on.priority,
    )


def in_force() -> Edition:
    """Return the rules that propose now."""
    row = db.session.execute(
        select(RoutingEdition, Person.name)
        .outerjoin(Person, Person.id == RoutingEdition.put_in_force_by_id)
        .order_by(RoutingEdition.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return Edition(NO_EDITION, ())
    edition, by = row
    kept = tuple(Rule.from_plain(plain) for plain in edition.rules)
    return Edition(edition.id, kept, edition.put_in_force_at, by)


def stamp(some: Sequence[Rule]) -> str:
    """Return a mark of rules: the same rules in the same order, the same mark."""
    return hashlib.sha256(repr([rule.plain() for rule in some]).encode()).hexdigest()[:32]


def case_of(service_request: ServiceRequest) -> Case:
    """Return what the rules ask of a request, as it stands."""
    came_in = service_request.submitted_at
    return Case(
        category_id=service_request.category_id,
        area_id=service_request.area_id,
        unit_id=service_request.unit_id,
        channel=service_request.channel,
        kind=service_request.kind,
        came_in=came_in.astimezone(ZoneInfo(organisation.time_zone_name())),
        in_working_time=organisation.calendar(came_in).is_working_time(came_in),
    )


def decision_on(service_request: ServiceRequest, edition: Edition) -> Decision:
    """Return what the rules of an edition say of a request."""
    if not edition.rules:
        return Decision(None)
    return Router(edition.rules, standing()).decide(case_of(service_request))


@until_set_up_changes
def standing() -> Standing:
    """Return how the set-up stands."""
    categories = db.session.execute(select(Category.id, Category.parent_id, Category.ended_at))
    category_above, ended_categories = _tree(categories.all())
    areas = db.session.execute(select(Area.id, Area.parent_id, Area.ended_at)).all()
    area_above, ended_areas = _tree(areas)
    teams = db.session.scalars(select(Team.id).where(Team.ended_at.is_not(None)))
    return Standing(
        category_above=category_above,
        area_above=area_above,
        desk_of_area=_desks(area_above),
        ended_categories=ended_categories,
        ended_areas=ended_areas,
        ended_teams=frozenset(teams),
        units_of_leader=_units_of_leaders(),
    )


@until_set_up_changes
def leaders() -> Sequence[tuple[int, str]]:
    """Return who answers as leader anywhere, id and name, by name."""
    rows = db.session.execute(
        select(Person.id, Person.name)
        .where(Person.id.in_([person_id for person_id, _unit in db.session.execute(_leading())]))
        .order_by(Person.sort_key, Person.id)
    )
    return tuple((row.id, row.name) for row in rows)


def _tree(
    rows: Iterable[tuple[int, int | None, datetime | None]],
) -> tuple[Mapping[int, int | None], frozenset[int]]:
    rows = list(rows)
    above = {thing_id: parent_id for thing_id, parent_id, _ended in rows}
    return above, frozenset(thing_id for thing_id, _parent, ended_at in rows if ended_at)


def _desks(area_above: Mapping[int, int | None]) -> Mapping[int, int]:
    own = dict(db.session.execute(select(Area.id, Area.unit_id)).all())
    root_id = db.session.scalar(
        select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)
    )
    return {
        area_id: desk
        for area_id in area_above
        if (desk := _desk(area_id, area_above, own) or root_id) is not None
    }


def _desk(
    area_id: int | None, above: Mapping[int, int | None], own: Mapping[int, int | None]
) -> int | None:
    seen: set[int] = set()
    while area_id is not None and area_id not in seen:
        if (unit_id := own.get(area_id)) is not None:
            return unit_id
        seen.add(area_id)
        area_id = above.get(area_id)
    return None


def _leading() -> Select[int, int]:
    return (
        select(Grant.person_id, Grant.unit_id)
        .join(Person, Person.id == Grant.person_id)
        .where(Grant.role == Role.LEADER, Grant.ended_at.is_(None), Person.ended_at.is_(None))
    )


def _units_of_leaders() -> Mapping[int, frozenset[int]]:
    found: dict[int, frozenset[int]] = {}
    for person_id, unit_id in db.session.execute(_leading()):
        below = organisation.units_below(unit_id)
        found[person_id] = found.get(person_id, frozenset()) | below
    return found
