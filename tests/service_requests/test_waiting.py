"""Who waits for whom: whoever changes a request holds up those who change it, and nobody else."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.permissions import Action
from tracker.service_requests import queries

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


def test_a_word_about_a_request_does_not_wait_for_who_changes_it(a: Builders) -> None:
    """Forty people at once made deadlocks of it: each message waited for its request."""
    it = a.service_request()
    desk = a.actor(a.coordinator())
    other = a.volunteer().id
    remembered = text("INSERT INTO handler (service_request_id, person_id) VALUES (:it, :other)")
    changed = text("UPDATE service_request SET need = '' WHERE id = :it")
    with transaction():
        queries.find_for_change(desk, it.id)
        with db.engine.connect() as another:
            another.execute(text("SET LOCAL lock_timeout = '500ms'"))
            another.execute(remembered, {"it": it.id, "other": other})
            with pytest.raises(OperationalError, match="lock timeout"):
                another.execute(changed, {"it": it.id})


def test_two_requests_are_locked_in_one_order(a: Builders) -> None:
    one, other = a.service_request(), a.service_request()
    desk = a.actor(a.coordinator())
    first = text("SELECT id FROM service_request WHERE id = :it FOR UPDATE SKIP LOCKED")
    merging = Action.MERGE_SERVICE_REQUEST
    for pair in ((one.id, other.id), (other.id, one.id)):
        with transaction():
            found = queries.find_both_for_change(desk, *pair, merging)
            assert tuple(each.id for each in found) == pair
            with db.engine.connect() as another:
                assert another.scalar(first, {"it": one.id}) is None
                assert another.scalar(first, {"it": other.id}) is None
