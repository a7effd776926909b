"""Figures as they are kept, so that a page of them does not read every request."""

from datetime import date, datetime
from typing import Final

from sqlalchemy import CheckConstraint, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import Model

DIMENSION_LENGTH: Final = 16
MONTH: Final = "month"
YEAR: Final = "year"


class FigureChange(Model):
    """What one change of a request takes from the figures (sign -1), or adds to them (1).

    Written by triggers in the transaction of the change; folded into cells soon after.
    """

    __tablename__ = "figure_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    sign: Mapped[int]
    submitted_at: Mapped[datetime]
    assigned_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    unit_id: Mapped[int]
    lead_team_id: Mapped[int | None]
    leader_id: Mapped[int | None]
    category_id: Mapped[int]
    area_id: Mapped[int | None]
    channel: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(32))
    outcome: Mapped[str | None] = mapped_column(String(32))
    is_spam: Mapped[bool]
    seconds_to_close: Mapped[int | None]
    resolved_on_time: Mapped[bool | None]
    solved: Mapped[str | None] = mapped_column(String(32))
    satisfaction: Mapped[int | None]
    times_reopened: Mapped[int]
    times_returned: Mapped[int]


class FigureCell(Model):
    """The figures of one month or year, one unit, and one value of a dimension."""

    __tablename__ = "figure_cell"

    dimension: Mapped[str] = mapped_column(String(DIMENSION_LENGTH), primary_key=True)
    span: Mapped[str] = mapped_column(String(8), primary_key=True)
    """`month` or `year`."""
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    """The id, a channel's or kind's own word, or "" for none."""
    received: Mapped[int]
    counted: Mapped[int]
    closed: Mapped[int]
    handled: Mapped[int]
    timed: Mapped[int]
    """With every open request that has a due time; see `dues`."""
    on_time: Mapped[int]
    answered: Mapped[int]
    solved: Mapped[int]
    rated: Mapped[int]
    satisfied: Mapped[int]
    reopened: Mapped[int]
    reopenable: Mapped[int]
    returned: Mapped[int]
    returnable: Mapped[int]
    closed_in_period: Mapped[int]
    """By the time of closing; all else by the time of submitting."""
    latest: Mapped[datetime]
    """Nothing that is counted here happened later."""
    seconds: Mapped[bytes] = mapped_column(LargeBinary)
    """From submitting to closing, of each closed request, ascending; 8 bytes each."""
    dues: Mapped[bytes] = mapped_column(LargeBinary)
    """Due times of open requests, ascending, in microseconds since 1970; 8 bytes each."""


class FigureFold(Model):
    """How the cells were made. One row, once they are."""

    __tablename__ = "figure_fold"
    __table_args__ = (CheckConstraint("id = 1", "is_the_only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    time_zone: Mapped[str] = mapped_column(String(64))
    """Whose months they are; "" while they are made for the first time."""
    years_from: Mapped[int]
    years_until: Mapped[int]
    """From the first to before the last of these, whole years have cells too."""
    stamp: Mapped[str] = mapped_column(String(36))
    """Another one whenever a cell is written, random: it says which cells these are."""
    held_until: Mapped[datetime | None]
    """Until then at the latest somebody makes all of them anew, and nobody folds."""
