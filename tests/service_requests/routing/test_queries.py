"""The draft, what is in force, and how the set-up stands."""

from datetime import time

import pytest

from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.errors import NotFoundError
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Kind, Priority
from tracker.service_requests.routing import queries
from tracker.service_requests.routing.matching import Problem, problem_of
from tracker.teams.models import Team


def test_only_what_is_switched_on_is_numbered_and_tried(a: Builders) -> None:
    first, _off, third = a.routing_rule(), a.routing_rule(is_on=False), a.routing_rule()

    assert [(each.id, each.number) for each in queries.draft(queries.rules())] == [
        (first.id, 1),
        (third.id, 2),
    ]


def test_nothing_is_in_force_before_the_first_edition(a: Builders) -> None:
    a.routing_rule()

    edition = queries.in_force()

    assert (edition.id, edition.rules, edition.since) == (queries.NO_EDITION, (), None)


def test_what_is_in_force_comes_back_as_it_was_put(a: Builders) -> None:
    rule = a.routing_rule(
        kind=Kind.COMPLAINT,
        priority=Priority.EMERGENCY,
        weekdays="67",
        begins_at=time(18, 30),
        ends_at=time(7),
        area_id=a.area().id,
    )
    before = queries.draft(queries.rules())
    a.rules_in_force()

    edition = queries.in_force()

    assert edition.rules == before == (queries.as_rule(rule, 1),)
    assert edition.since == a.now
    assert queries.stamp(edition.rules) == queries.stamp(before)


def test_the_mark_tells_another_order_and_another_word(a: Builders) -> None:
    a.routing_rule()
    a.routing_rule()
    one, other = queries.draft(queries.rules())

    marks = {queries.stamp(some) for some in ((one, other), (other, one), (one,), ())}

    assert len(marks) == 4


def test_what_a_request_is_asked_stands_on_the_organisation_s_clock(a: Builders) -> None:
    case = queries.case_of(a.service_request())

    assert (case.came_in.isoweekday(), case.came_in.hour) == (3, 10)
    assert case.in_working_time


def test_the_set_up_says_who_answers_where(a: Builders) -> None:
    branch = a.unit()
    station = a.unit(parent=branch)
    area = a.area(unit=station)
    inner = a.area(parent=area)
    head, of_station = a.leader(branch), a.leader(station)
    a.holder(Role.COORDINATOR, branch)

    standing = queries.standing()

    assert standing.desk_of_area[inner.id] == station.id
    assert standing.units_of_leader == {
        head.id: frozenset({branch.id, station.id}),
        of_station.id: frozenset({station.id}),
    }
    assert queries.leaders() == ((head.id, head.name), (of_station.id, of_station.name))


def test_what_ends_breaks_a_rule_at_once(a: Builders) -> None:
    team = a.team()
    rule = queries.as_rule(a.routing_rule(lead_team_id=team.id), 1)
    assert problem_of(rule, queries.standing()) is None

    with transaction():
        db.session.get_one(Team, team.id).ended_at = a.now

    assert problem_of(rule, queries.standing()) is Problem.TEAM_ENDED


def test_there_is_no_such_rule(a: Builders) -> None:
    with pytest.raises(NotFoundError):
        queries.rule(4711)
