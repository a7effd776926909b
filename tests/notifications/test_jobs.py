"""Jobs run once a day, by day, however many workers there are."""

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from tracker.database import db
from tracker.errors import NotFoundError
from tracker.notifications import jobs, worker
from tracker.notifications.jobs import Job
from tracker.notifications.models import ScheduledRun

ZONE = ZoneInfo("Asia/Shanghai")
TEN = datetime(2026, 3, 11, 2, 0, tzinfo=UTC)
"""Ten in the morning in Shanghai."""


@pytest.fixture
def ran(app: Flask) -> list[datetime]:
    """Register one job that notes when it ran."""
    times: list[datetime] = []
    app.extensions["jobs"] = {}
    jobs.register(app, Job("note", times.append))
    return times


def test_a_job_runs_once_a_day(ran: list[datetime]) -> None:
    assert jobs.run_due(ZONE, now=TEN) == ["note"]
    assert jobs.run_due(ZONE, now=TEN + timedelta(hours=1)) == []
    assert jobs.run_due(ZONE, now=TEN + timedelta(days=1)) == ["note"]
    assert len(ran) == 2


@pytest.mark.parametrize("hours", [-2, 10, 14])
def test_nothing_runs_before_its_hour_or_at_night(ran: list[datetime], hours: int) -> None:
    assert jobs.run_due(ZONE, now=TEN + timedelta(hours=hours)) == []
    assert ran == []


def test_a_killed_run_is_taken_up_after_half_an_hour(app: Flask, ran: list[datetime]) -> None:
    def die(_now: datetime) -> None:
        message = "killed"
        raise RuntimeError(message)

    app.extensions["jobs"] = {"note": Job("note", die)}
    jobs.run_due(ZONE, now=TEN)
    app.extensions["jobs"] = {"note": Job("note", ran.append)}

    assert jobs.run_due(ZONE, now=TEN + timedelta(minutes=10)) == []
    assert jobs.run_due(ZONE, now=TEN + timedelta(minutes=31)) == ["note"]


def test_one_job_that_fails_does_not_stop_the_next(app: Flask, ran: list[datetime]) -> None:
    jobs.register(app, Job("broken", lambda _now: 1 / 0))
    app.extensions["jobs"] = dict(reversed(app.extensions["jobs"].items()))

    jobs.run_due(ZONE, now=TEN)

    assert len(ran) == 1
    unfinished = db.session.scalars(
        select(ScheduledRun.name).where(ScheduledRun.finished_at.is_(None))
    ).all()
    assert unfinished == ["broken"]


def test_a_job_can_be_run_by_hand(ran: list[datetime]) -> None:
    assert jobs.run_now("note", now=TEN) == "done" or ran == [TEN]
    with pytest.raises(NotFoundError):
        jobs.run_now("no-such-job", now=TEN)


def test_the_daily_job_is_known_to_the_command_line(app: Flask) -> None:
    runner = app.test_cli_runner()

    assert "daily" in runner.invoke(args=["jobs", "list"]).output
    assert "reminded" in runner.invoke(args=["jobs", "run", "daily"]).output
    assert runner.invoke(args=["jobs", "run", "nonsense"]).exit_code == 1


def test_the_worker_ends_when_it_is_told_to(app: Flask) -> None:
    stop = threading.Event()
    stop.set()

    worker.work(stop)
