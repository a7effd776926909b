"""The figures as pages, commands and exports ask for them.

From the kept cells (`tracker.reports.rollups`) where those have what is asked, else counted from
the requests (`tracker.reports.statistics`). Both say the same; tests hold them together.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from tracker.permissions import Actor
from tracker.reports import naming, statistics
from tracker.reports.definitions import RESTS, Dimension, Figure, Scope
from tracker.reports.periods import month_begins, months_between, months_later
from tracker.reports.rollups import reading
from tracker.reports.rollups.tally import Tally
from tracker.reports.values import SECONDS_A_DAY, Answers, Group, Month, Share, Spread, Summary

_TIMES: Final = frozenset({Figure.TIMED, Figure.CLOSED_TIMES})
"""What is counted by times, which cells keep one by one."""


def summary(actor: Actor, scope: Scope) -> Summary:
    """Return every figure of a scope; as `statistics.summary`."""
    found = reading.read(actor, scope)
    if found is None:
        return statistics.summary(actor, scope)
    return _summary(found.whole, scope)


def how_many(actor: Actor, scope: Scope, figure: Figure) -> int:
    """Return one figure, also one that is the rest of another; as `statistics.how_many`."""
    asks_for_times = not _TIMES.isdisjoint({figure, *RESTS.get(figure, ())})
    found = reading.read(actor, scope, with_times=asks_for_times)
    if found is None:
        return statistics.how_many(actor, scope, figure)
    tally = found.whole

    def number(figure: Figure) -> int:
        match figure:
            case Figure.TIMED:
                return tally.timed(scope.as_of)
            case Figure.CLOSED_TIMES:
                return tally.percentile(5)[0]
            case _:
                return tally[figure]

    if (rest := RESTS.get(figure)) is not None:
        whole, part = rest
        return number(whole) - number(part)
    return number(figure)


def summary_and_groups(
    actor: Actor, scope: Scope, by: Dimension
) -> tuple[Summary, Sequence[Group]]:
    """Return what `summary` and `groups` do, read once: every request is in one of the groups."""
    found = reading.read(actor, scope, by)
    if found is None:
        return statistics.summary(actor, scope), statistics.groups(actor, scope, by)
    return _summary(found.whole, scope), _groups(found.groups, scope, by)


def _summary(tally: Tally, scope: Scope) -> Summary:
    closed = tally[Figure.CLOSED]
    return Summary(
        received=tally[Figure.RECEIVED],
        counted=tally[Figure.COUNTED],
        closed=closed,
        handled=tally[Figure.HANDLED],
        closed_in_period=tally[Figure.CLOSED_IN_PERIOD],
        on_time=Share(tally.timed(scope.as_of), tally[Figure.ON_TIME]),
        solved=Answers(tally[Figure.ANSWERED], tally[Figure.SOLVED], closed),
        satisfaction=Answers(tally[Figure.RATED], tally[Figure.SATISFIED], closed),
        reopened=Share(tally[Figure.REOPENABLE], tally[Figure.REOPENED]),
        returned=Share(tally[Figure.RETURNABLE], tally[Figure.RETURNED]),
        days_to_close=_spread(tally),
    )


def groups(actor: Actor, scope: Scope, by: Dimension) -> Sequence[Group]:
    """Return the figures of each group of a dimension; as `statistics.groups`."""
    found = reading.read(actor, scope, by)
    if found is None:
        return statistics.groups(actor, scope, by)
    return _groups(found.groups, scope, by)


def _groups(found: Mapping[str, Tally], scope: Scope, by: Dimension) -> Sequence[Group]:
    keys = {key: _typed(key, by) for key, tally in found.items() if tally[Figure.RECEIVED]}
    names = naming.names_of(by, frozenset(keys.values()))
    return naming.in_order(
        naming.named_group(
            typed,
            names,
            received=found[key][Figure.RECEIVED],
            counted=found[key][Figure.COUNTED],
            closed=found[key][Figure.CLOSED],
            on_time=Share(found[key].timed(scope.as_of), found[key][Figure.ON_TIME]),
            days_to_close=_spread(found[key]),
        )
        for key, typed in keys.items()
    )


def monthly(actor: Actor, scope: Scope, zone: ZoneInfo) -> Sequence[Month]:
    """Return received and closed of each month of the period; as `statistics.monthly`."""
    found = reading.read_months(actor, scope)
    if found is None:
        return statistics.monthly(actor, scope, zone)
    bounds = _months_of(scope, found, zone)
    return [
        Month(
            month_begins(month, zone),
            month_begins(months_later(month, 1), zone),
            f"{month:%Y-%m}",
            *found.get(month, (0, 0)),
        )
        for month in bounds
    ]


def channels(actor: Actor) -> Sequence[str]:
    """Return every way in by which a visible request came; as `statistics.channels`."""
    found = reading.channels(actor)
    return statistics.channels(actor) if found is None else found


def _months_of(
    scope: Scope, found: Mapping[date, tuple[int, int]], zone: ZoneInfo
) -> Sequence[date]:
    """Return the months of the period; without bounds, from the first with anything to the last."""
    came = [month for month, (received, _closed) in found.items() if received]
    if scope.start is not None and scope.end is not None:
        return months_between(scope.start, scope.end, zone)
    if not found:
        return []
    first = scope.start or month_begins(min(came) if came else max(found), zone)
    after = scope.end or month_begins(months_later(max(found), 1), zone)
    return months_between(first, after, zone)


def _typed(key: str, by: Dimension) -> int | str | None:
    if by is Dimension.CHANNEL:
        return key
    return int(key) if key else None


def _spread(tally: Tally) -> Spread:
    n, median = tally.percentile(5)
    _n, ninth = tally.percentile(9)
    if median is None or ninth is None:
        return Spread(0, None, None)
    return Spread(n, median / SECONDS_A_DAY, ninth / SECONDS_A_DAY)
