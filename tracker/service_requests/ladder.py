"""The ladder 催办督办: who hears that something sits, the higher the longer.

Pure. Each rung is reached once in a round; a round begins anew where a limit does (extension,
reopening, another team). Source: product.md, section 4.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from tracker.organisation.calendar import WorkingCalendar
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.limits import Clock, Limit, LimitUnit, due_at, past


class Rung(StrEnum):
    """How far something is past its due time. Lowest first."""

    NEAR = "near"
    """Blue: 80 % of the limit is used. Whoever holds it is told."""
    OVERDUE = "overdue"
    """Red: the due time has passed. Whoever holds it and the team leaders are told."""
    PRESSED = "pressed"
    """催办: a working day more has passed. The leader is told."""
    SUPERVISED = "supervised"
    """督办: three working days more have passed. A supervisor must answer in writing."""


class HelpersClock(StrEnum):
    """What a helping team may take too long for."""

    PART = "part"
    """Its part of a request: see `parts`."""


Watched: TypeAlias = Clock | HelpersClock
"""Whatever leads up the ladder."""

RUNGS: Final[Mapping[Watched, Sequence[Rung]]] = {
    Clock.ACCEPT: (Rung.NEAR, Rung.OVERDUE, Rung.PRESSED),
    Clock.FIRST_RESPONSE: (Rung.NEAR, Rung.OVERDUE),
    Clock.RETURN: (),
    Clock.SIGN_FOR: (Rung.NEAR, Rung.OVERDUE, Rung.PRESSED),
    Clock.RESOLVE: tuple(Rung),
    HelpersClock.PART: (Rung.NEAR, Rung.OVERDUE),
}
"""How far up each clock leads. Until when a team may return something presses nobody; a part that
sits longer is pressed with its request."""

WORKING_DAYS_PAST: Final = {Rung.PRESSED: 1, Rung.SUPERVISED: 3}
"""How long after the due time the upper rungs are reached."""

BEGINS_ANEW: Final[Mapping[Step, Collection[Clock]]] = {
    Step.EXTEND: (Clock.RESOLVE,),
    Step.DISPUTE: (Clock.RESOLVE,),
    Step.REOPEN: (Clock.RESOLVE,),
    Step.RETURN: (Clock.SIGN_FOR,),
    Step.ASSIGN: (Clock.SIGN_FOR,),
}
"""Steps after which a clock's rungs may be reached once more: its limit begins anew."""

_BITS: Final = {
    pair: 1 << number
    for number, pair in enumerate(
        (clock, rung) for clock in (*Clock, *HelpersClock) for rung in Rung
    )
}


@dataclass(frozen=True, slots=True)
class Running:
    """A clock that runs: by when, and from when the end is near. In UTC."""

    clock: Watched
    near_at: datetime
    due_at: datetime


def bit_of(clock: Watched, rung: Rung) -> int:
    """Return the bit that stands for a rung in the `rungs_reached` of a request, or of a part."""
    return _BITS[clock, rung]


def bits_of(clocks: Iterable[Watched]) -> int:
    """Return the bits of every rung of some clocks."""
    return sum(bit_of(clock, rung) for clock in clocks for rung in Rung)


def reached_at(calendar: WorkingCalendar, running: Running, rung: Rung) -> datetime:
    """Return when a rung is reached, in UTC."""
    match rung:
        case Rung.NEAR:
            return running.near_at
        case Rung.OVERDUE:
            return running.due_at
        case _:
            days = Limit(WORKING_DAYS_PAST[rung], LimitUnit.WORKING_DAYS)
            reached = due_at(calendar, days, past(running.due_at))
            assert reached is not None  # noqa: S101 - there is no stop in it
            return reached


def next_at(
    calendar: WorkingCalendar, running: Iterable[Running], rungs_reached: int
) -> datetime | None:
    """Return when the next rung is reached that was not yet, in UTC; None where there is none."""
    return min(
        (
            reached_at(calendar, clock, rung)
            for clock in running
            if (rung := _first_not_in(rungs_reached, clock.clock)) is not None
        ),
        default=None,
    )


def reached(
    calendar: WorkingCalendar, running: Iterable[Running], rungs_reached: int, *, now: datetime
) -> list[tuple[Running, list[Rung]]]:
    """Return which rungs were reached by `now` and not yet written down, lowest first, by clock.

    At the due time itself nothing is overdue yet, as everywhere.
    """
    found = []
    for clock in running:
        rungs = [
            rung
            for rung in RUNGS[clock.clock]
            if not rungs_reached & bit_of(clock.clock, rung)
            and reached_at(calendar, clock, rung) < now
        ]
        found += [(clock, rungs)] if rungs else []
    return found


def _first_not_in(rungs_reached: int, clock: Watched) -> Rung | None:
    return next((rung for rung in RUNGS[clock] if not rungs_reached & bit_of(clock, rung)), None)
