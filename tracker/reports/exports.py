"""Lists as CSV and XLSX, safe to open: no cell of a request can become a formula.

Contact data is masked, whoever exports; the full data is looked at in the request itself.
"""

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import IO, Final, TypeAlias, TypeVar

from flask_babel import gettext as _
from sqlalchemy import select

from tracker.database import db
from tracker.organisation.models import Area, Category, Unit
from tracker.privacy import mask_address, mask_name, mask_phone
from tracker.reports.formulas import DANGEROUS, safe
from tracker.reports.listing import Row
from tracker.reports.values import SECONDS_A_DAY
from tracker.service_requests.lifecycle import Kind, Outcome, Priority, Solved, Status
from tracker.service_requests.reference import format_reference
from tracker.service_requests.words import SATISFACTION, channel_label
from tracker.set_up import until_set_up_changes
from tracker.teams.models import Team
from tracker.web.labels import label
from tracker.web.locale import current_locale, in_locale, localized, rounded_days, time_zone

Member = TypeVar("Member", bound=Enum)
Cell: TypeAlias = str | float | datetime | None

MOST_ROWS: Final = 1_048_575
"""What a sheet of a workbook holds below its header."""
LONGEST_CELL: Final = 32_767
LONGEST_NAME: Final = 31
"""Of a sheet."""
_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\]+")


def header() -> list[str]:
    """Return the names of the columns, in the reader's language."""
    return [
        _("Reference"),
        _("Kind"),
        _("Category"),
        _("Detailed category"),
        _("Unit"),
        _("Area"),
        _("Address (masked)"),
        _("Way in"),
        _("Priority"),
        _("Status"),
        _("Outcome"),
        _("Team"),
        _("Leader"),
        _("Requester (masked)"),
        _("Phone (masked)"),
        _("Sent in"),
        _("Due"),
        _("Resolved"),
        _("On time"),
        _("Closed"),
        _("Days to close"),
        _("Solved?"),
        _("Satisfaction"),
        _("Times reopened"),
        _("Number at the source"),
    ]


class Lines:
    """Makes lines of rows, in the language and on the clock that are spoken now.

    A million of them are made at a stretch: what is the same in each is looked up once.
    `country` (ISO 3166-1) says whose phone numbers are written short.
    """

    def __init__(self, country: str) -> None:
        self._country = country
        self._locale = current_locale()
        self._zone = time_zone()
        self._yes_or_no = {None: "", True: str(_("Yes")), False: str(_("No"))}
        self._solved = _labels(Solved)
        self._outcomes = _labels(Outcome)
        self._kinds = {one: label(one) for one in Kind}
        self._priorities = {one: label(one) for one in Priority}
        self._statuses = {one: label(one) for one in Status}
        self._satisfaction: dict[int | None, str] = {None: ""}
        self._satisfaction |= {one: str(words) for one, words in SATISFACTION.items()}
        self._channels: dict[str, str] = {}

    def of(self, rows: Iterable[Row]) -> Iterator[list[Cell]]:
        """Yield the line of each row."""
        names = _names(self._locale)
        for row in rows:
            try:
                line = self._line(row, names)
            except KeyError:  # something was set up since this page began, and is named already
                names = _read_names(self._locale)
                line = self._line(row, names)
            yield line

    def _line(self, row: Row, names: "_Names") -> list[Cell]:
        top, leaf = names.categories[row.category_id]
        seconds = row.seconds_to_close
        return [
            format_reference(row.reference),
            self._kinds[row.kind],
            top,
            leaf,
            names.units[row.unit_id],
            names.areas[row.area_id],
            mask_address(row.address),
            self._channel(row.channel),
            self._priorities[row.priority],
            self._statuses[row.status],
            self._outcomes[row.outcome],
            names.teams[row.lead_team_id],
            row.leader_name or "",
            mask_name(row.requester_name or ""),
            mask_phone(row.requester_phone, self._country) if row.requester_phone else "",
            self._clock(row.submitted_at),
            self._clock(row.due_at),
            self._clock(row.resolved_at),
            self._yes_or_no[row.resolved_on_time],
            self._clock(row.closed_at),
            None if seconds is None else rounded_days(seconds / SECONDS_A_DAY),
            self._solved[row.solved],
            self._satisfaction[row.satisfaction],
            row.times_reopened,
            row.source_id or "",
        ]

    def _channel(self, channel: str) -> str:
        if channel not in self._channels:
            self._channels[channel] = channel_label(channel)
        return self._channels[channel]

    def _clock(self, moment: datetime | None) -> datetime | None:
        """Return the organisation's wall clock; spreadsheets know no zones."""
        return None if moment is None else moment.astimezone(self._zone).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class _Names:
    """What ids are called; None is called nothing."""

    categories: Mapping[int, tuple[str, str]]
    """With the group above it first."""
    units: Mapping[int | None, str]
    areas: Mapping[int | None, str]
    teams: Mapping[int | None, str]


def _read_names(locale: str) -> _Names:
    with in_locale(locale):
        categories = {one.id: one for one in db.session.scalars(select(Category))}
        tops = {one.id: categories.get(one.parent_id or 0) for one in categories.values()}
        return _Names(
            categories={
                one.id: (localized(top), localized(one)) if top else (localized(one), "")
                for one in categories.values()
                for top in (tops[one.id],)
            },
            units=_named(Unit),
            areas=_named(Area),
            teams=_named(Team),
        )


_names: Final = until_set_up_changes(_read_names)


def _named(kind: type[Unit] | type[Area] | type[Team]) -> Mapping[int | None, str]:
    things: Iterable[Unit | Area | Team] = db.session.scalars(select(kind))
    return {None: "", **{one.id: localized(one) for one in things}}


def _labels(kind: type[Member]) -> Mapping[Member | None, str]:
    return {None: "", **{one: label(one) for one in kind}}


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield a CSV file piece by piece: UTF-8 with the mark that Excel needs to see that."""
    yield "\ufeff".encode()
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([safe(name) for name in head])
    for row in rows:
        # Nearly every cell is a text that is safe as it is: it is worth no call.
        writer.writerow(
            [
                cell if type(cell) is str and cell[:1] not in DANGEROUS else _plain(cell)
                for cell in row
            ]
        )
        if buffer.tell() > 1 << 16:
            yield _taken(buffer)
    yield _taken(buffer)


def workbook(title: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> IO[bytes]:
    """Return an XLSX file, read from its beginning; the caller closes it, and it is gone.

    Texts are written as texts. Past the most that a sheet holds, rows are left out: the CSV
    has them all.
    """
    # With what it needs it takes 2 MB of a process that few ask for workbooks.
    import xlsxwriter  # noqa: PLC0415

    file = tempfile.TemporaryFile(suffix=".xlsx")  # noqa: SIM115 - it lives as long as the answer
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": True,
        },
    )
    bold = book.add_format({"bold": True, "bottom": 1})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    decimal = book.add_format({"num_format": "0.00"})
    sheet = book.add_worksheet(_sheet_name(title))
    book.set_properties({"title": title})
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, len(head) - 1, 18)
    for column, name in enumerate(head):
        sheet.write_string(0, column, name, bold)
    for number, row in enumerate(rows, start=1):
        if number > MOST_ROWS:
            break
        for column, cell in enumerate(row):
            match cell:
                case None | "":
                    continue
                case datetime():
                    sheet.write_datetime(number, column, cell, moment)
                case str():
                    sheet.write_string(number, column, cell[:LONGEST_CELL])
                case _:
                    style = None if float(cell).is_integer() else decimal
                    sheet.write_number(number, column, cell, style)
    book.close()
    file.seek(0)
    return file


def _sheet_name(title: str) -> str:
    """Return a title as a sheet may be called: without what Excel forbids, and not too long."""
    return _NOT_IN_NAMES.sub(" ", title).strip(" '")[:LONGEST_NAME].rstrip(" '")


def _plain(cell: Cell) -> str | float:
    if isinstance(cell, str):
        return safe(cell)
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    return round(cell, 6)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
