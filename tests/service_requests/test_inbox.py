"""Messages of the staff: written with the step, showing what the reader may see when they open it."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.notifications import inbox, wishes
from tracker.notifications.models import InboxEntry, Message
from tracker.permissions import Role, resident
from tracker.service_requests import daily
from tracker.service_requests.actions import answers, claims, dispatch, handling, intake
from tracker.service_requests.lifecycle import Outcome, Solved, Status, Step
from tracker.service_requests.models import ReachableBy, ServiceRequest


def steps_told(person: Person, about: ServiceRequest | None = None) -> list[str]:
    """Return of which steps somebody was told, in order."""
    told = inbox.entries(person.id).order_by(InboxEntry.id)
    if about is not None:
        told = told.where(InboxEntry.service_request_id == about.id)
    return [entry.step for entry in db.session.scalars(told)]


def confirm(a: Builders, it: ServiceRequest, solved: Solved = Solved.YES, word: str = "") -> None:
    with transaction():
        answers.confirm(
            db.session.merge(it),
            solved=solved,
            satisfaction=5,
            word=word,
            actor=resident(it.id),
            now=a.now,
        )


# ---------------------------------------------------------------- who is told


def test_who_has_no_mail_address_is_told_on_their_page(a: Builders) -> None:
    team = a.team()
    leads = a.team_leader(team, email=None, phone="+8613900000001")
    it = a.service_request(team=team)

    assert steps_told(leads, it) == ["assign"]


def test_what_cannot_be_told_did_not_happen(a: Builders, monkeypatch: pytest.MonkeyPatch) -> None:
    team = a.team()
    a.team_leader(team)
    it = a.service_request(team=team)
    before = db.session.scalars(select(InboxEntry.id)).all()

    def fail(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(wishes, "enqueue", fail)
    with pytest.raises(OSError), transaction():  # noqa: PT011 - the planted one
        answers.urge(db.session.merge(it), actor=resident(it.id), now=a.now)

    assert db.session.scalars(select(InboxEntry.id)).all() == before
    assert db.session.get_one(ServiceRequest, it.id).urged_at is None


def test_several_words_in_a_row_are_one_message_until_it_is_read(a: Builders) -> None:
    team = a.team()
    leads = a.team_leader(team)
    it = a.service_request(team=team, status=Status.IN_PROGRESS)

    def write() -> None:
        with transaction():
            answers.add_word(db.session.merge(it), word="水", actor=resident(it.id), now=a.now)

    write()
    write()
    assert steps_told(leads, it).count("add_word") == 1
    with transaction():
        inbox.mark_all_read(leads.id, up_to=2**31 - 1, now=a.now)
    write()
    assert steps_told(leads, it).count("add_word") == 2


def test_that_it_is_solved_reaches_everybody_who_took_part_once(a: Builders) -> None:
    team, desk = a.team(), a.coordinator()
    leads, stays, left = a.team_leader(team), a.volunteer(team), a.volunteer(team)
    area = a.area(unit=a.bureau)
    with transaction():
        it = intake.take_in(
            intake.NewRequest(
                category_id=a.any_category.id,
                need="水龙头滴水。",
                area_id=area.id,
                reachable_by=ReachableBy.PHONE,
                phone="+8613900000002",
                requester_name="罗奶奶",
                channel="phone",
            ),
            submission_key="k" * 32,
            actor=a.actor(desk),
            now=a.now,
        )
    leader = a.leader()
    with transaction():
        dispatch.assign(
            db.session.merge(it),
            lead_team=db.session.merge(team),
            leader=db.session.merge(leader),
            volunteers_needed=2,
            actor=a.actor(desk),
            now=a.now,
        )
    for person in (stays, left):
        a.claim(it, person)
    with transaction():
        claims.release(
            db.session.merge(it), person_id=left.id, reason="病了", actor=a.actor(left), now=a.now
        )
    with transaction():
        handling.resolve(
            db.session.merge(it),
            outcome=Outcome.SOLVED,
            answer="修好了",
            actor=a.actor(stays),
            now=a.now,
        )
    # Whoever reported the result knows it; who took the call hears, as the caller may ring again.
    assert [
        one.id for one in (leads, leader, desk, stays, left) if "resolve" in steps_told(one)
    ] == [
        leads.id,
        leader.id,
        desk.id,
    ]

    confirm(a, it, word="谢谢，打 13900000002 找罗奶奶")

    for person in (leads, leader, desk, stays, left):
        assert steps_told(person, it).count("confirm") == 1, person.name
    mails = db.session.scalars(
        select(Message).where(
            Message.kind == "staff_step", Message.payload["step"].as_string() == "confirm"
        )
    ).all()
    assert len(mails) == 5
    for mail in mails:
        written = letter_of(mail)
        assert written.subject.startswith("It is solved, says the requester")
        assert "谢谢" in written.text
        assert "13900000002" not in written.text
        assert "罗奶奶" not in written.text
        # Who has left it cannot open it any more.
        assert (f"/requests/{it.id}" in written.text) is (mail.address != left.email)


def test_that_it_is_not_solved_is_no_news_for_those_who_have_left(a: Builders) -> None:
    team = a.team()
    stays, left = a.volunteer(team), a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[stays, left], status=Status.IN_PROGRESS)
    with transaction():
        claims.release(
            db.session.merge(it), person_id=left.id, reason="病了", actor=a.actor(left), now=a.now
        )
    with transaction():
        handling.resolve(
            db.session.merge(it),
            outcome=Outcome.SOLVED,
            answer="修好了",
            actor=a.actor(stays),
            now=a.now,
        )

    confirm(a, it, Solved.NO)

    assert "confirm" in steps_told(stays, it)
    assert "confirm" not in steps_told(left, it)


# ---------------------------------------------------------------- the page


def test_a_message_opens_its_request_and_is_read(a: Builders, browser: Browser) -> None:
    team = a.team()
    leads = a.team_leader(team)
    it = a.service_request(team=team)
    browser.sign_in(leads)

    page = browser.open("/inbox")
    assert "New for your team" in page.text
    assert "Unread" in page.text
    assert inbox.unread(leads.id) == 1  # looking at the list reads nothing
    page = browser.click("New for your team")

    assert page.path == f"/requests/{it.id}"
    assert inbox.unread(leads.id) == 0
    assert "Unread" not in browser.open("/inbox").text


def test_everything_is_read_by_one_button(a: Builders, browser: Browser) -> None:
    team = a.team()
    leads = a.team_leader(team)
    for _ in range(3):
        a.service_request(team=team)
    browser.sign_in(leads).open("/inbox")

    a.service_request(team=team)  # while the page is open
    page = browser.click("Mark all as read")

    assert "Everything is marked as read" in page.text
    assert inbox.unread(leads.id) == 1


def test_a_request_out_of_reach_is_a_line_that_tells_nothing(a: Builders, browser: Browser) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(
        team=team,
        status=Status.IN_PROGRESS,
        category=a.category(name_en="Medicine at home"),
        volunteers_needed=2,
    )
    with transaction():
        inbox.tell(me.id, service_request_id=it.id, step=Step.URGE, now=a.now)
    [entry] = db.session.scalars(inbox.entries(me.id))

    page = browser.sign_in(me).open("/inbox")

    assert "News about a request" in page.text
    assert "cannot be opened" in page.text
    for secret in ("hurry", "Medicine", it.reference):
        assert secret not in page.text
    token = page.form(press="Mark all as read").values()["csrf_token"]
    answer = browser.request("POST", f"/inbox/{entry.id}/read", data={"csrf_token": token})
    assert answer.headers["Location"] == "/inbox"


def test_another_persons_message_is_not_there(a: Builders, browser: Browser) -> None:
    team = a.team()
    mine, theirs = a.team_leader(team), a.team_leader(team)
    a.service_request(team=team)
    [entry] = db.session.scalars(inbox.entries(theirs.id))
    page = browser.sign_in(mine).open("/inbox")
    token = page.form(press="Mark all as read").values()["csrf_token"]

    answer = browser.request("POST", f"/inbox/{entry.id}/read", data={"csrf_token": token})

    assert answer.status_code == 404
    assert inbox.unread(theirs.id) == 1


def test_thanks_stand_with_the_message_for_who_may_read_them(a: Builders, browser: Browser) -> None:
    team = a.team()
    leads = a.team_leader(team)
    it = a.service_request(team=team, status=Status.RESOLVED)
    confirm(a, it, word="谢谢你们")

    assert "谢谢你们" in browser.sign_in(leads).open("/inbox").text


@pytest.mark.parametrize("role", [None, *(role for role in Role if role is not Role.RESIDENT)])
def test_whoever_signs_in_has_messages(a: Builders, browser: Browser, role: Role | None) -> None:
    match role:
        case None:
            me = a.person()
        case Role.VOLUNTEER:
            me = a.volunteer()
        case Role.TEAM_LEADER:
            me = a.team_leader()
        case _:
            me = a.holder(role)

    page = browser.sign_in(me).open("/inbox")

    assert "No messages yet" in page.text


def test_the_frame_of_every_page_says_how_many_are_unread(a: Builders, browser: Browser) -> None:
    team = a.team()
    leads = a.team_leader(team)
    for _ in range(2):
        a.service_request(team=team)
    browser.sign_in(leads)

    assert "Messages 2 unread" in " ".join(browser.open("/me").text.split())
    counted = browser.request("GET", "/inbox?counts=alone").get_data(as_text=True)
    assert "2 " in counted
    assert "<html" not in counted


def test_the_list_goes_on_page_by_page(a: Builders, browser: Browser) -> None:
    me, it = a.team_leader(), a.service_request()
    with transaction():
        for number in range(35):
            at = a.now - timedelta(days=number)
            inbox.tell(me.id, service_request_id=it.id, step="urge", now=at)
    page = browser.sign_in(me).open("/inbox")
    assert page.html.count("inbox__item ") == 30

    assert browser.click("Next page").html.count("inbox__item ") == 5


def test_the_daily_job_forgets_what_was_read_long_ago(a: Builders, app: Flask) -> None:
    me, it = a.person(), a.service_request()
    with transaction():
        long_ago = a.now - inbox.KEPT - timedelta(days=1)
        inbox.tell(me.id, service_request_id=it.id, step="urge", now=long_ago)
        inbox.mark_all_read(me.id, up_to=2**31 - 1, now=a.now)

    assert "1 read messages forgotten" in daily.run_daily(a.now)
    assert steps_told(me) == []
