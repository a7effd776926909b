"""How migrations run. They never import `tracker`'s models: a migration describes its own day."""

from typing import Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app

from tracker.database import UtcDateTime

SEARCH = "service_request_search"  # SQLite's full-text table has shadow tables beside it
BY_HAND = (  # indexes of expressions, or with columns beside the order: they cannot be compared
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

db = current_app.extensions["migrate"].db
engine: sa.Engine = db.engine


def include_object(
    _thing: object,
    name: str | None,
    kind: str,
    _reflected: bool,  # noqa: FBT001 - the signature is Alembic's
    _compared: object,
) -> bool:
    """Leave alone what is written by hand: the full-text index, indexes of expressions."""
    is_by_hand = name is not None and (SEARCH in name or name in BY_HAND)
    return not (is_by_hand and kind in ("table", "index"))


def render_item(kind: str, thing: object, _context: AutogenContext) -> str | Literal[False]:
    """Write our time type as a plain one, so that migrations don't import `tracker`."""
    if kind == "type" and isinstance(thing, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    """Migrate over a connection of our own."""
    with engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite:
            # Batch mode copies a table and drops the old one: with foreign keys on, the rows
            # that refer to it would go with it. The pragma works outside a transaction only.
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            compare_type=True,
            include_object=include_object,
            render_item=render_item,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if is_sqlite:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if broken:
                connection.rollback()
                message = f"The migration leaves rows that refer to nothing: {broken[:5]}"
                raise RuntimeError(message)
        connection.commit()
        if is_sqlite:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        connection.rollback()


if context.is_offline_mode():
    message = "Migrations run against a database; there is no offline mode."
    raise RuntimeError(message)
run()
