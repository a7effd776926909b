"""Reading a workbook (.xlsx) row by row.

A workbook is XML in a ZIP file, of which a few bytes make any number of rows, cells, styles, texts
or parts. So only those parts are read that say what stands in the sheet, piece by piece, each
piece is forgotten after it was read, and everything has a bound.
"""

import posixpath
import zipfile
from array import array
from collections.abc import Generator, Iterator
from datetime import datetime
from math import isfinite
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, iterparse

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.cell import column_index_from_string
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel, from_ISO8601
from openpyxl.xml.constants import (
    ARC_CONTENT_TYPES,
    ARC_STYLE,
    ARC_WORKBOOK,
    CONTYPES_NS,
    PKG_REL_NS,
    REL_NS,
    SHARED_STRINGS,
    SHEET_MAIN_NS,
    XLSM,
    XLSX,
    XLTM,
    XLTX,
)

from tracker.reports.formulas import NotComputed
from tracker.reports.importing import bounds

MOST_LISTED: Final = 1 << 20
"""Bytes of the list of parts, which is read at once: some ten thousand parts."""
MOST_OF_A_PART: Final = 1 << 25
"""Bytes of a part that is neither the sheet nor the texts."""
MOST_SHARED: Final = 1 << 27
"""Bytes of the texts that a workbook keeps together: they alone are held in memory."""
MOST_ELEMENTS: Final = 1 << 23
"""Of the sheet or the texts: some millions of cells, each of which takes its time."""
MOST_OTHERS: Final = 1 << 20
"""Of any other part."""
MOST_NAMES: Final = 1000
DEEPEST: Final = 64
LONGEST_FORMAT: Final = 255
"""Characters of how a number looks; Excel takes no more."""

_DOCTYPE: Final = b"<!DOCTYPE"
_EVENTS: Final = ("start", "end", "start-ns")
_DIGITS: Final = "0123456789"


def _main(name: str) -> str:
    return f"{{{SHEET_MAIN_NS}}}{name}"


_TYPE: Final = f"{{{CONTYPES_NS}}}Override"
_TYPE_OF_ALL: Final = f"{{{CONTYPES_NS}}}Default"
_RELATION: Final = f"{{{PKG_REL_NS}}}Relationship"
_RELATION_ID: Final = f"{{{REL_NS}}}id"
_PROPERTIES, _VIEW, _SHEET = _main("workbookPr"), _main("workbookView"), _main("sheet")
_FORMAT, _FORMATS, _STYLE, _STYLES = map(_main, ("numFmt", "numFmts", "xf", "cellXfs"))
_ENTRY, _TEXT, _RUN, _INLINE = map(_main, ("si", "t", "r", "is"))
_ROW, _VALUE, _FORMULA = _main("row"), _main("v"), _main("f")


def sheet_rows(stream: BinaryIO) -> Generator[tuple[int, list[str]]]:
    """Yield the rows of the sheet that the workbook opens with, by number: what its cells say.

    The first row names the columns and ends with the last name; all others are as wide. Rows that
    are not there are left out. Raises `FileError` at anything without end, and anything else when
    the workbook is damaged.
    """
    # ZipFile reads the whole list at once.
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]  # noqa: SLF001
    if end and end[zipfile._ECD_SIZE] > MOST_LISTED:  # type: ignore[attr-defined]  # noqa: SLF001
        raise bounds.refuse_much()
    with zipfile.ZipFile(stream) as archive:
        yield from _Book(archive).rows()


class _Part:
    """A part of a workbook that is read piece by piece.

    `held` counts the bytes since it was last set to nothing.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str, most: int, most_elements: int) -> None:
        info = archive.getinfo(name)
        if info.file_size > most:
            raise bounds.refuse_size(most)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            message = f"{name} is packed as no workbook is: it cannot be unpacked bit by bit."
            raise zipfile.BadZipFile(message)
        self.held = 0
        self._most_elements = most_elements
        self._stream = archive.open(info)
        self._tail = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        piece = self._stream.read(size)
        self.held += len(piece)
        if self.held > bounds.MOST_OF_A_ROW:
            raise bounds.refuse_row()
        # Entities, which may grow without end, are declared in one. Without NUL: UTF-16 as well.
        seen = self._tail + piece.replace(b"\x00", b"")
        if _DOCTYPE in seen:
            message = "A workbook declares no types of its own."
            raise ValueError(message)
        self._tail = seen[1 - len(_DOCTYPE) :]
        return piece

    def pieces(self, *wanted: str) -> Iterator[tuple[str, Element]]:
        """Yield the elements of these names, each with the name of what it lies in.

        Each is whole until the next is asked for. Of anything else nothing is kept.
        """
        path = [Element("")]  # what the root lies in
        names: set[str] = set()
        kept_at = begun = 0
        for event, element in iterparse(self, _EVENTS):  # noqa: S314 - see `read`
            if event == "start":
                begun += 1
                path.append(element)
                if len(path) > DEEPEST:
                    raise bounds.refuse_much()
                if element.tag not in names or not names.issuperset(element.keys()):
                    _learn(names, element.tag, *element.keys())
                if not kept_at and element.tag in wanted:
                    kept_at = len(path)
            elif event == "start-ns":
                _learn(names, element[0])
            else:
                path.pop()
                if kept_at > len(path):
                    yield path[-1].tag, element
                    kept_at = 0
                if not kept_at:
                    self._forget(path, begun)

    def _forget(self, path: list[Element], begun: int) -> None:
        if begun > self._most_elements:
            raise bounds.refuse_much()
        del path[-1][:]
        self.held = 0


def _learn(names: set[str], *more: str) -> None:
    """Refuse names without end: the parser keeps each that it met."""
    names.update(more)
    if len(names) > MOST_NAMES:
        raise bounds.refuse_much()


class _Texts:
    """The texts of a workbook by number: bytes side by side, as each text alone takes as much."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])

    def add(self, text: str) -> None:
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError(number)
        end = self._ends[number + 1]
        return self._bytes[self._ends[number] : end].decode()


class _Book:
    """A workbook whose small parts were read: where the sheet is, and what its cells mean."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.texts = _Texts()
        self.epoch = WINDOWS_EPOCH
        self.dates: set[int] = set()
        """Which styles make a number a date, a time or a duration."""
        self.durations: set[int] = set()
        types = self._types()
        workbook = next(types[kind] for kind in (XLTM, XLTX, XLSM, XLSX) if kind in types)
        self.sheet = self._sheet(workbook)
        if SHARED_STRINGS in types:
            self._read_texts(types[SHARED_STRINGS])
        if ARC_STYLE in archive.NameToInfo:
            self._read_styles()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows of the sheet; see `sheet_rows`."""
        part = _Part(self.archive, self.sheet, bounds.MOST_UNPACKED, MOST_ELEMENTS)
        number, width = 0, 0
        for count, (_parent, row) in enumerate(part.pieces(_ROW), start=1):
            number = int(float(row.get("r") or number + 1))
            if max(count, number) > bounds.MOST_ROWS:
                raise bounds.refuse_rows(bounds.MOST_ROWS)
            if not width:
                names = {at: self._said(cell) for at, cell in _placed(row)}
                width = max((at for at, name in names.items() if name.strip()), default=0)
                if number > 1 or not width:
                    return
                if width > bounds.MOST_COLUMNS:
                    raise bounds.refuse_columns()
                yield number, [names.get(at, "") for at in range(1, width + 1)]
                continue
            cells = [""] * width
            for at, cell in _placed(row):
                if at <= width:
                    cells[at - 1] = self._said(cell)
            yield number, cells

    def _types(self) -> dict[str, str]:
        """Return which part is of which type, of each type the first."""
        types: dict[str, str] = {}
        for _parent, piece in self._pieces(ARC_CONTENT_TYPES, _TYPE, _TYPE_OF_ALL):
            name = piece.get("PartName", f"/{ARC_WORKBOOK}")  # what has no other type
            types.setdefault(piece.get("ContentType", ""), name.removeprefix("/"))
        return types

    def _sheet(self, workbook: str) -> str:
        """Return the part with the sheet that the workbook opens with, and note its calendar."""
        folder, name = posixpath.split(workbook)
        parts = {}
        for _parent, piece in self._pieces(f"{folder}/_rels/{name}.rels", _RELATION):
            target = posixpath.normpath(posixpath.join("/", folder, piece.get("Target", "")))
            if target[1:] in self.archive.NameToInfo:
                parts[piece.get("Id", "")] = target[1:]
        opens_with: int | None = None
        at = 0
        for _parent, piece in self._pieces(workbook, _PROPERTIES, _VIEW, _SHEET):
            if piece.tag == _PROPERTIES and piece.get("date1904") in ("1", "true"):
                self.epoch = MAC_EPOCH
            elif piece.tag == _VIEW and opens_with is None:
                opens_with = int(piece.get("activeTab", 0))
            elif piece.tag == _SHEET and (part := parts.get(piece.get(_RELATION_ID, ""))):
                if at == (opens_with or 0):
                    return part
                at += 1
        raise KeyError(workbook)

    def _read_texts(self, name: str) -> None:
        part = _Part(self.archive, name, MOST_SHARED, MOST_ELEMENTS)
        for _parent, entry in part.pieces(_ENTRY):
            self.texts.add(_words(entry))

    def _read_styles(self) -> None:
        formats = dict(BUILTIN_FORMATS)
        at = 0
        for parent, piece in self._pieces(ARC_STYLE, _FORMAT, _STYLE):
            if parent == _FORMATS:
                code = piece.get("formatCode", "")[:LONGEST_FORMAT]
                formats[int(piece.get("numFmtId", 0))] = code
            elif parent == _STYLES:
                code = formats.get(int(piece.get("numFmtId", 0)), "")
                if is_date_format(code):
                    self.dates.add(at)
                    if is_timedelta_format(code):
                        self.durations.add(at)
                at += 1

    def _pieces(self, name: str, *wanted: str) -> Iterator[tuple[str, Element]]:
        return _Part(self.archive, name, MOST_OF_A_PART, MOST_OTHERS).pieces(*wanted)

    def _said(self, cell: Element) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            inline = cell.find(_INLINE)
            return "" if inline is None else _words(inline)
        said = cell.findtext(_VALUE)
        if not said:
            return _not_computed(cell, kind)
        match kind:
            case "n":
                return self._number(said, int(cell.get("s", 0)))
            case "s":
                return self.texts[int(said)]
            case "b":
                return str(said == "1")
            case "d":
                return _time(said)
            case _:
                return said

    def _number(self, said: str, style: int) -> str:
        """Return a number as people write it, as a day if it looks like one; else as it is."""
        try:
            number = float(said) if any(mark in said for mark in ".eE") else int(said)
            if style in self.dates:
                found = from_excel(number, self.epoch, timedelta=style in self.durations)
                return found.isoformat(sep=" ") if isinstance(found, datetime) else str(found)
        except (ValueError, OverflowError):
            return said
        if isinstance(number, int):
            return str(number)
        if not isfinite(number):
            return said
        return str(int(number)) if number.is_integer() else str(number)


def _placed(row: Element) -> Iterator[tuple[int, Element]]:
    """Yield the cells of a row, each with the number of its column from 1."""
    at = 0
    for cell in row:
        place = cell.get("r")
        at = column_index_from_string(place.rstrip(_DIGITS)) if place else at + 1
        yield at, cell


def _not_computed(cell: Element, kind: str) -> str:
    """Return the formula of a cell that says nothing, unless nothing is what it comes to."""
    formula = cell.find(_FORMULA)
    if formula is None or (kind == "str" and cell.find(_VALUE) is not None):
        return ""
    return NotComputed(f"={formula.text or ''}")


def _words(element: Element) -> str:
    """Return a text without its looks: what it says itself, and what its runs say."""
    said = element.findtext(_TEXT) or ""
    for run in element.iterfind(_RUN):
        said += run.findtext(_TEXT) or ""
    return said.replace("x005F_", "")


def _time(said: str) -> str:
    try:
        found = from_ISO8601(said)  # type: ignore[no-untyped-call]
    except ValueError:
        return said
    return found.isoformat(sep=" ") if isinstance(found, datetime) else str(found)
