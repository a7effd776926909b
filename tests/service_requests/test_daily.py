"""What time itself does, once a day."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from tests.support.builders import Builders
from tests.support.together import at_once
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.permissions import Action, resident
from tracker.service_requests import queries
from tracker.service_requests.actions import answers, time_passing
from tracker.service_requests.daily import run_daily
from tracker.service_requests.lifecycle import ConfirmationWay, Status, Step
from tracker.service_requests.models import HistoryEntry, ServiceRequest


def now_of(it: ServiceRequest) -> ServiceRequest:
    """Return the request as it stands in the database."""
    return db.session.get_one(ServiceRequest, it.id, populate_existing=True)


def steps_taken() -> int:
    """Return how many steps the history knows."""
    return db.session.scalars(select(func.count(HistoryEntry.id))).one()


def test_two_reminders_then_it_closes_unconfirmed(a: Builders, now: datetime) -> None:
    it = a.service_request(status=Status.RESOLVED)
    days = a.organisation().reminder_days
    seen = []
    for turn in (1, 2, 3):
        run_daily(now + timedelta(days=days * turn))
        seen.append((now_of(it).reminders_sent, now_of(it).status))

    assert seen == [(1, Status.RESOLVED), (2, Status.RESOLVED), (2, Status.CLOSED)]
    assert now_of(it).confirmation is ConfirmationWay.NONE


def test_running_twice_changes_nothing_the_second_time(a: Builders, now: datetime) -> None:
    a.service_request(status=Status.RESOLVED)
    a.service_request(status=Status.PARKED)
    later = now + timedelta(days=31)
    run_daily(later)
    after = steps_taken()

    run_daily(later)

    assert steps_taken() == after


def test_what_is_parked_comes_back_on_its_day(a: Builders, now: datetime) -> None:
    it = a.service_request(status=Status.PARKED)

    run_daily(now + timedelta(days=29))
    assert now_of(it).status is Status.PARKED
    run_daily(now + timedelta(days=30))

    assert now_of(it).status is Status.IN_PROGRESS


def test_one_that_fails_does_not_stop_the_others(
    a: Builders, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = (a.service_request(status=Status.RESOLVED) for _ in range(2))
    take_turn = time_passing.take_turn

    def fail_once(it: ServiceRequest, *, now: datetime) -> Step | None:
        if it.id == broken.id:
            message = "whatever it is"
            raise RuntimeError(message)
        return take_turn(it, now=now)

    monkeypatch.setattr(time_passing, "take_turn", fail_once)

    said = run_daily(now + timedelta(days=31))

    assert "1 reminded" in said
    assert "1 failed" in said
    assert (now_of(broken).reminders_sent, now_of(sound).reminders_sent) == (0, 1)


def test_the_day_ends_with_fresh_statistics_so_that_lists_are_read_from_their_index(
    a: Builders, app: Flask
) -> None:
    a.service_request()

    run_daily(a.now)

    if db.engine.dialect.name == "sqlite":
        known = db.session.scalars(text("SELECT DISTINCT idx FROM sqlite_stat1")).all()
        assert "ix_service_request_desk" in known


def test_a_question_is_asked_twice_more_and_then_work_goes_on(
    a: Builders, app: Flask, now: datetime
) -> None:
    it = a.service_request(status=Status.WAITING)
    said = [run_daily(now + timedelta(days=7 * week)) for week in (1, 2, 3)]
    taken = steps_taken()

    assert [("1 asked again" in each, "1 gone on" in each) for each in said] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert now_of(it).status is Status.IN_PROGRESS
    run_daily(now + timedelta(days=21))
    assert steps_taken() == taken
    db.session.rollback()
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(violations(snapshot)) == []


def test_an_answer_at_the_same_moment_comes_before_or_after_the_reminder(
    a: Builders, app: Flask, now: datetime
) -> None:
    it = a.service_request(status=Status.WAITING)
    request_id, later = it.id, now + timedelta(days=7)

    def answer() -> None:
        owner = resident(request_id)
        with transaction():
            found = queries.find_for_change(owner, request_id, Action.ADD_TO_OWN_REQUEST)
            answers.add_word(found, word="周三在家", actor=owner, now=later)

    at_once(app, [answer, lambda: run_daily(later)])

    last = queries.history_of(now_of(it))[-1]
    assert (last.step, last.public_note) == (Step.RESUME, "周三在家")
    assert now_of(it).status is Status.IN_PROGRESS
    run_daily(later)
    assert now_of(it).question_turn_at is None
