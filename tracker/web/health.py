"""Whether the process lives, and whether it can serve."""

from functools import cache

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from tracker.config import ROOT
from tracker.database import db
from tracker.web.access import public

blueprint = Blueprint("health", __name__)


@cache
def _wanted() -> frozenset[str]:
    """Return the last migrations that this program has; reading them all takes a while."""
    return frozenset(ScriptDirectory(str(ROOT / "migrations")).get_heads())


@blueprint.get("/healthz")
@public
def alive() -> ResponseReturnValue:
    """Answer that the process lives."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """Answer 200 when the database is reachable and its migrations are current, else 503."""
    try:
        with db.engine.connect() as connection:
            present = MigrationContext.configure(connection).get_current_heads()
    except SQLAlchemyError:
        return jsonify(status="unavailable", database="unreachable"), 503
    if frozenset(present) != _wanted():
        return jsonify(status="unavailable", database="migrations are not current"), 503
    return jsonify(status="ok", database="ok")
