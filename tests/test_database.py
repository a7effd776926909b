"""What the connections of every page have in common."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text

from tests.support.builders import Builders
from tracker.accounts.models import Person
from tracker.database import db


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_pages_that_only_read_leave_their_statements_prepared(a: Builders) -> None:
    wanted = a.person().id
    with db.engine.connect() as connection:
        for _ in range(8):
            assert connection.scalar(select(Person.id).where(Person.id == wanted)) == wanted
            connection.rollback()
        prepared = connection.scalar(text("SELECT count(*) FROM pg_prepared_statements"))

    assert prepared


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
