"""The ladder: which rung is reached when."""

from datetime import UTC, datetime, timedelta

import pytest

from tracker.organisation.calendar import WorkingCalendar, working_calendar
from tracker.service_requests.ladder import (
    RUNGS,
    Rung,
    Running,
    bit_of,
    bits_of,
    next_at,
    reached,
)
from tracker.service_requests.limits import Clock

FRIDAY_NIGHT = datetime(2026, 2, 13, 10, 0, tzinfo=UTC)
"""Six in the evening in Shanghai, the last day but one before Spring Festival; the 14th is worked."""


@pytest.fixture(name="calendar")
def chinese_calendar() -> WorkingCalendar:
    return working_calendar("CN", "Asia/Shanghai", (2025, 2026, 2027), {})


def running(clock: Clock = Clock.RESOLVE) -> Running:
    return Running(clock, FRIDAY_NIGHT - timedelta(days=1), FRIDAY_NIGHT)


def test_every_rung_of_every_clock_has_a_bit_of_its_own() -> None:
    bits = [bit_of(clock, rung) for clock in Clock for rung in Rung]

    assert len(set(bits)) == len(bits)
    assert bits_of(Clock) == sum(bits)


def test_working_days_past_the_due_time_are_counted_by_the_calendar(
    calendar: WorkingCalendar,
) -> None:
    mask, times = 0, []
    for rung in RUNGS[Clock.RESOLVE]:
        times.append(next_at(calendar, [running()], mask))
        mask |= bit_of(Clock.RESOLVE, rung)

    assert [
        time and time.astimezone(calendar.time_zone).strftime("%m-%d %H") for time in times
    ] == [
        "02-12 18",
        "02-13 18",
        "02-14 18",  # a Saturday that is worked
        "02-25 18",  # the festival lasts until the 23rd
    ]
    assert next_at(calendar, [running()], mask) is None


def test_at_the_due_time_itself_nothing_is_overdue(calendar: WorkingCalendar) -> None:
    at_due = reached(calendar, [running()], 0, now=FRIDAY_NIGHT)
    after = reached(calendar, [running()], 0, now=FRIDAY_NIGHT + timedelta(seconds=1))

    assert [rungs for _, rungs in at_due] == [[Rung.NEAR]]
    assert [rungs for _, rungs in after] == [[Rung.NEAR, Rung.OVERDUE]]


def test_a_rung_is_reached_once(calendar: WorkingCalendar) -> None:
    mask = bit_of(Clock.RESOLVE, Rung.NEAR) | bit_of(Clock.RESOLVE, Rung.OVERDUE)

    late = reached(calendar, [running()], mask, now=FRIDAY_NIGHT + timedelta(hours=1))

    assert late == []


@pytest.mark.parametrize("clock", Clock)
def test_each_clock_leads_as_high_as_it_says(calendar: WorkingCalendar, clock: Clock) -> None:
    found = reached(calendar, [running(clock)], 0, now=FRIDAY_NIGHT + timedelta(days=60))

    assert [tuple(rungs) for _, rungs in found] == ([RUNGS[clock]] if RUNGS[clock] else [])
