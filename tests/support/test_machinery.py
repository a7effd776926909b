"""The machinery of the tests fails when it should."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page as Window
from sqlalchemy import select

from tests.support.builders import Builders
from tests.support.chromium import Windows, accessibility_problems
from tests.support.locks import LockWithoutATransactionError
from tests.support.missing import MARK, missing, reason_in
from tests.support.network import NetworkForbiddenError
from tests.support.visited import Visited, never_visited
from tracker.database import db, read_in_a_transaction, transaction
from tracker.organisation.models import Organisation

ON_ONE_DATABASE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def test_a_connection_to_another_machine_is_refused() -> None:
    with socket.socket() as outside, pytest.raises(NetworkForbiddenError):
        outside.connect(("192.0.2.1", 80))


def test_a_look_up_of_another_machine_is_refused() -> None:
    with pytest.raises(NetworkForbiddenError):
        socket.getaddrinfo("example.org", 443)


def test_a_connection_from_another_thread_is_refused() -> None:
    caught: list[BaseException] = []

    def leave() -> None:
        try:
            socket.create_connection(("192.0.2.1", 80), timeout=0.1)
        except NetworkForbiddenError as refusal:
            caught.append(refusal)

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_this_machine_may_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as inside:
        inside.connect(server.getsockname())


def test_what_is_missing_skips_and_under_ci_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=MARK):
        missing("Chromium", why="nobody installed it")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI=true"):
        missing("Chromium", why="nobody installed it")


def test_the_summary_recognises_what_was_missing() -> None:
    def skipped(reason: str) -> pytest.TestReport:
        place = ("test_a.py", 1, f"Skipped: {reason}")
        return pytest.TestReport("a", ("a", 1, "a"), {}, "skipped", place, "setup")

    assert reason_in(skipped(f"{MARK}Chromium can't be had here")) == "Chromium can't be had here"
    assert reason_in(skipped("another reason")) is None


def test_a_page_that_no_test_opens_is_named(tmp_path: Path) -> None:
    app = Flask("planted")
    app.add_url_rule("/seen", "seen", lambda: "")
    app.add_url_rule("/lost", "lost", lambda: "", methods=["GET", "POST"])
    app.add_url_rule("/refused", "refused", lambda: ("", 401))
    app.add_url_rule("/in-a-window", "in_a_window", lambda: "")
    visited = Visited("planted")
    visited.watch()
    for address in ("/seen", "/lost", "/refused"):
        app.test_client().get(address)
    visited.unwatch()
    visited.window_got(app, "GET", "http://127.0.0.1:8000/in-a-window?a=1", 200)
    visited.save(tmp_path, "gw0")

    assert never_visited(tmp_path) == ["GET refused", "POST lost"]


@ON_ONE_DATABASE
def test_axe_finds_what_is_not_accessible(windows: Windows) -> None:
    window = windows.open("/healthz")
    window.set_content(
        '<html lang="en"><title>t</title><main><h1>h</h1><img src="x"><input></main></html>'
    )
    found = " ".join(accessibility_problems(window))
    assert "image-alt" in found
    assert "label" in found
    windows.complaints.clear()  # the picture that is not there


@ON_ONE_DATABASE
def test_a_window_hears_scripts_that_fail_and_breaches_of_the_policy(windows: Windows) -> None:
    window = windows.open("/sign-in")
    assert windows.complaints == []
    window.evaluate("setTimeout(() => { throw new Error('planted') })")
    window.evaluate(
        "document.body.append(Object.assign(document.createElement('img'),"
        " {src: 'https://example.org/x.png'}))"
    )
    window.wait_for_timeout(200)
    heard = " ".join(windows.complaints)
    assert "planted" in heard
    assert "Content Security Policy" in heard
    windows.complaints.clear()


@ON_ONE_DATABASE
def test_a_page_without_faults_passes_axe(
    windows: Windows, assert_accessible: Callable[[Window], None]
) -> None:
    assert_accessible(windows.open("/sign-in"))


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_lock_without_a_transaction_is_refused(a: Builders) -> None:
    held = select(Organisation).with_for_update(read=True)
    a.organisation()
    db.session.rollback()

    with pytest.raises(LockWithoutATransactionError):
        db.session.execute(held)
    db.session.rollback()
    read_in_a_transaction()
    db.session.execute(held)
    with transaction():
        db.session.execute(held)
