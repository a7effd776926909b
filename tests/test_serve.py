"""One command serves everything, and one signal ends everything."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from email.message import Message
from pathlib import Path

import pytest
from flask import Flask

from tests.support.builders import Builders
from tracker import serve
from tracker.config import ROOT, ConfigurationError
from tracker.demo.town import MAIL_DOMAIN
from tracker.web.security import POLICY


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _serving(instance: Path, port: int, **environment: str) -> Iterator[subprocess.Popen[str]]:
    given = {
        "PATH": os.environ["PATH"],
        "INSTANCE_PATH": str(instance),
        "PORT": str(port),
        "PYTHONDONTWRITEBYTECODE": "1",
        **environment,
    }
    with (instance / "output").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tracker.serve"],
            cwd=ROOT,
            env=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()


def _printed(instance: Path, words: str, *, within_s: float = 60) -> str:
    """Return what the terminal shows, once it shows `words`."""
    deadline = time.monotonic() + within_s
    while words not in (text := (instance / "output").read_text()):
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    return text


def _answer(port: int, path: str, *, within_s: float = 60) -> str:
    deadline = time.monotonic() + within_s
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _headers(port: int, path: str) -> Message:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        headers: Message = answer.headers
        return headers


def _children_of(pid: int) -> list[int]:
    """Return the processes below `pid`, from the kernel's own list."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, ValueError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                parents[int(folder.name)] = int(fields[1])
    found, wanted = [], [pid]
    while wanted:
        parent = wanted.pop()
        below = [child for child, of in parents.items() if of == parent]
        found += below
        wanted += below
    return found


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_without_a_demonstration_and_ends_all_that_it_started(
    tmp_path: Path, number: signal.Signals
) -> None:
    port = _free_port()
    with _serving(tmp_path, port, DEMO="0") as process:
        assert '"ok"' in _answer(port, "/readyz")
        assert "--brand" in _answer(port, "/static/css/tokens.css")
        headers = _headers(port, "/static/css/tokens.css")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["Content-Type"] == "text/css; charset=utf-8"
        assert headers["Cache-Control"] == "public, max-age=31536000"
        children = _children_of(process.pid)
        assert len(children) >= 3  # the server, its two workers, ours

        output = _printed(tmp_path, "Ctrl-C")
        assert f"http://127.0.0.1:{port}" in output
        assert "create-administrator" in output

        process.send_signal(number)
        process.wait(timeout=25)

    assert process.returncode == 0
    assert not [pid for pid in children if _is_alive(pid)]
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_when_the_worker_dies_everything_ends_with_a_message(tmp_path: Path) -> None:
    port = _free_port()
    with _serving(tmp_path, port, DEMO="0") as process:
        _answer(port, "/healthz")
        worker = next(
            pid
            for pid in _children_of(process.pid)
            if b"jobs" in Path(f"/proc/{pid}/cmdline").read_bytes()
        )

        os.kill(worker, signal.SIGKILL)
        process.wait(timeout=25)

    assert process.returncode == 1
    assert "The worker ended" in _printed(tmp_path, "ended")


def test_a_taken_port_is_said_in_plain_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with _serving(tmp_path, port, DEMO="0") as process:
            process.wait(timeout=25)

    assert process.returncode == 1
    assert "Traceback" not in _printed(tmp_path, f"Port {port} is taken")


def test_who_never_ends_their_headers_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "HEADERS_WITHIN_MS", 300)
    port = _free_port()
    given = {"PATH": os.environ["PATH"], "INSTANCE_PATH": str(tmp_path), "SECRET_KEY": "s" * 32}
    server = subprocess.Popen(serve.web_command("app:app", "127.0.0.1", port), cwd=ROOT, env=given)
    try:
        _answer(port, "/healthz")
        with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            while slow.recv(1000):
                pass  # it may say why
    finally:
        server.terminate()
        server.wait(20)


def test_the_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    first = serve.kept_secret(tmp_path)

    assert serve.kept_secret(tmp_path) == first
    assert len(first) == 64


def test_the_demonstration_is_on_until_it_is_turned_off(tmp_path: Path) -> None:
    given = {"INSTANCE_PATH": str(tmp_path)}

    assert serve.prepared(given)["DEMO"] == "1"
    assert serve.prepared({**given, "DEMO": "0"})["DEMO"] == "0"
    assert serve.prepared({**given, "SECRET_KEY": "own"})["SECRET_KEY"] == "own"
    assert serve.prepared(given)["MALLOC_ARENA_MAX"] == "2"
    assert serve.prepared({**given, "MALLOC_ARENA_MAX": "8"})["MALLOC_ARENA_MAX"] == "8"


@pytest.mark.parametrize("asked_for", [True, False])
@pytest.mark.parametrize("is_demo", [True, False])
def test_a_demonstration_is_never_served_beside_real_people(
    app: Flask, a: Builders, *, is_demo: bool, asked_for: bool
) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], demo=True)
    assert serve.demo_or_not(app, asked_for=asked_for) == "1"  # nobody is here yet
    a.person(is_demo=is_demo)

    if asked_for and not is_demo:
        with pytest.raises(ConfigurationError, match="there are real people") as refused:
            serve.demo_or_not(app, asked_for=True)
        assert "真实人员" in str(refused.value)
        return
    assert serve.demo_or_not(app, asked_for=asked_for) == ("1" if is_demo else "0")
    assert app.config["SETTINGS"].demo is is_demo
    assert (MAIL_DOMAIN in serve.greeting("http://x", app, first_start=False)) is is_demo


def test_what_was_begun_without_a_demonstration_stays_without_one(tmp_path: Path) -> None:
    port = _free_port()
    with _serving(tmp_path, port, DEMO="0"):
        _printed(tmp_path, "Ctrl-C")
        made = subprocess.run(
            [
                *(sys.executable, "-m", "flask", "--app", "app"),
                *("accounts", "create-administrator", "--organisation", "Town"),
                *("--name", "Boss", "--email", "boss@example.org"),
            ],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "INSTANCE_PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "/invitation/" in made.stdout

    with _serving(tmp_path, port):
        assert MAIL_DOMAIN not in _printed(tmp_path, "Ctrl-C")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/demo/mail", timeout=5)

    with _serving(tmp_path, port, DEMO="1") as process:
        process.wait(timeout=25)
    assert process.returncode == 1
    assert "Traceback" not in _printed(tmp_path, "there are real people")


@pytest.mark.parametrize("port", ["0", "x", "70000"])
def test_a_port_is_a_number(tmp_path: Path, port: str) -> None:
    with pytest.raises(ConfigurationError, match="PORT must be a number"):
        serve.prepared({"INSTANCE_PATH": str(tmp_path), "PORT": port})


def test_a_secret_is_kept_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tracker.serve.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        serve.kept_secret(tmp_path)
    assert list(tmp_path.iterdir()) == []

    monkeypatch.undo()
    secret = serve.kept_secret(tmp_path)
    assert len(secret) == 64
    assert serve.kept_secret(tmp_path) == secret
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
