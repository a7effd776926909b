"""What is asked of visits in more than one place."""

from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, and_

from tracker.visits.models import Visit, VisitStatus


def is_to_come(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition that somebody is still expected: planned, its window not passed.

    Of what has passed nobody knows yet whether it took place.
    """
    return and_(Visit.status == VisitStatus.PLANNED, Visit.planned_to >= now)
