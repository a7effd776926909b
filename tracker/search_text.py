"""How text becomes words that a database can find, in Chinese and in other languages.

Pure. Chinese has no spaces, so every pair of neighbouring characters is a word, and a phrase of
such pairs is a substring: 老人 is found in 独居老人家里. SQLite's FTS5 and PostgreSQL's tsvector
are fed with the same words, joined by spaces and made of letters and digits only, which the
tokenizers of both leave as they are.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import chain, groupby, pairwise
from typing import Final

MOST_PHRASES: Final = 16
"""What a query has beyond this is ignored: nobody types it, and each costs a look-up."""
LONGEST_WORD: Final = 64
"""Longer words are cut, in text and query alike; PostgreSQL refuses lexemes over 2 kB."""
SHORTEST_SPLIT_NUMBER: Final = 7

# Scripts without spaces, or with endings glued on: Han with its extensions and 〇々, kana, hangul.
_CJK: Final = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\ufa0e-\ufa29\U00020000-\U0002a6df\U0002a700-\U0002ee5d\U00030000-\U000323af"
)
_RUN: Final = re.compile(rf"(?P<cjk>[{_CJK}]+)|(?P<word>[^\W_{_CJK}]+)")
# A number in groups: 482-109-3744, 138 0013 8000, 0755-12345678.
_SPLIT_NUMBER: Final = re.compile(
    r"(?<![\w-])(?:\d{3} \d{3} \d{4}|\d{3} \d{4} \d{4}|\d+(?:-\d+)+)(?![\w-])", re.ASCII
)
# Letters and digits that change nothing of Chinese next to them: Latin, Greek, Cyrillic, full width.
_SPELT: Final = (
    "0-9A-Za-z\u00c0-\u024f\u0370-\u052f\u1e00-\u1fff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
)
# Where what parts words is looked for: all before kana, forms for Chinese print, pictures.
_BLOCKS: Final = (range(1, 0x3100), range(0xFE10, 0x10000), range(0x1F000, 0x1FB00))
_VOICING: Final = "\u3099\u309a"
"""Marks that make another kana of one, as か becomes が."""
_DASHES: Final = re.compile(r"[\u2010-\u2015\u2212]")


def bigrams(text: str) -> list[str]:
    """Return the words of `text` in order, each as often as it occurs.

    Chinese, Japanese and Korean runs become overlapping pairs of characters, a run of a single
    character itself; everything else whole words and numbers. Compatibility forms (full width),
    case and accents are levelled.
    """
    return [word for kind, run in _runs(level(text)) for word in _words(kind, run)]


def index_text(text: str) -> str:
    """Return `text` as it goes into a full-text index: its words with spaces between.

    After the words in order come, once each, the single Chinese characters, so that a query of
    one character finds them, and numbers that were written in groups, as a whole.
    """
    levelled = level(text)
    runs = list(_runs(levelled))
    in_order = [word for kind, run in runs for word in _words(kind, run)]
    characters = dict.fromkeys(
        character for kind, run in runs if kind == "cjk" and len(run) > 1 for character in run
    )
    whole_numbers = map(_whole_if_long, _SPLIT_NUMBER.finditer(levelled))
    numbers = dict.fromkeys(number for number in whole_numbers if number.isdecimal())
    return " ".join([*in_order, *characters, *numbers])


def phrases(query: str) -> list[tuple[str, ...]]:
    """Return what a query asks for: every phrase, a sequence of words, must occur.

    Nothing comes back for a query without a letter or digit. What is separated by a space may
    stand anywhere; `王大爷 修水管` finds both orders.
    """
    found: list[tuple[str, ...]] = []
    for part in _parts(level(query)):
        found.extend(phrase for phrase in _phrases_of(part) if phrase not in found)
    return found[:MOST_PHRASES]


def whole_word(term: str) -> str:
    """Return a regular expression, for Python and PostgreSQL, of a term that is no part of a word.

    Where it fits a text, the index of that text has the words of the term. A part of a run of
    Chinese is a word by itself, see `bigrams`, unless a mark next to it makes another character.
    """
    before, after = _beside(term[0]), _beside(term[-1])
    return (
        (f"(?<![^{before}])" if before else "")
        + "".join(map(_in_either_case, term))
        + (f"(?![^{after}])" if after else "")
    )


def _beside(end: str) -> str:
    """Return what alone may stand next to the end of a term, as ranges; "" for anything."""
    parting = _parting()
    if re.match(f"[{parting}]", end):
        return ""
    if re.match(f"[{_CJK}]", end):
        return f"{parting}{_CJK}{_SPELT}"
    return f"{parting}{_CJK}" if re.match(f"[{_SPELT}]", end) else parting


def _in_either_case(character: str) -> str:
    """Return an expression for a character, in those cases that the index does not tell apart."""
    levelled = level(character)
    same = {each for each in character.lower() + character.upper() if level(each) == levelled}
    return f"[{''.join(sorted(map(re.escape, {character, *same})))}]"


@cache
def _parting() -> str:
    """Return the characters of which `bigrams` makes the end of a word, as ranges of an expression.

    What is not known to be one is taken as part of a word, so that less is found and nothing told.
    Written out, as a database knows other letters than Python, and some only its own country's.
    """
    ends: list[int] = []
    for code in chain(*_BLOCKS):
        levelled = level(chr(code))
        if levelled and not _RUN.search(levelled) and levelled[0] not in _VOICING:
            ends.append(code)
    ranges = ""
    for _, together in groupby(enumerate(ends), lambda each: each[1] - each[0]):
        first, *_, last = (re.escape(chr(code)) for _, code in [*together] * 2)
        ranges += f"{first}-{last}"
    return ranges


def sqlite_match(query: str) -> str:
    """Return the FTS5 MATCH expression for a query; "" when it asks for nothing.

    Every word is quoted and made of letters and digits, so nobody's input is an operator.
    """
    return " AND ".join(f'"{" ".join(phrase)}"' for phrase in phrases(query))


def postgres_phrases(query: str) -> list[str]:
    """Return texts for `phraseto_tsquery('simple', …)`, all of which must match."""
    return [" ".join(phrase) for phrase in phrases(query)]


def level(text: str) -> str:
    """Return `text` without differences of width, case and accent."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    # Recompose first what is no accent: hangul, and kana with its voicing mark.
    kept = "".join(
        character
        for character in decomposed
        if unicodedata.category(character) != "Mn" or character in _VOICING
    )
    return _DASHES.sub("-", unicodedata.normalize("NFKC", kept))


def _runs(levelled: str) -> Iterator[tuple[str, str]]:
    """Yield the kind, `cjk` or `word`, and the text of every run of letters and digits."""
    for match in _RUN.finditer(levelled):
        kind = match.lastgroup or "word"
        yield kind, match[0] if kind == "cjk" else match[0][:LONGEST_WORD]


def _words(kind: str, run: str) -> list[str]:
    if kind == "word" or len(run) == 1:
        return [run]
    return [first + second for first, second in pairwise(run)]


def _whole_if_long(match: re.Match[str]) -> str:
    """Return a number in groups as a whole, or as it was when it is short, as in 02-14."""
    whole = match[0].replace("-", "").replace(" ", "")
    return whole[:LONGEST_WORD] if len(whole) >= SHORTEST_SPLIT_NUMBER else match[0]


def _parts(levelled: str) -> list[str]:
    """Return the parts between spaces, and every number in groups as one."""
    return _SPLIT_NUMBER.sub(_whole_if_long, levelled).split()


def _phrases_of(part: str) -> Iterator[tuple[str, ...]]:
    """Yield the phrases of one part: what stands together in it, must stand together.

    A single Chinese character at either end may be, in the text, the end of a longer run that
    is indexed as pairs: 楼3单元 is in 1号楼3单元. It becomes a phrase of its own.
    """
    for runs in _together(list(_runs(part))):
        before = [runs.pop(0)] if len(runs) > 1 and _is_single(runs[0]) else []
        after = [runs.pop()] if len(runs) > 1 and _is_single(runs[-1]) else []
        for group in (before, runs, after):
            if group:
                yield tuple(word for kind, run in group for word in _words(kind, run))


def _together(runs: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield the runs in groups, parted where only punctuation stands between Chinese."""
    start = 0
    for end in range(1, len(runs) + 1):
        if end == len(runs) or runs[end - 1][0] == runs[end][0] == "cjk":
            yield runs[start:end]
            start = end


def _is_single(run: tuple[str, str]) -> bool:
    kind, text = run
    return kind == "cjk" and len(text) == 1
