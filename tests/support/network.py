"""Nothing in the tests may leave this machine."""

import ipaddress
import sys
from typing import Final

CONNECTS: Final = frozenset({"socket.connect", "socket.sendto"})
LOOKUPS: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
LOCAL_NAMES: Final = frozenset({"", "localhost", "ip6-localhost"})


class NetworkForbiddenError(Exception):
    """A test tried to leave this machine."""


class Guard:
    """Refuses every connection but those to this machine. Audit hooks stay: switch, not remove."""

    def __init__(self) -> None:
        self.is_open = False
        self._is_installed = False

    def install(self) -> None:
        """Begin to watch, once for each process."""
        if not self._is_installed:
            self._is_installed = True
            sys.addaudithook(self._watch)

    def _watch(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.is_open:
            return
        if event in CONNECTS:
            address = arguments[1]
            if isinstance(address, tuple) and not _is_local(str(address[0])):
                message = f"Tests stay on this machine: no connection to {address}."
                raise NetworkForbiddenError(message)
        elif event in LOOKUPS:
            host = arguments[0]
            name = host.decode() if isinstance(host, bytes) else str(host or "")
            if not _is_local(name):
                message = f"Tests stay on this machine: no look-up of {name!r}."
                raise NetworkForbiddenError(message)


def _is_local(host: str) -> bool:
    if host in LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


GUARD: Final = Guard()
