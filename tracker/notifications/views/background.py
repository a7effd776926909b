"""Scheduled jobs: when each runs, how it last went, and what failed."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.notifications import jobs
from tracker.notifications.words import DONE, JOBS
from tracker.organisation import queries as organisation
from tracker.permissions import Action, require
from tracker.web.access import signed_in_actor

blueprint = Blueprint("background", __name__)


@blueprint.get("/admin/jobs")
def index() -> ResponseReturnValue:
    """List the jobs with their last runs."""
    require(signed_in_actor(), Action.VIEW_OUTBOX)
    zone = ZoneInfo(organisation.time_zone_name())
    now = utc_now()
    return render_template(
        "notifications/jobs.html",
        jobs=[
            (job, jobs.next_at(job, zone, now=now), jobs.latest_runs(job.name))
            for job in jobs.registered().values()
        ],
        words=JOBS,
        done=_done,
    )


def _done(result: str) -> Sequence[str]:
    """Return what a run did, in the reader's language, without what it found nothing of."""
    said = []
    for part in result.split(", "):
        number, _space, what = part.partition(" ")
        if number != "0" and what:
            said.append(f"{number} {DONE.get(what, what)}")
    return said
