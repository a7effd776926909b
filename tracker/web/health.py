"""Whether the process lives, and whether it can serve."""

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from tracker.config import ROOT
from tracker.database import db
from tracker.web.access import public

blueprint = Blueprint("health", __name__)


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
    wanted = ScriptDirectory(str(ROOT / "migrations")).get_heads()
    if set(present) != set(wanted):
        return jsonify(status="unavailable", database="migrations are not current"), 503
    return jsonify(status="ok", database="ok")
