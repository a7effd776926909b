"""What the connections of every page have in common."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import create_engine, func, select, text

from tests.support.builders import Builders
from tracker.accounts.models import Person
from tracker.database import db, transaction


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_pages_that_only_read_leave_their_statements_prepared(a: Builders) -> None:
    wanted = a.person().id
    with db.engine.connect() as connection:
        for _ in range(8):
            assert connection.scalar(select(Person.id).where(Person.id == wanted)) == wanted
            connection.rollback()
        prepared = connection.scalar(text("SELECT count(*) FROM pg_prepared_statements"))

    assert prepared


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_an_answer_tells_its_columns_to_whoever_asks(a: Builders) -> None:
    a.person()
    cursor = db.session.connection().connection.cursor()
    cursor.execute("SELECT id, name AS called FROM person")

    assert [column[0] for column in cursor.description or ()] == ["id", "called"]
    cursor.execute("SET application_name = 'shishi'")
    assert cursor.description is None


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "written",
    [
        "2026-05-06 02:00:00.000000",
        "2026-05-06 02:00:00",
        "2026-05-06 02:00:00+00",
        "2026-05-06T10:00:00+08:00",
    ],
)
def test_a_time_is_read_whoever_wrote_it(a: Builders, written: str) -> None:
    person = a.person()
    with transaction():
        asked = text("UPDATE person SET created_at = :at WHERE id = :id")
        db.session.execute(asked, {"at": written, "id": person.id})

    assert db.session.scalar(select(Person.created_at)) == datetime(2026, 5, 6, 2, tzinfo=UTC)


def test_nobody_else_on_the_machine_reads_the_embedded_database(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE some (id INTEGER)"))
        found = sorted(tmp_path.iterdir())
        assert [path.name for path in found] == ["new.db", "new.db-shm", "new.db-wal"]
        assert not [path for path in found if path.stat().st_mode & 0o077]
    engine.dispose()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_after_an_error_a_connection_goes_on(a: Builders) -> None:
    wanted = a.person().id
    with db.engine.connect() as connection:
        with pytest.raises(Exception, match="division by zero"):
            connection.scalar(text("SELECT 1 / 0"))
        connection.rollback()

        assert connection.scalar(select(Person.id).where(Person.id == wanted)) == wanted


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_what_is_only_read_begins_no_transaction_and_what_changes_does(a: Builders) -> None:
    person = a.person()
    with transaction():
        db.session.get_one(Person, person.id).name = "新名"
        db.session.flush()
        assert _status() == TransactionStatus.INTRANS

    assert db.session.scalar(select(Person.name).where(Person.id == person.id)) == "新名"
    assert _status() == TransactionStatus.IDLE


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_what_fails_half_way_is_taken_back_after_pages_were_read(a: Builders) -> None:
    person = a.person(name="旧名")
    db.session.rollback()
    assert db.session.scalar(select(Person.name).where(Person.id == person.id)) == "旧名"

    def fail_half_way() -> None:
        with transaction():
            db.session.get_one(Person, person.id).name = "新名"
            db.session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()

    assert db.session.scalar(select(Person.name).where(Person.id == person.id)) == "旧名"


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_many_rows_are_read_a_few_at_a_time_without_asking_for_a_transaction(a: Builders) -> None:
    first, second = a.person().id, a.person().id
    db.session.rollback()

    few_at_a_time = select(Person.id).order_by(Person.id).execution_options(yield_per=1)
    assert {first, second} <= set(db.session.scalars(few_at_a_time))


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_connections_that_the_server_cut_off_are_made_anew(a: Builders) -> None:
    wanted = a.person().id
    db.session.rollback()
    served_by = db.session.scalar(select(func.pg_backend_pid()))
    db.session.rollback()
    other = create_engine(db.engine.url)
    with other.connect() as connection:
        assert connection.scalar(select(func.pg_terminate_backend(served_by, 5000)))
    other.dispose()

    assert db.session.scalar(select(Person.id).where(Person.id == wanted)) == wanted


def _status() -> TransactionStatus:
    db.session.execute(select(1))
    raw: Any = db.session.connection().connection.driver_connection
    status: TransactionStatus = raw.info.transaction_status
    return status


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_who_asks_for_no_transaction_at_all_has_none_after_pages_were_read(a: Builders) -> None:
    a.person()
    db.session.rollback()
    assert _status() == TransactionStatus.IDLE
    db.session.rollback()

    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM"))
