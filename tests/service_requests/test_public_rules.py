"""Limits of real rules, counted by hand from their texts and the official calendars.

Holidays and make-up days of China: the notices of the General Office of the State Council on each
year's holidays: 国办发明电〔2023〕7号 for 2024, 〔2024〕12号 for 2025, 〔2025〕7号 for 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from tracker.organisation.calendar import working_calendar
from tracker.service_requests.limits import Limit, LimitUnit, due_at

WORKING, CALENDAR, HOURS = LimitUnit.WORKING_DAYS, LimitUnit.CALENDAR_DAYS, LimitUnit.HOURS


@dataclass(frozen=True)
class Rule:
    """A limit as a law has it, and one case of it."""

    source: str
    country: str
    time_zone: str
    limit: Limit
    starts: tuple[int, ...]
    """Local: year, month, day, hour, minute."""
    ends_on: date
    counted: str
    """How the end was counted by hand."""
    own_days: Mapping[date, bool] = field(default_factory=dict)
    """What an organisation has to enter itself: holidays of a part of the country."""


RULES = (
    Rule(
        "行政许可法 (Administrative Licensing Law) arts. 42, 82: 20 working days, holidays left out",
        "CN",
        "Asia/Shanghai",
        Limit(20, WORKING),
        (2026, 2, 9, 10, 0),
        date(2026, 3, 13),
        "10-13 February 4, make-up Saturday 14: 5; festival 15-23; 24-27: 9, make-up Saturday 28: 10; "
        "2-6 March 15; 9-13 March 20",
    ),
    Rule(
        "政府信息公开条例 (Regulations on Open Government Information) art. 33: 20 working days",
        "CN",
        "Asia/Shanghai",
        Limit(20, WORKING),
        (2025, 1, 24, 15, 0),
        date(2025, 2, 27),
        "make-up Sunday 26 January 1, 27: 2; festival 28 January - 4 February; 5-7: 5, make-up Saturday "
        "8: 6; 10-14: 11; 17-21: 16; 24-27: 20",
    ),
    Rule(
        "信访工作条例 (Regulations on Petitions, 2022) art. 22: within 15 days; 民法典 (Civil Code) art. "
        "203: ends the day after a holiday",
        "CN",
        "Asia/Shanghai",
        Limit(15, CALENDAR),
        (2024, 2, 1, 9, 0),
        date(2024, 2, 18),
        "16 February lies in the festival of 10-17; Sunday 18 is a make-up day and is worked",
    ),
    Rule(
        "民法典 (Civil Code) arts. 201, 202: hours run on, through holidays, too",
        "CN",
        "Asia/Shanghai",
        Limit(24, HOURS),
        (2026, 2, 16, 10, 0),
        date(2026, 2, 17),
        "New Year's Eve to New Year's Day",
    ),
    Rule(
        "Freedom of Information Act 2000 (United Kingdom) s. 10(1), (6): the twentieth working day "
        "following receipt, bank holidays left out",
        "GB",
        "Europe/London",
        Limit(20, WORKING),
        (2026, 3, 27, 16, 30),
        date(2026, 4, 28),
        "30 March - 2 April 4; Good Friday 3, Easter Monday 6; 7-10: 8; 13-17: 13; 20-24: 18; 27, 28: 20",
        {date(2026, 4, 6): False},  # no bank holiday in Scotland, but one “in any part” counts
    ),
    Rule(
        "5 U.S.C. 552(a)(6)(A)(i) (United States): 20 days without weekends and legal public holidays",
        "US",
        "America/New_York",
        Limit(20, WORKING),
        (2026, 6, 22, 11, 0),
        date(2026, 7, 21),
        "23-26 June 4; 29 June - 2 July 8; Independence Day is observed on Friday 3; 6-10: 13; 13-17: 18; "
        "20, 21: 20",
    ),
    Rule(
        "Regulation (EEC, Euratom) No 1182/71 art. 3(1), (4): the day of the event does not count; a "
        "last day that is a holiday moves to the next working day",
        "BE",
        "Europe/Brussels",
        Limit(30, CALENDAR),
        (2026, 4, 1, 9, 0),
        date(2026, 5, 4),
        "1 May is Labour Day, 2 and 3 a weekend",
    ),
    Rule(
        "VwVfG (Germany) s. 31(2), (3): begins the day after; ends on the next working day",
        "DE",
        "Europe/Berlin",
        Limit(14, CALENDAR),
        (2026, 12, 11, 9, 0),
        date(2026, 12, 28),
        "25 December is a holiday, 26 a Saturday, 27 a Sunday",
    ),
    Rule(
        "行政复议法 (Administrative Reconsideration Law, 2023) arts. 30, 88: reviewed within 5 days, "
        "which are working days",
        "CN",
        "Asia/Shanghai",
        Limit(5, WORKING),
        (2025, 9, 26, 17, 0),
        date(2025, 10, 10),
        "make-up Sunday 28 September 1; 29, 30: 3; National Day 1-8 October; 9, 10: 5",
    ),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.source[:40])
def test_a_limit_ends_when_the_law_says(rule: Rule) -> None:
    zone = ZoneInfo(rule.time_zone)
    year, month, day, hour, minute = rule.starts
    calendar = working_calendar(
        rule.country, rule.time_zone, (year - 1, year, year + 1), rule.own_days
    )

    due = due_at(calendar, rule.limit, datetime(year, month, day, hour, minute, tzinfo=zone))

    assert due is not None
    assert due.astimezone(zone).date() == rule.ends_on, rule.counted


def test_there_are_nine_and_three_of_them_pass_over_spring_festival() -> None:
    over = [rule for rule in RULES if rule.country == "CN" and rule.starts[1] <= 2]

    assert len(RULES) == 9
    assert len(over) >= 3
