"""Whether the process lives, and whether it can serve."""

from functools import cache

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from tracker.config import ROOT
from tracker.database import db
from tracker.web.access import public

blueprint = Blueprint("health", __name__)


@cache
def _wanted() -> str:
    """Return the number of the last migration that this program has."""
    return max(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))[:4]


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
            present = (
                connection.scalar(text("SELECT version_num FROM alembic_version"))
                if inspect(connection).has_table("alembic_version")
                else None
            )
    except SQLAlchemyError:
        return jsonify(status="unavailable", database="unreachable"), 503
    if present != _wanted():
        return jsonify(status="unavailable", database="migrations are not current"), 503
    return jsonify(status="ok", database="ok")
