"""The real server, as a process of its own, on a database that tests empty between them."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracker.config import Settings

ROOT: Final = Path(__file__).resolve().parent.parent.parent
STARTS_WITHIN_SECONDS: Final = 30


@dataclass(frozen=True)
class LiveServer:
    """A running server."""

    url: str
    settings: Settings
    process: "subprocess.Popen[bytes]"
    log: Path


def start(settings: Settings, folder: Path, *, workers: int = 2) -> LiveServer:
    """Serve with `settings`. Raises `RuntimeError` with the log when that does not begin."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = folder / f"server-{port}.log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        "SECRET_KEY": settings.secret_key,
        "DATABASE_URL": settings.database_url,
        "INSTANCE_PATH": str(settings.instance_path),
        "SHISHI_ENV": "testing",
        "PUBLIC_URL": url,
    }
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", str(workers), "--no-ws", "app:app"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = LiveServer(url, settings, process, log)
    try:
        _wait(server)
    except BaseException:
        stop(server)
        raise
    return server


def stop(server: LiveServer) -> None:
    """End the server, gently first."""
    server.process.terminate()
    try:
        server.process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: LiveServer) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{server.url}/healthz", timeout=5):  # noqa: S310 - our own
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if server.process.poll() is not None or time.monotonic() > deadline:
                message = f"The server did not start:\n{server.log.read_text()[-3000:]}"
                raise RuntimeError(message) from None
            time.sleep(0.05)
