"""The limits of a request beside that of its result: which of them are near or overdue now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from tracker.service_requests import clocks, ladder
from tracker.service_requests.limits import Clock, Stops, is_overdue
from tracker.service_requests.models import ServiceRequest

_OTHERS: Final = frozenset(clock for clock in Clock if ladder.RUNGS[clock]) - {Clock.RESOLVE}
"""Those of which the ladder tells somebody: until when a team may return something is no duty."""
_THEIRS: Final = ladder.bits_of(_OTHERS)


class OtherLimit(NamedTuple):
    """A limit whose end is near, or past."""

    clock: ladder.Watched
    due_at: datetime
    """In UTC."""
    is_overdue: bool


def other_limits(
    service_request: ServiceRequest, stops: Stops, now: datetime
) -> Sequence[OtherLimit]:
    """Return what else than the result is near or overdue at `now`, in the order of its life.

    `stops`: when its clock stood still, as in `Dossier`.
    """
    it = service_request
    # Of those no rung was reached, and the next one is still to come: nothing need be counted.
    if not it.rungs_reached & _THEIRS and (it.ladder_at is None or it.ladder_at > now):
        return ()
    return [
        OtherLimit(each.clock, each.due_at, is_overdue(each.due_at, now))
        for each in clocks.running_clocks(it, stops)
        if each.clock in _OTHERS and each.near_at <= now
    ]
