"""What backups of both kinds of database have in common."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, inspect, select

from tracker.database import Model
from tracker.errors import ShishiError
from tracker.set_up import SetUpStamp


class BackupError(ShishiError):
    """A backup cannot be made or restored; the message says why, for whoever asked."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that a backup must hold."""

    id: int
    key: str
    is_of_draft: bool
    """Then it may be thrown away at any time."""


@dataclass(frozen=True, slots=True)
class Source:
    """A database at one moment, to be written into a backup."""

    revision: str
    rows: Mapping[str, int]
    """Table → how many rows."""
    columns: Mapping[str, Sequence[str]]
    """Table → its columns, in the order of its file."""
    files: Callable[[], Iterator[tuple[str, Path]]]
    """Gives each file of the database; it may be deleted after."""
    photos: Callable[[], Iterator[Photo]]
    sequences: Callable[[], Mapping[str, Any]]


def has_no_rows(engine: Engine) -> bool:
    """Tell whether none of our tables holds anything, or there are none.

    The stamp of the set-up, which migrations make, is nothing.
    """
    with engine.connect() as connection:
        there = set(inspect(connection).get_table_names())
        return all(
            connection.scalar(select(func.count()).select_from(select(table).limit(1).subquery()))
            == 0
            for table in Model.metadata.sorted_tables
            if table.name in there and table is not SetUpStamp.__table__
        )
