"""The open parts of the teams that somebody leads: how many, and which is due first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import contains_eager, joinedload

from tracker.database import UtcDateTime, among, db
from tracker.permissions import Action, Actor
from tracker.service_requests import parts
from tracker.service_requests.lifecycle import STOPPED_STATUSES
from tracker.service_requests.models import Part, ServiceRequest
from tracker.web.paging import Page, page_of

_IT: Final = Part.service_request
_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""What has no due time stands last."""
_DUE: Final = case((Part.working_days.is_(None), ServiceRequest.due_at), else_=Part.due_at)
"""What `parts.clock_of` says of an open part, in SQL."""
_NEAR: Final = case((Part.working_days.is_(None), ServiceRequest.near_at), else_=Part.near_at)


@dataclass(frozen=True, slots=True)
class Own:
    """How many parts the teams that somebody leads have not ended, how many are overdue, or near that."""

    open: int
    overdue: int
    near: int


def count_own(actor: Actor, now: datetime) -> Own:
    """Return how many parts of the teams that `actor` leads are open."""
    led = sorted(actor.teams_where(Action.END_PART))
    if not led:
        return Own(0, 0, 0)
    is_near = and_(
        now >= _NEAR, now <= _DUE, ServiceRequest.status.not_in(sorted(STOPPED_STATUSES))
    )
    counted = select(func.count(), func.count().filter(now > _DUE), func.count().filter(is_near))
    return Own(*db.session.execute(counted.select_from(Part).join(_IT).where(_open_of(led))).one())


def page_of_own(actor: Actor, mark: str | None, *, size: int = 30) -> Page[Part]:
    """Return a page of the open parts of the teams that `actor` leads, what is due first."""
    led = sorted(actor.teams_where(Action.END_PART))
    query = (
        select(Part)
        .join(_IT)
        .where(_open_of(led))
        .options(
            joinedload(Part.team),
            joinedload(Part.given_by),
            contains_eager(_IT).joinedload(ServiceRequest.category),
            contains_eager(_IT).joinedload(ServiceRequest.area),
        )
    )
    return page_of(
        db.session(),
        query,
        [func.coalesce(_DUE, _NEVER, type_=UtcDateTime()), Part.id],
        key_of=lambda part: [parts.clock_of(part).due_at or _NEVER, part.id],
        mark=mark,
        size=size,
    )


def _open_of(team_ids: Sequence[int]) -> ColumnElement[bool]:
    return and_(among(Part.team_id, team_ids), parts.OPEN)
