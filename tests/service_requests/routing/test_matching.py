"""The first rule that fits proposes, and nothing that has ended is ever proposed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from tracker.service_requests.lifecycle import Kind, Priority
from tracker.service_requests.routing.matching import (
    Case,
    Problem,
    Router,
    Rule,
    Standing,
    fits,
    problem_of,
)

# Groups 1 and 2 with kinds 11, 12 and 21; areas 1 > 11 > 111, and 2; desks: unit 1, below it unit 2.
STANDING: Final = Standing(
    category_above={1: None, 11: 1, 12: 1, 2: None, 21: 2},
    area_above={1: None, 11: 1, 111: 11, 2: None},
    desk_of_area={1: 1, 11: 2, 111: 2, 2: 1},
    ended_categories=frozenset({12}),
    ended_areas=frozenset({2}),
    ended_teams=frozenset({9}),
    units_of_leader={1: frozenset({1, 2}), 2: frozenset({2})},
)
SATURDAY: Final = datetime(2026, 3, 14, 20, 30, tzinfo=UTC)


def a_case(**values: Any) -> Case:  # noqa: ANN401 - the fields of Case
    known = {
        "category_id": 11,
        "area_id": 111,
        "unit_id": 2,
        "channel": "web",
        "kind": Kind.HELP,
        "came_in": SATURDAY,
        "in_working_time": False,
    }
    return Case(**{**known, **values})


def a_rule(number: int = 1, **values: Any) -> Rule:  # noqa: ANN401 - the fields of Rule
    return Rule(**{"id": number, "number": number, "name": f"Rule {number}", **values})


@pytest.mark.parametrize(
    ("wanted", "does_fit"),
    [
        ({}, True),
        ({"category_id": 11}, True),
        ({"category_id": 1}, True),
        ({"category_id": 2}, False),
        ({"area_id": 1}, True),
        ({"area_id": 2}, False),
        ({"channel": "web"}, True),
        ({"channel": "phone"}, False),
        ({"kind": Kind.HELP}, True),
        ({"kind": Kind.THANKS}, False),
        ({"weekdays": "67"}, True),
        ({"weekdays": "12345"}, False),
        ({"begins_at": time(20), "ends_at": time(21)}, True),
        ({"begins_at": time(20, 30), "ends_at": time(21)}, True),
        ({"begins_at": time(20), "ends_at": time(20, 30)}, False),
        ({"begins_at": time(18), "ends_at": time(8)}, True),
        ({"begins_at": time(21), "ends_at": time(8)}, False),
        ({"is_outside_work": True}, True),
        ({"category_id": 1, "kind": Kind.THANKS}, False),
    ],
)
def test_a_rule_fits_when_each_of_its_conditions_does(
    wanted: Mapping[str, Any], *, does_fit: bool
) -> None:
    assert fits(a_rule(**wanted), a_case(), STANDING) is does_fit


def test_outside_of_working_time_is_not_within_it() -> None:
    rule = a_rule(is_outside_work=True)
    assert not fits(rule, a_case(in_working_time=True), STANDING)


def test_a_request_without_an_area_lies_in_none() -> None:
    nowhere = a_case(area_id=None)
    assert not fits(a_rule(area_id=1), nowhere, STANDING)
    assert fits(a_rule(), nowhere, STANDING)


def test_the_first_that_fits_wins() -> None:
    rules = [a_rule(1, kind=Kind.THANKS), a_rule(2, area_id=1), a_rule(3, category_id=11)]

    assert Router(rules, STANDING).decide(a_case()).rule == rules[1]
    assert Router(rules[::-1], STANDING).decide(a_case()).rule == rules[2]


def test_no_rule_is_no_proposal() -> None:
    decision = Router([a_rule(kind=Kind.THANKS)], STANDING).decide(a_case())
    assert (decision.rule, decision.passed_over) == (None, ())


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"category_id": 12, "lead_team_id": 1}, Problem.CATEGORY_ENDED),
        ({"area_id": 2, "lead_team_id": 1}, Problem.AREA_ENDED),
        ({"lead_team_id": 9}, Problem.TEAM_ENDED),
        ({"leader_id": 7}, Problem.LEADER_ENDED),
        ({"area_id": 1, "leader_id": 2}, Problem.LEADER_ELSEWHERE),
        ({"area_id": 11, "leader_id": 2, "lead_team_id": 1}, None),
        ({"priority": Priority.URGENT}, None),
    ],
)
def test_what_points_to_what_has_ended_says_so(
    values: Mapping[str, Any], problem: Problem | None
) -> None:
    assert problem_of(a_rule(**values), STANDING) is problem


def test_a_broken_rule_is_passed_over_as_a_whole_and_named() -> None:
    broken, next_one = a_rule(1, lead_team_id=9, leader_id=1), a_rule(2, leader_id=1)

    decision = Router([broken, next_one], STANDING).decide(a_case())

    assert decision.rule == next_one
    assert decision.passed_over == ((broken, Problem.TEAM_ENDED),)


def test_a_leader_who_answers_elsewhere_is_not_proposed_here() -> None:
    rule = a_rule(leader_id=2)
    router = Router([rule], STANDING)

    assert router.decide(a_case(unit_id=2)).rule == rule
    there = router.decide(a_case(unit_id=1, area_id=None))
    assert there.rule is None
    assert there.passed_over == ((rule, Problem.LEADER_ELSEWHERE),)


def test_a_ring_of_areas_hangs_nothing() -> None:
    ring = replace(STANDING, area_above={111: 11, 11: 111})
    assert not fits(a_rule(area_id=1), a_case(), ring)


def test_what_is_kept_of_a_rule_is_the_rule() -> None:
    rule = a_rule(
        kind=Kind.HELP,
        priority=Priority.URGENT,
        weekdays="67",
        begins_at=time(18, 30),
        ends_at=time(8),
        leader_id=1,
    )
    assert Rule.from_plain(rule.plain()) == rule
    assert Rule.from_plain(a_rule().plain()) == a_rule()


# -------------------------------------------------------------------- against a naive model

CATEGORIES: Final = {1: {1, 11, 12}, 2: {2, 21}, 11: {11}, 12: {12}, 21: {21}}
AREAS: Final = {1: {1, 11, 111}, 11: {11, 111}, 111: {111}, 2: {2}}
clock_times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
rules = st.builds(
    Rule,
    id=st.integers(1, 10**6),
    number=st.just(1),
    name=st.just("A rule"),
    category_id=st.sampled_from([None, *CATEGORIES]),
    area_id=st.sampled_from([None, *AREAS]),
    channel=st.sampled_from([None, "web", "phone"]),
    kind=st.sampled_from([None, *Kind]),
    weekdays=st.sets(st.sampled_from("1234567"), max_size=3).map(
        lambda days: "".join(sorted(days))
    ),
    is_outside_work=st.booleans(),
    lead_team_id=st.sampled_from([None, 1, 9]),
    leader_id=st.sampled_from([None, 1, 2, 7]),
)
timed = st.tuples(rules, st.none() | st.tuples(clock_times, clock_times)).map(
    lambda both: replace(both[0], begins_at=both[1][0], ends_at=both[1][1]) if both[1] else both[0]
)
cases = st.builds(
    Case,
    category_id=st.sampled_from([11, 12, 21]),
    area_id=st.sampled_from([None, *AREAS]),
    unit_id=st.sampled_from([1, 2]),
    channel=st.sampled_from(["web", "phone", "hotline"]),
    kind=st.sampled_from(list(Kind)),
    came_in=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    in_working_time=st.booleans(),
)


def naive_first(some: Sequence[Rule], case: Case) -> Rule | None:
    """Return the first that fits and can be used, by the sets written out above."""
    for rule in some:
        minutes = case.came_in.hour * 60 + case.came_in.minute
        hours: set[int] = set(range(1440))
        if rule.begins_at is not None and rule.ends_at is not None:
            begins = rule.begins_at.hour * 60 + rule.begins_at.minute
            ends = rule.ends_at.hour * 60 + rule.ends_at.minute
            hours = {(begins + n) % 1440 for n in range((ends - begins) % 1440 or 1440)}
        wishes = (
            rule.category_id is None or case.category_id in CATEGORIES[rule.category_id],
            rule.area_id is None or case.area_id in AREAS[rule.area_id],
            rule.channel is None or rule.channel == case.channel,
            rule.kind is None or rule.kind == case.kind,
            not rule.weekdays or str(case.came_in.weekday() + 1) in rule.weekdays,
            minutes in hours,
            not (rule.is_outside_work and case.in_working_time),
        )
        answers_in = {None: {1, 2}, 1: {1, 2}, 2: {2}, 7: set()}[rule.leader_id]
        desk = {None: case.unit_id, 1: 1, 11: 2, 111: 2, 2: 1}[rule.area_id]
        uses = (
            rule.category_id != 12,
            rule.area_id != 2,
            rule.lead_team_id != 9,
            case.unit_id in answers_in,
            desk in answers_in,
        )
        if all(wishes) and all(uses):
            return rule
    return None


@given(
    st.lists(timed, max_size=8, unique_by=lambda rule: rule.id),
    st.lists(cases, min_size=1, max_size=6),
)
def test_what_is_decided_equals_a_naive_reading(some: list[Rule], asked: list[Case]) -> None:
    router = Router(some, STANDING)
    # One router is asked about them all, twice: what it remembers must not mix them up.
    for case in asked * 2:
        assert router.decide(case).rule == naive_first(some, case)
