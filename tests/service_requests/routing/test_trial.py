"""What a draft would have done last month, beside what the desk did."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.builders import Builders
from tracker.database import transaction
from tracker.permissions import Actor
from tracker.service_requests.actions import dispatch
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.routing import queries, trial


def tried(a: Builders, actor: Actor) -> trial.Trial:
    before, after = queries.in_force().rules, queries.draft(queries.rules())
    return trial.try_out(actor, before, after, queries.standing(), now=a.now)


def test_it_counts_what_each_rule_would_give_and_what_the_desk_gave(a: Builders) -> None:
    elders, repairs, leader = a.team(), a.team(), a.leader()
    category = a.category()
    a.service_request(category=category, team=elders, leader=leader)
    a.service_request(category=category, team=repairs, leader=leader)
    a.service_request(category=category)
    a.service_request()
    a.routing_rule(category_id=category.id, lead_team_id=elders.id, leader_id=leader.id)

    found = tried(a, a.actor(a.coordinator()))

    assert found.tried == 4
    assert found.before.teams == {None: 4}
    assert found.after.teams == {elders.id: 3, None: 1}
    assert found.after.priorities == {None: 4}
    assert found.different == found.different_in_reach == len(found.listed) == 3
    agrees = found.after.team_agrees
    assert (agrees.same, agrees.of, agrees.share) == (1, 2, 0.5)
    assert (found.after.leader_agrees.same, found.after.leader_agrees.of) == (2, 2)
    assert found.before.team_agrees.share is None


def test_another_order_is_a_difference(a: Builders) -> None:
    one, other = a.team(), a.team()
    a.routing_rule(lead_team_id=one.id)
    second = a.routing_rule(lead_team_id=other.id)
    a.rules_in_force()
    it = a.service_request()
    reader = a.actor(a.coordinator())
    assert tried(a, reader).different == 0
    first = queries.in_force().rules
    turned = tuple(reversed(first))

    found = trial.try_out(reader, first, turned, queries.standing(), now=a.now)

    assert [(each.id, each.before, each.after) for each in found.listed] == [
        (it.id, (one.id, None, None), (other.id, None, None))
    ]
    assert found.after.rules == {second.id: 1}


def test_a_priority_is_compared_once_the_desk_has_accepted(a: Builders) -> None:
    a.service_request(priority=Priority.URGENT)
    accepted = a.service_request()
    with transaction():
        dispatch.accept(
            accepted,
            category_id=accepted.category_id,
            priority=Priority.URGENT,
            area_id=None,
            actor=a.actor(a.coordinator()),
            now=a.now,
        )
    a.routing_rule(priority=Priority.URGENT)

    agrees = tried(a, a.actor(a.coordinator())).after.priority_agrees

    assert (agrees.same, agrees.of) == (1, 1)


def test_only_the_last_thirty_days_without_spam_are_tried(a: Builders) -> None:
    a.service_request(at=a.now - timedelta(days=31))
    a.service_request(at=a.now - timedelta(days=29))
    spam = a.service_request()
    with transaction():
        dispatch.decline(
            spam,
            reason="",
            where_to_turn="",
            is_spam=True,
            actor=a.actor(a.coordinator()),
            now=a.now,
        )

    assert tried(a, a.actor(a.coordinator())).tried == 1


def test_of_too_many_the_newest_are_tried(a: Builders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MOST", 2)
    a.routing_rule()
    made = [a.service_request(at=a.now - timedelta(days=days)) for days in (3, 2, 1)]

    found = tried(a, a.actor(a.coordinator()))

    assert (found.tried, found.is_cut) == (2, True)
    assert [each.id for each in found.listed] == [made[2].id, made[1].id]


def test_who_decides_reads_figures_of_everything_and_no_line_of_what_they_may_not_see(
    a: Builders,
) -> None:
    a.service_request(unit=a.unit())
    a.routing_rule()

    found = tried(a, a.actor(a.administrator()))

    assert (found.different, found.different_in_reach, found.listed) == (1, 0, [])
    assert found.is_of_all


def test_everybody_else_s_trial_knows_what_they_may_see(a: Builders) -> None:
    here, elsewhere = a.unit(), a.unit()
    ours = a.service_request(unit=here)
    a.service_request(unit=elsewhere)
    a.routing_rule()

    found = tried(a, a.actor(a.coordinator(here)))

    assert (found.tried, found.different, found.after.priorities.total()) == (1, 1, 1)
    assert [each.id for each in found.listed] == [ours.id]
    assert not found.is_of_all


def test_the_clock_of_the_organisation_decides(a: Builders) -> None:
    a.service_request()  # Wednesday, ten o'clock in Shanghai: two at night in UTC
    a.service_request(at=a.now - timedelta(hours=4))
    at_work = a.routing_rule(is_outside_work=True)

    assert tried(a, a.actor(a.coordinator())).after.rules == {at_work.id: 1, None: 1}


def test_its_statements_do_not_grow_with_the_requests(
    a: Builders, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    a.routing_rule(area_id=a.area().id, is_outside_work=True)
    reader = a.actor(a.coordinator())
    a.service_request(area=a.area())
    few = count_queries(lambda: tried(a, reader))
    for _number in range(5):
        a.service_request(area=a.area(), category=a.category())

    assert count_queries(lambda: tried(a, reader)) <= few


def test_values_stand_side_by_side_the_most_first_and_what_is_open_last() -> None:
    rows = trial.side_by_side({1: 5, None: 2}, {2: 4, 1: 1, None: 9})
    assert rows == [(2, 0, 4), (1, 5, 1), (None, 2, 9)]
