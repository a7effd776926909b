"""An administrator makes teams, and says who is in them."""

import pytest
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts.models import AuditEntry
from tracker.database import db, transaction
from tracker.errors import NotFoundError
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import HistoryEntry
from tracker.teams import actions, queries
from tracker.teams.models import Membership, Team


def test_a_team_is_made_and_gets_members(a: Builders, browser: Browser) -> None:
    area, group = a.area(), a.top_category()
    person = a.person("李思远", sort_key="li si yuan")
    browser.sign_in(a.administrator())

    browser.send(
        "/admin/teams/new",
        name="溪北青年队",
        unit_id=a.bureau.id,
        areas=[str(area.id)],
        categories=[str(group.id)],
    )
    team = db.session.scalars(select(Team)).one()
    assert ([area.id], [group.id]) == (
        [thing.id for thing in team.areas],
        [thing.id for thing in team.categories],
    )

    browser.open(f"/admin/teams/{team.id}?q=lisi")
    browser.click("Add: 李思远")
    browser.click("Change: 李思远")
    browser.send(leads="y", is_vetted="y")

    place = db.session.scalars(select(Membership)).one()
    assert (place.person_id, place.leads, place.is_vetted) == (person.id, True, True)


def test_leaving_gives_back_what_was_claimed_and_says_so_in_the_history(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    volunteer, other = a.volunteer(team, name="李思远"), a.volunteer(team)
    service_request = a.service_request(team=team, claimed_by=[volunteer, other])
    browser.sign_in(a.administrator())

    browser.open(f"/admin/teams/{team.id}")
    browser.click("Leaves the team: 李思远")

    assert service_request.claimant_ids == {other.id}
    assert service_request.places_taken == 1
    assert service_request.status is Status.IN_PROGRESS
    steps = db.session.scalars(
        select(HistoryEntry.step).where(HistoryEntry.service_request_id == service_request.id)
    ).all()
    assert steps.count(Step.RELEASE) == 1


def test_who_stays_in_another_of_its_teams_keeps_the_claim(a: Builders, browser: Browser) -> None:
    team, helping = a.team(), a.team()
    volunteer = a.volunteer(team, name="马晓东")
    a.membership(helping, volunteer)
    service_request = a.service_request(team=team, helping_teams=[helping], claimed_by=[volunteer])
    browser.sign_in(a.administrator())

    browser.open(f"/admin/teams/{team.id}")
    browser.click("Leaves the team: 马晓东")

    assert service_request.claimant_ids == {volunteer.id}


def test_a_team_with_open_requests_is_not_ended(a: Builders, browser: Browser) -> None:
    team = a.team()
    a.service_request(team=team)
    browser.sign_in(a.administrator())

    browser.open(f"/admin/teams/{team.id}")
    page = browser.click("End the team")

    assert "still has open requests" in page.text
    assert team.ended_at is None


def test_an_ended_team_is_offered_nowhere_and_can_be_taken_up_again(
    a: Builders, browser: Browser
) -> None:
    team = a.team(name_en="North Youth")
    a.volunteer(team)
    browser.sign_in(a.administrator())

    browser.open(f"/admin/teams/{team.id}")
    browser.click("End the team")
    assert "North Youth" not in browser.open("/admin/teams/").text
    assert queries.members(team.id) == []

    browser.open(f"/admin/teams/{team.id}")
    browser.click("Take up again")
    assert "North Youth" in browser.open("/admin/teams/").text


def test_no_team_begins_in_an_ended_unit(a: Builders, browser: Browser) -> None:
    unit = a.unit()
    team, kept, person = a.team(unit, ended_at=a.now), a.team(), a.person()
    browser.sign_in(a.administrator())
    made = browser.open("/admin/teams/new").form("name").values()
    edited = browser.open(f"/admin/teams/{kept.id}/edit").form("name").values()
    role = browser.open(f"/admin/people/{person.id}").form("unit_id").values()
    with transaction():
        unit.ended_at = a.now

    browser.open(f"/admin/teams/{team.id}")
    page = browser.click("Take up again")

    assert "This unit no longer exists." in page.text
    assert team.ended_at is not None
    for address, sent in (
        ("/admin/teams/new", made),
        (f"/admin/teams/{kept.id}/edit", edited),
        (f"/admin/people/{person.id}/roles", role | {"role": ["auditor"]}),
    ):
        data = sent | {"name": ["新队"], "unit_id": [str(unit.id)]}
        browser.request("POST", address, data=data)
    open_ones = select(Team.id).where(Team.unit_id == unit.id, Team.ended_at.is_(None))
    assert db.session.scalars(open_ones).all() == []


def test_an_administrator_of_a_branch_sees_only_its_teams(a: Builders, browser: Browser) -> None:
    own, other = a.unit(), a.unit()
    mine, theirs = a.team(own, name_en="Mine"), a.team(other, name_en="Theirs")
    browser.sign_in(a.administrator(own))

    page = browser.open("/admin/teams/")

    assert "Mine" in page.text
    assert "Theirs" not in page.text
    browser.open(f"/admin/teams/{mine.id}")
    browser.open(f"/admin/teams/{theirs.id}", status=404)


def test_setting_up_tells_what_is_missing_until_all_is_there(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())
    page = browser.open("/admin/set-up")
    assert page.text.count("missing") == 9

    a.organisation(phone="12345")
    a.area()
    a.category()
    team = a.team()
    a.volunteer(team)
    a.team_leader(team)
    for role in (Role.COORDINATOR, Role.LEADER, Role.SUPERVISOR):
        a.holder(role)

    assert "Everything is there." in browser.open("/admin/set-up").text


def test_a_team_is_renamed_and_the_change_stands_in_the_trail(
    a: Builders, browser: Browser
) -> None:
    team = a.team(name="旧名队")
    browser.sign_in(a.administrator())

    browser.send(f"/admin/teams/{team.id}/edit", name="溪北先锋队")

    assert team.name == "溪北先锋队"
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert entry.changes["name"] == ["旧名队", "溪北先锋队"]


def test_a_place_that_ended_meanwhile_is_not_changed(a: Builders) -> None:
    team = a.team()
    a.volunteer(team)
    place = db.session.scalars(select(Membership)).one()
    administrator, leader = a.actor(a.administrator()), a.actor(a.team_leader(team))
    with transaction():
        actions.leave(place, actor=administrator, now=a.now)

    with pytest.raises(NotFoundError), transaction():
        actions.change_place(place, leads=True, is_vetted=True, actor=administrator, now=a.now)
    with pytest.raises(NotFoundError), transaction():
        actions.vet(place, actor=leader, now=a.now)

    assert not db.session.get_one(Membership, place.id).leads
