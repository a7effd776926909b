"""Who somebody is at this moment: everything that they hold, for the permission matrix."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from tracker.accounts import sessions
from tracker.accounts.models import Grant, Person
from tracker.clock import utc_now
from tracker.database import db
from tracker.notifications import inbox
from tracker.organisation.models import Unit
from tracker.permissions import Actor, Role
from tracker.set_up import until_set_up_changes
from tracker.teams.models import Membership, Team

_UNREAD: Final = sessions.Beside(inbox.unread_beside(Person.id), inbox.know_unread)
"""Of how many messages the head of every page tells."""


def load_actor(session_token: str) -> Actor | None:
    """Return the actor whose session `session_token` names, or None if it ended."""
    person = sessions.person_behind(session_token, beside=[_UNREAD], now=utc_now())
    return actor_for(person) if person else None


def actor_for(person: Person | sessions.Who) -> Actor:
    """Return `person` with the units and teams that their grants and memberships reach."""
    held = _held_by(person.id)
    return Actor(
        person_id=person.id,
        name=person.name,
        units=held.units,
        at_the_top=held.at_the_top,
        teams=held.teams,
        locale=person.locale,
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """What somebody holds; as in `Actor`."""

    units: Mapping[Role, frozenset[int]]
    at_the_top: frozenset[Role]
    teams: Mapping[Role, frozenset[int]]


@until_set_up_changes
def _held_by(person_id: int) -> _Held:
    reached = _reached_by(person_id)
    return _Held(
        units=_grouped((role, unit_id) for role, unit_id, _parent_id in reached),
        # Grants reach down only: the top is reached by a grant there.
        at_the_top=frozenset(role for role, _unit_id, parent_id in reached if parent_id is None),
        teams=_teams_of(person_id),
    )


def _reached_by(person_id: int) -> Sequence[tuple[Role, int, int | None]]:
    """Return, for each role granted, the unit of the grant and all below, with the one above it."""
    held = (
        select(Grant.role, Grant.unit_id.label("unit_id"))
        .where(Grant.person_id == person_id, Grant.ended_at.is_(None))
        .cte("held", recursive=True)
    )
    held = held.union(select(held.c.role, Unit.id).join(Unit, Unit.parent_id == held.c.unit_id))
    rows = db.session.execute(
        select(held.c.role, Unit.id, Unit.parent_id).join(Unit, Unit.id == held.c.unit_id)
    )
    return [(role, unit_id, parent_id) for role, unit_id, parent_id in rows]


def _teams_of(person_id: int) -> Mapping[Role, frozenset[int]]:
    """Return the teams in which the person volunteers, and those that they lead."""
    rows = db.session.execute(
        select(Membership.team_id, Membership.leads)
        .join(Team, Team.id == Membership.team_id)
        .where(
            Membership.person_id == person_id,
            Membership.ended_at.is_(None),
            Team.ended_at.is_(None),
        )
    ).all()
    places = list(rows)
    return _grouped(
        [(Role.VOLUNTEER, team_id) for team_id, _ in places]
        + [(Role.TEAM_LEADER, team_id) for team_id, leads in places if leads]
    )


def _grouped(pairs: Iterable[tuple[Role, int]]) -> Mapping[Role, frozenset[int]]:
    groups: defaultdict[Role, set[int]] = defaultdict(set)
    for role, thing_id in pairs:
        groups[role].add(thing_id)
    return {role: frozenset(ids) for role, ids in groups.items()}
