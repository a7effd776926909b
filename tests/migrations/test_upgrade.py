"""A database of the first schema, full of requests, goes forward, back and forward without loss."""

import hashlib
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time as clock_time, timedelta
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.builders import Builders
from tests.support.databases import Databases, settings
from tests.torture.size import IS_FULL
from tracker import create_app, schema
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.service_requests.actions import parts
from tracker.service_requests.search import index_missing

REQUESTS: Final = 100_000 if IS_FULL else 2_000
BATCH: Final = 5_000
BEGAN: Final = datetime(2023, 1, 2, 1, 0, tzinfo=UTC)
FEW: Final = {
    "organisation": 1,
    "calendar_day": 20,
    "unit": 8,
    "area": 40,
    "category": 30,
    "team": 20,
    "person": 300,
    "role_grant": 40,
    "membership": 250,
    "team_area": 20,
    "team_category": 20,
    "import_run": 3,
    "one_time_link": 50,
    "scheduled_run": 50,
    "throttled_attempt": 100,
    "note_draft": 100,
    "submission_draft": 100,
}
MANY: Final = {"history_entry": 3, "message": 2}
"""So many for each request; of every other table one."""
STATUSES: Final = ("submitted", "in_progress", "closed", "waiting", "parked", "closed")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "unit.kind": ("bureau", "branch"),
    "area.kind": ("district", "street"),
    "role_grant.role": ("coordinator", "supervisor"),
    "one_time_link.purpose": ("invitation", "reset"),
    "requester.reachable_by": ("phone", "email"),
    "service_request.kind": ("help", "complaint"),
    "service_request.priority": ("normal", "urgent"),
    "service_request.for_whom": ("self", "someone_else"),
    "service_request.status": STATUSES,
    "history_entry.step": ("submit", "accept", "assign"),
    "history_entry.from_status": ("submitted", "accepted"),
    "history_entry.to_status": ("accepted", "assigned"),
    "approval.kind": ("extension", "parking"),
    "clock_stop.reason": ("waiting", "parked"),
    "visit.status": ("done", "planned"),
    "message.channel": ("email",),
    "category.default_priority": ("normal", "urgent"),
    "audit_entry.subject": ("team", "unit", "person"),
}
EMPTY: Final = {
    *("unit.parent_id", "area.parent_id", "category.parent_id", "category.default_team_id"),
    *("service_request.survivor_id", "service_request.import_id", "service_request.import_source"),
    *("service_request.source_id", "service_request.confirmation", "service_request.solved"),
    *("service_request.satisfaction", "photo.draft_id", "person.locale", "visit.group"),
    *("visit.way", "claim.released_at", "approval.decided_at", "approval.granted"),
    *("approval.decided_by_id", "submission_draft.service_request_id", "role_grant.ended_at"),
    *("membership.ended_at", "visit.planned_from", "visit.planned_to"),
}


@pytest.fixture
def old(bare_database_url: str, databases: Databases) -> Iterator[Flask]:
    """Return the product of today on a database of the first day."""
    made = create_app(settings(bare_database_url, databases.folder / "instance"))
    with made.app_context():
        schema.upgrade("0001")
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
@pytest.mark.timeout(3600)
def test_the_first_schema_goes_forward_back_and_forward_without_loss(old: Flask) -> None:
    begun = time.monotonic()
    _fill()
    first = _sums()
    took = [time.monotonic() - begun]

    stages = []
    for step in (schema.upgrade, _back_to_the_first, schema.upgrade):
        begun = time.monotonic()
        step()
        took.append(time.monotonic() - begun)
        stages.append(_sums())
    newest, again, newest_again = stages
    print(REQUESTS, [f"{one:.1f} s" for one in took], file=sys.stderr)  # noqa: T201

    assert first["service_request"][""] == str(REQUESTS)
    _assert_same(first, newest)
    # What is made anew on the way back, such as session tokens, is not in the newest schema.
    _assert_same(_only(first, newest), again)
    # What newer schemas keep elsewhere is back in its columns.
    assert {again[table] == first[table] for table in ("category", "organisation")} == {True}
    _assert_same(newest, newest_again)
    assert index_missing() == REQUESTS
    assert index_missing() == 0


def _back_to_the_first() -> None:
    schema.downgrade("0001")


ANEW = {("set_up_stamp", "stamp"), ("clock_recount", "asked_at")}
"""Meant to be another one after each change, or when it was made."""
Sums = dict[str, dict[str, str]]


def _assert_same(one: Sums, other: Sums) -> None:
    """Fail with every column that is in both and differs; "" is the number of rows."""
    differing = [
        f"{table}.{column}"
        for table in one.keys() & other.keys()
        for column in one[table].keys() & other[table].keys()
        if one[table][column] != other[table][column] and (table, column) not in ANEW
    ]
    assert differing == []
    assert len(one.keys() & other.keys()) > 25


def _only(sums: Sums, known: Sums) -> Sums:
    return {
        table: {column: value for column, value in columns.items() if column in known[table]}
        for table, columns in sums.items()
        if table in known
    }


def _sums() -> Sums:
    """Return table → column → checksum over all rows, in the order of the primary key."""
    metadata = _reflected()
    found: Sums = {}
    with db.engine.connect() as connection:
        for table in metadata.tables.values():
            columns = list(table.columns)
            sums = [hashlib.sha256() for _ in columns]
            rows = 0
            streamed = connection.execution_options(stream_results=True, yield_per=2000)
            for row in streamed.execute(sa.select(table).order_by(*table.primary_key.columns)):
                rows += 1
                for one, value in zip(sums, row, strict=True):
                    one.update(f"{value!r};".encode())
            found[table.name] = {
                column.name: one.hexdigest() for column, one in zip(columns, sums, strict=True)
            }
            found[table.name][""] = str(rows)
    return found


def _reflected() -> sa.MetaData:
    metadata = sa.MetaData()
    with db.engine.connect() as connection:
        names = [
            name
            for name in sa.inspect(connection).get_table_names()
            if "search" not in name and name not in ("alembic_version", "sign_in_session")
        ]
        metadata.reflect(connection, only=names)
    return metadata


def _fill() -> None:
    """Put rows into every table of the first schema."""
    metadata = _reflected()
    sizes = {name: _size_of(name) for name in metadata.tables}
    with db.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for table in metadata.sorted_tables:
            for start in range(0, sizes[table.name], BATCH):
                numbers = range(start, min(start + BATCH, sizes[table.name]))
                connection.execute(
                    sa.insert(table), [_row(table, number, sizes) for number in numbers]
                )


def _size_of(table: str) -> int:
    return FEW.get(table, REQUESTS * MANY.get(table, 1))


def _row(table: sa.Table, number: int, sizes: Mapping[str, int]) -> dict[str, Any]:
    row = {column.name: _value(table, column, number, sizes) for column in table.columns}
    if table.name == "service_request":
        _make_it_agree(row)
    if table.name == "organisation":
        row["country"], row["time_zone"] = "CN", "Asia/Shanghai"
    return row


def _make_it_agree(row: dict[str, Any]) -> None:
    """Let a request be as its constraints ask."""
    is_closed = row["status"] == "closed"
    row["outcome"] = "solved" if is_closed else None
    row["closed_at"] = row["submitted_at"] + timedelta(days=3) if is_closed else None
    row["seconds_to_close"] = 3 * 86400 if is_closed else None
    row["waiting_for"] = "哪天在家?" if row["status"] == "waiting" else ""
    row["parked_until"] = date(2026, 5, 1) if row["status"] == "parked" else None


def _value(
    table: sa.Table, column: sa.Column[Any], number: int, sizes: Mapping[str, int]
) -> object:
    name = f"{table.name}.{column.name}"
    if name in EMPTY:
        return None
    if name in CHOICES:
        return CHOICES[name][number % len(CHOICES[name])]
    for key in column.foreign_keys:
        parent = key.column.table.name
        # The first of a pair counts up, so that no pair comes twice.
        return 1 + number % sizes[parent]
    return _plain_value(column, number)


def _plain_value(column: sa.Column[Any], number: int) -> object:
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return number % 2 == 0
    if isinstance(kind, sa.Integer):
        return number + 1 if column.primary_key else 1 + number % 5
    if isinstance(kind, sa.DateTime):
        return BEGAN + timedelta(minutes=number % 1_000_000, microseconds=number)
    if isinstance(kind, sa.Date):
        return (BEGAN + timedelta(days=number)).date()
    if isinstance(kind, sa.Time):
        return clock_time(9, number % 60)
    if isinstance(kind, sa.JSON) or str(kind) == "JSON":
        return {"n": number, "词": "水龙头"}
    length = getattr(kind, "length", None) or 60
    return f"{number:010}{column.name} 水龙头"[:length].lower()


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_on_the_way_back_the_steps_of_parts_become_notes_and_keep_their_words(
    app: Flask, a: Builders
) -> None:
    it, helping = a.service_request(team=a.team()), a.team()
    part = a.part(it, helping, task="Carry it down", working_days=2)
    with transaction():
        parts.end(part, result="Carried", actor=a.actor(a.team_leader(helping)), now=a.now)
    told = sa.text("SELECT step, internal_note FROM history_entry ORDER BY id DESC LIMIT 2")
    db.session.remove()

    def newest() -> list[tuple[str, str]]:
        with db.engine.connect() as connection:
            return [(row.step, row.internal_note) for row in connection.execute(told)]

    assert newest() == [("end_part", "Carried"), ("give_part", "Carry it down")]
    schema.downgrade("0029")
    try:
        assert newest() == [("note", "Carried"), ("note", "Carry it down")]
        with db.engine.connect() as connection, pytest.raises(sa.exc.IntegrityError):
            connection.execute(sa.text("UPDATE history_entry SET step = 'give_part'"))
    finally:
        schema.upgrade()

    assert newest() == [("note", "Carried"), ("note", "Carry it down")]
    with db.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM part")) == 0
        connection.execute(sa.text("UPDATE history_entry SET step = 'give_part'"))
        indexes = {each["name"] for each in sa.inspect(connection).get_indexes("history_entry")}
    assert indexes == {"ix_history_entry_actor_id", "ix_history_entry_service_request_id_id"}
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert [each.words for each in violations(snapshot) if each.invariant != "photos"] == []
