"""Which limit holds for a request: its category's, its group's, the organisation's, or the product's.

The one place that decides it. Rows of `LimitRule` say only what differs: the nearest one wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from tracker.organisation import queries as organisation
from tracker.organisation.models import Category
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limits import DEFAULT_LIMITS, Clock, Limit, LimitUnit

SET_BY_PEOPLE: Final = (Clock.SIGN_FOR, Clock.FIRST_RESPONSE, Clock.RETURN, Clock.RESOLVE)
"""The limits that an organisation sets, as its people read them. Until when a desk reads a request
is promised to everybody on the front page."""


class Placed(Protocol):
    """A category, as far as its limits are concerned."""

    @property
    def id(self) -> int: ...  # noqa: D102 - as in `Category`
    @property
    def parent_id(self) -> int | None: ...  # noqa: D102


class SetBy(StrEnum):
    """Who set the limit that holds."""

    CATEGORY = "category"
    GROUP = "group"
    ORGANISATION = "organisation"
    PRODUCT = "product"


@dataclass(frozen=True, slots=True)
class Holding:
    """The limit that holds, and who set it."""

    limit: Limit
    set_by: SetBy


def limit_of(category: Placed | None, priority: Priority, clock: Clock = Clock.RESOLVE) -> Limit:
    """Return the limit that holds for requests of a category and a priority."""
    return holding(category, priority, clock).limit


def holding(category: Placed | None, priority: Priority, clock: Clock) -> Holding:
    """Return the limit that holds, and who set it; for no category, what the organisation says."""
    rules = organisation.limit_rules() if clock in SET_BY_PEOPLE else {}
    places = ((SetBy.ORGANISATION, None),)
    if category is not None:
        above = ((SetBy.GROUP, category.parent_id),) if category.parent_id is not None else ()
        places = ((SetBy.CATEGORY, category.id), *above, *places)
    for set_by, category_id in places:
        rule = rules.get((category_id, priority.value, clock.value))
        if rule is not None:
            return Holding(_limit(rule), set_by)
    return Holding(DEFAULT_LIMITS[clock][priority], SetBy.PRODUCT)


def holding_above(category: Category | None, priority: Priority, clock: Clock) -> Holding:
    """Return what would hold if a category (None: the organisation) set nothing itself."""
    if category is None:
        return Holding(DEFAULT_LIMITS[clock][priority], SetBy.PRODUCT)
    if category.parent is None:
        return holding(None, priority, clock)
    held = holding(category.parent, priority, clock)
    return Holding(held.limit, SetBy.GROUP) if held.set_by is SetBy.CATEGORY else held


def own_limits(category_id: int | None) -> Mapping[tuple[Clock, Priority], Limit]:
    """Return what a category (None: the organisation) itself sets, by clock and priority."""
    return {
        (Clock(clock), Priority(priority)): _limit(rule)
        for (whose, priority, clock), rule in organisation.limit_rules().items()
        if whose == category_id
    }


def _limit(rule: tuple[int, str]) -> Limit:
    amount, unit = rule
    return Limit(amount, LimitUnit(unit))
