"""How the databases read the desk's list: in its order, from an index with what it asks about."""

import inspect
import re
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from tests.support.builders import Builders
from tracker.database import db, read_in_a_transaction
from tracker.service_requests import queue
from tracker.service_requests.queue import QueueFilter, Tab

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("tab", "index"),
    [
        (Tab.OPEN, "ix_service_request_desk"),
        (Tab.CLOSED, "ix_service_request_newest_closed"),
        (Tab.ALL, "ix_service_request_newest"),
    ],
)
def test_each_list_is_read_in_its_order_from_its_own_index(
    a: Builders, tab: Tab, index: str
) -> None:
    it = a.service_request(team=a.team())
    actor = a.actor(a.coordinator())
    wanted = QueueFilter(tab=tab, team_id=a.team().id, category_id=it.category_id)
    asked = queue._ask(actor, wanted, SHANGHAI, a.now)
    newest_first = tab in queue.WITH_CLOSED
    # Not the one that was made once: another database may have made it.
    listed = inspect.unwrap(queue._listed)(
        actor, asked.wanted, asked.meant, asked.words, asked.zone
    )
    keys = [each.desc() for each in queue._NEWEST] if newest_first else queue._IN_TURN
    statement = listed.order_by(*keys).limit(26)
    bind = db.session.get_bind()
    if (
        bind.dialect.name == "postgresql"
    ):  # so few rows are read as they lie, unless that costs more
        read_in_a_transaction()
        db.session.execute(
            text("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        )
        db.session.execute(text("SET LOCAL enable_sort = off"))

    explain = "EXPLAIN QUERY PLAN" if bind.dialect.name == "sqlite" else "EXPLAIN"
    written = statement.compile(dialect=bind.dialect, compile_kwargs={"literal_binds": True})
    plan = " ".join(str(row) for row in db.session.execute(text(f"{explain} {written}")))

    if bind.dialect.name == "sqlite":
        assert re.search(rf"USING (COVERING )?INDEX {index}\b", plan)
        assert "TEMP B-TREE" not in plan
    else:
        assert f" using {index} on service_request" in plan
        assert "Index Only Scan" in plan


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_what_is_open_is_planned_once(a: Builders) -> None:
    a.service_request()
    actor = a.actor(a.coordinator())
    for _ in range(20):  # it is prepared after five, and tried anew for five more
        queue.look(actor, QueueFilter(tab=Tab.OPEN), zone=SHANGHAI, mark=None, now=a.now)

    asked = text(
        "SELECT custom_plans, generic_plans FROM pg_prepared_statements"
        " WHERE statement LIKE 'SELECT page.id%' AND statement LIKE '%<> ''closed''%'"
    )
    made_anew, kept = db.session.execute(asked).one()
    assert made_anew <= 5
    assert kept > 0
