"""Which limit holds: the nearest one that somebody set."""

import pytest

from tests.support.builders import Builders
from tracker.database import transaction
from tracker.errors import NotPermittedError, StaleError
from tracker.organisation import actions, queries as organisation
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limit_rules import SET_BY_PEOPLE, SetBy, holding, limit_of
from tracker.service_requests.limits import DEFAULT_LIMITS, Clock, Limit, LimitUnit


def test_the_nearest_limit_holds(a: Builders) -> None:
    group = a.top_category()
    leaf, sibling, other = a.category(parent=group), a.category(parent=group), a.category()
    a.limit(3, category=leaf)
    a.limit(4, category=group)
    a.limit(7)

    held = {each: holding(each, Priority.NORMAL, Clock.RESOLVE) for each in (leaf, sibling, other)}

    assert [held[each].limit.amount for each in (leaf, sibling, other)] == [3, 4, 7]
    assert [held[each].set_by for each in (leaf, sibling, other)] == [
        SetBy.CATEGORY,
        SetBy.GROUP,
        SetBy.ORGANISATION,
    ]
    assert limit_of(leaf, Priority.URGENT) == DEFAULT_LIMITS[Clock.RESOLVE][Priority.URGENT]


@pytest.mark.parametrize("clock", SET_BY_PEOPLE)
@pytest.mark.parametrize("priority", Priority)
def test_each_limit_can_be_set_by_itself(a: Builders, clock: Clock, priority: Priority) -> None:
    a.limit(11, LimitUnit.WORKING_HOURS, clock=clock, priority=priority)

    changed = {
        (each, urgency)
        for each in SET_BY_PEOPLE
        for urgency in Priority
        if limit_of(None, urgency, each) != DEFAULT_LIMITS[each][urgency]
    }

    assert changed == {(clock, priority)}


def test_what_the_front_page_promises_is_not_set_by_anybody(a: Builders) -> None:
    a.limit(9, clock=Clock.ACCEPT)

    assert limit_of(None, Priority.NORMAL, Clock.ACCEPT) == Limit(1, LimitUnit.WORKING_DAYS)


def test_who_read_older_limits_overwrites_nothing(a: Builders) -> None:
    actor = a.actor(a.administrator())
    stood = organisation.stand_of_limits(None)
    resolve = (Priority.NORMAL.value, Clock.RESOLVE.value)
    with transaction():
        actions.set_limits(None, {resolve: (3, "hours")}, stood=stood, actor=actor, now=a.now)

    with pytest.raises(StaleError), transaction():
        actions.set_limits(None, {resolve: (9, "hours")}, stood=stood, actor=actor, now=a.now)

    assert limit_of(None, Priority.NORMAL) == Limit(3, LimitUnit.HOURS)


def test_limits_are_not_everybodys_to_set(a: Builders) -> None:
    for right, category in ((Role.COORDINATOR, None), (Role.SUPERVISOR, a.category())):
        actor = a.actor(a.holder(right))
        with pytest.raises(NotPermittedError):
            actions.set_limits(category, {}, stood="", actor=actor, now=a.now)
