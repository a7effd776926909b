"""The requester's word: what pages do not reach."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.errors import Refusal, RefusedError
from tracker.permissions import resident
from tracker.service_requests.actions import answers, dispatch
from tracker.service_requests.lifecycle import OPEN_STATUSES, Outcome, Status
from tracker.service_requests.models import ServiceRequest


def now_of(it: ServiceRequest) -> ServiceRequest:
    """Return the request as it stands in the database."""
    return db.session.get_one(ServiceRequest, it.id, populate_existing=True)


@pytest.mark.parametrize("status", OPEN_STATUSES)
def test_whatever_is_open_can_be_withdrawn(a: Builders, now: datetime, status: Status) -> None:
    it = a.service_request(status=status)

    with transaction():
        answers.withdraw(now_of(it), actor=resident(it.id), now=now + timedelta(hours=1))

    after = now_of(it)
    assert (after.status, after.outcome) == (Status.CLOSED, Outcome.WITHDRAWN)
    assert after.places_taken == 0


def test_thirty_days_after_closing_is_the_last_moment_to_dispute(
    a: Builders, now: datetime
) -> None:
    it = a.service_request(status=Status.CLOSED)
    last = now + timedelta(days=30)

    with transaction(), pytest.raises(RefusedError) as refused:
        answers.dispute(
            now_of(it), reason="又漏了", actor=resident(it.id), now=last + timedelta(seconds=1)
        )
    assert refused.value.refusal is Refusal.DISPUTE_TOO_LATE
    with transaction():
        answers.dispute(now_of(it), reason="又漏了", actor=resident(it.id), now=last)


def test_one_urges_once_a_day_of_the_local_clock(a: Builders) -> None:
    it = a.service_request()
    late = datetime(2026, 3, 11, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    with transaction():
        answers.urge(now_of(it), actor=resident(it.id), now=late)

    with transaction():
        answers.urge(now_of(it), actor=resident(it.id), now=late + timedelta(minutes=1))
    with transaction(), pytest.raises(RefusedError):
        answers.urge(now_of(it), actor=resident(it.id), now=late + timedelta(hours=23))

    assert now_of(it).times_urged == 2


@pytest.mark.parametrize("how", ["merged", "withdrawn"])
def test_what_was_merged_or_withdrawn_after_its_result_cannot_be_disputed(
    a: Builders, how: str
) -> None:
    it = a.service_request(status=Status.RESOLVED)
    survivor = a.service_request()
    with transaction():
        if how == "merged":
            desk = a.actor(a.coordinator())
            dispatch.merge(now_of(it), now_of(survivor), actor=desk, now=a.now)
        else:
            answers.withdraw(now_of(it), actor=resident(it.id), now=a.now)

    assert not answers.may_still_dispute(now_of(it), a.now)
    with pytest.raises(RefusedError), transaction():
        answers.dispute(now_of(it), reason="又漏了", actor=resident(it.id), now=a.now)
