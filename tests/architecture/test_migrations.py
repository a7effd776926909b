"""Migrations make exactly what the models say, and can be taken back, on both databases."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from tests.architecture.rules import ROOT, imports_of
from tests.support.databases import Databases, settings
from tracker import create_app, schema
from tracker.database import Model, db

VERSIONS: Final = sorted((ROOT / "migrations" / "versions").glob("*.py"))
SEARCH: Final = "service_request_search"  # a full-text index, which the models do not know
BY_HAND: Final = (  # as in migrations/env.py
    "ix_service_request_desk",
    "ix_service_request_counts",
    "ix_service_request_team_counts",
    "ix_service_request_due_before_triage",
    "ix_service_request_newest",
    "ix_service_request_newest_closed",
    "ix_service_request_board",
    "ix_service_request_call_backs",
    "ix_service_request_reference_end",
    "ix_requester_phone_end",
)

# SQLite says of each such index that it cannot read it back.
pytestmark = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")


@pytest.fixture
def bare_app(bare_database_url: str, databases: Databases) -> Iterator[Flask]:
    made = create_app(settings(bare_database_url, databases.folder / "instance"))
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


def test_models_equal_migrations(bare_app: Flask) -> None:
    schema.upgrade()
    assert _differences() == []


def test_a_model_without_its_migration_is_found(bare_app: Flask) -> None:
    schema.upgrade()
    planted = sa.MetaData(naming_convention=Model.metadata.naming_convention)
    for table in Model.metadata.tables.values():
        table.to_metadata(planted)
    planted.tables["person"].append_column(sa.Column("planted", sa.String(10)))
    sa.Table("planted", planted, sa.Column("id", sa.Integer, primary_key=True))

    assert {change[0] for change in _differences(planted)} == {"add_column", "add_table"}


def test_migrations_go_up_down_and_up_again(bare_app: Flask) -> None:
    schema.upgrade()
    first = _tables()
    for _step in VERSIONS:
        schema.downgrade()
    assert _tables() <= {"alembic_version"}
    schema.upgrade()
    assert _tables() == first
    assert _differences() == []


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_postgresql_tidies_up_the_largest_tables_soon(bare_app: Flask) -> None:
    """Or no index answers alone for what is newest, which is what everybody reads."""
    schema.upgrade()
    with db.engine.connect() as connection:
        asked = sa.text("SELECT reloptions FROM pg_class WHERE relname = 'service_request'")
        told = connection.execute(asked).scalar_one()
    assert "autovacuum_vacuum_insert_scale_factor=0" in told
    schema.downgrade(to="0014")
    with db.engine.connect() as connection:
        assert connection.execute(asked).scalar_one() is None


def test_every_table_of_the_models_is_known_to_the_migrations() -> None:
    text = "\n".join(path.read_text() for path in VERSIONS)
    for table in Model.metadata.tables:
        assert f'"{table}"' in text, table


def test_migrations_are_a_numbered_row() -> None:
    script = ScriptDirectory(str(ROOT / "migrations"))
    assert len(script.get_heads()) == 1
    numbers = [path.name.partition("_")[0] for path in VERSIONS]
    assert numbers == [f"{number:04}" for number in range(1, len(VERSIONS) + 1)]
    in_order = reversed(list(script.walk_revisions()))
    assert [revision.revision for revision in in_order] == numbers


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_migration_describes_its_own_day(path: Path) -> None:
    """Without `tracker`: what the models say tomorrow must not change what was done yesterday."""
    assert re.fullmatch(r"\d{4}_[a-z][a-z0-9_]+", path.stem)
    assert not any(module.partition(".")[0] == "tracker" for module in imports_of(path.read_text()))


def _differences(metadata: sa.MetaData = Model.metadata) -> list[Any]:
    def include(_thing: object, name: str | None, kind: str, *_rest: object) -> bool:
        is_by_hand = bool(name) and (SEARCH in str(name) or name in BY_HAND)
        return not (is_by_hand and kind in ("table", "index"))

    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": include}
        )
        return list(compare_metadata(context, metadata))


def _tables() -> set[str]:
    with db.engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names())
