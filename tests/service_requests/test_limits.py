"""A limit ends when people expect it to, whatever the calendar, and can say why."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from tracker.organisation.calendar import WorkingCalendar, working_calendar
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limits import (
    DEFAULT_LIMITS,
    Clock,
    ClockEntryKind,
    Counted,
    Due,
    HolidaySkipped,
    Limit,
    LimitUnit,
    MakeUpDayCounted,
    Provisional,
    Stop,
    Stopped,
    due_at,
    explain,
    is_overdue,
    near_at,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
CHINA = working_calendar("CN", "Asia/Shanghai", [2025, 2026], {})
GERMANY = working_calendar("DE", "Europe/Berlin", [2026], {})
MINUTE = timedelta(minutes=1)


def at(day: int, hour: int = 0, minute: int = 0, *, month: int = 2) -> datetime:
    """Return a moment of 2026 in Shanghai, by default in the month of Spring Festival."""
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


def working_days(amount: int) -> Limit:
    return Limit(amount, LimitUnit.WORKING_DAYS)


# ---------------------------------------------------------------- ends as people expect


@pytest.mark.parametrize("clock", Clock)
def test_each_priority_has_its_limit(clock: Clock) -> None:
    assert set(DEFAULT_LIMITS[clock]) == set(Priority)


def test_a_result_is_due_as_the_product_says() -> None:
    assert DEFAULT_LIMITS[Clock.RESOLVE] == {
        Priority.EMERGENCY: Limit(2, LimitUnit.HOURS),
        Priority.URGENT: Limit(24, LimitUnit.HOURS),
        Priority.NORMAL: working_days(5),
        Priority.COMPLEX: working_days(15),
    }


@pytest.mark.parametrize("amount", [0, -1])
def test_a_limit_is_at_least_one_unit_long(amount: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Limit(amount, LimitUnit.HOURS)


@pytest.mark.parametrize(
    ("limit", "start", "expected"),
    [
        (Limit(30, LimitUnit.MINUTES), at(14, 23, 45), at(15, 0, 15)),
        (Limit(24, LimitUnit.HOURS), at(15, 10), at(16, 10)),
        (Limit(2, LimitUnit.WORKING_HOURS), at(13, 11), at(13, 15)),
        (Limit(2, LimitUnit.WORKING_HOURS), at(14, 17), at(24, 10)),
        (Limit(7, LimitUnit.WORKING_HOURS), at(13, 9), at(13, 18)),
        (Limit(1, LimitUnit.WORKING_HOURS), at(17, 3), at(24, 10)),
        # The start day does not count, whatever the hour.
        (working_days(1), at(12, 9), at(13, 18)),
        (working_days(1), at(12, 23, 59), at(13, 18)),
        # Saturday 14 is worked; Sunday 15 to Monday 23 is Spring Festival; Saturday 28 is worked.
        (working_days(1), at(13, 10), at(14, 18)),
        (working_days(2), at(13, 10), at(24, 18)),
        (working_days(5), at(13, 10), at(27, 18)),
        (working_days(6), at(13, 10), at(28, 18)),
        (working_days(7), at(13, 10), at(2, 18, month=3)),
        (working_days(1), at(18, 10), at(24, 18)),
        (working_days(15), at(11, 10), at(10, 18, month=3)),
        (Limit(2, LimitUnit.CALENDAR_DAYS), at(11, 10), at(13, 18)),
        (Limit(5, LimitUnit.CALENDAR_DAYS), at(11, 10), at(24, 18)),
        (Limit(7, LimitUnit.CALENDAR_DAYS), at(1, 10, month=3), at(9, 18, month=3)),
    ],
)
def test_a_limit_ends_when_people_expect(limit: Limit, start: datetime, expected: datetime) -> None:
    due = due_at(CHINA, limit, start)
    assert due == expected
    assert due is not None
    assert due.tzinfo is UTC


def test_the_start_may_be_given_in_any_zone() -> None:
    late_in_utc = datetime(2026, 2, 11, 17, tzinfo=UTC)  # 01:00 on the 12th in Shanghai
    assert due_at(CHINA, working_days(1), late_in_utc) == at(13, 18)


def test_an_extension_counts_from_the_due_time() -> None:
    due = due_at(CHINA, working_days(1), at(13, 10))
    assert due is not None
    assert due_at(CHINA, working_days(3), due) == due_at(CHINA, working_days(4), at(13, 10))


def test_office_hours_hold_when_the_clocks_change() -> None:
    friday = datetime(2026, 3, 27, 10, tzinfo=BERLIN)
    due = due_at(GERMANY, working_days(1), friday)
    assert due == datetime(2026, 3, 30, 18, tzinfo=BERLIN)


def test_elapsed_hours_are_true_hours_when_the_clocks_change() -> None:
    saturday = datetime(2026, 3, 28, 20, tzinfo=BERLIN)
    due = due_at(GERMANY, Limit(24, LimitUnit.HOURS), saturday)
    assert due == datetime(2026, 3, 29, 21, tzinfo=BERLIN)
    assert due == saturday.astimezone(UTC) + timedelta(hours=24)


# ---------------------------------------------------------------- the clock stands still


def test_there_is_no_due_time_while_the_clock_stands_still() -> None:
    for unit in LimitUnit:
        assert due_at(CHINA, Limit(5, unit), at(11, 10), [(at(12, 9), None)]) is None
        assert near_at(CHINA, Limit(5, unit), at(11, 10), [(at(12, 9), None)]) is None


@pytest.mark.parametrize(
    ("stops", "expected"),
    [
        ([], at(13, 18)),
        ([(at(12, 10), at(12, 11))], at(13, 18)),
        ([(at(12, 10), at(13, 10))], at(14, 18)),
        ([(at(12, 10), at(14, 10))], at(24, 18)),
        ([(at(13, 17), at(25, 9))], at(25, 10)),
        ([(at(13, 18), at(25, 9))], at(13, 18)),
        ([(at(12, 17), at(12, 18))], at(13, 18)),
        ([(at(12, 14, 31), at(12, 18))], at(13, 18)),
        ([(at(12, 14, 30), at(12, 18))], at(14, 18)),
        ([(at(13, 17, 59), at(13, 18, 1))], at(14, 9, 1)),
        ([(at(13, 17, 59), at(13, 18, 1)), (at(14, 8), at(14, 10))], at(14, 10, 1)),
        ([(at(11, 11), at(12, 9))], at(13, 18)),
        ([(at(9, 11), at(10, 9))], at(13, 18)),
        ([(at(12, 10), at(12, 19)), (at(13, 10), at(13, 19))], at(24, 18)),
        ([(at(13, 10), at(13, 19)), (at(12, 10), at(13, 12))], at(24, 18)),
    ],
)
def test_a_day_counts_unless_the_clock_stood_still_for_half_of_it(
    stops: Sequence[tuple[datetime, datetime]], expected: datetime
) -> None:
    assert due_at(CHINA, working_days(2), at(11, 10), stops) == expected


def test_two_minutes_at_each_close_of_work_give_a_minute_and_no_day() -> None:
    stops = [(at(day, 17, 59), at(day, 18, 1)) for day in range(2, 29)]
    assert due_at(CHINA, working_days(5), at(2, 10), stops) == at(10, 9, 1)


def test_a_day_of_rest_counts_unless_the_clock_stood_still_for_half_of_it() -> None:
    limit = Limit(3, LimitUnit.CALENDAR_DAYS)  # from a Thursday: Friday, Saturday, Sunday
    assert due_at(CHINA, limit, at(5, 10), []) == at(9, 18)
    assert due_at(CHINA, limit, at(5, 10), [(at(7, 13), at(8, 0))]) == at(9, 18)
    longer = Limit(4, LimitUnit.CALENDAR_DAYS)
    assert due_at(CHINA, longer, at(5, 10), [(at(7, 13), at(8, 0))]) == at(9, 18)
    assert due_at(CHINA, longer, at(5, 10), [(at(7, 12), at(8, 0))]) == at(10, 18)


def test_what_is_added_after_a_long_day_ends_with_the_next_one_that_counts() -> None:
    hours = ((time(8), time(18)),)
    short = ((time(8), time(10)),)
    week = WorkingCalendar(SHANGHAI, (hours, hours, hours, short, hours, (), ()))
    stop = at(4, 14), at(4, 19)  # Wednesday; Thursday is short

    assert due_at(week, working_days(1), at(3, 10), [(stop[0], at(4, 17))]) == at(4, 18)
    assert due_at(week, working_days(1), at(3, 10), [stop]) == at(5, 10)


def test_time_that_passed_while_stopped_is_not_counted() -> None:
    stops = [(at(12, 10), at(12, 11)), (at(12, 10, 30), at(12, 12))]
    assert due_at(CHINA, Limit(24, LimitUnit.HOURS), at(11, 18), stops) == at(12, 20)
    assert due_at(CHINA, Limit(5, LimitUnit.WORKING_HOURS), at(12, 9), stops) == at(12, 18)


def test_a_stop_after_the_end_changes_nothing() -> None:
    limit = Limit(2, LimitUnit.HOURS)
    assert due_at(CHINA, limit, at(11, 10), [(at(11, 12), at(20, 9))]) == at(11, 12)


# ---------------------------------------------------------------- near


@pytest.mark.parametrize(
    ("limit", "start", "expected"),
    [
        (Limit(10, LimitUnit.HOURS), at(11, 10), at(11, 18)),
        (Limit(5, LimitUnit.WORKING_HOURS), at(13, 9), at(13, 15)),
        (working_days(5), at(2, 10), at(6, 18)),
        (working_days(15), at(11, 10), at(5, 18, month=3)),
        # 80 % of seven hours: five and a half and six minutes; lunch is not counted.
        (working_days(1), at(11, 10), at(12, 16, 36)),
    ],
)
def test_a_limit_is_near_when_80_percent_is_used(
    limit: Limit, start: datetime, expected: datetime
) -> None:
    assert near_at(CHINA, limit, start) == expected


def test_what_passed_while_stopped_does_not_bring_the_end_nearer() -> None:
    limit = Limit(10, LimitUnit.HOURS)
    assert near_at(CHINA, limit, at(11, 10), [(at(11, 11), at(12, 11))]) == at(12, 18)


# ---------------------------------------------------------------- overdue


def test_overdue_begins_after_the_due_time() -> None:
    due = at(13, 18)
    assert not is_overdue(due, now=due)
    assert is_overdue(due, now=due + timedelta(seconds=1))


def test_what_was_finished_in_time_never_becomes_overdue() -> None:
    due = at(13, 18)
    assert not is_overdue(due, now=at(28), finished_at=due)
    assert is_overdue(due, now=at(12), finished_at=at(14))


def test_what_has_no_due_time_is_not_overdue() -> None:
    assert not is_overdue(None, now=at(28))


# ---------------------------------------------------------------- a slow second opinion

OFF = {date(2026, 2, day) for day in range(15, 24)} | {date(2026, 1, day) for day in (1, 2, 3)}
EXTRA = {date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28)}


def is_worked(day: date) -> bool:
    return day in EXTRA or (day.weekday() < 5 and day not in OFF)


def is_at_work(moment: datetime) -> bool:
    local = moment.astimezone(SHANGHAI)
    in_hours = 9 <= local.hour < 12 or 14 <= local.hour < 18
    return in_hours and is_worked(local.date())


def is_stopped(moment: datetime, stops: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(begin <= moment < end for begin, end in stops)


def slow_due_at(
    limit: Limit, start: datetime, stops: Sequence[tuple[datetime, datetime]]
) -> datetime:
    """Walk minute by minute, or day by day, and count."""
    if limit.unit is LimitUnit.WORKING_DAYS:
        day, counted = start.astimezone(SHANGHAI).date(), 0
        ran: list[bool] = []
        while counted < limit.amount:
            day += timedelta(days=1)
            minutes = [datetime.combine(day, time(), SHANGHAI) + n * MINUTE for n in range(24 * 60)]
            ran = [not is_stopped(moment, stops) for moment in minutes if is_at_work(moment)]
            counted += sum(ran) * 2 > len(ran)
        left = ran[::-1].index(True)
        moment = datetime.combine(day, time(18), SHANGHAI)
        while left:
            left -= is_at_work(moment) and not is_stopped(moment, stops)
            moment += MINUTE
        return moment
    left = limit.amount * (1 if limit.unit is LimitUnit.MINUTES else 60)
    moment = start
    while left:
        counts = limit.unit is not LimitUnit.WORKING_HOURS or is_at_work(moment)
        left -= counts and not is_stopped(moment, stops)
        moment += MINUTE
    return moment


def minute(first: int = 0, last: int = 30 * 24 * 60) -> st.SearchStrategy[datetime]:
    """Return a strategy of whole minutes around Spring Festival 2026."""
    return st.integers(first, last).map(lambda minutes: at(1) + minutes * MINUTE)


stop_lists = st.lists(
    st.tuples(minute(), minute()).map(lambda pair: (min(pair), max(pair))), max_size=3
)
limits = st.one_of(
    st.builds(Limit, st.integers(1, 200), st.just(LimitUnit.MINUTES)),
    st.builds(Limit, st.integers(1, 20), st.sampled_from([LimitUnit.HOURS])),
    st.builds(Limit, st.integers(1, 20), st.sampled_from([LimitUnit.WORKING_HOURS])),
    st.builds(Limit, st.integers(1, 12), st.just(LimitUnit.WORKING_DAYS)),
)
all_limits = st.builds(Limit, st.integers(1, 12), st.sampled_from(LimitUnit))


@given(limits, minute(), stop_lists)
def test_the_due_time_equals_a_slow_count(
    limit: Limit, start: datetime, stops: list[tuple[datetime, datetime]]
) -> None:
    assert due_at(CHINA, limit, start, stops) == slow_due_at(limit, start, stops)


@given(all_limits, minute(), stop_lists)
def test_a_limit_never_ends_while_nobody_works_or_the_clock_stands_still(
    limit: Limit, start: datetime, stops: list[tuple[datetime, datetime]]
) -> None:
    due = due_at(CHINA, limit, start, stops)
    near = near_at(CHINA, limit, start, stops)

    assert due is not None
    assert near is not None
    assert start < near <= due
    just_before = due - timedelta.resolution
    assert not is_stopped(just_before, stops)
    if limit.unit not in {LimitUnit.MINUTES, LimitUnit.HOURS}:
        assert is_at_work(just_before)


@given(all_limits, minute(), stop_lists)
def test_more_stops_never_bring_the_end_forward(
    limit: Limit, start: datetime, stops: list[tuple[datetime, datetime]]
) -> None:
    ends = [due_at(CHINA, limit, start, stops[:count]) for count in range(len(stops) + 1)]
    known = [end for end in ends if end is not None]
    assert known == sorted(known)
    assert len(known) == len(ends)


@given(all_limits, minute(), stop_lists, minute())
def test_what_the_log_counts_adds_up_to_the_limit(
    limit: Limit, start: datetime, stops: list[tuple[datetime, datetime]], now: datetime
) -> None:
    log = explain(CHINA, limit, start, [Stop(*stop, "waiting") for stop in stops], now=now)
    counted = [entry for entry in log if isinstance(entry, Counted)]

    if limit.unit in {LimitUnit.WORKING_DAYS, LimitUnit.CALENDAR_DAYS}:
        assert sum(entry.days or 0 for entry in counted) == limit.amount
    else:
        unit = MINUTE if limit.unit is LimitUnit.MINUTES else timedelta(hours=1)
        total = sum((entry.time or timedelta() for entry in counted), timedelta())
        assert total == limit.amount * unit
    assert log[-1] == Due(due_at(CHINA, limit, start, stops) or at(1))


# ---------------------------------------------------------------- the clock log


def test_the_log_tells_of_spring_festival() -> None:
    assert explain(CHINA, working_days(5), at(12, 10), now=at(13, 20)) == [
        Counted(date(2026, 2, 13), date(2026, 2, 13), is_ahead=False, days=1),
        Counted(date(2026, 2, 14), date(2026, 2, 14), is_ahead=True, days=1),
        MakeUpDayCounted(date(2026, 2, 14)),
        HolidaySkipped(date(2026, 2, 16), date(2026, 2, 23)),
        Counted(date(2026, 2, 24), date(2026, 2, 26), is_ahead=True, days=3),
        Due(at(26, 18)),
    ]


def test_the_log_tells_why_days_did_not_count() -> None:
    stop = Stop(at(13, 15), at(25, 10), "waiting")
    assert explain(CHINA, working_days(5), at(11, 10), [stop], now=at(25, 11)) == [
        Counted(date(2026, 2, 12), date(2026, 2, 13), is_ahead=False, days=2),
        Stopped(stop, days=2),
        Counted(date(2026, 2, 25), date(2026, 2, 27), is_ahead=True, days=3),
        Due(at(27, 18)),
    ]


def test_while_the_clock_stands_still_the_log_ends_with_why() -> None:
    stop = Stop(at(5, 10), None, "parked")
    assert explain(CHINA, working_days(5), at(3, 10), [stop], now=at(9, 11)) == [
        Counted(date(2026, 2, 4), date(2026, 2, 4), is_ahead=False, days=1),
        Stopped(stop, days=2),
    ]
    hours = explain(CHINA, Limit(24, LimitUnit.HOURS), at(5, 9), [stop], now=at(5, 12))
    assert hours == [
        Counted(date(2026, 2, 5), date(2026, 2, 5), is_ahead=False, time=timedelta(hours=1)),
        Stopped(stop, time=timedelta(hours=2)),
    ]


def test_a_short_stop_is_told_even_if_every_day_counts() -> None:
    stop = Stop(at(4, 10), at(4, 11), "waiting")
    assert explain(CHINA, working_days(2), at(3, 10), [stop], now=at(3, 12)) == [
        Counted(date(2026, 2, 4), date(2026, 2, 5), is_ahead=True, days=2),
        Stopped(stop, days=0),
        Due(at(5, 18)),
    ]


def test_the_log_of_working_hours_leaves_out_lunch_nights_and_holidays() -> None:
    stop = Stop(at(24, 9), at(24, 12), "waiting")
    assert explain(
        CHINA, Limit(8, LimitUnit.WORKING_HOURS), at(14, 11), [stop], now=at(14, 15)
    ) == [
        MakeUpDayCounted(date(2026, 2, 14)),
        Counted(date(2026, 2, 14), date(2026, 2, 14), is_ahead=False, time=timedelta(hours=2)),
        Counted(date(2026, 2, 14), date(2026, 2, 14), is_ahead=True, time=timedelta(hours=3)),
        HolidaySkipped(date(2026, 2, 16), date(2026, 2, 23)),
        Stopped(stop, time=timedelta(hours=3)),
        Counted(date(2026, 2, 24), date(2026, 2, 24), is_ahead=True, time=timedelta(hours=3)),
        Due(at(24, 17)),
    ]


def test_calendar_days_that_end_on_a_holiday_say_so() -> None:
    assert explain(CHINA, Limit(5, LimitUnit.CALENDAR_DAYS), at(11, 10), now=at(11, 10)) == [
        Counted(date(2026, 2, 12), date(2026, 2, 16), is_ahead=True, days=5),
        HolidaySkipped(date(2026, 2, 17), date(2026, 2, 23)),
        Due(at(24, 18)),
    ]


def test_a_due_time_beyond_what_is_announced_is_provisional() -> None:
    log = explain(CHINA, working_days(15), at(28, month=12), now=at(28, month=12))
    assert log[-2] == Provisional(date(2026, 12, 31))
    hours = explain(CHINA, Limit(99, LimitUnit.HOURS), at(31, month=12), now=at(31, month=12))
    assert not [entry for entry in hours if isinstance(entry, Provisional)]


def test_every_entry_names_its_kind_for_a_template() -> None:
    kinds = {entry.kind for entry in (Counted, Stopped, HolidaySkipped, MakeUpDayCounted)}
    assert kinds | {Provisional.kind, Due.kind} == set(ClockEntryKind)


def test_a_desk_that_never_closes_can_have_working_days() -> None:
    always = WorkingCalendar(SHANGHAI, (((time(0), time(0)),),) * 7)
    assert due_at(always, working_days(1), at(13, 10)) == at(15, 0)
