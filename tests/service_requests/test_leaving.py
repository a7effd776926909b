"""Who leaves a team keeps no place through it: nothing to read by, and nothing to come back to."""

from datetime import datetime

import pytest
from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.steps import steps_of
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.permissions import resident
from tracker.service_requests.actions import answers, approvals
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.queries import waiting_approvals
from tracker.teams import actions as teams
from tracker.teams.models import Membership, Team

NUMBER = "13800138000"


def leave(a: Builders, team: Team, person: Person) -> None:
    """Let the administrator take somebody out of a team."""
    place = db.session.query(Membership).filter_by(team_id=team.id, person_id=person.id).one()
    with transaction():
        teams.leave(db.session.merge(place), actor=a.actor(a.administrator()), now=a.now)
    db.session.expire_all()


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


def test_what_is_taken_up_again_is_nobodys_who_has_left(
    a: Builders, app: Flask, now: datetime
) -> None:
    team = a.team()
    gone, here = a.volunteer(team), a.volunteer(team)
    closed = a.service_request(
        team=team, status=Status.CLOSED, claimed_by=[gone, here], volunteers_needed=2
    )
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
