"""The background worker: sends messages and runs scheduled jobs until it is told to stop.

Each way of sending has a thread of its own: a receiver that is slow delays nothing but its own kind.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from tracker.clock import utc_now
from tracker.database import db
from tracker.notifications import jobs, sending
from tracker.notifications.channels.carriers import CARRIERS
from tracker.notifications.models import Channel
from tracker.organisation import queries as organisation

PAUSE_S: Final = 2.0
AFTER_TROUBLE_S: Final = 15.0
JOBS_EVERY_S: Final = 60.0

_log = logging.getLogger(__name__)


def work(stop: threading.Event) -> None:
    """Work until `stop` is set; what is under way is finished first."""
    with _senders(stop):
        since_jobs = JOBS_EVERY_S
        while not stop.is_set():
            pause = PAUSE_S
            try:
                jobs.keep_up(now=utc_now())
                if since_jobs >= JOBS_EVERY_S and not stop.is_set():
                    since_jobs = 0.0
                    jobs.run_due(ZoneInfo(organisation.time_zone_name()), now=utc_now())
            except SQLAlchemyError:
                _log.exception("The database did not answer; the worker tries again.")
                pause = AFTER_TROUBLE_S
            finally:
                db.session.remove()
            since_jobs += pause
            stop.wait(pause)


@contextmanager
def _senders(stop: threading.Event) -> Iterator[None]:
    """Let a thread for each channel send until `stop` is set; wait for what they are at."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - threads need the thing itself
    threads = [
        threading.Thread(target=_send, args=(app, channel, stop), name=f"sends {channel}")
        for channel in CARRIERS
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()  # also when the worker fails: nothing goes on without it
        for thread in threads:
            thread.join()


def _send(app: Flask, channel: Channel, stop: threading.Event) -> None:
    """Send what one channel has, again and again."""
    with app.app_context():
        while not stop.is_set():
            pause = PAUSE_S
            try:
                while sending.send_due_by(channel, now=utc_now()) and not stop.is_set():
                    pass
            except SQLAlchemyError:
                _log.exception("The database did not answer; what waits is sent later.")
                pause = AFTER_TROUBLE_S
            except Exception:  # noqa: BLE001 - nobody would miss a thread that ended here
                _log.exception("Sending by %s failed.", channel)
                pause = AFTER_TROUBLE_S
            finally:
                db.session.remove()
            stop.wait(pause)


def stop_on_signals(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    """Let SIGTERM and SIGINT end the work in good order."""

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return end
