"""`python -m tracker.serve`: everything that an installation needs, started and ended together.

Migrates, builds the demonstration on its first start, then runs the web server and the worker
as child processes. Ctrl-C or SIGTERM ends both; when one of them dies, so does the rest, with a
message: nothing is restarted silently.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from flask import Flask
from sqlalchemy.exc import OperationalError

from tracker import create_app, demo, schema
from tracker.accounts import queries
from tracker.config import ROOT, ConfigurationError, Settings, settings_from_environment
from tracker.demo.commands import NotADemonstrationError, build_town, reset_town
from tracker.demo.town import MAIL_DOMAIN, PASSWORD
from tracker.service_requests.search import index_missing

WORKERS: Final = "2"
THREADS: Final = "4"
LEAN: Final = {"MALLOC_ARENA_MAX": "2"}
"""What keeps a worker small: by default the C library of Linux gives each thread heaps of its own,
and parts that are freed in one are of no use to the others. 20 MB less after ten minutes of load."""
HEADERS_WITHIN_MS: Final = 10_000
"""Who takes longer to say what they want is cut off. Slow bodies are for the proxy to wait for."""
GRACE_S: Final = 15.0
"""How long the children have to finish what they do."""
SIGN_IN_AS: Final = (
    ("zhou.xiaowen", "协调员", "coordinator"),
    ("xu.jia", "队长", "team leader"),
    ("li.siyuan", "志愿者", "volunteer"),
    ("wang.jianping", "责任领导", "leader"),
    ("chen.guodong", "督导员", "supervisor"),
    ("su.mingyuan", "管理员", "administrator"),
    ("he.jing", "审计员", "auditor"),
)


def main(arguments: Sequence[str] = ()) -> int:
    """Serve until told to stop; return the exit code.

    With the argument `reset-demo`: throw the demonstration away, build it anew, and end.
    """
    asked_for = bool(os.environ.get("DEMO"))
    try:
        environment = prepared(os.environ)
        host, port = environment.get("HOST", "127.0.0.1"), int(environment["PORT"])
        settings = settings_from_environment(environment)
        if not arguments:
            claim_port(host, port)
    except (ConfigurationError, OSError) as error:
        _fail(str(error))
    os.environ.update(environment)  # migrations and commands read it too
    app = create_app(settings)
    try:
        if arguments:
            return _reset(app, arguments)
        first_start = _prepare_database(app)
        environment["DEMO"] = demo_or_not(app, asked_for=asked_for)
    except ConfigurationError as error:
        _fail(str(error))
    except OperationalError as error:
        _fail(f"The database cannot be reached. 连不上数据库。\n{error.orig}")
    stop = Stop()
    children = _started(environment, host, port)
    try:
        if _wait_until_it_answers(host, port, children, stop):
            print(greeting(settings.public_url, app, first_start=first_start), flush=True)
        return _watch(children, stop)
    finally:
        _end(children)


def prepared(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment to serve with: `given`, and what an installation needs besides.

    Without `SECRET_KEY` one is made and kept in the instance folder, for its owner only.
    Without `DEMO` the demonstration is on, for `make run`; see `demo_or_not` for where it is not.
    """
    environment = dict(given)
    environment.setdefault("SHISHI_ENV", "production")
    for name, value in LEAN.items():
        environment.setdefault(name, value)
    environment["DEMO"] = environment.get("DEMO") or "1"
    environment["PORT"] = environment.get("PORT") or "8000"
    if not environment["PORT"].isdigit() or not 0 < int(environment["PORT"]) < 65536:
        message = f"PORT must be a number from 1 to 65535, not {environment['PORT']!r}."
        raise ConfigurationError(message)
    if not environment.get("SECRET_KEY"):
        instance = Path(environment.get("INSTANCE_PATH") or ROOT / "instance")
        environment["SECRET_KEY"] = kept_secret(instance)
    return environment


def kept_secret(instance: Path) -> str:
    """Return the installation's own secret, made on the first start, readable by its owner only."""
    path = instance / "secret_key"
    instance.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Whole or not at all, and the first of two that start at once: killed between making the
        # file and writing it, a server would never start again.
        descriptor, name = tempfile.mkstemp(dir=instance, prefix=".secret_key-")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(name, path)
        finally:
            Path(name).unlink()
    secret = path.read_text().strip()
    if not secret:
        message = f"{path} is empty. Delete it, and a new secret is made."
        raise ConfigurationError(message)
    return secret


def claim_port(host: str, port: int) -> None:
    """Raise `ConfigurationError` when somebody else already listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = (
                f"Port {port} is taken by another program. Choose another one: PORT=8001 make run\n"
                f"端口 {port} 已被占用，请换一个：PORT=8001 make run"
            )
            raise ConfigurationError(message) from error


def greeting(address: str, app: Flask, *, first_start: bool) -> str:
    """Return what the terminal shows when all is up, in both languages."""
    lines = ["", f"  实事 Shishi   {address}", ""]
    if app.config["SETTINGS"].demo:
        lines += [
            f"  演示账号（密码 {PASSWORD}）· demo people (password {PASSWORD})",
            f"  也可以在登录页一键登录 · or sign in with one tap: {address}/sign-in",
            "",
            *(f"    {f'{name}@{MAIL_DOMAIN}':<32} {zh} · {en}" for name, zh, en in SIGN_IN_AS),
            "",
            f"  发出的邮件 · outgoing mail: {address}/demo/mail",
        ]
    elif first_start:
        lines += [
            "  还没有管理员，请运行 · there is no administrator yet; run:",
            "    .venv/bin/flask --app app accounts create-administrator",
        ]
    return "\n".join([*lines, "  Ctrl-C 停止 · to stop", ""])


class Stop:
    """Set by Ctrl-C or SIGTERM."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def _reset(app: Flask, arguments: Sequence[str]) -> int:
    if list(arguments) != ["reset-demo"]:
        _fail("Usage: python -m tracker.serve [reset-demo]")
    with app.app_context():
        schema.upgrade()
        try:
            reset_town()
        except NotADemonstrationError:
            _fail("There are people here who are not invented: nothing was changed.")
    print("  演示小镇已重建。 · The town is as on its first day.")
    return 0


def _prepare_database(app: Flask) -> bool:
    """Bring the tables up to date; build the town if this is a demonstration's first start.

    Return whether there is nobody yet.
    """
    with app.app_context():
        before = schema.revision()
        schema.upgrade()
        if before != schema.revision():
            index_missing()
        is_empty = demo.is_empty()
        if is_empty and app.config["SETTINGS"].demo:
            print(
                "  正在搭建演示小镇，约需一分钟… · Building the demonstration, about a minute…",
                flush=True,
            )
            build_town()
        return is_empty


def demo_or_not(app: Flask, *, asked_for: bool) -> str:
    """Return the `DEMO` to serve with, and let `app` know: never one beside real people.

    Raises `ConfigurationError` when it was `asked_for` all the same.
    """
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        is_safe = queries.everybody_is_invented()
    if settings.demo and asked_for and not is_safe:
        message = (
            "DEMO=1 would show everybody's mail and sign anybody in, and there are real people in "
            "this database. Leave DEMO out, or choose another DATABASE_URL or INSTANCE_PATH.\n"
            "数据库中有真实人员，而 DEMO=1 会公开所有邮件并允许任何人登录。"
            "请去掉 DEMO，或换一个 DATABASE_URL 或 INSTANCE_PATH。"
        )
        raise ConfigurationError(message)
    app.config["SETTINGS"] = replace(settings, demo=settings.demo and is_safe)
    return "1" if settings.demo and is_safe else "0"


def web_command(application: str, host: str, port: int) -> list[str]:
    """Return the command that serves `application` as a production does.

    The files under `/static` too are the application's to serve: the server's own way to do it adds
    none of the headers of `web.security`. Browsers keep them for a year.
    """
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", application),
        *("--host", host, "--port", str(port), "--workers", WORKERS),
        *("--blocking-threads", THREADS, "--backpressure", "256", "--no-ws"),
        *("--http1-header-read-timeout", str(HEADERS_WITHIN_MS)),
        *("--workers-kill-timeout", "10", "--log-level", "warning"),
    ]


def worker_command() -> list[str]:
    """Return the command that does the background work."""
    return [sys.executable, "-m", "flask", "--app", "app", "jobs", "work"]


def _started(
    environment: MutableMapping[str, str], host: str, port: int
) -> dict[str, subprocess.Popen[bytes]]:
    web = web_command("app:app", host, port)
    worker = worker_command()
    # In sessions of their own, a terminal's Ctrl-C reaches only us, and we end them in order.
    return {
        name: subprocess.Popen(  # noqa: S603 - our own commands
            command, cwd=ROOT, env=dict(environment), start_new_session=True
        )
        for name, command in (("web server", web), ("worker", worker))
    }


def _wait_until_it_answers(
    host: str, port: int, children: Mapping[str, subprocess.Popen[bytes]], stop: Stop
) -> bool:
    here = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
    while not stop.asked and all(child.poll() is None for child in children.values()):
        with contextlib.suppress(OSError), socket.create_connection((here, port), timeout=0.5):
            return True
        time.sleep(0.05)
    return False


def _watch(children: Mapping[str, subprocess.Popen[bytes]], stop: Stop) -> int:
    while not stop.asked:
        for name, child in children.items():
            if child.poll() is not None:
                print(
                    f"  The {name} ended (exit code {child.returncode}); so does the rest.",
                    file=sys.stderr,
                )
                return 1
        time.sleep(0.2)
    return 0


def _end(children: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + GRACE_S
    for child in children.values():
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.1, deadline - time.monotonic()))
        # Whatever it started lives in its session: nothing is left behind.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def _fail(message: str) -> NoReturn:
    print(f"\n{message}\n", file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
