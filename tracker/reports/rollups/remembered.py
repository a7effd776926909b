"""What a process read from the cells, remembered until any cell is written.

Supervisors look at the same year again and again; the times in its cells are megabytes. Folding and
rebuilding give the cells a new stamp in the transaction that writes them (`FigureFold.stamp`), and
who reads asks for the stamp first. See decisions/0013.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

LARGEST: Final = 6 * 2**20
"""So many bytes a process keeps. What is more than half of it is read again each time."""

ABOUT_A_ROW: Final = 600
"""Bytes of the counts of one group."""


class Remembered:
    """What was read from the cells of one stamp. Shared by threads: nothing in it may change."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stamp = ""
        self._known: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def answer(
        self,
        stamp: str,
        asked: Hashable,
        load: Callable[[], Result],
        size_of: Callable[[Result], int],
    ) -> Result:
        """Return what `load` does, or did for the same `asked` under this stamp.

        `size_of` says how many bytes that is. What was asked for longest ago is forgotten first.
        """
        with self._lock:
            if stamp == self._stamp and asked in self._known:
                self._known.move_to_end(asked)
                found: Result = self._known[asked][0]
                return found
        found = load()
        size = size_of(found)
        if size > LARGEST // 2:
            return found
        with self._lock:
            if stamp != self._stamp:
                self._known.clear()
                self._stamp = stamp
            self._known[asked] = found, size
            while sum(size for _found, size in self._known.values()) > LARGEST:
                self._known.popitem(last=False)
        return found

    @property
    def size(self) -> int:
        """Return how many bytes are kept."""
        with self._lock:
            return sum(size for _found, size in self._known.values())
