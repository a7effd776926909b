"""How the rows of a list are read once it is known which they are."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Select, Subquery

Row = TypeVar("Row")


class Loader(NamedTuple, Generic[Row]):
    """What a list reads of the rows on a page of it."""

    of: Callable[[Sequence[int]], Sequence[Row]]
    """The rows of some ids, in any order. Each has an `id`."""
    beside: Callable[[Subquery], Select[*tuple[Any, ...]]] | None = None
    """Selects what `make` takes of each id of a page, so that one statement reads both."""
    make: Callable[[Sequence[Sequence[Any]]], Sequence[Row]] | None = None
