"""Whatever is sent to any form, or stands in a file that is brought in, nobody reads of an error of ours."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest
from flask import Flask
from hypothesis import example, given, strategies as st

from tests.reports.test_importing import HEADER, MAPPING, OPEN
from tests.security.fuzzing import NASTY, fuzzed, holds, on_sqlite, words
from tests.security.neighbours import Neighbours, as_it_was
from tests.security.test_made_up import BROKEN
from tests.security.test_mass_assignment import ENTRIES, Sender
from tests.support.builders import Builders
from tests.support.pictures import small_jpeg
from tests.torture.size import takes_its_time
from tracker.permissions import SYSTEM
from tracker.reports.importing.files import FileError, open_table
from tracker.reports.importing.mapping import MappingError, parse_mapping
from tracker.reports.importing.running import Rejects, Run

EXAMPLES: Final = 80
pytestmark = [on_sqlite, takes_its_time]

MADE_UP: Final = st.one_of(words, st.sampled_from([*BROKEN.values(), "[]", "{}", "null"]))
FILES: Final = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([small_jpeg(), small_jpeg()[:200], b"<svg/>", b"GIF89a", b"\xff\xd8\xff\xe0"]),
)


def test_nothing_sent_to_any_form_breaks_it(
    app: Flask, a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", value=False)
    sender = Sender(app, Neighbours(a), monkeypatch)
    forms = [sender.form_of(rule) for rule in app.url_map.iter_rules() if _is_sent(rule)]
    assert len(forms) > 60

    @fuzzed(EXAMPLES)
    @given(data=st.data())
    def send(data: st.DataObject) -> None:
        browser, path, filled, shown = data.draw(st.sampled_from(forms))
        names = st.sampled_from(sorted(shown | set(filled) | {"kept", "resume", "next", "author"}))
        more: dict[str, Any] = data.draw(st.dictionaries(names, MADE_UP, max_size=4))
        if "photos" in shown | set(filled) and data.draw(st.booleans()):
            more["photos"] = (BytesIO(data.draw(FILES)), data.draw(st.sampled_from(["a.jpg", "…"])))
        with as_it_was(app):
            sent = {**(filled if data.draw(st.booleans()) else {}), **more}
            holds(browser.request("POST", path, data=sent), (path, sent))

    send()


def _is_sent(rule: Any) -> bool:  # noqa: ANN401 - werkzeug's
    ends_a_session = rule.endpoint in ("accounts.password", "accounts.sign_out_everywhere")
    return rule.endpoint in ENTRIES and "POST" in (rule.methods or ()) and not ends_a_session


# -------------------------------------------------------------------- files that are brought in

CELLS: Final = st.one_of(st.sampled_from([*OPEN.split(","), *NASTY]), st.text(max_size=12))
KEYS: Final = ("source", "time_zone", "missing", "create", "columns", "kind", "status", "unit")
VALUES: Final = st.one_of(
    st.sampled_from(['""', '"x"', "1", "[]", "{}", "true", "2026-01-01", '["a"]', "{ a = 1 }"]),
    st.text(max_size=10),
)


@pytest.fixture
def bring_in(app: Flask, a: Builders, tmp_path: Path) -> Callable[[bytes, str], None]:
    """Return what tries to bring in a file by a mapping; refusing it in words is all right."""
    _ = a.bureau

    def bring(content: bytes, mapping: str) -> None:
        file = tmp_path / "book"
        file.write_bytes(content)
        with suppress(FileError, MappingError):
            columns = parse_mapping(mapping.encode(errors="replace"))
            table = open_table(file, columns.encoding)
            Run(table, columns, SYSTEM, a.now, Rejects(tmp_path / "bad", table.header), None).go()

    return bring


def test_no_row_breaks_an_import(bring_in: Callable[[bytes, str], None]) -> None:
    @fuzzed(EXAMPLES)
    @given(rows=st.lists(st.lists(CELLS, max_size=len(HEADER.split(",")) + 1), max_size=4))
    def bring(rows: Sequence[Sequence[str]]) -> None:
        table = "\n".join([HEADER, OPEN, *(",".join(row) for row in rows)])
        bring_in(table.encode(errors="replace"), MAPPING)

    bring()


def test_no_file_breaks_an_import(bring_in: Callable[[bytes, str], None]) -> None:
    @fuzzed(EXAMPLES)
    @given(
        start=st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b", b"\xff\xfe", HEADER.encode()]),
        rest=st.binary(max_size=200),
    )
    @example(start=b"PK\x03\x04", rest=b"")
    def bring(start: bytes, rest: bytes) -> None:
        bring_in(start + rest, MAPPING)

    bring()


def test_no_mapping_breaks_an_import(bring_in: Callable[[bytes, str], None]) -> None:
    @fuzzed(EXAMPLES)
    @given(key=st.sampled_from(KEYS), value=VALUES, line=st.text(max_size=30))
    def bring(key: str, value: str, line: str) -> None:
        kept = "\n".join(each for each in MAPPING.splitlines() if not each.startswith(key))
        bring_in(f"{HEADER}\n{OPEN}\n".encode(), f"{key} = {value}\n{kept}")
        bring_in(f"{HEADER}\n{OPEN}\n".encode(), f"{MAPPING}\n{line}")

    bring()
