"""What the address of a page of figures asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tracker.organisation.queries import areas_below, categories_below, units_below
from tracker.reports.definitions import Dimension, Figure, Scope
from tracker.reports.figures import day_start
from tracker.reports.periods import Choice, Period, period_for
from tracker.service_requests.lifecycle import Kind
from tracker.web.addresses import day, identity, read_argument

LONGEST_CHANNEL: Final = 60

TREES: Final = (Dimension.UNIT, Dimension.AREA, Dimension.CATEGORY)
BLANKABLE: Final = (Dimension.TEAM, Dimension.LEADER, Dimension.AREA, Dimension.CHANNEL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A period, filters, and what to show of them. What cannot be read is left open."""

    choice: Choice
    period: Period
    by: Dimension
    figure: Figure
    sort: str
    unit_id: int | None
    team_id: int | None
    leader_id: int | None
    category_id: int | None
    area_id: int | None
    channel: str | None
    kind: Kind | None
    exact: frozenset[Dimension]
    """The unit, area or category itself, without what is below it."""
    blank: frozenset[Dimension]
    """What must not be recorded."""

    def scope(self, now: datetime, zone: ZoneInfo, period: Period | None = None) -> Scope:
        """Return which requests are meant; `period` replaces the one that is wanted."""
        days = period or self.period
        return Scope(
            as_of=now,
            start=day_start(days.start, zone) if days.start else None,
            end=day_start(days.end, zone) if days.end else None,
            unit_ids=self._ids(Dimension.UNIT, self.unit_id, units_below),
            team_id=self.team_id,
            leader_id=self.leader_id,
            category_ids=self._ids(Dimension.CATEGORY, self.category_id, categories_below),
            area_ids=self._ids(Dimension.AREA, self.area_id, areas_below),
            channel="" if Dimension.CHANNEL in self.blank else self.channel,
            kind=self.kind,
            blank=self.blank - {Dimension.CHANNEL},
        )

    def _ids(
        self, dimension: Dimension, chosen: int | None, below: Callable[[int], frozenset[int]]
    ) -> frozenset[int] | None:
        if chosen is None:
            return None
        return frozenset({chosen}) if dimension in self.exact else below(chosen)


def wanted_from(arguments: Mapping[str, str], today: date) -> Wanted:
    """Return what an address asks for. Links grow old: what cannot be read is left open."""
    start, last = read_argument(arguments, "from", day), read_argument(arguments, "to", day)
    if start or last:
        choice = Choice.CUSTOM  # days that were typed speak louder than a name
        period = Period(start, last + timedelta(days=1) if last else None)
    else:
        choice = read_argument(arguments, "period", Choice) or Choice.LAST_12_MONTHS
        choice = Choice.ALL if choice is Choice.CUSTOM else choice
        period = period_for(choice, today)
    return Wanted(
        choice=choice,
        period=period,
        by=read_argument(arguments, "by", Dimension) or Dimension.CATEGORY,
        figure=read_argument(arguments, "figure", Figure) or Figure.RECEIVED,
        sort=arguments.get("sort", "-received"),
        unit_id=read_argument(arguments, "unit", identity),
        team_id=read_argument(arguments, "team", identity),
        leader_id=read_argument(arguments, "leader", identity),
        category_id=read_argument(arguments, "category", identity),
        area_id=read_argument(arguments, "area", identity),
        channel=arguments.get("channel", "")[:LONGEST_CHANNEL] or None,
        kind=read_argument(arguments, "kind", Kind),
        exact=frozenset(one for one in TREES if one in arguments.get("exact", "").split(",")),
        blank=frozenset(one for one in BLANKABLE if one in arguments.get("blank", "").split(",")),
    )
