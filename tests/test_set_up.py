"""What is remembered of the set-up is what the database says, whoever changed it."""

from collections.abc import Callable
from threading import Thread
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.builders import Builders
from tracker import set_up
from tracker.database import Model, db, transaction
from tracker.errors import NotFoundError
from tracker.organisation import queries as organisation
from tracker.organisation.models import Unit
from tracker.permissions import Role
from tracker.teams.actors import actor_for

READ: Final[list[str]] = []


@set_up.until_set_up_changes
def _names() -> tuple[str, ...]:
    READ.append("read")
    return tuple(db.session.scalars(sa.select(Unit.name).order_by(Unit.id)))


@pytest.fixture(autouse=True)
def _nothing_read() -> None:
    READ.clear()


def test_it_is_read_once_until_it_changes(a: Builders) -> None:
    unit = a.unit(name="Before")
    assert _names() == _names() == (a.bureau.name, "Before")
    assert READ == ["read"]
    db.session.rollback()
    assert _names() == (a.bureau.name, "Before")
    assert READ == ["read"]

    with transaction():
        db.session.get_one(Unit, unit.id).name = "After"

    assert _names() == _names() == (a.bureau.name, "After")
    assert READ == ["read", "read"]


def test_whoever_changes_it_sees_what_they_changed(a: Builders) -> None:
    unit = a.unit(name="Before")
    assert "Before" in _names()

    with transaction():
        changed = db.session.get_one(Unit, unit.id)
        assert "Before" in _names()
        changed.name = "Not yet written"
        assert "Not yet written" in _names()
        changed.name = "By flushing"
        db.session.flush()
        assert "By flushing" in _names()
    with transaction():
        assert "By flushing" in _names()
        db.session.execute(sa.update(Unit).values(name="By a statement"))
        assert "By a statement" in _names()
    assert "By a statement" in _names()


def test_what_was_taken_back_is_not_remembered(a: Builders) -> None:
    unit = a.unit(name="Before")

    def change_and_fail() -> None:
        with transaction():
            db.session.get_one(Unit, unit.id).name = "Never"
            db.session.flush()
            assert "Never" in _names()
            raise NotFoundError

    with pytest.raises(NotFoundError):
        change_and_fail()
    assert "Before" in _names()
    assert "Never" not in _names()


def test_another_process_s_change_is_seen(a: Builders, app: Flask) -> None:
    a.unit(name="Before")
    assert "Before" in _names()
    db.session.rollback()

    # As any other program would: past our session and its events.
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE unit SET name = 'From elsewhere'")
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("BEGIN")

    assert set(_names()) == {"From elsewhere"}


def test_threads_that_read_while_it_changes_never_keep_what_was(a: Builders, app: Flask) -> None:
    unit = a.unit(name="0")

    def read_on(seen: list[str]) -> None:
        with app.app_context():
            for _round in range(200):
                seen.append(_names()[-1])
                db.session.rollback()

    seen: list[list[str]] = [[], []]
    readers = [Thread(target=read_on, args=(each,)) for each in seen]
    for reader in readers:
        reader.start()
    for number in range(1, 30):
        with transaction():
            db.session.get_one(Unit, unit.id).name = str(number)
        assert _names()[-1] == str(number)
    for reader in readers:
        reader.join()
    for each in seen:
        assert [int(one) for one in each] == sorted(int(one) for one in each)


@pytest.mark.parametrize("table", sorted(set_up.WATCHED))
def test_every_change_of_a_watched_table_renews_the_stamp(a: Builders, table: str) -> None:
    a.organisation()
    a.calendar_day(a.now.date(), is_working=False)
    a.area()
    a.any_category  # noqa: B018 - makes it
    a.volunteer(a.team())
    a.coordinator()
    a.limit(5, category=a.any_category)
    name = {
        "calendar_day": "day",
        "limit_rule": "amount",
        "membership": "joined_at",
        "role_grant": "granted_at",
    }
    column = Model.metadata.tables[table].c[name.get(table, "name")]
    before = _stamp()

    with transaction():
        db.session.execute(sa.update(column.table).values({column: column}))

    assert before
    assert _stamp() not in (None, before)


def _stamp() -> str | None:
    db.session.rollback()
    return db.session.scalar(sa.select(set_up.SetUpStamp.stamp))


def _end_grants(a: Builders) -> None:
    db.session.execute(sa.text("UPDATE role_grant SET ended_at = granted_at"))


def _end_places(a: Builders) -> None:
    db.session.execute(sa.text("UPDATE membership SET ended_at = joined_at"))


def _end_teams(a: Builders) -> None:
    db.session.execute(sa.text("UPDATE team SET ended_at = created_at"))


@pytest.mark.parametrize("end", [_end_grants, _end_places, _end_teams])
def test_what_somebody_held_is_gone_with_the_change(
    a: Builders, end: Callable[[Builders], None]
) -> None:
    person = a.coordinator() if end is _end_grants else a.volunteer(a.team())
    assert actor_for(person).roles

    with transaction():
        end(a)

    db.session.refresh(person)
    assert not actor_for(person).roles


def test_new_units_are_reached_at_once(a: Builders) -> None:
    person = a.coordinator(a.bureau)
    assert actor_for(person).units[Role.COORDINATOR] == {a.bureau.id}
    below = a.unit()
    assert actor_for(person).units[Role.COORDINATOR] == {a.bureau.id, below.id}
    assert organisation.units_below(a.bureau.id) == {a.bureau.id, below.id}


def test_areas_and_settings_are_remembered_and_forgotten(a: Builders) -> None:
    above = a.area()
    assert organisation.areas_below(above.id) == {above.id}
    below = a.area(parent=above)
    assert organisation.areas_below(above.id) == {above.id, below.id}
    assert organisation.organisation().name == "实事"
    a.organisation(name="市局")
    assert organisation.organisation().name == "市局"
    assert not sa.inspect(organisation.organisation()).persistent
