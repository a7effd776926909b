"""What the bench generates is what the product would have written; and pages do not ask per row."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import Engine, event, select

from bench.world import sign_in
from tracker import create_app
from tracker.clock import utc_now
from tracker.config import ROOT, settings_from_environment
from tracker.database import db, transaction
from tracker.integrity.invariants import Snapshot, violations
from tracker.service_requests.models import ServiceRequest

FEW: Final = 10
MANY: Final = 1_000
LIVES: Final = 500
MOST_LOOK_UPS: Final = 5
"""A list that is empty asks for less: it looks nothing up for its rows."""
PAGES: Final = (
    ("coordinator", "/queue"),
    ("coordinator", "/queue?status=all"),
    ("coordinator", "/queue?unit=2&due=overdue"),
    ("coordinator", "/queue?status=all&q=水管"),
    ("coordinator", "/requests/{request}"),
    ("volunteer-0-0-3", "/board"),
    ("supervisor", "/figures?period=last_12_months&by=team"),
    ("supervisor", "/figures/list?period=last_12_months&figure=received"),
    ("supervisor", "/call-backs"),
)


def environment(database: str, folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": database,
        "INSTANCE_PATH": str(folder),
        "SECRET_KEY": "bench-" * 8,
        "SHISHI_ENV": "testing",
    }


def generate(database: str, folder: Path, count: int) -> None:
    """Run the generator as a person would."""
    command = (sys.executable, "-m", "bench.generate")
    subprocess.run(
        [*command, "--database", database, "--requests", str(count)],
        cwd=ROOT,
        env={**os.environ, **environment(database, folder)},
        check=True,
        capture_output=True,
        timeout=300,
    )


def test_generated_lives_are_such_as_the_product_writes(
    bare_database_url: str, tmp_path: Path
) -> None:
    generate(bare_database_url, tmp_path, LIVES)
    app = create_app(settings_from_environment(environment(bare_database_url, tmp_path)))
    with app.app_context():
        with db.engine.connect() as connection:
            found = list(violations(Snapshot(connection, tmp_path / "uploads")))
        db.engine.dispose()
    assert not found


def test_no_page_asks_once_more_for_each_row(tmp_path: Path) -> None:
    few, many = (statements_of_pages(tmp_path / str(count), count) for count in (FEW, MANY))
    for page, statements in many.items():
        assert statements <= few[page] + MOST_LOOK_UPS, f"{page}: {few[page]}, then {statements}"


def statements_of_pages(folder: Path, count: int) -> dict[str, int]:
    """Return how many statements each page takes on a database of so many requests."""
    folder.mkdir()
    database = f"sqlite:///{folder / 'shishi.db'}"
    generate(database, folder, count)
    app = create_app(settings_from_environment(environment(database, folder)))
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "COMMIT")):
            statements.append(statement)

    found: dict[str, int] = {}
    event.listen(Engine, "before_cursor_execute", note)
    try:
        for reader, path in PAGES:
            with app.app_context():
                with transaction():
                    token = sign_in(reader, utc_now())
                request = db.session.scalar(select(ServiceRequest.id).order_by(ServiceRequest.id))
            browser = app.test_client()
            cookie = str(serializer.dumps({"_user_id": token, "_fresh": True}))
            browser.set_cookie("shishi", cookie)
            address = path.format(request=request)
            if "q=" in address:  # whose words are sealed first
                address = browser.get(address).location or ""
            statements.clear()
            assert browser.get(address).status_code == 200, path
            found[path] = len(statements)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        with app.app_context():
            db.engine.dispose()
    return found
