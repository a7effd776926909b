"""Work by the calendar: each job runs once for each slot, however many workers there are.

Features above hand their jobs in through `create_app`; this module knows none of them.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from tracker.clock import utc_now
from tracker.database import begin_afresh, db, transaction
from tracker.errors import NotFoundError
from tracker.notifications.models import ScheduledRun

LATEST: Final = time(20, 0)
"""Nobody is written to in the evening or at night: a job that missed its day waits for the next."""
GIVEN_UP_AFTER: Final = timedelta(minutes=30)
"""After this long, a run that never finished was killed, and another worker takes it up."""

KEPT: Final = timedelta(days=30)
"""How long a run is remembered."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every day from `daily_at` on, on the organisation's clock; or every few minutes.

    `run` must be idempotent: a worker can be killed in the middle.
    """

    name: str
    run: Callable[[datetime], object]
    daily_at: time = time(9, 10)
    every: timedelta | None = None
    """Instead: day and night, so often. Whom it writes to at which hour it sees to itself."""


def register(app: Flask, job: Job) -> None:
    """Let the workers of `app` run `job` every day."""
    app.extensions.setdefault("jobs", {})[job.name] = job


def register_upkeep(app: Flask, keep_up: Callable[[datetime], object]) -> None:
    """Let the workers of `app` do this every few seconds.

    It must be quick, must take turns with other workers, and must find by itself what is to do.
    """
    app.extensions.setdefault("upkeep", []).append(keep_up)


def keep_up(*, now: datetime) -> None:
    """Do what is to be done every few seconds."""
    for each in current_app.extensions.get("upkeep", ()):
        each(now)


def registered() -> Mapping[str, Job]:
    """Return the jobs by their names."""
    jobs: dict[str, Job] = current_app.extensions.get("jobs", {})
    return jobs


def run_due(zone: ZoneInfo, *, now: datetime) -> list[str]:
    """Run every job whose time has come and that no worker has taken; return their names."""
    done = []
    for job in registered().values():
        slot = slot_of(job, zone, now=now)
        if slot is not None and _take(job.name, slot, now=now):
            _run(job, slot, now=now)
            done.append(job.name)
    return done


def run_now(name: str, *, now: datetime) -> str:
    """Run a job at once, whatever the hour; return what it says. Raises `NotFoundError`."""
    job = registered().get(name)
    if job is None:
        message = f"There is no job {name!r}."
        raise NotFoundError(message)
    return str(job.run(now) or "")


def slot_of(job: Job, zone: ZoneInfo, *, now: datetime) -> str | None:
    """Return today's slot when it is time for `job`, else None; of one that runs often, the present."""
    if job.every is not None:
        return _slot_began(job.every, now).isoformat()
    local = now.astimezone(zone)
    return local.date().isoformat() if job.daily_at <= local.time() < LATEST else None


def next_at(job: Job, zone: ZoneInfo, *, now: datetime) -> datetime:
    """Return when a job's next slot begins, in UTC."""
    if job.every is not None:
        return _slot_began(job.every, now) + job.every
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), job.daily_at, zone)
    return (today if today > local else today + timedelta(days=1)).astimezone(UTC)


def forget_old(*, now: datetime) -> int:
    """Forget runs that began longer ago than `KEPT`; return how many. Each job keeps its last one."""
    last = select(func.max(ScheduledRun.id)).group_by(ScheduledRun.name)
    old = delete(ScheduledRun).where(
        ScheduledRun.started_at < now - KEPT, ScheduledRun.id.not_in(last)
    )
    return int(db.session.execute(old).rowcount)  # type: ignore[attr-defined] # a DELETE has one


def latest_runs(name: str, *, limit: int = 10) -> Sequence[ScheduledRun]:
    """Return the last runs of a job, newest first."""
    runs = select(ScheduledRun).where(ScheduledRun.name == name)
    return db.session.scalars(runs.order_by(ScheduledRun.id.desc()).limit(limit)).all()


def _slot_began(every: timedelta, now: datetime) -> datetime:
    return now.astimezone(UTC) - (now - datetime.fromtimestamp(0, UTC)) % every


def _take(name: str, slot: str, *, now: datetime) -> bool:
    """Take the slot; the unique key decides between workers. A killed run is taken over."""
    known = db.session.scalar(
        select(ScheduledRun).where(ScheduledRun.name == name, ScheduledRun.slot == slot)
    )
    try:
        with transaction():
            if known is None:
                db.session.add(ScheduledRun(name=name, slot=slot, started_at=now))
                return True
            taken = db.session.execute(
                update(ScheduledRun)
                .where(
                    ScheduledRun.name == name,
                    ScheduledRun.slot == slot,
                    ScheduledRun.finished_at.is_(None),
                    ScheduledRun.started_at < now - GIVEN_UP_AFTER,
                )
                .values(started_at=now)
            )
            return bool(taken.rowcount == 1)  # type: ignore[attr-defined] # an UPDATE has one
    except IntegrityError:
        return False


def _run(job: Job, slot: str, *, now: datetime) -> None:
    try:
        result = str(job.run(now) or "")
    except Exception as error:  # noqa: BLE001 - one job must not stop the others
        # Left unfinished on purpose: it is taken up again in half an hour.
        _log.exception("Job %s failed for %s.", job.name, slot)
        begin_afresh()
        with transaction():
            db.session.execute(
                update(ScheduledRun)
                .where(ScheduledRun.name == job.name, ScheduledRun.slot == slot)
                .values(failed_at=utc_now(), failure=type(error).__name__)
            )
        return
    with transaction():
        db.session.execute(
            update(ScheduledRun)
            .where(ScheduledRun.name == job.name, ScheduledRun.slot == slot)
            .values(finished_at=utc_now(), result=result[:500], failed_at=None, failure="")
        )
    _log.info("Job %s done for %s. %s", job.name, slot, result)
