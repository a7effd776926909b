"""Handing over what somebody holds: who may, what would happen, and doing it as it was shown."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tests.support.steps import steps_of
from tests.support.together import at_once
from tracker.accounts.models import AuditEntry, Person
from tracker.database import db, transaction
from tracker.errors import NotFoundError, NotPermittedError, Refusal, StaleError
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Message
from tracker.permissions import Role
from tracker.service_requests import handing_over
from tracker.service_requests.actions.handing_over import Group, Move, hand_over
from tracker.service_requests.handing_over import Fate, Plan
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import ApprovalKind, ReachableBy, ServiceRequest
from tracker.teams.models import Membership
from tracker.visits.models import Visit, VisitStatus


def assert_nothing_is_amiss(app: Flask) -> None:
    db.session.rollback()
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(violations(snapshot)) == []


def planned(a: Builders, person: Person, by: Person, **chosen: object) -> Plan:
    """Return what would happen if `by` sent everything where `chosen` says."""
    holdings = handing_over.holdings_of(person, actor=a.actor(by), now=a.now)
    return handing_over.plan_of(
        holdings, {name.replace("__", "-"): str(choice) for name, choice in chosen.items()}
    )


def done(a: Builders, person: Person, by: Person, **chosen: object) -> Plan:
    """Let `by` hand it over, as it was shown a moment before."""
    seen = planned(a, person, by, **chosen).seen
    with transaction():
        plan = handing_over.hand_over_as_seen(
            db.session.merge(person),
            {name.replace("__", "-"): str(choice) for name, choice in chosen.items()},
            seen=seen,
            actor=a.actor(by),
            now=a.now,
        )
    db.session.expire_all()
    return plan


def test_a_team_leader_hands_open_tasks_to_another_volunteer(a: Builders, app: Flask) -> None:
    team = a.team()
    boss, goes, comes = a.team_leader(team), a.volunteer(team), a.volunteer(team)
    held = [a.service_request(team=team, claimed_by=[goes]) for _ in range(2)]

    done(a, goes, boss, tasks=comes.id)

    for it in held:
        assert it.claimant_ids == {comes.id}
        assert it.places_taken == 1
        assert steps_of(it)[-2:] == [Step.RELEASE, Step.CLAIM]
        assert comes.id in it.handler_ids
    [told] = db.session.scalars(select(Message).where(Message.kind == "handed_over")).all()
    assert (told.address, told.payload["count"]) == (comes.email, 2)
    mail = letter_of(told)
    assert mail.subject == "2 requests were handed over to you"
    assert all(f"/requests/{it.id}" in mail.text for it in held)
    assert "交接给您" in letter_of(told, "zh_Hans_CN").subject
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "person:hand-over")
    ).one()
    assert (entry.subject_id, entry.actor_id) == (goes.id, boss.id)
    assert entry.changes == {"tasks": [2, 0]}
    assert_nothing_is_amiss(app)


def test_who_comes_to_the_door_is_told_when_a_visit_changes_hands(a: Builders, app: Flask) -> None:
    team = a.team()
    boss, goes, comes = a.team_leader(team), a.volunteer(team), a.volunteer(team, name="何接手")
    it = a.service_request(
        team=team, claimed_by=[goes], reachable_by=ReachableBy.EMAIL, email="li@example.org"
    )
    visit_id = a.planned_visit(it, by=goes).id
    before = len(db.session.scalars(select(Message.id)).all())

    done(a, goes, boss, tasks=comes.id)

    assert [p.id for p in db.session.get_one(Visit, visit_id).visitors] == [comes.id]
    new = db.session.scalars(select(Message).order_by(Message.id)).all()[before:]
    to_requester = [each for each in new if each.address == "li@example.org"]
    assert [each.payload["step"] for each in to_requester] == ["plan_visit"]
    assert to_requester[0].payload["visitors"] == ["何接手"]
    assert_nothing_is_amiss(app)


def test_what_goes_back_to_the_desk_is_told_to_the_team_leader_once(
    a: Builders, app: Flask
) -> None:
    team = a.team()
    lead, goes = a.team_leader(team), a.volunteer(team)
    held = [a.service_request(team=team, claimed_by=[goes]) for _ in range(3)]
    visit_id = a.planned_visit(held[0], by=goes).id

    done(a, goes, a.coordinator(), tasks="desk")

    assert [it.claimant_ids for it in held] == [set()] * 3
    assert db.session.get_one(Visit, visit_id).status is VisitStatus.CANCELLED
    [told] = db.session.scalars(select(Message).where(Message.kind == "handed_over")).all()
    assert (told.address, told.payload["to_desk"]) == (lead.email, True)
    assert letter_of(told).subject == "3 tasks are back with your team"
    assert_nothing_is_amiss(app)


@pytest.mark.parametrize(
    "status", [Status.ASSIGNED, Status.IN_PROGRESS, Status.WAITING, Status.PARKED, Status.RESOLVED]
)
def test_a_coordinator_lets_another_leader_answer(a: Builders, app: Flask, status: Status) -> None:
    team = a.team()
    goes, comes = a.leader(), a.leader()
    it = a.service_request(team=team, leader=goes, status=status)

    done(a, goes, a.coordinator(), answered_for=comes.id)

    assert (it.leader_id, it.status) == (comes.id, status)
    assert comes.id in it.handler_ids
    assert_nothing_is_amiss(app)


def test_which_leader_answers_is_not_for_a_team_leader_to_say(a: Builders) -> None:
    team, comes = a.team(), a.leader()
    boss = a.team_leader(team)
    a.grant(boss, Role.LEADER)
    it = a.service_request(team=team, leader=boss)
    other_boss = a.team_leader(team)

    assert planned(a, boss, other_boss, answered_for=comes.id).lines == []
    with pytest.raises(NotPermittedError), transaction():
        hand_over(
            [Move(Group.ANSWERED_FOR, it, comes)],
            boss,
            held=dict.fromkeys(Group, 1),
            actor=a.actor(other_boss),
            now=a.now,
        )
    db.session.refresh(it)
    assert it.leader_id == boss.id


def test_each_thing_that_cannot_go_there_says_why(a: Builders, now: datetime) -> None:
    team = a.team()
    boss, goes, comes = a.team_leader(team), a.volunteer(team), a.volunteer(team)
    shared = a.service_request(team=team, claimed_by=[goes, comes], volunteers_needed=2)
    clash = a.service_request(team=team, claimed_by=[goes])
    a.planned_visit(shared, by=comes, planned_from=now + timedelta(days=1))
    a.planned_visit(clash, by=goes, planned_from=now + timedelta(days=1, minutes=30))
    done_already = a.service_request(team=team, claimed_by=[goes], status=Status.RESOLVED)

    plan = planned(a, goes, boss, tasks=comes.id)

    assert {line.item.service_request.id: (line.fate, line.refusal) for line in plan.lines} == {
        shared.id: (Fate.CANNOT, Refusal.ALREADY_CLAIMED),
        clash.id: (Fate.CANNOT, Refusal.CLASH),
        done_already.id: (Fate.CANNOT, Refusal.NOT_OPEN_FOR_CLAIMS),
    }


def test_the_limit_of_claims_counts_what_is_handed_over_before(a: Builders, app: Flask) -> None:
    a.organisation(claim_limit=2)
    team = a.team()
    boss, goes, comes = a.team_leader(team), a.volunteer(team), a.volunteer(team)
    a.service_request(team=team, claimed_by=[comes])
    first, second = (a.service_request(team=team, claimed_by=[goes]) for _ in range(2))

    plan = done(a, goes, boss, tasks=comes.id)

    assert [(line.fate, line.refusal) for line in plan.lines] == [
        (Fate.GOES, None),
        (Fate.CANNOT, Refusal.CLAIM_LIMIT),
    ]
    assert (first.claimant_ids, second.claimant_ids) == ({comes.id}, {goes.id})
    assert_nothing_is_amiss(app)


def test_one_thing_may_go_elsewhere_than_its_group(a: Builders) -> None:
    team = a.team()
    boss, goes = a.team_leader(team), a.volunteer(team)
    one, two = a.volunteer(team), a.volunteer(team)
    first, second, third = (a.service_request(team=team, claimed_by=[goes]) for _ in range(3))

    chosen = {"tasks": one.id, f"tasks__{second.id}": two.id, f"tasks__{third.id}": "stays"}
    done(a, goes, boss, **chosen)

    assert [it.claimant_ids for it in (first, second, third)] == [{one.id}, {two.id}, {goes.id}]


def test_what_changed_since_it_was_shown_is_not_handed_over(a: Builders) -> None:
    team = a.team()
    boss, goes, comes = a.team_leader(team), a.volunteer(team), a.volunteer(team)
    first = a.service_request(team=team, claimed_by=[goes])
    seen = planned(a, goes, boss, tasks=comes.id).seen
    a.service_request(team=team, claimed_by=[goes])

    with pytest.raises(StaleError), transaction():
        handing_over.hand_over_as_seen(
            goes, {"tasks": str(comes.id)}, seen=seen, actor=a.actor(boss), now=a.now
        )

    db.session.expire_all()
    assert first.claimant_ids == {goes.id}


def test_of_two_who_hand_over_at_the_same_moment_one_does(a: Builders, app: Flask) -> None:
    team = a.team()
    goes, one, two = a.volunteer(team), a.volunteer(team), a.volunteer(team)
    actors = [a.actor(a.team_leader(team)), a.actor(a.coordinator())]
    held = [a.service_request(team=team, claimed_by=[goes]) for _ in range(3)]
    ids, goes_id, now = [it.id for it in held], goes.id, a.now
    successors = [str(one.id), str(two.id)]
    seen = [" ".join(f"tasks-{each}={to}" for each in ids) for to in successors]

    def act(number: int) -> Callable[[], bool]:
        def hand() -> bool:
            try:
                with transaction():
                    handing_over.hand_over_as_seen(
                        db.session.get_one(Person, goes_id),
                        {"tasks": successors[number]},
                        seen=seen[number],
                        actor=actors[number],
                        now=now,
                    )
            except StaleError:
                return False
            return True

        return hand

    assert sorted(at_once(app, [act(0), act(1)])) == [False, True]
    assert {frozenset(it.claimant_ids) for it in held} in (
        {frozenset({int(successors[0])})},
        {frozenset({int(successors[1])})},
    )
    assert_nothing_is_amiss(app)


def test_only_what_is_within_reach_is_shown(a: Builders) -> None:
    ours, theirs = a.team(), a.team()
    goes = a.volunteer(ours)
    a.membership(theirs, goes)
    boss = a.team_leader(ours)
    seen = a.service_request(team=ours, claimed_by=[goes])
    unseen = a.service_request(team=theirs, claimed_by=[goes])
    branch = a.unit()

    ids = [line.item.service_request.id for line in planned(a, goes, boss).lines]
    assert ids == [seen.id]
    ids = [line.item.service_request.id for line in planned(a, goes, a.coordinator()).lines]
    assert ids == [seen.id, unseen.id]
    with pytest.raises(NotFoundError):
        handing_over.find_person(a.actor(a.coordinator(branch)), goes.id, now=a.now)
    with pytest.raises(NotFoundError):
        handing_over.find_person(a.actor(a.team_leader(a.team())), goes.id, now=a.now)


def test_who_leads_a_team_that_helps_hands_over_what_its_own_members_hold(
    a: Builders, browser: Browser
) -> None:
    leading, helping = a.team(), a.team()
    boss = a.team_leader(helping)
    theirs, ours = a.volunteer(leading), a.volunteer(helping)
    it = a.service_request(
        team=leading, helping_teams=[helping], claimed_by=[theirs, ours], volunteers_needed=2
    )

    page = browser.sign_in(boss).open(f"/requests/{it.id}")
    links = [link.href for link in page.links]

    assert f"/hand-over/{ours.id}" in links
    assert f"/hand-over/{theirs.id}" not in links
    browser.open(f"/hand-over/{theirs.id}", status=404)
    assert [line.item.service_request.id for line in planned(a, ours, boss).lines] == [it.id]


def test_what_only_they_can_settle_is_named(a: Builders) -> None:
    team = a.team()
    goes = a.team_leader(team)
    a.grant(goes, Role.SUPERVISOR)
    asked = a.service_request(team=team, status=Status.WAITING)  # by the only team leader
    foreign = a.service_request(team=a.team(), status=Status.IN_PROGRESS)
    approval = a.approval(foreign, ApprovalKind.EXTENSION)
    desk = a.coordinator()

    waiting = handing_over.holdings_of(goes, actor=a.actor(desk), now=a.now).waiting
    assert [(each.id, number) for each, number in waiting.led_alone] == [(team.id, 1)]
    assert [each.id for each in waiting.decisions] == [approval.id]
    assert [each.id for each in waiting.questions] == [asked.id]

    a.team_leader(team)
    a.supervisor()
    waiting = handing_over.holdings_of(goes, actor=a.actor(desk), now=a.now).waiting
    assert (waiting.led_alone, waiting.decisions) == ([], [])


def test_the_preview_asks_no_more_for_more(
    a: Builders, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    a.organisation(claim_limit=100)
    team = a.team()
    boss, goes, comes = a.team_leader(team), a.volunteer(team), a.volunteer(team)

    def look() -> None:
        db.session.expire_all()
        planned(a, goes, boss, tasks=comes.id)

    def more(number: int) -> None:
        for _ in range(number):
            a.planned_visit(a.service_request(team=team, claimed_by=[goes]), by=goes)

    more(2)
    look()
    few = count_queries(look)
    more(12)
    look()
    assert count_queries(look) == few


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_a_leader_answers_for_is_found_in_an_index(a: Builders) -> None:
    a.service_request(leader=a.leader())
    asked = str(
        handing_over._queries(1, now=a.now)[Group.ANSWERED_FOR].compile(
            db.engine, compile_kwargs={"literal_binds": True}
        )
    )
    told = db.session.execute(text(f"EXPLAIN QUERY PLAN {asked}")).all()
    assert "ix_service_request_leader_open" in str(told)


def test_a_team_leader_looks_first_and_then_hands_over(a: Builders, browser: Browser) -> None:
    team = a.team()
    boss, goes = a.team_leader(team), a.volunteer(team, name="郑要走")
    comes = a.volunteer(team, name="何接手")
    it = a.service_request(team=team, claimed_by=[goes])
    browser.sign_in(boss).open("/team")
    browser.open(f"/hand-over/{goes.id}")

    page = browser.send(tasks=comes.id, press="Show what would happen")
    assert "1 claimed task goes to 何接手, with its visits." in page.text
    assert db.session.get_one(ServiceRequest, it.id).claimant_ids == {goes.id}
    page = browser.send(note="搬家", press="Hand it over")

    assert "Handed over. Everybody concerned has been told." in page.text
    assert "Nothing to hand over" in page.text
    db.session.expire_all()
    assert db.session.get_one(ServiceRequest, it.id).claimant_ids == {comes.id}
    page = browser.open(f"/requests/{it.id}")
    assert "搬家" in page.text


def test_what_changed_meanwhile_is_said_and_sent_once_more(a: Builders, browser: Browser) -> None:
    team = a.team()
    boss, goes = a.team_leader(team), a.volunteer(team)
    comes = a.volunteer(team)
    a.service_request(team=team, claimed_by=[goes])
    browser.sign_in(boss).open(f"/hand-over/{goes.id}")
    browser.send(tasks=comes.id, press="Show what would happen")
    new = a.service_request(team=team, claimed_by=[goes])

    page = browser.send(press="Hand it over")
    assert "this is not what the page had said" in page.text
    assert "New:" in page.text
    assert "2 claimed tasks go to" in page.text
    browser.send(press="Hand it over")

    db.session.expire_all()
    assert db.session.get_one(ServiceRequest, new.id).claimant_ids == {comes.id}


@pytest.mark.parametrize(
    ("also_there", "told"),
    [
        ("", "Somebody has handed it over meanwhile."),
        ("first", "this is not what the page had said"),
        ("first second", "this is not what the page had said"),
    ],
)
def test_what_somebody_else_handed_over_first_is_said(
    a: Builders, new_browser: Callable[[], Browser], also_there: str, told: str
) -> None:
    team = a.team()
    goes, first, second = a.volunteer(team), a.volunteer(team), a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[goes])
    there = [{"first": first, "second": second}[name] for name in also_there.split()]
    a.service_request(team=team, claimed_by=[goes, *there], volunteers_needed=3)
    windows = [new_browser().sign_in(a.team_leader(team)) for _ in range(2)]
    for window, comes in zip(windows, (first, second), strict=True):
        window.open(f"/hand-over/{goes.id}")
        window.send(tasks=comes.id, press="Show what would happen")
    windows[0].send(press="Hand it over")

    page = windows[1].send(press="Hand it over")

    assert told in page.text
    db.session.expire_all()
    assert db.session.get_one(ServiceRequest, it.id).claimant_ids == {first.id}


def test_who_can_take_it_on_no_more_is_to_be_chosen_anew(a: Builders, browser: Browser) -> None:
    team = a.team()
    goes, comes, other = a.volunteer(team), a.volunteer(team), a.volunteer(team)
    a.service_request(team=team, claimed_by=[goes])
    browser.sign_in(a.team_leader(team)).open(f"/hand-over/{goes.id}")
    browser.send(tasks=comes.id, press="Show what would happen")
    with transaction():
        place = select(Membership).where(Membership.person_id == comes.id)
        db.session.scalars(place).one().is_vetted = False

    page = browser.send(press="Hand it over")

    assert "What they hold has changed since you looked." in page.text
    browser.send(tasks=other.id, press="Show what would happen")
    assert "Handed over." in browser.send(press="Hand it over").text


def test_who_leads_a_team_alone_leaves_something_behind(a: Builders, browser: Browser) -> None:
    boss = a.team_leader(a.team())

    page = browser.sign_in(a.administrator()).open(f"/admin/people/{boss.id}/holds")

    assert "Nothing of their own." in page.text
    assert "without leaving anything behind" not in page.text
    assert "Teams that nobody else leads" in page.text


def test_nothing_chosen_is_said_beside_the_form(a: Builders, browser: Browser) -> None:
    team = a.team()
    boss, goes = a.team_leader(team), a.volunteer(team)
    a.service_request(team=team, claimed_by=[goes])
    browser.sign_in(boss).open(f"/hand-over/{goes.id}")

    assert "Choose to whom something goes." in browser.send(press="Show what would happen").text


def test_an_administrator_reads_numbers_alone(a: Builders, browser: Browser) -> None:
    team = a.team()
    goes = a.team_leader(team, name="郑要走")
    it = a.service_request(team=team, claimed_by=[goes], need="厨房漏水")
    browser.sign_in(a.administrator()).open(f"/admin/people/{goes.id}")

    page = browser.click("What they hold")

    assert "1 claimed task" in page.text
    assert it.reference not in page.text
    assert "漏水" not in page.text
    assert f"/admin/teams/{team.id}" in [link.href for link in page.links]
    browser.open(f"/hand-over/{goes.id}", status=403)
