"""How far the database is migrated, and bringing it on. Pages do not load this: see `tracker.cli`."""

import flask_migrate
from alembic.migration import MigrationContext
from flask import Flask, current_app

from tracker.config import ROOT
from tracker.database import db


def introduce(app: Flask) -> None:
    """Let Flask-Migrate know `app`, and `app` its command `db`: done by whoever needs it first."""
    if "migrate" not in app.extensions:
        flask_migrate.Migrate(app, db, directory=str(ROOT / "migrations"))


def upgrade(to: str = "head") -> None:
    """Bring the database forward to the migration `to`."""
    introduce(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    flask_migrate.upgrade(revision=to)


def downgrade(to: str = "-1") -> None:
    """Take the database back to the migration `to`: by default, the one before the present."""
    introduce(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    flask_migrate.downgrade(revision=to)


def revision() -> str | None:
    """Return the number of the last migration that the database had; None for an empty one."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
