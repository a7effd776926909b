"""The words for roles and rights."""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from flask_babel import LazyString, lazy_gettext as _l

from tracker.permissions import Role

# Pairs, not a dict: members of different enums can be equal texts.
LABELS: Final[Sequence[tuple[Enum, LazyString]]] = (
    (Role.RESIDENT, _l("Resident")),
    (Role.VOLUNTEER, _l("Volunteer")),
    (Role.TEAM_LEADER, _l("Team leader")),
    (Role.LEADER, _l("Leader")),
    (Role.COORDINATOR, _l("Coordinator")),
    (Role.SUPERVISOR, _l("Supervisor")),
    (Role.ADMINISTRATOR, _l("Administrator")),
    (Role.AUDITOR, _l("Auditor")),
)
