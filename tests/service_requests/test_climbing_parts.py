"""The ladder of helping teams' parts: near and overdue, each once, told to those whose turn it is."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.builders import Builders, at
from tests.support.letters import letter_of
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.notifications.models import InboxEntry, Message
from tracker.permissions import resident
from tracker.service_requests import climbing, climbing_parts, ladder
from tracker.service_requests.actions import answers, approvals, dispatch, handling, parts
from tracker.service_requests.climbing import climb
from tracker.service_requests.ladder import HelpersClock, Rung
from tracker.service_requests.lifecycle import Outcome, Priority, Status
from tracker.service_requests.limits import Clock
from tracker.service_requests.models import (
    ApprovalKind,
    Escalation,
    Part,
    PartEscalation,
    ServiceRequest,
)

NEAR, DUE = date(2026, 3, 12), date(2026, 3, 13)
"""Two working days from a Wednesday: near before the first is over, due on Friday at six."""
AFTER_NEAR, AFTER_DUE = at(DUE, 17), at(date(2026, 3, 16), 10)
LATER = datetime(2026, 5, 12, 2, 0, tzinfo=UTC)
"""Ten on a working day in Shanghai, long after everything was due."""


def rungs_of(part: Part) -> list[Rung]:
    """Return the rungs that a part reached, in order."""
    found = select(PartEscalation.rung).where(PartEscalation.part_id == part.id)
    return list(db.session.scalars(found.order_by(PartEscalation.id)))


def told(part: Part, rung: Rung) -> set[int]:
    """Return whom the log names for a rung of a part."""
    found = db.session.scalars(
        select(PartEscalation).where(PartEscalation.part_id == part.id, PartEscalation.rung == rung)
    )
    return {person for one in found for person in one.told}


def fresh(part: Part) -> Part:
    """Return a part as the database has it."""
    return db.session.get_one(Part, part.id, populate_existing=True)


def now_of(it: ServiceRequest) -> ServiceRequest:
    """Return the request as it stands in the database."""
    return db.session.get_one(ServiceRequest, it.id, populate_existing=True)


class World:
    """A request under way with two places, and a part of a helping team with two working days."""

    def __init__(self, a: Builders, *, days: int | None = 2) -> None:
        self.lead, self.helping = a.team(), a.team(name="搬运队", name_en="Movers")
        self.leads = a.team_leader(self.lead)
        self.helps = a.team_leader(self.helping, email="ban@example.org")
        self.leader, self.desk = a.leader(), a.coordinator()
        self.supervisor = a.supervisor()
        self.it = a.service_request(
            status=Status.IN_PROGRESS, team=self.lead, leader=self.leader, volunteers_needed=2
        )
        self.part = a.part(self.it, self.helping, working_days=days)


@pytest.fixture(name="world")
def a_world(a: Builders) -> World:
    return World(a)


@pytest.mark.both_databases
def test_near_tells_who_holds_the_part_and_overdue_its_leaders_and_the_handlers(
    a: Builders, world: World
) -> None:
    ours, theirs = a.volunteer(world.lead), a.volunteer(world.helping)
    a.claim(world.it, ours)
    a.claim(world.it, theirs)

    climb(AFTER_NEAR)
    assert rungs_of(world.part) == [Rung.NEAR]
    for days in range(30):
        climb(AFTER_DUE + timedelta(days=days))

    assert rungs_of(world.part) == [Rung.NEAR, Rung.OVERDUE]
    assert told(world.part, Rung.NEAR) == {theirs.id}
    assert told(world.part, Rung.OVERDUE) == {theirs.id, world.helps.id, ours.id}
    on_their_page = db.session.execute(select(InboxEntry.person_id, InboxEntry.step)).all()
    assert (theirs.id, "part:near") in on_their_page
    assert (ours.id, "part:overdue") in on_their_page
    assert (ours.id, "part:near") not in on_their_page
    assert fresh(world.part).ladder_at is None


def test_where_nobody_holds_it_the_leaders_of_both_teams_are_told(world: World) -> None:
    climb(AFTER_NEAR)
    climb(AFTER_DUE)

    assert told(world.part, Rung.NEAR) == {world.helps.id}
    assert told(world.part, Rung.OVERDUE) == {world.helps.id, world.leads.id}


def test_of_a_team_that_nobody_leads_the_desk_hears(a: Builders) -> None:
    desk = a.coordinator()
    part = a.part(a.service_request(team=a.team()), a.team(), working_days=2)

    climb(AFTER_DUE)

    assert desk.id in told(part, Rung.OVERDUE)


def test_who_is_in_the_lead_team_too_works_for_that(a: Builders, world: World) -> None:
    both = a.volunteer(world.lead)
    a.membership(world.helping, both, is_vetted=True)
    a.claim(world.it, both)

    climb(AFTER_NEAR)
    climb(AFTER_DUE)

    assert told(world.part, Rung.NEAR) == {world.helps.id}
    assert told(world.part, Rung.OVERDUE) == {world.helps.id, both.id}


def test_a_part_without_days_sits_when_its_request_does_and_nobody_hears_that_twice(
    a: Builders,
) -> None:
    world = World(a, days=None)
    assert fresh(world.part).ladder_at == world.it.near_at

    climb(LATER)

    assert rungs_of(world.part) == [Rung.NEAR, Rung.OVERDUE]
    assert told(world.part, Rung.OVERDUE) == {world.helps.id}
    entries = select(InboxEntry).where(
        InboxEntry.person_id == world.leads.id, InboxEntry.step.startswith("part:")
    )
    assert db.session.scalars(entries).all() == []


def test_at_the_due_time_itself_nothing_is_overdue_yet(world: World) -> None:
    due = at(DUE, 18)
    assert world.part.due_at == due

    climb(due - timedelta(minutes=1))
    assert rungs_of(world.part) == [Rung.NEAR]
    assert fresh(world.part).ladder_at == due


def test_where_both_passed_at_once_only_overdue_is_told(world: World) -> None:
    climb(AFTER_DUE)

    assert rungs_of(world.part) == [Rung.NEAR, Rung.OVERDUE]
    assert told(world.part, Rung.NEAR) == set()


def test_running_twice_changes_nothing_the_second_time(world: World) -> None:
    first = climb(AFTER_DUE)
    second = climb(AFTER_DUE)

    assert first.parts == 1
    assert (second.parts, second.rungs) == (0, 0)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "hour",
    [
        datetime(2026, 3, 18, 14, 0, tzinfo=UTC),  # ten at night
        datetime(2026, 3, 21, 2, 0, tzinfo=UTC),  # a Saturday morning
        datetime(2026, 4, 6, 2, 0, tzinfo=UTC),  # Qingming
    ],
)
def test_nobody_is_told_at_night_or_on_a_day_of_rest_but_of_emergencies(
    a: Builders, world: World, hour: datetime
) -> None:
    hurries = a.service_request(
        team=world.lead, status=Status.IN_PROGRESS, priority=Priority.EMERGENCY
    )
    urgent = a.part(hurries, world.helping)

    climb(hour)

    assert rungs_of(world.part) == []
    assert rungs_of(urgent) == [Rung.NEAR, Rung.OVERDUE]


# -------------------------------------------------------------------- what stands still or ended


def wait(a: Builders, world: World) -> None:
    handling.ask_requester(world.it, question="几楼?", actor=a.actor(world.leads), now=a.now)


def park(a: Builders, world: World) -> None:
    asked = a.approval(world.it, ApprovalKind.PARKING)
    approvals.decide(asked, granted=True, actor=a.actor(world.supervisor), now=a.now)


def end(a: Builders, world: World) -> None:
    parts.end(world.part, result="好了", actor=a.actor(world.helps), now=a.now)


def give_back(a: Builders, world: World) -> None:
    parts.return_(world.part, reason="没有货车", actor=a.actor(world.helps), now=a.now)


def take_back(a: Builders, world: World) -> None:
    parts.take_back(world.part, actor=a.actor(world.desk), now=a.now)


def assign_without(a: Builders, world: World) -> None:
    dispatch.assign(
        world.it,
        lead_team=world.lead,
        leader=world.leader,
        volunteers_needed=2,
        actor=a.actor(world.desk),
        now=a.now,
    )


def withdraw(a: Builders, world: World) -> None:
    answers.withdraw(world.it, reason="", actor=resident(world.it.id), now=a.now)


def merge(a: Builders, world: World) -> None:
    survivor = a.service_request(team=world.lead)
    dispatch.merge(now_of(world.it), survivor, actor=a.actor(world.desk), now=a.now)


def resolve(a: Builders, world: World) -> None:
    leads = a.actor(world.leads)
    handling.resolve(
        world.it,
        outcome=Outcome.SOLVED,
        answer="好了",
        ends_parts=[world.part.id],
        actor=leads,
        now=a.now,
    )


@pytest.mark.parametrize("days", [2, None])
@pytest.mark.parametrize(
    "happens",
    [wait, park, end, give_back, take_back, assign_without, withdraw, merge, resolve],
)
def test_what_stands_still_or_ended_presses_nobody(
    a: Builders, happens: Callable[[Builders, World], None], days: int | None
) -> None:
    world = World(a, days=days)
    with transaction():
        happens(a, world)

    assert fresh(world.part).ladder_at is None
    climb(LATER)

    assert rungs_of(world.part) == []


@pytest.mark.parametrize("days", [2, None])
def test_when_the_clock_runs_again_so_does_the_ladder(a: Builders, days: int | None) -> None:
    world = World(a, days=days)
    with transaction():
        wait(a, world)
    climb(AFTER_DUE)
    with transaction():
        handling.resume(now_of(world.it), actor=a.actor(world.leads), now=AFTER_DUE)
    near = reading_near(world.part)
    assert fresh(world.part).ladder_at == near > AFTER_DUE

    climb(LATER)

    assert rungs_of(world.part) == [Rung.NEAR, Rung.OVERDUE]


def reading_near(part: Part) -> datetime:
    """Return from when the end of a part is near."""
    near = fresh(part).near_at or now_of(part.service_request).near_at
    assert near is not None
    return near


# -------------------------------------------------------------------- anew


def test_other_days_begin_anew_and_other_words_do_not(a: Builders, world: World) -> None:
    climb(AFTER_DUE)
    desk = a.actor(world.desk)
    with transaction():
        parts.change(fresh(world.part), task="搬到三楼", working_days=2, actor=desk, now=AFTER_DUE)
    climb(AFTER_DUE + timedelta(hours=1))
    assert rungs_of(world.part) == [Rung.NEAR, Rung.OVERDUE]
    with transaction():
        parts.change(fresh(world.part), task="搬到三楼", working_days=1, actor=desk, now=AFTER_DUE)

    climb(LATER)

    assert rungs_of(world.part) == [Rung.NEAR, Rung.OVERDUE] * 2
    rounds = select(PartEscalation.round).where(PartEscalation.part_id == world.part.id)
    assert list(db.session.scalars(rounds.order_by(PartEscalation.id))) == [0, 0, 1, 1]


def test_an_extension_begins_anew_what_is_due_with_the_request(a: Builders) -> None:
    world, own = World(a, days=None), a.team()
    with_days = a.part(world.it, own, working_days=2)
    near = reading_near(world.part) + timedelta(hours=17)
    climb(near)
    assert rungs_of(world.part) == [Rung.NEAR]
    with transaction():
        asked = handling.ask_extension(
            now_of(world.it), working_days=5, reason="等配件", actor=a.actor(world.leads), now=near
        )
    with transaction():
        approvals.decide(asked, granted=True, actor=a.actor(world.supervisor), now=near)

    assert fresh(world.part).ladder_at == now_of(world.it).near_at
    climb(LATER)

    assert rungs_of(world.part) == [Rung.NEAR, Rung.NEAR, Rung.OVERDUE]
    assert rungs_of(with_days) == [Rung.NEAR, Rung.OVERDUE]


# -------------------------------------------------------------------- the run


def mails_to(person: Person) -> list[Message]:
    """Return the mails of the ladder to somebody."""
    found = select(Message).where(Message.kind == "ladder", Message.address == person.email)
    return list(db.session.scalars(found))


@pytest.mark.parametrize("at_once", [5, 500])
def test_one_mail_tells_of_requests_and_parts_and_counts_each_once(
    a: Builders, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(climbing_parts, "AT_ONCE", at_once)
    monkeypatch.setattr(climbing, "HANDS", 1)
    world = World(a)
    for _ in range(8):
        a.part(a.service_request(team=world.lead), world.helping, working_days=1)
    a.service_request(status=Status.IN_PROGRESS, team=world.helping)

    climb(AFTER_DUE + timedelta(days=4))

    (mail,) = mails_to(world.helps)
    assert mail.payload["counts"] == {"overdue": 10}
    assert mail.payload["total"] == 10
    letter = letter_of(mail, "en")
    assert "10 overdue" in letter.subject
    assert "Overdue: part of Movers" in letter.text
    assert "已超期：搬运队的协办任务" in letter_of(mail, "zh_Hans_CN").text


def test_a_mail_of_before_the_update_still_goes_out(a: Builders, world: World) -> None:
    climb(AFTER_DUE)
    (mail,) = mails_to(world.helps)
    with transaction():
        items = [{**item, "clock": "resolve"} for item in mail.payload["items"]]
        for item in items:
            del item["team"], item["team_en"]
        mail.payload = {**mail.payload, "items": items}

    assert "Overdue: result" in letter_of(mail, "en").text


@pytest.mark.both_databases
def test_more_parts_take_no_more_statements(
    a: Builders, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    lead, helping = a.team(), a.team()
    a.team_leader(helping, email="ban@example.org")

    def run_over(number: int) -> int:
        for _ in range(number):
            a.part(a.service_request(status=Status.IN_PROGRESS, team=lead), helping, working_days=2)
        with transaction():  # requests have nothing to tell
            for it in db.session.scalars(select(ServiceRequest)):
                it.ladder_at = None
        return count_queries(lambda: climb(AFTER_DUE))

    run_over(1)
    few, many = run_over(2), run_over(12)

    assert few == many


@pytest.mark.both_databases
def test_runs_at_the_same_time_tell_each_once(
    a: Builders, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(climbing, "AT_ONCE", 7)
    monkeypatch.setattr(climbing_parts, "AT_ONCE", 7)
    lead, helping = a.team(), a.team()
    helps = a.team_leader(helping)
    its = [
        a.part(a.service_request(status=Status.IN_PROGRESS, team=lead), helping, working_days=2)
        for _ in range(40)
    ]
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with app.app_context():
                climb(AFTER_DUE)
        except BaseException as error:  # noqa: BLE001 - said by the test
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    climb(AFTER_DUE)  # who passes over what others hold leaves it to the next
    counted = Counter(db.session.execute(select(PartEscalation.part_id, PartEscalation.rung)).all())
    assert set(counted.values()) == {1}
    assert {key[0] for key in counted} == {part.id for part in its}
    entries = select(InboxEntry).where(
        InboxEntry.person_id == helps.id, InboxEntry.step == "part:overdue"
    )
    assert len(db.session.scalars(entries).all()) == len(its)


def test_the_rungs_of_parts_are_none_of_their_request(world: World) -> None:
    climb(AFTER_DUE)

    assert rungs_of(world.part) == [Rung.NEAR, Rung.OVERDUE]
    its = select(Escalation.rung).where(Escalation.clock == Clock.RESOLVE)
    assert db.session.scalars(its).all() == []
    assert not now_of(world.it).rungs_reached & ladder.bits_of([Clock.RESOLVE, HelpersClock.PART])
