"""A step and its message are one: where the message cannot be written, nothing happened."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tests.support.steps import steps_of
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Message
from tracker.permissions import resident
from tracker.service_requests import messages
from tracker.service_requests.actions import answers, claims, dispatch, handling, visiting
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import Claim, HistoryEntry, ReachableBy, ServiceRequest


class FullError(Exception):
    """The message could not be written."""


@pytest.fixture
def no_message(monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
    def fail(*_: object, **__: object) -> None:
        raise FullError

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", value=False)
    monkeypatch.setattr(messages, "enqueue", fail)


def rows_of(*kinds: type) -> list[int | None]:
    return [db.session.scalar(select(func.count()).select_from(kind)) for kind in kinds]


def test_what_cannot_be_told_was_not_sent(a: Builders, browser: Browser, no_message: None) -> None:
    category = a.category()
    area = a.area(unit=a.bureau)
    browser.open(f"/requests/new/form?category={category.id}")
    browser.send(
        need="水龙头滴水。",
        area_id=area.id,
        reachable_by="email",
        email="who@example.org",
        fields={"address": "1 Mill Lane"},
    )
    browser.send(press="Send it now", status=500)

    assert rows_of(ServiceRequest, HistoryEntry, Message) == [0, 0, 0]


def test_what_cannot_be_told_was_not_claimed(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    team = a.team()
    reachable: dict[str, Any] = {"reachable_by": ReachableBy.EMAIL, "email": "who@example.org"}
    made = a.service_request(team=team, status=Status.ASSIGNED, **reachable)
    before = rows_of(HistoryEntry, Message)
    browser.sign_in(a.volunteer(team))
    browser.open("/board")

    def fail(*_: object, **__: object) -> None:
        raise FullError

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", value=False)
    monkeypatch.setattr(messages, "enqueue", fail)
    token = browser.page.form(press="Large text").filled({})["csrf_token"]
    answer = browser.request("POST", f"/requests/{made.id}/claim", data={"csrf_token": token})

    assert answer.status_code == 500
    assert rows_of(Claim) == [0]
    assert rows_of(HistoryEntry, Message) == before
    assert db.session.get_one(ServiceRequest, made.id).places_taken == 0


def test_nobody_is_flooded_with_mails_about_one_request(app: Flask, a: Builders) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(
        team=team, claimed_by=[me], email="who@example.org", reachable_by=ReachableBy.EMAIL
    )

    def mails() -> int:
        about = Message.kind == "requester_step", Message.address == "who@example.org"
        return db.session.scalar(select(func.count(Message.id)).where(*about)) or 0

    def note(hours: float) -> None:
        with transaction():
            handling.add_note(
                db.session.merge(it),
                public_note=f"明天来，{hours} 点",
                actor=a.actor(me),
                now=a.now + timedelta(hours=hours),
            )

    for number in range(30):
        note(0.5 + number / 1000)
    others = sum(step not in messages.REPEATED for step in steps_of(it))  # received, accepted
    assert mails() == messages.MOST_AN_HOUR + others
    note(2)
    assert mails() == messages.MOST_AN_HOUR + others + 1
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(violations(snapshot)) == []


def test_what_the_requester_relies_on_reaches_them_or_is_refused(
    app: Flask, a: Builders, browser: Browser
) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(
        team=team, claimed_by=[me], email="who@example.org", reachable_by=ReachableBy.EMAIL
    )
    for number in range(25):
        with transaction():
            handling.add_note(
                db.session.merge(it), public_note=f"{number}", actor=a.actor(me), now=a.now
            )

    visits = [a.planned_visit(it, by=me) for _ in range(messages.MOST_RELIED_ON - 1)]
    with transaction():
        visiting.cancel_visit(
            db.session.merge(it),
            db.session.merge(visits[0]),
            reason="krank",
            actor=a.actor(me),
            now=a.now,
        )
    with transaction():
        handling.ask_requester(
            db.session.merge(it), question="哪一栋?", actor=a.actor(me), now=a.now
        )

    told = list(
        db.session.scalars(
            select(Message.payload["step"].as_string())
            .where(Message.kind == "requester_step")
            .order_by(Message.id)
        )
    )
    assert told[-11:] == ["plan_visit"] * 9 + ["note", "wait"]
    with transaction():
        handling.resume(db.session.merge(it), actor=a.actor(me), now=a.now)
    browser.sign_in(me)
    page = browser.send(f"/requests/{it.id}/question", question="几楼?")
    assert "Call them, or wait a while" in page.text
    assert "几楼?" in page.text
    page = browser.send(
        f"/requests/{it.id}/visits/new",
        planned_from="2026-03-12T10:00",
        planned_to="2026-03-12T11:00",
    )
    assert "Call them, or wait a while" in page.text
    assert steps_of(it)[-1] is Step.RESUME
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(violations(snapshot)) == []


@pytest.mark.parametrize("anybody_left", [True, False])
def test_what_somebody_must_see_to_reaches_the_desk_where_nobody_is_left(
    a: Builders, *, anybody_left: bool
) -> None:
    desk = a.coordinator(email="desk@example.org")
    leader = a.leader(email="leader@example.org")
    it = a.service_request(status=Status.ASSIGNED, team=a.team(), leader=leader)
    if not anybody_left:
        with transaction():
            db.session.merge(leader).ended_at = a.now
    before, requester = db.session.scalar(select(func.max(Message.id))), resident(it.id)

    for say in (
        partial(answers.urge, it),
        partial(answers.add_word, it, word="The door is green."),
        partial(answers.withdraw, it),
    ):
        with transaction():
            say(actor=requester, now=a.now)

    told = db.session.scalars(select(Message.address).where(Message.id > before)).all()
    # That it was taken back leaves nothing to see to.
    assert told.count(leader.email) == (3 if anybody_left else 0)
    assert told.count(desk.email) == (0 if anybody_left else 2)


def test_places_given_back_again_and_again_flood_nobody(a: Builders) -> None:
    team = a.team()
    a.team_leader(team, email="leader@example.org")
    me = a.volunteer(team)
    it = a.service_request(team=team, status=Status.IN_PROGRESS)
    for _ in range(messages.MOST_AN_HOUR + 5):
        with transaction():
            claims.claim(db.session.merge(it), actor=a.actor(me), now=a.now)
        with transaction():
            claims.release(
                db.session.merge(it),
                person_id=me.id,
                reason="krank",
                actor=a.actor(me),
                now=a.now,
            )

    told = Message.address == "leader@example.org", Message.payload["step"].as_string() == "release"
    assert db.session.scalar(select(func.count(Message.id)).where(*told)) == messages.MOST_AN_HOUR


def test_who_is_given_it_again_and_again_is_not_flooded(a: Builders) -> None:
    team = a.team()
    a.team_leader(team, email="leader@example.org")
    leader, desk = a.leader(), a.actor(a.coordinator())
    it = a.service_request(team=team, leader=leader)
    for number in range(messages.MOST_AN_HOUR + 5):
        with transaction():
            dispatch.assign(
                db.session.merge(it),
                lead_team=db.session.merge(team),
                leader=db.session.merge(leader),
                volunteers_needed=1 + number % 2,
                actor=desk,
                now=a.now,
            )

    told = Message.address == "leader@example.org", Message.payload["step"].as_string() == "assign"
    assert db.session.scalar(select(func.count(Message.id)).where(*told)) == messages.MOST_AN_HOUR


def test_needs_found_on_visits_write_to_nobody_without_end(a: Builders, browser: Browser) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(
        team=team, claimed_by=[me], email="who@example.org", reachable_by=ReachableBy.EMAIL
    )
    visits = [a.visit(it, by=me, needs_found="一把椅子") for _ in range(5)]
    browser.sign_in(me)

    for visit in visits:
        browser.open(f"/requests/{it.id}/visits/{visit.id}")
        browser.click("Make a new request of it")

    assert db.session.scalar(select(func.count(ServiceRequest.id))) == 6
    told = Message.kind == "requester_step", Message.service_request_id != it.id
    assert db.session.scalar(select(func.count(Message.id)).where(*told)) == 3


def test_a_need_that_was_made_a_request_of_already_uses_up_no_receipt(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(
        team=team, claimed_by=[me], email="who@example.org", reachable_by=ReachableBy.EMAIL
    )
    one, other = (a.visit(it, by=me, needs_found="一把椅子") for _ in range(2))
    page = browser.sign_in(me).open(f"/requests/{it.id}/visits/{one.id}")
    sent = page.form(press="Make a new request of it")

    for _ in range(4):
        browser.request("POST", sent.action, data=sent.values())
    browser.open(f"/requests/{it.id}/visits/{other.id}")
    browser.click("Make a new request of it")

    told = Message.kind == "requester_step", Message.service_request_id != it.id
    assert db.session.scalar(select(func.count(Message.id)).where(*told)) == 2


def test_that_nobody_comes_is_said_with_when_and_why(a: Builders) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(
        team=team, claimed_by=[me], email="who@example.org", reachable_by=ReachableBy.EMAIL
    )
    visit = a.planned_visit(it, by=me)
    with transaction():
        visiting.cancel_visit(
            db.session.merge(it),
            db.session.merge(visit),
            reason="The bus does not run.",
            actor=a.actor(me),
            now=a.now,
        )

    told = db.session.scalars(select(Message).order_by(Message.id.desc())).first()
    assert told is not None
    written = letter_of(told)
    assert written.subject.startswith("The planned visit does not take place")
    assert "nobody comes then" in written.text
    assert "The bus does not run." in written.text
