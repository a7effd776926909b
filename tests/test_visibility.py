"""Two readings of one rule: what the matrix allows is exactly what the SQL finds."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tests.support.world import World, small_world
from tracker.database import db
from tracker.permissions import SYSTEM, UNIT_ROLES, Action, Actor, Role, may, resident
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.models import ServiceRequest
from tracker.visibility import made_once, within_reach

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def people(world: World) -> list[Actor]:
    """Return somebody of every role and relation, and somebody who holds nothing."""
    me = world.person_id
    actors = [Actor(me), Actor(None), resident(world.request_ids[0])]
    handler = Actor(me)
    leading = Actor(None, teams={Role.TEAM_LEADER: frozenset({world.own_team_id})})
    actors += [
        resident(each, signed_in=signed_in)
        for each in world.request_ids
        for signed_in in (handler, leading)
    ]
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
    actors += [
        Actor(
            me,
            units={role: frozenset({world.own_unit_id})},
            teams={Role.TEAM_LEADER: frozenset({world.own_team_id})},
        )
        for role in (Role.COORDINATOR, Role.SUPERVISOR)
    ]
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


def test_a_statement_is_made_once_for_those_who_may_do_the_same() -> None:
    made: list[Actor] = []

    @made_once
    def build(actor: Actor, _question: str) -> object:
        made.append(actor)
        return object()

    here = Actor(1, "Li", units={Role.COORDINATOR: frozenset({1})})
    assert build(here, "?") is build(replace(here, name="Wang", locale="en"), "?")
    assert len(made) == 1
    others = (
        replace(here, person_id=2),
        replace(here, units={Role.COORDINATOR: frozenset({1, 2})}),
        replace(here, units={Role.AUDITOR: frozenset({1})}),
        replace(here, teams={Role.VOLUNTEER: frozenset({1})}),
        replace(here, at_the_top=frozenset({Role.COORDINATOR})),
        replace(here, own_request_id=1),
        replace(here, signed_in_id=1),
    )
    assert len({id(build(one, "?")) for one in (here, *others)}) == 1 + len(others)
    assert build(here, "!") is not build(here, "?")


def test_what_is_made_for_the_system_is_made_for_nobody_else() -> None:
    @made_once
    def build(actor: Actor) -> object:
        return object()

    assert build(SYSTEM) is build(SYSTEM)
    assert build(resident()) is not build(SYSTEM)


def test_whatever_decides_on_a_right_is_part_of_what_is_held() -> None:
    says_who = {"name", "locale"}
    decides = {each.name for each in fields(Actor)} - says_who

    holdings = Actor(1).holdings
    assert isinstance(holdings, tuple)
    assert len(holdings) == len(decides), "Actor.holdings must know the new field"
