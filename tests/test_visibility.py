"""Two readings of one rule: what the matrix allows is exactly what the SQL finds."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tests.support.world import World, small_world
from tracker.database import db
from tracker.permissions import UNIT_ROLES, Action, Actor, Role, may, resident
from tracker.service_requests.models import CASEWORK, ServiceRequest
from tracker.visibility import within_reach

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def people(world: World) -> list[Actor]:
    """Return somebody of every role and relation, and somebody who holds nothing."""
    me = world.person_id
    actors = [Actor(me), Actor(None), resident(world.request_ids[0])]
    actors += [resident(each, signed_in_id=me) for each in world.request_ids]
    for role in UNIT_ROLES:
        actors += [
            Actor(me, units={role: frozenset({world.own_unit_id})}),
            Actor(me, units={role: frozenset()}),
            Actor(me, units={role: frozenset({world.own_unit_id, world.other_unit_id})}),
        ]
    for role in (Role.VOLUNTEER, Role.TEAM_LEADER):
        actors += [
            Actor(me, teams={role: frozenset({world.own_team_id})}),
            Actor(me, teams={role: frozenset()}),
        ]
    actors.append(
        Actor(
            me,
            units={Role.SUPERVISOR: frozenset({world.own_unit_id})},
            teams={Role.VOLUNTEER: frozenset({world.own_team_id})},
        )
    )
    return actors


@pytest.mark.usefixtures("app")
def test_a_list_shows_exactly_what_the_matrix_allows() -> None:
    world = small_world(NOW)
    everything = db.session.scalars(select(ServiceRequest).order_by(ServiceRequest.id)).all()
    assert len(everything) == len(world.request_ids)

    for actor in people(world):
        for action in Action:
            found = db.session.scalars(
                select(ServiceRequest.id)
                .where(within_reach(actor, action, CASEWORK))
                .order_by(ServiceRequest.id)
            ).all()
            allowed = [thing.id for thing in everything if may(actor, action, thing)]
            assert found == allowed, f"{actor} {action}"
