"""Text is found as people look for it, the same on both databases."""

import re
import sqlite3
import string
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from tracker.search_text import (
    LONGEST_WORD,
    MOST_PHRASES,
    bigrams,
    index_text,
    phrases,
    postgres_phrases,
    sqlite_match,
    whole_word,
)

TEXTS = {
    1: "独居老人家里水管漏水,请尽快来修",
    2: "给张大爷买药",
    3: "The street lamp in front of No. 12 Café Müller is broken",
    4: "编号 482-109-3744，电话 138 0013 8000",
    5: "坪山区1号楼3单元502室，A座电梯坏了",
    6: "药品快过期了",
    7: "请回电 0755-12345678，2026-02-14 以后",
    8: "单号:4821093744",
}


@pytest.fixture
def index() -> Iterator[sqlite3.Connection]:
    """A real FTS5 table with a few texts."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE found USING fts5(body)")
    connection.executemany(
        "INSERT INTO found (rowid, body) VALUES (?, ?)",
        [(key, index_text(text)) for key, text in TEXTS.items()],
    )
    yield connection
    connection.close()


def search(index: sqlite3.Connection, query: str) -> set[int]:
    """Return the texts that the database finds for a query."""
    expression = sqlite_match(query)
    if not expression:
        return set()
    rows = index.execute("SELECT rowid FROM found WHERE found MATCH ?", (expression,))
    return {row[0] for row in rows}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("老人", {1}),
        ("水管漏水", {1}),
        ("老水", set()),
        ("人老", set()),
        ("药", {2, 6}),
        ("爷", {2}),
        ("了", {5, 6}),
        ("修 老人", {1}),
        ("老人 药", set()),
        ("lamp", {3}),
        ("LAMP", {3}),
        ("lam", set()),
        ("cafe", {3}),
        ("CAFÉ", {3}),
        ("müller", {3}),
        ("muller broken", {3}),
        ("ＬＡＭＰ", {3}),
        ("482-109-3744", {4, 8}),
        ("482 109 3744", {4, 8}),
        ("4821093744", {4, 8}),
        ("４８２１０９３７４４", {4, 8}),
        ("482–109–3744", {4, 8}),
        ("13800138000", {4}),
        ("138-0013-8000", {4}),
        ("075512345678", {7}),
        ("2026-02-14", {7}),
        ("02-14", {7}),
        ("3单元", {5}),
        ("楼3单元", {5}),
        ("1号楼3单元", {5}),
        ("号楼 电梯", {5}),
        ("A座", {5}),
        ("a座电", {5}),
        ("B座", set()),
        ("“老人”家里？", {1}),
        ("", set()),
        ("，。！ \t *", set()),
    ],
)
def test_a_query_finds_what_people_mean(
    index: sqlite3.Connection, query: str, expected: set[int]
) -> None:
    assert search(index, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"', set()),
        ('lamp"', {3}),
        ('" OR "1', set()),
        ("lamp OR 老人", set()),
        ("lamp AND broken", set()),
        ("lamp NOT broken", set()),
        ("NEAR(lamp broken)", set()),
        ("lamp*", {3}),
        ("lam*", set()),
        ("^the", {3}),
        ("body:lamp", set()),
        ("-lamp", {3}),
        ("lamp -- ; DROP TABLE found", set()),
        ("lamp\0", {3}),
        ("lamp\ud800", {3}),
        ("{lamp} + (broken)", {3}),
    ],
)
def test_what_a_person_types_is_never_an_operator(
    index: sqlite3.Connection, query: str, expected: set[int]
) -> None:
    assert search(index, query) == expected


def test_words_come_in_order_and_as_often_as_they_occur() -> None:
    assert bigrams("独居老人，老人 A座 lamp lamp 药") == [
        "独居", "居老", "老人", "老人", "a", "座", "lamp", "lamp", "药",
    ]  # fmt: skip


def test_the_end_of_a_query_word_may_be_the_middle_of_a_longer_run() -> None:
    assert phrases("楼3单元") == [("楼",), ("3", "单元")]


def test_japanese_and_korean_are_found_by_parts() -> None:
    assert bigrams("ガラス") == ["ガラ", "ラス"]
    assert bigrams("한국어") == ["한국", "국어"]


def test_rare_characters_of_names_are_found(index: sqlite3.Connection) -> None:
    index.execute("INSERT INTO found (rowid, body) VALUES (99, ?)", (index_text("住户𬱖㐂𰻝先生"),))
    assert search(index, "𬱖㐂") == {99}
    assert search(index, "𰻝") == {99}


def test_a_query_costs_a_bounded_number_of_look_ups() -> None:
    assert len(phrases(" ".join(f"word{number}" for number in range(500)))) == MOST_PHRASES
    assert phrases("药 药 药") == [("药",)]


def test_an_endless_word_is_cut_alike_in_text_and_query(index: sqlite3.Connection) -> None:
    endless = "x" * 5000
    index.execute("INSERT INTO found (rowid, body) VALUES (99, ?)", (index_text(endless),))
    assert max(map(len, index_text(endless).split())) == LONGEST_WORD
    assert search(index, endless) == {99}


anything = st.text(max_size=60)
mostly_chinese = st.text("独居老人家药水张a1B2-－ ，é", max_size=40)


@given(anything | mostly_chinese)
def test_nothing_that_a_database_could_take_for_an_operator_is_emitted(text: str) -> None:
    plain = {character for character in index_text(text) if character.isascii()}
    assert plain <= {*string.ascii_lowercase, *string.digits, " "}


@given(anything | mostly_chinese)
def test_no_query_breaks_the_database(text: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE found USING fts5(body)")
    connection.execute("INSERT INTO found (body) VALUES (?)", (index_text(text),))
    expression = sqlite_match(text)
    if expression:
        rows = connection.execute("SELECT 1 FROM found WHERE found MATCH ?", (expression,))
        assert rows.fetchone() or len(phrases(text)) == MOST_PHRASES
    connection.close()


@given(st.text("独居老人家里水管漏药", min_size=1, max_size=12), st.data())
def test_every_part_of_a_chinese_text_finds_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE found USING fts5(body)")
    connection.execute("INSERT INTO found (body) VALUES (?)", (index_text(text),))
    expression = sqlite_match(text[start:end])
    assert connection.execute("SELECT 1 FROM found WHERE found MATCH ?", (expression,)).fetchone()
    connection.close()


@given(anything | mostly_chinese)
def test_both_databases_are_asked_the_same(text: str) -> None:
    quoted = " AND ".join(f'"{phrase}"' for phrase in postgres_phrases(text))
    assert quoted == sqlite_match(text)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("302", "23025 boxes"),
        ("３０２", "２３０２５ boxes"),
        ("302", "302５ boxes"),
        ("Thị", "oil of Thịnh"),
        ("Thi", "oil of Thi\u0323nh"),
        ("Ann", "Annſ"),
        ("מים", "המים"),
        ("رضا", "رضاء"),
        ("สม", "สมชาย"),
        ("가", "가\u11a8"),
        ("ı", "I"),
        ("か", "か\u3099"),
        ("か", "か\uff9e"),
        ("12", "112㎡, 12㎡"),
    ],
)
def test_a_part_of_a_word_is_no_whole_word(term: str, text: str) -> None:
    assert not re.search(whole_word(term), text)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "a {}, please",
        "（{}）",
        "“{}”…",
        "2,{};3",
        "🙂{}🙂",
        "_{}_",
        "水{}管",
        "·{}、",
        "\u00a0{}\u3000",
        "؟{}،",
        "\x1f{}\n",
    ],
)
@pytest.mark.parametrize("term", ["302", "３０２", "Thị", "oh", "修门", "か", "a-b", "[^]"])
def test_between_spaces_punctuation_and_chinese_it_is_whole(term: str, text: str) -> None:
    assert re.search(whole_word(term), text.format(term.upper()))


ANYTHING = st.text(max_size=6) | st.text(
    "1３aAåÅſßıİK각ㄱㄳㅏかｶﾞ゙\u0301豈修门㎡①株㍿－-–_,…·", max_size=6
)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_what_stands_whole_in_a_text_is_in_its_index(before: str, term: str, after: str) -> None:
    term = "".join(term.split())
    text = f"{before}{term}{after}"

    if term and re.search(whole_word(term), text):
        assert all(is_in(phrase, index_text(text).split()) for phrase in phrases(term))


def is_in(phrase: tuple[str, ...], words: list[str]) -> bool:
    """Tell whether the words of a phrase stand next to each other."""
    return any(tuple(words[start : start + len(phrase)]) == phrase for start in range(len(words)))
