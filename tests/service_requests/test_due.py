"""How a request stands, in Python for one and in SQL for lists: two readings of one rule."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.service_requests.due import DueState, due_state, is_in_state
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ServiceRequest

LISTED = (DueState.ON_TIME, DueState.NEAR, DueState.OVERDUE, DueState.STOPPED, DueState.DONE_LATE)


@pytest.mark.parametrize("status", Status)
def test_a_list_finds_exactly_what_stands_so(a: Builders, status: Status) -> None:
    made = [a.service_request(status=status) for _ in range(4)]
    moments = (None, a.now - timedelta(hours=1), a.now, a.now + timedelta(hours=1))
    with transaction():
        for it, due in zip(made, moments, strict=True):
            near = due - timedelta(minutes=30) if due else None
            db.session.execute(
                update(ServiceRequest)
                .where(ServiceRequest.id == it.id)
                .values(due_at=due, near_at=near)
            )
    everything = db.session.scalars(select(ServiceRequest).order_by(ServiceRequest.id)).all()

    for state in LISTED:
        found = db.session.scalars(
            select(ServiceRequest.id).where(is_in_state(state, a.now)).order_by(ServiceRequest.id)
        ).all()
        assert found == [it.id for it in everything if due_state(it, a.now) is state], state


@pytest.mark.parametrize("status", [Status.WAITING, Status.PARKED])
def test_what_was_overdue_when_its_clock_stopped_is_overdue(a: Builders, status: Status) -> None:
    it = a.service_request(status=status)
    assert due_state(it, a.now) is DueState.STOPPED

    it.due_at = a.now - timedelta(seconds=1)

    assert due_state(it, a.now) is DueState.OVERDUE
