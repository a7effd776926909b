"""The exact list behind a figure: the same condition that counts it selects it."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import joinedload

from tracker.database import db
from tracker.organisation.models import Area, Category
from tracker.permissions import Action, Actor
from tracker.reports.definitions import CONDITIONS, Figure, Scope, visible
from tracker.service_requests.models import CASEWORK, ServiceRequest
from tracker.visibility import within_reach

AT_ONCE = 1000


def behind(actor: Actor, scope: Scope, figure: Figure) -> Select[ServiceRequest]:
    """Select the requests behind a figure, with the names that a list shows."""
    return (
        select(ServiceRequest)
        .where(visible(actor), CONDITIONS[figure](scope))
        .options(
            joinedload(ServiceRequest.category).joinedload(Category.parent),
            joinedload(ServiceRequest.area).joinedload(Area.parent),
            joinedload(ServiceRequest.unit),
            joinedload(ServiceRequest.lead_team),
            joinedload(ServiceRequest.leader),
            joinedload(ServiceRequest.requester),
        )
    )


def how_many(actor: Actor, scope: Scope, figure: Figure) -> int:
    """Return the figure itself."""
    query = select(func.count(ServiceRequest.id)).where(visible(actor), CONDITIONS[figure](scope))
    return db.session.scalar(query) or 0


def exported(actor: Actor, scope: Scope, figure: Figure) -> Iterator[ServiceRequest]:
    """Yield what `actor` may export of the list behind a figure, newest first.

    Read a thousand at a time, each by its place, so that neither memory nor a transaction is
    held while a slow reader takes them.
    """
    query = (
        behind(actor, scope, figure)
        .where(within_reach(actor, Action.EXPORT_SERVICE_REQUESTS, CASEWORK))
        .order_by(ServiceRequest.submitted_at.desc(), ServiceRequest.id.desc())
        .limit(AT_ONCE)
    )
    place = tuple_(ServiceRequest.submitted_at, ServiceRequest.id)
    rows: Sequence[ServiceRequest] = db.session.scalars(query).all()
    while rows:
        last = (rows[-1].submitted_at, rows[-1].id)
        yield from rows
        if len(rows) < AT_ONCE:
            return
        db.session.rollback()
        db.session.expunge_all()
        rows = db.session.scalars(query.where(place < last)).all()
