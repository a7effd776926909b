"""Everything that an administrator changes about the organisation. Nothing is deleted, only ended.

What was ended or taken up a moment before stays so, and is written down once. Nothing begins below
what has ended: whoever changes a tree holds it first (`queries.hold_trees`), and reads it then.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, Protocol

from sqlalchemy import select

from tracker.accounts import audit, queries as accounts
from tracker.database import db, hold
from tracker.errors import NotFoundError, Refusal, RefusedError, StaleError
from tracker.organisation import queries
from tracker.organisation.models import (
    Area,
    CalendarDay,
    Category,
    LimitRule,
    Organisation,
    Unit,
)
from tracker.permissions import Action, Actor, require, require_in_unit


class OnUnitMoved(Protocol):
    """Called when a unit hangs elsewhere: roles above it reach it no more, others do."""

    def __call__(self, *, unit_id: int, actor: Actor, now: datetime) -> None: ...  # noqa: D102 - the class says it


on_unit_moved: list[OnUnitMoved] = []
"""Filled by `create_app`: the work in a unit lives above this feature."""


class OnClocksChanged(Protocol):
    """Called when limits or the working calendar changed: due times have to be counted anew."""

    def __call__(self, *, actor: Actor, now: datetime) -> None: ...  # noqa: D102 - the class says it


on_clocks_changed: list[OnClocksChanged] = []
"""Filled by `create_app`: requests live above this feature."""


def _tell_that_clocks_change(*, actor: Actor, now: datetime) -> None:
    for each in on_clocks_changed:
        each(actor=actor, now=now)


COUNTS_BY: Final = frozenset({"time_zone", "country", "working_week"})
"""The settings by which due times are counted."""

# ---------------------------------------------------------------- the whole


def edit_organisation(
    values: Mapping[str, Any], *, version: int, actor: Actor, now: datetime
) -> None:
    """Change the settings. Raises `StaleError` when somebody else did since they were read."""
    require(actor, Action.MANAGE_ORGANISATION)
    if db.session.get(Organisation, 1) is None:
        version = _settings(values["name"]).version
    settings = _settings()
    if settings.version != version:
        message = "The settings were changed since they were read."
        raise StaleError(message)
    changes = audit.apply(settings, values)
    if changes:
        audit.record("organisation:edit", settings, changes, actor=actor, now=now)
    if COUNTS_BY & changes.keys():
        _tell_that_clocks_change(actor=actor, now=now)


def _settings(name: str | None = None) -> Organisation:
    """Return the row of settings to be changed, made with its defaults where there is none yet."""
    settings = db.session.get(Organisation, 1)
    if settings is None:
        settings = Organisation(id=1, name=name or queries.organisation().name)
        db.session.add(settings)
        db.session.flush()
    return settings


def set_calendar_day(
    day: date,
    *,
    is_working: bool,
    name: str,
    unit: Unit | None = None,
    actor: Actor,
    now: datetime,
) -> CalendarDay:
    """Say that a day is worked or free, whatever the public calendar says.

    In one unit and those below it, or (without one) everywhere. Raises `StaleError` when something
    else is said of that day there already: it is taken out first, and nothing replaced unseen.
    """
    require(actor, Action.MANAGE_ORGANISATION)
    unit_id = None if unit is None else unit.id
    entry = queries.own_day(day, unit_id)
    if entry is not None:
        if (entry.is_working, entry.name) == (is_working, name):
            return entry
        message = "That day is in the calendar already."
        raise StaleError(message)
    entry = CalendarDay(unit_id=unit_id)
    changes = audit.apply(entry, {"day": day, "is_working": is_working, "name": name})
    db.session.add(entry)
    audit.record("calendar-day:set", entry, changes, actor=actor, now=now)
    _tell_that_clocks_change(actor=actor, now=now)
    return entry


def forget_calendar_day(entry: CalendarDay, *, actor: Actor, now: datetime) -> None:
    """Let the public calendar decide about the day again. Raises `NotFoundError` if it does."""
    require(actor, Action.MANAGE_ORGANISATION)
    held = select(CalendarDay.id).where(CalendarDay.id == entry.id).with_for_update()
    if db.session.scalar(held) is None:
        message = "Somebody else took this day out."
        raise NotFoundError(message)
    audit.record(
        "calendar-day:forget", entry, {"day": [entry.day.isoformat(), None]}, actor=actor, now=now
    )
    db.session.delete(entry)
    _tell_that_clocks_change(actor=actor, now=now)


def set_limits(
    category: Category | None,
    values: Mapping[tuple[str, str], tuple[int, str] | None],
    *,
    stood: str,
    actor: Actor,
    now: datetime,
) -> bool:
    """Set how long requests of a category, or all of them, may take; tell whether that differs.

    `values` is `{(priority, clock): (amount, unit)}`; None takes a limit out, so that what is said
    above holds. `stood`: how they were when they were read (`queries.stand_of_limits`). Raises
    `StaleError` when somebody changed them since.
    """
    require(actor, Action.MANAGE_ORGANISATION if category is None else Action.MANAGE_CATEGORIES)
    queries.hold_limits()
    category_id = None if category is None else category.id
    if queries.stand_of_limits(category_id) != stood:
        message = "The limits were changed since they were read."
        raise StaleError(message)
    rules = {
        (rule.priority, rule.clock): rule
        for rule in db.session.scalars(
            select(LimitRule).where(LimitRule.category_id.is_not_distinct_from(category_id))
        )
    }
    changes: dict[str, Any] = {}
    for (priority, clock), value in values.items():
        rule = rules.get((priority, clock))
        before = None if rule is None else (rule.amount, rule.unit)
        if value == before:
            continue
        changes[f"{clock} {priority}"] = [_in_words(before), _in_words(value)]
        if value is None:
            db.session.delete(rule)
        elif rule is None:
            db.session.add(
                LimitRule(
                    category_id=category_id,
                    priority=priority,
                    clock=clock,
                    amount=value[0],
                    unit=value[1],
                )
            )
        else:
            rule.amount, rule.unit = value
    if changes:
        about = category if category is not None else _settings()
        audit.record("limits:set", about, changes, actor=actor, now=now)
        _tell_that_clocks_change(actor=actor, now=now)
    return bool(changes)


def _in_words(limit: tuple[int, str] | None) -> str | None:
    return None if limit is None else f"{limit[0]} {limit[1]}"


# ---------------------------------------------------------------- units


def add_unit(values: Mapping[str, Any], *, parent: Unit, actor: Actor, now: datetime) -> Unit:
    """Add a unit below `parent`. Raises `RefusedError` when that has ended."""
    require_in_unit(actor, Action.MANAGE_UNITS, parent.id)
    _refuse_ended(parent)
    unit = Unit(**values, parent_id=parent.id, position=_next_position(Unit, parent.id))
    db.session.add(unit)
    audit.record("unit:add", unit, {"name": [None, unit.name]}, actor=actor, now=now)
    return unit


def edit_unit(
    unit: Unit, values: Mapping[str, Any], *, parent: Unit | None, actor: Actor, now: datetime
) -> None:
    """Change a unit, perhaps move it.

    Raises `RefusedError` when it would hang below itself, or below what has ended.
    """
    require_in_unit(actor, Action.MANAGE_UNITS, unit.id)
    if parent is not None and parent.id != unit.parent_id:
        require_in_unit(actor, Action.MANAGE_UNITS, parent.id)
        queries.hold_trees()
        _refuse_ended(parent)
        if parent.id in queries.units_below(unit.id):
            raise RefusedError(Refusal.BELOW_ITSELF)
    parent_id = unit.parent_id if unit.parent_id is None else parent and parent.id
    changes = audit.apply(unit, {**values, "parent_id": parent_id})
    if changes:
        audit.record("unit:edit", unit, changes, actor=actor, now=now)
    if "parent_id" in changes:
        db.session.flush()
        for follow in on_unit_moved:
            follow(unit_id=unit.id, actor=actor, now=now)


def end_unit(unit: Unit, *, actor: Actor, now: datetime) -> None:
    """End a unit: it is offered nowhere any more; what it did stays.

    Raises `RefusedError` for the root, and while units, areas, teams or roles depend on it.
    """
    require_in_unit(actor, Action.MANAGE_UNITS, unit.id)
    hold(unit)
    if unit.ended_at is not None:
        return
    if unit.parent_id is None or queries.unit_is_in_use(unit.id):
        raise RefusedError(Refusal.STILL_IN_USE)
    unit.ended_at = now
    audit.record("unit:end", unit, {"name": [unit.name, None]}, actor=actor, now=now)


def take_up_unit(unit: Unit, *, actor: Actor, now: datetime) -> None:
    """Take an ended unit up again. Raises `RefusedError` when what it hangs below has ended."""
    require_in_unit(actor, Action.MANAGE_UNITS, unit.id)
    hold(unit)
    if unit.ended_at is None:
        return
    _refuse_ended(unit.parent)
    unit.ended_at = None
    audit.record("unit:take-up", unit, {"name": [None, unit.name]}, actor=actor, now=now)


# ---------------------------------------------------------------- areas


def add_area(
    values: Mapping[str, Any], *, parent: Area | None, actor: Actor, now: datetime
) -> Area:
    """Add an area below `parent`, or at the top. Raises `RefusedError` when that, or its desk, has ended."""
    require(actor, Action.MANAGE_AREAS)
    parent_id = parent.id if parent else None
    _require_desk(actor, values.get("unit_id"), parent_id)
    _require_desk(actor, None, parent_id)
    _refuse_ended(parent)
    _hold_desk(values.get("unit_id"))
    area = Area(**values, parent_id=parent_id, position=_next_position(Area, parent_id))
    db.session.add(area)
    audit.record("area:add", area, {"name": [None, area.name]}, actor=actor, now=now)
    return area


def edit_area(
    area: Area, values: Mapping[str, Any], *, parent: Area | None, actor: Actor, now: datetime
) -> None:
    """Change an area, perhaps move it or give it to another desk."""
    require_in_unit(actor, Action.MANAGE_AREAS, queries.unit_for_area(area.id))
    parent_id = parent.id if parent else None
    _require_desk(actor, values.get("unit_id"), parent_id)
    if parent_id != area.parent_id:
        _require_desk(actor, None, parent_id)
    queries.hold_trees()
    if parent_id != area.parent_id:
        _refuse_ended(parent)
    if values.get("unit_id") != area.unit_id:
        _hold_desk(values.get("unit_id"))
    if parent is not None and parent.id in queries.areas_below(area.id):
        raise RefusedError(Refusal.BELOW_ITSELF)
    changes = audit.apply(area, {**values, "parent_id": parent_id})
    if changes:
        audit.record("area:edit", area, changes, actor=actor, now=now)


def end_area(area: Area, *, actor: Actor, now: datetime) -> None:
    """End an area and offer it nowhere. Raises `RefusedError` while areas below it are open."""
    require_in_unit(actor, Action.MANAGE_AREAS, queries.unit_for_area(area.id))
    hold(area)
    if area.ended_at is not None:
        return
    if queries.has_open_children(Area, area.id):
        raise RefusedError(Refusal.STILL_IN_USE)
    area.ended_at = now
    audit.record("area:end", area, {"name": [area.name, None]}, actor=actor, now=now)


def take_up_area(area: Area, *, actor: Actor, now: datetime) -> None:
    """Take an ended area up again. Raises `RefusedError` when what it hangs below has ended."""
    require_in_unit(actor, Action.MANAGE_AREAS, queries.unit_for_area(area.id))
    hold(area)
    if area.ended_at is None:
        return
    _refuse_ended(area.parent)
    _hold_desk(area.unit_id)
    area.ended_at = None
    audit.record("area:take-up", area, {"name": [None, area.name]}, actor=actor, now=now)


# ---------------------------------------------------------------- categories


def add_category(
    values: Mapping[str, Any], *, parent: Category | None, actor: Actor, now: datetime
) -> Category:
    """Add a category: a group, or a kind of request in the group `parent`.

    Raises `RefusedError` for a third level, and below what has ended.
    """
    require(actor, Action.MANAGE_CATEGORIES)
    parent_id = parent.id if parent else None
    queries.hold_trees()
    _refuse_ended(parent)
    _refuse_third_level(parent)
    category = Category(**values, parent_id=parent_id, position=_next_position(Category, parent_id))
    db.session.add(category)
    audit.record("category:add", category, {"name": [None, category.name]}, actor=actor, now=now)
    return category


def edit_category(
    category: Category,
    values: Mapping[str, Any],
    *,
    parent: Category | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change a category, perhaps move it to another group.

    Raises `RefusedError` for a third level, and below what has ended.
    """
    require(actor, Action.MANAGE_CATEGORIES)
    queries.hold_trees()
    parent_id = parent.id if parent else None
    if parent_id != category.parent_id:
        _refuse_ended(parent)
    _refuse_third_level(parent)
    if parent is not None and (parent.id == category.id or category.children):
        raise RefusedError(Refusal.BELOW_ITSELF)
    changes = audit.apply(category, {**values, "parent_id": parent_id})
    if changes:
        audit.record("category:edit", category, changes, actor=actor, now=now)


def end_category(category: Category, *, actor: Actor, now: datetime) -> None:
    """End a category and offer it nowhere. Raises `RefusedError` while kinds in it are open."""
    require(actor, Action.MANAGE_CATEGORIES)
    hold(category)
    if category.ended_at is not None:
        return
    if queries.has_open_children(Category, category.id):
        raise RefusedError(Refusal.STILL_IN_USE)
    category.ended_at = now
    audit.record("category:end", category, {"name": [category.name, None]}, actor=actor, now=now)


def take_up_category(category: Category, *, actor: Actor, now: datetime) -> None:
    """Take an ended category up again. Raises `RefusedError` when what it hangs below has ended."""
    require(actor, Action.MANAGE_CATEGORIES)
    hold(category)
    if category.ended_at is None:
        return
    _refuse_ended(category.parent)
    category.ended_at = None
    audit.record(
        "category:take-up", category, {"name": [None, category.name]}, actor=actor, now=now
    )


def move(thing: Unit | Area | Category, *, up: bool, actor: Actor, now: datetime) -> None:
    """Change places with the neighbour before (`up`) or after; nothing happens at the edge.

    Moving moves others too: whoever does it must reach what is above them all.
    """
    require(actor, _RIGHT_TO[type(thing)])
    _require_above(actor, thing)
    kind = type(thing)
    siblings: list[Unit | Area | Category] = list(
        db.session.scalars(
            select(kind)
            .where(kind.parent_id.is_not_distinct_from(thing.parent_id), kind.ended_at.is_(None))
            .order_by(kind.position, kind.id)
        )
    )
    if thing not in siblings:
        message = "It was ended in the meantime."
        raise StaleError(message)
    place = siblings.index(thing)
    other = place - 1 if up else place + 1
    if 0 <= other < len(siblings):
        siblings[place], siblings[other] = siblings[other], siblings[place]
        for position, sibling in enumerate(siblings):
            sibling.position = position
        audit.record(f"{kind.__tablename__}:move", thing, actor=actor, now=now)


_RIGHT_TO = {
    Unit: Action.MANAGE_UNITS,
    Area: Action.MANAGE_AREAS,
    Category: Action.MANAGE_CATEGORIES,
}


def _require_above(actor: Actor, thing: Unit | Area | Category) -> None:
    match thing:
        case Unit():
            require_in_unit(actor, Action.MANAGE_UNITS, thing.parent_id or thing.id)
        case Area():
            _require_desk(actor, None, thing.parent_id)
        case Category():
            pass  # whoever manages categories manages all of them


def _require_desk(actor: Actor, unit_id: int | None, parent_id: int | None) -> None:
    """Raise unless the actor reaches the desk that an area gets, its own or the one above.

    Asked without an own one, it says whether something may be put there: at the top, and below
    somebody else's area, only whoever answers for it may.
    """
    desk = unit_id if unit_id is not None else queries.unit_for_area(parent_id)
    require_in_unit(actor, Action.MANAGE_AREAS, desk)


def _refuse_ended(parent: Unit | Area | Category | None) -> None:
    if parent is not None and parent.ended_at is not None:
        raise RefusedError(Refusal.BELOW_ENDED)


def _hold_desk(unit_id: int | None) -> None:
    """Let nobody end the unit whose desk an area has. Raises `RefusedError` when it has ended."""
    if unit_id is not None:
        accounts.hold_unit(unit_id)


def _refuse_third_level(parent: Category | None) -> None:
    if parent is not None and parent.parent_id is not None:
        raise RefusedError(Refusal.TWO_LEVELS)


def _next_position(kind: type[Unit] | type[Area] | type[Category], parent_id: int | None) -> int:
    last = db.session.scalar(
        select(kind.position)
        .where(kind.parent_id.is_not_distinct_from(parent_id))
        .order_by(kind.position.desc())
        .limit(1)
    )
    return 0 if last is None else last + 1
