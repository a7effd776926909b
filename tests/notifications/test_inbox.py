"""The messages of the staff: one's own alone, counted to a hundred, forgotten when read and old."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from tests.support.builders import Builders
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.errors import NotFoundError
from tracker.notifications import inbox
from tracker.notifications.models import InboxEntry


def told(a: Builders, person: Person, *, times: int = 1, at: datetime | None = None) -> list[int]:
    """Tell somebody of a step of a request, so many times; return the ids of the messages."""
    about = a.service_request().id
    with transaction():
        for _ in range(times):
            inbox.tell(person.id, service_request_id=about, step="urge", now=at or a.now)
    return list(db.session.scalars(inbox.entries(person.id).with_only_columns(InboxEntry.id)))


def read_in(a: Builders, person: Person, ids: list[int], *, at: datetime) -> None:
    with transaction():
        for one in ids:
            inbox.mark_read(inbox.entry(person.id, one), now=at)


def test_unread_messages_are_counted_to_a_hundred(a: Builders) -> None:
    me, other = a.person(), a.person()
    told(a, me, times=inbox.MOST_COUNTED + 3)
    told(a, other, times=2)

    assert inbox.unread(me.id) == inbox.MOST_COUNTED
    assert inbox.unread(other.id) == 2


def test_the_first_reading_counts(a: Builders) -> None:
    me = a.person()
    ids = told(a, me)
    read_in(a, me, ids, at=a.now)
    read_in(a, me, ids, at=a.now + timedelta(hours=1))

    assert inbox.entry(me.id, ids[0]).read_at == a.now
    assert inbox.unread(me.id) == 0


def test_nobody_finds_anothers_message(a: Builders) -> None:
    me, other = a.person(), a.person()
    [theirs] = told(a, other)

    with pytest.raises(NotFoundError):
        inbox.entry(me.id, theirs)


def test_what_came_after_the_page_was_opened_stays_unread(a: Builders) -> None:
    me, other = a.person(), a.person()
    seen = told(a, me, times=3)
    theirs = told(a, other)
    told(a, me)

    with transaction():
        assert inbox.mark_all_read(me.id, up_to=max(seen), now=a.now) == 3

    assert inbox.unread(me.id) == 1
    assert inbox.entry(other.id, theirs[0]).read_at is None


def test_what_was_read_is_forgotten_after_ninety_days_what_was_not_stays(a: Builders) -> None:
    me = a.person()
    old, new = a.now - inbox.KEPT - timedelta(minutes=1), a.now - inbox.KEPT
    first, second = told(a, me, times=2, at=old)
    newer = [one for one in told(a, me, at=new) if one > second]
    read_in(a, me, [first, *newer], at=a.now)

    with transaction():
        assert inbox.forget_old(now=a.now) == 1

    left = set(db.session.scalars(select(InboxEntry.id)))
    assert left == {second, *newer}


def test_how_often_somebody_was_told_is_of_one_step_one_request_and_since_then(
    a: Builders,
) -> None:
    me = a.person()
    told(a, me, times=2, at=a.now - timedelta(hours=2))
    told(a, me, times=3)
    about = db.session.scalar(select(func.max(InboxEntry.service_request_id))) or 0

    def count(step: str = "urge", hours: int = 1) -> int:
        since = a.now - timedelta(hours=hours)
        return inbox.count_since(me.id, service_request_id=about, step=step, since=since)

    assert (count(), count(hours=3), count("claim")) == (3, 3, 0)
    assert inbox.is_unread(me.id, service_request_id=about, step="urge")
    assert not inbox.is_unread(me.id, service_request_id=about, step="claim")
