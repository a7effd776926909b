"""Posting to an address that somebody entered: to the outside alone, briefly, and led on nowhere.

A name is looked up once, and the connection goes to the address that was looked at: a name that
means another machine a moment later gains nothing.
"""

import ipaddress
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Timer
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 8
"""For each word of the other side."""
DEADLINE_S: Final = 15
"""For all that it says."""
MOST_READ: Final = 4096
"""So many bytes of an answer are read."""
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Addresses behind which a network may put any address of the older kind (RFC 6052)."""
_SPECIAL: Final = tuple(
    ipaddress.ip_network(one)
    for one in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "fec0::/10")
)
"""Kept for special uses, which Python calls public in some of its versions; a cloud's own data is
among them."""
_PORTS: Final = {"https": 443, "http": 80}

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotOutsideError(Exception):
    """The address lies within: on this machine, in its network, at the cloud that it runs in."""


class NoAnswerError(Exception):
    """There was no answer that could be read; says why, without the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side answered."""

    status: int
    retry_after_s: int | None
    """How long it asks to be left alone."""
    body: bytes
    """Its first few kilobytes."""


def post(
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    may_be_here: bool = False,
    is_trusted: bool = False,
) -> Answer:
    """Post `body` to `address` (http or https, in ASCII) and return the answer, whatever it is.

    `may_be_here`: this machine itself is let through; `is_trusted`: every place is. Raises `NotOutsideError`, `NoAnswerError`.
    """
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        places = _places(host, port, may_be_here=may_be_here, is_trusted=is_trusted)
        connection = _Checked(host, port, places, is_secure=parts.scheme == "https")
        with _ended_in_time(connection):
            try:
                connection.request("POST", target, body, dict(headers))
                response = connection.getresponse()
                given = response.getheader("Retry-After", "").strip()
                return Answer(
                    response.status,
                    int(given) if given.isascii() and given.isdigit() else None,
                    response.read(MOST_READ),
                )
            finally:
                connection.close()
    except (OSError, HTTPException, ValueError) as error:  # ssl's errors are OSErrors
        raise NoAnswerError(_in_words(error)) from error


def is_here(host: str) -> bool:
    """Tell whether a name or address is this machine's own."""
    known = _literal(host)
    return host == "localhost" if known is None else known.is_loopback


def is_outside(host: str) -> bool:
    """Tell whether an address lies outside, or a name may: that is looked up as it is connected to."""
    known = _literal(host)
    if known is None:
        return host != "localhost" and not host.endswith((".localhost", ".local", ".internal"))
    return _is_public(known)


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_public(place: IpAddress) -> bool:
    """Tell whether an address is one of the whole internet, also the one that is written inside it."""
    inner: IpAddress | None = None
    if isinstance(place, ipaddress.IPv6Address):
        if place.teredo is not None:
            return False
        if place in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(place) & 0xFFFFFFFF)
        else:
            inner = place.ipv4_mapped or place.sixtofour
    if inner is not None:
        return _is_public(inner)
    is_special = any(place in one for one in _SPECIAL)
    return place.is_global and not (place.is_multicast or place.is_reserved or is_special)


def _places(host: str, port: int, *, may_be_here: bool, is_trusted: bool) -> list[str]:
    """Return the addresses that a name means and that may be connected to."""
    known = _literal(host)
    found = (
        [host]
        if known
        else [str(place[4][0]) for place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    )
    allowed = [
        place
        for place in dict.fromkeys(found)
        if is_trusted
        or _is_public(address := ipaddress.ip_address(place))
        or (may_be_here and address.is_loopback)
    ]
    if not allowed:
        raise NotOutsideError
    return allowed


class _Checked(HTTPConnection):
    """A connection to one of the addresses that were looked at, under the name that was asked for."""

    def __init__(self, host: str, port: int, places: list[str], *, is_secure: bool) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S)
        self.default_port = _PORTS["https" if is_secure else "http"]  # as the Host header says it
        self._places = places
        self._is_secure = is_secure

    def connect(self) -> None:
        """Connect to the first place that answers, and make sure who that is."""
        for place in self._places:
            try:
                self.sock = socket.create_connection((place, self.port), TIMEOUT_S)
                break
            except OSError:
                if place == self._places[-1]:
                    raise
        if self._is_secure:
            self.sock = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()

    def cut(self) -> None:
        """End it, whatever the other side is saying."""
        if self.sock is not None:
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # not TLS' own, which would talk


@contextmanager
def _ended_in_time(connection: _Checked) -> Iterator[None]:
    """Cut the connection when the time is up: who drips a letter a second would never time out."""

    def cut() -> None:
        try:
            connection.cut()
        except OSError:  # it has ended by itself
            return

    timer = Timer(DEADLINE_S, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"TimeoutError: no answer within {TIMEOUT_S} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"SSLCertVerificationError: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__
