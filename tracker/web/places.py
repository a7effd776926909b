"""Countries and time zones as the reader calls them."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from babel.dates import get_timezone_location
from flask_babel import gettext as _

from tracker.web.locale import CHINESE, LOADED, current_locale

_NOWHERE: Final = "Etc/"
"""Time zones that are an offset and no place begin so."""


def country_name(code: str) -> str:
    """Return what a country is called, with its code; the code alone where nobody named it."""
    name = LOADED[current_locale()].territories.get(code)
    return code if name is None else _named(name, code)


def time_zone_name(zone: str) -> str:
    """Return what a time zone is called, with its code."""
    if zone.startswith(_NOWHERE):
        return zone
    return _named(get_timezone_location(zone, locale=LOADED[current_locale()]), zone)


def countries(codes: Iterable[str]) -> Sequence[tuple[str, str]]:
    """Return codes and names of countries, in the order in which the reader looks for them."""
    return _countries(tuple(codes), current_locale())


def time_zones(zones: Iterable[str]) -> Sequence[tuple[str, str]]:
    """Return codes and names of time zones, in the order in which the reader looks for them."""
    return _time_zones(tuple(zones), current_locale())


@lru_cache(maxsize=8)
def _countries(codes: Sequence[str], locale: str) -> Sequence[tuple[str, str]]:
    return _in_order(((code, country_name(code)) for code in codes), locale)


@lru_cache(maxsize=8)
def _time_zones(zones: Sequence[str], locale: str) -> Sequence[tuple[str, str]]:
    """Remember: five hundred take a sixth of a second."""
    return _in_order(((zone, time_zone_name(zone)) for zone in zones), locale)


def _in_order(named: Iterable[tuple[str, str]], locale: str) -> Sequence[tuple[str, str]]:
    # This encoding has the signs of everyday Chinese by their sound.
    encoding = "gb18030" if locale == CHINESE else "utf-8"
    return tuple(sorted(named, key=lambda each: each[1].casefold().encode(encoding)))


def _named(name: str, code: str) -> str:
    return str(_("%(name)s (%(code)s)", name=name, code=code))
