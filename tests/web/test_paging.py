"""Keyset paging visits every row once, forwards and back."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tracker.accounts.models import AuditEntry
from tracker.database import db, transaction
from tracker.web.paging import Page, page_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def page(mark: str | None, size: int = 4) -> Page[AuditEntry]:
    return page_of(
        db.session(),
        select(AuditEntry),
        (AuditEntry.at, AuditEntry.id),
        key_of=lambda entry: (entry.at, entry.id),
        mark=mark,
        size=size,
    )


@pytest.fixture
def _ten_entries(app: object) -> None:
    assert app
    with transaction():
        for number in range(10):
            # Pairs share a time, so that the id must break the tie.
            at = START + timedelta(hours=number // 2)
            db.session.add(AuditEntry(at=at, action="test", subject="nothing"))


@pytest.mark.usefixtures("_ten_entries")
def test_going_on_and_back_shows_every_row_once() -> None:
    expected = db.session.scalars(select(AuditEntry.id).order_by(AuditEntry.at, AuditEntry.id))
    everything = list(expected)

    seen, mark, pages = [], None, []
    while True:
        here = page(mark)
        pages.append([row.id for row in here.rows])
        seen += pages[-1]
        if here.next_mark is None:
            break
        mark = here.next_mark
    assert seen == everything

    back, mark = [pages[-1]], here.previous_mark
    while mark is not None:
        here = page(mark)
        back.insert(0, [row.id for row in here.rows])
        mark = here.previous_mark
    assert [row for rows in back for row in rows] == everything


@pytest.mark.usefixtures("_ten_entries")
@pytest.mark.parametrize(
    "content",
    [
        [">", ["2026", 1]],
        [">", [1, 1]],
        [">", [{"t": "2026-01-01T00:00:00+00:00"}, True]],
        [">", [{"t": "2026"}, 10**30]],
        ["<", [None, 1]],
        [">", [{"t": "0001-01-01T00:00:00+14:00"}, 1]],
    ],
)
def test_a_made_up_mark_of_other_types_begins_at_the_start(content: object) -> None:
    mark = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
    assert [row.id for row in page(mark).rows] == [row.id for row in page(None).rows]


@pytest.mark.usefixtures("_ten_entries")
@pytest.mark.parametrize("mark", ["", "nonsense", "W10", "WyI+IiwgW11d", "eyJ0IjoxfQ", "é"])
def test_a_mark_that_cannot_be_read_begins_at_the_start(mark: str) -> None:
    assert [row.id for row in page(mark).rows] == [row.id for row in page(None).rows]
