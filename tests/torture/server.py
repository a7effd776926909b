"""The whole server, as `make run` starts it, to be killed without a warning."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.live import ROOT, free_port
from tracker.config import Settings

STARTS_WITHIN_SECONDS = 60


@dataclass
class Server:
    """`python -m tracker.serve` with everything that it starts."""

    settings: Settings
    log: Path
    port: int = 0
    prefix: tuple[str, ...] = ()
    """What runs it, e.g. in a network of its own."""
    host: str = "127.0.0.1"
    process: "subprocess.Popen[bytes] | None" = None

    def start(self, **more: str) -> "Server":
        """Start it, and wait until it serves."""
        self.port = self.port or free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "SECRET_KEY": self.settings.secret_key,
            "DATABASE_URL": self.settings.database_url,
            "INSTANCE_PATH": str(self.settings.instance_path),
            "SHISHI_ENV": "testing",
            "DEMO": "1",  # mail goes to a page: the worker has something to do
            "PORT": str(self.port),
            "HOST": "0.0.0.0",  # noqa: S104 - of a network of its own, or of this machine
            "TRUSTED_PROXIES": "1",
            **more,
        }
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "tracker.serve"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()
        return self

    def kill(self) -> int:
        """Kill every process of it at once, without a warning; return how many there were."""
        assert self.process is not None
        everybody = [self.process.pid, *_below(self.process.pid, _parents())]
        # First all stand still, so that none sees another one go.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in everybody:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        self.process.wait()
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{pid}/exe").exists() for pid in everybody):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return len(everybody)

    def state(self) -> str:
        """Return what its processes do, to see why it does not answer."""
        assert self.process is not None
        lines = []
        for pid in (self.process.pid, *_below(self.process.pid, _parents())):
            with suppress(OSError):
                folder = Path(f"/proc/{pid}")
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                waits = {
                    (task / "wchan").read_text() or "runs" for task in (folder / "task").iterdir()
                }
                lines.append(f"{pid} {command[:80]}: {sorted(waits)}")
        return "\n".join(lines)

    def _wait(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        assert self.process is not None
        while True:
            try:
                with urllib.request.urlopen(f"http://{self.host}:{self.port}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, OSError) as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    message = (
                        f"The server did not start: {error}\n{self.state()}\n"
                        f"{self.log.read_text()[-3000:]}"
                    )
                    raise RuntimeError(message) from None
                time.sleep(0.05)


def _parents() -> Mapping[int, int]:
    """Return process → parent, from the kernel's own list."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, ValueError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                found[int(folder.name)] = int(fields[1])
    return found


def _below(pid: int, parents: Mapping[int, int]) -> list[int]:
    children = [child for child, parent in parents.items() if parent == pid]
    return [each for child in children for each in (child, *_below(child, parents))]
