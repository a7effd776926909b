"""One row of a file becomes the values of a request, or the reasons why it can't.

Pure, and the hot path: it runs once for every row of files with a million of them.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from tracker.reports.formulas import NotComputed
from tracker.reports.importing.files import Row
from tracker.reports.importing.mapping import Mapping
from tracker.service_requests.lifecycle import HANDLED_STATUSES, Kind, Outcome, Status


class Reason(StrEnum):
    """Why a row is not taken over. `words` says it in the reader's language."""

    MISSING = "missing"
    NOT_A_TIME = "not_a_time"
    UNKNOWN_STATUS = "unknown_status"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_OUTCOME = "unknown_outcome"
    TOO_LONG = "too_long"
    CLOSED_BEFORE_SUBMITTED = "closed_before_submitted"
    BEFORE_SUBMITTED = "before_submitted"
    OPEN_WITH_CLOSING_TIME = "open_with_closing_time"
    IN_THE_FUTURE = "in_the_future"
    NO_SUCH_UNIT = "no_such_unit"
    NO_SUCH_TEAM = "no_such_team"
    NO_SUCH_AREA = "no_such_area"
    NO_SUCH_CATEGORY = "no_such_category"
    WORKED_ON_HERE = "worked_on_here"
    ANOTHER_UNITS_NUMBER = "another_units_number"
    NOT_COMPUTED = "not_computed"
    TWICE_IN_THE_FILE = "twice_in_the_file"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row: in which column, why, and what it says there."""

    column: str
    reason: Reason
    value: str = ""
    """Of a number that the file has twice: the line that has it first."""


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """What a row says, in our words. Names are not looked up yet; times are aware, in UTC."""

    source_id: str
    status: Status
    kind: Kind
    outcome: Outcome | None
    submitted_at: datetime
    accepted_at: datetime | None
    assigned_at: datetime | None
    first_response_at: datetime | None
    due_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    resolved_on_time: bool | None
    category: tuple[str, ...]
    area: tuple[str, ...]
    unit: str
    team: str
    channel: str
    address: str
    need: str
    answer: str

    @property
    def digest(self) -> str:
        """Return what changes exactly when the row says something else."""
        said = repr([getattr(self, field.name) for field in fields(self)])
        return blake2b(said.encode(), digest_size=12).hexdigest()


LONGEST: Final = {
    "source_id": 80,
    "channel": 60,
    "address": 200,
    "unit": 120,
    "team": 120,
    "category": 120,
    "area": 120,
    "need": 20_000,
    "answer": 20_000,
}
"""Characters. No column of a need has an end, but what it can be found by has."""
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing was submitted before: whatever took longer is more seconds than a column holds."""
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_COMMON_FORMATS: Final = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y年%m月%d日")


class RowReader:
    """Reads the rows of one file. `now` is the latest moment that a row may name as past."""

    def __init__(self, mapping: Mapping, zone: tzinfo, now: datetime) -> None:
        self.mapping = mapping
        self.zone = zone
        self.now = now
        self._time = lru_cache(maxsize=4096)(self._read_time)

    def read(self, row: Row) -> ImportedRow | list[Problem]:
        """Return what a row says, or everything that is wrong with it."""
        if NotComputed in map(type, row.values()) and (unsaid := self._not_computed(row)):
            return unsaid
        reading = _Reading(self, row)
        result = reading.result()
        return reading.problems or result

    def time(self, text: str) -> datetime:
        """Return the moment that a text names; raises `ValueError`."""
        return self._time(text)

    def _not_computed(self, row: Row) -> list[Problem]:
        """Return where it is not known what the row says; columns that nobody asks for may say anything."""
        return [
            Problem(column, Reason.NOT_COMPUTED, row[column])
            for column in self.mapping.asked
            if isinstance(row.get(column), NotComputed)
        ]

    def _read_time(self, text: str) -> datetime:
        naive = self._parsed(text)
        return (naive if naive.tzinfo else naive.replace(tzinfo=self.zone)).astimezone(UTC)

    def _parsed(self, text: str) -> datetime:
        for form in self.mapping.time_formats:
            try:
                return datetime.strptime(text, form)  # noqa: DTZ007 - the zone comes after
            except ValueError:
                continue
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            for form in _COMMON_FORMATS:
                try:
                    return datetime.strptime(text, form)  # noqa: DTZ007
                except ValueError:
                    continue
            raise


class _Reading:
    """One row being read, with what was found wrong so far."""

    def __init__(self, reader: RowReader, row: Row) -> None:
        self.reader = reader
        self.mapping = reader.mapping
        self.row = row
        self.problems: list[Problem] = []

    def result(self) -> ImportedRow | list[Problem]:
        columns = self.mapping.columns
        source_id = self._text("source_id", columns.source_id)
        if not source_id:
            self._complain(columns.source_id, Reason.MISSING)
        submitted_at = self._time(columns.submitted_at)
        if submitted_at is None and not self.problems_with(columns.submitted_at):
            self._complain(columns.submitted_at, Reason.MISSING)
        closed_at = self._time(columns.closed_at)
        due_at = self._time(columns.due_at)
        status, on_time = self._status()
        if status is None or submitted_at is None:
            return self.problems
        self._check_times(status, submitted_at, closed_at)
        accepted_at = self._later(columns.accepted_at, submitted_at)
        assigned_at = self._later(columns.assigned_at, submitted_at)
        first_response_at = self._later(columns.first_response_at, submitted_at)
        # With one time for both, reporting the result and closing were the same to the source.
        resolved_at = self._later(columns.resolved_at, submitted_at) or closed_at
        if closed_at:  # whatever the source noted afterwards
            accepted_at, assigned_at, first_response_at, resolved_at = (
                min(one, closed_at) if one else None
                for one in (accepted_at, assigned_at, first_response_at, resolved_at)
            )
        is_handled = status in HANDLED_STATUSES
        if is_handled and on_time is None and due_at and resolved_at:
            on_time = resolved_at <= due_at
        return ImportedRow(
            source_id=source_id,
            status=status,
            kind=self._kind(),
            outcome=self._outcome() if is_handled else None,
            submitted_at=submitted_at,
            accepted_at=accepted_at if status is not Status.SUBMITTED else None,
            assigned_at=assigned_at,
            first_response_at=first_response_at,
            due_at=due_at,
            resolved_at=resolved_at if is_handled else None,
            closed_at=closed_at,
            resolved_on_time=on_time if is_handled else None,
            category=self._path("category", columns.category),
            area=self._path("area", columns.area),
            unit=self._text("unit", columns.unit),
            team=self._text("team", columns.team),
            channel=self._text("channel", columns.channel),
            address=self._text("address", columns.address),
            need=self._joined("need", columns.need),
            answer=self._within("answer", columns.answer, self._said(columns.answer))
            if is_handled
            else "",
        )

    def problems_with(self, column: str) -> bool:
        """Tell whether something is wrong in a column."""
        return any(problem.column == column for problem in self.problems)

    def _check_times(
        self, status: Status, submitted_at: datetime, closed_at: datetime | None
    ) -> None:
        columns = self.mapping.columns
        if submitted_at < EARLIEST:
            self._complain(columns.submitted_at, Reason.NOT_A_TIME)
        if submitted_at > self.reader.now:
            self._complain(columns.submitted_at, Reason.IN_THE_FUTURE)
        if closed_at is None:
            return
        if closed_at < submitted_at:
            self._complain(columns.closed_at, Reason.CLOSED_BEFORE_SUBMITTED)
        elif closed_at > self.reader.now:
            self._complain(columns.closed_at, Reason.IN_THE_FUTURE)
        if status is not Status.CLOSED:
            self._complain(columns.closed_at, Reason.OPEN_WITH_CLOSING_TIME)

    def _status(self) -> tuple[Status | None, bool | None]:
        rules = self.mapping.status_rules
        for rule in rules:
            if self.row.get(rule.column, "") == rule.equals:
                return rule.status, rule.on_time
        if self.mapping.status_default is None:
            self._complain(rules[0].column, Reason.UNKNOWN_STATUS)
        return self.mapping.status_default, None

    def _kind(self) -> Kind:
        said = self._said(self.mapping.kind_column)
        if not said:
            return self.mapping.kind_default
        kind = (self.mapping.kind_values or {}).get(said)
        if kind is None:
            self._complain(self.mapping.kind_column, Reason.UNKNOWN_KIND)
        return kind or self.mapping.kind_default

    def _outcome(self) -> Outcome | None:
        column = self.mapping.columns.outcome
        said = self._said(column)
        if not said:
            return None
        outcome = (self.mapping.outcome_values or {}).get(said)
        if outcome is None:
            self._complain(column, Reason.UNKNOWN_OUTCOME)
        return outcome

    def _time(self, column: str) -> datetime | None:
        said = self._said(column)
        if not said:
            return None
        try:
            return self.reader.time(said)
        except (ValueError, OverflowError):
            if not self.problems_with(column):
                self._complain(column, Reason.NOT_A_TIME)
            return None

    def _later(self, column: str, submitted_at: datetime) -> datetime | None:
        """Return when something happened to the request: after it came, and not in times to come."""
        happened_at = self._time(column)
        if happened_at is None or column == self.mapping.columns.closed_at:
            return happened_at  # of closing more is asked
        if happened_at < submitted_at:
            self._complain(column, Reason.BEFORE_SUBMITTED)
        elif happened_at > self.reader.now:
            self._complain(column, Reason.IN_THE_FUTURE)
        return happened_at

    def _path(self, field: str, columns: Sequence[str]) -> tuple[str, ...]:
        """Return the levels that are filled in, from the top; the same name below itself stays."""
        return tuple(filter(None, (self._text(field, column) for column in columns)))

    def _line(self, column: str) -> str:
        """Return what stands there as one line: a name or a place."""
        return " ".join(self._said(column).splitlines())

    def _joined(self, field: str, columns: Sequence[str]) -> str:
        if not columns:
            return ""
        said = " · ".join(dict.fromkeys(filter(None, map(self._line, columns))))
        if len(said) > LONGEST[field]:
            # What makes it too long is the longest of them.
            self._complain(max(columns, key=lambda each: len(self._line(each))), Reason.TOO_LONG)
        return said

    def _text(self, field: str, column: str) -> str:
        return self._within(field, column, self._line(column))

    def _within(self, field: str, column: str, said: str) -> str:
        if len(said) > LONGEST[field]:
            self._complain(column, Reason.TOO_LONG)
        return said

    def _said(self, column: str) -> str:
        if not column:
            return ""
        said = self.row.get(column, "")
        if said in self.mapping.missing:
            return ""
        if not said.isascii():
            said = unicodedata.normalize("NFC", said)
        return CONTROL.sub("", said)

    def _complain(self, column: str, reason: Reason) -> None:
        self.problems.append(Problem(column, reason, self.row.get(column, "")))
