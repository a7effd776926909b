"""Which databases a test of pages plays on when everything is run: one of the two, half on each.

Rules, lists, figures and rights are tried on both. What a page says and how it looks asks the
database nothing that these do not ask as well: there, twice the time finds next to nothing.
"""

import zlib
from collections.abc import Sequence
from typing import Final

import pytest

from tests.support.databases import KINDS

OPTION: Final = "--pages-on-one-database"
ON_BOTH: Final = "both_databases"
PAGES: Final = frozenset({"browser", "chinese_browser", "new_browser", "windows", "live"})
"""Who asks for one of these looks at pages."""


def split(items: Sequence[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Return the tests that are run, and those left out as they are run on the other database."""
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        (kept if _is_run(item) else left_out).append(item)
    return kept, left_out


def database_of(name: str) -> str:
    """Return on which database a test of this name plays: always on the same."""
    return KINDS[zlib.crc32(name.encode()) % len(KINDS)]


def _is_run(item: pytest.Item) -> bool:
    kind = _kind_of(item)
    if kind is None or item.get_closest_marker(ON_BOTH) is not None:
        return True
    if not PAGES & set(getattr(item, "fixturenames", ())):
        return True
    return kind == database_of(item.nodeid.replace(kind, ""))


def _kind_of(item: pytest.Item) -> str | None:
    """Return which database a test got by turns; None for one that says itself which it needs."""
    if any("database_kind" in str(mark.args[0]) for mark in item.iter_markers("parametrize")):
        return None
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("database_kind") if callspec else None
