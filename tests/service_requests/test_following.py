"""Who was merged into another's request: what they read and hear of it, and what they do not."""

from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tests.support.links import address
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Message
from tracker.permissions import Actor, resident
from tracker.service_requests import queries
from tracker.service_requests.actions import (
    answers,
    approvals,
    dispatch,
    handling,
    visiting,
)
from tracker.service_requests.daily import run_daily
from tracker.service_requests.lifecycle import Outcome, Solved, Status
from tracker.service_requests.models import (
    ReachableBy,
    ServiceRequest,
)


def report_solved(a: Builders, it: ServiceRequest) -> None:
    """Let the team leader say that it is done."""
    assert it.lead_team is not None
    leader = a.actor(a.team_leader(it.lead_team))
    with transaction():
        handling.resolve(it, outcome=Outcome.SOLVED, answer="修好了", actor=leader, now=a.now)


def left_together(
    a: Builders, browser: Browser, desk: Actor
) -> tuple[ServiceRequest, ServiceRequest]:
    """Return what was merged into a request that was then withdrawn: the older goes on for both."""
    survivor = a.service_request()
    older = a.service_request(at=a.now - timedelta(days=2))
    newer = a.service_request(at=a.now - timedelta(days=1))
    for duplicate in (newer, older):
        with transaction():
            dispatch.merge(duplicate, survivor, actor=desk, now=a.now)
    browser.open(address(survivor, "withdrawal"))
    browser.send(press="Withdraw it")
    return older, newer


def test_a_merged_request_shows_the_survivors_progress_without_its_people(
    a: Builders, browser: Browser, now: datetime
) -> None:
    team = a.team()
    volunteer = a.volunteer(team, name="林小雨")
    survivor = a.service_request(
        team=team,
        claimed_by=[volunteer],
        need="THEIR WORDS",
        requester_name="THEIR NAME",
        address="THEIR STREET",
    )
    mine = a.service_request()
    with transaction():
        dispatch.merge(mine, survivor, actor=a.actor(a.coordinator()), now=now)
    with transaction():
        answers.add_word(survivor, word="THEIR WORD", actor=resident(survivor.id), now=now)
        handling.add_note(
            survivor, public_note="The part is ordered.", actor=a.actor(volunteer), now=now
        )
    a.planned_visit(survivor, by=volunteer)

    page = browser.open(address(mine))

    assert "is working on it" in page.text
    assert "The part is ordered." in page.text
    assert "THEIR" not in page.html
    assert "林小雨" not in page.html
    for step in ("words", "withdrawal", "confirmation"):
        browser.open(address(mine, step), status=409)


def test_who_was_merged_is_not_told_that_it_is_their_turn_nor_that_they_spoke(
    a: Builders, browser: Browser, now: datetime
) -> None:
    team = a.team()
    mine = a.service_request()
    survivor = a.service_request(team=team, status=Status.IN_PROGRESS)
    with transaction():
        dispatch.merge(mine, survivor, actor=a.actor(a.coordinator()), now=now)
    report_solved(a, survivor)

    page = browser.open(address(mine))
    assert "Whoever asked first is asked whether it is." in page.text
    assert "Their word" in page.text
    assert "Your word" not in page.text
    with transaction():
        answers.confirm(
            survivor,
            solved=Solved.YES,
            satisfaction=None,
            actor=resident(survivor.id),
            now=now,
        )
    page = browser.open(address(mine))
    assert "Whoever asked first told us how it went." in page.text
    assert "you have told us" not in page.text


def test_what_is_asked_of_one_is_read_and_heard_by_that_one_alone(
    a: Builders, browser: Browser, now: datetime
) -> None:
    team = a.team()
    volunteer = a.volunteer(team)
    by_mail: dict[str, Any] = {"reachable_by": ReachableBy.EMAIL}
    survivor = a.service_request(
        team=team, claimed_by=[volunteer], email="they@example.org", **by_mail
    )
    mine = a.service_request(email="me@example.org", **by_mail)
    with transaction():
        dispatch.merge(mine, survivor, actor=a.actor(a.coordinator()), now=now)
    with transaction():
        handling.ask_requester(
            survivor, question="WHAT ILLNESS IS IT", actor=a.actor(volunteer), now=now
        )
    with transaction():
        answers.add_word(survivor, word="IT IS THIS", actor=resident(survivor.id), now=now)
    a.planned_visit(survivor, by=volunteer)

    page = browser.open(address(mine))

    assert "WHAT ILLNESS" not in page.html
    assert "IT IS THIS" not in page.html
    told = db.session.execute(select(Message.address, Message.payload)).all()
    heard = [payload for to, payload in told if to == "me@example.org"]
    assert {payload["step"] for payload in heard}.isdisjoint({"wait", "plan_visit"})
    assert not any(payload["question"] or "visitors" in payload for payload in heard)
    assert {"wait", "plan_visit"} <= {
        payload["step"] for to, payload in told if to == "they@example.org"
    }


def test_who_comes_along_in_a_second_merge_reads_nothing_of_before(
    a: Builders, browser: Browser, now: datetime
) -> None:
    team, desk = a.team(), a.actor(a.coordinator())
    volunteer = a.volunteer(team)
    last = a.service_request(team=team, claimed_by=[volunteer])
    middle, mine = a.service_request(), a.service_request()

    def tell(word: str, hours: int) -> None:
        with transaction():
            handling.add_note(
                last, public_note=word, actor=a.actor(volunteer), now=now + timedelta(hours=hours)
            )

    with transaction():
        dispatch.merge(mine, middle, actor=desk, now=now + timedelta(hours=1))
    tell("YOUR KEY IS AT THE PORTER'S", 2)
    with transaction():
        dispatch.merge(middle, last, actor=desk, now=now + timedelta(hours=3))
    tell("The part is ordered.", 4)
    with transaction():  # what comes later from elsewhere hides nothing of what was read
        dispatch.merge(a.service_request(), last, actor=desk, now=now + timedelta(hours=5))
    tell("It comes on Friday.", 6)

    for duplicate in (mine, middle):
        page = browser.open(address(duplicate))
        assert "YOUR KEY" not in page.html
        for word in ("The part is ordered.", "It comes on Friday."):
            assert word in page.text


def test_what_goes_with_a_visit_is_said_to_one_home(
    a: Builders, browser: Browser, now: datetime
) -> None:
    team = a.team()
    volunteer = a.volunteer(team)
    survivor = a.service_request(team=team, claimed_by=[volunteer])
    mine = a.service_request()
    with transaction():
        dispatch.merge(mine, survivor, actor=a.actor(a.coordinator()), now=now)
    visit = a.planned_visit(survivor, by=volunteer)
    with transaction():
        visiting.cancel_visit(
            survivor, visit, reason="SHE IS IN HOSPITAL", actor=a.actor(volunteer), now=now
        )
    a.visit(survivor, by=volunteer, public_note="YOUR KEY IS AT THE PORTER'S")

    page = browser.open(address(mine))

    assert "HOSPITAL" not in page.html
    assert "KEY" not in page.html
    page = browser.open(address(survivor))
    assert "HOSPITAL" in page.html
    assert "KEY" in page.html


def test_the_answer_to_ones_dispute_is_said_to_one_home(
    a: Builders, browser: Browser, now: datetime
) -> None:
    team = a.team()
    team_member = a.volunteer(team)
    survivor = a.service_request(team=team, claimed_by=[team_member])
    mine = a.service_request()
    with transaction():
        dispatch.merge(mine, survivor, actor=a.actor(a.coordinator()), now=now)
    with transaction():
        handling.resolve(
            survivor,
            outcome=Outcome.SOLVED,
            answer="已修好",
            actor=a.actor(team_member),
            now=now,
        )
    with transaction():
        answers.confirm(
            survivor, solved=Solved.YES, satisfaction=5, actor=resident(survivor.id), now=now
        )
    with transaction():
        answers.dispute(survivor, reason="还漏", actor=resident(survivor.id), now=now)
    [asked] = queries.waiting_approvals(survivor)
    with transaction():
        approvals.decide(
            asked, granted=False, note="YOUR OWN PIPE", actor=a.actor(a.supervisor()), now=now
        )

    assert "YOUR OWN PIPE" in browser.open(address(survivor)).text
    assert "YOUR OWN PIPE" not in browser.open(address(mine)).html


def test_who_stays_merged_does_not_read_that_theirs_goes_on_by_itself(
    a: Builders, browser: Browser, now: datetime
) -> None:
    desk = a.actor(a.coordinator())
    older, newer = left_together(a, browser, desk)

    assert "Yours goes on by itself" in browser.open(address(older)).text
    assert "Yours goes on by itself" not in browser.open(address(newer)).text


def test_who_stays_merged_goes_on_reading_as_others_come(
    a: Builders, browser: Browser, now: datetime
) -> None:
    desk = a.actor(a.coordinator())
    older, newer = left_together(a, browser, desk)
    db.session.expire_all()
    word = "The part is ordered."
    with transaction():
        handling.add_note(older, public_note=word, actor=desk, now=now + timedelta(hours=1))
    assert word in browser.open(address(newer)).text

    with transaction():
        other = a.service_request()
        dispatch.merge(other, older, actor=desk, now=now + timedelta(hours=2))

    assert word in browser.open(address(newer)).text
    assert word not in browser.open(address(other)).text


def test_who_takes_theirs_back_leaves_the_neighbours_need(
    a: Builders, app: Flask, browser: Browser, now: datetime
) -> None:
    desk = a.coordinator(email="desk@example.org")
    team = a.team()
    survivor = a.service_request(team=team, claimed_by=[a.volunteer(team)])
    older = a.service_request(
        team=team,
        status=Status.RESOLVED,
        email="me@example.org",
        reachable_by=ReachableBy.EMAIL,
        at=now - timedelta(days=2),
    )
    newer = a.service_request(at=now - timedelta(days=1))
    for duplicate in (newer, older):
        with transaction():
            dispatch.merge(duplicate, survivor, actor=a.actor(desk), now=now)

    browser.open(address(survivor, "withdrawal"))
    browser.send(press="Withdraw it")

    db.session.expire_all()
    assert (survivor.status, survivor.outcome) == (Status.CLOSED, Outcome.WITHDRAWN)
    assert (older.status, older.outcome, older.survivor_id) == (Status.SUBMITTED, None, None)
    assert (older.lead_team_id, older.leader_id, older.accepted_at) == (None, None, None)
    assert (newer.outcome, newer.survivor_id) == (Outcome.DUPLICATE, older.id)
    page = browser.open(address(older))
    assert "Yours goes on by itself" in page.text
    assert "You have withdrawn" not in page.text
    told = set(db.session.scalars(select(Message.address).where(Message.created_at >= now)))
    assert {"me@example.org", "desk@example.org"} <= told
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(violations(snapshot)) == []


def test_who_was_merged_does_not_hear_that_they_are_asked_nor_that_they_disputed(
    a: Builders, browser: Browser, now: datetime
) -> None:
    team = a.team()
    mine = a.service_request(email="me@example.org", reachable_by=ReachableBy.EMAIL)
    survivor = a.service_request(team=team, status=Status.IN_PROGRESS, email="they@example.org")
    with transaction():
        dispatch.merge(mine, survivor, actor=a.actor(a.coordinator()), now=now)
    report_solved(a, survivor)
    for days in (4, 8, 12):
        run_daily(now + timedelta(days=days))

    db.session.expire_all()
    assert survivor.status is Status.CLOSED
    told = select(Message).where(Message.address == "me@example.org").order_by(Message.id)
    letters = [letter_of(message).text for message in db.session.scalars(told)]
    assert "修好了" in "".join(letters)
    assert not any("you have the last word" in letter for letter in letters)
    assert not any("tell us on your page" in letter for letter in letters)
    assert not any("you can still say so" in letter for letter in letters)
    assert "We asked you whether it is solved" not in browser.open(address(mine)).text

    with transaction():
        answers.dispute(
            survivor, reason="还在漏", actor=resident(survivor.id), now=now + timedelta(days=13)
        )
    page = browser.open(address(mine))
    assert "You told us" not in page.text
    assert "Whoever asked first told us that it is not solved." in page.text
