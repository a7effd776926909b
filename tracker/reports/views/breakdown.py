"""The figures broken down into groups: by what, in which order, and where each group leads."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from flask_babel import gettext as _

from tracker.reports.addresses import Wanted
from tracker.reports.definitions import Dimension, Figure
from tracker.reports.values import Group
from tracker.reports.views.links import Addresses, kept, list_url, lists_url
from tracker.service_requests.words import channel_label
from tracker.web.addresses import address
from tracker.web.labels import label
from tracker.web.locale import localized

MOST_BARS: Final = 15
BREAKDOWNS: Final = (
    Dimension.CATEGORY,
    Dimension.TEAM,
    Dimension.UNIT,
    Dimension.AREA,
    Dimension.LEADER,
    Dimension.CHANNEL,
)
SORTS: Final[Mapping[str, Callable[[Group], Any]]] = {
    "name": lambda group: group.name,
    "received": lambda group: group.received,
    "closed": lambda group: group.closed,
    "closure": lambda group: group.closure.rate,
    "on_time": lambda group: group.on_time.rate,
    "median": lambda group: group.days_to_close.median,
    "p90": lambda group: group.days_to_close.p90,
}


def dimension_of(wanted: Wanted) -> Dimension:
    """Return by what the table breaks down: inside one category, by its leaves."""
    if wanted.by is Dimension.CATEGORY and wanted.category_id is not None:
        return Dimension.LEAF
    return wanted.by


def sorted_by(groups: Sequence[Group], sort: str) -> Sequence[Group]:
    """Return the groups by a column, from the largest with a `-`; what is not known comes last."""
    key = SORTS.get(sort.removeprefix("-"))
    if key is None:
        return groups
    known = [group for group in groups if key(group) is not None]
    unknown = [group for group in groups if key(group) is None]
    return sorted(known, key=key, reverse=sort.startswith("-")) + unknown


class Bar(NamedTuple):
    """A bar of the chart: the closure rate of a group, or None where it is not shown."""

    label: str
    value: float | None
    n: int
    href: str
    """What is still open."""


def bars(groups: Sequence[Group], by: Dimension) -> tuple[Bar, ...]:
    """Return the closure rates of the largest groups by what they count; each leads to what is still open."""
    largest = sorted(groups, key=lambda group: -group.counted)[:MOST_BARS]
    return tuple(
        Bar(
            label=group_name(group, by),
            value=None if group.hides_rates else group.closure.rate,
            n=group.counted,
            href=list_url(Figure.NOT_CLOSED, **filter_of(group, by)),
        )
        for group in largest
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table, with where it leads. Plain values: it is drawn once for the same."""

    group: Group
    name: str
    figures: str
    """The page of figures of this group."""
    lists: str
    """Its lists, without the figure."""


def rows(groups: Iterable[Group], by: Dimension) -> list[Row]:
    """Return the lines of the table."""
    here = Addresses(".index", kept("sort", "mark", "exact", "blank"))
    return [
        Row(
            group,
            group_name(group, by),
            figures=here.narrowed(**filter_of(group, by)),
            lists=lists_url(**filter_of(group, by)),
        )
        for group in groups
    ]


def tabs(by: Dimension) -> list[dict[str, Any]]:
    """Return the breakdowns to choose from."""
    shown = Dimension.CATEGORY if by is Dimension.LEAF else by
    return [
        {
            "label": label(one),
            "url": address(".index", kept("by", "sort"), by=one.value) + "#groups",
            "active": one is shown,
        }
        for one in BREAKDOWNS
    ]


def filter_of(group: Group, by: Dimension) -> dict[str, str]:
    """Return what narrows an address to exactly this group."""
    name = Dimension.CATEGORY if by is Dimension.LEAF else by
    if group.key in (None, ""):
        return {"blank": name.value}
    exact = {"exact": name.value} if by in (Dimension.UNIT, Dimension.AREA, Dimension.LEAF) else {}
    return {name.value: str(group.key), **exact}


def group_name(group: Group, by: Dimension) -> str:
    """Return what a group is called, in the reader's language."""
    if by is Dimension.CHANNEL:
        return channel_label(str(group.key or ""))
    return localized(group) or _("Not recorded")
