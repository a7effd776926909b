"""A draft of the rules, tried on what came in during the last month before it is put in force."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import false, select, true

from tracker.database import read
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, may
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.lifecycle import Kind, Priority
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.routing.matching import Case, Router, Rule, Standing
from tracker.visibility import within_reach

PERIOD: Final = timedelta(days=30)
MOST: Final = 20_000
"""How many requests a draft is tried on, the newest."""
LISTED: Final = 20
"""How many of those that would go elsewhere are named."""

Value = TypeVar("Value", int, Priority)
Given = tuple[int | None, int | None, Priority | None]
"""Lead team, leader and priority, as a rule gives them; None is left to the desk."""


class _Row(NamedTuple):
    """What is read of a request."""

    id: int
    category_id: int
    area_id: int | None
    unit_id: int
    channel: str
    kind: Kind
    submitted_at: datetime
    accepted_at: datetime | None
    lead_team_id: int | None
    leader_id: int | None
    priority: Priority
    is_in_reach: bool


@dataclass(slots=True)
class Agreement:
    """How often the desk decided as the rules would have proposed, where both did."""

    same: int = 0
    of: int = 0

    @property
    def share(self) -> float | None:
        """Return the share from 0 to 1; None where there is nothing to compare."""
        return self.same / self.of if self.of else None


@dataclass(slots=True)
class Tally:
    """What a set of rules gives to the requests of the period."""

    teams: Counter[int | None] = field(default_factory=Counter)
    leaders: Counter[int | None] = field(default_factory=Counter)
    priorities: Counter[Priority | None] = field(default_factory=Counter)
    rules: Counter[int | None] = field(default_factory=Counter)
    """How many each rule takes, by its id; None: no rule fits."""
    team_agrees: Agreement = field(default_factory=Agreement)
    leader_agrees: Agreement = field(default_factory=Agreement)
    priority_agrees: Agreement = field(default_factory=Agreement)


@dataclass(frozen=True, slots=True)
class Difference:
    """A request that would get something else."""

    id: int
    before: Given
    after: Given
    decided: Given
    """What the desk really did; None where it has not."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a draft would have done, beside what is in force and what the desk did."""

    since: datetime
    tried: int
    is_cut: bool
    """There were more: only the newest were tried."""
    before: Tally
    after: Tally
    different: int
    different_in_reach: int
    is_of_all: bool
    """The reader decides for everybody, and reads figures of everything: of others' as well."""
    listed: Sequence[Difference]
    """The newest of those that the reader may see."""


def try_out(
    actor: Actor,
    before: Sequence[Rule],
    after: Sequence[Rule],
    standing: Standing,
    *,
    now: datetime,
) -> Trial:
    """Return what two sets of rules give to the requests of the 30 days before `now`, spam left out.

    Each request as it stands now, on the clock of the organisation. One statement reads them all. Who
    may put rules in force decides for every desk: of what they may not see they read figures, and no
    line. Everybody else's trial knows only what they may see.
    """
    since, is_of_all = now - PERIOD, may(actor, Action.EDIT_ROUTING)
    rows = _rows(actor, since, now, is_of_all=is_of_all)
    is_cut = len(rows) > MOST
    routers = Router(before, standing), Router(after, standing)
    cases = _cases(rows[:MOST], routers)
    tallies = Tally(), Tally()
    different = different_in_reach = 0
    listed: list[Difference] = []
    for row, case in zip(rows, cases, strict=False):
        decided = _decided(row)
        given = []
        for router, tally in zip(routers, tallies, strict=True):
            rule = router.decide(case).rule
            given.append(rule.gives if rule else (None, None, None))
            _count(tally, rule, given[-1], decided)
        if given[0] != given[1]:
            different += 1
            different_in_reach += row.is_in_reach
            if row.is_in_reach and len(listed) < LISTED:
                listed.append(Difference(row.id, given[0], given[1], decided))
    return Trial(
        since=since,
        tried=len(cases),
        is_cut=is_cut,
        before=tallies[0],
        after=tallies[1],
        different=different,
        different_in_reach=different_in_reach,
        is_of_all=is_of_all,
        listed=listed,
    )


def side_by_side(
    before: Mapping[Value | None, int], after: Mapping[Value | None, int]
) -> Sequence[tuple[Value | None, int, int]]:
    """Return each value with how many get it before and after: the most after first, None last."""
    values = {**before, **after}
    rows = [(value, before.get(value, 0), after.get(value, 0)) for value in values]
    return sorted(rows, key=lambda row: (row[0] is None, -row[2], -row[1], str(row[0])))


def _rows(actor: Actor, since: datetime, now: datetime, *, is_of_all: bool) -> Sequence[_Row]:
    in_reach = within_reach(actor, Action.VIEW_SERVICE_REQUEST, CASEWORK)
    asked = (
        select(
            *(getattr(ServiceRequest, name) for name in _Row._fields[:-1]),
            in_reach.label("is_in_reach"),
        )
        .where(
            ServiceRequest.submitted_at >= since,
            ServiceRequest.submitted_at <= now,
            ServiceRequest.is_spam == false(),
            true() if is_of_all else in_reach,
        )
        .order_by(ServiceRequest.submitted_at.desc(), ServiceRequest.id.desc())
        .limit(MOST + 1)
    )
    return [_Row(*row) for row in read(asked, {}).all()]


def _cases(rows: Sequence[_Row], routers: Sequence[Router]) -> Sequence[Case]:
    zone = ZoneInfo(organisation.time_zone_name())
    # Whether somebody was at work takes longer than all the rest together.
    asks = any(router.asks_for_working_time for router in routers)
    calendar = organisation.calendar(rows[0].submitted_at) if rows and asks else None
    return [
        Case(
            category_id=row.category_id,
            area_id=row.area_id,
            unit_id=row.unit_id,
            channel=row.channel,
            kind=row.kind,
            came_in=row.submitted_at.astimezone(zone),
            in_working_time=calendar is None or calendar.is_working_time(row.submitted_at),
        )
        for row in rows
    ]


def _decided(row: _Row) -> Given:
    return row.lead_team_id, row.leader_id, row.priority if row.accepted_at else None


def _count(tally: Tally, rule: Rule | None, given: Given, decided: Given) -> None:
    tally.rules[rule.id if rule else None] += 1
    counters = tally.teams, tally.leaders, tally.priorities
    agreements = tally.team_agrees, tally.leader_agrees, tally.priority_agrees
    for counter, agreement, proposed, chosen in zip(
        counters, agreements, given, decided, strict=True
    ):
        counter[proposed] += 1  # type: ignore[index]  # each counts what stands in its own place
        if proposed is not None and chosen is not None:
            agreement.of += 1
            agreement.same += proposed == chosen
