"""The matrix, cell by cell, and what it must never allow."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pytest

from tracker.errors import NotPermittedError
from tracker.permissions import (
    MATRIX,
    NEVER_ON_OWN_WORK,
    UNIT_ROLES,
    Action,
    Actor,
    Reach,
    Role,
    may,
    may_in_unit,
    require,
    resident,
)

OWN_UNIT, OTHER_UNIT, OWN_TEAM, OTHER_TEAM, ME, SOMEBODY = 1, 2, 10, 20, 100, 200


@dataclass
class Thing:
    """A request as the matrix sees it: by default nothing to do with anybody."""

    id: int = 1
    unit_id: int = OTHER_UNIT
    leader_id: int | None = None
    lead_team_id: int | None = None
    team_ids: Collection[int] = field(default_factory=tuple)
    claimant_ids: Collection[int] = field(default_factory=tuple)
    handler_ids: Collection[int] = field(default_factory=tuple)


def somebody_who_is(role: Role) -> Actor:
    if role is Role.RESIDENT:
        return resident(1)
    if role in UNIT_ROLES:
        return Actor(ME, units={role: frozenset({OWN_UNIT})})
    return Actor(ME, teams={role: frozenset({OWN_TEAM})})


def own_thing(role: Role) -> Thing:
    """Return a request that is `role`'s own, where they hold it."""
    match role:
        case Role.RESIDENT:
            return Thing(id=1)
        case Role.VOLUNTEER | Role.TEAM_LEADER:
            return Thing(id=2, claimant_ids={ME}, team_ids={OWN_TEAM})
        case _:
            return Thing(id=2, leader_id=ME, unit_id=OWN_UNIT)


def formerly_own_thing(role: Role) -> Thing:
    """Return a request that was `role`'s own before it, or they, went elsewhere."""
    return replace(own_thing(role), id=3, team_ids={OTHER_TEAM}, unit_id=OTHER_UNIT)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_each_right_reaches_as_far_as_its_cell_says(role: Role, action: Action) -> None:
    person, reach = somebody_who_is(role), MATRIX[action][role]

    assert may(person, action) is (reach not in (Reach.NOWHERE, Reach.WHOLE))
    wider = Reach.UNIT if role in UNIT_ROLES else Reach.TEAM
    assert may(person, action, own_thing(role)) is (reach in (Reach.OWN, wider))
    assert not may(person, action, formerly_own_thing(role))
    helped = Thing(id=2, lead_team_id=OTHER_TEAM, team_ids={OTHER_TEAM, OWN_TEAM})
    led = Thing(id=2, lead_team_id=OWN_TEAM, team_ids={OWN_TEAM})
    assert may(person, action, helped) is (reach is Reach.TEAM)
    assert may(person, action, led) is (reach in (Reach.TEAM, Reach.LEAD))
    assert may(person, action, Thing(id=2, unit_id=OWN_UNIT)) is (reach is Reach.UNIT)
    assert may_in_unit(person, action, OWN_UNIT) is (reach is Reach.UNIT)
    assert not may_in_unit(person, action, OTHER_UNIT)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", sorted(UNIT_ROLES))
def test_what_belongs_to_the_whole_is_reached_from_the_top_only(role: Role, action: Action) -> None:
    reach, units = MATRIX[action][role], {role: frozenset({OWN_UNIT})}
    of_a_branch, at_the_top = (
        Actor(ME, units=units),
        Actor(ME, units=units, at_the_top=frozenset({role})),
    )

    assert not of_a_branch.may_for_all(action)
    assert at_the_top.may_for_all(action) is (reach in (Reach.UNIT, Reach.WHOLE))
    assert may(at_the_top, action) is (reach is not Reach.NOWHERE)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_nothing_reaches_what_is_unrelated(role: Role, action: Action) -> None:
    unrelated = Thing(id=2, leader_id=SOMEBODY, team_ids={OTHER_TEAM}, claimant_ids={SOMEBODY})
    assert not may(somebody_who_is(role), action, unrelated)


@pytest.mark.parametrize("action", Action)
def test_whoever_holds_nothing_may_do_nothing(action: Action) -> None:
    stranger = Actor(ME)
    assert not may(stranger, action)
    assert not may(stranger, action, Thing(id=2))


@pytest.mark.parametrize("action", sorted(NEVER_ON_OWN_WORK))
def test_nobody_judges_their_own_work(action: Action) -> None:
    by_link = MATRIX[action][Role.RESIDENT] is not Reach.NOWHERE
    leads = {Role.TEAM_LEADER: frozenset({OWN_TEAM})}
    me = Actor(ME, units={Role.SUPERVISOR: frozenset({OWN_UNIT})}, teams=leads)
    judge = resident(1, signed_in=me) if by_link else me
    others = Thing(unit_id=OWN_UNIT, team_ids={OTHER_TEAM}, handler_ids={SOMEBODY})
    theirs = [
        Thing(unit_id=OWN_UNIT, handler_ids={ME}),
        Thing(unit_id=OWN_UNIT, lead_team_id=OWN_TEAM, team_ids={OWN_TEAM}),
        Thing(unit_id=OWN_UNIT, lead_team_id=OTHER_TEAM, team_ids={OTHER_TEAM, OWN_TEAM}),
    ]

    assert may(judge, action, others)
    assert [may(judge, action, each) for each in theirs] == [False, False, False]


def test_an_administrator_sees_no_casework() -> None:
    administrator = somebody_who_is(Role.ADMINISTRATOR)
    thing = Thing(unit_id=OWN_UNIT)
    casework = [action for action in Action if action.startswith("service-request:view")]

    assert [action for action in casework if may(administrator, action, thing)] == []


def test_a_refusal_is_an_error_that_names_the_right() -> None:
    with pytest.raises(NotPermittedError, match="service-request:assign"):
        require(somebody_who_is(Role.VOLUNTEER), Action.ASSIGN_SERVICE_REQUEST, Thing())


def test_a_resident_without_a_link_reaches_no_request() -> None:
    assert not may(resident(), Action.VIEW_SERVICE_REQUEST, Thing(id=1))
