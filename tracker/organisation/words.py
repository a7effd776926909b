"""The words for kinds of units and areas."""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from flask_babel import LazyString, lazy_gettext as _l

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
