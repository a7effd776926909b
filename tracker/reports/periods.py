"""Periods that people ask for: whole months, quarters and years of the organisation's calendar.

Pure. A month is told by its first day. A period includes its first day and excludes `end`, the day after its last.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

MONTHS_A_YEAR: Final = 12


class Choice(StrEnum):
    """The periods offered."""

    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    THIS_QUARTER = "this_quarter"
    LAST_QUARTER = "last_quarter"
    THIS_YEAR = "this_year"
    LAST_YEAR = "last_year"
    LAST_12_MONTHS = "last_12_months"
    ALL = "all"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` to the one before `end`; None: without a bound."""

    start: date | None
    end: date | None

    @property
    def last(self) -> date | None:
        """Return the last day, as people write it."""
        return self.end - timedelta(days=1) if self.end else None

    @property
    def is_backwards(self) -> bool:
        """Tell whether it ends before it begins: somebody mixed up the two days."""
        return self.start is not None and self.end is not None and self.end <= self.start

    def is_over(self, today: date) -> bool:
        """Tell whether its last day has passed: only then is it as long as the period before."""
        return self.end is not None and self.end <= today


def period_for(choice: Choice, today: date) -> Period:
    """Return the days of a choice; `CUSTOM` without its days is all time."""
    month = today.replace(day=1)
    quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
    year = month.replace(month=1)
    match choice:
        case Choice.THIS_MONTH:
            return Period(month, months_later(month, 1))
        case Choice.LAST_MONTH:
            return Period(months_later(month, -1), month)
        case Choice.THIS_QUARTER:
            return Period(quarter, months_later(quarter, 3))
        case Choice.LAST_QUARTER:
            return Period(months_later(quarter, -3), quarter)
        case Choice.THIS_YEAR:
            return Period(year, months_later(year, MONTHS_A_YEAR))
        case Choice.LAST_YEAR:
            return Period(months_later(year, -MONTHS_A_YEAR), year)
        case Choice.LAST_12_MONTHS:
            following = months_later(month, 1)
            return Period(months_later(following, -MONTHS_A_YEAR), following)
        case _:
            return Period(None, None)


def before(period: Period) -> Period | None:
    """Return the period just before, equally long: in months if it is made of whole months.

    None when the period has no beginning or no end.
    """
    start, end = period.start, period.end
    if start is None or end is None or end <= start:
        return None
    if start.day == end.day == 1:
        months = (end.year - start.year) * MONTHS_A_YEAR + end.month - start.month
        return Period(months_later(start, -months), start)
    return Period(start - (end - start), start)


def months_later(first: date, months: int) -> date:
    """Return the first of the month `months` after that of `first`."""
    number = first.year * MONTHS_A_YEAR + first.month - 1 + months
    return date(number // MONTHS_A_YEAR, number % MONTHS_A_YEAR + 1, 1)


def month_of(moment: datetime, zone: ZoneInfo) -> date:
    """Return the first day of the month in which a moment lies in `zone`."""
    local = moment.astimezone(zone)
    return date(local.year, local.month, 1)


def month_begins(month: date, zone: ZoneInfo) -> datetime:
    """Return when a month begins on the clock of `zone`."""
    return datetime(month.year, month.month, 1, tzinfo=zone)


def months_between(start: datetime, end: datetime, zone: ZoneInfo) -> list[date]:
    """Return the months of `zone` of which some lies from `start` to before `end`, oldest first."""
    months: list[date] = []
    month = month_of(start, zone)
    while month_begins(month, zone) < end:
        months.append(month)
        month = months_later(month, 1)
    return months
