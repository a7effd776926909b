"""What the groups of a breakdown are called, and in which order tables show them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import select

from tracker.accounts.models import Person
from tracker.database import db
from tracker.organisation.models import Area, Category, Unit
from tracker.reports.definitions import Dimension
from tracker.reports.values import Group
from tracker.set_up import until_set_up_changes
from tracker.teams.models import Team

Named: TypeAlias = Mapping[int | str | None, tuple[str, str | None, bool]]
"""Id → name, English name, whether it is sensitive."""


def named_group(key: int | str | None, names: Named, **figures: Any) -> Group:  # noqa: ANN401 - the fields of a group
    """Return the group of `key` by its names; a channel is called what it is."""
    name, name_en, is_sensitive = names.get(key, (str(key or ""), None, False))
    return Group(key=key, name=name, name_en=name_en, is_sensitive=is_sensitive, **figures)


def in_order(found: Iterable[Group]) -> Sequence[Group]:
    """Return groups as tables show them: most received first, then by name."""
    return sorted(found, key=lambda group: (-group.received, group.name))


@until_set_up_changes
def names_of(by: Dimension, keys: frozenset[int | str | None]) -> Named:
    """Return the names of the groups; where two share one, each says what it belongs to."""
    if by is Dimension.CHANNEL:
        return {}
    ids = [key for key in keys if isinstance(key, int)]
    if by is Dimension.LEADER:
        people = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
        return {person_id: (name, None, False) for person_id, name in people}
    if by is Dimension.TEAM:
        return _distinct(
            (team_id, name, name_en, unit, unit_en, False)
            for team_id, name, name_en, unit, unit_en in db.session.execute(
                select(Team.id, Team.name, Team.name_en, Unit.name, Unit.name_en)
                .join(Unit, Unit.id == Team.unit_id)
                .where(Team.id.in_(ids))
            )
        )
    things = {thing.id: thing for thing in _tree(by)}
    return _distinct(
        (
            thing.id,
            thing.name,
            thing.name_en,
            above.name if above else "",
            above.name_en if above else None,
            isinstance(thing, Category) and thing.is_sensitive,
        )
        for thing in (things[one] for one in ids)
        for above in (things.get(thing.parent_id) if thing.parent_id else None,)
    )


def _tree(by: Dimension) -> Sequence[Unit | Area | Category]:
    if by is Dimension.UNIT:
        return list(db.session.scalars(select(Unit)))
    if by is Dimension.AREA:
        return list(db.session.scalars(select(Area)))
    return list(db.session.scalars(select(Category)))


def _distinct(rows: Any) -> Named:  # noqa: ANN401 - tuples of six, from rows or generators
    rows = list(rows)
    seen = [name for _id, name, *_rest in rows]
    found: dict[int | str | None, tuple[str, str | None, bool]] = {}
    for thing_id, name, name_en, above, above_en, is_sensitive in rows:
        if above and seen.count(name) > 1:
            english = f"{above_en or above} / {name_en or name}" if name_en or above_en else None
            found[thing_id] = (f"{above} / {name}", english, is_sensitive)
        else:
            found[thing_id] = (name, name_en, is_sensitive)
    return found
