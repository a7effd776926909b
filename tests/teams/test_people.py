"""An administrator invites people, gives them roles, and ends both."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import product
from threading import Event

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.support.browser import Browser
from tests.support.builders import PASSWORD, Builders
from tests.support.together import (
    at_once,
    same_visitor,
    until_others_wait,
    while_the_other_waits,
)
from tracker.accounts import actions
from tracker.accounts.models import AuditEntry, Grant, Person
from tracker.accounts.queries import grants_of
from tracker.clock import utc_now
from tracker.database import db, hold, transaction
from tracker.errors import NotPermittedError
from tracker.notifications.models import Message
from tracker.organisation.models import Unit
from tracker.permissions import Action, Role
from tracker.service_requests.models import Claim
from tracker.teams import actions as team_actions, queries
from tracker.teams.models import Team

NEW = "four quiet winter rivers"


def test_somebody_is_invited_with_a_role_and_begins_to_work(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    unit = a.unit()
    browser.sign_in(a.administrator())

    page = browser.send(
        "/admin/people/new",
        name="周晓雯",
        email="Zhou@Example.org",
        role="coordinator",
        unit_id=unit.id,
    )

    assert page.heading == "周晓雯"
    assert "An invitation is on its way to zhou@example.org." in page.text
    message = db.session.scalars(select(Message)).one()
    theirs = new_browser()
    theirs.send(f"/invitation/{message.payload['token']}", password=NEW, again=NEW)
    assert theirs.open("/me").text.count("Coordinator") == 1
    grant = db.session.scalars(select(Grant).where(Grant.role == Role.COORDINATOR)).one()
    assert grant.unit_id == unit.id


@pytest.mark.parametrize("is_demo", [True, False])
def test_whom_invented_people_invite_is_invented_so_that_a_demonstration_can_be_reset(
    a: Builders, browser: Browser, *, is_demo: bool
) -> None:
    browser.sign_in(a.administrator(is_demo=is_demo))

    browser.send("/admin/people/new", name="新人", email="new@example.org")

    person = db.session.scalars(select(Person).where(Person.name == "新人")).one()
    assert person.is_demo is is_demo


def test_without_an_address_the_link_is_shown_once(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())

    page = browser.send("/admin/people/new", name="李奶奶", phone="138 0013 8000")

    assert "/invitation/" in page.text
    person = db.session.scalars(select(Person).where(Person.name == "李奶奶")).one()
    assert person.phone == "+8613800138000"
    assert "/invitation/" not in browser.open(f"/admin/people/{person.id}").text


def test_somebody_can_be_reached_and_nobody_twice(a: Builders, browser: Browser) -> None:
    a.person(email="zhou@example.org")
    browser.sign_in(a.administrator())

    page = browser.send("/admin/people/new", name="周")
    assert page.errors["phone"] == "Enter an e-mail address or a phone number."

    page = browser.send(name="周", email="zhou@example.org")
    assert "Somebody else here has this address" in page.errors["email"]

    page = browser.send(name="周", email="", phone="12")
    assert page.errors["phone"] == "That is not a phone number."


def test_people_are_found_by_name_pinyin_address_and_number(a: Builders, browser: Browser) -> None:
    a.person("周晓雯", sort_key="zhou xiao wen", email="xw@example.org", phone="+8613800138000")
    a.person("林芳", sort_key="lin fang", email="lf@example.org")
    browser.sign_in(a.administrator(name="管理员"))

    for q in ("晓雯", "zhouxiao", "xw@", "13800138000"):
        page = browser.open(f"/admin/people/?q={q}")
        assert "周晓雯" in page.text, q
        assert "林芳" not in page.text, q


def test_the_list_needs_as_many_queries_for_many_as_for_few(
    a: Builders, browser: Browser, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    browser.sign_in(a.administrator())
    team = a.team()
    a.coordinator()
    few = count_queries(lambda: browser.open("/admin/people/"))
    for _ in range(8):
        a.volunteer(team)
        a.supervisor()

    assert count_queries(lambda: browser.open("/admin/people/")) == few


def test_pages_of_people_go_on_and_back(a: Builders, browser: Browser) -> None:
    for number in range(60):
        a.person(f"人{number:02}", sort_key=f"a {number:02}")
    browser.sign_in(a.administrator(sort_key="zzz"))

    page = browser.open("/admin/people/")
    assert "人49" in page.text
    assert "人50" not in page.text
    assert "人50" in browser.click("Next page").text
    assert "人00" in browser.click("Previous page").text


def test_a_role_is_given_and_taken_back(a: Builders, browser: Browser) -> None:
    person, unit = a.person("周晓雯"), a.unit(name_en="North")
    browser.sign_in(a.administrator())

    page = browser.send(
        f"/admin/people/{person.id}", press="Give the role", role="supervisor", unit_id=unit.id
    )
    assert "Supervisor" in page.text

    page = browser.click("End: Supervisor North")
    assert "The role is ended." in page.text
    actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["role:give", "role:end"]


def test_the_last_administrator_stays(a: Builders, browser: Browser) -> None:
    only = a.administrator()
    browser.sign_in(only)

    browser.open(f"/admin/people/{only.id}")
    page = browser.click("End this person")

    assert "The organisation needs at least one administrator." in page.text
    assert only.ended_at is None


def test_one_of_two_administrators_may_go(a: Builders, browser: Browser) -> None:
    first, second = a.administrator(), a.administrator()
    browser.sign_in(first)

    browser.open(f"/admin/people/{second.id}")
    browser.click("End this person")

    assert second.ended_at is not None


def test_whoever_is_ended_is_out_at_once_and_the_claims_go_back(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    team = a.team()
    volunteer = a.volunteer(team, password=PASSWORD)
    service_request = a.service_request(team=team, claimed_by=[volunteer])
    theirs = new_browser().sign_in(volunteer)
    assert theirs.open("/me").heading == "My profile"
    browser.sign_in(a.administrator())

    browser.open(f"/admin/people/{volunteer.id}")
    browser.click("End this person")

    assert theirs.open("/me").heading == "Sign in"
    claim = db.session.scalars(select(Claim).where(Claim.person_id == volunteer.id)).one()
    assert claim.released_at is not None
    assert service_request.places_taken == 0
    assert "ended" in browser.open(f"/admin/people/{volunteer.id}").text


def test_somebody_ended_is_taken_up_with_nothing_in_hand(a: Builders, browser: Browser) -> None:
    person = a.coordinator(ended_at=a.now, password=PASSWORD)
    browser.sign_in(a.administrator())

    browser.open(f"/admin/people/{person.id}")
    browser.click("Take up again")

    assert person.ended_at is None
    assert person.password_hash is None


def test_an_administrator_of_a_branch_takes_over_nobody_above(
    a: Builders, browser: Browser
) -> None:
    branch = a.unit()
    chief, shared = a.administrator(), a.coordinator(branch)
    a.grant(shared, Role.ADMINISTRATOR)
    browser.sign_in(a.administrator(branch))

    browser.open(f"/admin/people/{chief.id}", status=404)
    page = browser.open(f"/admin/people/{shared.id}")
    assert "Another unit answers for them" in page.text
    browser.open(f"/admin/people/{shared.id}/edit", status=403)
    token = browser.open("/admin/people/new").form("name").values()["csrf_token"]
    mine = {"csrf_token": token, "name": "Mine", "email": "mine@example.org"}
    answer = browser.request("POST", f"/admin/people/{shared.id}/edit", data=mine)
    assert answer.status_code == 403
    assert shared.email != "mine@example.org"


def test_who_never_held_anything_is_the_whole_s_or_theirs_who_entered_them(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    branch, other = a.unit(), a.unit()
    new_boss = a.person("New Boss", email="boss@example.org")
    stranger = browser.sign_in(a.administrator(branch))

    stranger.open(f"/admin/people/{new_boss.id}", status=404)
    stranger.open(f"/admin/people/{new_boss.id}/edit", status=404)
    assert (
        "New Boss"
        in new_browser().sign_in(a.administrator()).open(f"/admin/people/{new_boss.id}").text
    )

    # Whom one has entered oneself, one goes on with.
    stranger.send("/admin/people/new", name="My Own", email="own@example.org")
    own = db.session.scalars(select(Person).where(Person.name == "My Own")).one()
    stranger.send(f"/admin/people/{own.id}/edit", press="Save", name="Still My Own")
    assert own.name == "Still My Own"
    new_browser().sign_in(a.administrator(other)).open(f"/admin/people/{own.id}", status=404)


def test_who_is_lent_to_another_unit_s_team_stays_with_their_own_unit(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    north, south = a.unit(), a.unit()
    person = a.volunteer(a.team(south), email="theirs@example.org")
    a.membership(a.team(north), person)

    borrower = browser.sign_in(a.administrator(north))
    page = borrower.open(f"/admin/people/{person.id}")
    assert "theirs@example.org" not in page.html
    assert "Give the role" not in page.buttons
    token = borrower.open("/admin/people/new").form("name").values()["csrf_token"]
    role = {"csrf_token": token, "role": "coordinator", "unit_id": str(north.id)}
    answer = borrower.request("POST", f"/admin/people/{person.id}/roles", data=role)
    assert answer.status_code == 403
    assert grants_of(person.id) == []

    home = new_browser().sign_in(a.administrator(south))
    assert "theirs@example.org" in home.open(f"/admin/people/{person.id}").html
    home.send(f"/admin/people/{person.id}/edit", press="Save", email="new@example.org")
    assert person.email == "new@example.org"


def test_an_administrator_of_a_branch_does_not_take_up_who_left_another(
    a: Builders, browser: Browser
) -> None:
    branch, other = a.unit(), a.unit()
    left = a.coordinator(other)
    browser.sign_in(a.administrator()).open(f"/admin/people/{left.id}")
    browser.send(f"/admin/people/{left.id}", press="End")
    assert db.session.get_one(Person, left.id).ended_at is not None

    browser.sign_in(a.administrator(branch)).open(f"/admin/people/{left.id}", status=404)
    browser.sign_in(a.administrator(other)).open(f"/admin/people/{left.id}")
    browser.click("Take up again")

    assert db.session.get_one(Person, left.id).ended_at is None


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.SUPERVISOR, Role.LEADER, Role.AUDITOR])
def test_others_do_not_get_in(a: Builders, browser: Browser, role: Role) -> None:
    browser.sign_in(a.holder(role))

    for page in ("/admin/people/", "/admin/people/new", "/admin/teams/", "/admin/set-up"):
        browser.open(page, status=403)


def test_an_invitation_is_sent_again_and_once(a: Builders, browser: Browser) -> None:
    person = a.holder(Role.COORDINATOR, email="again@example.org")
    browser.sign_in(a.administrator()).open(f"/admin/people/{person.id}")
    named = [name for name in browser.page.buttons if "end a" in name]

    browser.click(named[0])

    sent = db.session.scalars(select(Message).where(Message.address == person.email)).all()
    assert len(sent) == 1


def test_of_invitations_sent_at_the_same_moment_one_works(
    app: Flask, a: Builders, browser: Browser
) -> None:
    person = a.holder(Role.COORDINATOR, email="again@example.org")
    page = browser.sign_in(a.administrator()).open(f"/admin/people/{person.id}")
    sent, address = page.form("csrf_token").values(), f"{page.path}/invitation"

    def act() -> int:
        return same_visitor(app, browser).post(address, data=sent).status_code

    assert at_once(app, [act] * 4) == [303] * 4

    mails = db.session.scalars(select(Message).where(Message.address == "again@example.org"))
    links = [f"/invitation/{mail.payload['token']}" for mail in mails]
    assert len(links) == 4
    assert sorted(Browser(app).request("GET", link).status_code for link in links) == [
        *(200, 410, 410, 410)
    ]


def test_who_corrects_an_address_is_told_to_invite_again(a: Builders, browser: Browser) -> None:
    person = a.coordinator(email="wrong@example.org")
    browser.sign_in(a.administrator())
    address = f"/admin/people/{person.id}/edit"

    assert "Send them a new link" not in browser.send(address, name="周晓雯", press="Save").text
    assert (
        "Send them a new link"
        in browser.send(address, email="right@example.org", press="Save").text
    )


def test_no_password_outlives_the_address_it_was_chosen_by(a: Builders, browser: Browser) -> None:
    branch = a.unit()
    person = a.coordinator(branch, email="zhou@example.org", password=PASSWORD)
    browser.sign_in(a.administrator(branch))

    for email in ("mine@example.org", "zhou@example.org"):
        browser.send(f"/admin/people/{person.id}/edit", press="Save", email=email)

    db.session.expire_all()
    assert db.session.get_one(Person, person.id).password_hash is None


def test_an_administrator_who_corrects_their_own_address_keeps_their_password(
    a: Builders, browser: Browser
) -> None:
    person = a.administrator(email="old@example.org", password=PASSWORD)
    browser.sign_in(person)

    browser.send(f"/admin/people/{person.id}/edit", press="Save", email="new@example.org")

    db.session.expire_all()
    assert db.session.get_one(Person, person.id).password_hash is not None


def test_no_branch_keeps_the_password_of_somebody_who_is_raised(
    a: Builders, new_browser: Callable[[], Browser]
) -> None:
    branch = a.unit()
    person = a.volunteer(a.team(branch), email="boss@example.org", password=PASSWORD)
    north = new_browser().sign_in(a.administrator(branch))
    address = f"/admin/people/{person.id}"
    north.send(f"{address}/edit", press="Save", email="mine@example.org")
    north.open(address)
    north.click("Send an invitation")
    sent = db.session.scalars(select(Message).where(Message.address == "mine@example.org")).all()
    new_browser().send(f"/invitation/{sent[-1].payload['token']}", password=NEW, again=NEW)
    north.send(f"{address}/edit", press="Save", email="boss@example.org")
    new_browser().sign_in(a.administrator()).send(
        address, press="Give the role", role="administrator", unit_id=a.bureau.id
    )

    thief = new_browser()
    thief.send("/sign-in", name="boss@example.org", password=NEW)

    assert "/sign-in" in thief.open("/admin/organisation").path


@pytest.mark.parametrize(("unit", "keeps"), [("branch", True), ("bureau", False)])
def test_whose_link_was_in_an_administrators_hands_chooses_anew_for_a_role_elsewhere(
    a: Builders, browser: Browser, unit: str, *, keeps: bool
) -> None:
    branch = a.unit()
    person = a.coordinator(branch, email=None, phone="+8613800138000", password=PASSWORD)
    browser.sign_in(a.administrator())

    page = browser.send(
        f"/admin/people/{person.id}",
        press="Give the role",
        role="supervisor",
        unit_id={"branch": branch, "bureau": a.bureau}[unit].id,
    )

    assert ("Send them a new link" in page.text) is not keeps
    db.session.expire_all()
    assert (db.session.get_one(Person, person.id).password_hash is not None) is keeps


def _lent(a: Builders, **values: str) -> tuple[Person, Person]:
    """Return a volunteer of the south who helps in a team of the north, and the north's head."""
    north, south = a.unit(), a.unit()
    person = a.volunteer(a.team(south), is_vetted=True, name="Lent One", **values)
    a.membership(a.team(north), person)
    return person, a.administrator(north)


def test_the_list_hides_how_the_lent_are_reached(a: Builders, browser: Browser) -> None:
    _person, head = _lent(a, email="theirs@example.org")
    browser.sign_in(head)

    page = browser.open("/admin/people/")

    assert "Lent One" in page.text
    assert "theirs@example.org" not in page.html


@pytest.mark.parametrize("q", ["theirs@", "13800138000"])
def test_how_the_lent_are_reached_is_not_tried_out(a: Builders, browser: Browser, q: str) -> None:
    _person, head = _lent(a, email="theirs@example.org", phone="+8613800138000")

    assert "Lent One" not in browser.sign_in(head).open(f"/admin/people/?q={q}").text
    assert "Lent One" in browser.sign_in(a.administrator()).open(f"/admin/people/?q={q}").text


def test_no_form_tells_how_the_lent_are_reached(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    person, head = _lent(a, email="theirs@example.org", phone="+8613800138000")
    address = f"/admin/people/{person.id}/edit"

    page = browser.sign_in(head).open(address, status=403)

    assert "theirs@example.org" not in page.html
    assert "13800138000" not in page.html
    assert "theirs@example.org" in new_browser().sign_in(a.administrator()).open(address).html


def test_their_own_unit_ends_who_is_lent(a: Builders, browser: Browser) -> None:
    north, south = a.unit(), a.unit()
    person = a.volunteer(a.team(south))
    a.membership(a.team(north), person)
    browser.sign_in(a.administrator(south)).open(f"/admin/people/{person.id}")

    browser.click("End this person")

    assert db.session.get_one(Person, person.id).ended_at is not None
    assert queries.memberships_of(person.id) == []


def test_who_holds_a_role_stays_with_its_unit_when_lent(a: Builders, browser: Browser) -> None:
    north, south = a.unit(), a.unit()
    person = a.coordinator(south, email="old@example.org")
    a.membership(a.team(north), person)

    browser.sign_in(a.administrator(south)).send(
        f"/admin/people/{person.id}/edit", press="Save", email="new@example.org"
    )

    assert person.email == "new@example.org"


@pytest.mark.parametrize("apart", [timedelta(minutes=1), timedelta(hours=2)])
def test_who_answers_for_somebody_is_the_same_in_the_list_and_on_the_page(
    a: Builders, apart: timedelta
) -> None:
    """Everybody who holds or held up to two things, in every order, seen from each unit."""
    units = [a.unit(), a.unit()]
    units.append(a.unit(parent=units[0]))
    teams = [a.team(unit) for unit in units]
    heads = [a.administrator(unit) for unit in [a.bureau, *units]]
    people = []
    for things in product(range(-1, 12), repeat=2):
        person = a.person()
        people.append(person)
        for number, thing in enumerate(things):
            if thing < 0:
                continue
            began = a.now + number * apart
            when = {"ended_at": began + timedelta(hours=1)} if thing >= 6 else {}
            if thing % 2:
                if (number, thing) != (1, things[0]):
                    a.grant(person, Role.LEADER, units[thing % 6 // 2], granted_at=began, **when)
            elif (number, thing) != (1, things[0]):
                a.membership(teams[thing % 6 // 2], person, joined_at=began, **when)

    for head in heads:
        actor = a.actor(head)
        reach = actor.units_where(Action.MANAGE_PEOPLE)
        seen = set(db.session.scalars(select(Person.id).where(queries.in_reach(actor))))
        answered = queries.answered_for_among(actor, [person.id for person in people])
        assert answered == {
            person.id
            for person in people
            if person.id in seen and queries.units_held_in(person.id, actor) <= reach
        }
        assert answered


def test_who_holds_a_role_elsewhere_is_not_put_into_a_team_by_strangers(
    a: Builders, browser: Browser
) -> None:
    north, south = a.unit(), a.unit()
    team, auditor = a.team(north), a.auditor(south, name="Auditor One")
    volunteer = a.volunteer(a.team(south))
    browser.sign_in(a.administrator(north))

    page = browser.open(f"/admin/teams/{team.id}?q=Auditor")
    assert "Auditor One" not in page.text
    token = page.form("csrf_token").values()["csrf_token"][0]
    # As for an id that nobody has: it tells not even who is there.
    for person_id, status in ((auditor.id, 404), (999_999, 404), (volunteer.id, 303)):
        address = f"/admin/teams/{team.id}/members/{person_id}"
        assert browser.request("POST", address, data={"csrf_token": token}).status_code == status

    browser.sign_in(a.administrator()).open(f"/admin/teams/{team.id}")
    token = browser.page.form("csrf_token").values()["csrf_token"][0]
    address = f"/admin/teams/{team.id}/members/{auditor.id}"
    assert browser.request("POST", address, data={"csrf_token": token}).status_code == 303


def _entered(a: Builders, head: Person, _unit: Unit) -> Person:
    with transaction():
        details = actions.PersonDetails("Free One", email="free@example.org")
        return actions.add_person(details, actor=a.actor(head), now=a.now)


def _former_volunteer(a: Builders, _head: Person, unit: Unit) -> Person:
    person = a.person("Free One")
    a.membership(a.team(unit), person, ended_at=a.now)
    return person


def _former_leader(a: Builders, _head: Person, unit: Unit) -> Person:
    person = a.person("Free One")
    a.grant(person, Role.LEADER, unit, ended_at=a.now)
    return person


@pytest.mark.parametrize("free", [_entered, _former_volunteer, _former_leader])
def test_no_other_branch_takes_over_who_holds_nothing_at_the_moment(
    a: Builders,
    browser: Browser,
    new_browser: Callable[[], Browser],
    free: Callable[[Builders, Person, Unit], Person],
) -> None:
    north, south = a.unit(), a.unit()
    head = a.administrator(south)
    person = free(a, head, south)
    theirs, ours = a.team(north), a.team(south)
    stranger = browser.sign_in(a.administrator(north))

    page = stranger.open(f"/admin/teams/{theirs.id}?q=Free")
    assert "Free One" not in page.text
    token = {"csrf_token": page.form("csrf_token").values()["csrf_token"][0]}
    address = f"/admin/teams/{theirs.id}/members/{person.id}"
    assert stranger.request("POST", address, data=token).status_code == 404
    assert queries.memberships_of(person.id) == []
    stranger.open(f"/admin/people/{person.id}", status=404)

    home = new_browser().sign_in(head)
    home.open(f"/admin/teams/{ours.id}?q=Free")
    home.click("Add: Free One")
    home.send(f"/admin/people/{person.id}/edit", press="Save", email="new@example.org")
    assert person.email == "new@example.org"


def test_who_was_lent_and_let_go_at_home_stays_with_their_own_unit(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    north, south = a.unit(), a.unit()
    ours, theirs, head = a.team(south), a.team(north), a.administrator(south)
    person = a.volunteer(ours, name="Lent One", email="theirs@example.org")
    borrower = browser.sign_in(a.administrator(north))
    borrower.open(f"/admin/teams/{theirs.id}?q=Lent")
    borrower.click("Add: Lent One")
    home = new_browser().sign_in(head)
    home.open(f"/admin/teams/{ours.id}")
    home.click("Leaves the team: Lent One")

    page = borrower.open(f"/admin/people/{person.id}")
    assert "Another unit answers for them" in page.text
    borrower.open(f"/admin/people/{person.id}/edit", status=403)
    token = borrower.open("/admin/people/new").form("name").values()["csrf_token"][0]
    address = f"/admin/people/{person.id}/invitation"
    answer = borrower.request("POST", address, data={"csrf_token": token})
    assert answer.status_code == 403
    assert "theirs@example.org" in home.open(f"/admin/people/{person.id}/edit").html


def test_who_is_let_go_and_lent_at_the_same_moment_stays_with_their_own_unit(
    app: Flask, a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team_actions, "on_leaving", [])  # giving back holds them, but later
    north, south = a.unit(), a.unit()
    ours, theirs = a.team(south), a.team(north)
    person_id, ours_id, theirs_id = a.volunteer(ours).id, ours.id, theirs.id
    boss = a.actor(a.administrator())
    home, borrower = a.actor(a.administrator(south)), a.actor(a.administrator(north))
    unit_id, now, is_let_go = south.id, a.now, Event()

    def let_go() -> None:
        with transaction():
            place = queries.membership(ours_id, person_id)
            team_actions.leave(place, actor=home, now=now + timedelta(seconds=1))
            db.session.flush()
            is_let_go.set()
            until_others_wait(1)

    def lend() -> None:
        is_let_go.wait()
        with suppress(NotPermittedError), transaction():
            team, person = (
                db.session.get_one(Team, theirs_id),
                db.session.get_one(Person, person_id),
            )
            team_actions.join(team, person, actor=borrower, now=now + timedelta(seconds=2))

    at_once(app, [let_go, lend])

    assert queries.units_held_in(person_id, boss) == {unit_id}


def test_who_was_lent_a_moment_before_they_are_let_go_stays_with_their_own_unit(
    a: Builders,
) -> None:
    north, south = a.unit(), a.unit()
    ours, theirs = a.team(south), a.team(north)
    person = a.volunteer(ours)
    boss, head = a.actor(a.administrator()), a.actor(a.administrator(south))
    a.membership(theirs, person, joined_at=a.now + timedelta(seconds=2))

    with transaction():
        place = queries.membership(ours.id, person.id)
        team_actions.leave(place, actor=head, now=a.now + timedelta(seconds=1))

    assert queries.units_held_in(person.id, boss) == {south.id}


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_who_is_ended_while_they_wait_gives_no_role(
    app: Flask, a: Builders, browser: Browser
) -> None:
    me, other = a.administrator(), a.person()
    my_id, other_id, root_id = me.id, other.id, a.bureau.id
    page = browser.sign_in(me).open(f"/admin/people/{other_id}")
    sent = {
        **page.form("role").values(),
        "role": Role.ADMINISTRATOR.value,
        "unit_id": str(root_id),
    }
    client, is_held, status = same_visitor(app, browser), Event(), []

    def hold_up() -> None:
        with transaction():
            hold(db.session.get_one(Person, other_id))
            is_held.set()
            until_others_wait(1)
            with db.engine.begin() as elsewhere:
                gone = update(Person).where(Person.id == my_id).values(ended_at=utc_now())
                elsewhere.execute(gone)

    def act() -> None:
        is_held.wait(5)
        status.append(client.post(f"/admin/people/{other_id}/roles", data=sent).status_code)

    at_once(app, [hold_up, act])

    assert status == [403]
    assert grants_of(other_id) == []


def test_who_ends_themselves_is_not_held_up_by_what_they_have_ended_already(
    a: Builders, browser: Browser
) -> None:
    a.administrator()
    me = a.administrator()
    one, other = a.team(), a.team()
    a.membership(one, me)
    it = a.service_request(team=one, claimed_by=[me])
    a.membership(other, me)
    sent = browser.sign_in(me).open(f"/admin/people/{me.id}").form("role").values()

    left = browser.request("POST", f"/admin/teams/{one.id}/members/{me.id}/leave", data=sent)
    ended = browser.request("POST", f"/admin/people/{me.id}/end", data=sent)

    assert (left.status_code, ended.status_code) == (303, 303)
    assert me.ended_at is not None
    assert grants_of(me.id) == []
    assert it.places_taken == 0


@pytest.mark.parametrize("page", ["end", "invitation", "edit"])
@pytest.mark.parametrize("rises", ["elsewhere", "above"])
def test_nobody_changes_who_has_just_risen_out_of_their_reach(
    app: Flask, a: Builders, browser: Browser, page: str, rises: str
) -> None:
    branch, other = a.unit(), a.unit()
    person = a.coordinator(branch, email="they@example.org")
    person_id, branch_id = person.id, branch.id
    unit_id = other.id if rises == "elsewhere" else a.bureau.id
    head, now = a.actor(a.administrator()), a.now
    browser.sign_in(a.administrator(branch)).open(f"/admin/people/{person_id}/edit")
    sent = browser.page.form("name").values()
    client, is_given, status = same_visitor(app, browser), Event(), list[int]()

    def give() -> None:
        with transaction():
            actions.give_role(
                db.session.get_one(Person, person_id),
                Role.COORDINATOR,
                unit_id=unit_id,
                held_in=[branch_id],
                actor=head,
                now=now,
            )
            db.session.flush()
            is_given.set()
            until_others_wait(1)

    def change() -> None:
        is_given.wait(5)
        address = f"/admin/people/{person_id}/{page}"
        status.append(client.post(address, data={**sent, "name": ["改了名"]}).status_code)

    at_once(app, [give, change])

    assert status[0] in (403, 404)
    assert (person.ended_at, person.name != "改了名") == (None, True)


def test_a_team_that_was_just_moved_away_is_not_ended(app: Flask, a: Builders) -> None:
    here, there = a.unit(), a.unit()
    team_id, there_id, now = a.team(here).id, there.id, a.now
    head, local = a.actor(a.administrator()), a.actor(a.administrator(here))

    def move() -> None:
        team = db.session.get_one(Team, team_id)
        values = {"name": team.name, "name_en": team.name_en}
        hold(team)
        team_actions.edit_team(
            team, values, unit_id=there_id, areas=[], categories=[], actor=head, now=now
        )

    def end() -> None:
        team_actions.end_team(db.session.get_one(Team, team_id), actor=local, now=now)

    while_the_other_waits(app, move, end)

    assert db.session.get_one(Team, team_id).ended_at is None
