"""Finding the units, areas, categories and teams that rows name, and making the missing ones."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import TypeAlias

from flask_babel import gettext as _
from sqlalchemy import select

from tracker.database import Model, db, take_turns
from tracker.organisation.models import Area, AreaKind, Category, Unit, UnitKind
from tracker.organisation.queries import keep_trees, organisation, units_below
from tracker.permissions import SYSTEM, Action, Actor, may, may_in_unit
from tracker.reports.importing.mapping import (
    UNCATEGORISED,
    UNCATEGORISED_EN,
    Creatable,
    Mapping,
    MappingError,
)
from tracker.reports.importing.rows import ImportedRow, Problem, Reason
from tracker.set_up import own_stamp, stamp
from tracker.teams.models import Team

Key: TypeAlias = tuple[int | None, str]
"""A name below a parent (for a team: its unit)."""

_TO_BE_MADE = 0
"""No id: of what is not there yet, and may be made."""
LEVELS = (AreaKind.DISTRICT, AreaKind.STREET, AreaKind.COMMUNITY, AreaKind.GRID)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a row belongs."""

    unit_id: int
    category_id: int
    area_id: int | None
    team_id: int | None


class Names:
    """Every name of the organisation, by id; kept for one run.

    With `is_dry` nothing is written: what would be made gets a number below zero. `home_id`
    replaces the mapping's own unit for rows that name none. What is missing is made as far as
    `actor` may make it on the pages for it; otherwise it stays missing.
    """

    def __init__(
        self,
        mapping: Mapping,
        *,
        actor: Actor,
        is_dry: bool,
        now: datetime,
        home_id: int | None = None,
    ) -> None:
        self.mapping = mapping
        self.actor = actor
        self.is_dry = is_dry
        self.now = now
        self.created: Counter[Creatable] = Counter()
        self._imaginary = count(-1, -1)
        self._loaded_at: str | None = None
        """The stamp of the set-up that is known here, with what this run has made of it."""
        self._has_made = False
        """In this batch."""
        self._units: dict[str, int] = {}
        self._categories: dict[Key, int] = {}
        self._kinds_by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._groups: set[int] = set()
        self._areas: dict[Key, int] = {}
        self._area_parent: dict[int, int | None] = {}
        self._area_unit: dict[int, int | None] = {}
        self._areas_by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._teams: dict[Key, int] = {}
        self._teams_by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._ended: dict[Creatable, set[int]] = {}
        self._top_id: int | None = db.session.scalar(
            select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)
        )
        self.home_id = self._home() if home_id is None else home_id
        self.reach: set[int] = set()
        self._load()

    def may_import_into(self, unit_id: int) -> bool:
        """Tell whether requests of a unit, where the desk may have moved them, are the actor's."""
        return (
            self.actor is SYSTEM
            or unit_id in self.reach
            or may_in_unit(self.actor, Action.IMPORT_SERVICE_REQUESTS, unit_id)
        )

    def keep_trees(self) -> None:
        """Let nobody end or move anything until the transaction ends, and see what has changed by now.

        Nothing begins below what has ended, and what was moved out of the branch is not named any more.
        """
        if self.mapping.create:
            take_turns("imports that make names")  # two who miss the same make it once
        keep_trees()
        if stamp() != self._loaded_at:
            self._load()  # by somebody else: what this run made it knows

    def know_what_was_made(self) -> None:
        """Know the set-up as this batch leaves it; what others changed meanwhile is read before the next."""
        if self._has_made:
            self._loaded_at = own_stamp(self._loaded_at)
            self._has_made = False

    def _note_ended(self) -> None:
        trees = (Creatable.UNIT, Unit), (Creatable.CATEGORY, Category), (Creatable.AREA, Area)
        self._ended = {
            kind: set(db.session.scalars(select(model.id).where(model.ended_at.isnot(None))))
            for kind, model in trees
        }

    def place(self, row: ImportedRow) -> Placed | list[Problem]:
        """Return where a row belongs, or what could not be found.

        Nothing is made for a row before everything that it names is there, or may be made.
        """
        found = self._placed(row, makes=False)
        return found if isinstance(found, list) else self._placed(row, makes=True)

    def _placed(self, row: ImportedRow, *, makes: bool) -> Placed | list[Problem]:
        columns = self.mapping.columns
        problems: list[Problem] = []
        category_id = self._category(row.category, makes=makes)
        if category_id is None:
            where = columns.category[0] if columns.category else "category"
            said = " / ".join(row.category or (self.mapping.uncategorised,))
            problems.append(Problem(where, Reason.NO_SUCH_CATEGORY, said))
        area_id = self._area(row.area, makes=makes)
        if row.area and area_id is None:
            problems.append(Problem(columns.area[-1], Reason.NO_SUCH_AREA, " / ".join(row.area)))
        unit_id = self._unit(row.unit, area_id, makes=makes)
        if unit_id is None:
            problems.append(Problem(columns.unit, Reason.NO_SUCH_UNIT, row.unit))
            return problems
        team_id = self._team(unit_id, row.team, makes=makes)
        if row.team and team_id is None:
            problems.append(Problem(columns.team, Reason.NO_SUCH_TEAM, row.team))
        if problems or category_id is None:
            return problems
        return Placed(unit_id, category_id, area_id, team_id)

    # ---------------------------------------------------------------- units

    def _home(self) -> int:
        """Return the unit for rows that name none: the mapping's, or the top of the tree."""
        if self.mapping.default_unit:
            named = db.session.scalars(
                select(Unit.id).where(
                    (Unit.name == self.mapping.default_unit)
                    | (Unit.name_en == self.mapping.default_unit),
                    Unit.ended_at.is_(None),
                )
            ).all()
            if len(named) != 1:
                message = "unit.default: " + _(
                    "there is no one unit “%(name)s”.", name=self.mapping.default_unit
                )
                raise MappingError(message)
            return named[0]
        root = db.session.scalar(
            select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)
        )
        if root is not None:
            return root
        # Before set-up: the data of the past may well be the first that comes in.
        settings = organisation()
        unit = Unit(kind=UnitKind.BUREAU, name=settings.name, name_en=settings.name_en)
        return self._make(Creatable.UNIT, unit)

    def _unit(self, name: str, area_id: int | None, *, makes: bool) -> int | None:
        if not name:
            return self._unit_of_area(area_id)
        found = self._units.get(name)
        if found is None and self._may_make(Creatable.UNIT):
            if not makes:
                return _TO_BE_MADE
            unit = Unit(parent_id=self.home_id, kind=self.mapping.unit_kind, name=name)
            found = self._units[name] = self._make(Creatable.UNIT, unit)
            self.reach.add(found)
        return found

    def _unit_of_area(self, area_id: int | None) -> int:
        for above in self._upwards(area_id):
            unit_id = self._area_unit.get(above)
            if unit_id is not None and unit_id in self.reach:
                return unit_id
        return self.home_id

    # ---------------------------------------------------------------- categories

    def _category(self, path: Sequence[str], *, makes: bool) -> int | None:
        if len(path) == 1 and (found := self._kind_named(path[0])) is not None:
            return found
        parent: int | None = None
        for name in path or (self.mapping.uncategorised,):
            found = self._categories.get((parent, name))
            if found is None:
                may_make = self._may_make(Creatable.CATEGORY) if path else self._may_keep_blank()
                if not may_make or parent in self._ended[Creatable.CATEGORY]:
                    return None
                if not makes:
                    return _TO_BE_MADE
                found = self._make(Creatable.CATEGORY, self._new_category(parent, name))
                self._categories[parent, name] = found
            parent = found
        # Requests hang on the kinds in a group, never on the group.
        return None if parent in self._groups else parent

    def _kind_named(self, name: str) -> int | None:
        """Return the one kind of help, in whichever group, that is named so."""
        named = self._kinds_by_name.get(name, ())
        return named[0] if len(named) == 1 and (None, name) not in self._categories else None

    def _may_keep_blank(self) -> bool:
        """Tell whether rows that name no category may be kept under one that is made for them.

        Everybody under the name that this product has for it; under another, who may make any.
        """
        ours = (UNCATEGORISED, UNCATEGORISED_EN)
        named = (self.mapping.uncategorised, self.mapping.uncategorised_en)
        return named == ours or self.actor is SYSTEM or may(self.actor, Action.MANAGE_CATEGORIES)

    def _new_category(self, parent: int | None, name: str) -> Category:
        is_blank = name == self.mapping.uncategorised
        # Residents go on choosing from what was set up for them.
        return Category(
            parent_id=parent,
            name=name,
            name_en=self.mapping.uncategorised_en if is_blank else None,
            is_offered=False,
        )

    # ---------------------------------------------------------------- areas

    def _area(self, path: Sequence[str], *, makes: bool) -> int | None:
        parent: int | None = None
        for level, name in enumerate(path):
            found = self._areas.get((parent, name))
            if found is None and level == 0 and len(named := self._areas_by_name[name]) == 1:
                found = named[0]  # the file's widest level is one of our narrower ones
            if found is None:
                if not self._may_make(Creatable.AREA, below=parent):
                    return None
                if not makes:
                    return _TO_BE_MADE if parent is None else parent  # whose desk answers for it
                found = self._make(
                    Creatable.AREA, Area(parent_id=parent, kind=self._kind_at(level), name=name)
                )
                self._area_parent[found] = parent
            self._areas[parent, name] = found
            parent = found
        return parent

    def _kind_at(self, level: int) -> AreaKind:
        kinds = self.mapping.area_kinds or LEVELS
        return kinds[min(level, len(kinds) - 1)]

    # ---------------------------------------------------------------- teams

    def _team(self, unit_id: int, name: str, *, makes: bool) -> int | None:
        if not name:
            return None
        found = self._teams.get((unit_id, name))
        if found is None and len(named := self._teams_by_name[name]) == 1:
            found = named[0]
        if (
            found is None
            and Creatable.TEAM in self.mapping.create
            and unit_id not in self._ended[Creatable.UNIT]
        ):
            if not makes:
                return _TO_BE_MADE
            team = Team(unit_id=unit_id, name=name, created_at=self.now)
            found = self._make(Creatable.TEAM, team)
            self._teams_by_name[name].append(found)
        if found is not None:
            self._teams[unit_id, name] = found
        return found

    # ---------------------------------------------------------------- together

    def _may_make(self, kind: Creatable, *, below: int | None = None) -> bool:
        if kind not in self.mapping.create or below in self._ended[Creatable.AREA]:
            return False
        if kind is Creatable.UNIT and self.home_id in self._ended[kind]:
            return False
        if self.actor is SYSTEM:
            return True
        match kind:
            case Creatable.CATEGORY:
                return may(self.actor, Action.MANAGE_CATEGORIES)
            case Creatable.AREA:
                desk = self._desk_of(below)
                return desk is not None and may_in_unit(self.actor, Action.MANAGE_AREAS, desk)
            case Creatable.UNIT:
                return may_in_unit(self.actor, Action.MANAGE_UNITS, self.home_id)
            case Creatable.TEAM:
                return may_in_unit(self.actor, Action.MANAGE_TEAMS, self.home_id)

    def _desk_of(self, area_id: int | None) -> int | None:
        """Return whose desk answers for an area, as the organisation has it; None: the whole's."""
        for above in self._upwards(area_id):
            if (unit_id := self._area_unit.get(above)) is not None:
                return unit_id
        return self._top_id

    def _upwards(self, area_id: int | None) -> Iterator[int]:
        """Yield an area and every area above it, each once."""
        seen: set[int] = set()
        while area_id is not None and area_id not in seen:
            seen.add(area_id)
            yield area_id
            area_id = self._area_parent.get(area_id)

    def _make(self, kind: Creatable, thing: Unit | Area | Category | Team) -> int:
        self.created[kind] += 1
        if self.is_dry:
            return next(self._imaginary)
        self._has_made = True
        return _saved(thing)

    def _load(self) -> None:
        """Read every name, Chinese and English; what has ended counts if nothing else is named so."""
        self._loaded_at, self._has_made = stamp(), False
        self.reach = {*units_below(self.home_id), self.home_id}
        for by_name in (self._units, self._categories, self._areas, self._teams):
            by_name.clear()
        for several in (self._kinds_by_name, self._areas_by_name, self._teams_by_name):
            several.clear()
        for tree in (self._groups, self._area_parent, self._area_unit):
            tree.clear()
        self._note_ended()
        self._load_categories()
        self._load_areas()
        units = db.session.execute(
            select(Unit.id, Unit.name, Unit.name_en).order_by(Unit.ended_at.isnot(None), Unit.id)
        )
        teams = db.session.execute(
            select(Team.id, Team.unit_id, Team.name, Team.name_en).order_by(
                Team.ended_at.isnot(None), Team.id
            )
        )
        for unit_id, *names in units:
            for name in _present(names) if unit_id in self.reach else ():
                self._units.setdefault(name, unit_id)
        for team_id, unit_id, *names in teams:
            for name in _present(names) if unit_id in self.reach else ():
                self._teams.setdefault((unit_id, name), team_id)
                self._teams_by_name[name].append(team_id)

    def _load_categories(self) -> None:
        rows = db.session.execute(
            select(Category.id, Category.parent_id, Category.name, Category.name_en).order_by(
                Category.ended_at.isnot(None), Category.id
            )
        )
        for category_id, parent_id, *names in rows:
            for name in _present(names):
                self._categories.setdefault((parent_id, name), category_id)
                if parent_id is not None:
                    self._kinds_by_name[name].append(category_id)
            if parent_id is not None:
                self._groups.add(parent_id)

    def _load_areas(self) -> None:
        rows = db.session.execute(
            select(Area.id, Area.parent_id, Area.unit_id, Area.name, Area.name_en).order_by(
                Area.ended_at.isnot(None), Area.id
            )
        )
        for area_id, parent_id, unit_id, *names in rows:
            self._area_parent[area_id] = parent_id
            self._area_unit[area_id] = unit_id
            for name in _present(names):
                self._areas.setdefault((parent_id, name), area_id)
                self._areas_by_name[name].append(area_id)


def _present(names: Collection[str | None]) -> Iterator[str]:
    return (name for name in dict.fromkeys(names) if name)


def _saved(thing: Model) -> int:
    db.session.add(thing)
    db.session.flush()
    thing_id: int = thing.id  # type: ignore[attr-defined]  # every table has one
    db.session.expunge(thing)
    return thing_id
