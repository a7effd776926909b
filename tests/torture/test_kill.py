"""Killed without a warning at random moments: what was answered is there, and nothing is half done."""

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.builders import Builders
from tests.support.databases import Databases, settings
from tests.torture.people import Log, Somebody
from tests.torture.server import Server
from tests.torture.size import IS_FULL
from tracker import create_app
from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import db
from tracker.integrity.invariants import snapshot_of, violations
from tracker.service_requests import links
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.strays import sweep_strays
from tracker.teams.models import Team

KILLS = 200 if IS_FULL else 3
WRITERS = 20
FIRST_ANSWER_WITHIN_SECONDS = 20
TASKS = 24
"""Requests that are worked on at a time: few, so that people meet."""


@pytest.fixture
def place(databases: Databases, database_kind: str) -> Iterator[Flask]:
    """Return the product on a database of its own, with the real clock."""
    url = databases.empty(database_kind, "live")
    folder = databases.folder / f"killed-{database_kind}"
    made = create_app(settings(url, folder))
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.mark.timeout(7200)
def test_what_was_answered_survives_every_kill(place: Flask, databases: Databases) -> None:
    a = Builders(datetime.now(UTC), invented=True)
    a.organisation(claim_limit=500)
    team = a.team()
    log, checked, killed = Log(), 0, 0
    tasks: list[tuple[int, str]] = []
    chance = random.Random(0)  # noqa: S311 - no secret
    chosen: Settings = place.config["SETTINGS"]
    server = Server(chosen, databases.folder / "killed.log")
    refill(a, team, tasks)
    people = crew(place, a, team, server, log, tasks, writers=WRITERS)
    for kill in range(KILLS):
        assert not db.session().in_transaction()
        server.start()
        with at_work(people):
            # A slow machine has answered nothing yet; every fourth kill comes all the same.
            if kill % 4:
                wait_for_an_answer(log, more_than=checked)
            time.sleep(chance.uniform(0.4, 2.0))
            killed += server.kill()
        assert log.faults == []
        so_far = len(log.deeds)
        db.session.rollback()  # what is read begins now
        assert log.missing(log.deeds[checked:so_far]) == []
        checked = so_far
        if kill % 10 == 9 or kill == KILLS - 1 or not IS_FULL:
            assert_whole(place)
            print(f"{kill + 1} kills: {so_far} answered", file=sys.stderr)  # noqa: T201
        refill(a, team, tasks)
    server.start()
    server.kill()
    db.session.rollback()
    assert log.missing(log.deeds) == []
    print(KILLS, killed, len(log.deeds), dict(log.statuses), file=sys.stderr)  # noqa: T201
    assert len(log.deeds) > KILLS  # it was at work when it was killed, however slow the machine
    if IS_FULL:
        assert {deed.kind for deed in log.deeds} >= {"ask", "claim", "visit"}


def wait_for_an_answer(log: Log, *, more_than: int) -> None:
    """Wait until the server answered something that changes anything; not for ever."""
    deadline = time.monotonic() + FIRST_ANSWER_WITHIN_SECONDS
    while len(log.deeds) <= more_than and time.monotonic() < deadline:
        time.sleep(0.02)


@contextmanager
def at_work(people: list[Somebody]) -> Iterator[None]:
    """Let them work until the server is gone."""
    threads = [Thread(target=one.work) for one in people]
    for one, thread in zip(people, threads, strict=True):
        one.stop.clear()
        thread.start()
    try:
        yield
    finally:
        for one in people:
            one.stop.set()
        for thread in threads:
            thread.join()


def crew(
    place: Flask,
    a: Builders,
    team: Team,
    server: Server,
    log: Log,
    tasks: list[tuple[int, str]],
    *,
    writers: int,
) -> list[Somebody]:
    """Return residents and staff who use the server all at once."""
    return [
        Somebody(
            app=place,
            address=lambda: ("127.0.0.1", server.port),
            log=log,
            tasks=tasks,
            category_id=a.any_category.id,
            seed=number,
            person_id=_staff(a, team, number),
        )
        for number in range(writers)
    ]


def _staff(a: Builders, team: Team, number: int) -> int | None:
    """Return a person for all but a third, who are residents; some of them lead the team."""
    if number % 3 == 0:
        return None
    return (a.team_leader(team) if number % 5 == 0 else a.volunteer(team)).id


def assert_whole(place: Flask) -> None:
    """Nothing is half done, as `flask verify` sees it."""
    uploads: Path = place.config["SETTINGS"].uploads_path
    # A photo whose row was never written: the daily job sweeps it when it is a day old.
    sweep_strays(uploads, now=utc_now(), older_than=timedelta(0))
    db.session.rollback()
    with snapshot_of(db.engine, uploads, swept_after=timedelta(0)) as snapshot:
        assert list(violations(snapshot)) == []


def refill(a: Builders, team: Team, tasks: list[tuple[int, str]]) -> None:
    """Put new requests in the place of those that are done."""
    a.now = datetime.now(UTC)
    db.session.rollback()
    open_ids = set(
        db.session.scalars(
            select(ServiceRequest.id).where(
                ServiceRequest.id.in_([number for number, _token in tasks]),
                ServiceRequest.status != Status.CLOSED,
            )
        )
    )
    kept = [each for each in tasks if each[0] in open_ids]
    while len(kept) < TASKS:
        it = a.service_request(team=team, status=Status.IN_PROGRESS, volunteers_needed=3)
        kept.append((it.id, links.token_for(it.id, it.link_salt)))
    tasks[:] = kept
    db.session.rollback()
