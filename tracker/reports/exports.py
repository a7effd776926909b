"""Lists as CSV and XLSX, safe to open: no cell of a request can become a formula.

Contact data is masked, whoever exports; the full data is looked at in the request itself.
"""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import IO, Final, TypeAlias

import xlsxwriter
from flask_babel import gettext as _

from tracker.reports.values import SECONDS_A_DAY
from tracker.service_requests.dossier import masked_contact
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.reference import format_reference
from tracker.service_requests.words import SATISFACTION, channel_label
from tracker.web.labels import label
from tracker.web.locale import local_datetime, localized

Cell: TypeAlias = str | float | datetime | None

DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula, full width too."""
MOST_ROWS: Final = 1_048_575
"""What a sheet of a workbook holds below its header."""
LONGEST_CELL: Final = 32_767


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


def cells(row: ServiceRequest, country: str) -> list[Cell]:
    """Return what an export says of a request; times on the organisation's clock.

    `country` (ISO 3166-1) says whose phone numbers are written short.
    """
    contact = masked_contact(row, country)
    top = row.category.parent or row.category
    return [
        format_reference(row.reference),
        label(row.kind),
        localized(top),
        localized(row.category) if row.category.parent else "",
        localized(row.unit),
        localized(row.area),
        contact.address,
        channel_label(row.channel),
        label(row.priority),
        label(row.status),
        label(row.outcome),
        localized(row.lead_team),
        row.leader.name if row.leader else "",
        contact.name,
        contact.phone,
        _clock(row.submitted_at),
        _clock(row.due_at),
        _clock(row.resolved_at),
        _yes_or_no(row.resolved_on_time),
        _clock(row.closed_at),
        None if row.seconds_to_close is None else row.seconds_to_close / SECONDS_A_DAY,
        label(row.solved),
        str(SATISFACTION[row.satisfaction]) if row.satisfaction else "",
        row.times_reopened,
        row.source_id or "",
    ]


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield a CSV file piece by piece: UTF-8 with the mark that Excel needs to see that."""
    yield "\ufeff".encode()
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([safe(name) for name in head])
    for row in rows:
        writer.writerow([_plain(cell) for cell in row])
        if buffer.tell() > 1 << 16:
            yield _taken(buffer)
    yield _taken(buffer)


def workbook(title: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> IO[bytes]:
    """Return an XLSX file, read from its beginning; the caller closes it, and it is gone.

    Texts are written as texts. Past the most that a sheet holds, rows are left out: the CSV
    has them all.
    """
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
    sheet = book.add_worksheet()
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


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: quoted if it looks like one."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def _plain(cell: Cell) -> str | float:
    match cell:
        case None:
            return ""
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M:%S}"
        case str():
            return safe(cell)
        case _:
            return round(cell, 6)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _clock(moment: datetime | None) -> datetime | None:
    """Return the organisation's wall clock; spreadsheets know no zones."""
    return None if moment is None else local_datetime(moment).replace(tzinfo=None)


def _yes_or_no(flag: bool | None) -> str:  # noqa: FBT001 - it is the value
    if flag is None:
        return ""
    return str(_("Yes") if flag else _("No"))
