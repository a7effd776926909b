"""Open requests of the same place and category, offered before somebody sends one more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased, joinedload

from tracker.database import db
from tracker.organisation import queries as organisation
from tracker.organisation.models import Area, Category
from tracker.service_requests.lifecycle import UNRESOLVED_STATUSES, Status
from tracker.service_requests.models import ServiceRequest

OFFERED = 3
"""How many are shown at most: enough to recognise one's own, few enough to read."""


@dataclass(frozen=True, slots=True)
class SimilarRequest:
    """What a stranger may know of an open request: nothing about the people in it."""

    id: int
    category: Category
    area: Area
    submitted_at: datetime
    status: Status


def similar_open_requests(category_id: int | None, area_id: int | None) -> Sequence[SimilarRequest]:
    """Return open requests of this category in this area or below it, newest first.

    Empty without a place, and for sensitive categories and all in sensitive groups: there, even
    that a request exists says something about a neighbour.
    """
    if category_id is None or area_id is None:
        return []
    group = aliased(Category)
    found = db.session.scalars(
        select(ServiceRequest)
        .join(ServiceRequest.category)
        .outerjoin(group, group.id == Category.parent_id)
        .where(
            ServiceRequest.category_id == category_id,
            ServiceRequest.area_id.in_(organisation.areas_below(area_id)),
            ServiceRequest.status.in_(UNRESOLVED_STATUSES),
            Category.is_sensitive.is_(False),
            group.is_sensitive.is_not(True),
        )
        .options(joinedload(ServiceRequest.category), joinedload(ServiceRequest.area))
        .order_by(ServiceRequest.submitted_at.desc(), ServiceRequest.id.desc())
        .limit(OFFERED)
    )
    return [
        SimilarRequest(
            id=each.id,
            category=each.category,
            area=each.area,
            submitted_at=each.submitted_at,
            status=each.status,
        )
        for each in found
        if each.area is not None
    ]
