"""What time itself does, once a day: reminders, closing, reviews, and clearing up.

Each request is a transaction of its own: one that fails is logged and tried again tomorrow,
and the others are done. Running it twice changes nothing the second time.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import select

from tracker.config import Settings
from tracker.database import db, refresh_statistics, transaction
from tracker.notifications import inbox, jobs
from tracker.organisation import queries as organisation
from tracker.service_requests.actions import time_passing, visiting
from tracker.service_requests.leftovers import clear_old_drafts
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.strays import sweep_strays
from tracker.web import once

log = logging.getLogger(__name__)
BATCH = 500


@dataclass
class Day:
    """What one run did."""

    reminded: int = 0
    closed: int = 0
    asked_again: int = 0
    unanswered: int = 0
    """Questions that wait no longer."""
    taken_up_again: int = 0
    cleared_photos: int = 0
    """Photos of drafts that nobody sent."""
    swept_files: int = 0
    """Files that a crash left behind before their photo was known."""
    forgotten_forms: int = 0
    """Marks of forms that were taken long enough ago."""
    forgotten_notes: int = 0
    """Notes that somebody began long ago and never sent."""
    forgotten_messages: int = 0
    """Messages of the staff's pages that were read and are old."""
    forgotten_runs: int = 0
    """Runs of jobs, long past."""
    failed: int = 0

    def __str__(self) -> str:
        """Return it in words, for the list of jobs."""
        return (
            f"{self.reminded} reminded, {self.closed} closed unconfirmed, "
            f"{self.asked_again} asked again, {self.unanswered} gone on without an answer, "
            f"{self.taken_up_again} taken up again, {self.cleared_photos} unsent photos cleared, "
            f"{self.swept_files} stray files swept, {self.forgotten_forms} forms forgotten, "
            f"{self.forgotten_notes} begun notes forgotten, "
            f"{self.forgotten_messages} read messages forgotten, "
            f"{self.forgotten_runs} runs forgotten, {self.failed} failed"
        )


def run_daily(now: datetime) -> str:
    """Do the day's work as of `now`; return what was done, in words."""
    day = Day()
    today = organisation.today(now)
    _each(
        lambda after: time_passing.due_for_a_turn(now=now, after=after, limit=BATCH),
        _turn(day, now),
        day,
    )
    _each(
        lambda after: time_passing.questions_due(now=now, after=after, limit=BATCH),
        _question_turn(day, now),
        day,
    )
    _each(
        lambda after: time_passing.parked_until(today, after=after, limit=BATCH),
        _end_parking(day, now),
        day,
    )
    settings: Settings = current_app.config["SETTINGS"]
    day.cleared_photos = clear_old_drafts(settings.uploads_path, now=now)
    day.swept_files = sweep_strays(settings.uploads_path, now=now)
    with transaction():
        day.forgotten_forms = once.forget_old(now=now)
        day.forgotten_notes = visiting.forget_old_drafts(now=now)
        day.forgotten_messages = inbox.forget_old(now=now)
        day.forgotten_runs = jobs.forget_old(now=now)
    refresh_statistics()
    return str(day)


def _turn(day: Day, now: datetime) -> Callable[[ServiceRequest], None]:
    def take(service_request: ServiceRequest) -> None:
        match time_passing.take_turn(service_request, now=now):
            case Step.REMIND:
                day.reminded += 1
            case Step.TIME_OUT:
                day.closed += 1

    return take


def _question_turn(day: Day, now: datetime) -> Callable[[ServiceRequest], None]:
    def take(service_request: ServiceRequest) -> None:
        match time_passing.take_question_turn(service_request, now=now):
            case Step.REMIND:
                day.asked_again += 1
            case Step.RESUME:
                day.unanswered += 1

    return take


def _end_parking(day: Day, now: datetime) -> Callable[[ServiceRequest], None]:
    def take(service_request: ServiceRequest) -> None:
        if service_request.status is Status.PARKED:
            time_passing.end_parking(service_request, now=now)
            day.taken_up_again += 1

    return take


def _each(
    find: Callable[[int], "list[int]"], take: Callable[[ServiceRequest], None], day: Day
) -> None:
    """Take a step on every request found, batch by batch, past those that fail."""
    after = 0
    while ids := find(after):
        db.session.rollback()
        for service_request_id in ids:
            try:
                with transaction():
                    take(_locked(service_request_id))
            except Exception:
                log.exception("The daily job failed on request %s.", service_request_id)
                day.failed += 1
        after = ids[-1]
    db.session.rollback()


def _locked(service_request_id: int) -> ServiceRequest:
    return db.session.scalars(
        select(ServiceRequest)
        .where(ServiceRequest.id == service_request_id)
        .with_for_update(of=ServiceRequest, key_share=True)
        .execution_options(populate_existing=True)
    ).one()
