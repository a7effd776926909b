"""Files as they come: tables and workbooks of any shape are read, or refused in words, and bounded."""

import gzip
import time
import zipfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from tracker.reports.formulas import NotComputed
from tracker.reports.importing import bounds, files, workbooks
from tracker.reports.importing.files import FileError, open_table


def write(path: Path, rows: list[list[Any]]) -> Path:
    """Write a workbook."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.save(path)
    book.close()
    return path


def test_a_workbook_reads_like_a_csv_file(tmp_path: Path) -> None:
    day = datetime(2026, 1, 5, 9, 30)  # noqa: DTZ001 - workbooks know no zones
    path = write(tmp_path / "a.xlsx", [["no", "came"], [17.0, day], [None, None], ["x", None]])

    table = open_table(path)

    assert (table.header, table.row_count) == (("no", "came"), 2)
    assert list(table.rows()) == [
        (2, {"no": "17", "came": "2026-01-05 09:30:00"}),
        (4, {"no": "x", "came": ""}),
    ]


def test_packed_files_semicolons_and_line_breaks_in_cells(tmp_path: Path) -> None:
    path = tmp_path / "export.dat"
    path.write_bytes(gzip.compress('a;b\r\n1;"two\nlines; here"\r\n\r\n3;\u2028x'.encode()))

    table = open_table(path)

    assert table.row_count == 2
    assert list(table.rows()) == [
        (3, {"a": "1", "b": "two\nlines; here"}),
        (5, {"a": "3", "b": "x"}),
    ]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"a,a\n1,2\n", b"PK\x03\x04nonsense", b"\xff\x81"]
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)

    with pytest.raises(FileError, match="The file"):
        open_table(path)


def test_a_packed_file_with_broken_bits_is_refused_in_words(tmp_path: Path) -> None:
    whole = gzip.compress("".join(f"{number},{number**3}\n" for number in range(2000)).encode())
    path = tmp_path / "a.csv.gz"
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with suppress(FileError):
            open_table(path)
    path.write_bytes(whole[: len(whole) // 2] + b"\x00" * 40)
    with pytest.raises(FileError, match="damaged"):
        open_table(path)


def test_a_workbook_may_be_called_anything(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", [["no"], ["1"]]).rename(tmp_path / "table")

    assert list(open_table(path).rows()) == [(2, {"no": "1"})]


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("[Content_Types].xml", None),
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", None),
        ("xl/workbook.xml", b"<workbook"),
        ("xl/_rels/workbook.xml.rels", None),
        ("xl/styles.xml", b"<a><b></a>"),
        ("xl/worksheets/sheet1.xml", b""),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row r='x'><c r='?'/></row>"),
        ("xl/worksheets/sheet1.xml", None),
    ],
)
def test_a_damaged_workbook_is_refused_in_words(
    tmp_path: Path, part: str, content: bytes | None
) -> None:
    path = write(tmp_path / "a.xlsx", [["no", "text"], ["1", "a"]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert parts.pop(part)
    if content is not None:
        parts[part] = content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, kept in parts.items():
            archive.writestr(name, kept)

    with pytest.raises(FileError, match=r"^The file is (damaged|empty)"):
        open_table(path)


def test_a_workbook_with_broken_bits_is_refused_in_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", [["no", "text"], *([str(n), f"a{n**3}"] for n in range(200))])
    whole = path.read_bytes()
    for at in range(4, len(whole), 61):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with suppress(FileError):
            open_table(path)


def test_a_packed_file_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_UNPACKED", 1 << 20)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * (1 << 19)))

    with pytest.raises(FileError, match="more than 1 MB"):
        open_table(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a,b\n" + b"," * 3_000_000, "longer than 1 MB"),
        (b"a,b\n" + b'"\n",' * 700_000, "longer than 1 MB"),
        (b"a,b\n" + b"1" * 200_000, "not a CSV file"),
        (b'a,b\n"' + b"1\n" * 200_000, "not a CSV file"),
        (b",".join(b"c%d" % number for number in range(2_000)) + b"\n1\n", "1000 columns"),
        (b"a,b\n" + b"\n" * 2_000, "more than 1,000 rows"),
    ],
    ids=["cells", "quoted cells", "cell", "quoted cell", "columns", "lines"],
)
def test_a_file_with_rows_without_end_is_refused(
    tmp_path: Path, content: bytes, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_OF_A_ROW", 1 << 20)
    monkeypatch.setattr(files, "MOST_LINES", 1000)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(content, 1))

    with pytest.raises(FileError, match=complaint):
        open_table(path)


def _book(path: Path, parts: dict[str, bytes], *, packed: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a workbook with these parts of it as they are."""
    write(path, [["no"], ["1"]])
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in (kept | parts).items():
            archive.writestr(name, content)
    return path


def _sheet(path: Path, *rows: bytes, dimension: bytes = b"A1:B2", before: bytes = b"") -> Path:
    """Write a workbook with these rows of its sheet as they are."""
    content = (
        before + b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b'<dimension ref="'
        + dimension
        + b'"/><sheetData>'
        + b"".join(rows)
        + b"</sheetData></worksheet>"
    )
    return _book(path, {"xl/worksheets/sheet1.xml": content})


def _row(number: int, cells: dict[str, str]) -> bytes:
    inner = "".join(
        f'<c r="{column}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
        for column, text in cells.items()
    )
    return f'<row r="{number}">{inner}</row>'.encode()


def test_a_workbook_without_end_is_refused(tmp_path: Path) -> None:
    last = _sheet(
        tmp_path / "x.xlsx", _row(1, {"A": "no", "B": "text"}), _row(99_999_999, {"A": "1"})
    )

    with pytest.raises(FileError, match="more than 1,048,576 rows"):
        open_table(last)


def test_a_workbook_without_an_edge_is_read_as_wide_as_its_header(tmp_path: Path) -> None:
    wide = _sheet(
        tmp_path / "x.xlsx",
        _row(1, {"A": "no", "B": "text"}),
        _row(2, {"A": "1", "B": "a", "XFD": "far out"}),
        dimension=b"A1:XFD1048576",
    )

    assert [row for _line, row in open_table(wide).rows()] == [{"no": "1", "text": "a"}]


def test_a_workbook_with_too_many_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="more than 1000 columns"):
        open_table(_sheet(tmp_path / "x.xlsx", _row(1, {"A": "no", "ALM": "text"})))


def test_a_workbook_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_UNPACKED", 1 << 16)
    rows = [_row(number, {"A": "0" * 1000}) for number in range(1, 200)]

    with pytest.raises(FileError, match="Save it as CSV"):
        open_table(_sheet(tmp_path / "x.xlsx", *rows))


STYLES = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs>'
TEXTS = (
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
    b'officedocument.spreadsheetml.sheet.main+xml"/>'
    b'<Override PartName="/xl/words.xml" ContentType="application/vnd.openxmlformats-'
    b'officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)


@pytest.mark.parametrize(
    "parts",
    [
        {"xl/styles.xml": STYLES + b'<xf numFmtId="0"/>' * 20_000},
        {"xl/workbook.xml": b" " * 300_000},
        {"[Content_Types].xml": TEXTS, "xl/words.xml": b" " * 600_000},
        {f"xl/media/{number}": b"" for number in range(20_000)},
    ],
    ids=["styles", "workbook", "texts by another name", "parts"],
)
def test_a_workbook_with_parts_without_end_is_refused_at_once(
    tmp_path: Path, parts: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MOST_OF_A_PART", 1 << 18)
    monkeypatch.setattr(workbooks, "MOST_SHARED", 1 << 19)
    path = _book(tmp_path / "x.xlsx", parts)

    begun = time.process_time()
    with pytest.raises(FileError, match="Save it as CSV"):
        open_table(path)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "rows",
    [
        b'<row r="1">' + b"<c/>" * 100_000 + b"</row>",
        _row(1, {"A": "x" * 500_000}),
        b"<x>" * 100_000,
        b"".join(b"<row a%d=''/>" % number for number in range(2_000)),
        b"".join(b"<x%d/>" % number for number in range(2_000)),
        b"".join(b"<row xmlns:x%d='x'/>" % number for number in range(2_000)),
    ],
    ids=["cells", "text", "nested", "attributes", "names", "prefixes"],
)
def test_a_workbook_with_pieces_without_end_is_refused(
    tmp_path: Path, rows: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_OF_A_ROW", 1 << 18)
    path = _sheet(tmp_path / "x.xlsx", _row(1, {"A": "no"}), rows)

    with pytest.raises(FileError, match=r"longer than 0.25 MB|holds too much"):
        open_table(path)


def test_a_workbook_with_styles_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MOST_OTHERS", 10_000)

    with pytest.raises(FileError, match="holds too much"):
        open_table(_book(tmp_path / "x.xlsx", {"xl/styles.xml": STYLES + b"<xf/>" * 20_000}))


def test_a_workbook_with_cells_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MOST_ELEMENTS", 100_000)
    rows = [_row(1, {"A": "no"}), *[b"<row>" + b"<c/>" * 1000 + b"</row>"] * 100]

    with pytest.raises(FileError, match="holds too much"):
        open_table(_sheet(tmp_path / "x.xlsx", *rows))


def test_rows_without_end_are_counted_whatever_number_they_bear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_ROWS", 1000)
    again = _row(2, {"A": "1"})

    assert (
        open_table(_sheet(tmp_path / "x.xlsx", _row(1, {"A": "no"}), again, again)).row_count == 2
    )
    with pytest.raises(FileError, match="more than 1,000 rows"):
        open_table(_sheet(tmp_path / "x.xlsx", _row(1, {"A": "no"}), *[again] * 1000))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_workbook_that_grows_while_it_is_read_is_refused(tmp_path: Path, encoding: str) -> None:
    words = _sheet(
        tmp_path / "x.xlsx",
        _row(1, {"A": "no", "B": "&b;"}),
        before=b'<!DOCTYPE x [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;">]>',
    )
    with zipfile.ZipFile(words) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode().encode(encoding)

    with pytest.raises(FileError, match="damaged"):
        open_table(_book(words, {"xl/worksheets/sheet1.xml": sheet}))


def test_a_workbook_that_is_packed_as_none_is_is_refused(tmp_path: Path) -> None:
    # Of these, the smallest step that is unpacked may be as large as the whole.
    with pytest.raises(FileError, match="damaged"):
        open_table(_book(tmp_path / "x.xlsx", {}, packed=zipfile.ZIP_BZIP2))


def test_a_workbook_of_any_shape_says_what_its_cells_show(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["no", "when", "how long", "ok", "text"])
    for number, when in ((1, -1000000), (2, 46027.5), (3, 1e300)):
        sheet.append(
            [number, when, 0.5, True, CellRichText("a", TextBlock(InlineFont(b=True), "b"))]
        )
        sheet.cell(number + 1, 2).number_format = "yyyy-mm-dd hh:mm"
        sheet.cell(number + 1, 3).number_format = "[h]:mm"
    book.create_sheet("Opened last").append(["this"])
    book.active = 1
    book.save(tmp_path / "x.xlsx")
    assert open_table(tmp_path / "x.xlsx").header == ("this",)
    book.active = 0
    book.save(tmp_path / "x.xlsx")

    rows = [tuple(row.values()) for _line, row in open_table(tmp_path / "x.xlsx").rows()]

    assert rows == [
        ("1", "-1000000", "12:00:00", "True", "ab"),
        ("2", "2026-01-05 12:00:00", "12:00:00", "True", "ab"),
        ("3", "1e+300", "12:00:00", "True", "ab"),
    ]


def test_a_number_that_is_none_is_read_as_it_stands(tmp_path: Path) -> None:
    said = ("1e999", "-1E999", "nan", "9" * 5000, "007", "1e3")
    cells = [f'<row><c r="A{at}"><v>{one}</v></c></row>'.encode() for at, one in enumerate(said, 2)]

    table = open_table(_sheet(tmp_path / "x.xlsx", _row(1, {"A": "no"}), *cells))

    assert [row["no"] for _line, row in table.rows()] == [*said[:4], "7", "1000"]


def test_a_formula_that_was_not_worked_out_is_no_empty_cell(tmp_path: Path) -> None:
    path = write(tmp_path / "x.xlsx", [["no", "a", "b"], ["1", "=1+1", None]])
    assert [row for _line, row in open_table(path).rows()] == [{"no": "1", "a": "=1+1", "b": ""}]

    cells = (
        ("<f>A1</f>", "=A1", NotComputed),
        ('<f t="shared" si="0"/>', "=", NotComputed),
        ("<f>A1</f><v/>", "=A1", NotComputed),
        ("<f>A1</f><v>7</v>", "7", str),
        ('@ t="str"<f>A1</f>', "=A1", NotComputed),
        ('@ t="str"<f>A1</f><v></v>', "", str),  # what it comes to is nothing
        ("", "", str),
    )
    for inner, says, kind in cells:
        looks, at, inside = inner.partition("<")
        cell = f'<c r="B2"{looks.removeprefix("@")}>{at}{inside}</c>'.encode()
        rows = (
            _row(1, {"A": "no", "B": "a"}),
            b'<row r="2"><c r="A2"><v>1</v></c>' + cell + b"</row>",
        )
        [(_line, row)] = open_table(_sheet(path, *rows)).rows()
        assert (row["a"], type(row["a"])) == (says, kind), inner


def test_a_mended_workbook_loses_the_quotes(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["no", "text"])
    book.active.append(["1", "'=1+1"])
    book.save(tmp_path / "x.xlsx")

    assert [row["text"] for _line, row in open_table(tmp_path / "x.xlsx").rows()] == ["=1+1"]
