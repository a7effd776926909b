"""The team leader's pages: who is in the team, checking a registration, entering a volunteer."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts.models import AuditEntry
from tracker.database import db
from tracker.notifications.models import Message
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import Claim, ServiceRequest
from tracker.teams.models import Membership


def test_a_leader_confirms_a_registration_and_then_the_volunteer_can_claim(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    team = a.team()
    leader, new = a.team_leader(team), a.volunteer(team, name="邓小雨", is_vetted=False)
    it = a.service_request(team=team)
    assert "has to confirm" in new_browser().sign_in(new).open("/board").text

    browser.sign_in(leader).open("/team")
    assert "邓小雨" in browser.page.text
    browser.click("Confirm")

    assert "邓小雨 can claim tasks from now on." in browser.page.text
    place = db.session.scalars(select(Membership).where(Membership.person_id == new.id)).one()
    assert place.is_vetted
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.actor_id, entry.unit_id) == (leader.id, team.unit_id)
    new_browser().sign_in(new).open("/board")
    assert it.places_taken == 0


def test_others_confirm_nobody(a: Builders, browser: Browser) -> None:
    team, other = a.team(), a.team()
    leader_elsewhere = a.team_leader(other)
    waiting, colleague = a.volunteer(team, is_vetted=False), a.volunteer(team)
    token = browser.sign_in(leader_elsewhere).open("/me/password").form("present")

    answer = browser.request(
        "POST",
        f"/team/{team.id}/members/{waiting.id}/check",
        data={"csrf_token": token.values()["csrf_token"][0]},
    )
    assert answer.status_code == 404
    for person in (colleague, a.coordinator(), a.administrator()):
        browser.sign_in(person).open("/team", status=403)


def test_a_leader_enters_a_volunteer_who_is_told(a: Builders, browser: Browser) -> None:
    team = a.team()
    leader = a.team_leader(team)
    idle = a.volunteer(team, name="林一", email="lin@example.org")
    busy, unchecked = (
        a.volunteer(team, name="何二"),
        a.volunteer(team, name="吴三", is_vetted=False),
    )
    a.service_request(team=team, claimed_by=[busy])
    it = a.service_request(team=team)

    page = browser.sign_in(leader).open(f"/requests/{it.id}")
    page = browser.click("Enter a volunteer")
    order = [page.text.index(name) for name in ("林一 · 0 open tasks", "何二 · 1 open task")]
    assert order == sorted(order)
    assert str(unchecked.id) not in page.form("person_id").options("person_id")
    assert "吴三 · you have to confirm the registration first" in page.text
    browser.send(person_id=idle.id, press="Enter")

    assert "林一 is entered and has been told." in browser.page.text
    changed = db.session.get_one(ServiceRequest, it.id)
    assert (changed.status, changed.places_taken) == (Status.IN_PROGRESS, 1)
    assert [claim.person_id for claim in changed.claims] == [idle.id]
    assert db.session.scalars(select(Message).where(Message.address == "lin@example.org")).all()
    assert f"/requests/{it.id}" in [link.href for link in browser.sign_in(idle).open("/mine").links]


def test_a_full_or_foreign_request_takes_nobody(a: Builders, browser: Browser) -> None:
    team = a.team()
    leader, first = a.team_leader(team), a.volunteer(team)
    a.volunteer(team)
    full = a.service_request(team=team, claimed_by=[first])
    foreign = a.service_request(team=a.team())
    done = a.service_request(team=team, status=Status.RESOLVED)
    browser.sign_in(leader)

    assert "all places are taken" in browser.open(f"/requests/{full.id}/volunteers").text
    browser.open(f"/requests/{foreign.id}/volunteers", status=404)
    browser.open(f"/requests/{done.id}/volunteers", status=409)
    browser.sign_in(first).open(f"/requests/{full.id}/volunteers", status=404)
    assert (
        len(db.session.scalars(select(Claim).where(Claim.service_request_id == full.id)).all()) == 1
    )


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.SUPERVISOR, Role.LEADER])
def test_it_is_the_team_leaders_alone(a: Builders, browser: Browser, role: Role) -> None:
    it = a.service_request(team=a.team())
    browser.sign_in(a.holder(role)).open(f"/requests/{it.id}/volunteers", status=404)
