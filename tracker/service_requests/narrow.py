"""Whether what a list is filtered by holds so few requests that each can be looked at.

A list is read in its order until a page is full. Where hardly anything fits, that would be nearly all
of it: what fits a filter that few fit is gathered first instead.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    any_,
    func,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import aliased

from tracker.database import among, db, read
from tracker.service_requests.models import HelpingTeam, ServiceRequest

MOST: Final = 2_000
"""So many are looked up as fast as a page is found among a million."""
MOST_OF_SEVERAL: Final = 10_000
"""Of what fits one of several filters, next to nothing may fit the others, and no page be found."""
_MOST_REMEMBERED: Final = 4_096


class Filter(NamedTuple):
    """A column of a request, and what may stand in it: an id, or for a mark anything at all."""

    column: str
    ids: tuple[int, ...] | None


SUPERVISED: Final = Filter(ServiceRequest.supervised_at.key, None)
URGED: Final = Filter(ServiceRequest.urged_at.key, None)
_MARKED: Final[Mapping[Filter, tuple[str, str]]] = {
    SUPERVISED: ("one.supervised_at IS NOT NULL", "ix_service_request_supervised"),
    URGED: (
        "one.urged_at IS NOT NULL AND one.status <> 'closed'",
        "ix_service_request_urged",
    ),
}
"""What marks a request, as its index says it, of the few that are marked alone; and that index."""


class Remembered:
    """What is not worth counting again, as hardly anything becomes less: how a list is read hangs on it alone.

    One of these is of a process.
    """

    def __init__(self) -> None:
        self._wide: set[Hashable] = set()

    def __contains__(self, asked: Hashable) -> bool:
        return asked in self._wide

    def add(self, asked: Hashable) -> None:
        """Remember it; so that this never grows, forget all others once they are many."""
        if len(self._wide) >= _MOST_REMEMBERED:
            self._wide.clear()
        self._wide.add(asked)


_known_as_wide: Final = Remembered()


def narrowest(filters: Sequence[Filter]) -> Filter | None:
    """Return the first filter that so few fit that they are looked up; None where all are wide."""
    most = MOST if len(filters) == 1 else MOST_OF_SEVERAL
    return next((each for each in filters if _is_narrow(each, most)), None)


def _is_narrow(wanted: Filter, most: int) -> bool:
    if (wanted, most) in _known_as_wide:
        return False
    if (read(_how_many(wanted, most)).scalar() or 0) <= most:
        return True
    _known_as_wide.add((wanted, most))
    return False


def are_among(wanted: Filter) -> ColumnElement[bool]:
    """Return the condition that a request fits a filter, to be asked of each that does and no other."""
    ids = _fitting(wanted)
    if db.session.connection().dialect.name == "postgresql":
        # It thinks of an array as short, and of what another list has as anything.
        return ServiceRequest.id == any_(func.array(ids.scalar_subquery(), type_=ARRAY(Integer)))
    return ServiceRequest.id.in_(ids)


def _fitting(wanted: Filter) -> Select[int] | CompoundSelect[int]:
    """Select the ids of what fits a filter; a team has what it leads and what it helps with."""
    one = aliased(ServiceRequest, name="one")
    if wanted.ids is None:
        is_marked, index = _MARKED[wanted]
        return select(one.id).where(text(is_marked)).with_hint(one, f"INDEXED BY {index}", "sqlite")
    leads = select(one.id).where(among(getattr(one, wanted.column), wanted.ids))
    if wanted.column != ServiceRequest.lead_team_id.key:
        return leads
    helps = select(HelpingTeam.service_request_id)
    return union_all(leads, helps.where(among(HelpingTeam.team_id, wanted.ids)))


@lru_cache(maxsize=256)
def _how_many(wanted: Filter, most: int) -> Select[int]:
    some = _fitting(wanted).limit(most + 1).subquery()
    return select(func.count()).select_from(some)
