"""Alive and ready are two questions."""

from flask import Flask
from sqlalchemy import text

from tracker.database import db, transaction


def test_a_running_process_is_alive(app: Flask) -> None:
    assert app.test_client().get("/healthz").get_json() == {"status": "ok"}


def test_it_is_ready_when_the_migrations_are_current(app: Flask) -> None:
    assert app.test_client().get("/readyz").status_code == 200


def test_it_is_not_ready_before_the_migrations_ran(app: Flask) -> None:
    present = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    try:
        with transaction():
            db.session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        answer = app.test_client().get("/readyz")
    finally:
        with transaction():
            db.session.execute(
                text("UPDATE alembic_version SET version_num = :present"), {"present": present}
            )
    assert answer.status_code == 503
    assert "migrations" in answer.get_json()["database"]
