"""Open requests are counted anew when limits or the calendar change; what ended is not."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from tests.support.builders import Builders, at
from tracker.accounts.models import AuditEntry
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.organisation import actions, queries as organisation
from tracker.service_requests import recounting
from tracker.service_requests.actions import parts, time_passing
from tracker.service_requests.lifecycle import Priority, Status
from tracker.service_requests.limits import Clock
from tracker.service_requests.models import Part, ServiceRequest


def due_of(it: ServiceRequest) -> datetime | None:
    """Return by when the request is due, as the database has it."""
    return db.session.get_one(ServiceRequest, it.id, populate_existing=True).due_at


def turn_of(it: ServiceRequest) -> datetime | None:
    """Return when time does the next thing to its question, as the database has it."""
    return db.session.get_one(ServiceRequest, it.id, populate_existing=True).question_turn_at


def set_days(a: Builders, days: int) -> None:
    with transaction():
        actions.set_limits(
            None,
            {(Priority.NORMAL.value, Clock.RESOLVE.value): (days, "working_days")},
            stood=organisation.stand_of_limits(None),
            actor=a.actor(a.administrator()),
            now=a.now,
        )


def finish(now: datetime) -> None:
    while recounting.is_under_way():
        recounting.go_on(now=now)


def test_a_new_limit_moves_what_is_open_and_leaves_what_has_a_result(a: Builders) -> None:
    its = {status: a.service_request(status=status) for status in Status}
    before = {status: due_of(it) for status, it in its.items()}

    set_days(a, 9)
    assert {status: due_of(it) for status, it in its.items()} == before  # not in the page's time
    finish(a.now)

    moved = {status for status, it in its.items() if due_of(it) != before[status]}
    assert moved == {Status.ACCEPTED, Status.ASSIGNED, Status.IN_PROGRESS}
    waiting = its[Status.WAITING]
    assert due_of(waiting) is None
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "clocks:recount"))
    changes = {reference for entry in entries for reference in entry.changes}
    assert changes == {its[status].reference for status in moved}


def test_a_day_off_in_one_unit_moves_its_requests_alone(a: Builders) -> None:
    branch = a.unit()
    there = a.service_request(status=Status.ACCEPTED, unit=branch)
    here = a.service_request(status=Status.ACCEPTED)
    before = due_of(there), due_of(here)

    with transaction():
        actions.set_calendar_day(
            date(2026, 3, 13),
            is_working=False,
            name="停电",
            unit=branch,
            actor=a.actor(a.administrator()),
            now=a.now,
        )
    finish(a.now)

    after = due_of(there), due_of(here)
    assert before[0] is not None
    assert after == (before[0] + timedelta(days=1), before[1])


def test_it_goes_on_where_it_was_stopped_and_counts_nothing_twice(
    a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recounting, "AT_ONCE", 2)
    monkeypatch.setattr(recounting, "AT_A_TIME_S", 0.0)
    its = [a.service_request(status=Status.ACCEPTED) for _ in range(5)]
    set_days(a, 9)
    with transaction():
        assert recounting._count_some(a.now) == 2  # as if the worker ended here
    finish(a.now)

    assert len({due_of(it) for it in its}) == 1
    written = db.session.scalar(select(func.count()).where(AuditEntry.action == "clocks:recount"))
    assert written == 3


def test_nothing_is_counted_where_nobody_asked(a: Builders) -> None:
    a.service_request(status=Status.ACCEPTED)

    assert recounting.go_on(now=utc_now()) == 0


def test_a_setting_that_counts_nothing_starts_nothing(a: Builders) -> None:
    settings = a.organisation()
    with transaction():
        actions.edit_organisation(
            {"name": "晴溪", "claim_limit": 7},
            version=settings.version,
            actor=a.actor(a.administrator()),
            now=a.now,
        )

    assert not recounting.is_under_way()


def test_a_day_off_moves_until_when_a_question_waits(a: Builders) -> None:
    branch, leads = a.unit(), a.actor(a.administrator())
    there = a.service_request(status=Status.WAITING, unit=branch)
    here = a.service_request(status=Status.WAITING)
    asked_again = a.service_request(status=Status.WAITING, unit=branch)
    later = at(date(2026, 3, 16), 18)  # three working days after a Wednesday
    with transaction():
        time_passing.take_question_turn(asked_again, now=later)
    its = (there, here, asked_again)
    before = [turn_of(it) for it in its]
    assert before == [later, later, at(date(2026, 3, 19), 18)]

    for day in (date(2026, 3, 13), date(2026, 3, 18)):
        with transaction():
            actions.set_calendar_day(
                day, is_working=False, name="停电", unit=branch, actor=leads, now=a.now
            )
    finish(a.now)

    assert [turn_of(it) for it in its] == [
        at(date(2026, 3, 17), 18),
        later,
        at(date(2026, 3, 20), 18),
    ]


def test_a_day_off_moves_the_days_of_a_part_and_not_of_one_that_has_ended(a: Builders) -> None:
    helping = a.team()
    it, other = a.service_request(team=a.team()), a.service_request(team=a.team())
    stays, ended = a.part(it, helping, working_days=2), a.part(other, helping, working_days=2)
    with transaction():
        parts.end(ended, result="好了", actor=a.actor(a.team_leader(helping)), now=a.now)

    with transaction():
        actions.set_calendar_day(
            date(2026, 3, 13),
            is_working=False,
            name="停电",
            unit=None,
            actor=a.actor(a.administrator()),
            now=a.now,
        )
    finish(a.now)

    times = [db.session.get_one(Part, each.id, populate_existing=True) for each in (stays, ended)]
    assert [each.due_at for each in times] == [
        at(date(2026, 3, 16), 18),
        at(date(2026, 3, 13), 18),
    ]
    assert [each.ladder_at for each in times] == [times[0].near_at, None]


def test_a_part_without_days_climbs_by_what_its_request_is_counted_anew_to(a: Builders) -> None:
    it = a.service_request(team=a.team())
    part = a.part(it, a.team())
    before = part.ladder_at

    set_days(a, 9)
    finish(a.now)

    counted = db.session.get_one(Part, part.id, populate_existing=True)
    request = db.session.get_one(ServiceRequest, it.id, populate_existing=True)
    assert counted.ladder_at == request.near_at != before
