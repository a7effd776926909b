"""The words for visits."""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from flask_babel import LazyString, lazy_gettext as _l

from tracker.visits.models import ContactWay, Group, VisitStatus

# Pairs, not a dict: members of different enums can be equal texts.
LABELS: Final[Sequence[tuple[Enum, LazyString]]] = (
    (VisitStatus.PLANNED, _l("Planned")),
    (VisitStatus.DONE, _l("Done")),
    (VisitStatus.CANCELLED, _l("Called off")),
    (ContactWay.IN_PERSON, _l("In person")),
    (ContactWay.PHONE, _l("By phone")),
    (ContactWay.VIDEO, _l("By video")),
    (Group.ELDER_LIVING_ALONE, _l("Elder living alone")),
    (Group.LEFT_BEHIND_CHILD, _l("Left-behind child")),
    (Group.MEMBER_IN_DIFFICULTY, _l("Party member in difficulty")),
    (Group.RETIRED_MEMBER, _l("Retired member")),
    (Group.BEREAVED_FAMILY, _l("Family of one who died on duty")),
    (Group.DISABLED_PERSON, _l("Disabled person")),
    (Group.GRASS_ROOTS_STAFF, _l("Grass-roots staff")),
    (Group.OTHER, _l("Somebody else")),
)
