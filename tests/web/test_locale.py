"""Which language a reader gets, and how times and numbers read."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from tracker.web import locale

MOMENT = datetime(2026, 11, 23, 6, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh_Hans_CN"),
        ("zh-Hans-CN", "zh_Hans_CN"),
        ("zh-TW", "zh_Hans_CN"),
        ("en-GB,en;q=0.9", "en"),
        ("en-US", "en"),
        ("fr-FR,en;q=0.5", "en"),
        ("de", "zh_Hans_CN"),
        ("", "zh_Hans_CN"),
    ],
)
def test_the_browser_chooses_until_the_reader_does(app: Flask, header: str, expected: str) -> None:
    with app.test_request_context(headers={"Accept-Language": header}):
        assert locale.chosen_locale() == expected
    with app.test_request_context(headers={"Accept-Language": header, "Cookie": "locale=en"}):
        assert locale.chosen_locale() == "en"


def test_a_made_up_cookie_chooses_nothing(app: Flask) -> None:
    with app.test_request_context(headers={"Cookie": "locale=tlh"}):
        assert locale.chosen_locale() == "zh_Hans_CN"


def test_times_read_on_the_organisations_clock(app: Flask) -> None:
    with app.test_request_context(), locale.in_locale("zh_Hans_CN"):
        assert locale.format_datetime(MOMENT) == "2026年11月23日 周一 14:05"
    with app.test_request_context(), locale.in_locale("en"):
        assert locale.format_datetime(MOMENT) == "Mon 23 Nov 2026, 14:05"
        assert locale.format_day(MOMENT) == "Mon 23 Nov 2026"


def test_an_end_names_its_day_where_it_is_another_one(app: Flask) -> None:
    with app.test_request_context(), locale.in_locale("en"):
        assert locale.format_until(MOMENT, MOMENT - timedelta(hours=2)) == "14:05"
        assert locale.format_until(MOMENT, MOMENT - timedelta(hours=14)) == "14:05"
        yesterday = MOMENT - timedelta(hours=15)  # where the organisation is
        assert locale.format_until(MOMENT, yesterday) == "Mon 23 Nov 2026, 14:05"
        assert locale.format_until(None, MOMENT) == ""


def test_what_is_not_known_reads_as_a_dash(app: Flask) -> None:
    with app.test_request_context():
        assert locale.format_share(None) == "–"
        assert locale.format_days(None) == "–"
        assert locale.format_number(None) == "–"
        assert locale.format_share(0.9368) == "93.7%"
