"""The permission matrix as SQL: which rows may this actor act on?

Says exactly what `tracker.permissions.may` says; tests/test_visibility.py holds the two
together for every action, role and relation.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, false, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from tracker.database import among
from tracker.permissions import NEVER_ON_OWN_WORK, SYSTEM, Action, Actor, Reach, Role

Rest = ParamSpec("Rest")
Made = TypeVar("Made")

MADE: Final = 128
"""How many statements of each kind are remembered: of so many people, or so many questions."""


@dataclass(frozen=True, slots=True)
class CaseworkColumns:
    """How one table answers the questions of `tracker.permissions.Casework` in SQL."""

    id: InstrumentedAttribute[int]
    unit_id: InstrumentedAttribute[int]
    leader_id: InstrumentedAttribute[int | None]
    lead_team_id: InstrumentedAttribute[int | None]
    in_teams: Callable[[Collection[int]], ColumnElement[bool]]
    claimed_by: Callable[[int], ColumnElement[bool]]
    claimed_through: Callable[[int, Collection[int]], ColumnElement[bool]]
    """Claimed by somebody, and in one of some teams."""
    handled_by: Callable[[int], ColumnElement[bool]]


def within_reach(actor: Actor, action: Action, rows: CaseworkColumns) -> ColumnElement[bool]:
    """Return the condition that `actor` may take `action` on a row.

    Every way is compared with an actual id: `column == None` would become `IS NULL` and show
    an actor who holds nothing every row that belongs to nobody.
    """
    ways = _by_unit(actor, action, rows) + _by_team(actor, action, rows)
    for role in sorted(actor.own_roles_where(action)):
        match role:
            case Role.RESIDENT:
                if actor.own_request_id is not None:
                    ways.append(rows.id == actor.own_request_id)
            case Role.VOLUNTEER | Role.TEAM_LEADER:
                if actor.person_id is not None and actor.member_of:
                    ways.append(rows.claimed_through(actor.person_id, sorted(actor.member_of)))
            case _:
                if actor.person_id is not None:
                    own = rows.leader_id == actor.person_id
                    there = among(rows.unit_id, sorted(actor.units.get(role, ())))
                    ways.append(own if role in actor.at_the_top else own & there)
    allowed = or_(*ways) if ways else false()
    if action in NEVER_ON_OWN_WORK:
        for person_id in sorted(actor.ids):
            allowed &= ~rows.handled_by(person_id)
        if actor.leading:
            # Not `NOT`: what no team has would be neither in them nor outside.
            allowed &= rows.in_teams(sorted(actor.leading)).is_not(true())
    return allowed


def made_once(
    build: Callable[Concatenate[Actor, Rest], Made],
) -> Callable[Concatenate[Actor, Rest], Made]:
    """Remember the statement that `build` makes for an actor and for the same question.

    Making a statement, and finding out which known one it equals, takes longer than its answer:
    what is long-lived, a database layer knows at once. `build` reads its arguments alone, never
    the database or the clock: moments are parameters of the statement.
    """

    @lru_cache(maxsize=MADE)
    def made(asker: _Asker, *rest: Any, **named: Any) -> Made:  # noqa: ANN401 - as `build`
        return build(asker.actor, *rest, **named)

    @wraps(build)
    def answer(actor: Actor, /, *rest: Rest.args, **named: Rest.kwargs) -> Made:
        return made(_Asker(actor), *rest, **named)  # type: ignore[arg-type]  # they must be hashable

    return answer


class _Asker:
    """An actor, equal to every other who may do the same."""

    __slots__ = ("_holdings", "actor")

    def __init__(self, actor: Actor) -> None:
        # The system holds nothing, as a visitor does, and sees all.
        self.actor, self._holdings = actor, (actor.holdings, actor is SYSTEM)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asker) and self._holdings == other._holdings

    def __hash__(self) -> int:
        return hash(self._holdings)


def _by_unit(actor: Actor, action: Action, rows: CaseworkColumns) -> list[ColumnElement[bool]]:
    if actor.may_for_all(action):
        # Every row belongs to a unit: naming them all would only keep an index from being used.
        return [true()]
    units = actor.units_where(action)
    return [among(rows.unit_id, sorted(units))] if units else []


def _by_team(actor: Actor, action: Action, rows: CaseworkColumns) -> list[ColumnElement[bool]]:
    ways = []
    if teams := actor.teams_where(action):
        ways.append(rows.in_teams(sorted(teams)))
    if leading := actor.teams_where(action, Reach.LEAD):
        ways.append(among(rows.lead_team_id, sorted(leading)))
    return ways
