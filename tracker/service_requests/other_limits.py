"""The limits of a request beside that of its result: which of them are near or overdue now."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tracker.service_requests import clocks
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.limits import Clock, is_overdue
from tracker.service_requests.models import ServiceRequest


class OtherLimit(NamedTuple):
    """A limit whose end is near, or past."""

    clock: Clock
    due_at: datetime
    """In UTC."""
    is_overdue: bool


def other_limits(service_request: ServiceRequest, now: datetime) -> Sequence[OtherLimit]:
    """Return what else than the result is near or overdue at `now`, in the order of its life."""
    it = service_request
    if it.first_response_at is not None and it.status not in (Status.SUBMITTED, Status.ASSIGNED):
        return ()  # nothing else runs: its stops need not be read
    return [
        OtherLimit(each.clock, each.due_at, is_overdue(each.due_at, now))
        for each in clocks.running_clocks(it, clocks.stops_of(it))
        if each.clock is not Clock.RESOLVE and each.near_at <= now
    ]
