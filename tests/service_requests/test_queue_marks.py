"""The desk's list, filtered by what marks a few: under supervision, urged by the requester."""

import inspect
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.desk import listed
from tests.support.page import Page
from tracker.database import db, read_in_a_transaction, transaction
from tracker.service_requests import narrow, queue
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ServiceRequest

pytestmark = pytest.mark.both_databases


@pytest.fixture
def marked(a: Builders) -> dict[str, list[ServiceRequest]]:
    """Return what is marked, by its filter; beside it much that is not."""
    supervised = [a.service_request(status=Status.IN_PROGRESS) for _ in range(3)]
    urged = [a.service_request(), a.service_request(status=Status.WAITING)]
    done = a.service_request(status=Status.RESOLVED)
    closed = a.service_request(status=Status.CLOSED)
    for _ in range(3):
        a.service_request(status=Status.ASSIGNED)
    with transaction():
        for it in (*supervised, closed):
            db.session.get_one(ServiceRequest, it.id).supervised_at = a.now
        for it in (*urged, supervised[0], done, closed):
            db.session.get_one(ServiceRequest, it.id).urged_at = a.now
    return {"supervised": supervised, "urged": [*urged, supervised[0]], "closed": [closed]}


@pytest.mark.parametrize("most", [0, 100])
def test_what_is_supervised_and_what_was_urged_is_found_and_counted(
    a: Builders,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    marked: dict[str, list[ServiceRequest]],
    most: int,
) -> None:
    """Few are gathered, of many the list is read; who looks cannot tell."""
    monkeypatch.setattr(narrow, "MOST", most)
    monkeypatch.setattr(narrow, "MOST_OF_SEVERAL", most)
    monkeypatch.setattr(narrow, "_known_as_wide", narrow.Remembered())
    browser.sign_in(a.coordinator())

    def found(query: str) -> set[str]:
        return set(listed(browser, f"/queue?{query}"))

    for name, words in (("supervised", "Under supervision"), ("urged", "Urged by the requester")):
        expected = {it.reference for it in marked[name]}
        assert found(f"{name}=1") == expected
        assert f"{words}remove" in [link.text for link in browser.page.links]
        assert "Open3" in browser.page.text.replace(" ", "")
        alone = Page(browser.request("GET", f"/queue?{name}=1&counts=alone"))
        assert next(count.text for count in alone.find_all("span", class_="count")) == "3"
    both = marked["supervised"][0].reference
    assert found("supervised=1&urged=1&status=all") == {both}
    assert found("supervised=1&status=closed") == {it.reference for it in marked["closed"]}
    # What has a result is urged no more, on any tab; nor is what its team is not.
    assert found("urged=1&status=all") == {it.reference for it in marked["urged"]}
    assert found(f"urged=1&status=all&team={a.team().id}") == set()
    assert "filter-urged" in browser.open("/queue?urged=1&filters=open").html


@pytest.mark.parametrize("mark", [narrow.SUPERVISED, narrow.URGED])
def test_what_is_marked_is_found_in_an_index_of_its_own(a: Builders, mark: narrow.Filter) -> None:
    a.service_request()
    actor = a.actor(a.coordinator())
    asked = queue._ask(
        actor,
        queue.QueueFilter(
            tab=queue.Tab.OPEN, supervised=mark is narrow.SUPERVISED, urged=mark is narrow.URGED
        ),
        ZoneInfo("Asia/Shanghai"),
        a.now,
    )
    bind = db.session.get_bind()
    is_sqlite = bind.dialect.name == "sqlite"
    if not is_sqlite:  # so few rows are read as they lie, unless that costs more
        read_in_a_transaction()
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
    given = (actor, asked.wanted, asked.meant, asked.words, asked.zone)
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"

    # Not those that were made once: another database may have made them.
    listed_ones, counted_ones = (inspect.unwrap(each) for each in (queue._listed, queue._counted))
    for statement in (listed_ones(*given, mark), counted_ones(*given, 99, mark)):
        written = statement.compile(dialect=bind.dialect, compile_kwargs={"literal_binds": True})
        plan = " ".join(str(row) for row in db.session.execute(text(f"{explain} {written}")))
        if not is_sqlite:  # of so few rows each of its indexes holds all
            assert "Seq Scan" not in plan
            assert "InitPlan" in plan
        else:
            assert "ix_service_request_" + mark.column.removesuffix("_at") in plan
            assert "SCAN service_request" not in plan
            assert "SEARCH service_request USING INTEGER PRIMARY KEY" in plan
