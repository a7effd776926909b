"""Many rows are written with one statement, on both databases, with what each kind of column holds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from tests.support.builders import Builders
from tracker.bulk import insert_many, update_many
from tracker.database import db, transaction
from tracker.notifications.models import InboxEntry, Message
from tracker.notifications.outbox import enqueue
from tracker.service_requests.ladder import Rung
from tracker.service_requests.limits import Clock
from tracker.service_requests.models import Escalation

TABLES = Escalation.metadata.tables
MOMENT = datetime(2026, 3, 11, 2, 0, 0, 123456, tzinfo=UTC)


def _rungs(request_id: int) -> list[dict[str, object]]:
    return [
        {
            "service_request_id": request_id,
            "round": round_,
            "clock": Clock.RESOLVE,
            "rung": Rung.NEAR,
            "due_at": MOMENT.astimezone(timezone(timedelta(hours=8))),
            "reached_at": MOMENT,
            "told": [1, 2, round_],
            "answer": "",
        }
        for round_ in range(3)
    ]


def test_every_row_arrives_with_its_times_lists_and_choices(a: Builders) -> None:
    it = a.service_request()

    with transaction():
        insert_many(TABLES["escalation"], _rungs(it.id))

    found = db.session.scalars(select(Escalation).order_by(Escalation.round)).all()
    assert [one.told for one in found] == [[1, 2, 0], [1, 2, 1], [1, 2, 2]]
    assert {(one.clock, one.rung) for one in found} == {(Clock.RESOLVE, Rung.NEAR)}
    assert {one.due_at for one in found} == {one.reached_at for one in found} == {MOMENT}


def test_each_row_is_changed_as_it_says_and_no_other(a: Builders) -> None:
    it, person = a.service_request(), a.coordinator()
    told = {
        "person_id": person.id,
        "service_request_id": it.id,
        "step": "urge",
        "created_at": a.now,
    }
    with transaction():
        insert_many(TABLES["inbox_entry"], [told] * 3)
    first, second, third = db.session.scalars(select(InboxEntry).order_by(InboxEntry.id)).all()

    with transaction():
        update_many(
            TABLES["inbox_entry"],
            [{"id": first.id, "read_at": MOMENT}, {"id": third.id, "read_at": None}],
        )

    db.session.expire_all()
    assert [one.read_at for one in (first, second, third)] == [MOMENT, None, None]


def test_words_in_json_stay_as_they_are(a: Builders) -> None:
    words = {
        "items": ["水龙头'; DROP TABLE message; --", 'with "quotes" and \\ and :name'],
        "n": 1.5,
    }
    with transaction():
        message = enqueue("reset", address="a@b.example", locale="en", payload={}, now=a.now)

    with transaction():
        update_many(TABLES["message"], [{"id": message.id, "payload": words}])

    db.session.expire_all()
    assert db.session.get_one(Message, message.id).payload == words


def test_what_fails_leaves_nothing(a: Builders) -> None:
    it = a.service_request()
    twice = [*_rungs(it.id), _rungs(it.id)[0]]

    with pytest.raises(Exception, match=r"(?i)unique"), transaction():
        insert_many(TABLES["escalation"], twice)

    assert db.session.scalars(select(Escalation)).all() == []


def test_nothing_to_write_is_nothing(a: Builders) -> None:
    with transaction():
        insert_many(TABLES["escalation"], [])
        update_many(TABLES["message"], [])
