"""Due times: how long a request may take, when the clock stood still, and what is overdue.

Pure. How each unit counts, after Chinese practice (Civil Code, articles 201 and 203), is the
same everywhere else close enough:

- minutes and hours run through nights and holidays; working hours only in working time. What
  passes while the clock stands still is not counted, to the second.
- working days count from the working day after the start. A day counts unless the clock stood
  still for at least half of its working time, and the limit ends at the close of work of the last
  day counted. Where the clock stood still at that close, what was left of the day's working time
  when it stopped is added after it: minutes at closing time give minutes, and no day.
- calendar days count the same way, days of rest included: one of those counts unless the clock
  stood still for half of it. When the last of them is a day of rest, the limit ends at the close
  of work of the next working day.

So a limit in days never ends while nobody works, nor while the clock stands still. What ends with a
day, at 24:00, ends on that day: days on top of it or past it count from the next one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import ClassVar, Final, TypeAlias, assert_never

from tracker.organisation.calendar import ONE_DAY, Stretch, WorkingCalendar
from tracker.service_requests.lifecycle import Priority

Stops: TypeAlias = Sequence[tuple[datetime, datetime | None]]
"""When the clock stood still: half-open, aware, in any order. None: it still does."""

FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)

NEAR_SHARE: Final = 0.8
"""How much of a limit is used when its end is near."""


class Clock(StrEnum):
    """What a request may take too long for. Each has a limit of its own, in the order of its life."""

    ACCEPT = "accept"
    """From submitting until a desk accepts it: what the front page promises, the same for all."""
    FIRST_RESPONSE = "first_response"
    """From accepting until the requester has a person's word, or a visit."""
    RETURN = "return"
    """From assigning, how long the team may give it back."""
    SIGN_FOR = "sign_for"
    """From assigning until the team signs for it."""
    RESOLVE = "resolve"
    """From accepting until there is a result."""


class LimitUnit(StrEnum):
    """What a limit is measured in."""

    MINUTES = "minutes"
    HOURS = "hours"
    WORKING_HOURS = "working_hours"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"


ELAPSED_UNITS: Final = (LimitUnit.MINUTES, LimitUnit.HOURS)
DAY_UNITS: Final = (LimitUnit.WORKING_DAYS, LimitUnit.CALENDAR_DAYS)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take. Raises `ValueError` when that is less than one unit."""

    amount: int
    unit: LimitUnit

    def __post_init__(self) -> None:
        """Refuse a limit that would be over when it begins."""
        if self.amount < 1:
            message = "A limit is at least one unit long."
            raise ValueError(message)


_A_WORKING_DAY: Final = Limit(1, LimitUnit.WORKING_DAYS)

DEFAULT_LIMITS: Final[Mapping[Clock, Mapping[Priority, Limit]]] = {
    Clock.ACCEPT: {
        Priority.EMERGENCY: Limit(2, LimitUnit.HOURS),
        Priority.URGENT: _A_WORKING_DAY,
        Priority.NORMAL: _A_WORKING_DAY,
        Priority.COMPLEX: _A_WORKING_DAY,
    },
    Clock.FIRST_RESPONSE: {
        Priority.EMERGENCY: Limit(1, LimitUnit.HOURS),
        Priority.URGENT: Limit(4, LimitUnit.HOURS),
        Priority.NORMAL: _A_WORKING_DAY,
        Priority.COMPLEX: Limit(2, LimitUnit.WORKING_DAYS),
    },
    Clock.RETURN: dict.fromkeys(Priority, _A_WORKING_DAY),
    Clock.SIGN_FOR: {
        Priority.EMERGENCY: Limit(30, LimitUnit.MINUTES),
        Priority.URGENT: Limit(2, LimitUnit.HOURS),
        Priority.NORMAL: _A_WORKING_DAY,
        Priority.COMPLEX: _A_WORKING_DAY,
    },
    Clock.RESOLVE: {
        Priority.EMERGENCY: Limit(2, LimitUnit.HOURS),
        Priority.URGENT: Limit(24, LimitUnit.HOURS),
        Priority.NORMAL: Limit(5, LimitUnit.WORKING_DAYS),
        Priority.COMPLEX: Limit(15, LimitUnit.WORKING_DAYS),
    },
}
"""What holds where nobody set anything else. Source: product.md, section 4; the rest after practice of 12345 desks."""


def due_at(
    calendar: WorkingCalendar, limit: Limit, start: datetime, stops: Stops = ()
) -> datetime | None:
    """Return when a limit that began at `start` ends, in UTC.

    None while the clock stands still: nobody knows for how long. All times must be aware.
    """
    stopped = _stopped(start, stops)
    return None if stopped is None else _due_at(calendar, limit, start, stopped)


def near_at(
    calendar: WorkingCalendar, limit: Limit, start: datetime, stops: Stops = ()
) -> datetime | None:
    """Return when 80 % of the time until `due_at` is used, in UTC; None while there is none.

    Working hours and days use working time, the other units all of it, both without what
    passed while the clock stood still. 5 working days are near at the close of the fourth.
    """
    stopped = _stopped(start, stops)
    if stopped is None:
        return None
    due = _due_at(calendar, limit, start, stopped)
    begins = start
    if limit.unit is LimitUnit.WORKING_DAYS:
        begins = calendar.opening(calendar.next_working_day(calendar.local_date(start)))
    running = list(_without(stopped, _until(due, _used(calendar, limit.unit, begins))))
    return _after(_length(running) * NEAR_SHARE, running)


def past(end: datetime) -> datetime:
    """Return from when days count that come on top of a limit, or after it, which ends at `end`.

    A limit that ends with a day ends on that day: the next one is the first that counts.
    """
    return end - timedelta.resolution


def is_overdue(due_at: datetime | None, now: datetime, finished_at: datetime | None = None) -> bool:
    """Tell whether something is overdue, or was when it was finished.

    The one definition, for lists, colours, counts, mails and figures. At the due time itself it
    still is in time; without a due time (clock stopped in time, not accepted yet) it is never overdue.
    """
    return due_at is not None and (finished_at or now) > due_at


def keeps(due_at: datetime | None, stops: Stops) -> bool:
    """Tell whether a due time holds: every stop that lasts began when it had passed.

    A question makes nothing punctual. What was in time as its clock stopped has no due time until
    that runs again.
    """
    return all(is_overdue(due_at, begun) for begun, ended in stops if ended is None)


# ---------------------------------------------------------------- the clock log


class ClockEntryKind(StrEnum):
    """What a line of the clock log tells."""

    COUNTED = "counted"
    STOPPED = "stopped"
    HOLIDAY = "holiday"
    MAKE_UP_DAY = "make_up_day"
    PROVISIONAL = "provisional"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Stop:
    """A stretch in which the clock stood still, and why. `resumed_at` None: it still does."""

    stopped_at: datetime
    resumed_at: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """Days that count, `first_on` to `last_on`; or time, where the limit is not in days."""

    kind: ClassVar[ClockEntryKind] = ClockEntryKind.COUNTED
    first_on: date
    last_on: date
    is_ahead: bool
    """Whether this is still to come."""
    days: int | None = None
    time: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The clock stood still, or does now (`stop.resumed_at` None)."""

    kind: ClassVar[ClockEntryKind] = ClockEntryKind.STOPPED
    stop: Stop
    days: int | None = None
    """How many days did not count because of this; None where the limit is not in days."""
    time: timedelta | None = None
    """How much time did not count because of this; None where the limit is in days."""


@dataclass(frozen=True, slots=True)
class HolidaySkipped:
    """Weekdays that did not count because they are holidays. Both dates are included."""

    kind: ClassVar[ClockEntryKind] = ClockEntryKind.HOLIDAY
    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class MakeUpDayCounted:
    """A day on a weekend that counted, because another day was off for it."""

    kind: ClassVar[ClockEntryKind] = ClockEntryKind.MAKE_UP_DAY
    on: date


@dataclass(frozen=True, slots=True)
class Provisional:
    """The due time may move: make-up days after `known_through` are not announced yet."""

    kind: ClassVar[ClockEntryKind] = ClockEntryKind.PROVISIONAL
    known_through: date


@dataclass(frozen=True, slots=True)
class Due:
    """When the limit ends, in UTC."""

    kind: ClassVar[ClockEntryKind] = ClockEntryKind.DUE
    at: datetime


ClockEntry: TypeAlias = Counted | Stopped | HolidaySkipped | MakeUpDayCounted | Provisional | Due


def explain(
    calendar: WorkingCalendar,
    limit: Limit,
    start: datetime,
    stops: Sequence[Stop] = (),
    *,
    now: datetime,
) -> list[ClockEntry]:
    """Return why a limit ends when it does, in order of time, for a page to put in words.

    What is `is_ahead` had not been used at `now`. The days and times that count add up to the
    limit, except while the clock stands still: then the log ends with that stop, and no entry
    says when it is due.
    """
    due = due_at(calendar, limit, start, [_pair(stop) for stop in stops])
    known = sorted(
        (
            stop
            for stop in stops
            if (stop.resumed_at is None or stop.resumed_at > start)
            and (due is None or stop.stopped_at < due)
        ),
        key=lambda stop: stop.stopped_at,
    )
    of_unit = _explain_days if limit.unit in DAY_UNITS else _explain_time
    lines = sorted(of_unit(calendar, limit, start, known, now), key=itemgetter(0))
    log = [entry for _, entry in lines]
    if due is None:
        return log
    through = calendar.known_through
    if through is not None and limit.unit not in ELAPSED_UNITS:
        is_known = calendar.is_known(calendar.local_date(due))
        log.extend([] if is_known else [Provisional(through)])
    return [*log, Due(due)]


# ---------------------------------------------------------------- helpers: counting


def _stopped(start: datetime, stops: Stops) -> list[Stretch] | None:
    """Return the stops from `start` on, in order, none touching the next; None if one lasts."""
    stopped: list[Stretch] = []
    for begin, end in sorted(stops, key=lambda stop: stop[0]):
        if end is None:
            return None
        begins, ends = max(begin, start).astimezone(UTC), end.astimezone(UTC)
        if begins >= ends:
            continue
        if stopped and begins <= stopped[-1][1]:
            stopped[-1] = (stopped[-1][0], max(stopped[-1][1], ends))
        else:
            stopped.append((begins, ends))
    return stopped


def _due_at(
    calendar: WorkingCalendar, limit: Limit, start: datetime, stopped: Sequence[Stretch]
) -> datetime:
    match limit.unit:
        case LimitUnit.WORKING_DAYS | LimitUnit.CALENDAR_DAYS:
            day = calendar.local_date(start)
            if not stopped:
                return _last_close_after(calendar, limit, day)
            return _last_close(calendar, limit, day, stopped)
        case LimitUnit.MINUTES:
            unit = timedelta(minutes=1)
        case LimitUnit.HOURS | LimitUnit.WORKING_HOURS:
            unit = timedelta(hours=1)
        case _:
            assert_never(limit.unit)
    return _after(limit.amount * unit, _without(stopped, _used(calendar, limit.unit, start)))


@lru_cache(maxsize=4096)
def _last_close_after(calendar: WorkingCalendar, limit: Limit, after: date) -> datetime:
    """Return the end of a limit in days that nothing stopped: the same for all of a day's requests."""
    return _last_close(calendar, limit, after, ())


def _last_close(
    calendar: WorkingCalendar, limit: Limit, after: date, stopped: Sequence[Stretch]
) -> datetime:
    counted = 0
    end = FOR_EVER
    for day in _days_after(after):
        works = calendar.is_working_day(day)
        counts_always = limit.unit is LimitUnit.CALENDAR_DAYS
        if (works or counts_always) and not _is_stopped(calendar, day, stopped):
            counted += 1
            if counted >= limit.amount and works:
                # Moved past a shorter day that counts too, it ends at that one's close.
                end = min(end, _end_of(calendar, day, stopped))
                if end <= calendar.closing(day):
                    return end
    raise AssertionError  # days never end


def _end_of(calendar: WorkingCalendar, day: date, stopped: Sequence[Stretch]) -> datetime:
    """Return the close of a day that counts, moved by what the clock stood still before it."""
    close = calendar.closing(day)
    if not stopped:
        return close
    *_, (_, ran_until) = _without(stopped, calendar.stretches(day))
    left = calendar.working_time_between(ran_until, close)
    if not left:
        return close
    return _after(left, _without(stopped, calendar.working_stretches_from(close)))


def _days_after(day: date) -> Iterator[date]:
    while True:
        day += ONE_DAY
        yield day


def _close(calendar: WorkingCalendar, day: date) -> datetime:
    """Return when a day is over: at its close of work, else at midnight."""
    return calendar.closing(day) if calendar.is_working_day(day) else calendar.end_of_day(day)


def _time_of(calendar: WorkingCalendar, day: date) -> Sequence[Stretch]:
    """Return the time of a day that decides whether it counts: its working time, else all of it."""
    return calendar.stretches(day) or ((_begin(calendar, day), calendar.end_of_day(day)),)


def _is_stopped(calendar: WorkingCalendar, day: date, stopped: Sequence[Stretch]) -> bool:
    """Tell whether the clock stood still for at least half of a day's time."""
    if not stopped:
        return False
    time = _time_of(calendar, day)
    return _length(_without(stopped, time)) * 2 <= _length(time)


def _used(calendar: WorkingCalendar, unit: LimitUnit, start: datetime) -> Iterator[Stretch]:
    """Yield the time that a unit uses, from `start` on, in order, without end."""
    if unit in (LimitUnit.WORKING_HOURS, LimitUnit.WORKING_DAYS):
        return calendar.working_stretches_from(start)
    return iter([(start.astimezone(UTC), FOR_EVER)])


def _until(end: datetime, stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    for begin, until in stretches:
        if begin >= end:
            return
        yield begin, min(until, end)


def _without(stopped: Sequence[Stretch], stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    for begin, end in stretches:
        at = begin
        for stop_begin, stop_end in stopped:
            if stop_end <= at or stop_begin >= end:
                continue
            if at < stop_begin:
                yield at, stop_begin
            at = stop_end
        if at < end:
            yield at, end


def _length(stretches: Iterable[Stretch]) -> timedelta:
    return sum((end - begin for begin, end in stretches), timedelta())


def _after(length: timedelta, running: Iterable[Stretch]) -> datetime:
    """Return the moment at which `length` of the running time is used up."""
    left = length
    for begin, end in running:
        if left <= end - begin:
            return begin + left
        left -= end - begin
    raise AssertionError  # running time never ends


# ---------------------------------------------------------------- helpers: explaining

_Line: TypeAlias = tuple[datetime, ClockEntry]
"""An entry, and where in time it belongs."""


def _explain_days(
    calendar: WorkingCalendar, limit: Limit, start: datetime, stops: Sequence[Stop], now: datetime
) -> Iterator[_Line]:
    days = list(_verdicts(calendar, limit, start, stops, now))
    for (kind, detail), group in groupby(days, key=itemgetter(1)):
        on = [day for day, _ in group]
        begins = _begin(calendar, on[0])
        if kind is ClockEntryKind.COUNTED:
            yield begins, Counted(on[0], on[-1], is_ahead=bool(detail), days=len(on))
            if limit.unit is LimitUnit.WORKING_DAYS:
                for day in filter(calendar.is_make_up_day, on):
                    yield _begin(calendar, day), MakeUpDayCounted(day)
        elif kind is ClockEntryKind.HOLIDAY:
            yield begins, HolidaySkipped(on[0], on[-1])
    stopped = Counter(detail for _, (kind, detail) in days if kind is ClockEntryKind.STOPPED)
    for number, stop in enumerate(stops):
        yield stop.stopped_at, Stopped(stop, days=stopped[number])


def _verdicts(
    calendar: WorkingCalendar, limit: Limit, start: datetime, stops: Sequence[Stop], now: datetime
) -> Iterator[tuple[date, tuple[ClockEntryKind, int]]]:
    """Yield what became of each day that matters, until the limit ends or the clock stops.

    The number is whether a counted day is ahead, or which stop kept a day from counting.
    """
    until = due_at(calendar, limit, start, [_pair(stop) for stop in stops]) or now
    every_day_counts = limit.unit is LimitUnit.CALENDAR_DAYS
    left = limit.amount
    ended = [_ended(stop) for stop in stops]
    stopped = _stopped(start, ended) or []
    for day in _days_after(calendar.local_date(start)):
        close = _close(calendar, day)
        if close > until:
            return
        is_stopped = _is_stopped(calendar, day, stopped)
        may_count = left > 0 and (every_day_counts or calendar.is_working_day(day))
        if may_count and is_stopped:
            yield day, (ClockEntryKind.STOPPED, _longest(ended, _time_of(calendar, day)))
        elif may_count:
            left -= 1
            yield day, (ClockEntryKind.COUNTED, close > now)
        elif calendar.is_holiday(day) and not is_stopped:
            yield day, (ClockEntryKind.HOLIDAY, 0)


def _longest(stops: Sequence[Stretch], time: Sequence[Stretch]) -> int:
    """Return which stop took the most of some time."""
    return min(range(len(stops)), key=lambda number: _length(_without([stops[number]], time)))


def _explain_time(
    calendar: WorkingCalendar, limit: Limit, start: datetime, stops: Sequence[Stop], now: datetime
) -> Iterator[_Line]:
    until = due_at(calendar, limit, start, [_pair(stop) for stop in stops]) or now
    used = list(_until(until, _used(calendar, limit.unit, start)))
    ended = [_ended(stop) for stop in stops]
    running = [piece for stretch in _without(ended, used) for piece in _split(stretch, at=now)]
    for (is_ahead, _), group in groupby(
        running, key=lambda piece: (piece[0] >= now, sum(end <= piece[0] for _, end in ended))
    ):
        pieces = list(group)
        first_on = calendar.local_date(pieces[0][0])
        last_on = calendar.local_date(pieces[-1][1] - timedelta.resolution)
        yield pieces[0][0], Counted(first_on, last_on, is_ahead=is_ahead, time=_length(pieces))
    for stop in stops:
        lost = _length(used) - _length(_without([_ended(stop)], used))
        yield stop.stopped_at, Stopped(stop, time=lost)
    if limit.unit is LimitUnit.WORKING_HOURS:
        yield from _unusual_days(calendar, start, until, running)


def _unusual_days(
    calendar: WorkingCalendar, start: datetime, until: datetime, running: Sequence[Stretch]
) -> Iterator[_Line]:
    """Yield the holidays passed over and the make-up days on which the clock ran."""
    first = calendar.local_date(start)
    days = [first + ONE_DAY * n for n in range((calendar.local_date(until) - first).days + 1)]
    ordinary = [day for day in days if calendar.is_working_day(day) or calendar.is_holiday(day)]
    for is_holiday, group in groupby(ordinary, key=calendar.is_holiday):
        on = list(group)
        if is_holiday:
            yield _begin(calendar, on[0]), HolidaySkipped(on[0], on[-1])
    run_on = {calendar.local_date(begin) for begin, _ in running}
    for day in filter(calendar.is_make_up_day, days):
        if day in run_on:
            yield _begin(calendar, day), MakeUpDayCounted(day)


def _begin(calendar: WorkingCalendar, day: date) -> datetime:
    return calendar.end_of_day(day - ONE_DAY)


def _split(stretch: Stretch, *, at: datetime) -> list[Stretch]:
    begin, end = stretch
    return [(begin, at), (at, end)] if begin < at < end else [stretch]


def _pair(stop: Stop) -> tuple[datetime, datetime | None]:
    return stop.stopped_at, stop.resumed_at


def _ended(stop: Stop) -> Stretch:
    return stop.stopped_at, stop.resumed_at or FOR_EVER
