"""The ladder, as it ran while the town lived: for one request at a time, at the moments of its runs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from tracker.database import db
from tracker.organisation import queries as organisation
from tracker.service_requests import climbing, climbing_parts
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.models import Part, ServiceRequest

EVERY: Final = timedelta(minutes=5)
"""How often the worker lets it run."""


@dataclass
class Watch:
    """The ladder over one request and its part, and the supervisor who answers for what sits."""

    chance: Random
    answer: Callable[[datetime], None]
    """How, when the time has come."""
    is_answered: bool = True
    """Whether a supervisor answers at all."""
    answer_at: datetime | None = None

    def run(self, service_request: ServiceRequest, part: Part | None, *, until: datetime) -> None:
        """Tell of every rung that is reached until then, and let the supervisor answer meanwhile."""
        while True:
            run = next_run(service_request, part)
            at = min((each for each in (run, self.answer_at) if each is not None), default=until)
            if at >= until:
                return
            if at == self.answer_at:
                self.answer_at = None
                self.answer(at)
                continue
            climb(service_request, part, now=at)
            if self.is_answered and service_request.supervised_at == at:
                self.answer_at = self._some_hours_after(at, service_request)

    def _some_hours_after(self, moment: datetime, service_request: ServiceRequest) -> datetime:
        calendar = organisation.calendar(moment, unit_id=service_request.unit_id)
        return calendar.next_working_time(moment + timedelta(hours=self.chance.uniform(1, 6)))


def next_run(service_request: ServiceRequest, part: Part | None) -> datetime | None:
    """Return when the run comes that tells of the next rung of a request, or of its part."""
    db.session.flush()
    reached = [service_request.ladder_at, part.ladder_at if part else None]
    due = min((at for at in reached if at is not None), default=None)
    if due is None:
        return None
    run = _run_after(due)
    if service_request.priority is Priority.EMERGENCY:
        return run
    calendar = organisation.calendar(run, unit_id=service_request.unit_id)
    while not calendar.is_working_time(run):
        run = _run_after(calendar.next_working_time(run) - timedelta.resolution)
    return run


def climb(service_request: ServiceRequest, part: Part | None, *, now: datetime) -> None:
    """Let the ladder run over one request and its parts, in the caller's transaction."""
    its_own, of_it = ServiceRequest.id == service_request.id, Part.ladder_at < now
    climbing.climb_batch([its_own, ServiceRequest.ladder_at < now], climbing.Climb(), now)
    climbing_parts.climb_batch([its_own, of_it], climbing_parts.PartClimb(), {}, now)
    db.session.expire(service_request, ["ladder_at", "rungs_reached", "supervised_at"])
    if part is not None:
        db.session.expire(part, ["ladder_at", "rungs_reached"])


def _run_after(moment: datetime) -> datetime:
    """Return the first run past a moment: what is due then is not overdue at that time itself."""
    whole = moment.replace(minute=moment.minute - moment.minute % 5, second=0, microsecond=0)
    return whole + EVERY
