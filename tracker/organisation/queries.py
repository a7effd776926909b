"""Reading the organisation: its settings, trees and what may be chosen."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import chain
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, bindparam, exists, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import aliased, joinedload, selectinload

from tracker.accounts.models import Grant
from tracker.database import Model, db, take_turns
from tracker.errors import NotFoundError
from tracker.organisation.calendar import Span, WorkingCalendar, working_calendar
from tracker.organisation.models import (
    Area,
    CalendarDay,
    Category,
    LimitRule,
    Organisation,
    Unit,
)
from tracker.set_up import read_past_what_is_remembered, until_set_up_changes

Thing = TypeVar("Thing", Unit, Area, Category)
_TABLES = Model.metadata.tables


@dataclass(frozen=True, slots=True)
class Node(Generic[Thing]):
    """A node of a tree, with its depth from the root, in the order of reading."""

    thing: Thing
    depth: int


@until_set_up_changes
def organisation() -> Organisation:
    """Return the organisation's settings, with defaults before set-up. To be read, not changed."""
    row = db.session.execute(select(Organisation.__table__)).mappings().one_or_none()
    return Organisation(**row) if row else _default()


def _default() -> Organisation:
    columns = Organisation.__table__.columns
    values = {
        column.name: column.default.arg
        for column in columns
        if column.default is not None and column.default.is_scalar
    }
    return Organisation(**{**values, "id": 1, "name": "实事", "name_en": "Shishi"})


def organisation_for_pages() -> Organisation:
    """Return the organisation's settings, also while the database cannot be reached.

    The page that says so has the same head and foot as every other.
    """
    try:
        with db.session.no_autoflush:
            return organisation()
    except SQLAlchemyError:
        db.session.rollback()
        return _default()


def time_zone_name() -> str:
    """Return the organisation's time zone, e.g. `Asia/Shanghai`."""
    return organisation().time_zone


def today(now: datetime) -> date:
    """Return which day it is at `now` where the organisation is."""
    return now.astimezone(ZoneInfo(time_zone_name())).date()


def calendar(
    around: datetime, *, unit_id: int | None = None, days_ahead: int = 400
) -> WorkingCalendar:
    """Return the working calendar for the year before `around` until `days_ahead` after it.

    With the days of `unit_id` and of the units above it, where one is given: the nearest says
    whether a day is worked. For no unit, what the organisation says for all.
    """
    last = (around.astimezone(UTC) + timedelta(days=days_ahead)).year
    return _calendar(around.year - 1, last, unit_id)


@until_set_up_changes
def _calendar(first_year: int, last_year: int, unit_id: int | None) -> WorkingCalendar:
    settings = organisation()
    days: dict[date, bool] = {}
    own = _own_days()
    for place in (None, *reversed(unit_path(unit_id))):
        days |= own.get(place, {})
    return working_calendar(
        settings.country,
        settings.time_zone,
        range(first_year, last_year + 1),
        days,
        week=week_of(settings),
    )


def week_of(settings: Organisation) -> tuple[tuple[Span, ...], ...]:
    """Return the working hours of each weekday, Monday first."""
    return tuple(
        tuple((time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in spans)
        for spans in settings.working_week
    )


@until_set_up_changes
def limit_rules() -> Mapping[tuple[int | None, str, str], tuple[int, str]]:
    """Return the limits that differ: (category or None, priority, clock) → (amount, unit)."""
    columns = (LimitRule.category_id, LimitRule.priority, LimitRule.clock)
    rows = db.session.execute(select(*columns, LimitRule.amount, LimitRule.unit))
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}


def with_own_limits() -> frozenset[int]:
    """Return the ids of the categories that set a limit themselves."""
    return frozenset(whose for whose, _priority, _clock in limit_rules() if whose is not None)


def stand_of_limits(category_id: int | None) -> str:
    """Return a mark of the limits that a category (None: the organisation) sets itself.

    A page carries it, so that nobody overwrites unseen what somebody else set meanwhile.
    """
    own = sorted(
        (priority, clock, *rule)
        for (whose, priority, clock), rule in limit_rules().items()
        if whose == category_id
    )
    return sha256(repr(own).encode()).hexdigest()[:16]


@until_set_up_changes
def _own_days() -> Mapping[int | None, Mapping[date, bool]]:
    days: dict[int | None, dict[date, bool]] = {}
    columns = (CalendarDay.unit_id, CalendarDay.day, CalendarDay.is_working)
    for unit_id, day, is_working in db.session.execute(select(*columns)):
        days.setdefault(unit_id, {})[day] = is_working
    return days


def root_unit() -> Unit:
    """Return the top of the organisation tree; raises `NotFoundError` before set-up."""
    unit = db.session.scalar(
        select(Unit).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)
    )
    if unit is None:
        message = "The organisation has no unit yet."
        raise NotFoundError(message)
    return unit


def hold_trees() -> None:
    """Let nobody else move anything in a tree until the transaction ends, and read what is there.

    Two moves that are each right can make a ring together. Taken before any row is held: whoever
    holds one must not have to wait here.
    """
    take_turns("trees")
    read_past_what_is_remembered()


def hold_limits() -> None:
    """Let nobody else change a limit until the transaction ends, and read what is there."""
    take_turns("limits")
    read_past_what_is_remembered()


def keep_trees() -> None:
    """Let nobody move anything in a tree until the transaction ends, and read what is there.

    For who relies on where something hangs; others may do so at the same time.
    """
    take_turns("trees", with_others=True)
    read_past_what_is_remembered()


@until_set_up_changes
def units_below(unit_id: int) -> frozenset[int]:
    """Return the ids of a unit and of every unit below it."""
    below = select(Unit.id).where(Unit.id == unit_id).cte("below", recursive=True)
    below = below.union(select(Unit.id).join(below, Unit.parent_id == below.c.id))
    return frozenset(db.session.scalars(select(below.c.id)))


@until_set_up_changes
def units_above(unit_id: int) -> frozenset[int]:
    """Return the ids of a unit and of every unit above it: a role there reaches it."""
    above = select(Unit.id, Unit.parent_id).where(Unit.id == unit_id).cte("above", recursive=True)
    above = above.union(select(Unit.id, Unit.parent_id).join(above, Unit.id == above.c.parent_id))
    return frozenset(db.session.scalars(select(above.c.id)))


@until_set_up_changes
def unit_path(unit_id: int | None) -> tuple[int, ...]:
    """Return the ids of a unit and of those above it, the nearest first; nothing for no unit."""
    parents = {row.id: row.parent_id for row in db.session.execute(select(Unit.id, Unit.parent_id))}
    path: list[int] = []
    while unit_id is not None and unit_id not in path:
        path.append(unit_id)
        unit_id = parents.get(unit_id)
    return tuple(path)


@until_set_up_changes
def areas_below(area_id: int) -> frozenset[int]:
    """Return the ids of an area and of every area below it."""
    below = select(Area.id).where(Area.id == area_id).cte("below", recursive=True)
    below = below.union(select(Area.id).join(below, Area.parent_id == below.c.id))
    return frozenset(db.session.scalars(select(below.c.id)))


@until_set_up_changes
def categories_below(category_id: int) -> frozenset[int]:
    """Return the ids of a category and of every category below it; groups have no groups."""
    here = or_(Category.id == category_id, Category.parent_id == category_id)
    return frozenset(db.session.scalars(select(Category.id).where(here)))


@until_set_up_changes
def unit_for_area(area_id: int | None) -> int:
    """Return whose desk receives what comes from an area: its own unit's, or the next above."""
    seen: set[int] = set()
    while area_id is not None and area_id not in seen:
        seen.add(area_id)
        area = db.session.get(Area, area_id)
        if area is None:
            break
        if area.unit_id is not None:
            return area.unit_id
        area_id = area.parent_id
    return root_unit().id


def unit_tree(*, within: Collection[int] | None = None, ended: bool = False) -> list[Node[Unit]]:
    """Return the units in tree order, those in `within` only when it is given."""
    query = select(Unit).order_by(Unit.position, Unit.id)
    units = [unit for unit in db.session.scalars(query) if ended or unit.ended_at is None]
    return _in_tree_order([u for u in units if within is None or u.id in within])


def area_tree(*, ended: bool = False) -> list[Node[Area]]:
    """Return the areas in tree order."""
    # With the unit: the page of the areas names each one's desk.
    query = select(Area).options(joinedload(Area.unit)).order_by(Area.position, Area.id)
    areas = db.session.scalars(query)
    return _in_tree_order([area for area in areas if ended or area.ended_at is None])


def category_tree(*, offered_only: bool = False, ended: bool = False) -> list[Node[Category]]:
    """Return the categories in tree order: each top level before its leaves."""
    rows = db.session.scalars(select(Category).order_by(Category.position, Category.id))
    return _in_tree_order(
        [
            category
            for category in rows
            if (ended or category.ended_at is None) and (category.is_offered or not offered_only)
        ]
    )


def offered_categories() -> Sequence[Category]:
    """Return the top-level categories that residents may choose from, children loaded."""
    tops = db.session.scalars(
        select(Category)
        .where(Category.parent_id.is_(None), Category.ended_at.is_(None), Category.is_offered)
        .options(selectinload(Category.children))
        .order_by(Category.position, Category.id)
    )
    return list(tops)


_BELOW: Final = aliased(Category)
_OFFERED: Final = select(Category).where(
    Category.id == bindparam("id", type_=Integer),
    Category.is_offered,
    Category.ended_at.is_(None),
    ~exists().where(_BELOW.parent_id == Category.id, _BELOW.is_offered, _BELOW.ended_at.is_(None)),
)


def offered_category(category_id: int) -> Category | None:
    """Return one category if residents may choose it: offered, not ended, and no group of others."""
    return db.session.scalar(_OFFERED, {"id": category_id})


def category(category_id: int) -> Category:
    """Return one category, or raise `NotFoundError`."""
    found = db.session.get(Category, category_id)
    if found is None:
        message = "There is no such category."
        raise NotFoundError(message)
    return found


def _in_tree_order(things: Iterable[Thing]) -> list[Node[Thing]]:
    things = list(things)
    present = {thing.id for thing in things}
    children: dict[int | None, list[Thing]] = {}
    for thing in things:
        # A node whose parent is out of sight becomes a root of what is seen.
        parent = thing.parent_id if thing.parent_id in present else None
        children.setdefault(parent, []).append(thing)
    ordered: list[Node[Thing]] = []
    seen: set[int] = set()
    # What hangs in a ring comes last: below no root, but whoever mends it must see it.
    for root in chain(children.get(None, []), things):
        stack = [(root, 0)]
        while stack:
            thing, depth = stack.pop()
            if thing.id in seen:
                continue
            seen.add(thing.id)
            ordered.append(Node(thing, depth))
            stack.extend((child, depth + 1) for child in reversed(children.get(thing.id, [])))
    return ordered


def unit(unit_id: int) -> Unit:
    """Return one unit, ended ones too. Raises `NotFoundError`."""
    return _one(Unit, unit_id)


def area(area_id: int) -> Area:
    """Return one area, ended ones too. Raises `NotFoundError`."""
    return _one(Area, area_id)


def calendar_day(entry_id: int) -> CalendarDay:
    """Return one addition to the calendar. Raises `NotFoundError`."""
    found = db.session.get(CalendarDay, entry_id)
    if found is None:
        message = "There is no such day."
        raise NotFoundError(message)
    return found


def own_day(day: date, unit_id: int | None) -> CalendarDay | None:
    """Return what the organisation says of a day in one unit, or (None) everywhere, if it does."""
    return db.session.scalar(
        select(CalendarDay).where(
            CalendarDay.day == day, CalendarDay.unit_id.is_not_distinct_from(unit_id)
        )
    )


def calendar_days(start: date) -> Sequence[CalendarDay]:
    """Return the organisation's own days from `start` on, with the units that they are of."""
    return list(
        db.session.scalars(
            select(CalendarDay)
            .where(CalendarDay.day >= start)
            .order_by(CalendarDay.day, CalendarDay.unit_id)
            .options(joinedload(CalendarDay.unit))
        )
    )


def has_open_children(kind: type[Thing], thing_id: int) -> bool:
    """Tell whether something that is not ended hangs below."""
    children = select(kind.id).where(kind.parent_id == thing_id, kind.ended_at.is_(None)).limit(1)
    return db.session.scalar(children) is not None


def unit_is_in_use(unit_id: int) -> bool:
    """Tell whether units below, areas or roles that are not ended depend on a unit."""
    areas = select(Area.id).where(Area.unit_id == unit_id, Area.ended_at.is_(None)).limit(1)
    grants = select(Grant.id).where(Grant.unit_id == unit_id, Grant.ended_at.is_(None)).limit(1)
    team = _TABLES["team"]  # teams live above this feature: by name only, as a foreign key does
    teams = select(team.c.id).where(team.c.unit_id == unit_id, team.c.ended_at.is_(None)).limit(1)
    return has_open_children(Unit, unit_id) or any(
        db.session.scalar(query) is not None for query in (areas, grants, teams)
    )


def team_names() -> Sequence[tuple[int, str, str | None]]:
    """Return id, name and English name of every team that is not ended, by name."""
    team = _TABLES["team"]
    rows = db.session.execute(
        select(team.c.id, team.c.name, team.c.name_en)
        .where(team.c.ended_at.is_(None))
        .order_by(team.c.name)
    )
    return [(row.id, row.name, row.name_en) for row in rows]


def _one(kind: type[Thing], thing_id: int) -> Thing:
    found = db.session.get(kind, thing_id)
    if found is None:
        message = f"There is no such {kind.__tablename__}."
        raise NotFoundError(message)
    return found
