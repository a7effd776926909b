"""The figures, each defined by the docstring of its function. docs/statistics.md is printed from them.

A figure looks at the requests of a `Scope`: those submitted in a period, half open, narrowed by
filters, and only those whose reports the reader may see. A request counts for the unit, team,
leader, category, area and channel that it has now. Counts are kept and shares derived, so that
totals can be added up without averaging percentages. Shares are from 0 to 1 and not rounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from tracker.database import among
from tracker.permissions import SYSTEM, Action, Actor
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.lifecycle import (
    HANDLED_STATUSES,
    UNCOUNTED_OUTCOMES,
    Kind,
    Solved,
    Status,
)
from tracker.service_requests.models import ServiceRequest
from tracker.visibility import within_reach

Condition: TypeAlias = ColumnElement[bool]
Moment: TypeAlias = InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]

SATISFIED_FROM: Final = 3
"""The top three of five levels."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which requests a figure looks at. What is None does not narrow.

    The period includes `start` and excludes `end`. Areas, units and categories count with all
    below them: whoever makes a scope hands in their ids. `blank` names dimensions that must not
    be recorded.
    """

    as_of: datetime
    """When it is looked at: a due time before it has passed. Never later than now."""
    start: datetime | None = None
    end: datetime | None = None
    unit_ids: frozenset[int] | None = None
    team_id: int | None = None
    leader_id: int | None = None
    category_ids: frozenset[int] | None = None
    area_ids: frozenset[int] | None = None
    channel: str | None = None
    kind: Kind | None = None
    blank: frozenset["Dimension"] = frozenset()


class Dimension(StrEnum):
    """By what figures can be broken down."""

    CATEGORY = "category"
    """The top level of the tree."""
    LEAF = "leaf"
    """The category itself."""
    TEAM = "team"
    """The lead team."""
    CHANNEL = "channel"
    AREA = "area"
    """The exact area, not what lies below it."""
    UNIT = "unit"
    """The exact unit, not what lies below it."""
    LEADER = "leader"


class Figure(StrEnum):
    """A number that has an exact list of requests behind it."""

    RECEIVED = "received"
    COUNTED = "counted"
    NOT_COUNTED = "not_counted"
    CLOSED = "closed"
    NOT_CLOSED = "not_closed"
    HANDLED = "handled"
    NOT_HANDLED = "not_handled"
    CLOSED_TIMES = "closed_times"
    CLOSED_IN_PERIOD = "closed_in_period"
    ON_TIME = "on_time"
    NOT_ON_TIME = "not_on_time"
    TIMED = "timed"
    SOLVED = "solved"
    NOT_SOLVED = "not_solved"
    ANSWERED = "answered"
    SATISFIED = "satisfied"
    NOT_SATISFIED = "not_satisfied"
    RATED = "rated"
    REOPENED = "reopened"
    REOPENABLE = "reopenable"
    RETURNED = "returned"
    RETURNABLE = "returnable"


# -------------------------------------------------------------------- the definitions


def received(scope: Scope) -> Condition:
    """Count requests submitted in the period, spam left out. What waits for triage counts."""
    return and_(
        is_real(),
        # The period first: of two bounds SQLite begins at the one that it reads first.
        *_in_period(ServiceRequest.submitted_at, scope),
        ServiceRequest.submitted_at <= scope.as_of,
        *filters_of(scope),
    )


def counted(scope: Scope) -> Condition:
    """Count the received, without duplicates, withdrawn ones and those outside the organisation's scope."""
    return received(scope) & _is_counted()


def not_counted(scope: Scope) -> Condition:
    """Count received requests that are in no rate: duplicates, withdrawn, outside the scope."""
    return received(scope) & ~_is_counted()


def closed(scope: Scope) -> Condition:
    """Count counted requests that are closed. A reopened request counts where it is now.

    The **closure rate** is closed ÷ counted.
    """
    return counted(scope) & _is_closed(scope)


def not_closed(scope: Scope) -> Condition:
    """Count counted requests that are still open."""
    return counted(scope) & ~_is_closed(scope)


def handled(scope: Scope) -> Condition:
    """Count counted requests with a reported result: resolved or closed.

    The **handled rate** is handled ÷ counted.
    """
    return counted(scope) & _is_handled(scope)


def not_handled(scope: Scope) -> Condition:
    """Count counted requests without a reported result."""
    return counted(scope) & ~_is_handled(scope)


def closed_times(scope: Scope) -> Condition:
    """Count closed requests of which it is known how long they took."""
    return closed(scope) & ServiceRequest.seconds_to_close.is_not(None)


def closed_in_period(scope: Scope) -> Condition:
    """Count requests closed in the period, whenever submitted; spam and uncounted left out.

    A flow beside the closure rate, never divided by what was received. A request whose closing
    time is not known (some imports) is in no period.
    """
    return and_(
        is_real(),
        _is_counted(),
        _is_closed(scope),
        ServiceRequest.closed_at.is_not(None),
        *_in_period(ServiceRequest.closed_at, scope),
        *filters_of(scope),
    )


def timed(scope: Scope) -> Condition:
    """Count counted requests of which it is known whether they were in time.

    Those with a result that had a limit, and open ones whose due time has passed. A young open
    request is not “on time”: it is not in here. Nor is one whose clock stands still, unless its
    due time had passed before it stopped: it stays late.
    """
    return counted(scope) & or_(
        _is_handled(scope) & ServiceRequest.resolved_on_time.is_not(None),
        ~_is_handled(scope) & (ServiceRequest.due_at < scope.as_of),
    )


def on_time(scope: Scope) -> Condition:
    """Count counted requests resolved by their due time.

    The **on-time rate** is on time ÷ (resolved, or due time passed).
    """
    return timed(scope) & _is_handled(scope) & ServiceRequest.resolved_on_time.is_(True)


def not_on_time(scope: Scope) -> Condition:
    """Count counted requests resolved after their due time, or open past it."""
    return timed(scope) & ~(_is_handled(scope) & ServiceRequest.resolved_on_time.is_(True))


def answered(scope: Scope) -> Condition:
    """Count closed requests whose requester said, by link or phone, whether the need was met.

    Answers ÷ closed is the **coverage**: silence is never counted as consent.
    """
    return closed(scope) & ServiceRequest.solved.is_not(None)


def solved(scope: Scope) -> Condition:
    """Count closed requests whose requester said “solved”.

    The **solved rate** is solved ÷ those who answered; “partly” is not “solved”.
    """
    return answered(scope) & (ServiceRequest.solved == Solved.YES)


def not_solved(scope: Scope) -> Condition:
    """Count closed requests whose requester said “partly” or “no”."""
    return answered(scope) & (ServiceRequest.solved != Solved.YES)


def rated(scope: Scope) -> Condition:
    """Count closed requests that the requester rated on five levels."""
    return closed(scope) & ServiceRequest.satisfaction.is_not(None)


def satisfied(scope: Scope) -> Condition:
    """Count closed requests rated with one of the top three of five levels.

    **Satisfaction** is satisfied ÷ those who rated.
    """
    return rated(scope) & (ServiceRequest.satisfaction >= SATISFIED_FROM)


def not_satisfied(scope: Scope) -> Condition:
    """Count closed requests rated with one of the lowest two of five levels."""
    return rated(scope) & (ServiceRequest.satisfaction < SATISFIED_FROM)


def reopened(scope: Scope) -> Condition:
    """Count counted requests that were reopened at least once after a result was reported.

    The **reopen rate** is reopened ÷ (handled now, or reopened).
    """
    return counted(scope) & (ServiceRequest.times_reopened > 0)


def reopenable(scope: Scope) -> Condition:
    """Count counted requests with a result now, or reopened since they had one."""
    return handled(scope) | reopened(scope)


def returned(scope: Scope) -> Condition:
    """Count counted requests that a team returned to the desk at least once.

    The **return rate** is returned ÷ (assigned at any time, or returned).
    """
    return counted(scope) & (ServiceRequest.times_returned > 0)


def returnable(scope: Scope) -> Condition:
    """Count counted requests that a team has or had: assigned now, or returned before."""
    return counted(scope) & (
        ServiceRequest.assigned_at.is_not(None) | (ServiceRequest.times_returned > 0)
    )


CONDITIONS: Final = {
    Figure.RECEIVED: received,
    Figure.COUNTED: counted,
    Figure.NOT_COUNTED: not_counted,
    Figure.CLOSED: closed,
    Figure.NOT_CLOSED: not_closed,
    Figure.HANDLED: handled,
    Figure.NOT_HANDLED: not_handled,
    Figure.CLOSED_TIMES: closed_times,
    Figure.CLOSED_IN_PERIOD: closed_in_period,
    Figure.ON_TIME: on_time,
    Figure.NOT_ON_TIME: not_on_time,
    Figure.TIMED: timed,
    Figure.SOLVED: solved,
    Figure.NOT_SOLVED: not_solved,
    Figure.ANSWERED: answered,
    Figure.SATISFIED: satisfied,
    Figure.NOT_SATISFIED: not_satisfied,
    Figure.RATED: rated,
    Figure.REOPENED: reopened,
    Figure.REOPENABLE: reopenable,
    Figure.RETURNED: returned,
    Figure.RETURNABLE: returnable,
}
"""Each number's definition: the same condition counts it and lists what is behind it."""

PARTS: Final[Mapping[Figure, tuple[Figure, Figure | None]]] = {
    Figure.CLOSED: (Figure.COUNTED, Figure.NOT_CLOSED),
    Figure.HANDLED: (Figure.COUNTED, Figure.NOT_HANDLED),
    Figure.ON_TIME: (Figure.TIMED, Figure.NOT_ON_TIME),
    Figure.SOLVED: (Figure.ANSWERED, Figure.NOT_SOLVED),
    Figure.SATISFIED: (Figure.RATED, Figure.NOT_SATISFIED),
    Figure.REOPENED: (Figure.REOPENABLE, None),
    Figure.RETURNED: (Figure.RETURNABLE, None),
}
"""What each rate is a share of, and the rest of it where somebody would look into that."""

RESTS: Final[Mapping[Figure, tuple[Figure, Figure]]] = {
    Figure.NOT_COUNTED: (Figure.RECEIVED, Figure.COUNTED),
    **{rest: (whole, part) for part, (whole, rest) in PARTS.items() if rest is not None},
}
"""What is the whole without a part: the rest, the whole, the part."""

SUMMED: Final = (
    Figure.RECEIVED,
    Figure.COUNTED,
    Figure.CLOSED,
    Figure.HANDLED,
    Figure.TIMED,
    Figure.ON_TIME,
    Figure.ANSWERED,
    Figure.SOLVED,
    Figure.RATED,
    Figure.SATISFIED,
    Figure.REOPENED,
    Figure.REOPENABLE,
    Figure.RETURNED,
    Figure.RETURNABLE,
)
"""What a summary is made of, besides the flow: each counts some of the received."""


# -------------------------------------------------------------------- what they share


def visible(actor: Actor) -> Condition:
    """Return the condition that `actor` may see a request's reports; the command line sees all."""
    if actor is SYSTEM:
        return true()
    return within_reach(actor, Action.VIEW_REPORTS, CASEWORK)


def filters_of(scope: Scope) -> list[Condition]:
    """Return what narrows a scope besides the period."""
    values: tuple[tuple[InstrumentedAttribute[Any], object], ...] = (
        (ServiceRequest.lead_team_id, scope.team_id),
        (ServiceRequest.leader_id, scope.leader_id),
        (ServiceRequest.channel, scope.channel),
        (ServiceRequest.kind, scope.kind),
    )
    trees: tuple[tuple[InstrumentedAttribute[Any], frozenset[int] | None], ...] = (
        (ServiceRequest.unit_id, scope.unit_ids),
        (ServiceRequest.category_id, scope.category_ids),
        (ServiceRequest.area_id, scope.area_ids),
    )
    blanks = {
        Dimension.TEAM: ServiceRequest.lead_team_id,
        Dimension.LEADER: ServiceRequest.leader_id,
        Dimension.AREA: ServiceRequest.area_id,
    }
    return [
        *(among(column, sorted(ids)) for column, ids in trees if ids is not None),
        *(column == value for column, value in values if value is not None),
        *(blanks[one].is_(None) for one in sorted(scope.blank)),
    ]


def is_real() -> Condition:
    """Return the condition that a request is no spam."""
    return ServiceRequest.is_spam.is_(False)


def _is_counted() -> Condition:
    return or_(ServiceRequest.outcome.is_(None), ServiceRequest.outcome.not_in(UNCOUNTED_OUTCOMES))


def _is_closed(scope: Scope) -> Condition:
    return and_(
        ServiceRequest.status == Status.CLOSED,
        or_(ServiceRequest.closed_at.is_(None), ServiceRequest.closed_at <= scope.as_of),
    )


def _is_handled(scope: Scope) -> Condition:
    return and_(
        among(ServiceRequest.status, HANDLED_STATUSES),
        or_(ServiceRequest.resolved_at.is_(None), ServiceRequest.resolved_at <= scope.as_of),
    )


def _in_period(at: Moment, scope: Scope) -> list[Condition]:
    bounds: list[Condition] = []
    if scope.start is not None:
        bounds.append(at >= scope.start)
    if scope.end is not None:
        bounds.append(at < scope.end)
    return bounds
