"""A wire between the product and a database server, which a test can cut and mend."""

import socket
import threading
from contextlib import suppress
from typing import Final

import sqlalchemy as sa

CHUNK: Final = 65536


class Relay:
    """Listens on `host`, and hands on to the PostgreSQL server of `url` while it is whole."""

    def __init__(self, url: str, host: str = "127.0.0.1") -> None:
        self._to = sa.make_url(url)
        self._host = host
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.mend()

    @property
    def url(self) -> str:
        """Return the address of the database through this wire."""
        through = self._to.set(host=self._host, port=self.port, query={})
        return through.set(username=self._to.username or "postgres").render_as_string(
            hide_password=False
        )

    def mend(self) -> None:
        """Take connections again, on the same port."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self._host, self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._take, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Refuse connections, and end those that there are in the middle of a word."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            self._open.clear()

    def _take(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _address = listener.accept()
            except OSError:
                return
            try:
                far = self._connected()
            except OSError:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _connected(self) -> socket.socket:
        folder = self._to.query.get("host")
        if isinstance(folder, str):
            far = socket.socket(socket.AF_UNIX)
            far.connect(f"{folder}/.s.PGSQL.{self._to.port or 5432}")
            return far
        return socket.create_connection((self._to.host or "127.0.0.1", self._to.port or 5432))

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK):
                target.sendall(chunk)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
            with self._lock:
                self._open.discard(each)
