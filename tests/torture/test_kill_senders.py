"""Server and worker killed while they send: every change has its messages, and nobody is told twice.

A mail server and the program behind a webhook take what comes. Between taking and being written down
as sent there is a moment in which a kill lets a message come again: with the same id, by which the
other side knows it. So what is counted is ids, as receivers do.
"""

import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from tests.support import mail_server, receiver
from tests.support.builders import Builders
from tests.support.databases import Databases
from tests.torture.people import Log
from tests.torture.server import Server
from tests.torture.size import IS_FULL
from tests.torture.test_kill import (
    assert_whole,
    at_work,
    crew,
    place,
    refill,
    wait_for_an_answer,
)
from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.notifications import actions
from tracker.notifications.endpoints import addresses
from tracker.notifications.endpoints.models import EndpointKind, News
from tracker.notifications.models import Channel, InboxEntry, Message
from tracker.service_requests import news
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import HistoryEntry, ReachableBy, Requester, ServiceRequest

__all__ = ["place"]
KILLS = 200 if IS_FULL else 2
WRITERS = 12
SENT_WITHIN_SECONDS = 120


@pytest.mark.timeout(7200)
def test_every_change_has_its_messages_and_nobody_is_told_twice(
    place: Flask,
    databases: Databases,
) -> None:
    a = Builders(datetime.now(UTC), invented=True)
    # Nobody sleeps or rests here: what the staff are told goes out at once, put together as it waits.
    a.organisation(claim_limit=500, country="", working_week=[[["00:00", "23:59"]]] * 7)
    team = a.team()
    chosen: Settings = place.config["SETTINGS"]
    chance = random.Random(1)  # noqa: S311 - no secret
    log, tasks = Log(), list[tuple[int, str]]()
    with (
        mail_server.running(mail_server.MailServer()) as mails,
        receiver.running(receiver.Receiver()) as hooks,
    ):
        _listen(a, hooks)
        server = Server(chosen, databases.folder / "killed-senders.log")
        posts = {"SMTP_URL": f"smtp://127.0.0.1:{mails.port}", "MAIL_FROM": "us@town.example"}
        refill(a, team, tasks)
        people = crew(place, a, team, server, log, tasks, writers=WRITERS)
        for kill in range(KILLS):
            server.start(**posts)
            with at_work(people):
                wait_for_an_answer(log, more_than=len(log.deeds))
                time.sleep(chance.uniform(0.2, 3.0))
                server.kill()
            assert log.faults == []
            _let_leases_run_out()
            if IS_FULL and kill % 10 == 9:
                print(kill + 1, len(log.deeds), len(mails.mails), len(hooks.taken), file=sys.stderr)  # noqa: T201
            refill(a, team, tasks)
        with _running(server, posts):
            _wait_until_all_is_sent()
        arrived = [mail["Message-ID"] for mail in mails.mails]
        told = [(taken.headers["webhook-id"], taken.json) for taken in hooks.taken]
    assert_whole(place)
    _assert_each_mail_arrived(arrived)
    _assert_each_of_the_staff_was_told()
    _assert_each_change_was_told(told)
    print(f"{KILLS} kills, {len(log.deeds)} deeds; mails {_counted(arrived)}", file=sys.stderr)  # noqa: T201
    print(f"webhook {_counted([key for key, _said in told])}", file=sys.stderr)  # noqa: T201


def _listen(a: Builders, hooks: receiver.Receiver) -> None:
    address = hooks.url("/hook")
    values = {
        "name": "There",
        "team_id": None,
        "locale": "en",
        "news": [each.value for each in News],
        "address_shown": addresses.shown(address),
        "sealed": addresses.sealed(address, "whsec_" + "c2VjcmV0" * 4),
    }
    actor = a.actor(a.administrator())
    with transaction():
        actions.add_endpoint(EndpointKind.WEBHOOK, values, actor=actor, now=a.now)


def _let_leases_run_out() -> None:
    """Let the minutes pass after which another worker takes up what a dead one had in hand."""
    with transaction():
        db.session.execute(
            update(Message)
            .where(Message.leased_until.is_not(None))
            .values(leased_until=utc_now() - timedelta(seconds=1))
        )


@contextmanager
def _running(server: Server, posts: Mapping[str, str]) -> Iterator[None]:
    server.start(**posts)
    try:
        yield
    finally:
        server.kill()


def _wait_until_all_is_sent() -> None:
    deadline = time.monotonic() + SENT_WITHIN_SECONDS
    unsent = select(func.count()).where(Message.sent_at.is_(None), Message.run_at <= func.now())
    while True:
        left = db.session.scalar(unsent)
        db.session.rollback()
        if not left:
            return
        assert time.monotonic() < deadline, f"{left} are not sent"
        time.sleep(0.2)


def _assert_each_mail_arrived(arrived: list[str]) -> None:
    """Every mail that was written down as sent arrived, and nothing else did; no change has two."""
    sent = db.session.scalars(
        select(Message).where(
            Message.channel == Channel.EMAIL,
            Message.sent_at.is_not(None),
            Message.sent_with_id.is_(None),
        )
    ).all()
    assert {f"<{one.message_key}@town.example>" for one in sent} == set(arrived)
    receipts = Counter(
        db.session.scalars(
            select(Message.service_request_id).where(
                Message.kind == "requester_step",
                Message.payload["step"].as_string() == Step.SUBMIT.value,
                Message.sent_at.is_not(None),
            )
        )
    )
    submitted = db.session.scalars(
        select(ServiceRequest.id)
        .join(Requester, Requester.id == ServiceRequest.requester_id)
        .where(Requester.reachable_by == ReachableBy.EMAIL)
    ).all()
    assert submitted or not IS_FULL  # a slow machine answers little between two kills
    assert receipts == Counter(submitted)


def _assert_each_of_the_staff_was_told() -> None:
    """Whatever stands on somebody's page of messages was sent to them, too, and once."""
    told = select(Person.email, InboxEntry.service_request_id, InboxEntry.step).join(
        Person, Person.id == InboxEntry.person_id
    )
    sent = select(
        Message.address, Message.service_request_id, Message.payload["step"].as_string()
    ).where(Message.kind == "staff_step", Message.sent_at.is_not(None))
    on_page = Counter(tuple(row) for row in db.session.execute(told))
    assert on_page
    assert Counter(tuple(row) for row in db.session.execute(sent)) == on_page


def _assert_each_change_was_told(told: list[tuple[str, dict[str, object]]]) -> None:
    """Each change was told under one id, and what came again under an id said the same."""
    said = defaultdict[str, set[str]](set)
    for key, event in told:
        said[key].add(repr(event))
    assert {len(one) for one in said.values()} == {1}
    written = Counter(
        tuple(row)
        for row in db.session.execute(
            select(Message.service_request_id, Message.payload["news"].as_string()).where(
                Message.channel == Channel.WEBHOOK,
                Message.sent_at.is_not(None),
                Message.message_key.in_(said),
            )
        )
    )
    steps = db.session.execute(
        select(HistoryEntry.service_request_id, HistoryEntry.step).where(
            HistoryEntry.step.in_(news.STEPS)
        )
    )
    assert written == Counter((of, news.STEPS[step].value) for of, step in steps)
    assert len(said) == written.total()


def _counted(keys: list[str]) -> str:
    return f"{len(set(keys))}, {len(keys) - len(set(keys))} of them came again"
