"""The words for kinds of units and areas."""

from collections.abc import Sequence
from datetime import time
from enum import Enum
from itertools import groupby
from operator import itemgetter
from typing import Final

from flask_babel import LazyString, gettext, lazy_gettext as _l

from tracker.organisation.calendar import MIDNIGHT, Span
from tracker.organisation.models import AreaKind, UnitKind

# Pairs, not a dict: members of different enums can be equal texts.
LABELS: Final[Sequence[tuple[Enum, LazyString]]] = (
    (UnitKind.BUREAU, _l("Bureau")),
    (UnitKind.BRANCH, _l("Branch")),
    (UnitKind.STATION, _l("Station")),
    (UnitKind.OFFICE, _l("Office")),
    (AreaKind.DISTRICT, _l("District")),
    (AreaKind.STREET, _l("Street")),
    (AreaKind.COMMUNITY, _l("Community or village")),
    (AreaKind.GRID, _l("Grid")),
)
WEEKDAYS: Final = (
    _l("Monday"),
    _l("Tuesday"),
    _l("Wednesday"),
    _l("Thursday"),
    _l("Friday"),
    _l("Saturday"),
    _l("Sunday"),
)


def working_hours(week: Sequence[Sequence[Span]]) -> str:
    """Return when an organisation works, such as “Monday to Friday 09:00–12:00, 14:00–18:00”.

    `week`: the spans of each weekday, Monday first. Days alike that follow each other are one.
    """
    parts = []
    for spans, group in groupby(enumerate(week), key=itemgetter(1)):
        days = [day for day, _spans in group]
        if not spans:
            continue
        first, last = WEEKDAYS[days[0]], WEEKDAYS[days[-1]]
        named = (
            str(first)
            if len(days) == 1
            else gettext("%(first)s to %(last)s", first=first, last=last)
        )
        hours = gettext(", ").join(f"{opens:%H:%M}–{_closing(closes)}" for opens, closes in spans)
        parts.append(f"{named} {hours}")
    return str(gettext("; ")).join(parts)


def _closing(at: time) -> str:
    """Return when a span ends; one that lasts until midnight does not end as it begins."""
    return "24:00" if at == MIDNIGHT else f"{at:%H:%M}"
