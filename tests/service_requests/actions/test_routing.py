"""Changing the draft, and putting it in force as it was tried."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.builders import Builders
from tests.support.together import at_once
from tracker.accounts.models import AuditEntry, Person
from tracker.database import db, transaction
from tracker.errors import NotPermittedError, StaleError
from tracker.permissions import Actor
from tracker.service_requests.actions import routing
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.routing import queries
from tracker.service_requests.routing.models import RoutingEdition, RoutingRule


@pytest.fixture
def editor(a: Builders) -> Actor:
    """Return an administrator of the whole."""
    return a.actor(a.administrator())


def order() -> list[int]:
    return [each.id for each in queries.rules()]


def stood() -> tuple[str, int]:
    return queries.stamp(queries.draft(queries.rules())), queries.in_force().id


def test_a_new_rule_stands_last_and_is_off(a: Builders, editor: Actor) -> None:
    first = a.routing_rule()
    with transaction():
        new = routing.add_rule(
            {"name": "夜间", "priority": Priority.URGENT}, actor=editor, now=a.now
        )

    assert order() == [first.id, new.id]
    assert not new.is_on


def test_moving_changes_places_and_stops_at_the_edge(a: Builders, editor: Actor) -> None:
    one, two, three = a.routing_rule(), a.routing_rule(), a.routing_rule()

    def move(rule: RoutingRule, *, up: bool) -> list[int]:
        with transaction():
            routing.move_rule(queries.rule(rule.id), up=up, actor=editor, now=a.now)
        return order()

    assert move(three, up=True) == [one.id, three.id, two.id]
    assert move(three, up=True) == [three.id, one.id, two.id]
    assert move(three, up=True) == [three.id, one.id, two.id]
    assert move(two, up=False) == [three.id, one.id, two.id]


def test_what_has_ended_is_neither_moved_nor_switched_on(a: Builders, editor: Actor) -> None:
    rule = a.routing_rule()
    with transaction():
        routing.end_rule(rule, actor=editor, now=a.now)
    assert queries.draft(queries.rules()) == ()

    acts: list[Callable[[], None]] = [
        lambda: routing.move_rule(rule, up=True, actor=editor, now=a.now),
        lambda: routing.switch_rule(rule, on=True, actor=editor, now=a.now),
    ]
    for act in acts:
        with pytest.raises(StaleError), transaction():
            act()


def test_what_is_taken_up_again_stands_last_and_is_off(a: Builders, editor: Actor) -> None:
    ended, other = a.routing_rule(), a.routing_rule()
    with transaction():
        routing.end_rule(ended, actor=editor, now=a.now)
    with transaction():
        routing.take_up_rule(ended, actor=editor, now=a.now)

    assert order() == [other.id, ended.id]
    assert not queries.rule(ended.id).is_on


def test_a_draft_proposes_nothing_until_it_is_put_in_force(a: Builders, editor: Actor) -> None:
    rule = a.routing_rule(priority=Priority.URGENT)
    a.rules_in_force()
    with transaction():
        routing.edit_rule(rule, {"priority": Priority.COMPLEX}, actor=editor, now=a.now)
    assert [each.priority for each in queries.in_force().rules] == [Priority.URGENT]

    draft, edition = stood()
    with transaction():
        routing.put_in_force(tried=draft, instead_of=edition, actor=editor, now=a.now)

    assert [each.priority for each in queries.in_force().rules] == [Priority.COMPLEX]
    assert db.session.scalar(select(func.count()).select_from(RoutingEdition)) == 2


@pytest.mark.parametrize("what", ["edited", "moved", "switched", "ended", "put in force"])
def test_nothing_is_put_in_force_that_was_not_tried(a: Builders, editor: Actor, what: str) -> None:
    one, _two = a.routing_rule(), a.routing_rule()
    draft, edition = stood()
    later: dict[str, Callable[[], object]] = {
        "edited": lambda: routing.edit_rule(one, {"name": "Other"}, actor=editor, now=a.now),
        "moved": lambda: routing.move_rule(one, up=False, actor=editor, now=a.now),
        "switched": lambda: routing.switch_rule(one, on=False, actor=editor, now=a.now),
        "ended": lambda: routing.end_rule(one, actor=editor, now=a.now),
        "put in force": lambda: routing.put_in_force(
            tried=draft, instead_of=edition, actor=editor, now=a.now
        ),
    }
    with transaction():
        later[what]()

    with pytest.raises(StaleError), transaction():
        routing.put_in_force(tried=draft, instead_of=edition, actor=editor, now=a.now)


def test_of_two_who_put_in_force_at_once_one_is_told(a: Builders, app: Flask) -> None:
    a.routing_rule()
    who = a.administrator().id
    draft, edition = stood()

    def put() -> bool:
        actor = a.actor(db.session.get_one(Person, who))
        try:
            with transaction():
                routing.put_in_force(tried=draft, instead_of=edition, actor=actor, now=a.now)
        except StaleError:
            return False
        return True

    assert sorted(at_once(app, [put, put])) == [False, True]


def test_each_change_is_in_the_audit_trail(a: Builders, editor: Actor) -> None:
    later = a.now + timedelta(minutes=1)
    rule = a.routing_rule(is_on=False)
    a.routing_rule()
    with transaction():
        routing.edit_rule(rule, {"name": "Other"}, actor=editor, now=later)
        routing.edit_rule(rule, {"name": "Other"}, actor=editor, now=later)
        routing.switch_rule(rule, on=True, actor=editor, now=later)
        routing.move_rule(rule, up=False, actor=editor, now=later)
        routing.end_rule(rule, actor=editor, now=later)
        routing.take_up_rule(rule, actor=editor, now=later)
    draft, edition = stood()
    with transaction():
        routing.put_in_force(tried=draft, instead_of=edition, actor=editor, now=later)

    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.at == later).order_by(AuditEntry.id)
    ).all()
    assert [each.action for each in entries] == [
        "routing-rule:edit",
        "routing-rule:edit",
        "routing-rule:move",
        "routing-rule:end",
        "routing-rule:take-up",
        "routing:put-in-force",
    ]
    assert entries[1].changes == {"is_on": [False, True]}


@pytest.mark.parametrize("role", ["coordinator", "supervisor", "auditor"])
def test_who_only_reads_changes_nothing(a: Builders, role: str) -> None:
    rule = a.routing_rule()
    reader = a.actor(getattr(a, role)())
    draft, edition = stood()
    acts: list[Callable[[], object]] = [
        lambda: routing.add_rule({"name": "Mine"}, actor=reader, now=a.now),
        lambda: routing.edit_rule(rule, {"name": "Mine"}, actor=reader, now=a.now),
        lambda: routing.switch_rule(rule, on=False, actor=reader, now=a.now),
        lambda: routing.move_rule(rule, up=True, actor=reader, now=a.now),
        lambda: routing.end_rule(rule, actor=reader, now=a.now),
        lambda: routing.take_up_rule(rule, actor=reader, now=a.now),
        lambda: routing.put_in_force(tried=draft, instead_of=edition, actor=reader, now=a.now),
    ]
    for act in acts:
        with pytest.raises(NotPermittedError), transaction():
            act()
