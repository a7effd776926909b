"""Who comes second to make the same thing is led to it; nothing is made or written down twice."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from threading import Barrier
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.pictures import small_jpeg
from tests.support.together import at_once, same_visitor, while_the_other_waits
from tracker.accounts import actions as people
from tracker.accounts.models import AuditEntry, Grant, Person
from tracker.database import db, hold, transaction
from tracker.errors import NotFoundError, Refusal, RefusedError
from tracker.organisation import actions
from tracker.organisation.models import Area, CalendarDay, Category, Unit
from tracker.permissions import Actor, Role
from tracker.service_requests.actions import visiting
from tracker.service_requests.models import Photo
from tracker.service_requests.photos import photo_path
from tracker.teams import actions as teams
from tracker.teams.models import Membership, Team
from tracker.visits.models import Visit
from tracker.web.access import public
from tracker.web.errors import ASKED_ANEW

TAPS = 8


def tapped(
    app: Flask, browser: Browser, address: str, fields: Mapping[str, object], *, page: str = ""
) -> Counter[int]:
    """Send the same form many times at the same moment; return how often which status came back."""
    token = browser.open(page or address).form("csrf_token").values()["csrf_token"]

    def act() -> int:
        client = same_visitor(app, browser)
        sent = {"csrf_token": token, **fields}
        answer = client.post(
            address, data=sent, headers={"Accept-Language": "en", "Referer": "http://localhost/"}
        )
        return answer.status_code

    return Counter(at_once(app, [act] * TAPS))


def rows(model: type[Membership | Grant | Person | CalendarDay], *conditions: object) -> int:
    """Return how many rows there are."""
    query = select(func.count()).select_from(model)
    return db.session.scalar(query.where(*conditions)) or 0  # type: ignore[arg-type]


def written(action: str) -> int:
    """Return how often an act was written into the audit trail."""
    query = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == action)
    return db.session.scalar(query) or 0


def test_a_double_tap_on_joining_joins_once(app: Flask, a: Builders, browser: Browser) -> None:
    team, person = a.team(), a.person("李思远")
    browser.sign_in(a.administrator())

    answers = tapped(
        app,
        browser,
        f"/admin/teams/{team.id}/members/{person.id}",
        {},
        page=f"/admin/teams/{team.id}",
    )

    assert answers == {303: TAPS}
    assert (rows(Membership), written("team:join")) == (1, 1)


def test_a_double_tap_on_a_role_gives_it_once(app: Flask, a: Builders, browser: Browser) -> None:
    person = a.coordinator()
    browser.sign_in(a.administrator())
    before = written("role:give")

    answers = tapped(
        app,
        browser,
        f"/admin/people/{person.id}/roles",
        {"role": Role.SUPERVISOR.value, "unit_id": a.bureau.id},
        page=f"/admin/people/{person.id}",
    )

    assert answers == {303: TAPS}
    assert rows(Grant, Grant.role == Role.SUPERVISOR) == 1
    assert written("role:give") == before + 1


def test_a_double_tap_on_somebody_new_enters_them_once(
    app: Flask, a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.administrator())

    answers = tapped(
        app,
        browser,
        "/admin/people/new",
        {"name": "李思远", "email": "li@example.org", "locale": "en"},
    )

    # Who comes later reads beside the field that somebody has the address.
    assert answers == {303: 1, 200: TAPS - 1}
    assert rows(Person, Person.email == "li@example.org") == 1


def test_a_double_tap_on_a_day_sets_it_once(app: Flask, a: Builders, browser: Browser) -> None:
    a.organisation()
    browser.sign_in(a.administrator())

    answers = tapped(
        app,
        browser,
        "/admin/calendar",
        {"day": "2026-05-01", "is_working": "no", "name": "Labour Day"},
    )

    assert answers == {303: TAPS}
    assert rows(CalendarDay) == 1


def test_a_double_tap_on_leaving_is_written_down_once(
    app: Flask, a: Builders, browser: Browser
) -> None:
    team = a.team()
    person = a.volunteer(team)
    browser.sign_in(a.administrator())

    answers = tapped(
        app,
        browser,
        f"/admin/teams/{team.id}/members/{person.id}/leave",
        {},
        page=f"/admin/teams/{team.id}",
    )

    assert set(answers) <= {303, 404}
    assert written("team:leave") == 1


def test_a_double_tap_on_ending_a_role_is_written_down_once(
    app: Flask, a: Builders, browser: Browser
) -> None:
    person = a.coordinator()
    grant = db.session.scalars(select(Grant).where(Grant.person_id == person.id)).one()
    browser.sign_in(a.administrator())

    answers = tapped(
        app,
        browser,
        f"/admin/people/{person.id}/roles/{grant.id}/end",
        {},
        page=f"/admin/people/{person.id}",
    )

    assert set(answers) <= {303, 404}
    assert written("role:end") == 1


@pytest.mark.parametrize("kind", ["people", "teams", "units", "areas", "categories"])
@pytest.mark.parametrize("what", ["end", "take-up"])
def test_a_double_tap_on_ending_or_taking_up_is_written_down_once(
    app: Flask, a: Builders, browser: Browser, kind: str, what: str
) -> None:
    browser.sign_in(a.administrator())
    made: dict[str, tuple[str, Callable[[], Person | Team | Unit | Area | Category]]] = {
        "people": ("person", a.coordinator),
        "teams": ("team", a.team),
        "units": ("unit", a.unit),
        "areas": ("area", a.area),
        "categories": ("category", a.category),
    }
    name, make = made[kind]
    thing = make()
    if what == "take-up":
        with transaction():
            thing.ended_at = a.now

    answers = tapped(app, browser, f"/admin/{kind}/{thing.id}/{what}", {}, page=f"/admin/{kind}/")

    assert set(answers) == {303}
    assert written(f"{name}:{what}") == 1
    assert (thing.ended_at is None) is (what == "take-up")


def test_a_double_tap_on_forgetting_a_day_is_written_down_once(
    app: Flask, a: Builders, browser: Browser
) -> None:
    a.organisation()
    day = a.calendar_day(a.now.date() + timedelta(days=1), is_working=False)
    browser.sign_in(a.administrator())

    answers = tapped(app, browser, f"/admin/calendar/{day.id}/forget", {}, page="/admin/calendar")

    assert answers == {303: 1, 404: TAPS - 1}
    assert written("calendar-day:forget") == 1


def test_somebody_given_a_role_as_they_are_ended_holds_nothing_afterwards(
    app: Flask, a: Builders
) -> None:
    boss, person = a.actor(a.administrator()), a.person()
    person_id, root_id, now = person.id, a.bureau.id, a.now

    def give() -> None:
        with suppress(NotFoundError), transaction():
            people.give_role(
                db.session.get_one(Person, person_id),
                Role.AUDITOR,
                unit_id=root_id,
                held_in=(),
                actor=boss,
                now=now,
            )

    def end() -> None:
        with transaction():
            someone = db.session.get_one(Person, person_id)
            people.end_person(someone, held_in=(), root_unit_id=root_id, actor=boss, now=now)

    at_once(app, [give, end] * 4)

    assert rows(Grant, Grant.person_id == person_id, Grant.ended_at.is_(None)) == 0


@pytest.mark.parametrize("ends_first", [True, False])
def test_nobody_joins_a_team_that_ends_at_the_same_moment(
    app: Flask, a: Builders, *, ends_first: bool
) -> None:
    boss, team_id, person_id = a.actor(a.administrator()), a.team().id, a.person().id
    now = a.now

    def end() -> None:
        teams.end_team(db.session.get_one(Team, team_id), actor=boss, now=now)

    def join() -> None:
        team, person = db.session.get_one(Team, team_id), db.session.get_one(Person, person_id)
        teams.join(team, person, actor=boss, now=now)

    while_the_other_waits(app, *((end, join) if ends_first else (join, end)))

    assert db.session.get_one(Team, team_id).ended_at is not None
    assert rows(Membership, Membership.team_id == team_id, Membership.ended_at.is_(None)) == 0


@pytest.mark.parametrize("ends_first", [True, False])
@pytest.mark.parametrize("what", ["role", "team", "team taken up"])
def test_nothing_begins_in_a_unit_that_ends_at_the_same_moment(
    app: Flask, a: Builders, what: str, *, ends_first: bool
) -> None:
    unit = a.unit()
    boss, person_id = a.actor(a.administrator()), a.person().id
    unit_id, old_team_id, now = unit.id, a.team(unit, ended_at=a.now).id, a.now
    things: dict[str, Any] = {"areas": [], "categories": [], "actor": boss, "now": now}

    def end() -> None:
        actions.end_unit(db.session.get_one(Unit, unit_id), actor=boss, now=now)

    begin: dict[str, Callable[[], object]] = {
        "role": lambda: people.give_role(
            db.session.get_one(Person, person_id),
            Role.AUDITOR,
            unit_id=unit_id,
            held_in=(),
            actor=boss,
            now=now,
        ),
        "team": lambda: teams.add_team({"name": "新队"}, unit_id=unit_id, **things),
        "team taken up": lambda: teams.take_up_team(
            db.session.get_one(Team, old_team_id), actor=boss, now=now
        ),
    }
    while_the_other_waits(app, *((end, begin[what]) if ends_first else (begin[what], end)))

    assert (db.session.get_one(Unit, unit_id).ended_at is not None) is ends_first
    roles = rows(Grant, Grant.unit_id == unit_id, Grant.ended_at.is_(None))
    open_teams = select(func.count()).where(Team.unit_id == unit_id, Team.ended_at.is_(None))
    assert roles + (db.session.scalar(open_teams) or 0) == (0 if ends_first else 1)


def test_of_administrators_who_end_each_other_one_stays(app: Flask, a: Builders) -> None:
    all_of_them = [a.administrator() for _ in range(6)]
    ids, actors = [each.id for each in all_of_them], [a.actor(each) for each in all_of_them]
    root_id, now = a.bureau.id, a.now

    def ending(person_id: int, actor: Actor) -> Callable[[], Refusal | None]:
        def act() -> Refusal | None:
            try:
                with transaction():
                    someone = db.session.get_one(Person, person_id)
                    people.end_person(
                        someone, held_in=(), root_unit_id=root_id, actor=actor, now=now
                    )
            except RefusedError as refused:
                return refused.refusal
            return None

        return act

    acts = [ending(each, actor) for each, actor in zip(ids, reversed(actors), strict=True)]

    assert Counter(at_once(app, acts)) == {None: 5, Refusal.LAST_ADMINISTRATOR: 1}


def sending_a_day(browser: Browser, monkeypatch: pytest.MonkeyPatch, *statements: str) -> str:
    """Send a day of the calendar, for which these statements are run; return the page."""

    def run(*_given: object, **_named: object) -> None:
        for statement in statements:
            db.session.execute(text(statement))

    page = browser.open("/admin/calendar")
    sent = page.form("name").filled({"day": "2026-05-01", "is_working": "no", "name": "劳动节"})
    monkeypatch.setattr(actions, "set_calendar_day", run)
    answer = browser.request("POST", page.path, data=sent, headers={"Referer": page.url})
    assert answer.status_code == 409
    return answer.text


def test_who_comes_second_reads_so_and_loses_no_word(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    a.organisation()
    browser.sign_in(a.administrator())
    insert = "INSERT INTO calendar_day (day, is_working, name) VALUES ('2026-05-01', true, 'a')"

    page = sending_a_day(browser, monkeypatch, insert, insert)

    assert "Somebody else changed this in the meantime." in page
    assert "劳动节" in page


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_who_gives_way_in_a_deadlock_comes_after_the_other(
    app: Flask, a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sorted((a.person().id, a.person().id))
    both_hold_one = Barrier(2)

    @public
    def both() -> str:
        way = request.form["way"]
        first, last = ids if way == "up" else reversed(ids)
        with transaction():
            hold(db.session.get_one(Person, first))
            if ASKED_ANEW not in request.environ:
                both_hold_one.wait(10)
            hold(db.session.get_one(Person, last))
            db.session.get_one(Person, last).title += way
        return "done"

    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", value=False)
    monkeypatch.setitem(app.view_functions, "locale.switch", both)

    def ask(way: str) -> Callable[[], int]:
        return lambda: app.test_client().post("/language", data={"way": way}).status_code

    assert at_once(app, [ask("up"), ask("down")]) == [200, 200]
    assert {db.session.get_one(Person, each).title for each in ids} == {"up", "down"}


def test_who_comes_second_keeps_the_photos_that_came_along(
    app: Flask, a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    a.organisation()
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])
    record = visiting.record_visit

    def a_moment_later(*given: Any, **named: Any) -> Visit:  # noqa: ANN401 - passed on
        monkeypatch.setattr(visiting, "record_visit", record)
        for _ in range(2):
            day = (
                "INSERT INTO calendar_day (day, is_working, name) VALUES ('2026-05-01', true, 'a')"
            )
            db.session.execute(text(day))
        return record(*given, **named)

    monkeypatch.setattr(visiting, "record_visit", a_moment_later)
    browser.sign_in(me).open(f"/requests/{it.id}/visits/record")

    browser.send(
        way="in_person",
        started_at="2026-03-11T09:00",
        contact_made="yes",
        findings="龙头换了垫片",
        photos=[(BytesIO(small_jpeg()), "tap.jpg")],
        has_consent="y",
    )

    [photo] = db.session.scalars(select(Photo))
    assert photo.visit_id is not None
    assert photo_path(app.config["SETTINGS"].uploads_path, photo.key).exists()
    assert rows(CalendarDay) == 0


def test_what_breaks_another_rule_is_a_fault_of_ours(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    a.organisation()
    browser.sign_in(a.administrator())

    with pytest.raises(IntegrityError):
        sending_a_day(
            browser,
            monkeypatch,
            "INSERT INTO calendar_day (day, is_working, name) VALUES (NULL, true, 'a')",
        )
