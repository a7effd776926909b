"""Counting the clocks of open requests anew, in the background, when limits or the calendar change.

Whoever changes them asks (`ask`); the worker goes through the open requests, some at a time. What
is resolved or closed keeps the times that applied. Each request whose due time moved stands in the
audit trail with both times.
"""

from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload, selectinload

from tracker.accounts import audit
from tracker.database import db, transaction
from tracker.permissions import SYSTEM, Actor
from tracker.service_requests import parts, unanswered
from tracker.service_requests.clocks import set_clocks
from tracker.service_requests.lifecycle import UNRESOLVED_STATUSES
from tracker.service_requests.models import ClockRecount, Part, ServiceRequest

AT_ONCE: Final = 100
"""So many requests are held while they are counted: whoever takes a step on one waits a moment."""
LOOKED_THROUGH: Final = 10_000
"""So many ids are looked through for open ones at a time: most of a million are closed."""
AT_A_TIME_S: Final = 1.0
"""How long the worker counts before it sees to its other work."""


def ask(*, actor: Actor, now: datetime) -> None:
    """Let every open request be counted anew; whatever was under way begins again with this."""
    db.session.execute(
        update(ClockRecount).where(ClockRecount.finished_at.is_(None)).values(finished_at=now)
    )
    db.session.add(ClockRecount(asked_at=now, asked_by_id=actor.person_id))


def is_under_way() -> bool:
    """Tell whether open requests are being counted anew."""
    asked = select(ClockRecount.id).where(ClockRecount.finished_at.is_(None)).limit(1)
    return db.session.scalar(asked) is not None


def go_on(*, now: datetime) -> int:
    """Count some open requests anew, if somebody asked; return how many moved. Opens transactions."""
    until = monotonic() + AT_A_TIME_S
    moved = 0
    while is_under_way():
        db.session.rollback()
        with transaction():
            some = _count_some(now)
        moved += some or 0
        if some is None or monotonic() >= until:
            break
    db.session.rollback()
    return moved


def _count_some(now: datetime) -> int | None:
    """Count the next requests; None where another worker does."""
    recount = db.session.scalar(
        select(ClockRecount)
        .where(ClockRecount.finished_at.is_(None))
        .order_by(ClockRecount.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if recount is None:
        return None
    through = recount.after_id + LOOKED_THROUGH
    found = _open_ones(recount.after_id, through)
    changes = {}
    for it in found:
        before = it.due_at
        set_clocks(it)
        it.question_turn_at = unanswered.turn_of(it)
        if it.due_at != before:
            changes[it.reference] = [_iso(before), _iso(it.due_at)]
    for part in _open_parts_of(found):
        parts.set_times(part)
    recount.moved += len(changes)
    recount.after_id = found[-1].id if len(found) == AT_ONCE else through
    if changes:
        audit.record("clocks:recount", recount, changes, actor=SYSTEM, now=now)
    if recount.after_id >= (db.session.scalar(select(func.max(ServiceRequest.id))) or 0):
        recount.finished_at = now
    return len(changes)


def _open_ones(after_id: int, through: int) -> Sequence[ServiceRequest]:
    return db.session.scalars(
        select(ServiceRequest)
        .where(
            ServiceRequest.id > after_id,
            ServiceRequest.id <= through,
            ServiceRequest.status.in_(UNRESOLVED_STATUSES),
        )
        .order_by(ServiceRequest.id)
        .limit(AT_ONCE)
        .options(joinedload(ServiceRequest.category), selectinload(ServiceRequest.stops))
        .with_for_update(of=ServiceRequest, key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def _open_parts_of(service_requests: Sequence[ServiceRequest]) -> Sequence[Part]:
    ids = [it.id for it in service_requests]
    return db.session.scalars(
        select(Part).where(Part.service_request_id.in_(ids), parts.OPEN).order_by(Part.id)
    ).all()


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
