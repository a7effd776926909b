"""When a message goes out: by day, on a working day, outside of one's quiet hours, in one's rhythm."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from tracker.notifications.timing import (
    NIGHT_BEGINS,
    NIGHT_ENDS,
    Rhythm,
    Wishes,
    leaves_time,
    time_to_send,
)
from tracker.organisation.calendar import WorkingCalendar, working_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
CHINA = working_calendar("CN", "Asia/Shanghai", [2025, 2026, 2027], {})
GERMANY = working_calendar("DE", "Europe/Berlin", [2025, 2026, 2027], {})
MINUTE = timedelta(minutes=1)

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy asks for naive ones
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30)))
QUIET = st.one_of(st.just((None, None)), st.tuples(TIMES, TIMES))
WISHES = st.builds(
    lambda rhythm, quiet: Wishes(rhythm, *quiet), st.sampled_from(list(Rhythm)), QUIET
)


def at(text: str) -> datetime:
    """Return a moment of Shanghai's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("written", "goes"),
    [
        ("2026-03-11 10:00", "2026-03-11 10:00"),  # a Wednesday
        ("2026-03-11 08:00", "2026-03-11 08:00"),
        ("2026-03-11 07:59", "2026-03-11 08:00"),
        ("2026-03-11 12:30", "2026-03-11 12:30"),  # at lunch nobody sleeps
        ("2026-03-11 19:59", "2026-03-11 19:59"),
        ("2026-03-11 20:00", "2026-03-12 08:00"),
        ("2026-03-13 22:00", "2026-03-16 08:00"),  # Friday night
        ("2026-03-14 11:00", "2026-03-16 08:00"),  # a Saturday
        ("2026-02-14 11:00", "2026-02-14 11:00"),  # a Saturday that is worked (调休)
        ("2026-02-14 21:00", "2026-02-24 08:00"),  # then the Spring Festival
        ("2026-10-03 09:00", "2026-10-08 08:00"),  # the National Day's week
    ],
)
def test_nothing_goes_out_at_night_or_on_a_day_of_rest(written: str, goes: str) -> None:
    assert time_to_send(at(written), CHINA) == at(goes)


@pytest.mark.parametrize("written", ["2026-03-11 03:00", "2026-03-14 11:00", "2026-10-03 23:00"])
def test_what_is_urgent_goes_out_at_once_whatever_the_hour(written: str) -> None:
    wishes = Wishes(Rhythm.DAILY, time(0), time(23))

    assert time_to_send(at(written), CHINA, wishes, is_urgent=True) == at(written)


@pytest.mark.parametrize(
    ("rhythm", "written", "goes"),
    [
        (Rhythm.HOURLY, "2026-03-11 10:00", "2026-03-11 10:00"),
        (Rhythm.HOURLY, "2026-03-11 10:01", "2026-03-11 11:00"),
        (Rhythm.HOURLY, "2026-03-11 19:30", "2026-03-12 08:00"),
        (Rhythm.DAILY, "2026-03-11 08:30", "2026-03-11 09:00"),
        (Rhythm.DAILY, "2026-03-11 09:00", "2026-03-11 09:00"),
        (Rhythm.DAILY, "2026-03-11 09:01", "2026-03-12 09:00"),
        (Rhythm.DAILY, "2026-03-13 10:00", "2026-03-16 09:00"),
    ],
)
def test_messages_wait_for_the_rhythm_of_their_reader(
    rhythm: Rhythm, written: str, goes: str
) -> None:
    assert time_to_send(at(written), CHINA, Wishes(rhythm)) == at(goes)


@pytest.mark.parametrize(
    ("quiet", "written", "goes"),
    [
        ((time(12), time(14)), "2026-03-11 11:59", "2026-03-11 11:59"),
        ((time(12), time(14)), "2026-03-11 12:00", "2026-03-11 14:00"),
        ((time(18), time(10)), "2026-03-11 18:30", "2026-03-12 10:00"),  # over midnight
        ((time(18), time(10)), "2026-03-13 18:30", "2026-03-16 10:00"),
        ((time(14), time(20)), "2026-03-11 15:00", "2026-03-12 08:00"),
        ((time(6), time(22)), "2026-03-11 10:00", "2026-03-11 10:00"),  # it would leave no time
    ],
)
def test_quiet_hours_are_ones_own(quiet: tuple[time, time], written: str, goes: str) -> None:
    assert time_to_send(at(written), CHINA, Wishes(Rhythm.AT_ONCE, *quiet)) == at(goes)


def test_who_works_at_night_is_written_to_at_night() -> None:
    night = working_calendar(
        "CN", "Asia/Shanghai", [2026], {}, hours=((time(6), time(12)), (time(14), time(23)))
    )

    assert time_to_send(at("2026-03-11 06:30"), night) == at("2026-03-11 06:30")
    assert time_to_send(at("2026-03-11 22:30"), night) == at("2026-03-11 22:30")


@pytest.mark.parametrize(
    ("quiet", "leaves"),
    [
        ((time(20), time(8)), True),
        ((time(8), time(20)), False),
        ((time(8), time(19, 59)), True),
        ((time(0), time(0)), True),  # none at all
        ((time(19), time(20)), True),
        ((time(6), time(5)), False),
    ],
)
def test_quiet_hours_leave_some_of_the_day_or_not(
    quiet: tuple[time, time], *, leaves: bool
) -> None:
    wishes = Wishes(Rhythm.AT_ONCE, *quiet)

    assert leaves_time(CHINA, date(2026, 3, 11), wishes) is leaves


@given(MOMENTS, WISHES, st.sampled_from((CHINA, GERMANY)))
def test_it_is_never_earlier_and_always_by_day_on_a_working_day_outside_the_quiet_hours(
    now: datetime, wishes: Wishes, calendar: WorkingCalendar
) -> None:
    goes = time_to_send(now, calendar, wishes)
    local = goes.astimezone(calendar.time_zone)

    assert goes >= now
    assert calendar.is_working_day(local.date())
    assert NIGHT_ENDS <= local.time() < NIGHT_BEGINS
    if leaves_time(calendar, local.date(), wishes) and wishes.rhythm is Rhythm.AT_ONCE:
        assert not wishes.is_quiet(local.time())


@given(MOMENTS, QUIET, st.sampled_from((CHINA, GERMANY)))
def test_there_is_no_earlier_moment_at_which_it_could_go(
    now: datetime, quiet: tuple[time | None, time | None], calendar: WorkingCalendar
) -> None:
    now, wishes = now.replace(second=0, microsecond=0), Wishes(Rhythm.AT_ONCE, *quiet)
    goes = time_to_send(now, calendar, wishes)
    if not leaves_time(calendar, calendar.local_date(goes), wishes):
        return
    # Whatever goes at one moment would go at that moment, had it been written a quarter before.
    earlier = goes - timedelta(minutes=15)
    if earlier >= now:
        assert time_to_send(earlier, calendar, wishes) == goes
    assert time_to_send(goes, calendar, wishes) == goes


@given(MOMENTS, MOMENTS, WISHES)
def test_who_wrote_first_is_sent_no_later(one: datetime, other: datetime, wishes: Wishes) -> None:
    first, second = sorted((one, other))

    assert time_to_send(first, CHINA, wishes) <= time_to_send(second, CHINA, wishes)
