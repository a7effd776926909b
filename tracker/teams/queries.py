"""Reading teams, and people with everything that they hold."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true
from sqlalchemy.orm import aliased, joinedload, selectinload

from tracker.accounts.models import AuditEntry, Grant, Person
from tracker.database import db
from tracker.errors import NotFoundError
from tracker.organisation import queries as organisation
from tracker.organisation.models import Area, Category, Organisation, Unit
from tracker.permissions import SYSTEM, Action, Actor, Role
from tracker.privacy import normalise_phone
from tracker.teams.models import Membership, Team


@dataclass(frozen=True, slots=True)
class Holding:
    """What one person holds now."""

    grants: Sequence[tuple[Grant, Unit]]
    memberships: Sequence[Membership]


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team in the list."""

    team: Team
    members: int
    leaders: Sequence[str]


def teams(actor: Actor, *, ended: bool = False) -> Sequence[TeamLine]:
    """Return the teams that `actor` manages, by unit and name, with how many are in them."""
    query = (
        select(Team)
        .where(Team.unit_id.in_(actor.units_where(Action.MANAGE_TEAMS)))
        .options(joinedload(Team.unit))
        .order_by(Team.unit_id, Team.name, Team.id)
    )
    if not ended:
        query = query.where(Team.ended_at.is_(None))
    found = db.session.scalars(query).all()
    members: defaultdict[int, int] = defaultdict(int)
    leaders: defaultdict[int, list[str]] = defaultdict(list)
    for team_id, leads, name in db.session.execute(
        select(Membership.team_id, Membership.leads, Person.name)
        .join(Membership.person)
        .where(Membership.ended_at.is_(None), Membership.team_id.in_([t.id for t in found]))
        .order_by(Person.sort_key, Person.id)
    ):
        members[team_id] += 1
        if leads:
            leaders[team_id].append(name)
    return [TeamLine(team, members[team.id], leaders[team.id]) for team in found]


def team(actor: Actor, team_id: int) -> Team:
    """Return a team that `actor` manages, ended ones too. Raises `NotFoundError`."""
    found = db.session.scalar(
        select(Team)
        .where(Team.id == team_id, Team.unit_id.in_(actor.units_where(Action.MANAGE_TEAMS)))
        .options(joinedload(Team.unit), selectinload(Team.areas), selectinload(Team.categories))
    )
    if found is None:
        message = "There is no such team."
        raise NotFoundError(message)
    return found


def members(team_id: int) -> Sequence[Membership]:
    """Return who is in a team now: those who lead it first, then by name."""
    return list(
        db.session.scalars(
            select(Membership)
            .join(Membership.person)
            .where(Membership.team_id == team_id, Membership.ended_at.is_(None))
            .options(joinedload(Membership.person))
            .order_by(Membership.leads.desc(), Person.sort_key, Person.id)
        )
    )


def membership(team_id: int, person_id: int) -> Membership:
    """Return somebody's place in a team. Raises `NotFoundError`."""
    found = db.session.scalar(
        select(Membership)
        .where(
            Membership.team_id == team_id,
            Membership.person_id == person_id,
            Membership.ended_at.is_(None),
        )
        .options(joinedload(Membership.person), joinedload(Membership.team))
    )
    if found is None:
        message = "That person is not in the team."
        raise NotFoundError(message)
    return found


def memberships_of(person_id: int) -> Sequence[Membership]:
    """Return the places that somebody has in teams now."""
    return list(
        db.session.scalars(
            select(Membership)
            .where(Membership.person_id == person_id, Membership.ended_at.is_(None))
            .options(joinedload(Membership.team))
            .order_by(Membership.id)
        )
    )


def last_joined_at(person_id: int) -> datetime | None:
    """Return when somebody joined the team, of those that they are in now, that they joined last."""
    return db.session.scalar(
        select(func.max(Membership.joined_at)).where(
            Membership.person_id == person_id, Membership.ended_at.is_(None)
        )
    )


def person(actor: Actor, person_id: int) -> Person:
    """Return somebody whom `actor` manages, ended ones too. Raises `NotFoundError`."""
    found = db.session.scalar(select(Person).where(Person.id == person_id, in_reach(actor)))
    if found is None:
        message = "There is no such person."
        raise NotFoundError(message)
    return found


def candidates(
    actor: Actor, team_id: int, q: str, *, limit: int = 20
) -> Sequence[tuple[Person, bool]]:
    """Return people who are not in a team and could join it, and whether `actor` answers for them.

    Everybody is found by name; by a part of their address or by their number only those for whom
    `actor` answers: what others are reached by is not to be tried out here.
    """
    inside = select(Membership.person_id).where(
        Membership.team_id == team_id, Membership.ended_at.is_(None)
    )
    found = db.session.execute(
        select(Person, answered_for(actor))
        .where(
            Person.ended_at.is_(None),
            Person.id.not_in(inside),
            found_by(q, actor),
            _is_lendable(actor),
        )
        .order_by(Person.sort_key, Person.id)
        .limit(limit)
    )
    return [(person, bool(is_theirs)) for person, is_theirs in found]


def may_be_lent(actor: Actor, person_id: int) -> bool:
    """Tell whether `actor` may put somebody into a team: a volunteer, or whom they answer for."""
    if actor is SYSTEM:
        return True
    found = select(Person.id).where(Person.id == person_id, _is_lendable(actor))
    return db.session.scalar(found) is not None


def _is_lendable(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that somebody is a volunteer without a role, or the actor's to answer for.

    Who is in no team would begin in this one, and so be taken over from whoever answers for them.
    """
    holds_a_role = select(Grant.person_id).where(Grant.ended_at.is_(None))
    is_in_a_team = select(Membership.person_id).where(Membership.ended_at.is_(None))
    return or_(
        and_(Person.id.not_in(holds_a_role), Person.id.in_(is_in_a_team)), answered_for(actor)
    )


def candidate(actor: Actor, person_id: int) -> Person:
    """Return somebody whom `actor` can put into a team.

    Raises `NotFoundError` for anybody else, be they there or not: an id is not to tell which.
    """
    found = db.session.get(Person, person_id)
    if found is None or found.ended_at is not None or not may_be_lent(actor, person_id):
        message = "There is no such person."
        raise NotFoundError(message)
    return found


def holdings(person_ids: Collection[int]) -> Mapping[int, Holding]:
    """Return what each of some people holds now, in two queries."""
    grants: defaultdict[int, list[tuple[Grant, Unit]]] = defaultdict(list)
    for grant, unit in db.session.execute(
        select(Grant, Unit)
        .join(Unit, Unit.id == Grant.unit_id)
        .where(Grant.person_id.in_(person_ids), Grant.ended_at.is_(None))
        .order_by(Grant.id)
    ):
        grants[grant.person_id].append((grant, unit))
    places: defaultdict[int, list[Membership]] = defaultdict(list)
    for place in db.session.scalars(
        select(Membership)
        .join(Membership.team)
        .where(
            Membership.person_id.in_(person_ids),
            Membership.ended_at.is_(None),
            Team.ended_at.is_(None),
        )
        .options(joinedload(Membership.team))
        .order_by(Membership.id)
    ):
        places[place.person_id].append(place)
    return {key: Holding(grants[key], places[key]) for key in person_ids}


def units_held_in(person_id: int, actor: Actor) -> frozenset[int]:
    """Return the units that answer for somebody: `actor` changes them who manages people in all.

    Those of their roles, and of the team where they began without any, first of all: who joins
    another unit's team as well is lent to it, and stays with whoever answered for them, also when
    these let them go. Of somebody who holds none of it any more, the units where they did: what
    they did there would be theirs to see again. Somebody who never held anything is the whole's,
    or theirs alone who entered them. `answered_for` says the same in SQL.
    """
    roles = select(Grant.unit_id).where(Grant.person_id == person_id)
    homes = (
        select(Team.unit_id)
        .join(Membership, Membership.team_id == Team.id)
        .where(Membership.person_id == person_id, _is_home())
    )
    roles_now = db.session.scalars(roles.where(Grant.ended_at.is_(None)))
    homes_now = db.session.scalars(homes.where(Membership.ended_at.is_(None)))
    if now := frozenset(roles_now) | frozenset(homes_now):
        return now
    if before := frozenset(db.session.scalars(roles.union(homes))):
        return before
    entered = _entered_by(actor).where(AuditEntry.subject_id == person_id)
    if db.session.scalar(entered) is not None:
        return frozenset()
    return frozenset({organisation.root_unit().id})


def answered_for(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that `actor` manages people in all the units that answer for somebody.

    They alone see by what these people are reached, and change it.
    """
    if actor.may_for_all(Action.MANAGE_PEOPLE):
        return true()
    reach = actor.units_where(Action.MANAGE_PEOPLE)
    grants = select(Grant.person_id)
    homes = select(Membership.person_id).join(Membership.team).where(_is_home())
    grants_now = grants.where(Grant.ended_at.is_(None))
    homes_now = homes.where(Membership.ended_at.is_(None))
    return and_(
        in_reach(actor),
        Person.id.not_in(grants_now.where(Grant.unit_id.not_in(reach))),
        Person.id.not_in(homes_now.where(Team.unit_id.not_in(reach))),
        or_(
            Person.id.in_(grants_now),
            Person.id.in_(homes_now),
            and_(
                Person.id.not_in(grants.where(Grant.unit_id.not_in(reach))),
                Person.id.not_in(homes.where(Team.unit_id.not_in(reach))),
            ),
        ),
    )


def answered_for_among(actor: Actor, person_ids: Collection[int]) -> frozenset[int]:
    """Return the ids of those, of some people, for whom `answered_for` holds."""
    return frozenset(
        db.session.scalars(select(Person.id).where(Person.id.in_(person_ids), answered_for(actor)))
    )


def _is_home() -> ColumnElement[bool]:
    """Return the condition that somebody held nothing when they joined a team: there they began.

    What they held then may have ended since: where somebody was lent stays no home.
    """
    earlier = aliased(Membership)
    return and_(
        ~exists().where(
            earlier.person_id == Membership.person_id,
            earlier.id < Membership.id,
            or_(earlier.ended_at.is_(None), earlier.ended_at >= Membership.joined_at),
        ),
        ~exists().where(
            Grant.person_id == Membership.person_id,
            Grant.granted_at <= Membership.joined_at,
            or_(Grant.ended_at.is_(None), Grant.ended_at >= Membership.joined_at),
        ),
    )


def in_reach(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that `actor` sees somebody among the people they manage.

    They hold something in the actor's units; or hold nothing any more (but where they are lent),
    and did so there; or never held anything, and the actor entered them, or manages the whole.
    """
    reach = actor.units_where(Action.MANAGE_PEOPLE)
    grants = select(Grant.person_id)
    places = select(Membership.person_id).join(Membership.team)
    grants_now, places_now = (
        grants.where(Grant.ended_at.is_(None)),
        places.where(Membership.ended_at.is_(None)),
    )
    holds_nothing = and_(
        Person.id.not_in(grants_now), Person.id.not_in(places_now.where(_is_home()))
    )
    is_theirs = (
        true() if actor.may_for_all(Action.MANAGE_PEOPLE) else Person.id.in_(_entered_by(actor))
    )
    return or_(
        Person.id.in_(grants_now.where(Grant.unit_id.in_(reach))),
        Person.id.in_(places_now.where(Team.unit_id.in_(reach))),
        and_(
            holds_nothing,
            or_(
                Person.id.in_(grants.where(Grant.unit_id.in_(reach))),
                Person.id.in_(places.where(Team.unit_id.in_(reach))),
                and_(is_theirs, Person.id.not_in(grants), Person.id.not_in(places)),
            ),
        ),
    )


def _entered_by(actor: Actor) -> Select[int | None]:
    """Select the ids of the people whom `actor` entered."""
    return select(AuditEntry.subject_id).where(
        AuditEntry.actor_id == actor.person_id, AuditEntry.action == "person:add"
    )


def found_by(q: str, actor: Actor) -> ColumnElement[bool]:
    """Return the condition that somebody is found by `q`, a part of their name (or its pinyin).

    Those for whom `actor` answers also by a part of their address, or by their number.
    """
    is_reached_so: list[ColumnElement[bool]] = [Person.email.like(f"%{_escaped(q)}%", escape="\\")]
    if phone := normalise_phone(q):
        is_reached_so.append(Person.phone == phone)
    return or_(named(q), and_(answered_for(actor), or_(*is_reached_so)))


def named(q: str) -> ColumnElement[bool]:
    """Return the condition that a name holds `q`, or begins with it in pinyin."""
    escaped = _escaped(q)
    return or_(
        func.lower(Person.name).like(f"%{escaped}%", escape="\\"),
        func.replace(Person.sort_key, " ", "").like(f"{escaped.replace(' ', '')}%", escape="\\"),
    )


def missing_in_set_up() -> Mapping[str, bool]:
    """Return, for each thing that an organisation needs before it can serve, whether it is missing."""

    def lacks(query: Select[Any]) -> bool:
        return db.session.scalar(query.limit(1)) is None

    def role(role: Role) -> Select[Any]:
        return (
            select(Grant.id)
            .join(Grant.person)
            .where(Grant.role == role, Grant.ended_at.is_(None), Person.ended_at.is_(None))
        )

    members = (
        select(Membership.id)
        .join(Membership.team)
        .where(Membership.ended_at.is_(None), Team.ended_at.is_(None))
    )
    return {
        "organisation": lacks(select(Organisation.id).where(Organisation.phone.is_not(None))),
        "units": lacks(select(Unit.id).where(Unit.ended_at.is_(None))),
        "areas": lacks(select(Area.id).where(Area.ended_at.is_(None))),
        "categories": lacks(
            select(Category.id).where(
                Category.parent_id.is_not(None), Category.ended_at.is_(None), Category.is_offered
            )
        ),
        "teams": lacks(select(Team.id).where(Team.ended_at.is_(None))),
        "team_leaders": lacks(members.where(Membership.leads)),
        "volunteers": lacks(members.where(Membership.is_vetted)),
        "coordinators": lacks(role(Role.COORDINATOR)),
        "leaders": lacks(role(Role.LEADER)),
        "supervisors": lacks(role(Role.SUPERVISOR)),
    }


def _escaped(q: str) -> str:
    plain = q.strip().lower()
    return plain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
