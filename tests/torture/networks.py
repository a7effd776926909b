"""Machines of their own for servers: network namespaces, each joined to this one by a wire."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.support.missing import missing


@dataclass(frozen=True)
class Network:
    """A network namespace."""

    name: str
    here: str
    """This machine's address on the wire."""
    there: str
    """The other machine's."""

    @property
    def prefix(self) -> tuple[str, ...]:
        """Return what runs a program there."""
        return ("ip", "netns", "exec", self.name)


@contextmanager
def networks(how_many: int) -> Iterator[Sequence[Network]]:
    """Make so many; skip the test where that cannot be done."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        missing("Network namespaces", why="they need root and the program ip")
    with ExitStack() as ends:
        made = []
        for number in range(how_many):
            name = f"shishi-{os.getpid()}-{number}"
            net = f"10.{77 + os.getpid() % 100}.{number}"
            network = Network(name, f"{net}.1", f"{net}.2")
            ends.callback(_run, "ip", "netns", "delete", name, may_fail=True)
            try:
                _make(network, f"s{os.getpid()}{number}")
            except subprocess.CalledProcessError as problem:
                missing("Network namespaces", why=problem.stderr.strip() or problem)
            made.append(network)
        yield made


def _make(network: Network, wire: str) -> None:
    inside = ("ip", "-n", network.name)
    _run("ip", "netns", "add", network.name)
    _run(
        *("ip", "link", "add", f"{wire}h", "type", "veth"),
        *("peer", "name", f"{wire}n", "netns", network.name),
    )
    _run("ip", "addr", "add", f"{network.here}/24", "dev", f"{wire}h")
    _run("ip", "link", "set", f"{wire}h", "up")
    _run(*inside, "addr", "add", f"{network.there}/24", "dev", f"{wire}n")
    _run(*inside, "link", "set", f"{wire}n", "up")
    _run(*inside, "link", "set", "lo", "up")


def _run(*command: str, may_fail: bool = False) -> None:
    subprocess.run(command, check=not may_fail, capture_output=True, text=True)
