"""What sits in the town, on whatever day it is built: one request on each rung of the ladder, and a part.

Each is accepted so many working days before the present that the ladder has told of that rung, and not of
the next one; a supervisor has answered for one of the two that are under supervision.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import floor
from pathlib import Path
from random import Random
from typing import Final

from tracker.demo import stories
from tracker.demo.life import LEAVES, Fate, NotYetError, Tale
from tracker.demo.settling import Town
from tracker.demo.stories import Story
from tracker.organisation import queries as organisation
from tracker.organisation.calendar import WorkingCalendar
from tracker.service_requests.actions import handling, parts
from tracker.service_requests.ladder import WORKING_DAYS_PAST, Rung
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limit_rules import limit_of
from tracker.service_requests.limits import NEAR_SHARE, LimitUnit

STEP: Final = timedelta(minutes=25)
"""How long each step takes on the morning on which it comes."""
PART_DAYS: Final = 2


@dataclass(frozen=True, slots=True)
class Plot:
    """What is to sit, and how far up the ladder it has come."""

    story: Story
    rung: Rung
    note: str
    """What the handlers wrote down, and no more came of it."""
    days_ago: int = 0
    """On which working day before the last one it was told of that."""
    is_answered: bool = False
    task: str = ""
    """Of a helping team's part, which sits there instead; the request has its time."""


def _story(leaf: str, beginning: str) -> Story:
    return next(
        one for one in stories.STORIES if one.leaf == leaf and one.need.startswith(beginning)
    )


PLOTS: Final = (
    Plot(_story("ramp", "父亲坐轮椅"), Rung.NEAR, "坡道已量好尺寸，正在加工，这两天装。"),
    Plot(_story("doors", "阳台窗户"), Rung.OVERDUE, "密封条型号不对，已重新买，还没到。"),
    Plot(_story("parking", "有人把车"), Rung.PRESSED, "车主电话一直没人接，物业也在找。"),
    Plot(
        _story("noise", "楼下烧烤店"),
        Rung.SUPERVISED,
        "店家说要等总部同意才装净化器，催过两次。",
        days_ago=1,
    ),
    Plot(
        _story("ditch", "上游水渠"),
        Rung.SUPERVISED,
        "清淤要上下两个村一起出人，时间还没商定。",
        days_ago=2,
        is_answered=True,
    ),
    Plot(
        _story("bus", "早上去县城"),
        Rung.OVERDUE,
        "已向公交公司发函，等答复。",
        task="请摸清早高峰有多少学生乘车，列一张表。",
    ),
)
"""In the order of the ladder, the part last."""


def tales_that_sit(town: Town, *, photos: Path, chance: Random, now: datetime) -> Iterator[Tale]:
    """Yield the tale of each, to be told in its turn."""
    for plot in PLOTS:
        yield Vigil(town, plot, photos=photos, chance=chance, now=now)


class Vigil(Tale):
    """One request that its handlers began with, and then let sit until the present."""

    def __init__(
        self, town: Town, plot: Plot, *, photos: Path, chance: Random, now: datetime
    ) -> None:
        self.plot = plot
        self.calendar = organisation.calendar(now)
        begins_on = _accepted_on(town, plot, self.calendar, now)
        born = self.calendar.opening(begins_on) + STEP
        super().__init__(
            town, plot.story, Fate.SITS, photos=photos, chance=chance, born=born, now=now
        )
        self.ladder.is_answered = plot.is_answered

    def _later(self, _least_hours: float, _most_hours: float) -> None:
        """Let each step follow the one before on the same morning."""
        self.clock += STEP
        self._arrive()

    def _work(self) -> None:
        self._on_next_day()
        self._visit(plan=False)
        handling.add_note(
            self.request, internal_note=self.plot.note, actor=self.handler, now=self.clock
        )
        if self.plot.task:
            self.part = parts.give(
                self.request,
                self.town.teams[self._helper],
                task=self.plot.task,
                working_days=PART_DAYS,
                actor=self.desk,
                now=self.clock,
            )
        raise NotYetError

    def _on_next_day(self) -> None:
        day = self.calendar.next_working_day(self.calendar.local_date(self.clock))
        self.clock = self.calendar.opening(day) + 4 * STEP
        self._arrive()


def _accepted_on(town: Town, plot: Plot, calendar: WorkingCalendar, now: datetime) -> date:
    """Return on which day it was accepted, so that the ladder tells of its rung when it should."""
    told_on = _working_days_back(calendar, _last_day(calendar, now), plot.days_ago)
    if plot.task:
        # Given on the day after, told of on the day after its days.
        return _working_days_back(calendar, told_on, PART_DAYS + 2)
    limit = limit_of(
        town.categories[plot.story.leaf], Priority(LEAVES[plot.story.leaf][1].priority)
    )
    assert limit.unit is LimitUnit.WORKING_DAYS  # noqa: S101 - nothing of these hurries
    if plot.rung is Rung.NEAR:
        return _working_days_back(calendar, told_on, floor(limit.amount * NEAR_SHARE) + 1)
    past = WORKING_DAYS_PAST.get(plot.rung, 0)
    return _working_days_back(calendar, told_on, limit.amount + past + 1)


def _last_day(calendar: WorkingCalendar, now: datetime) -> date:
    """Return the last day on which the ladder had run by the present, as work began."""
    day = calendar.local_date(now)
    if calendar.is_working_day(day) and calendar.opening(day) < now:
        return day
    return _working_days_back(calendar, day, 1)


def _working_days_back(calendar: WorkingCalendar, day: date, count: int) -> date:
    while count:
        day -= timedelta(days=1)
        count -= calendar.is_working_day(day)
    return day
