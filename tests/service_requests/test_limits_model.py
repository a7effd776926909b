"""The engine of due times against a model that walks minute by minute, over five years.

The model knows no stretches and no arithmetic: it looks at each minute in turn and asks whether the
wall clock shows working time, in zones whose clocks change, over make-up days and stops. What is
public is read from the library itself, not from `organisation.calendar`.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from holidays import country_holidays

from tests.torture.size import IS_FULL, takes_its_time
from tracker.organisation.calendar import WorkingCalendar, working_calendar
from tracker.service_requests.limits import Limit, LimitUnit, due_at

YEARS: Final = range(2022, 2027)
CASES: Final = 100_000 if IS_FULL else 400
CHUNKS: Final = 20 if IS_FULL else 4
MINUTE: Final = timedelta(minutes=1)
OFFICE: Final = ((time(9), time(12)), (time(14), time(18)))
SHORT: Final = ((time(8, 30), time(12, 30)),)
LATE: Final = ((time(13), time(17)), (time(18), time(21, 30)))
NIGHT: Final = ((time(0, 30), time(4)), (time(22), time(0)))


@dataclass(frozen=True)
class Place:
    """Somewhere with its own clock, holidays and week."""

    name: str
    country: str
    zone: ZoneInfo
    week: tuple[tuple[tuple[time, time], ...], ...]

    @property
    def calendar(self) -> WorkingCalendar:
        """Return the calendar under test."""
        return working_calendar(self.country, self.zone.key, range(2021, 2029), {}, week=self.week)


PLACES: Final = (
    Place("China", "CN", ZoneInfo("Asia/Shanghai"), (OFFICE,) * 5 + ((), ())),
    Place("China, short Fridays", "CN", ZoneInfo("Asia/Shanghai"), (OFFICE,) * 4 + (SHORT, (), ())),
    Place(
        "Germany", "DE", ZoneInfo("Europe/Berlin"), (OFFICE, LATE, OFFICE, LATE, SHORT, SHORT, ())
    ),
    Place("New York by night", "US", ZoneInfo("America/New_York"), (NIGHT,) * 7),
)


@cache
def public(country: str) -> tuple[frozenset[date], frozenset[date]]:
    """Return the holidays and the make-up days, as the library has them."""
    known = country_holidays(country, years=range(2021, 2030))
    return frozenset(known), frozenset(known.weekend_workdays)


@cache
def minutes_of(place: Place, day: date) -> tuple[tuple[datetime, bool], ...]:
    """Return every minute of a local day, in UTC, and whether it is worked by the wall clock."""
    spans = spans_of(place, day)
    moment = datetime.combine(day, time(), place.zone).astimezone(UTC)
    after = datetime.combine(day + timedelta(days=1), time(), place.zone).astimezone(UTC)
    minutes = []
    while moment < after:
        wall = moment.astimezone(place.zone).time()
        is_worked = any(
            opens <= wall and (wall < closes or closes == time(0)) for opens, closes in spans
        )
        minutes.append((moment, is_worked))
        moment += MINUTE
    return tuple(minutes)


def spans_of(place: Place, day: date) -> tuple[tuple[time, time], ...]:
    """Return the wall clock's working hours of a day."""
    holidays, make_up_days = public(place.country)
    if day in make_up_days:
        return place.week[day.weekday()] or place.week[4] or next(filter(None, place.week))
    return () if day in holidays else place.week[day.weekday()]


def walk(place: Place, day: date) -> Iterator[tuple[datetime, bool]]:
    """Yield every minute from the beginning of a day on."""
    while True:
        yield from minutes_of(place, day)
        day += timedelta(days=1)


def is_stopped(moment: datetime, stops: Sequence[tuple[datetime, datetime]]) -> bool:
    """Tell whether the clock stands still at a minute."""
    for begin, end in stops:  # noqa: SIM110 - a generator for each minute takes three times as long
        if begin <= moment < end:
            return True
    return False


def model(
    place: Place, limit: Limit, start: datetime, stops: Sequence[tuple[datetime, datetime]]
) -> datetime:
    """Return when a limit ends, by looking at every minute."""
    first = start.astimezone(place.zone).date()
    if limit.unit in (LimitUnit.WORKING_DAYS, LimitUnit.CALENDAR_DAYS):
        return in_days(place, limit, first, stops)
    left = limit.amount * (1 if limit.unit is LimitUnit.MINUTES else 60)
    for moment, is_worked in walk(place, first):
        if moment < start or is_stopped(moment, stops):
            continue
        left -= is_worked or limit.unit is not LimitUnit.WORKING_HOURS
        if not left:
            return moment + MINUTE
    raise AssertionError


def in_days(
    place: Place, limit: Limit, first: date, stops: Sequence[tuple[datetime, datetime]]
) -> datetime:
    """Return the end of a limit in days: see the head of `limits` for what counts."""
    day, counted, end = first, 0, None
    while True:
        day += timedelta(days=1)
        worked = [moment for moment, is_worked in minutes_of(place, day) if is_worked]
        if not worked and limit.unit is LimitUnit.WORKING_DAYS:
            continue
        deciding = worked or [moment for moment, _ in minutes_of(place, day)]
        running = [moment for moment in deciding if not is_stopped(moment, stops)]
        if len(running) * 2 <= len(deciding):
            continue
        counted += 1
        if counted < limit.amount or not worked:
            continue
        close = worked[-1] + MINUTE
        reached = close
        left = len([moment for moment in worked if moment > running[-1]])
        if left:
            for moment, is_worked in walk(place, close.astimezone(place.zone).date()):
                if moment >= close and is_worked and not is_stopped(moment, stops):
                    left -= 1
                    if not left:
                        reached = moment + MINUTE
                        break
        end = reached if end is None else min(end, reached)
        if end <= close:
            return end


def a_case(chance: random.Random) -> tuple[Place, Limit, datetime, list[tuple[datetime, datetime]]]:
    """Return a limit that somebody may have set, and what may have happened to it."""
    place = chance.choice(PLACES)
    unit = chance.choice(list(LimitUnit))
    most = {LimitUnit.MINUTES: 3000, LimitUnit.HOURS: 200, LimitUnit.WORKING_HOURS: 60}.get(
        unit, 20
    )
    begin = datetime(YEARS[0], 1, 1, tzinfo=UTC)
    start = begin + chance.randrange((len(YEARS) * 365) * 24 * 60) * MINUTE
    stops = []
    for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
        stopped = start + chance.randrange(-2 * 24 * 60, 12 * 24 * 60) * MINUTE
        length = chance.choice((1, 30, 180, 420, 24 * 60, 4 * 24 * 60))
        stops.append((stopped, stopped + chance.randrange(1, length + 1) * MINUTE))
    return place, Limit(chance.randrange(1, most + 1), unit), start, stops


@takes_its_time
@pytest.mark.parametrize("seed", range(CHUNKS))
def test_the_engine_agrees_with_a_walk_minute_by_minute(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same cases every time
    for _ in range(CASES // CHUNKS):
        place, limit, start, stops = a_case(chance)
        due = due_at(place.calendar, limit, start, stops)
        case = f"{place.name}: {limit} from {start}, stopped {stops}"

        assert due == model(place, limit, start, stops), case
        if limit.unit in (LimitUnit.WORKING_DAYS, LimitUnit.WORKING_HOURS, LimitUnit.CALENDAR_DAYS):
            last_minute = due - MINUTE
            local_day = last_minute.astimezone(place.zone).date()
            assert (last_minute, True) in minutes_of(place, local_day), case
