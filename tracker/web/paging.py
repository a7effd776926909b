"""Keyset paging: a page begins after the last row of the one before, never after a count."""

import base64
import binascii
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    Subquery,
    bindparam,
    literal_column,
    tuple_,
    type_coerce,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from tracker.database import db, read
from tracker.loading import Loader

Row = TypeVar("Row")
SIFTED = (200, 600)
"""How many rows are sifted, at first and then, before the whole list is asked."""
LARGEST = 2**31 - 1
"""No key of ours is larger; PostgreSQL refuses what is."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a longer list, and the marks by which to go on or back."""

    rows: Sequence[Row]
    next_mark: str | None
    previous_mark: str | None


class Sieve(NamedTuple):
    """A condition that is dear to ask of all rows, fits many of them, and is cheap for some."""

    query: Select[int]
    """The list without it."""
    sift: Callable[[Sequence[int]], Collection[int]]
    """Which of these fit."""


class _Way(NamedTuple):
    """In which direction a page is read, and from where."""

    size: int
    newest_first: bool
    is_marked: bool
    is_backwards: bool

    @property
    def descends(self) -> bool:
        """Tell whether the largest keys come first."""
        return self.is_backwards != self.newest_first


def wide_page_of(
    query: Select[int] | Callable[[], Select[int]],
    keys: Sequence[SQLColumnExpression[Any]],
    *,
    load: Loader[Row],
    mark: str | None,
    parameters: Mapping[str, object] = MappingProxyType({}),
    size: int = 50,
    newest_first: bool = False,
    asked: Sequence[ColumnElement[bool]] = (),
    sieve: Sieve | None = None,
    is_planned_once: bool = False,
) -> Page[Row]:
    """Return one page as `page_of` does, in two steps: which rows, then the rows.

    `query` selects ids only, so that an index that holds all it asks about answers alone. The
    statement of a page is remembered with its query, which may be one of those that are made once
    (`visibility.made_once`); `parameters` are its moments and the like. With a `sieve` the first rows are read without a
    condition and sifted: most pages end among them, so that `query` need not even be made.

    `is_planned_once`: the plan of a page does not hang on its parameters, so that PostgreSQL may keep it.
    It does not where it thinks that another would do better, which it does of all plans for a number of
    rows that it is not told.
    """

    def rows_of(way: _Way, marks: Mapping[str, object]) -> list[Any]:
        given = {**parameters, **marks}

        def first(query: Select[int], some: int) -> list[Any]:
            as_they_are = _Read(way._replace(size=some), tuple(asked), as_kept=True)
            return list(read(_wide_statement(query, tuple(keys), as_they_are), given).all())

        if sieve is not None and (sifted := _sifted(first, sieve, way)) is not None:
            return _as_read(sifted, keys)
        wanted = _Read(way, tuple(asked), load.beside, is_planned_once=is_planned_once)
        made = query() if callable(query) else query
        return list(read(_wide_statement(made, tuple(keys), wanted), given).all())

    after_keys = 1 + len(keys)
    page = _page(
        rows_of,
        keys,
        key_of=lambda row: list(row)[1:after_keys],
        mark=mark,
        size=size,
        newest_first=newest_first,
    )
    if page.rows and load.make is not None and len(page.rows[0]) > after_keys:
        rows = load.make([tuple(row)[after_keys:] for row in page.rows])
        return Page(rows, page.next_mark, page.previous_mark)
    ids = [row[0] for row in page.rows]
    found = {cast("Any", row).id: row for row in load.of(_filled_up(ids, size))} if ids else {}
    # Whatever went in between the two steps is left out.
    rows = [found[one] for one in ids if one in found]
    return Page(rows, page.next_mark, page.previous_mark)


def _sifted(
    read_first: Callable[[Select[int], int], list[Any]], sieve: Sieve, way: _Way
) -> list[Any] | None:
    """Return the rows of a page, their keys as they are kept; None where too few are among the first."""
    for some in SIFTED:
        first = read_first(sieve.query, some)
        fitting = sieve.sift([row[0] for row in first]) if first else ()
        found = [row for row in first if row[0] in fitting][: way.size + 1]
        if len(found) > way.size or len(first) <= some:
            return found
    return None


def _filled_up(ids: Sequence[int], size: int) -> Sequence[int]:
    """Return `ids`, the last one repeated until they are `size`.

    A database plans a statement anew for each number of ids; planning takes longer than reading.
    """
    return [*ids, *([ids[-1]] * (size - len(ids)))]


def page_of(
    session: Session,
    query: Select[Row],
    keys: Sequence[SQLColumnExpression[Any]],
    *,
    key_of: Callable[[Row], Sequence[object]],
    mark: str | None,
    size: int = 50,
    newest_first: bool = False,
    asked: Sequence[ColumnElement[bool]] = (),
) -> Page[Row]:
    """Return one page of `query`, ordered by `keys` ascending; the last key must be unique.

    `newest_first`: by all of them descending.

    `mark` comes from the page before (`next_mark`) or after (`previous_mark`); one that cannot
    be read begins at the start, as does one that nothing stands behind any longer. No key may be
    NULL: coalesce in the query.

    `asked` are conditions of the query that bound the first key, too: of two bounds SQLite begins
    at the one that it reads first, which must be the mark's.
    """
    return _page(
        lambda way, marks: list(session.scalars(_statement(query, keys, way, asked), marks)),
        keys,
        key_of=key_of,
        mark=mark,
        size=size,
        newest_first=newest_first,
    )


def _page(
    fetch: Callable[[_Way, Mapping[str, object]], list[Row]],
    keys: Sequence[SQLColumnExpression[Any]],
    *,
    key_of: Callable[[Row], Sequence[object]],
    mark: str | None,
    size: int,
    newest_first: bool,
) -> Page[Row]:
    position = _read(mark, keys)
    backwards = position is not None and position[0] == "<"
    marks = {f"mark_{n}": value for n, value in enumerate(position[1])} if position else {}
    way = _Way(size, newest_first, position is not None, backwards)
    found = fetch(way, marks)
    if not found and position is not None:
        # Behind the end: what stood here when the page before was read has gone.
        return _page(fetch, keys, key_of=key_of, mark=None, size=size, newest_first=newest_first)
    more = len(found) > size
    rows = found[:size]
    if backwards:
        rows.reverse()
    has_next = more if not backwards else True
    has_previous = (position is not None) if not backwards else more
    return Page(
        rows=rows,
        next_mark=_write(">", key_of(rows[-1])) if rows and has_next else None,
        previous_mark=_write("<", key_of(rows[0])) if rows and has_previous else None,
    )


def _statement(
    query: Select[Any],
    keys: Sequence[SQLColumnExpression[Any]],
    way: _Way,
    asked: Sequence[ColumnElement[bool]] = (),
) -> Select[Any]:
    """Return what reads one row more than a page."""
    if way.is_marked:
        types = [cast("ColumnElement[Any]", key).type for key in keys]
        here = tuple_(*(bindparam(f"mark_{n}", type_=kind) for n, kind in enumerate(types)))
        query = query.where(tuple_(*keys) < here if way.descends else tuple_(*keys) > here)
    order = [key.desc() if way.descends else key.asc() for key in keys]
    return query.where(*asked).order_by(None).order_by(*order).limit(way.size + 1)


class _Read(NamedTuple):
    """How a page of a list is read."""

    way: _Way
    asked: tuple[ColumnElement[bool], ...]
    beside: Callable[[Subquery], Select[*tuple[Any, ...]]] | None = None
    """What is read of each row beside its id and its keys."""
    as_kept: bool = False
    """The keys come as the database keeps them: of many rows, few are looked at."""
    is_planned_once: bool = False


@lru_cache(maxsize=128)
def _wide_statement(
    query: Select[int], keys: tuple[SQLColumnExpression[Any], ...], wanted: _Read
) -> Select[*tuple[Any, ...]]:
    """Remember: the same few lists are opened all day."""
    columns: Sequence[Any] = (
        [type_coerce(key, NullType()) for key in keys] if wanted.as_kept else keys
    )
    named = [key.label(f"key_{n}") for n, key in enumerate(columns)]
    page = _statement(query.add_columns(*named), keys, wanted.way, wanted.asked)
    if wanted.is_planned_once:
        page = page.limit(literal_column(str(wanted.way.size + 1)))
    if wanted.beside is None:
        return page
    found = page.subquery("page")
    read_from = [found.c.id, *(found.c[key.name] for key in named)]
    rows = wanted.beside(found)
    order = [key.desc() if wanted.way.descends else key.asc() for key in read_from[1:]]
    return rows.with_only_columns(*read_from, *rows.selected_columns).order_by(*order)


def _as_read(rows: Sequence[Any], keys: Sequence[SQLColumnExpression[Any]]) -> list[Any]:
    """Return rows whose keys came as they are kept as if they had been read."""
    dialect = db.session.connection().dialect
    kinds = [cast("ColumnElement[Any]", key).type.dialect_impl(dialect) for key in keys]
    read_by = [kind.result_processor(dialect, None) or _as_it_is for kind in kinds]
    return [
        (row[0], *(each(value) for each, value in zip(read_by, row[1:], strict=True)))
        for row in rows
    ]


def _as_it_is(value: object) -> object:
    return value


def _write(direction: str, values: Sequence[object]) -> str:
    plain = [{"t": value.isoformat()} if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps([direction, plain]).encode()).decode().rstrip("=")


def _read(
    mark: str | None, keys: Sequence[SQLColumnExpression[Any]]
) -> tuple[str, list[Any]] | None:
    """Return direction and values; None for whatever is not a mark for these keys.

    A mark comes from the address, so anybody may have made it up: a value of another type than
    its column would be an error in the database.
    """
    if not mark:
        return None
    try:
        direction, values = json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
        if direction not in ("<", ">") or len(values) != len(keys):
            return None
        return direction, [_plain(value, key) for value, key in zip(values, keys, strict=True)]
    except (ValueError, OverflowError, binascii.Error, TypeError, KeyError, RecursionError):
        return None


def _plain(value: object, key: SQLColumnExpression[Any]) -> object:
    wanted = cast("ColumnElement[Any]", key).type.python_type
    if isinstance(value, dict):
        value = datetime.fromisoformat(value["t"]).astimezone(UTC)
    if isinstance(value, str):
        value.encode()  # half a character is a ValueError
    # True is an int to Python, and none to PostgreSQL.
    is_ours = type(value) is wanted and not (isinstance(value, int) and abs(value) > LARGEST)
    if not is_ours or (isinstance(value, str) and "\x00" in value):
        message = "The mark does not belong to this list."
        raise TypeError(message)
    return value
