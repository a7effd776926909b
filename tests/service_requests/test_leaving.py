"""Who leaves a team keeps no place through it: nothing to read by, and nothing to come back to."""

from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.steps import steps_of
from tests.support.together import (
    at_once,
    same_visitor,
    until_others_wait,
    while_the_other_waits,
)
from tracker.accounts import actions as people
from tracker.accounts.models import Grant, Person
from tracker.clock import utc_now
from tracker.database import db, hold, transaction
from tracker.errors import NotFoundError, Refusal, RefusedError, StaleError
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Message
from tracker.organisation import actions as organisation
from tracker.organisation.models import Unit
from tracker.permissions import Action, Actor, Role, resident
from tracker.service_requests import following, judging
from tracker.service_requests.actions import answers, approvals, claims, dispatch, visiting
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.queries import find_for_change, waiting_approvals
from tracker.teams import actions as teams
from tracker.teams.actors import actor_for
from tracker.teams.models import Membership, Team
from tracker.teams.queries import membership
from tracker.visibility import within_reach
from tracker.visits.models import VisitStatus

NUMBER = "13800138000"


def leave(a: Builders, team: Team, person: Person) -> None:
    """Let the administrator take somebody out of a team."""
    place = db.session.query(Membership).filter_by(team_id=team.id, person_id=person.id).one()
    with transaction():
        teams.leave(db.session.merge(place), actor=a.actor(a.administrator()), now=a.now)
    db.session.expire_all()


def take_registration_back(a: Builders, team: Team, person: Person) -> None:
    """Let the administrator say that somebody in a team is not checked (any more)."""
    with transaction():
        place, boss = membership(team.id, person.id), a.actor(a.administrator())
        teams.change_place(place, leads=place.leads, is_vetted=False, actor=boss, now=a.now)
    db.session.expire_all()


def lose_role(a: Builders, person: Person) -> None:
    """Let the administrator end the one role that somebody holds."""
    grant = db.session.scalars(select(Grant).where(Grant.person_id == person.id)).one()
    with transaction():
        people.end_role(
            db.session.merge(grant),
            root_unit_id=a.bureau.id,
            actor=a.actor(a.administrator()),
            now=a.now,
        )
    db.session.expire_all()


def plan(request_id: int, visitor_id: int, *, actor: Actor, now: datetime) -> None:
    """Plan that somebody goes tomorrow."""
    visiting.plan_visit(
        find_for_change(actor, request_id, Action.RECORD_VISIT),
        planned_from=now + timedelta(days=1),
        planned_to=now + timedelta(days=1, hours=1),
        visitors=[db.session.get_one(Person, visitor_id)],
        submission_key="one",
        actor=actor,
        now=now,
    )


def assert_nothing_is_amiss(app: Flask) -> None:
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(violations(snapshot)) == []


@pytest.mark.parametrize("stays_elsewhere", [False, True])
def test_a_place_on_what_is_resolved_goes_with_the_team(
    a: Builders, app: Flask, browser: Browser, now: datetime, *, stays_elsewhere: bool
) -> None:
    team = a.team()
    me = a.volunteer(team)
    if stays_elsewhere:
        a.membership(a.team(), me)
    it = a.service_request(team=team, status=Status.RESOLVED, claimed_by=[me], phone=f"+86{NUMBER}")
    assert it.claimant_ids == {me.id}

    leave(a, team, me)

    assert (it.places_taken, it.claimant_ids) == (0, set())
    assert me.id in it.handler_ids  # who worked on it never judges it
    assert steps_of(it)[-1] is Step.RELEASE
    browser.sign_in(me).open(f"/requests/{it.id}", status=404)
    with transaction():
        answers.dispute(it, reason="还在漏", actor=resident(it.id), now=now)
    browser.open(f"/requests/{it.id}", status=404)
    other = a.volunteer(team)
    a.claim(it, other)
    assert it.claimant_ids == {other.id}
    assert_nothing_is_amiss(app)


@pytest.mark.parametrize("is_in_the_team", [False, True])
def test_what_is_taken_up_again_is_nobodys_who_has_left_or_is_checked_no_more(
    a: Builders, app: Flask, now: datetime, *, is_in_the_team: bool
) -> None:
    team = a.team()
    gone, here = a.volunteer(team), a.volunteer(team)
    closed = a.service_request(
        team=team, status=Status.CLOSED, claimed_by=[gone, here], volunteers_needed=2
    )
    if is_in_the_team:
        take_registration_back(a, team, gone)
    else:
        leave(a, team, gone)
    assert closed.claimant_ids == {gone.id, here.id}  # what is closed stays as it was

    with transaction():
        answers.dispute(closed, reason="还在漏", actor=resident(closed.id), now=now)
    [asked] = waiting_approvals(closed)
    with transaction():
        approvals.decide(asked, granted=True, actor=a.actor(a.supervisor()), now=now)

    db.session.expire_all()
    assert (closed.status, closed.claimant_ids) == (Status.IN_PROGRESS, {here.id})
    assert_nothing_is_amiss(app)


@pytest.mark.parametrize("way", ["leaves", "is ended"])
def test_who_has_gone_is_announced_at_no_door(a: Builders, now: datetime, way: str) -> None:
    team = a.team()
    goes, other = a.volunteer(team), a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[other])
    visit = a.planned_visit(it, by=other)
    with transaction():
        db.session.merge(visit).visitors = [db.session.merge(goes)]

    if way == "leaves":
        leave(a, team, goes)
    else:
        with transaction():
            teams.leave_every_team(
                db.session.merge(goes),
                held_in=[a.bureau.id],
                actor=a.actor(a.administrator()),
                now=now,
            )
        db.session.expire_all()

    assert visit.status is VisitStatus.CANCELLED
    assert following.visits_to_come(it, now) == []
    assert it.claimant_ids == {other.id}


def test_a_leader_who_was_ended_goes_to_no_door(a: Builders, now: datetime) -> None:
    team = a.team()
    it = a.service_request(team=team, claimed_by=[a.volunteer(team)])
    leader = it.leader
    assert leader is not None
    visit = a.planned_visit(it, by=leader)

    with transaction():
        teams.leave_every_team(
            db.session.merge(leader),
            held_in=[a.bureau.id],
            actor=a.actor(a.administrator()),
            now=now,
        )

    db.session.expire_all()
    assert visit.status is VisitStatus.CANCELLED


def test_a_team_whose_results_may_come_back_is_still_in_use(a: Builders) -> None:
    team = a.team()
    a.service_request(team=team, status=Status.RESOLVED, claimed_by=[a.volunteer(team)])

    with pytest.raises(RefusedError) as refused, transaction():
        teams.end_team(db.session.merge(team), actor=a.actor(a.administrator()), now=a.now)
    assert refused.value.refusal is Refusal.STILL_IN_USE


def test_nobody_is_put_into_a_team_who_was_ended(a: Builders) -> None:
    gone = a.person(ended_at=a.now)

    with pytest.raises(NotFoundError), transaction():
        teams.join(
            db.session.merge(a.team()),
            db.session.merge(gone),
            actor=a.actor(a.administrator()),
            now=a.now,
        )


def test_a_leader_whose_role_has_ended_hears_and_reads_nothing_more(
    a: Builders, browser: Browser, now: datetime
) -> None:
    branch, other = a.unit(), a.unit()
    team = a.team(branch)
    leader = a.leader(branch, email="leader@example.org")
    it = a.service_request(
        unit=branch, team=team, leader=leader, claimed_by=[a.volunteer(team)], phone=f"+86{NUMBER}"
    )
    browser.sign_in(leader).open(f"/requests/{it.id}")

    with transaction():
        grant = db.session.scalars(select(Grant).where(Grant.person_id == leader.id)).one()
        grant.ended_at = now
    a.grant(leader, Role.LEADER, other)
    with transaction():
        answers.urge(it, word="快点", actor=resident(it.id), now=now)

    for page in ("", "/contact"):
        browser.open(f"/requests/{it.id}{page}", status=404)
    assert it.id not in db.session.scalars(
        select(ServiceRequest.id).where(
            within_reach(a.actor(leader), Action.VIEW_SERVICE_REQUEST, CASEWORK)
        )
    )
    urged = Message.payload["step"].as_string() == Step.URGE.value
    assert (
        "leader@example.org"
        not in db.session.scalars(
            select(Message.address).where(Message.kind == "staff_step", urged)
        ).all()
    )


def test_a_leader_whose_role_has_ended_goes_to_no_door(a: Builders, now: datetime) -> None:
    team = a.team()
    leader = a.leader()
    it = a.service_request(team=team, leader=leader, claimed_by=[a.volunteer(team)])
    visit = a.planned_visit(it, by=leader)

    lose_role(a, leader)

    assert visit.status is VisitStatus.CANCELLED
    assert following.visits_to_come(it, now) == []


@pytest.mark.parametrize("way", ["leaves", "loses the role", "is assigned anew", "gives it back"])
def test_a_visit_whose_time_has_passed_is_not_called_off(
    a: Builders, now: datetime, way: str
) -> None:
    """Nobody knows yet whether it took place; whoever takes over can still write it down."""
    team = a.team()
    leader, me = a.leader(), a.volunteer(team)
    goes = leader if way == "loses the role" else me
    it = a.service_request(team=team, leader=leader, claimed_by=[me])
    passed = a.planned_visit(it, by=goes, planned_from=now - timedelta(days=1))
    to_come = a.planned_visit(it, by=goes)

    match way:
        case "leaves":
            leave(a, team, me)
        case "loses the role":
            lose_role(a, leader)
        case "is assigned anew":
            with transaction():
                dispatch.assign(
                    db.session.merge(it),
                    lead_team=db.session.merge(a.team()),
                    leader=db.session.merge(leader),
                    volunteers_needed=1,
                    actor=a.actor(a.coordinator()),
                    now=now,
                )
        case _:
            with transaction():
                claims.release(
                    db.session.merge(it),
                    person_id=me.id,
                    reason="krank",
                    actor=a.actor(me),
                    now=now,
                )

    db.session.expire_all()
    assert (passed.status, to_come.status) == (VisitStatus.PLANNED, VisitStatus.CANCELLED)
    assert passed.visitors == [goes]


def test_a_leader_who_was_in_the_team_too_goes_on_going(a: Builders, now: datetime) -> None:
    team, leader = a.team(), a.leader()
    a.membership(team, leader)
    it = a.service_request(team=team, leader=leader, claimed_by=[leader])
    visit = a.planned_visit(it, by=leader)

    leave(a, team, leader)

    assert it.claimant_ids == set()
    after_leaving = visit.status
    with transaction():
        everything: dict[str, Any] = {"held_in": [a.bureau.id], "now": now}
        boss = a.actor(a.administrator())
        teams.leave_every_team(db.session.merge(leader), actor=boss, **everything)
    assert (after_leaving, visit.status) == (VisitStatus.PLANNED, VisitStatus.CANCELLED)


@pytest.mark.parametrize("leaves_first", [True, False])
def test_who_leaves_as_their_visit_is_planned_is_announced_at_no_door(
    app: Flask, a: Builders, *, leaves_first: bool
) -> None:
    team = a.team()
    goes, plans = a.volunteer(team), a.team_leader(team)
    it = a.service_request(team=team, claimed_by=[a.volunteer(team)])
    request_id, goes_id, team_id, now = it.id, goes.id, team.id, a.now
    planner, boss = a.actor(plans), a.actor(a.administrator())

    def announce() -> None:
        plan(request_id, goes_id, actor=planner, now=now)

    def go() -> None:
        teams.leave(membership(team_id, goes_id), actor=boss, now=now)

    while_the_other_waits(app, *((go, announce) if leaves_first else (announce, go)))

    assert following.visits_to_come(it, now) == []
    assert (Step.PLAN_VISIT in steps_of(it)) is not leaves_first


def test_nobody_answers_for_what_comes_as_their_role_is_ended(app: Flask, a: Builders) -> None:
    team, leader, other = a.team(), a.leader(), a.leader()
    it = a.service_request(team=team, leader=other)
    grant_id = db.session.scalars(select(Grant.id).where(Grant.person_id == leader.id)).one()
    ids, now, root_id = (it.id, team.id, leader.id), a.now, a.bureau.id
    desk, boss = a.actor(a.coordinator()), a.actor(a.administrator())

    def end() -> None:
        role = db.session.get_one(Grant, grant_id)
        people.end_role(role, root_unit_id=root_id, actor=boss, now=now)

    def assign() -> None:
        request_id, team_id, leader_id = ids
        dispatch.assign(
            find_for_change(desk, request_id),
            lead_team=db.session.get_one(Team, team_id),
            leader=db.session.get_one(Person, leader_id),
            volunteers_needed=1,
            actor=desk,
            now=now,
        )

    while_the_other_waits(app, end, assign)

    assert it.leader_id == other.id


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_who_is_ended_while_they_wait_for_a_row_acts_no_more(
    a: Builders, app: Flask, browser: Browser
) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])
    person_id, request_id = me.id, it.id
    page = browser.sign_in(me).open(f"/requests/{request_id}/note")
    sent = page.form("internal_note").values() | {"internal_note": ["noch da"]}
    client, is_held, status = same_visitor(app, browser), Event(), []

    def hold_up() -> None:
        with transaction():
            hold(db.session.get_one(ServiceRequest, request_id))
            is_held.set()
            until_others_wait(1, at_most_s=5.0)
            with app.app_context(), db.engine.begin() as other:
                other.execute(
                    update(Person).where(Person.id == person_id).values(ended_at=utc_now())
                )

    def act() -> None:
        is_held.wait(5)
        status.append(client.post(f"/requests/{request_id}/note", data=sent).status_code)

    at_once(app, [hold_up, act])

    assert status == [403]
    assert Step.NOTE not in steps_of(db.session.get_one(ServiceRequest, request_id))


def test_a_leader_goes_to_no_door_of_a_unit_that_was_moved_from_them(
    a: Builders, now: datetime
) -> None:
    theirs, other = a.unit(), a.unit()
    station = a.unit(parent=theirs)
    leader, team = a.leader(theirs), a.team(station)
    here = a.service_request(unit=station, team=team, leader=leader, claimed_by=[a.volunteer(team)])
    there = a.service_request(unit=theirs, team=team, leader=leader)
    visits = [a.planned_visit(it, by=leader) for it in (here, there)]
    values = {"name": station.name, "name_en": station.name_en, "kind": station.kind}
    boss = a.actor(a.administrator())

    with transaction():
        unit, parent = db.session.get_one(Unit, station.id), db.session.get_one(Unit, other.id)
        organisation.edit_unit(unit, values, parent=parent, actor=boss, now=now)

    db.session.expire_all()
    assert [visit.status for visit in visits] == [VisitStatus.CANCELLED, VisitStatus.PLANNED]


@pytest.mark.parametrize("leads", [True, False])
def test_whose_registration_is_taken_back_holds_nothing_through_the_team(
    a: Builders, browser: Browser, *, leads: bool
) -> None:
    team, me = a.team(), a.person()
    a.membership(team, me, leads=leads)
    it = a.service_request(team=team, claimed_by=[me], phone=f"+86{NUMBER}")
    visit = a.planned_visit(it, by=me)

    take_registration_back(a, team, me)

    assert it.claimant_ids == ({me.id} if leads else set())
    assert visit.status is (VisitStatus.PLANNED if leads else VisitStatus.CANCELLED)
    browser.sign_in(me).open(f"/requests/{it.id}", status=200 if leads else 404)


def test_who_was_never_checked_is_announced_at_no_door(a: Builders, browser: Browser) -> None:
    team = a.team()
    new, old, leader = a.person(), a.person(), a.team_leader(team)
    a.membership(team, new, is_vetted=False)
    a.membership(team, old)
    it = a.service_request(team=team, claimed_by=[old])

    page = browser.sign_in(leader).open(f"/requests/{it.id}/visits/new")
    assert old.name in page.text
    assert new.name not in page.text

    with pytest.raises(StaleError), transaction():
        visiting.plan_visit(
            db.session.merge(it),
            planned_from=a.now + timedelta(days=1),
            planned_to=a.now + timedelta(days=1, hours=1),
            visitors=[db.session.merge(new)],
            submission_key="one",
            actor=a.actor(leader),
            now=a.now,
        )


@pytest.mark.parametrize("is_entered", [False, True])
@pytest.mark.parametrize("leaves", [False, True])
def test_who_waited_while_they_were_let_go_gets_no_place(
    app: Flask, a: Builders, *, leaves: bool, is_entered: bool
) -> None:
    team = a.team()
    me, leader = a.person(), a.team_leader(team)
    a.membership(team, me)
    it = a.service_request(team=team)
    request_id, my_id, leader_id, team_id, now = it.id, me.id, leader.id, team.id, a.now
    boss = a.actor(a.administrator())
    claims.standing_of(actor_for(me))  # remembered, as by a look at the board

    def let_go() -> None:
        place = membership(team_id, my_id)
        if leaves:
            teams.leave(place, actor=boss, now=now)
        else:
            teams.change_place(place, leads=False, is_vetted=False, actor=boss, now=now)

    def take() -> None:
        person = db.session.get_one(Person, my_id)
        actor = actor_for(db.session.get_one(Person, leader_id) if is_entered else person)
        if is_entered:
            found = find_for_change(actor, request_id, Action.LEAD_TEAM)
            claims.enter(found, person, actor=actor, now=now)
        else:
            found = find_for_change(actor, request_id, Action.CLAIM_SERVICE_REQUEST)
            claims.claim(found, actor=actor, now=now)

    while_the_other_waits(app, let_go, take)

    assert it.claimant_ids == set()
    assert it.places_taken == 0


def test_who_is_not_checked_holds_nothing_once_they_lead_no_more(a: Builders) -> None:
    team, me = a.team(), a.person()
    a.membership(team, me, leads=True)
    it = a.service_request(team=team, claimed_by=[me])
    take_registration_back(a, team, me)
    assert it.claimant_ids == {me.id}

    with transaction():
        place, boss = membership(team.id, me.id), a.actor(a.administrator())
        teams.change_place(place, leads=False, is_vetted=False, actor=boss, now=a.now)

    db.session.expire_all()
    assert it.claimant_ids == set()


@pytest.mark.parametrize("way", ["goes there", "answers for it"])
def test_a_leader_is_not_relied_on_where_their_role_reaches_no_more_at_that_moment(
    app: Flask, a: Builders, way: str
) -> None:
    theirs, other = a.unit(), a.unit()
    station = a.unit(parent=theirs)
    leader, before, team = a.leader(theirs), a.leader(), a.team(station)
    stays = way == "goes there"
    it = a.service_request(unit=station, team=team, leader=leader if stays else before)
    ids = it.id, leader.id, team.id, station.id, other.id
    values = {"name": station.name, "name_en": station.name_en, "kind": station.kind}
    boss, desk, now = a.actor(a.administrator()), a.actor(a.coordinator()), a.now
    planner = a.actor(a.team_leader(team))

    def move() -> None:
        unit, parent = db.session.get_one(Unit, ids[3]), db.session.get_one(Unit, ids[4])
        organisation.edit_unit(unit, values, parent=parent, actor=boss, now=now)

    def rely() -> None:
        found = find_for_change(desk, ids[0])
        who = db.session.get_one(Person, ids[1])
        if stays:
            plan(ids[0], ids[1], actor=planner, now=now)
        else:
            lead_team = db.session.get_one(Team, ids[2])
            dispatch.assign(
                found, lead_team=lead_team, leader=who, volunteers_needed=1, actor=desk, now=now
            )

    while_the_other_waits(app, move, rely)

    assert following.visits_to_come(it, now) == []
    assert stays or it.leader_id == before.id


def test_a_leader_who_was_just_planned_to_go_stays_away_where_it_moves(
    app: Flask, a: Builders
) -> None:
    theirs, other = a.unit(), a.unit()
    station = a.unit(parent=theirs)
    leader, team = a.leader(theirs), a.team(station)
    it = a.service_request(unit=station, team=team, leader=leader)
    ids = it.id, leader.id, station.id, other.id
    values = {"name": station.name, "name_en": station.name_en, "kind": station.kind}
    boss, now = a.actor(a.administrator()), a.now
    actor = a.actor(leader)

    def announce() -> None:
        plan(ids[0], ids[1], actor=actor, now=now)

    def move() -> None:
        unit, parent = db.session.get_one(Unit, ids[2]), db.session.get_one(Unit, ids[3])
        organisation.edit_unit(unit, values, parent=parent, actor=boss, now=now)

    while_the_other_waits(app, announce, move)

    assert Step.PLAN_VISIT in steps_of(it)
    assert following.visits_to_come(it, now) == []


@pytest.mark.parametrize("alone", [True, False])
def test_a_place_that_is_given_back_as_its_holder_leaves_is_freed_once(
    app: Flask, a: Builders, *, alone: bool
) -> None:
    team = a.team()
    goes, stays = a.volunteer(team), a.volunteer(team)
    holders = [goes] if alone else [goes, stays]
    it = a.service_request(team=team, claimed_by=holders, volunteers_needed=2)
    request_id, goes_id, team_id, now = it.id, goes.id, team.id, a.now
    boss, own = a.actor(a.administrator()), a.actor(goes)

    def give_back() -> None:
        found = find_for_change(own, request_id, Action.RELEASE_CLAIM)
        claims.release(found, person_id=goes_id, reason="krank", actor=own, now=now)

    def go() -> None:
        teams.leave(membership(team_id, goes_id), actor=boss, now=now)

    while_the_other_waits(app, give_back, go)

    assert it.claimant_ids == ({stays.id} if not alone else set())
    assert steps_of(it).count(Step.RELEASE) == 1
    assert_nothing_is_amiss(app)


def test_who_leaves_as_their_closed_request_is_taken_up_again_holds_nothing_on_it(
    app: Flask, a: Builders, now: datetime
) -> None:
    team = a.team()
    goes, stays = a.volunteer(team), a.volunteer(team)
    it = a.service_request(
        team=team, status=Status.CLOSED, claimed_by=[goes, stays], volunteers_needed=2
    )
    with transaction():
        answers.dispute(db.session.merge(it), reason="还在漏", actor=resident(it.id), now=now)
    asked_id = waiting_approvals(it)[0].id
    request_id, goes_id, team_id = it.id, goes.id, team.id
    boss, judge = a.actor(a.administrator()), a.actor(a.supervisor())

    def go() -> None:
        teams.leave(membership(team_id, goes_id), actor=boss, now=now)

    def reopen() -> None:
        find_for_change(judge, request_id)
        asked = judging.find_approval(judge, asked_id, lock=True)
        approvals.decide(asked, granted=True, actor=judge, now=now)

    while_the_other_waits(app, go, reopen)

    assert it.status is Status.IN_PROGRESS
    assert (it.claimant_ids, it.places_taken) == ({stays.id}, 1)
    assert_nothing_is_amiss(app)


def test_taking_a_registration_back_once_more_frees_what_was_left(a: Builders) -> None:
    team, me = a.team(), a.person()
    place = a.membership(team, me)
    it = a.service_request(team=team, claimed_by=[me])
    with transaction():  # as an earlier version left it
        db.session.execute(
            update(Membership).where(Membership.id == place.id).values(is_vetted=False)
        )

    take_registration_back(a, team, me)

    assert it.claimant_ids == set()
