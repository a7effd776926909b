"""The ladder's run: each rung once, written down, told to those whose turn it is, never at night."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.builders import Builders
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.errors import NotPermittedError, RefusedError
from tracker.notifications.models import InboxEntry, Message
from tracker.service_requests import climbing
from tracker.service_requests.actions import approvals, handling, supervision
from tracker.service_requests.climbing import climb
from tracker.service_requests.ladder import Rung
from tracker.service_requests.lifecycle import Priority, Status
from tracker.service_requests.limits import Clock
from tracker.service_requests.models import Escalation, ServiceRequest

MORNING = datetime(2026, 3, 11, 2, 0, tzinfo=UTC)
"""Ten on a Wednesday in Shanghai: what the builders take for now."""


def rungs_of(it: ServiceRequest, clock: Clock = Clock.RESOLVE) -> list[Rung]:
    """Return the rungs that a request reached, in order."""
    found = select(Escalation.rung).where(
        Escalation.service_request_id == it.id, Escalation.clock == clock
    )
    return list(db.session.scalars(found.order_by(Escalation.id)))


def told(rung: Rung, clock: Clock = Clock.RESOLVE) -> set[int]:
    """Return whom the log names for a rung."""
    found = db.session.scalars(
        select(Escalation).where(Escalation.rung == rung, Escalation.clock == clock)
    )
    return {person for one in found for person in one.told}


def now_of(it: ServiceRequest) -> ServiceRequest:
    """Return the request as it stands in the database."""
    return db.session.get_one(ServiceRequest, it.id, populate_existing=True)


class World:
    """A request under way with everybody around it."""

    def __init__(self, a: Builders) -> None:
        self.team = a.team()
        self.team_leader = a.team_leader(self.team)
        self.volunteer = a.volunteer(self.team)
        self.leader = a.leader()
        self.desk = a.coordinator()
        self.supervisor = a.supervisor()
        self.it = a.service_request(
            status=Status.IN_PROGRESS,
            team=self.team,
            leader=self.leader,
            claimed_by=[self.volunteer],
        )


@pytest.fixture(name="world")
def a_world(a: Builders) -> World:
    return World(a)


def test_each_rung_tells_whose_turn_it_is(world: World) -> None:
    for days in range(1, 16):
        climb(MORNING + timedelta(days=days))

    assert rungs_of(world.it) == list(Rung)
    assert told(Rung.NEAR) == {world.volunteer.id}
    assert told(Rung.OVERDUE) == {world.volunteer.id, world.team_leader.id}
    assert told(Rung.PRESSED) == {world.leader.id}
    assert told(Rung.SUPERVISED) == {world.supervisor.id}
    on_their_page = db.session.execute(select(InboxEntry.person_id, InboxEntry.step)).all()
    assert (world.leader.id, "resolve:pressed") in on_their_page
    assert now_of(world.it).supervised_at is not None
    assert now_of(world.it).ladder_at is None


def test_running_twice_changes_nothing_the_second_time(world: World) -> None:
    later = MORNING + timedelta(days=9)
    first = climb(later)
    written = db.session.scalars(select(Message.id).where(Message.kind == "ladder")).all()

    second = climb(later)

    assert first.rungs > 0
    assert (second.requests, second.rungs) == (0, 0)
    assert db.session.scalars(select(Message.id).where(Message.kind == "ladder")).all() == written


def test_where_several_rungs_passed_at_once_only_the_highest_is_told(world: World) -> None:
    climb(MORNING + timedelta(days=15))

    assert rungs_of(world.it) == list(Rung)
    assert told(Rung.NEAR) | told(Rung.OVERDUE) | told(Rung.PRESSED) == set()
    assert told(Rung.SUPERVISED) == {world.supervisor.id}


@pytest.mark.parametrize(
    "hour",
    [
        datetime(2026, 3, 18, 14, 0, tzinfo=UTC),  # ten at night
        datetime(2026, 3, 21, 2, 0, tzinfo=UTC),  # a Saturday morning
        datetime(2026, 4, 6, 2, 0, tzinfo=UTC),  # Qingming
    ],
)
def test_nobody_is_told_at_night_or_on_a_day_of_rest(world: World, hour: datetime) -> None:
    assert climb(hour).rungs == 0
    assert rungs_of(world.it) == []


def test_an_emergency_is_told_at_night(a: Builders) -> None:
    leads = a.team_leader(team := a.team())
    it = a.service_request(status=Status.ASSIGNED, team=team, priority=Priority.EMERGENCY)

    climb(datetime(2026, 3, 11, 18, 0, tzinfo=UTC))

    assert rungs_of(it)[:2] == [Rung.NEAR, Rung.OVERDUE]
    assert leads.id in told(Rung.OVERDUE)


def test_a_unit_that_is_closed_is_not_told_while_another_is(a: Builders) -> None:
    closed = a.unit()
    here, there = a.service_request(), a.service_request(unit=closed)
    day = MORNING + timedelta(days=2)
    a.calendar_day(day.date(), is_working=False, unit=closed)

    climb(day)

    assert rungs_of(here, Clock.ACCEPT) != []
    assert rungs_of(there, Clock.ACCEPT) == []


def test_what_nobody_accepts_goes_up_from_the_desk(a: Builders) -> None:
    desk, supervisor = a.coordinator(), a.supervisor()
    it = a.service_request()

    for days in range(1, 6):
        climb(MORNING + timedelta(days=days))

    assert rungs_of(it, Clock.ACCEPT) == [Rung.NEAR, Rung.OVERDUE, Rung.PRESSED]
    assert told(Rung.OVERDUE, Clock.ACCEPT) == {desk.id}
    assert told(Rung.PRESSED, Clock.ACCEPT) == {desk.id, supervisor.id}


def test_what_nobody_signs_for_goes_up_from_the_team(a: Builders) -> None:
    leads = a.team_leader(team := a.team())
    leader = a.leader()
    it = a.service_request(status=Status.ASSIGNED, team=team, leader=leader)

    for days in range(1, 6):
        climb(MORNING + timedelta(days=days))

    assert rungs_of(it, Clock.SIGN_FOR) == [Rung.NEAR, Rung.OVERDUE, Rung.PRESSED]
    assert told(Rung.OVERDUE, Clock.SIGN_FOR) == {leads.id}
    assert told(Rung.PRESSED, Clock.SIGN_FOR) == {leader.id}


@pytest.mark.parametrize("status", [Status.WAITING, Status.PARKED, Status.RESOLVED, Status.CLOSED])
def test_what_waits_is_parked_or_has_a_result_presses_nobody(a: Builders, status: Status) -> None:
    it = a.service_request(status=status)

    climb(MORNING + timedelta(days=60))

    assert rungs_of(it) == []


def test_a_ladder_begins_anew_where_the_limit_does(a: Builders, world: World) -> None:
    near = MORNING + timedelta(days=7)
    climb(near)
    handler = a.actor(world.volunteer)
    with transaction():
        asked = handling.ask_extension(
            now_of(world.it), working_days=5, reason="等配件", actor=handler, now=near
        )
    with transaction():
        approvals.decide(asked, granted=True, actor=a.actor(world.supervisor), now=near)

    climb(near + timedelta(minutes=10))
    assert rungs_of(world.it) == [Rung.NEAR]
    climb(near + timedelta(days=7))

    assert rungs_of(world.it) == [Rung.NEAR, Rung.NEAR]


def test_who_has_left_is_not_told_and_the_next_in_line_is(a: Builders) -> None:
    team = a.team()
    desk = a.coordinator()
    it = a.service_request(status=Status.ASSIGNED, team=team, leader=a.leader())

    climb(MORNING + timedelta(days=2))

    assert rungs_of(it, Clock.SIGN_FOR) != []
    assert desk.id in told(Rung.OVERDUE, Clock.SIGN_FOR)  # the team has no leader


@pytest.mark.parametrize("at_once", [5, 500])
def test_one_mail_tells_one_person_of_all(
    a: Builders, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(climbing, "AT_ONCE", at_once)
    monkeypatch.setattr(climbing, "HANDS", 1)
    leads = a.team_leader(team := a.team(), email="dui@example.org")
    for _ in range(12):
        a.service_request(status=Status.IN_PROGRESS, team=team)

    climb(MORNING + timedelta(days=9))

    mails = db.session.scalars(
        select(Message).where(Message.kind == "ladder", Message.address == leads.email)
    ).all()
    assert len(mails) == 1
    assert (mails[0].payload["total"], len(mails[0].payload["items"])) == (12, 10)
    entries = db.session.scalars(select(InboxEntry).where(InboxEntry.person_id == leads.id))
    assert len({entry.service_request_id for entry in entries}) == 12


def test_several_hands_of_one_run_leave_nothing_and_tell_each_once(
    a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(climbing, "AT_ONCE", 3)
    monkeypatch.setattr(climbing, "HANDS", 3)
    leads = a.team_leader(team := a.team(), email="dui@example.org")
    its = [a.service_request(status=Status.IN_PROGRESS, team=team) for _ in range(40)]
    then = MORNING + timedelta(days=9)

    done = climb(then)

    assert done.requests == len(its)
    assert climb(then).requests == 0
    assert {rung for it in its for rung in rungs_of(it)} == {Rung.NEAR, Rung.OVERDUE, Rung.PRESSED}
    mails = db.session.scalars(
        select(Message).where(Message.kind == "ladder", Message.address == leads.email)
    ).all()
    assert sum(mail.payload["total"] for mail in mails) == len(its)
    entries = select(InboxEntry).where(
        InboxEntry.person_id == leads.id, InboxEntry.step.contains(":")
    )
    assert len(db.session.scalars(entries).all()) == len(its)


def test_runs_at_the_same_time_tell_each_once(
    a: Builders, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(climbing, "AT_ONCE", 7)
    its = [a.service_request(status=Status.ACCEPTED) for _ in range(40)]
    a.coordinator()
    db.session.commit()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with app.app_context():
                climb(MORNING + timedelta(days=8))
        except BaseException as error:  # noqa: BLE001 - said by the test
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    climb(MORNING + timedelta(days=8))  # who passes over what others hold leaves it to the next
    counted = Counter(
        db.session.execute(
            select(Escalation.service_request_id, Escalation.rung, Escalation.clock)
        ).all()
    )
    assert set(counted.values()) == {1}
    assert {key[0] for key in counted} == {it.id for it in its}


class TestSupervision:
    """The uppermost rung is answered in writing, once, by somebody who did not handle it."""

    @pytest.fixture(name="world")
    def a_supervised_world(self, a: Builders) -> World:
        world = World(a)
        climb(MORNING + timedelta(days=15))
        return world

    def test_it_shows_until_it_is_answered(self, a: Builders, world: World) -> None:
        later = MORNING + timedelta(days=15)
        with transaction():
            supervision.answer(
                now_of(world.it), words="周五前上门", actor=a.actor(world.supervisor), now=later
            )

        assert now_of(world.it).supervised_at is None
        answered = db.session.scalars(
            select(Escalation).where(Escalation.answered_at.is_not(None))
        ).one()
        assert (answered.answer, answered.answered_by_id) == ("周五前上门", world.supervisor.id)
        with pytest.raises(RefusedError), transaction():
            supervision.answer(
                now_of(world.it), words="又一次", actor=a.actor(world.supervisor), now=later
            )

    @pytest.mark.parametrize("who", ["desk", "team_leader", "leader", "volunteer"])
    def test_nobody_else_answers(self, a: Builders, world: World, who: str) -> None:
        person: Person = getattr(world, who)

        with pytest.raises(NotPermittedError), transaction():
            supervision.answer(now_of(world.it), words="好", actor=a.actor(person), now=MORNING)

    def test_the_requester_never_reads_it(self, a: Builders, world: World) -> None:
        with transaction():
            supervision.answer(
                now_of(world.it), words="周五前上门", actor=a.actor(world.supervisor), now=MORNING
            )

        mails = db.session.scalars(select(Message).where(Message.kind == "requester_step")).all()
        assert all("周五前上门" not in str(mail.payload) for mail in mails)
