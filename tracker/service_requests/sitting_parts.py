"""Which parts of helping teams are near or overdue, for lists of requests: one statement for all lines.

Those with days of their own: of the others the due time of their request says the same.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, bindparam, select

from tracker.database import UtcDateTime, numbered, one_of, read
from tracker.service_requests.due import DueState, due_state
from tracker.service_requests.lines import Line, Name
from tracker.service_requests.models import Part
from tracker.service_requests.parts import OPEN, WITH_OPEN_PARTS, PartClock
from tracker.teams.models import Team

_NOW: Final = bindparam("now", type_=UtcDateTime())


class SittingPart(NamedTuple):
    """A part whose end is near, or past."""

    team: Name
    due_at: datetime
    """In UTC."""
    is_overdue: bool


def sitting_parts(lines: Sequence[Line], now: datetime) -> Mapping[int, Sequence[SittingPart]]:
    """Return request → its parts that are near or overdue at `now`, what is due first."""
    statuses = {line.id: line.status for line in lines if line.status in WITH_OPEN_PARTS}
    if not statuses:
        return {}
    given = {**numbered(list(statuses)), _NOW.key: now}
    found: dict[int, list[SittingPart]] = {}
    for request_id, due_at, near_at, name, english in read(_near(len(statuses)), given).all():
        state = due_state(PartClock(statuses[request_id], None, due_at, near_at), now)
        if state in (DueState.NEAR, DueState.OVERDUE):
            part = SittingPart(Name(name, english), due_at, state is DueState.OVERDUE)
            found.setdefault(request_id, []).append(part)
    return found


@lru_cache
def _near(how_many: int) -> Select[*tuple[Any, ...]]:
    """Select what is near or past of so many requests. Made once, as `lines` are."""
    return (
        select(Part.service_request_id, Part.due_at, Part.near_at, Team.name, Team.name_en)
        .join(Team, Team.id == Part.team_id)
        .where(one_of(Part.service_request_id, how_many), OPEN, Part.near_at <= _NOW)
        .order_by(Part.due_at, Part.id)
    )
