"""The background worker: sends messages and runs scheduled jobs until it is told to stop."""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from tracker.clock import utc_now
from tracker.database import db
from tracker.notifications import jobs, sending
from tracker.organisation import queries as organisation

PAUSE_S: Final = 2.0
AFTER_TROUBLE_S: Final = 15.0
JOBS_EVERY_S: Final = 60.0

_log = logging.getLogger(__name__)


def work(stop: threading.Event) -> None:
    """Work until `stop` is set; what is under way is finished first."""
    since_jobs = JOBS_EVERY_S
    while not stop.is_set():
        pause = PAUSE_S
        try:
            while sending.send_due(now=utc_now()) and not stop.is_set():
                pass
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


def stop_on_signals(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    """Let SIGTERM and SIGINT end the work in good order."""

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return end
