"""What every test can ask for. The machinery is in tests/support/."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import Browser as Chromium, Page as Window
from sqlalchemy import event
from sqlalchemy.engine import Connection

from tests.support import (
    chromium as chromium_support,
    halves,
    live as live_support,
    locks,
    postgres,
)
from tests.support.browser import CHINESE, Browser
from tests.support.builders import Builders
from tests.support.databases import KINDS, Databases, settings
from tests.support.live import LiveServer
from tests.support.missing import reason_in
from tests.support.network import GUARD
from tests.support.visited import Visited, never_visited
from tracker import create_app
from tracker.database import db

RUN_FOLDER: Final = "SHISHI_TEST_RUN"
PREFIX: Final = "shishi-tests-"
CONTROLLER: Final = "SHISHI_TEST_CONTROLLER"
ROOT: Final = Path(__file__).resolve().parent.parent
VISITED: Final = Visited()
UNVISITED: Final = pytest.StashKey[list[str]]()
A_WORKING_DAY: Final = datetime(2026, 3, 11, 2, 0, tzinfo=UTC)
"""A Wednesday, ten in the morning in Shanghai, with no festival near."""


# -------------------------------------------------------------------- the run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know how a run of everything stays short."""
    text = "tests of pages play on one of the two databases, half on each"
    parser.addoption(halves.OPTION, action="store_true", help=text)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the other database sees."""
    if config.getoption(halves.OPTION):
        items[:], left_out = halves.split(items)
        config.hook.pytest_deselected(items=left_out)


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that all test processes of this run share."""
    if not hasattr(config, "workerinput"):
        place = Path(_fast_folder() or tempfile.gettempdir())
        _sweep(place)
        os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place)
        os.environ[CONTROLLER] = str(os.getpid())
        # Sets are walked in the same order by all processes of a run, and in another next time.
        os.environ.setdefault("PYTHONHASHSEED", str(secrets.randbelow(2**32)))
        # The database server runs as somebody else and must get into its folder.
        Path(os.environ[RUN_FOLDER]).chmod(0o711)
    GUARD.install()
    VISITED.watch()
    locks.watch()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """After a run of everything, fail it when there are pages that no test opened."""
    folder = Path(os.environ[RUN_FOLDER])
    VISITED.save(folder, os.environ.get("PYTEST_XDIST_WORKER", "controller"))
    if hasattr(session.config, "workerinput") or not _is_whole_run(session.config):
        return
    session.config.stash[UNVISITED] = never_visited(folder)
    if session.config.stash[UNVISITED] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _is_whole_run(config: pytest.Config) -> bool:
    chosen = [config.getoption(name) for name in ("keyword", "markexpr", "lf", "collectonly")]
    return not any(chosen) and config.args in (["tests"], ["tests/"], [str(ROOT / "tests")])


def pytest_report_header() -> str:
    """Say how to run in the same order again."""
    return f"PYTHONHASHSEED={os.environ['PYTHONHASHSEED']}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the database server and take the folder away."""
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(RUN_FOLDER))
        postgres.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what this machine could not test."""
    missed: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        if reason := reason_in(report):
            missed[reason] = missed.get(reason, 0) + 1
    if missed:
        terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
        for reason, tests in missed.items():
            terminalreporter.line(f"{tests} tests were left out: {reason}", red=True, bold=True)
        terminalreporter.line("With CI=true this fails.", red=True)
    if unvisited := terminalreporter.config.stash.get(UNVISITED, []):
        terminalreporter.section("PAGES THAT NO TEST OPENS", sep="!", red=True, bold=True)
        for page in unvisited:
            terminalreporter.line(page, red=True)


def _sweep(place: Path) -> None:
    """Remove what runs that were killed left behind."""
    for folder in place.glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists() and os.access(folder, os.W_OK):
            shutil.rmtree(folder, ignore_errors=True)


def _fast_folder() -> str | None:
    """Return a folder in memory when there is room for it."""
    memory = Path("/dev/shm")  # noqa: S108 - Linux's own
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < 1_000_000_000:
        return None
    return str(memory)


@pytest.fixture(autouse=True)
def _stay_on_this_machine(request: pytest.FixtureRequest) -> Iterator[None]:
    GUARD.is_open = request.node.get_closest_marker("network") is not None
    yield
    GUARD.is_open = False


# -------------------------------------------------------------------- the database


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Return the databases of this test process."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw")
    found = Databases(Path(os.environ[RUN_FOLDER]), int(os.environ[CONTROLLER]), worker)
    yield found
    found.close()


@pytest.fixture(params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """Return `sqlite` and then `postgresql`: whoever needs a database runs on both."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(databases: Databases, database_kind: str, request: pytest.FixtureRequest) -> str:
    """Return the address of an empty database with the newest schema."""
    name = "live" if "live" in request.fixturenames else "test"
    return databases.empty(database_kind, name)


@pytest.fixture
def bare_database_url(databases: Databases, database_kind: str) -> str:
    """Return the address of a database without any table."""
    return databases.without_schema(database_kind)


# -------------------------------------------------------------------- the application


@pytest.fixture
def now(request: pytest.FixtureRequest) -> datetime:
    """Return the moment at which the test plays: a fixed one, or the real one beside a server."""
    if "live" in request.fixturenames:
        return datetime.now(UTC).replace(microsecond=0)
    return A_WORKING_DAY


@pytest.fixture
def clock(now: datetime, request: pytest.FixtureRequest) -> Iterator[time_machine.Traveller | None]:
    """Stop the clock at `now`; `clock.shift(timedelta(days=1))` moves it. None beside a server."""
    if "live" in request.fixturenames:
        yield None
        return
    with time_machine.travel(now, tick=False) as traveller:
        yield traveller


@pytest.fixture(scope="session")
def _apps() -> Iterator[dict[str, Flask]]:
    """Keep the applications of this test process by the address of their database.

    Making one, and compiling its templates and its SQL, takes longer than most tests.
    """
    made: dict[str, Flask] = {}
    yield made
    for app in made.values():
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def app(
    database_url: str,
    databases: Databases,
    clock: time_machine.Traveller | None,
    _apps: dict[str, Flask],
) -> Iterator[Flask]:
    """Return the application on an empty database, its context pushed, the clock stopped.

    What a test changes in `app.config` and `app.extensions` is put back. To add a page, make an own application.
    """
    folder = databases.folder / "instance"
    if database_url not in _apps:
        _apps[database_url] = create_app(settings(database_url, folder))
    made = _apps[database_url]
    before = dict(made.config), dict(made.extensions)
    with made.app_context():
        yield made
        db.session.remove()
    for changed, kept in zip((made.config, made.extensions), before, strict=True):
        changed.clear()
        changed.update(kept)
    shutil.rmtree(folder / "uploads", ignore_errors=True)


@pytest.fixture
def a(app: Flask, now: datetime) -> Builders:
    """Return the builders: `a.team()`, `a.service_request(status=…)`."""
    return Builders(now)


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Return a visitor's browser, in English."""
    return Browser(app)


@pytest.fixture
def chinese_browser(app: Flask) -> Browser:
    """Return a visitor's browser, in Chinese."""
    return Browser(app, locale=CHINESE)


@pytest.fixture
def new_browser(app: Flask) -> Callable[[], Browser]:
    """Return what gives each of several people a browser."""
    return lambda: Browser(app)


@pytest.fixture
def count_queries(app: Flask) -> Iterator[Callable[[Callable[[], object]], int]]:
    """Return what counts the SQL statements of an act: `count_queries(lambda: browser.open("/"))`."""
    statements: list[str] = []

    def remember(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", remember)

    def count(act: Callable[[], object]) -> int:
        statements.clear()
        act()
        return len([one for one in statements if not one.startswith(("BEGIN", "PRAGMA"))])

    yield count
    event.remove(db.engine, "before_cursor_execute", remember)


# -------------------------------------------------------------------- a real server and browser


@pytest.fixture(scope="session")
def _servers(databases: Databases) -> Iterator[dict[str, LiveServer]]:
    """Keep the servers of this test process, one for each kind of database."""
    started: dict[str, LiveServer] = {}
    yield started
    for server in started.values():
        live_support.stop(server)


@pytest.fixture
def live(
    app: Flask, database_url: str, databases: Databases, _servers: dict[str, LiveServer]
) -> LiveServer:
    """Return the real server (two worker processes) on the database that `a` builds in."""
    if database_url not in _servers:
        folder = databases.folder
        _servers[database_url] = live_support.start(app.config["SETTINGS"], folder)
    server = _servers[database_url]
    assert server.process.poll() is None, f"The server ended:\n{server.log.read_text()[-3000:]}"
    return server


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Chromium]:
    """Run one Chromium for this test process."""
    with chromium_support.launched() as browser:
        yield browser


@pytest.fixture
def windows(
    live: LiveServer, _chromium: Chromium, app: Flask
) -> Iterator[chromium_support.Windows]:
    """Return what opens windows of Chromium on the real server: `windows.open("/", width=390)`.

    Fails when a script failed, the content security policy was broken, or the server failed.
    """
    opened = chromium_support.Windows(_chromium, live.url, app, VISITED)
    yield opened
    opened.close()
    assert not opened.complaints, "\n".join(
        [*opened.complaints, "The server said:", live.log.read_text()[-4000:]]
    )


@pytest.fixture
def assert_accessible() -> Callable[[Window], None]:
    """Return what fails on anything that axe finds against WCAG 2.2 A and AA."""

    def check(window: Window) -> None:
        found = chromium_support.accessibility_problems(window)
        assert not found, f"{window.url}:\n  - " + "\n  - ".join(found)

    return check
