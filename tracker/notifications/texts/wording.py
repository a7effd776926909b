"""Words with variables in braces: what may stand in them, and how they are filled.

Pure. Nothing in them is ever run: a variable is a name of a list, and what it stands for is put in
once, as plain text, and not looked at again.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from unicodedata import category, normalize

from tracker.notifications.blocks import Block, Draft, Shape

_VARIABLE: Final = re.compile(r"\{([a-z_]+)\}")
_IN_BRACES: Final = re.compile(r"\{[^{}\n]*\}")
_MARKUP: Final = re.compile(r"<[a-zA-Z/!]|&#?\w+;")
_ADDRESS: Final = re.compile(
    r"""
    \w+://
    | (?<![a-z0-9])www\.
    | [\w-]\.(?:com|cn|org|net)(?![a-z0-9-])
    | \w@\w
    | (?<![\d.])\d{1,3}(?:\.\d{1,3}){3}[/:]\w
    # A place and a path. A number before the point is one of a list, or of an amount; so is a single
    # letter before words of another script.
    | (?<![\w-])(?=\d*[^\W\d])[\w-]+\.[a-z]{2,}(?:/|:\d)
    | (?<![\w-])(?=\d*[^\W\d])[\w-]{2,}\.[^\W\d_]{2,}(?:/|:\d)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BETWEEN: Final = re.compile(r"\n\s*\n")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Signs that nobody sees, and that may turn the order of what stands beside them."""
_BODY: Final = frozenset({Shape.WORDS, Shape.QUOTE})
"""What of a letter can be said in other words; the rest is as it is."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one message. What is empty leaves ours."""

    subject: str = ""
    """What the subject says; the reference follows it."""
    body: str = ""
    """Paragraphs, an empty line between them."""
    short: str = ""
    """What a text message says in place of the subject."""


def unknown_in(words: str, known: Collection[str]) -> Sequence[str]:
    """Return what stands in braces and is none of the `known` variables; else braces that are alone."""
    named = [one for one in _IN_BRACES.findall(words) if one[1:-1] not in known]
    alone = [sign for sign in _IN_BRACES.sub("", words) if sign in "{}"]
    return list(dict.fromkeys(named or alone))


def names_in(words: str) -> Sequence[str]:
    """Return the variables that words have, in order."""
    return _VARIABLE.findall(words)


def shares_a_line(words: str, name: str) -> bool:
    """Tell whether a variable stands on a line with something else."""
    sign = f"{{{name}}}"
    return any(sign in line and line.strip() != sign for line in words.splitlines())


def has_unseen(words: str) -> bool:
    """Tell whether there are signs in it that nobody sees; ends of lines are none."""
    return any(category(sign) in _UNSEEN and sign not in "\r\n" for sign in words)


def has_markup(words: str) -> bool:
    """Tell whether it looks like HTML, which would be shown as it is written."""
    return _MARKUP.search(words) is not None


def has_address(words: str) -> bool:
    """Tell whether it leads somewhere: the one link of a message is its own.

    Read as browsers read it: full-width letters and signs are the plain ones.
    """
    return _ADDRESS.search(normalize("NFKC", words)) is not None


def wide_braces_in(words: str) -> Sequence[str]:
    """Return the braces that an input method writes in place of those of variables: nothing fills them."""
    wide = [sign for sign in words if sign not in "{}" and normalize("NFKC", sign) in ("{", "}")]
    return list(dict.fromkeys(wide))


def reword(
    draft: Draft, words: Words, values: Mapping[str, str], *, quotes: Collection[str]
) -> None:
    """Put words in place of those of a letter. Reference, link and what people wrote stay.

    Ours stay as well where nothing would be left, as no variable has anything to say.
    """
    draft.title = _line(words.subject, values) or draft.title
    draft.short_title = _line(words.short, values)
    said = list(_blocks(words.body, values, quotes))
    if not said:
        return
    kept = [block for block in draft.blocks if block.shape not in _BODY]
    first = next((at for at, it in enumerate(draft.blocks) if it.shape in _BODY), None)
    if first is None:
        buttons = (at for at, it in enumerate(kept) if it.shape is Shape.BUTTON)
        first = next(buttons, len(kept))
    draft.blocks = [*kept[:first], *said, *kept[first:]]


def words_of(draft: Draft, values: Mapping[str, str]) -> Words:
    """Return the words of a letter with variables in place of what they stand for.

    The opposite of `reword`, of a letter in which no two variables say the same.
    """
    paragraphs: list[str] = []
    for block in draft.blocks:
        if block.shape not in _BODY:
            continue
        words = _with_variables(block.text, values)
        if block.shape is Shape.QUOTE and paragraphs and paragraphs[-1].endswith((":", "：")):
            paragraphs[-1] += f"\n{words}"
        else:
            paragraphs.append(words)
    return Words(_with_variables(draft.title, values), "\n\n".join(paragraphs))


def _with_variables(text: str, values: Mapping[str, str]) -> str:
    names = {value: name for name, value in values.items() if value}
    longest_first = sorted(names, key=len, reverse=True)
    pattern = "|".join(re.escape(value) for value in longest_first)
    return re.sub(pattern, lambda found: f"{{{names[found[0]]}}}", text) if pattern else text


def _line(words: str, values: Mapping[str, str]) -> str:
    """Return one line, filled; empty where a variable in it has nothing to say."""
    if not all(values.get(name) for name in names_in(words)):
        return ""
    return _filled(words, values)


def _filled(words: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: " ".join(values[found[1]].split()), words)


def _blocks(body: str, values: Mapping[str, str], quotes: Collection[str]) -> Iterator[Block]:
    """Give the paragraphs, without those in which a variable has nothing to say."""
    for paragraph in _BETWEEN.split("\n".join(body.splitlines()).strip()):
        if not all(values.get(name) for name in names_in(paragraph)):
            continue
        said: list[str] = []
        for line in map(str.strip, paragraph.splitlines()):
            if line[1:-1] in quotes and line == f"{{{line[1:-1]}}}":
                yield from _words(said)
                said = []
                yield Block(Shape.QUOTE, values[line[1:-1]].strip())
            else:
                said.append(_filled(line, values))
        yield from _words(said)


def _words(lines: Sequence[str]) -> Iterator[Block]:
    text = "\n".join(lines).strip()
    if text:
        yield Block(Shape.WORDS, text)
