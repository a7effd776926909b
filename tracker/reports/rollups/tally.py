"""Counts, and times that cannot be added up, of some cells and changes."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, repeat
from typing import Final, NamedTuple, TypeAlias

from tracker.reports.definitions import Figure
from tracker.reports.rollups.facts import COUNTS, EPOCH, Fact, microseconds
from tracker.reports.rollups.remembered import ABOUT_A_ROW

_FLOW: Final = COUNTS.index(Figure.CLOSED_IN_PERIOD)
_TIMED: Final = COUNTS.index(Figure.TIMED)

_SHORT: Final = 300
"""Lists that are shorter are put in order together faster than each is halved for percentiles."""

_FEW: Final = 200
"""So many numbers are put in order faster than they are narrowed down further."""

Numbers: TypeAlias = "Sequence[int] | memoryview[int] | array[int]"
"""In order."""


class Tallies(NamedTuple):
    """What was found for each group, and for all of them together."""

    groups: "Mapping[str, Tally]"
    whole: "Tally"

    @property
    def size(self) -> int:
        """Return about how many bytes they take; the times of the groups are those of the whole."""
        return self.whole.size + ABOUT_A_ROW * (len(self.groups) + 1)


@dataclass(slots=True)
class Tally:
    """Counts and times of some cells and changes, ready to be read."""

    counts: list[int] = field(default_factory=lambda: [0] * len(COUNTS))
    seconds: list[Numbers] = field(default_factory=list)
    dues: list[Numbers] = field(default_factory=list)
    seconds_added: list[int] = field(default_factory=list)
    seconds_taken: list[int] = field(default_factory=list)
    dues_added: list[int] = field(default_factory=list)
    dues_taken: list[int] = field(default_factory=list)
    latest: datetime = EPOCH
    _percentiles: dict[int, tuple[int, float | None]] = field(default_factory=dict)
    """What was found, for whoever reads the same again."""

    def copy(self) -> "Tally":
        """Return one to which more can be noted; the lists that nobody changes are shared."""
        return Tally(
            [*self.counts],
            [*self.seconds],
            [*self.dues],
            [*self.seconds_added],
            [*self.seconds_taken],
            [*self.dues_added],
            [*self.dues_taken],
            self.latest,
        )

    @property
    def size(self) -> int:
        """Return about how many bytes its times take."""
        return 8 * sum(map(len, (*self.seconds, *self.dues)))

    def __getitem__(self, figure: Figure) -> int:
        """Return one count."""
        return self.counts[COUNTS.index(figure)]

    def timed(self, as_of: datetime) -> int:
        """Return what was in time or late at `as_of`: open requests due later are not yet."""
        moment = microseconds(as_of)
        ahead = sum(len(dues) - bisect_left(dues, moment) for dues in self.dues)
        ahead += len(self.dues_added) - bisect_left(self.dues_added, moment)
        ahead -= len(self.dues_taken) - bisect_left(self.dues_taken, moment)
        return self.counts[_TIMED] - ahead

    def note(self, fact: Fact, *, at_closing: bool) -> None:
        """Count one fact: what counts by submitting, or what counts by closing."""
        if at_closing:
            self.counts[_FLOW] += fact.sign * fact.counts[_FLOW]
            self.latest = max(self.latest, fact.latest)
            return
        self.counts = [
            before + fact.sign * one if place != _FLOW else before
            for place, (before, one) in enumerate(zip(self.counts, fact.counts, strict=True))
        ]
        self.latest = max(self.latest, fact.latest)
        if fact.seconds is not None:
            (self.seconds_added if fact.sign > 0 else self.seconds_taken).append(fact.seconds)
        if fact.due is not None:
            (self.dues_added if fact.sign > 0 else self.dues_taken).append(fact.due)

    def settle(self) -> "Tally":
        """Put in order what was noted, before anything is read from it. Nothing is noted after."""
        if sum(map(len, self.seconds)) < len(self.seconds) * _SHORT:
            self.seconds = [array("q", sorted(chain.from_iterable(self.seconds)))]
        for numbers in (self.seconds_added, self.seconds_taken, self.dues_added, self.dues_taken):
            numbers.sort()
        return self

    def percentile(self, tenths: int) -> tuple[int, float | None]:
        """Return n and a percentile of the seconds, interpolated as numpy does by default."""
        if tenths not in self._percentiles:
            self._percentiles[tenths] = self._percentile(tenths)
        return self._percentiles[tenths]

    def _percentile(self, tenths: int) -> tuple[int, float | None]:
        size = sum(map(len, self.seconds)) + len(self.seconds_added) - len(self.seconds_taken)
        if size <= 0:
            return 0, None
        place, rest = divmod((size - 1) * tenths, 10)
        low = self._at(place)
        high = self._after(low, place) if rest else low
        return size, low + (high - low) * rest / 10

    def _at(self, place: int) -> int:
        """Return the value at a place of all seconds in order, without putting them in order.

        Each list is narrowed to where the value can be, by what stands about as far along in most
        of them, until few are left.
        """
        values, taken = self._values(), self.seconds_taken
        begins, ends = [0] * len(values), list(map(len, values))
        from_taken, to_taken = 0, len(taken)
        while (left := sum(ends) - sum(begins)) > _FEW:
            share = place / (left - (to_taken - from_taken))
            pivot = _common(
                (one[begin + int((end - begin - 1) * share)], end - begin)
                for one, begin, end in zip(values, begins, ends, strict=True)
                if begin < end
            )
            cuts = list(map(bisect_right, values, repeat(pivot), begins, ends))
            cut_taken = bisect_right(taken, pivot, from_taken, to_taken)
            up_to = sum(cuts) - sum(begins) - (cut_taken - from_taken)
            if up_to <= place:
                place -= up_to
                begins, from_taken = cuts, cut_taken
                continue
            if cuts == ends:  # nothing is larger: leave out what equals it, or it is the one
                cuts = list(map(bisect_left, values, repeat(pivot), begins, ends))
                cut_taken = bisect_left(taken, pivot, from_taken, to_taken)
                if sum(cuts) - sum(begins) - (cut_taken - from_taken) <= place:
                    return pivot
            ends, to_taken = cuts, cut_taken
        few = sorted(
            chain.from_iterable(
                one[begin:end] for one, begin, end in zip(values, begins, ends, strict=True)
            )
        )
        for one in taken[from_taken:to_taken]:
            few.remove(one)
        return few[place]

    def _after(self, value: int, place: int) -> int:
        """Return what follows `value`, which stands at `place`."""
        if self.seconds_taken:  # the next one may be taken away again
            return self._at(place + 1)
        values = self._values()
        if self._up_to(value, values) > place + 1:
            return value
        return min(one[at] for one in values if (at := bisect_right(one, value)) < len(one))

    def _values(self) -> Sequence[Numbers]:
        return [one for one in (*self.seconds, self.seconds_added) if len(one)]

    def _up_to(self, value: int, values: Sequence[Numbers]) -> int:
        """Count the seconds that are not more than `value`."""
        found = 0
        for one in values:
            found += bisect_right(one, value)
        return found - bisect_right(self.seconds_taken, value)


def _common(values: Iterable[tuple[int, int]]) -> int:
    """Return the median of values, each of which counts so many times."""
    in_order = sorted(values)
    left = sum(times for _value, times in in_order) / 2
    for value, times in in_order:
        left -= times
        if left <= 0:
            return value
    message = "There is no value in the middle of none."
    raise ValueError(message)


def together(tallies: Iterable[Tally]) -> Tally:
    """Return one tally of all that some have."""
    whole = Tally()
    for one in tallies:
        whole.counts = [mine + more for mine, more in zip(whole.counts, one.counts, strict=True)]
        whole.seconds += one.seconds
        whole.dues += one.dues
        whole.seconds_added += one.seconds_added
        whole.seconds_taken += one.seconds_taken
        whole.dues_added += one.dues_added
        whole.dues_taken += one.dues_taken
        whole.latest = max(whole.latest, one.latest)
    return whole.settle()
