"""One run over a file: batch by batch, each in a transaction of its own.

A run that was interrupted is simply started again: what it had done is recognised.
"""

import csv
from collections import Counter
from collections.abc import Callable, Mapping as Table
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from tracker import private_files
from tracker.database import db, refresh_statistics, take_turns, transaction
from tracker.organisation.queries import time_zone_name
from tracker.permissions import SYSTEM, Action, Actor, require_in_unit
from tracker.reports.formulas import safe
from tracker.reports.importing.files import FileError, Row, TableFile
from tracker.reports.importing.mapping import Creatable, Mapping
from tracker.reports.importing.names import Names
from tracker.reports.importing.rows import CONTROL, ImportedRow, Problem, Reason, RowReader
from tracker.reports.importing.writing import Writer
from tracker.service_requests.models import ImportRun, ServiceRequest

BATCH_SIZE: Final = 2000
"""Rows in one transaction: short enough that others wait a moment only."""


@dataclass(slots=True)
class Summary:
    """What a run has done so far."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    made: Counter[Creatable] = field(default_factory=Counter)
    """How many categories, teams, areas and units were made on the way."""
    problems: Counter[tuple[str, Reason]] = field(default_factory=Counter)
    """How often each problem was met: (column, reason)."""


class Rejects:
    """The file of rows that could not be taken over; it is made with the first of them.

    Line, column and reason come before the row's own columns, so that a corrected file can be
    imported as it is. What a spreadsheet would take for a formula is quoted; the reader of files
    takes that off again.
    """

    def __init__(
        self, path: Path, header: tuple[str, ...], say: Callable[[Problem], str] | None = None
    ) -> None:
        self.path = path
        self.header = header
        self._say = say or (lambda problem: str(problem.reason))
        self._stream: IO[str] | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        """Take away what an earlier run left."""
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file if there is one."""
        if self._stream is not None:
            self._stream.close()

    def add(self, line: int, row: Row, problems: list[Problem]) -> None:
        """Write one row with everything that is wrong with it."""
        if self._stream is None:
            self._stream = private_files.opened(self.path, "w", encoding="utf-8-sig", newline="")
            self._writer = csv.writer(self._stream)
            self._writer.writerow(["line", "column", "reason", *map(safe, self.header)])
        columns = "; ".join(dict.fromkeys(problem.column for problem in problems))
        reasons = "; ".join(dict.fromkeys(self._say(problem) for problem in problems))
        self._writer.writerow(
            [line, *map(safe, (columns, reasons, *(row.get(name, "") for name in self.header)))]
        )


@dataclass(slots=True)
class Run:
    """One run of the importer. Without `run_id` it is dry: it counts, and writes nothing."""

    table: TableFile
    mapping: Mapping
    actor: Actor
    now: datetime
    rejects: Rejects
    run_id: int | None
    recorded_run_id: int | None = None
    """Where a dry run that a page shows notes how far it is."""
    home_unit_id: int | None = None
    """The unit for rows that name none; without one, what the mapping says."""
    actor_now: Callable[[], Actor] | None = None
    """Loads `actor` anew: a long run ends with the right of who began it."""
    on_batch: Callable[[Summary], None] = lambda _summary: None
    summary: Summary = field(default_factory=Summary)
    _made_before: int = 0
    _batch: dict[str, tuple[int, Row, ImportedRow]] = field(default_factory=dict)
    _first_lines: dict[int, int] = field(default_factory=dict)
    """Which line has a number first. Hashes of the numbers, as a file may have millions of them."""

    def go(self) -> Summary:
        """Read the whole file.

        Raises `FileError` when a column of the mapping is not in the file, `MappingError` when
        the mapping's unit is not there, and `NotPermittedError` when `actor` may not import
        into it, at the beginning or any more.
        """
        check_columns(self.table, self.mapping)
        zone = ZoneInfo(self.mapping.time_zone or time_zone_name())
        reader = RowReader(self.mapping, zone, self.now)
        with transaction():
            names = Names(
                self.mapping,
                actor=self.actor,
                is_dry=self.run_id is None,
                now=self.now,
                home_id=self.home_unit_id,
            )
            if self.actor is not SYSTEM:
                require_in_unit(self.actor, Action.IMPORT_SERVICE_REQUESTS, names.home_id)
            if self.run_id is not None:
                self._made_before = made_by(self.run_id)
        writer = Writer(names, self.mapping.source, self.run_id, self.actor, self.now)
        with self.rejects:
            for line, row in self.table.rows():
                self.summary.read += 1
                result = reader.read(row)
                if not isinstance(result, list):
                    result = self._came_before(line, result) or result
                if isinstance(result, list):
                    self._reject(line, row, result)
                    continue
                self._batch[result.source_id] = (line, row, result)
                if len(self._batch) >= BATCH_SIZE:
                    self._flush(writer)
            self._flush(writer)
        if self.run_id is not None:
            refresh_statistics()
        return self.summary

    def _came_before(self, line: int, row: ImportedRow) -> list[Problem]:
        """Return that an earlier line has the number of `row`; else remember that `line` has it.

        Which of the two is right nobody here knows: taken one after the other, one would be lost.
        """
        first = self._first_lines.get(number := hash(row.source_id))
        if first is None:
            self._first_lines[number] = line
            return []
        column = self.mapping.columns.source_id
        return [Problem(column, Reason.TWICE_IN_THE_FILE, str(first))]

    def _flush(self, writer: Writer) -> None:
        if self.run_id is None:
            self._require_still(writer.names)
            done = writer.write([row for _line, _row, row in self._batch.values()])
            db.session.rollback()  # a dry run holds nobody up
        else:
            with transaction():
                # The second of two that bring in the same finds what the first has made.
                take_turns(f"import {self.mapping.source}")
                writer.names.keep_trees()
                self._require_still(writer.names)
                done = writer.write([row for _line, _row, row in self._batch.values()])
                writer.names.know_what_was_made()
        # What this very run brought in before it came to a halt is its own, though it is there now.
        own = min(done.unchanged, self._made_before)
        self._made_before -= own
        self.summary.created += done.created + own
        self.summary.updated += done.updated
        self.summary.unchanged += done.unchanged - own
        for source_id, problems in done.rejected.items():
            line, raw, _row = self._batch[source_id]
            self._reject(line, raw, problems)
        self._batch.clear()
        self.summary.made = writer.names.created
        self._note_progress()
        self.on_batch(self.summary)

    def _require_still(self, names: Names) -> None:
        """Go on with what `actor` holds by now, if that is enough for the unit of the run."""
        if self.actor_now is not None:
            names.actor = self.actor_now()
            require_in_unit(names.actor, Action.IMPORT_SERVICE_REQUESTS, names.home_id)

    def _note_progress(self) -> None:
        if (noted := self.run_id or self.recorded_run_id) is not None:
            with transaction():
                note(noted, counts_of(self.summary))

    def _reject(self, line: int, row: Row, problems: list[Problem]) -> None:
        self.summary.rejected += 1
        self.summary.problems.update((problem.column, problem.reason) for problem in problems)
        self.rejects.add(line, row, problems)


def check_columns(table: TableFile, mapping: Mapping) -> None:
    """Raise `FileError` when the file lacks a column that the mapping names."""
    absent = [name for name in mapping.asked if name not in table.header]
    if absent:
        raise FileError(
            _(
                "This file lacks columns that the mapping needs: %(columns)s. Choose another mapping, or another file.",
                columns=", ".join(absent),
            )
        )


def begin(
    file_name: str, mapping: Mapping, *, actor: Actor, now: datetime, is_dry: bool = False
) -> ImportRun:
    """Record that a run begins, in the caller's transaction."""
    run = ImportRun(
        file_name=CONTROL.sub("", file_name)[-200:],
        source=mapping.source,
        is_dry=is_dry,
        started_by_id=actor.person_id,
        started_at=now,
    )
    db.session.add(run)
    db.session.flush()
    return run


def made_by(run_id: int) -> int:
    """Return how many requests a run has made so far."""
    made = select(func.count()).where(ServiceRequest.import_id == run_id)
    return db.session.scalar(made) or 0


def note(run_id: int, values: Table[str, Any]) -> None:
    """Write down how a run stands, in the caller's transaction."""
    db.session.execute(update(ImportRun).where(ImportRun.id == run_id).values(**values))


def counts_of(summary: Summary) -> dict[str, int]:
    """Return the counts as columns of `ImportRun`."""
    return {
        "rows_read": summary.read,
        "rows_created": summary.created,
        "rows_updated": summary.updated,
        "rows_unchanged": summary.unchanged,
        "rows_rejected": summary.rejected,
    }
