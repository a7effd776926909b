"""Many processes take every step of the life cycle at once, on few requests: nothing breaks."""

import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from tests.support.builders import Builders
from tests.support.live import ROOT
from tests.support.walk import cast_of
from tests.torture.size import IS_FULL
from tests.torture.walkers import Orders
from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import db
from tracker.integrity.invariants import snapshot_of, violations
from tracker.service_requests.strays import sweep_strays

PROCESSES, SECONDS = (40, 60) if IS_FULL else (6, 4)


@pytest.fixture
def _alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Wait for the races on the other database: two crowds at once measure the machine."""
    with (tmp_path_factory.getbasetemp().parent / "races").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_alone")
def test_random_races_over_every_step_leave_everything_as_it_must_be(
    app: Flask, a: Builders, database_url: str
) -> None:
    chosen: Settings = app.config["SETTINGS"]
    orders = Orders(database_url, str(chosen.instance_path), cast_of(a), PROCESSES, SECONDS, seed=1)
    db.session.remove()
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.walkers"],
        cwd=ROOT,
        input=orders.to_text(),
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS + 300,
    )
    found = json.loads(done.stdout)
    print(found, file=sys.stderr)  # noqa: T201 - the figures of the run

    assert found["failed"] == {}
    assert sum(found["taken"].values()) > SECONDS
    sweep_strays(chosen.uploads_path, now=utc_now(), older_than=-timedelta(days=9999))
    with snapshot_of(db.engine, chosen.uploads_path) as snapshot:
        assert list(violations(snapshot)) == []
