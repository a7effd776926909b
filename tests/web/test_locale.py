"""Which language a reader gets, and how times and numbers read."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from tracker.organisation.queries import time_zone_name
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


def test_what_is_due_at_the_end_of_a_day_names_that_day(app: Flask) -> None:
    midnight = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)  # where the organisation is
    with app.test_request_context(), locale.in_locale("zh_Hans_CN"):
        assert locale.format_due(midnight) == "2026年11月27日 周五 24:00"
        assert locale.format_due_day(midnight) == "2026年11月27日 周五"
        assert locale.format_due(MOMENT) == "2026年11月23日 周一 14:05"
    with app.test_request_context(), locale.in_locale("en"):
        assert locale.format_due(midnight) == "Fri 27 Nov 2026, 24:00"
        assert locale.format_due_day(midnight) == "Fri 27 Nov 2026"
        assert locale.format_due(midnight + timedelta(seconds=1)) == "Sat 28 Nov 2026, 00:00"
        assert locale.format_due_day(midnight + timedelta(seconds=1)) == "Sat 28 Nov 2026"
        assert locale.format_due(None) == locale.format_due_day(None) == ""
        # A moment that is no due time is what it is.
        assert locale.format_datetime(midnight) == "Sat 28 Nov 2026, 00:00"


def test_a_day_may_end_where_the_clocks_go_forward(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locale, "_time_zone_of", lambda: "America/Santiago")
    with app.test_request_context(), locale.in_locale("en"):
        # From 24:00 they go to 01:00, and back from 24:00 to 23:00.
        forward = datetime(2026, 9, 6, 4, 0, tzinfo=UTC)
        assert locale.format_due(forward) == "Sat 5 Sep 2026, 24:00"
        back = datetime(2026, 4, 5, 3, 0, tzinfo=UTC)
        assert locale.format_due(back) == "Sat 4 Apr 2026, 23:00"
        assert locale.format_due(back + timedelta(hours=1)) == "Sat 4 Apr 2026, 24:00"


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


def test_texts_that_nobody_compiled_are_missed_aloud(
    app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        locale.init_app(Flask("shishi", root_path=str(tmp_path)), time_zone=time_zone_name)
    assert "python tools/translations.py compile" in caplog.text
    caplog.clear()

    with caplog.at_level(logging.WARNING):
        locale.init_app(Flask("shishi", root_path=app.root_path), time_zone=time_zone_name)

    assert caplog.text == ""
