"""The working calendar: when an organisation works, and the arithmetic on its working time.

Pure: no database, no framework, no clock. Public holidays and make-up working days (调休: a
weekend day that is worked in exchange for a day off) come from the `holidays` library; the
organisation's own additions go over them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays, list_supported_countries

Span: TypeAlias = tuple[time, time]
"""Local opening and closing time, half-open. A closing time of 00:00 is the end of the day."""

Stretch: TypeAlias = tuple[datetime, datetime]
"""From and until, aware, in UTC, half-open."""

MIDNIGHT: Final = time(0)
FRIDAY: Final = 4
ONE_DAY: Final = timedelta(days=1)
OFFICE_HOURS: Final[tuple[Span, ...]] = ((time(9), time(12)), (time(14), time(18)))

# Where the government moves working days to weekends by a decree of each year, so that a year
# is known only once its decree is. Elsewhere holidays follow from standing law.
COUNTRIES_THAT_MOVE_DAYS: Final = frozenset(
    {"AZ", "BY", "CN", "HU", "KG", "KZ", "LV", "RU", "UZ", "VN"}
)
# Some of them move no day in some years; a later year with moved days proves a year known.
YEARS_WITHOUT_A_MOVE: Final = 2

TWO_LETTERS: Final = 2
"""So long is a code of ISO 3166-1; `holidays` knows longer ones of the same countries, too."""

LANGUAGES: Final = {"zh": ("zh_CN", "zh_TW", "zh_HK"), "en": ("en_US", "en_GB", "en_HK")}
"""The names that `holidays` has for the two languages of the interface, best first."""


@dataclass(frozen=True)
class WorkingCalendar:
    """When an organisation works. Equal calendars are interchangeable and hashable.

    Raises `ValueError` when `working_hours` has not seven weekdays, when the spans of a day
    overlap or are out of order, or when no weekday is worked.
    """

    time_zone: ZoneInfo
    working_hours: tuple[tuple[Span, ...], ...]
    """The spans of each weekday, Monday first. Nothing on a weekly day of rest."""
    holidays: frozenset[date] = frozenset()
    """Days that are not worked although their weekday is. May hold days of rest as well."""
    make_up_days: frozenset[date] = frozenset()
    """Days that are worked although their weekday is not, or is a holiday."""
    known_through: date | None = None
    """The last day whose holidays and make-up days are known. None: there is no such limit."""
    _stretches: dict[date, tuple[Stretch, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Days already worked out: an import asks for the same ones a hundred thousand times."""

    def __post_init__(self) -> None:
        """Refuse hours that no calendar can have, so that every search for a day ends."""
        if len(self.working_hours) != 7:
            message = "A week has seven days."
            raise ValueError(message)
        if not any(self.working_hours):
            message = "At least one weekday must be worked."
            raise ValueError(message)
        for spans in self.working_hours:
            _check_spans(spans)

    def is_working_day(self, day: date) -> bool:
        """Tell whether `day`, a local date, is worked. A make-up day wins over a holiday."""
        if day in self.make_up_days:
            return True
        return day not in self.holidays and bool(self.working_hours[day.weekday()])

    def is_make_up_day(self, day: date) -> bool:
        """Tell whether `day` is worked only because another day is off."""
        return day in self.make_up_days and not self.working_hours[day.weekday()]

    def is_holiday(self, day: date) -> bool:
        """Tell whether `day` would be worked if it were not a holiday."""
        return bool(self.working_hours[day.weekday()]) and not self.is_working_day(day)

    def is_known(self, day: date) -> bool:
        """Tell whether the holidays and make-up days around `day` are known for certain."""
        return self.known_through is None or day <= self.known_through

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the local working hours of `day`; nothing when it is not worked.

        A make-up day on a day of rest has the hours of a Friday, or those of the first working
        weekday where Fridays are not worked.
        """
        if not self.is_working_day(day):
            return ()
        return (
            self.working_hours[day.weekday()]
            or self.working_hours[FRIDAY]
            or next(filter(None, self.working_hours))
        )

    def stretches(self, day: date) -> tuple[Stretch, ...]:
        """Return the working time of `day` as moments. It is right on days the clocks change."""
        known = self._stretches.get(day)
        if known is None:
            known = self._stretches[day] = tuple(self._stretches_of(day))
        return known

    def opening(self, day: date) -> datetime:
        """Return when the work of `day` begins, in UTC. Raises `ValueError` on a day of rest."""
        return self._stretches_of_working_day(day)[0][0]

    def closing(self, day: date) -> datetime:
        """Return when the work of `day` ends, in UTC. Raises `ValueError` on a day of rest."""
        return self._stretches_of_working_day(day)[-1][1]

    def end_of_day(self, day: date) -> datetime:
        """Return the midnight that ends `day` in the organisation's zone, in UTC."""
        return self._moment(day + ONE_DAY, MIDNIGHT)

    def local_date(self, moment: datetime) -> date:
        """Return the date that `moment`, which must be aware, has in the organisation's zone."""
        if moment.tzinfo is None:
            message = "The moment must be aware."
            raise ValueError(message)
        return moment.astimezone(self.time_zone).date()

    def working_days_from(self, day: date) -> Iterator[date]:
        """Yield every working day from `day`, which is included, without end."""
        while True:
            if self.is_working_day(day):
                yield day
            day += ONE_DAY

    def next_working_day(self, after: date) -> date:
        """Return the first working day after `after`."""
        return next(self.working_days_from(after + ONE_DAY))

    def working_days_between(self, after: date, until: date) -> int:
        """Count the working days after `after` up to `until`, which is included.

        The same day counts 0, the next working day 1. 0 when `until` is before `after`.
        """
        days = (after + timedelta(days=n) for n in range(1, (until - after).days + 1))
        return sum(map(self.is_working_day, days))

    def working_stretches_from(self, start: datetime) -> Iterator[Stretch]:
        """Yield the working time from `start` on, in order, without end. None is empty."""
        for day in self.working_days_from(self.local_date(start)):
            for opens, closes in self.stretches(day):
                opened = max(opens, start.astimezone(UTC))
                if opened < closes:
                    yield opened, closes

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time lies in the half-open period from `start` to `end`."""
        total = timedelta()
        if start >= end:
            return total
        for opens, closes in self.working_stretches_from(start):
            if opens >= end:
                break
            total += min(closes, end) - opens
        return total

    def is_working_time(self, moment: datetime) -> bool:
        """Tell whether somebody is at work at `moment`."""
        return self.next_working_time(moment) == moment

    def next_working_time(self, moment: datetime) -> datetime:
        """Return `moment` itself when somebody is at work then, else the next opening, in UTC."""
        return next(self.working_stretches_from(moment))[0]

    def _stretches_of(self, day: date) -> Iterator[Stretch]:
        for opens, closes in self.spans(day):
            closing_day = day if closes > opens else day + ONE_DAY
            opened, closed = self._moment(day, opens), self._moment(closing_day, closes)
            if opened < closed:  # not so where the clocks skip the whole span
                yield opened, closed

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, tzinfo=self.time_zone).astimezone(UTC)

    def _stretches_of_working_day(self, day: date) -> tuple[Stretch, ...]:
        stretches = self.stretches(day)
        if not stretches:
            message = f"{day} is not a working day."
            raise ValueError(message)
        return stretches


def working_calendar(
    country: str,
    time_zone: str,
    years: Iterable[int],
    overrides: Mapping[date, bool],
    hours: Sequence[Span] = OFFICE_HOURS,
    *,
    weekend: Iterable[int] | None = None,
    week: Sequence[Sequence[Span]] | None = None,
) -> WorkingCalendar:
    """Return the working calendar of a country for all years from the first to the last given.

    `country` is an ISO 3166-1 code; "" has no public holidays and rests on Saturday and Sunday.
    `overrides` are the organisation's own days: worked (True) or not (False), whatever the
    public calendar says. `hours` are those of every working weekday. `weekend` (Monday is 0)
    replaces the country's own days of rest. `week`, the hours of each weekday from Monday on,
    replaces both.

    The calendar is known through the end of the last year given, or less: where a government
    moves working days by decree (China: the State Council's notice, in November), a year is
    known only when the library knows its make-up days, or when `overrides` hold some.

    Raises `ValueError` for a country that has no public calendar (see `countries`), for hours
    that no calendar can have, or when no year is given, and `ZoneInfoNotFoundError`, a
    `KeyError`, for an unknown time zone.
    """
    return _working_calendar(
        country,
        time_zone,
        tuple(sorted(set(years))),
        frozenset(overrides.items()),
        tuple(hours),
        None if weekend is None else frozenset(weekend),
        None if week is None else tuple(tuple(spans) for spans in week),
    )


@lru_cache(maxsize=1)
def countries() -> Sequence[str]:
    """Return the two letters of each country whose public holidays are known."""
    return tuple(sorted(code for code in list_supported_countries() if len(code) == TWO_LETTERS))


def holiday_names(country: str, year: int, language: str) -> Mapping[date, str]:
    """Return what the public holidays of a year are called, in `language` ("zh" or "en").

    Where the library has no such language, the names are in the country's own. Raises
    `ValueError` for a country that has no public calendar.
    """
    return dict(_holiday_names(country, year, language))


@lru_cache(maxsize=64)
def _working_calendar(
    country: str,
    time_zone: str,
    years: tuple[int, ...],
    overrides: frozenset[tuple[date, bool]],
    hours: tuple[Span, ...],
    weekend: frozenset[int] | None,
    week: tuple[tuple[Span, ...], ...] | None,
) -> WorkingCalendar:
    if not years:
        message = "A calendar needs at least one year."
        raise ValueError(message)
    first, last = years[0], years[-1]
    # The decree of one year may move a day of the year before: 2011-12-31 was worked for 2012.
    public = [_public_year(country, year) for year in range(first, last + 2)]
    rest = weekend if weekend is not None else public[0].weekend
    worked = frozenset(day for day, is_worked in overrides if is_worked)
    off = frozenset(day for day, is_worked in overrides if not is_worked)
    holidays = frozenset[date]().union(*(year.holidays for year in public))
    make_up_days = frozenset[date]().union(*(year.make_up_days for year in public))
    return WorkingCalendar(
        time_zone=ZoneInfo(time_zone),
        working_hours=week or tuple(() if weekday in rest else hours for weekday in range(7)),
        holidays=holidays - worked | off,
        make_up_days=frozenset(
            day for day in make_up_days - off | worked if day in worked or first <= day.year <= last
        ),
        known_through=_known_through(country, first, last, {day.year for day in worked}),
    )


@dataclass(frozen=True)
class _PublicYear:
    """What the library knows of one year of a country."""

    holidays: frozenset[date]
    make_up_days: frozenset[date]
    weekend: frozenset[int]


@lru_cache(maxsize=256)
def _public_year(country: str, year: int) -> _PublicYear:
    if not country:
        return _PublicYear(frozenset(), frozenset(), frozenset({5, 6}))
    public = _public_calendar(country, year)
    return _PublicYear(
        frozenset(public), frozenset(public.weekend_workdays), frozenset(public.weekend)
    )


def _public_calendar(country: str, year: int, language: str | None = None) -> HolidayBase:
    try:
        return country_holidays(country, years=year, language=language)
    except NotImplementedError:
        message = f"There is no public calendar of {country!r}."
        raise ValueError(message) from None


def _known_through(country: str, first: int, last: int, entered: set[int]) -> date:
    """Return the last day that is known for certain, at the earliest the day before `first`."""
    if country not in COUNTRIES_THAT_MOVE_DAYS:
        return date(last, 12, 31)
    known = first - 1
    for year in range(first, last + 1):
        window = range(year, year + YEARS_WITHOUT_A_MOVE + 1)
        if year not in entered and not any(map(_moves_a_day, (country,) * len(window), window)):
            break
        known = year
    return date(known, 12, 31)


def _moves_a_day(country: str, year: int) -> bool:
    return any(day.year == year for day in _public_year(country, year).make_up_days)


@lru_cache(maxsize=64)
def _holiday_names(country: str, year: int, language: str) -> tuple[tuple[date, str], ...]:
    if not country:
        return ()
    known = _public_calendar(country, year).supported_languages
    best = next((name for name in LANGUAGES[language] if name in known), None)
    named = _public_calendar(country, year, best)
    return tuple(sorted(named.items()))


def _check_spans(spans: tuple[Span, ...]) -> None:
    for opens, closes in spans:
        if closes <= opens and closes != MIDNIGHT:
            message = f"Working hours cannot end at {closes} when they begin at {opens}."
            raise ValueError(message)
    for (_, closes), (opens, _) in pairwise(spans):
        if closes > opens or closes == MIDNIGHT:
            message = f"Working hours that begin at {opens} overlap those before."
            raise ValueError(message)
