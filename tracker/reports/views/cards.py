"""The numbers at the top of the page of figures, each with its sample and how it changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, NamedTuple

from flask_babel import LazyString, gettext as _, lazy_gettext as _l

from tracker.reports.definitions import PARTS, Figure
from tracker.reports.values import Answers, Share, Summary
from tracker.reports.views.links import list_url
from tracker.reports.words import DAYS_TO_CLOSE, DEFINITIONS, RATES
from tracker.web.labels import label
from tracker.web.locale import format_days, format_number, format_share

SMALLEST_CHANGE: Final = 1e-9


class Rest(NamedTuple):
    """What a rate leaves out."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Card:
    """A number as the template prints it: plain values, so that it is drawn once for the same."""

    label: str
    value: str
    definition: str
    href: str
    """The list of what it counts."""
    n: int | None = None
    n_href: str | None = None
    n_label: str | None = None
    coverage: str | None = None
    rest: Rest | None = None
    change: str | None = None
    """What it was in the period before."""
    change_good: bool | None = None


class Better(IntEnum):
    """Which way a number should go: a difference times it is positive when that is good."""

    LESS = -1
    EITHER = 0
    MORE = 1


LESS, EITHER, MORE = Better


class Count(NamedTuple):
    """How many requests there are of a figure."""

    figure: Figure
    words: LazyString
    read: Callable[[Summary], int]
    better: Better
    rest: tuple[Figure, Callable[[Summary], int]] | None = None
    """What of them other figures leave out."""

    def card(self, summary: Summary, earlier: Summary | None) -> Card:
        """Return it beside the one of the period before; more than nothing at all is no success yet."""
        value = self.read(summary)
        card = Card(
            label=str(self.words),
            value=format_number(value),
            definition=str(DEFINITIONS[self.figure]),
            href=list_url(self.figure),
            rest=_rest(self.rest[0], self.rest[1](summary)) if self.rest else None,
        )
        if earlier is None:
            return card
        before = self.read(earlier)
        return replace(
            card,
            change=_("before: %(number)s", number=format_number(before)),
            change_good=_is_good(value - before, self.better) if before else None,
        )


class Rate(NamedTuple):
    """The share that a figure is of another one."""

    figure: Figure
    words: LazyString
    read: Callable[[Summary], Share]
    better: Better
    n_words: LazyString | None = None
    """What it is a share of, where that is not requests."""

    def card(self, summary: Summary, earlier: Summary | None) -> Card:
        """Return it beside the one of the period before."""
        share = self.read(summary)
        coverage = share.coverage if isinstance(share, Answers) else None
        whole, others = PARTS[self.figure]
        card = Card(
            label=str(self.words),
            value=format_share(share.rate),
            definition=str(RATES[self.figure]),
            href=list_url(self.figure),
            n=share.n,
            n_href=list_url(whole),
            n_label=None if self.n_words is None else str(self.n_words),
            coverage=None if coverage is None else format_share(coverage),
            rest=None if others is None else _rest(others, share.n - share.hits),
        )
        before = self.read(earlier).rate if earlier else None
        if share.rate is None or before is None:
            return card
        return replace(
            card,
            change=_("before: %(share)s", share=format_share(before)),
            change_good=_is_good(share.rate - before, self.better),
        )


class DaysToClose:
    """How long closing took: the median and the 90th percentile."""

    def card(self, summary: Summary, earlier: Summary | None) -> Card:
        """Return it beside the one of the period before."""
        spread = summary.days_to_close
        card = Card(
            label=_("Days to close: median / P90"),
            value=f"{format_days(spread.median)} / {format_days(spread.p90)}",
            definition=str(DAYS_TO_CLOSE),
            href=list_url(Figure.CLOSED_TIMES),
            n=spread.n,
            n_href=list_url(Figure.CLOSED_TIMES),
        )
        before = earlier.days_to_close.median if earlier else None
        if before is None:
            return card
        return replace(
            card,
            change=_("before: %(days)s", days=format_days(before)),
            change_good=None if spread.median is None else _is_good(spread.median - before, LESS),
        )


CARDS: Final[Sequence[Count | Rate | DaysToClose]] = (
    Count(
        Figure.RECEIVED,
        _l("Received"),
        lambda s: s.received,
        EITHER,
        rest=(Figure.NOT_COUNTED, lambda s: s.received - s.counted),
    ),
    Rate(Figure.CLOSED, _l("Closure rate"), lambda s: s.closure, MORE),
    Rate(Figure.HANDLED, _l("Handled rate"), lambda s: s.handling, MORE),
    DaysToClose(),
    Count(Figure.CLOSED_IN_PERIOD, _l("Closed in the period"), lambda s: s.closed_in_period, MORE),
    Rate(Figure.ON_TIME, _l("On-time rate"), lambda s: s.on_time, MORE),
    Rate(Figure.SOLVED, _l("Solved rate"), lambda s: s.solved, MORE, _l("answers")),
    Rate(Figure.SATISFIED, _l("Satisfaction"), lambda s: s.satisfaction, MORE, _l("ratings")),
    Rate(Figure.REOPENED, _l("Reopen rate"), lambda s: s.reopened, LESS),
    Rate(Figure.RETURNED, _l("Return rate"), lambda s: s.returned, LESS),
)


def cards(summary: Summary, earlier: Summary | None, *, is_over: bool) -> list[Card]:
    """Return every number, in the order of the page, beside the ones of the period before.

    While the period runs (it is not over), nothing is called better or worse: part of it is
    beside a whole one, and its requests had less time.
    """
    found = [one.card(summary, earlier) for one in CARDS]
    return found if is_over else [replace(card, change_good=None) for card in found]


def _rest(figure: Figure, number: int) -> Rest | None:
    """Return the link to what a rate leaves out: the late, the unhappy; None when there is none."""
    if not number:
        return None
    words = _("%(what)s: %(value)s", what=label(figure), value=format_number(number))
    return Rest(words, list_url(figure))


def _is_good(difference: float, better: Better) -> bool | None:
    """Tell whether things changed for the better; None when they did not, or neither is better."""
    gain = difference * better
    return None if abs(gain) < SMALLEST_CHANGE else gain > 0
