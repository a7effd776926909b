"""How long a text message is: in how many parts a network carries it, and how it is made to fit.

Pure. By GSM 03.38: what its alphabet holds takes 7 bits a letter, 160 in one part and 153 in each of
several; a few signs of it take two. Anything else makes all of it UCS-2: 70, and 67. A sign that takes
two places is never cut in half.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_PLACES: Final = frozenset("\f^{}\\[~]|€")
_GSM: Final = 160, 153
_UCS2: Final = 70, 67
_LAST_LINK: Final = re.compile(r"\s?https?://\S+$")
_CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class Length:
    """How long a text is, as a network counts."""

    places: int
    parts: int
    in_one: int
    """How many places there are when it is carried in one part."""
    in_each: int
    """How many there are in each of several."""


def length(text: str) -> Length:
    """Return how long a text is."""
    places, (alone, of_several) = _places(text)
    return Length(sum(places), parts(text), alone, of_several)


def parts(text: str) -> int:
    """Return in how many parts a text is carried; nothing is carried in one."""
    places, (alone, of_several) = _places(text)
    if sum(places) <= alone:
        return 1
    number, left = 1, of_several
    for taken in places:
        if taken > left:
            number, left = number + 1, of_several
        left -= taken
    return number


def fitted(text: str, *, most: int) -> str:
    """Return a text that is carried in at most so many parts: cut before the link that ends it.

    The link stays whole, as half of one leads nowhere, even where it alone is longer.
    """
    if parts(text) <= most:
        return text
    found = _LAST_LINK.search(text)
    words, link = (text[: found.start()], found.group()) if found else (text, "")
    low, high = 0, len(words)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if parts(_cut(words, middle) + link) <= most:
            low = middle
        else:
            high = middle - 1
    return (_cut(words, low) if low else "") + (link if low else link.strip())


def _cut(words: str, length: int) -> str:
    return words[:length].rstrip() + _CUT


def _places(text: str) -> tuple[Sequence[int], tuple[int, int]]:
    """Return how many places each letter takes, and how many there are in one part."""
    if all(letter in _BASIC or letter in _TWO_PLACES for letter in text):
        return [2 if letter in _TWO_PLACES else 1 for letter in text], _GSM
    return [len(letter.encode("utf-16-be")) // 2 for letter in text], _UCS2
