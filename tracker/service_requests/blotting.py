"""A resident's words for those who may not know who it is, nor where.

Pure: what is told of a person is found by `tracker.privacy`.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from tracker.privacy import find_personal_data, names_that_tell, numbers_that_tell, told_again


@lru_cache(maxsize=1024)
def blotted(
    text: str,
    country: str,
    requester_name: str | None,
    beneficiary_name: str | None,
    address: str,
    phone: str | None,
    neighbour: str | None = None,
) -> str:
    """Return a resident's words for those who may not know who it is, nor where.

    `country`: as whose telephone numbers those without a country's are read, "CN".
    The same tasks stand on board after board, and looking for a stretch of an address takes a while.
    """
    text = without_personal_data(text, country)
    names = names_that_tell((requester_name, beneficiary_name), address, neighbour or "")
    phones = numbers_that_tell(phone, neighbour or "")
    for told in _last_first(told_again(text, names=names, place=address, phones=phones)):
        text = f"{text[: told.start]}…{text[told.stop :]}"
    return text


def _last_first(told: Iterable[slice]) -> Sequence[slice]:
    """Return stretches that do not touch, in the order in which they can be taken out."""
    apart: list[slice] = []
    for each in sorted(told, key=lambda each: each.start):
        if apart and each.start <= apart[-1].stop:
            apart[-1] = slice(apart[-1].start, max(each.stop, apart[-1].stop))
        else:
            apart.append(each)
    return apart[::-1]


def without_personal_data(text: str, country: str) -> str:
    """Return `text` with phone numbers, ID numbers and addresses of mail blotted out."""
    for found in sorted(
        find_personal_data(text, country), key=lambda each: each.start, reverse=True
    ):
        text = f"{text[: found.start]}…{text[found.end :]}"
    return text
