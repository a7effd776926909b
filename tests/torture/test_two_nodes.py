"""Two machines on one PostgreSQL: one is killed under load, and nobody on the other one notices."""

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.builders import Builders
from tests.support.databases import Databases, settings
from tests.support.relay import Relay
from tests.torture.networks import Network, networks
from tests.torture.people import Log, Somebody
from tests.torture.server import Server
from tests.torture.size import IS_FULL
from tracker import create_app
from tracker.clock import utc_now
from tracker.database import db
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import ScheduledRun
from tracker.service_requests import links
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import HistoryEntry
from tracker.service_requests.strays import sweep_strays

SECONDS = 30 if IS_FULL else 3
PEOPLE = 10
"""On each node."""


@pytest.fixture
def place(databases: Databases) -> Iterator[Flask]:
    """Return the product on PostgreSQL, with the real clock, and photos that both nodes see."""
    url = databases.empty("postgresql", "live")
    made = create_app(settings(url, databases.folder / "shared"))
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


def noon_somewhere() -> str:
    """Return a time zone in which it is about noon: there the daily job is due."""
    ahead = (12 - utc_now().hour + 11) % 24 - 11
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@pytest.mark.network
@pytest.mark.timeout(300)
def test_one_node_is_killed_and_the_other_works_on(
    place: Flask, databases: Databases, tmp_path: Path
) -> None:
    a = Builders(datetime.now(UTC), invented=True)
    a.organisation(claim_limit=500, reminder_days=0, time_zone=noon_somewhere())
    team = a.team()
    reminded = a.service_request(
        team=team, status=Status.RESOLVED, at=a.now - timedelta(minutes=5)
    ).id
    tasks = []
    for _ in range(20):
        it = a.service_request(team=team, status=Status.IN_PROGRESS, volunteers_needed=2)
        tasks.append((it.id, links.token_for(it.id, it.link_salt)))
    url = db.engine.url.render_as_string(hide_password=False)
    uploads: Path = place.config["SETTINGS"].uploads_path
    uploads.mkdir(parents=True, exist_ok=True)
    logs = [Log(), Log()]
    with networks(2) as nets:
        servers = [_node(number, net, url, uploads, tmp_path) for number, net in enumerate(nets)]
        people = [
            [
                Somebody(
                    app=place,
                    address=lambda at=server: (at.host, at.port),  # type: ignore[misc]
                    log=log,
                    tasks=tasks,
                    category_id=a.any_category.id,
                    seed=seed,
                    person_id=a.volunteer(team).id if seed % 3 else None,
                    zone=ZoneInfo(noon_somewhere()),
                )
                for seed in range(PEOPLE)
            ]
            for server, log in zip(servers, logs, strict=True)
        ]
        db.session.remove()
        try:
            killed_at = _work_and_kill_one(servers, people, logs[0])
        finally:
            for server in servers:
                if server.process is not None:
                    server.kill()
    print([dict(log.statuses) for log in logs], file=sys.stderr)  # noqa: T201

    assert logs[0].faults == []
    assert logs[1].faults == []
    assert not [answer for answer in logs[1].statuses if answer.startswith("lost")]
    assert len(logs[0].deeds) > killed_at > 0
    assert len(logs[1].deeds) > 10
    db.session.rollback()
    for log in logs:
        assert log.missing(log.deeds) == []
    sweep_strays(uploads, now=utc_now(), older_than=timedelta(0))
    with snapshot_of(db.engine, uploads, swept_after=timedelta(0)) as snapshot:
        assert list(violations(snapshot)) == []
    _assert_the_job_ran_once(reminded)


def _work_and_kill_one(
    servers: Sequence[Server], people: Sequence[Sequence[Somebody]], log: Log
) -> int:
    """Let all work, kill the first node; return how many deeds it had answered by then."""
    for server in servers:
        server.start()
    everybody = [one for each in people for one in each]
    threads = [Thread(target=one.work) for one in everybody]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    servers[0].kill()
    killed_at = len(log.deeds)
    for one in people[0]:  # sent on by whatever stands before the nodes; still signed in
        one.address = lambda: (servers[1].host, servers[1].port)
    time.sleep(SECONDS)
    for one in everybody:
        one.stop.set()
    for thread in threads:
        thread.join()
    return killed_at


def _node(number: int, net: Network, url: str, uploads: Path, folder: Path) -> Server:
    """Return a node of its own: its network, its folder, its way to the database."""
    instance = folder / f"node{number}"
    instance.mkdir()
    (instance / "uploads").symlink_to(uploads)
    chosen = settings(Relay(url, net.here).url, instance)
    return Server(chosen, folder / f"node{number}.log", prefix=net.prefix, host=net.there)


def _assert_the_job_ran_once(reminded: int) -> None:
    runs = db.session.scalars(select(ScheduledRun).where(ScheduledRun.name == "daily")).all()
    assert len(runs) == 1
    assert runs[0].finished_at is not None
    reminders = select(func.count()).where(
        HistoryEntry.service_request_id == reminded, HistoryEntry.step == Step.REMIND
    )
    assert db.session.scalar(reminders) == 1
