"""What the address of a page of figures asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from tracker.organisation.queries import areas_below, units_below
from tracker.reports.figures import categories_below, day_start
from tracker.reports.periods import Choice, Period, period_for
from tracker.reports.statistics import Dimension, Figure, Scope
from tracker.service_requests.lifecycle import Kind

Value = TypeVar("Value")
LARGEST_ID: Final = 2**31 - 1
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200
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
    start, last = _read(arguments, "from", _day), _read(arguments, "to", _day)
    if start or last:
        choice = Choice.CUSTOM  # days that were typed speak louder than a name
        period = Period(start, last + timedelta(days=1) if last else None)
    else:
        choice = _read(arguments, "period", Choice) or Choice.LAST_12_MONTHS
        choice = Choice.ALL if choice is Choice.CUSTOM else choice
        period = period_for(choice, today)
    return Wanted(
        choice=choice,
        period=period,
        by=_read(arguments, "by", Dimension) or Dimension.CATEGORY,
        figure=_read(arguments, "figure", Figure) or Figure.RECEIVED,
        sort=arguments.get("sort", "-received"),
        unit_id=_read(arguments, "unit", _identity),
        team_id=_read(arguments, "team", _identity),
        leader_id=_read(arguments, "leader", _identity),
        category_id=_read(arguments, "category", _identity),
        area_id=_read(arguments, "area", _identity),
        channel=arguments.get("channel", "").replace("\x00", "")[:LONGEST_CHANNEL] or None,
        kind=_read(arguments, "kind", Kind),
        exact=frozenset(one for one in TREES if one in arguments.get("exact", "").split(",")),
        blank=frozenset(one for one in BLANKABLE if one in arguments.get("blank", "").split(",")),
    )


def _read(arguments: Mapping[str, str], name: str, read: Callable[[str], Value]) -> Value | None:
    text = arguments.get(name, "").strip()
    try:
        return read(text) if text else None
    except ValueError:
        return None


def _identity(text: str) -> int:
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        message = "Nothing has such an id."
        raise ValueError(message)
    return number


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        message = "Nothing was sent in on such a day."
        raise ValueError(message)
    return day
