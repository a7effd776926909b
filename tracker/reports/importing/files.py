"""Reading any table row by row, whatever made it: CSV in the encodings met here, or XLSX.

Nothing is ever held whole in memory. Files ending in .gz are unpacked while they are read.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self, TextIO, TypeAlias, cast

from flask_babel import gettext as _

from tracker.reports.formulas import NotComputed, unquoted
from tracker.reports.importing import bounds
from tracker.reports.importing.bounds import FileError

__all__ = ["FileError", "Row", "TableFile", "open_table"]

Row: TypeAlias = dict[str, str]
"""What a row says: column name → text, without spaces around it. Of a workbook a text may be `NotComputed`."""

CHUNK: Final = 1 << 20
ENCODINGS: Final = ("utf-8-sig", "gb18030")
"""Tried in this order. GB18030 reads nearly anything, so it comes last."""
SAMPLE: Final = 1 << 16
MOST_LINES: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table that was looked through once."""

    path: Path
    encoding: str | None
    """None: an XLSX workbook."""
    delimiter: str
    header: tuple[str, ...]
    row_count: int

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield each row with its line number, counted from 1 for the header.

        In a CSV file it is the line where the row ends; in a workbook the row of the sheet.
        A row that is empty all over is passed by.
        """
        with _records(self.path, self.encoding, self.delimiter) as records:
            next(records, None)
            for line, record in records:
                if any(record):
                    yield line, dict(zip(self.header, _filled(record, self.header), strict=False))


def open_table(path: Path, encoding: str | None = None) -> TableFile:
    """Look through a file: find its encoding, columns and number of rows.

    `encoding` skips the guessing. Raises `FileError` when it is not a table with a header.
    """
    try:
        return _look_through(path, encoding)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileError(_("The file is damaged. Pack it anew and try again.")) from error
    except OSError as error:
        raise FileError(_("The file cannot be read.")) from error
    except UnicodeError as error:
        raise FileError(
            _("The file is damaged, or in another encoding than the mapping says.")
        ) from error
    except csv.Error as error:
        raise FileError(
            _(
                "The file is not a CSV file: a cell in it is too long, or a quotation mark has no end."
            )
        ) from error


def _look_through(path: Path, encoding: str | None) -> TableFile:
    delimiter = ","
    if _is_workbook(path):
        encoding = None
    else:
        encoding = encoding or _encoding_of(path)
        delimiter = _delimiter_of(path, encoding)
    with _records(path, encoding, delimiter) as records:
        first = next(records, None)
        if first is None or not any(first[1]):
            raise FileError(_("The file is empty: its first row must name the columns."))
        header = tuple(first[1])
        if len(header) > bounds.MOST_COLUMNS:
            raise bounds.refuse_columns()
        doubles = {name for name in header if name and header.count(name) > 1}
        if doubles:
            raise FileError(
                _(
                    "The file has two columns of the same name: %(names)s.",
                    names=", ".join(sorted(doubles)),
                )
            )
        count = sum(1 for _line, record in records if any(record))
    return TableFile(path, encoding, delimiter, header, count)


def _is_workbook(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def _encoding_of(path: Path) -> str:
    with _binary(path) as stream:
        start = stream.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ENCODINGS:
        if _decodes(path, encoding):
            return encoding
    raise FileError(
        _("The file is neither UTF-8 nor GB18030. Save it as “CSV UTF-8” and try again.")
    )


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with _binary(path) as stream:
            while chunk := stream.read(CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter_of(path: Path, encoding: str) -> str:
    """Return what separates the columns of the header: a comma, a semicolon or a tab."""
    with _binary(path) as stream:
        sample = stream.read(SAMPLE)
    lines = codecs.getincrementaldecoder(encoding)().decode(sample).splitlines()
    header = lines[0] if lines else ""
    return max(",;\t", key=lambda mark: (header.count(mark), mark == ","))


@contextmanager
def _binary(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as plain:
        is_packed = plain.read(2) == b"\x1f\x8b"
    # By its content, not its name: an upload may be called anything.
    with _Unpacked(path, "rb") if is_packed else path.open("rb") as stream:
        yield cast("BinaryIO", stream)


class _Unpacked(gzip.GzipFile):
    """Unpacks up to a limit: a small file can hold more than anybody reads in a day."""

    def read(self, size: int | None = -1) -> bytes:
        return self._counted(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._counted(super().read1(size))

    def _counted(self, piece: bytes) -> bytes:
        if self.tell() > bounds.MOST_UNPACKED:
            raise FileError(
                _(
                    "The file unpacks to more than %(most)s MB. Bring it in in parts.",
                    most=bounds.MOST_UNPACKED >> 20,
                )
            )
        return piece


@contextmanager
def _records(
    path: Path, encoding: str | None, delimiter: str
) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Open a table as (line number, cells)."""
    if encoding is None:
        with _workbook(path) as records:
            yield records
        return
    with _binary(path) as binary:
        # newline="": only the CSV reader may say where a row ends.
        text = io.TextIOWrapper(binary, encoding=encoding, newline="")
        yield _csv_records(text, delimiter)


@contextmanager
def _workbook(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    # What reads them takes 5 MB, 15 where numpy is installed, of which only a process that imports has need.
    from tracker.reports.importing.workbooks import sheet_rows  # noqa: PLC0415

    try:
        with path.open("rb") as stream, closing(sheet_rows(stream)) as rows:
            yield ((number, [_of_workbook(cell) for cell in cells]) for number, cells in rows)
    except FileError:
        raise
    except Exception as error:  # a damaged part makes of itself whatever it likes
        raise FileError(
            _("The file is damaged, or not an Excel workbook (.xlsx). Save it anew and try again.")
        ) from error


def _csv_records(text: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter)
    for record in reader:
        lines.held = 0
        if reader.line_num > MOST_LINES:
            raise bounds.refuse_rows(MOST_LINES)
        yield reader.line_num, [_plain(cell) for cell in record[: bounds.MOST_COLUMNS + 1]]


class _Lines:
    """The lines of a file. `held` counts their characters since it was last set to nothing."""

    def __init__(self, text: TextIO) -> None:
        self.held = 0
        self._text = text

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._text.readline(bounds.MOST_OF_A_ROW + 1)
        if not line:
            raise StopIteration
        self.held += len(line)
        if self.held > bounds.MOST_OF_A_ROW:
            raise bounds.refuse_row()
        # Some exports pad fields with NUL, which neither the CSV reader nor PostgreSQL takes.
        return line.replace("\x00", "") if "\x00" in line else line


def _of_workbook(cell: str) -> str:
    return cell if isinstance(cell, NotComputed) else _plain(cell)


def _plain(text: str) -> str:
    return unquoted(text.strip())


def _filled(record: list[str], header: tuple[str, ...]) -> list[str]:
    return record + [""] * (len(header) - len(record))
