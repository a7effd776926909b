"""Which rule fits a request: the rules in order, and the first that fits wins.

Pure. The desk's forms, the trial and the tests ask the same function. Nothing that has ended is ever
proposed: a rule that points to it is passed over as a whole, and says why.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import Any, Final

from tracker.service_requests.lifecycle import Kind, Priority

DAYS: Final = "1234567"
"""The days of the week, Monday first, as ISO counts them."""


class Problem(StrEnum):
    """Why a rule cannot be used as it stands."""

    CATEGORY_ENDED = "category_ended"
    AREA_ENDED = "area_ended"
    TEAM_ENDED = "team_ended"
    LEADER_ENDED = "leader_ended"
    LEADER_ELSEWHERE = "leader_elsewhere"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule asks for, and what it gives. An empty condition fits everything."""

    id: int
    number: int
    """Its place among the rules that are switched on, from 1."""
    name: str
    name_en: str | None = None
    category_id: int | None = None
    """A kind of request, or a group of them."""
    area_id: int | None = None
    """With everything in it."""
    channel: str | None = None
    kind: Kind | None = None
    weekdays: str = ""
    """Of the moment when it came in, such as "67"; "" is any day."""
    begins_at: time | None = None
    ends_at: time | None = None
    """From the one until before the other, on the organisation's clock; perhaps over midnight."""
    is_outside_work: bool = False
    """Only what came in outside of working time."""
    lead_team_id: int | None = None
    leader_id: int | None = None
    priority: Priority | None = None

    @property
    def gives(self) -> tuple[int | None, int | None, Priority | None]:
        """Return lead team, leader and priority; None is left open."""
        return self.lead_team_id, self.leader_id, self.priority

    @property
    def names_both(self) -> bool:
        """Tell whether it names a team and a leader, so that nothing is left to choose."""
        return self.lead_team_id is not None and self.leader_id is not None

    def plain(self) -> dict[str, Any]:
        """Return it in values that JSON knows."""
        return {
            name: value.strftime("%H:%M") if isinstance(value, time) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Rule":
        """Return what `plain` was made of."""
        return cls(
            **{
                **plain,
                "kind": Kind(plain["kind"]) if plain["kind"] else None,
                "priority": Priority(plain["priority"]) if plain["priority"] else None,
                "begins_at": _time(plain["begins_at"]),
                "ends_at": _time(plain["ends_at"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules ask of a request."""

    category_id: int
    area_id: int | None
    unit_id: int
    """Whose desk has it: the leader must answer there."""
    channel: str
    kind: Kind
    came_in: datetime
    """On the organisation's clock."""
    in_working_time: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How the set-up stands: what hangs below what, what has ended, who answers where."""

    category_above: Mapping[int, int | None] = field(default_factory=dict)
    area_above: Mapping[int, int | None] = field(default_factory=dict)
    desk_of_area: Mapping[int, int] = field(default_factory=dict)
    """The unit whose desk receives what comes from an area."""
    ended_categories: frozenset[int] = frozenset()
    ended_areas: frozenset[int] = frozenset()
    ended_teams: frozenset[int] = frozenset()
    units_of_leader: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """The units in which somebody answers as leader; who is nobody's leader stands nowhere."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The rule that fits, and those that fit before it and cannot be used."""

    rule: Rule | None
    passed_over: tuple[tuple[Rule, Problem], ...] = ()


class Router:
    """Rules in their order, ready to be asked about any number of requests.

    For each value that a request can have, which rules it fits is a number with a bit for each rule,
    the first rule's the lowest: a month's requests repeat a few hundred values, so that each is asked
    of the rules once.
    """

    def __init__(self, rules: Sequence[Rule], standing: Standing) -> None:
        self.rules = tuple(rules)
        self.asks_for_working_time = any(rule.is_outside_work for rule in rules)
        self._standing = standing
        self._problems = [problem_of(rule, standing) for rule in rules]
        self._bits: dict[tuple[str, object], int] = {}
        turns = {each for rule in rules for each in (rule.begins_at, rule.ends_at) if each}
        self._turns = sorted(turns)
        """The times at which what fits may change."""

    def decide(self, case: Case) -> Decision:
        """Return the first rule that fits and can be used, with those passed over before it."""
        fitting = self._where("category", case.category_id, case)
        for what in ("area", "kind", "channel"):
            if not fitting:
                return _NOTHING
            fitting &= self._where(what, getattr(case, _FIELD[what]), case)
        if not fitting:
            return _NOTHING
        stretch = bisect_right(self._turns, case.came_in.time())
        when = (case.came_in.isoweekday(), stretch, case.in_working_time)
        fitting &= self._where("when", when, case)
        passed_over: list[tuple[Rule, Problem]] = []
        while fitting:
            place = (fitting & -fitting).bit_length() - 1
            rule = self.rules[place]
            problem = self._problems[place] or _problem_there(rule, case, self._standing)
            if problem is None:
                return Decision(rule, tuple(passed_over))
            passed_over.append((rule, problem))
            fitting &= fitting - 1
        return Decision(None, tuple(passed_over)) if passed_over else _NOTHING

    def _where(self, what: str, value: object, case: Case) -> int:
        """Return the rules of which the condition `what` fits a request with this value."""
        known = self._bits.get((what, value))
        if known is None:
            fits_it = CONDITIONS[what]
            known = sum(
                1 << place
                for place, rule in enumerate(self.rules)
                if fits_it(rule, case, self._standing)
            )
            self._bits[what, value] = known
        return known


_NOTHING: Final = Decision(None)
_FIELD: Final = {"area": "area_id", "kind": "kind", "channel": "channel"}


def fits(rule: Rule, case: Case, standing: Standing) -> bool:
    """Tell whether every condition of `rule` fits `case`, whether or not it can be used."""
    return all(fits_it(rule, case, standing) for fits_it in CONDITIONS.values())


def problem_of(rule: Rule, standing: Standing) -> Problem | None:
    """Return why `rule` can be used for nothing at all; None where it can."""
    if rule.category_id in standing.ended_categories:
        return Problem.CATEGORY_ENDED
    if rule.area_id in standing.ended_areas:
        return Problem.AREA_ENDED
    if rule.lead_team_id in standing.ended_teams:
        return Problem.TEAM_ENDED
    if rule.leader_id is None:
        return None
    answers_in = standing.units_of_leader.get(rule.leader_id, frozenset())
    if not answers_in:
        return Problem.LEADER_ENDED
    desk = standing.desk_of_area.get(rule.area_id) if rule.area_id is not None else None
    return Problem.LEADER_ELSEWHERE if desk is not None and desk not in answers_in else None


def _problem_there(rule: Rule, case: Case, standing: Standing) -> Problem | None:
    """Return why `rule`, which can be used elsewhere, cannot be where the request is."""
    if rule.leader_id is None or case.unit_id in standing.units_of_leader[rule.leader_id]:
        return None
    return Problem.LEADER_ELSEWHERE


def _is_in(wanted: int | None, here: int | None, above: Mapping[int, int | None]) -> bool:
    """Tell whether `here` is `wanted` or lies below it; no wish fits everything."""
    if wanted is None:
        return True
    seen: set[int] = set()
    while here is not None and here not in seen:
        if here == wanted:
            return True
        seen.add(here)
        here = above.get(here)
    return False


def _fits_category(rule: Rule, case: Case, standing: Standing) -> bool:
    return _is_in(rule.category_id, case.category_id, standing.category_above)


def _fits_area(rule: Rule, case: Case, standing: Standing) -> bool:
    return _is_in(rule.area_id, case.area_id, standing.area_above)


def _fits_kind(rule: Rule, case: Case, _standing: Standing) -> bool:
    return rule.kind in (None, case.kind)


def _fits_channel(rule: Rule, case: Case, _standing: Standing) -> bool:
    return rule.channel in (None, case.channel)


def _fits_when(rule: Rule, case: Case, _standing: Standing) -> bool:
    if rule.is_outside_work and case.in_working_time:
        return False
    if rule.weekdays and str(case.came_in.isoweekday()) not in rule.weekdays:
        return False
    if rule.begins_at is None or rule.ends_at is None:
        return True
    at = case.came_in.time()
    if rule.begins_at < rule.ends_at:
        return rule.begins_at <= at < rule.ends_at
    return at >= rule.begins_at or at < rule.ends_at


CONDITIONS: Final[Mapping[str, Callable[[Rule, Case, Standing], bool]]] = {
    "category": _fits_category,
    "area": _fits_area,
    "kind": _fits_kind,
    "channel": _fits_channel,
    "when": _fits_when,
}
"""What a rule asks of a request. Each reads nothing else of it than its name says."""


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None
