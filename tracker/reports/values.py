"""What figures come back as: counts with what they are a share of, never a rate alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

SECONDS_A_DAY: Final = 86_400
FEWEST_IN_SENSITIVE_GROUP: Final = 5
"""Rates of a sensitive category are not shown for fewer requests."""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` out of `n`."""

    n: int
    hits: int

    @property
    def rate(self) -> float | None:
        """Return the share from 0 to 1. None when there is nothing to take a share of."""
        return self.hits / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Answers(Share):
    """What requesters said; `closed` is how many could have."""

    closed: int

    @property
    def coverage(self) -> float | None:
        """Return answers ÷ closed, from 0 to 1."""
        return self.n / self.closed if self.closed else None


@dataclass(frozen=True, slots=True)
class Spread:
    """How long things took, in decimal days."""

    n: int
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Every figure of a scope."""

    received: int
    counted: int
    closed: int
    handled: int
    closed_in_period: int
    on_time: Share
    solved: Answers
    satisfaction: Answers
    reopened: Share
    returned: Share
    days_to_close: Spread

    @property
    def closure(self) -> Share:
        """Return closed ÷ counted."""
        return Share(self.counted, self.closed)

    @property
    def handling(self) -> Share:
        """Return resolved or closed ÷ counted."""
        return Share(self.counted, self.handled)


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one team, category, area, ….

    `key` is its id (a channel's is its text); None or "" when it is not recorded.
    """

    key: int | str | None
    name: str
    name_en: str | None
    received: int
    counted: int
    closed: int
    on_time: Share
    days_to_close: Spread
    is_sensitive: bool = False

    @property
    def closure(self) -> Share:
        """Return closed ÷ counted."""
        return Share(self.counted, self.closed)

    @property
    def hides_rates(self) -> bool:
        """Tell whether so few requests of a sensitive category would tell about a person."""
        return self.is_sensitive and self.counted < FEWEST_IN_SENSITIVE_GROUP


@dataclass(frozen=True, slots=True)
class Month:
    """What came in and what was closed in one calendar month of the organisation's zone."""

    start: datetime
    end: datetime
    name: str
    """`2026-03`."""
    received: int
    closed: int
