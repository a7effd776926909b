"""The organisation that generated requests happen in: units, areas, teams and people.

Nobody in it is real. Everything hangs together as the product would have it, so that people of
every role can sign in and `flask verify` finds nothing to say.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final

from tracker.accounts import sessions
from tracker.accounts.models import Grant, Person
from tracker.database import db
from tracker.demo.settling import plant_categories
from tracker.organisation.models import (
    Area,
    AreaKind,
    Category,
    Organisation,
    Unit,
    UnitKind,
)
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limit_rules import own_limits
from tracker.service_requests.limits import Clock
from tracker.teams.models import Membership, Team

BRANCHES: Final = 8
STATIONS_A_BRANCH: Final = 3
COMMUNITIES_A_BRANCH: Final = 6
GRIDS_A_COMMUNITY: Final = 4
TEAMS_A_BRANCH: Final = 8
VOLUNTEERS_A_TEAM: Final = 15
LEADERS_A_BRANCH: Final = 10
AGE: Final = timedelta(days=4 * 365)

_PLACES: Final = (
    ("青禾", "Green Grain"),
    ("白鹭", "White Egret"),
    ("望江", "River View"),
    ("梧桐", "Plane Tree"),
    ("云岭", "Cloud Ridge"),
    ("桃湾", "Peach Bay"),
    ("石榴", "Pomegranate"),
    ("晨光", "Morning Light"),
)
_SURNAMES: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜"
_GIVEN: Final = "青云竹溪晓岚若水明远知秋海棠听雨望舒星野小满初晴长风思齐"


@dataclass(frozen=True, slots=True)
class TeamFacts:
    """A team by ids: its leaders, its volunteers, and the officials who answer for its work."""

    id: int
    unit_id: int
    team_leader_id: int
    volunteer_ids: tuple[int, ...]
    leader_ids: tuple[int, ...]
    coordinator_id: int
    supervisor_id: int


@dataclass(frozen=True, slots=True)
class AreaFacts:
    """A grid and the unit whose desk receives what comes from it."""

    id: int
    unit_id: int
    address: str
    teams: tuple[int, ...]
    """Positions in `World.teams`."""


@dataclass(frozen=True, slots=True)
class CategoryFacts:
    """A leaf that residents may choose."""

    id: int
    key: str
    priority: str
    days: int | None
    volunteers: int
    needs_evidence: bool


@dataclass(frozen=True, slots=True)
class World:
    """What the generator needs to know; plain values, so that it travels to other processes."""

    areas: tuple[AreaFacts, ...]
    area_weights: tuple[float, ...]
    """Cumulative: a few grids hold most."""
    categories: tuple[CategoryFacts, ...]
    category_weights: tuple[float, ...]
    teams: tuple[TeamFacts, ...]


def settle(now: datetime) -> World:
    """Write the organisation into an empty database, in the caller's transaction."""
    then = now - AGE
    db.session.add(
        Organisation(id=1, name="示例市为民服务中心", name_en="Example City Service Centre")
    )
    root = Unit(
        kind=UnitKind.BUREAU, name="示例市为民服务中心", name_en="Example City Service Centre"
    )
    city = Area(kind=AreaKind.DISTRICT, name="示例市", name_en="Example City", unit=root)
    db.session.add_all([root, city])
    categories = plant_categories()
    db.session.flush()
    people = _People(then)
    for role, name in (
        (Role.COORDINATOR, "coordinator"),
        (Role.SUPERVISOR, "supervisor"),
        (Role.ADMINISTRATOR, "administrator"),
        (Role.AUDITOR, "auditor"),
    ):
        people.add(name, role, root)
    teams: list[TeamFacts] = []
    areas: list[AreaFacts] = []
    for number, (place, place_en) in enumerate(_PLACES[:BRANCHES]):
        branch = Unit(
            parent=root,
            kind=UnitKind.BRANCH,
            position=number,
            name=f"{place}分中心",
            name_en=f"{place_en} Branch",
        )
        db.session.add(branch)
        db.session.flush()
        here = _teams(people, branch, number, place, place_en, then)
        first = len(teams)
        teams += here
        positions = tuple(range(first, first + len(here)))
        areas += _areas(city, branch, number, place, place_en, positions)
    db.session.flush()
    leaves = tuple(
        CategoryFacts(
            id=category.id,
            key=key,
            priority=str(category.default_priority),
            days=_own_days(category),
            volunteers=category.volunteers_needed,
            needs_evidence=category.needs_evidence,
        )
        for key, category in categories.items()
        if category.parent is not None
    )
    return World(
        areas=tuple(areas),
        area_weights=_skewed(len(areas)),
        categories=leaves,
        category_weights=_skewed(len(leaves)),
        teams=tuple(teams),
    )


def sign_in(name: str, now: datetime) -> str:
    """Return the token of a new session of `<name>@example.org`; opens no transaction."""
    person = db.session.query(Person).filter_by(email=f"{name}@example.org").one()
    return sessions.begin(person.id, remember=True, now=now)


def _skewed(count: int) -> tuple[float, ...]:
    """Return cumulative weights by Zipf's law: the first of 50 holds a fifth, ten hold most."""
    return tuple(accumulate(1 / (place + 1) ** 0.9 for place in range(count)))


class _People:
    def __init__(self, then: datetime) -> None:
        self.then = then
        self.count = 0

    def add(self, login: str, role: Role | None, unit: Unit | None) -> Person:
        self.count += 1
        name = _SURNAMES[self.count % len(_SURNAMES)] + "".join(
            _GIVEN[(self.count // len(_SURNAMES) * 7 + at * 5 + self.count) % len(_GIVEN)]
            for at in range(2)
        )
        person = Person(
            name=name,
            sort_key=login,
            email=f"{login}@example.org",
            created_at=self.then,
            password_hash=f"!{secrets.token_hex(8)}",  # nobody signs in with a password
        )
        db.session.add(person)
        db.session.flush()
        if role is not None and unit is not None:
            db.session.add(
                Grant(person_id=person.id, role=role, unit_id=unit.id, granted_at=self.then)
            )
        return person


def _teams(
    people: _People, branch: Unit, number: int, place: str, place_en: str, then: datetime
) -> list[TeamFacts]:
    coordinator = people.add(f"coordinator-{number}", Role.COORDINATOR, branch)
    supervisor = people.add(f"supervisor-{number}", Role.SUPERVISOR, branch)
    leaders = [
        people.add(f"leader-{number}-{each}", Role.LEADER, branch).id
        for each in range(LEADERS_A_BRANCH)
    ]
    found: list[TeamFacts] = []
    for each in range(TEAMS_A_BRANCH):
        team = Team(
            unit_id=branch.id,
            name=f"{place}第{each + 1}青年志愿服务队",
            name_en=f"{place_en} Youth Team {each + 1}",
            created_at=then,
        )
        db.session.add(team)
        db.session.flush()
        members = [
            people.add(f"volunteer-{number}-{each}-{place}", None, None)
            for place in range(VOLUNTEERS_A_TEAM + 1)
        ]
        db.session.add_all(
            Membership(
                team_id=team.id,
                person_id=person.id,
                leads=at == 0,
                is_vetted=True,
                joined_at=then,
            )
            for at, person in enumerate(members)
        )
        found.append(
            TeamFacts(
                id=team.id,
                unit_id=branch.id,
                team_leader_id=members[0].id,
                volunteer_ids=tuple(person.id for person in members[1:]),
                leader_ids=tuple(leaders[each % 5 :: 5]),
                coordinator_id=coordinator.id,
                supervisor_id=supervisor.id,
            )
        )
    return found


def _areas(
    city: Area, branch: Unit, number: int, place: str, place_en: str, teams: tuple[int, ...]
) -> list[AreaFacts]:
    street = Area(
        parent=city,
        kind=AreaKind.STREET,
        name=f"{place}街道",
        name_en=f"{place_en} Street",
        unit=branch,
        position=number,
    )
    stations = [
        Unit(
            parent=branch,
            kind=UnitKind.STATION,
            name=f"{place}第{each + 1}服务站",
            name_en=f"{place_en} Station {each + 1}",
            position=each,
        )
        for each in range(STATIONS_A_BRANCH)
    ]
    db.session.add_all([street, *stations])
    db.session.flush()
    found: list[AreaFacts] = []
    for community_number in range(COMMUNITIES_A_BRANCH):
        has_station = community_number < STATIONS_A_BRANCH
        unit = stations[community_number] if has_station else branch
        community = Area(
            parent=street,
            kind=AreaKind.COMMUNITY,
            name=f"{place}第{community_number + 1}社区",
            name_en=f"{place_en} Community {community_number + 1}",
            unit=unit if has_station else None,
            position=community_number,
        )
        grids = [
            Area(
                parent=community,
                kind=AreaKind.GRID,
                name=f"{place}第{community_number + 1}社区{grid + 1}网格",
                name_en=f"{place_en} Community {community_number + 1}, grid {grid + 1}",
                position=grid,
            )
            for grid in range(GRIDS_A_COMMUNITY)
        ]
        db.session.add_all([community, *grids])
        db.session.flush()
        found += [
            AreaFacts(
                id=grid.id,
                unit_id=unit.id,
                address=f"{place}路{community_number * 10 + at}弄",
                teams=teams,
            )
            for at, grid in enumerate(grids)
        ]
    return found


__all__ = ["AreaFacts", "CategoryFacts", "TeamFacts", "World", "settle", "sign_in"]


def _own_days(category: Category) -> int | None:
    """Return in how many working days its requests must be resolved, where that is its own rule."""
    limit = own_limits(category.id).get((Clock.RESOLVE, Priority.NORMAL))
    return None if limit is None else limit.amount
