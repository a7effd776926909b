"""How much of a file is read before it is refused: a few bytes can unpack to anything."""

from typing import Final

from flask_babel import gettext as _

MOST_UNPACKED: Final = 1 << 29
"""Bytes of a file, or of the sheet in a workbook: some millions of rows."""
MOST_OF_A_ROW: Final = 1 << 22
"""Bytes of a sheet, characters of another file: a row is held in memory while it is read."""
MOST_ROWS: Final = 1 << 20
"""Of a workbook: a file of a few bytes can name the last cell of a sheet without end."""
MOST_COLUMNS: Final = 1000


class FileError(Exception):
    """The file is not a table that can be read. The message says why, in the reader's language."""


def refuse_size(most: int) -> FileError:
    """Return that a part of a workbook unpacks to more than `most` bytes."""
    return FileError(
        _(
            "The file unpacks to more than %(most)s MB. Save it as CSV, or bring it in in parts.",
            most=most >> 20,
        )
    )


def refuse_much() -> FileError:
    """Return that a workbook has parts, cells, texts or looks without end."""
    return FileError(
        _("The file holds too much for a workbook. Save it as CSV, or bring it in in parts.")
    )


def refuse_row() -> FileError:
    """Return that one row of a file takes more than `MOST_OF_A_ROW`."""
    return FileError(
        _("A row of the file is longer than %(most)s MB.", most=f"{MOST_OF_A_ROW / (1 << 20):g}")
    )


def refuse_rows(most: int) -> FileError:
    """Return that a file has more rows than are read of one."""
    return FileError(
        _("The file has more than %(most)s rows. Bring it in in parts.", most=f"{most:,}")
    )


def refuse_columns() -> FileError:
    """Return that a file has more columns than are read of one."""
    return FileError(_("The file has more than %(most)s columns.", most=MOST_COLUMNS))
