"""The calendar knows when people work: holidays, make-up days, own additions, summer time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from tracker.organisation.calendar import (
    OFFICE_HOURS,
    WorkingCalendar,
    countries,
    holiday_names,
    working_calendar,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = (*[OFFICE_HOURS] * 5, (), ())

CHINA = working_calendar("CN", "Asia/Shanghai", [2025, 2026], {})

# The State Council's notice for 2026, typed from it.
DAYS_OFF_2026 = [
    *(date(2026, 1, day) for day in (1, 2, 3)),
    *(date(2026, 2, day) for day in range(15, 24)),
    *(date(2026, 4, day) for day in (4, 5, 6)),
    *(date(2026, 5, day) for day in range(1, 6)),
    *(date(2026, 6, day) for day in (19, 20, 21)),
    *(date(2026, 9, day) for day in (25, 26, 27)),
    *(date(2026, 10, day) for day in range(1, 8)),
]
MAKE_UP_DAYS_2026 = [
    date(2026, 1, 4),
    date(2026, 2, 14),
    date(2026, 2, 28),
    date(2026, 5, 9),
    date(2026, 9, 20),
    date(2026, 10, 10),
]
ALL_OF_2026 = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]


def test_every_day_of_2026_is_as_the_state_council_announced() -> None:
    for day in ALL_OF_2026:
        announced = day in MAKE_UP_DAYS_2026 or (day.weekday() < 5 and day not in DAYS_OFF_2026)
        assert CHINA.is_working_day(day) == announced, day


def test_make_up_days_are_told_from_ordinary_ones() -> None:
    assert [day for day in ALL_OF_2026 if CHINA.is_make_up_day(day)] == MAKE_UP_DAYS_2026


def test_only_a_weekday_can_be_lost_to_a_holiday() -> None:
    assert CHINA.is_holiday(date(2026, 2, 20))
    assert not CHINA.is_holiday(date(2026, 2, 21)), "a Saturday is off anyway"
    assert not CHINA.is_holiday(date(2026, 2, 14))


def test_a_make_up_day_of_the_next_years_notice_is_known() -> None:
    assert working_calendar("CN", "Asia/Shanghai", [2011], {}).is_working_day(date(2011, 12, 31))


def test_a_make_up_day_has_the_hours_of_a_friday() -> None:
    short_friday = ((time(8), time(13)),)
    calendar = WorkingCalendar(
        SHANGHAI, (*[OFFICE_HOURS] * 4, short_friday, (), ()), make_up_days=frozenset([SATURDAY])
    )
    assert calendar.spans(SATURDAY) == short_friday


def test_a_make_up_day_has_the_first_weekdays_hours_where_fridays_are_off() -> None:
    calendar = WorkingCalendar(
        SHANGHAI, ((), (), OFFICE_HOURS, (), (), (), ()), make_up_days=frozenset([SATURDAY])
    )
    assert calendar.spans(SATURDAY) == OFFICE_HOURS


SATURDAY = date(2026, 2, 14)
WEDNESDAY = date(2026, 3, 4)


def test_own_additions_win_over_the_public_calendar() -> None:
    calendar = working_calendar(
        "CN",
        "Asia/Shanghai",
        [2026],
        {SATURDAY: False, WEDNESDAY: False, date(2026, 2, 16): True, date(2026, 3, 7): True},
    )
    assert not calendar.is_working_day(SATURDAY)
    assert not calendar.is_working_day(WEDNESDAY)
    assert calendar.is_working_day(date(2026, 2, 16)), "a holiday worked all the same"
    assert not calendar.is_make_up_day(date(2026, 2, 16)), "but no make-up day"
    assert calendar.is_make_up_day(date(2026, 3, 7))


# ---------------------------------------------------------------- what is known


@pytest.mark.parametrize(
    ("country", "years", "known_through"),
    [
        ("CN", [2025], date(2025, 12, 31)),
        ("CN", [2025, 2026], date(2026, 12, 31)),
        ("CN", [2026, 2050], date(2026, 12, 31)),
        ("CN", [2050], date(2049, 12, 31)),
        ("RU", [2023], date(2023, 12, 31)),
        ("US", [2026, 2050], date(2050, 12, 31)),
        ("", [2026, 2050], date(2050, 12, 31)),
    ],
)
def test_a_calendar_says_how_far_it_is_known(
    country: str, years: list[int], known_through: date
) -> None:
    assert working_calendar(country, "UTC", years, {}).known_through == known_through


def test_a_notice_entered_by_hand_makes_its_year_known() -> None:
    entered = {date(2050, 2, 5): True, date(2050, 2, 7): False}
    calendar = working_calendar("CN", "Asia/Shanghai", [2050, 2051], entered)
    assert calendar.known_through == date(2050, 12, 31)
    assert calendar.is_known(date(2050, 12, 31))
    assert not calendar.is_known(date(2051, 1, 1))


def test_a_calendar_without_a_limit_knows_every_day() -> None:
    assert WorkingCalendar(SHANGHAI, WEEK).is_known(date(9999, 12, 31))


def test_countries_have_their_own_days_of_rest() -> None:
    egypt = working_calendar("EG", "Africa/Cairo", [2026], {})
    assert not egypt.is_working_day(date(2026, 3, 6)), "a Friday"
    assert egypt.is_working_day(date(2026, 3, 8)), "a Sunday"


def test_the_days_of_rest_can_be_chosen() -> None:
    hong_kong = working_calendar("HK", "Asia/Hong_Kong", [2026], {}, weekend=[5, 6])
    assert not hong_kong.is_working_day(date(2026, 3, 7))


def test_a_place_without_a_public_calendar_rests_at_weekends_only() -> None:
    calendar = working_calendar("", "Asia/Shanghai", [2026], {})
    assert calendar.is_working_day(date(2026, 1, 1))
    assert not calendar.is_working_day(date(2026, 1, 3))


def test_an_unknown_country_is_refused() -> None:
    assert "CN" in countries()
    assert not {"XX", "CHN", ""}.intersection(countries())
    with pytest.raises(ValueError, match="XX"):
        working_calendar("XX", "UTC", [2026], {})


def test_equal_calendars_are_made_once() -> None:
    assert working_calendar("CN", "Asia/Shanghai", range(2025, 2027), {}) is CHINA


def test_holidays_have_names_in_both_languages() -> None:
    spring_festival = date(2026, 2, 17)
    assert holiday_names("CN", 2026, "zh")[spring_festival] == "春节"
    assert "Spring Festival" in holiday_names("CN", 2026, "en")[spring_festival]
    assert holiday_names("DE", 2026, "en")[date(2026, 10, 3)] == "German Unity Day"
    assert holiday_names("DE", 2026, "zh")[date(2026, 10, 3)], "has no Chinese; its own will do"
    assert holiday_names("", 2026, "en") == {}


# ---------------------------------------------------------------- hours that cannot be


@pytest.mark.parametrize(
    "week",
    [
        (OFFICE_HOURS,) * 6,
        ((),) * 7,
        (((time(9), time(9)),),) * 7,
        (((time(18), time(9)),),) * 7,
        (((time(9), time(12)), (time(11), time(18))),) * 7,
        (((time(14), time(18)), (time(9), time(12))),) * 7,
        (((time(9), time(0)), (time(10), time(12))),) * 7,
    ],
)
def test_hours_that_cannot_be_are_refused(week: tuple[tuple[tuple[time, time], ...], ...]) -> None:
    with pytest.raises(ValueError, match=r"week|Working hours"):
        WorkingCalendar(SHANGHAI, week)


def test_no_years_are_refused() -> None:
    with pytest.raises(ValueError, match="year"):
        working_calendar("CN", "Asia/Shanghai", [], {})


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        CHINA.local_date(datetime(2026, 2, 14, 9))  # noqa: DTZ001 - on purpose


# ---------------------------------------------------------------- arithmetic


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a moment of February 2026 in Shanghai."""
    return datetime(2026, 2, day, hour, minute, tzinfo=SHANGHAI)


def test_opening_and_closing_are_moments() -> None:
    assert CHINA.opening(SATURDAY) == at(14, 9)
    assert CHINA.closing(SATURDAY) == at(14, 18)
    assert CHINA.closing(SATURDAY).tzinfo is UTC
    with pytest.raises(ValueError, match="2026-02-15 is not a working day"):
        CHINA.closing(date(2026, 2, 15))


def test_a_desk_that_never_closes_works_until_midnight() -> None:
    always = WorkingCalendar(SHANGHAI, (((time(0), time(0)),),) * 7)
    assert always.closing(SATURDAY) == at(15, 0)
    assert always.working_time_between(at(14, 0), at(16, 0)) == timedelta(hours=48)


def test_working_days_are_counted_over_spring_festival() -> None:
    assert CHINA.next_working_day(SATURDAY) == date(2026, 2, 24)
    assert CHINA.working_days_between(date(2026, 2, 13), date(2026, 2, 28)) == 6
    assert CHINA.working_days_between(SATURDAY, SATURDAY) == 0
    assert CHINA.working_days_between(date(2026, 2, 28), SATURDAY) == 0


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (at(13, 9), at(13, 18), 7),
        (at(13, 17), at(14, 10), 2),
        (at(14, 17), at(24, 10), 2),
        (at(15, 0), at(24, 0), 0),
        (at(13, 12), at(13, 14), 0),
        (at(13, 18), at(13, 9), 0),
    ],
)
def test_working_time_leaves_out_nights_lunch_and_holidays(
    start: datetime, end: datetime, hours: int
) -> None:
    assert CHINA.working_time_between(start, end) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at(13, 9), at(13, 9)),
        (at(13, 11, 59), at(13, 11, 59)),
        (at(13, 12), at(13, 14)),
        (at(13, 18), at(14, 9)),
        (at(14, 18), at(24, 9)),
        (at(14, 3), at(14, 9)),
    ],
)
def test_messages_wait_for_somebody_to_be_at_work(moment: datetime, expected: datetime) -> None:
    assert CHINA.next_working_time(moment) == expected
    assert CHINA.is_working_time(moment) == (moment == expected)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 3, 28), 24)]
)
def test_a_day_on_which_the_clocks_change_has_its_true_length(day: date, hours: int) -> None:
    always = WorkingCalendar(BERLIN, (((time(0), time(0)),),) * 7)
    worked = always.closing(day) - always.opening(day)
    assert worked == timedelta(hours=hours)


def test_office_hours_stay_where_they_are_when_the_clocks_change() -> None:
    calendar = working_calendar("DE", "Europe/Berlin", [2026], {})
    for day in (date(2026, 3, 27), date(2026, 3, 30)):
        assert calendar.opening(day).astimezone(BERLIN).time() == time(9)


moments = st.integers(0, 90 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 20, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(moments, moments, moments)
def test_working_time_adds_up(one: datetime, two: datetime, three: datetime) -> None:
    first, second, third = sorted((one, two, three))
    assert CHINA.working_time_between(first, third) == CHINA.working_time_between(
        first, second
    ) + CHINA.working_time_between(second, third)


@given(moments)
def test_the_next_working_time_is_never_early_and_nothing_lies_between(moment: datetime) -> None:
    then = CHINA.next_working_time(moment)
    assert then >= moment
    assert CHINA.is_working_time(then)
    assert CHINA.working_time_between(moment, then) == timedelta()
