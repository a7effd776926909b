"""Sets the town up: its units, areas, kinds of help, people and teams, before anybody asks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tracker.accounts.actions import sort_key
from tracker.accounts.models import Grant, Person
from tracker.database import db
from tracker.demo.categories import CATEGORIES, Leaf, Top
from tracker.demo.town import AREAS, MAIL_DOMAIN, PEOPLE, TEAMS, UNITS, PersonPlan
from tracker.organisation.models import Area, Category, LimitRule, Organisation, Unit
from tracker.permissions import Actor
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limits import Clock, LimitUnit
from tracker.teams.actors import actor_for
from tracker.teams.models import Membership, Team

AGE: Final = timedelta(days=400)
"""How long before the present the town was set up."""


@dataclass(frozen=True, slots=True)
class Town:
    """The town's things by the keys of the plan, and what each person may do."""

    units: dict[str, Unit]
    areas: dict[str, Area]
    categories: dict[str, Category]
    teams: dict[str, Team]
    people: dict[str, Person]
    actors: dict[str, Actor]
    members: dict[str, list[str]]
    """For each team the keys of its vetted members, who leads it first."""


def settle(*, password_hash: str, now: datetime) -> Town:
    """Write the town into an empty database, in the caller's transaction."""
    then = now - AGE
    db.session.add(_organisation())
    units = _units()
    areas = _areas(units)
    categories = plant_categories()
    db.session.flush()
    teams = _teams(units, areas, categories, then)
    db.session.flush()
    for top in CATEGORIES:
        if top.team:
            for leaf in top.leaves:
                categories[leaf.key].default_team_id = teams[top.team].id
    people = {plan.key: _person(plan, password_hash, then) for plan in PEOPLE}
    db.session.add_all(people.values())
    db.session.flush()
    members = _places(people, units, teams, then)
    db.session.flush()
    return Town(
        units=units,
        areas=areas,
        categories=categories,
        teams=teams,
        people=people,
        actors={key: actor_for(person) for key, person in people.items()},
        members=members,
    )


def _organisation() -> Organisation:
    return Organisation(
        id=1,
        name="晴溪镇为民服务中心",
        name_en="Qingxi Town Service Centre",
        phone="0000-8812345",
        privacy_note=(
            "您的姓名、电话和住址只用于办理这一件事。只有受理您诉求的工作人员和认领的志愿者能看到，"
            "每次查看都有记录。"
        ),
        privacy_note_en=(
            "Your name, number and address are used for this matter only. The desk and the"
            " volunteers who take it on can see them, and every look is written down."
        ),
    )


def _units() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for position, plan in enumerate(UNITS):
        units[plan.key] = Unit(
            kind=plan.kind,
            name=plan.name,
            name_en=plan.name_en,
            position=position,
            parent=units[plan.parent] if plan.parent else None,
        )
    db.session.add_all(units.values())
    return units


def _areas(units: dict[str, Unit]) -> dict[str, Area]:
    areas: dict[str, Area] = {}
    for position, plan in enumerate(AREAS):
        areas[plan.key] = Area(
            kind=plan.kind,
            name=plan.name,
            name_en=plan.name_en,
            position=position,
            parent=areas[plan.parent] if plan.parent else None,
            unit=units[plan.unit] if plan.unit else None,
        )
    db.session.add_all(areas.values())
    return areas


def plant_categories() -> dict[str, Category]:
    """Add the two levels of kinds of help; groups by `top:` and their key, leaves by their key."""
    categories: dict[str, Category] = {}
    for position, top in enumerate(CATEGORIES):
        group = _top(top, position)
        # A leaf may be called like its group ("other"): groups have keys of their own.
        categories[f"top:{top.key}"] = group
        for place, leaf in enumerate(top.leaves):
            categories[leaf.key] = _leaf(leaf, group, place)
    db.session.add_all(categories.values())
    db.session.flush()
    db.session.add_all(
        LimitRule(
            category_id=categories[leaf.key].id,
            priority=priority,
            clock=Clock.RESOLVE,
            amount=leaf.days,
            unit=LimitUnit.WORKING_DAYS,
        )
        for top in CATEGORIES
        for leaf in top.leaves
        if leaf.days
        for priority in (Priority.NORMAL, Priority.COMPLEX)
    )
    return categories


def _top(top: Top, position: int) -> Category:
    return Category(
        name=top.name,
        name_en=top.name_en,
        description=top.description,
        description_en=top.description_en,
        icon=top.icon,
        position=position,
    )


def _leaf(leaf: Leaf, group: Category, position: int) -> Category:
    return Category(
        parent=group,
        name=leaf.name,
        name_en=leaf.name_en,
        description=leaf.description,
        description_en=leaf.description_en,
        keywords=leaf.keywords,
        icon=group.icon,
        shows_emergency_notice="emergency" in leaf.marks,
        is_sensitive="sensitive" in leaf.marks,
        needs_evidence="evidence" in leaf.marks,
        default_priority=leaf.priority,
        volunteers_needed=leaf.volunteers,
        position=position,
    )


def _teams(
    units: dict[str, Unit],
    areas: dict[str, Area],
    categories: dict[str, Category],
    then: datetime,
) -> dict[str, Team]:
    teams = {
        plan.key: Team(
            unit=units[plan.unit],
            name=plan.name,
            name_en=plan.name_en,
            description=plan.description,
            description_en=plan.description_en,
            created_at=then,
            areas=[areas[key] for key in plan.areas],
            categories=[categories[f"top:{key}"] for key in plan.categories],
        )
        for plan in TEAMS
    }
    db.session.add_all(teams.values())
    return teams


def _person(plan: PersonPlan, password_hash: str, then: datetime) -> Person:
    pinyin = sort_key(plan.name).split()
    given = ".".join([pinyin[0], "".join(pinyin[1:])])
    return Person(
        name=plan.name,
        sort_key=" ".join(pinyin),
        title=plan.title,
        title_en=plan.title_en,
        email=f"{given}@{MAIL_DOMAIN}",
        password_hash=password_hash,
        is_demo=True,
        created_at=then,
    )


def _places(
    people: dict[str, Person], units: dict[str, Unit], teams: dict[str, Team], then: datetime
) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {key: [] for key in teams}
    for plan in PEOPLE:
        person = people[plan.key]
        if plan.role:
            db.session.add(
                Grant(
                    person_id=person.id,
                    role=plan.role,
                    unit_id=units[plan.unit].id,
                    granted_at=then,
                )
            )
        for key in plan.leads + plan.member_of:
            db.session.add(
                Membership(
                    team=teams[key],
                    person=person,
                    leads=key in plan.leads,
                    is_vetted=plan.is_vetted,
                    joined_at=then,
                )
            )
            if plan.is_vetted:
                members[key].append(plan.key)
    return members
