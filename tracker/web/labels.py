"""The words for enum members, in the reader's language. Each feature registers its own."""

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any

from flask_babel import LazyString

from tracker.web.locale import current_locale

# Keyed by class as well: StrEnum members of different classes can be equal strings.
_LABELS: dict[tuple[type[Enum], Enum], LazyString] = {}


Table = Mapping[Any, LazyString] | Iterable[tuple[Enum, LazyString]]


def register(labels: Table) -> None:
    """Add the words for the members of one or more enums."""
    for member, words in labels.items() if isinstance(labels, Mapping) else labels:
        _LABELS[type(member), member] = words


def register_all(*tables: Table) -> None:
    """Add several tables of words."""
    for table in tables:
        register(table)


def label(member: Enum | None) -> str:
    """Return the words for `member`; an empty string for None.

    Raises `KeyError` when nobody registered any, which tests/web/test_labels.py prevents.
    """
    return "" if member is None else _said(current_locale(), type(member), member)


@cache
def _said(_locale: str, kind: type[Enum], member: Enum) -> str:
    """Remember: a list says the same few words in every row."""
    return str(_LABELS[kind, member])


def labelled_enums() -> frozenset[type[Enum]]:
    """Return the enums that have words."""
    return frozenset(kind for kind, _ in _LABELS)
