"""When a message may go out: by the working calendar, and by what its reader chose.

Pure: no database, no framework, no clock. There is no other place that decides about it.
"""

import enum
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from tracker.organisation.calendar import WorkingCalendar

NIGHT_ENDS: Final = time(8)
NIGHT_BEGINS: Final = time(20)
"""Nobody is written to between these, on the organisation's clock, unless the office is open then."""
AN_HOUR: Final = timedelta(hours=1)
_DAYS_LOOKED_AT: Final = 14
"""Working days after which quiet hours that leave no time are not waited for any longer."""


class Rhythm(enum.StrEnum):
    """At which moments somebody wants to be written to."""

    AT_ONCE = "at_once"
    HOURLY = "hourly"
    """At the full hour."""
    DAILY = "daily"
    """On each working day, as work begins."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody chose. The quiet hours are local and half-open, and may pass over midnight."""

    rhythm: Rhythm = Rhythm.AT_ONCE
    quiet_from: time | None = None
    quiet_until: time | None = None

    def is_quiet(self, at: time) -> bool:
        """Tell whether `at` lies within the quiet hours."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= at < self.quiet_until
        return at >= self.quiet_from or at < self.quiet_until


NO_WISHES: Final = Wishes()


def time_to_send(
    now: datetime,
    calendar: WorkingCalendar,
    wishes: Wishes = NO_WISHES,
    *,
    is_urgent: bool = False,
) -> datetime:
    """Return when a message that is written at `now` goes out: `now` itself, or later, in UTC.

    What is urgent goes at once, at night and on a day of rest, too. Everything else waits for the
    next moment by day on a working day outside the quiet hours, and for the reader's rhythm. Quiet
    hours that leave no such moment are not heeded.
    """
    now = now.astimezone(UTC)
    if is_urgent:
        return now
    earliest = _in_rhythm(now, calendar, wishes.rhythm)
    day = calendar.local_date(earliest)
    for working_day in _some_working_days(calendar, day):
        found = _within(working_day, earliest, calendar, wishes)
        if found is not None:
            return found
    return time_to_send(now, calendar, Wishes(wishes.rhythm))


def leaves_time(calendar: WorkingCalendar, day: date, wishes: Wishes) -> bool:
    """Tell whether the quiet hours leave some of the daytime of a working day."""
    begins, _ends = _daytime(calendar, day)
    return _within(day, begins, calendar, wishes) is not None


def _in_rhythm(now: datetime, calendar: WorkingCalendar, rhythm: Rhythm) -> datetime:
    """Return the first moment from `now` on at which the reader wants to be written to."""
    match rhythm:
        case Rhythm.AT_ONCE:
            return now
        case Rhythm.HOURLY:
            full = now.astimezone(calendar.time_zone).replace(minute=0, second=0, microsecond=0)
            hour = full.astimezone(UTC)
            return hour if hour >= now else hour + AN_HOUR
        case Rhythm.DAILY:
            mornings = map(calendar.opening, _some_working_days(calendar, calendar.local_date(now)))
            return next(morning for morning in mornings if morning >= now)


def _some_working_days(calendar: WorkingCalendar, day: date) -> list[date]:
    days = calendar.working_days_from(day)
    return [next(days) for _ in range(_DAYS_LOOKED_AT)]


def _within(
    day: date, earliest: datetime, calendar: WorkingCalendar, wishes: Wishes
) -> datetime | None:
    """Return the first moment of a working day's daytime from `earliest` on that is not quiet."""
    begins, ends = _daytime(calendar, day)
    moments = [max(begins, earliest)]
    if wishes.quiet_until is not None:
        moments.append(max(_moment(calendar, day, wishes.quiet_until), earliest))
    for moment in sorted(moments):
        local = moment.astimezone(calendar.time_zone).time()
        if begins <= moment < ends and not wishes.is_quiet(local):
            return moment
    return None


def _daytime(calendar: WorkingCalendar, day: date) -> tuple[datetime, datetime]:
    """Return from when until when one may be written to on a working day, in UTC."""
    return (
        min(calendar.opening(day), _moment(calendar, day, NIGHT_ENDS)),
        max(calendar.closing(day), _moment(calendar, day, NIGHT_BEGINS)),
    )


def _moment(calendar: WorkingCalendar, day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=calendar.time_zone).astimezone(UTC)
