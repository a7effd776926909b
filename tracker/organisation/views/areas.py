"""The areas: districts, streets, communities, grids."""

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l

from tracker.organisation import actions, queries
from tracker.organisation.forms import AreaForm, tree_choices
from tracker.organisation.models import Area
from tracker.organisation.views.trees import Tree, blueprint_for, possible_parents
from tracker.permissions import Action, Actor
from tracker.web.forms import Form


def _form(area: Area | None, actor: Actor) -> AreaForm:
    form = AreaForm.from_request(area)
    form.offer()
    below = queries.areas_below(area.id) if area else frozenset()
    reaches = _reach_of(actor)
    is_at_top = area is not None and area.parent_id is None
    nodes = possible_parents(queries.area_tree(ended=True), area, below=below, reaches=reaches)
    may_be_top = reaches(None) or is_at_top
    form.parent_id.choices = tree_choices(
        nodes, blank=_("Nothing: it is the top") if may_be_top else None
    )
    units = queries.unit_tree(within=actor.units_where(Action.MANAGE_AREAS))
    form.unit_id.choices = tree_choices(units, blank=_("The desk of the area above"))
    return form


def _values(form: Form) -> dict[str, Any]:
    return {name: form[name].data for name in ("name", "name_en", "kind", "unit_id")}


def _reach_of(actor: Actor) -> Callable[[Area | None], bool]:
    reached = actor.units_where(Action.MANAGE_AREAS)
    manages_all = actor.may_for_all(Action.MANAGE_AREAS)

    def reaches(area: Area | None) -> bool:
        # As `queries.unit_for_area` finds the desk; the whole tree is loaded, so nothing is asked.
        seen: set[int] = set()
        while area is not None and area.unit_id is None and area.id not in seen:
            seen.add(area.id)
            area = area.parent
        desk = area.unit_id if area is not None else None
        return desk in reached if desk is not None else manages_all

    return reaches


blueprint = blueprint_for(
    Tree(
        name="areas",
        right=Action.MANAGE_AREAS,
        words={
            "title": _l("Areas"),
            "lead": _l("Where requests come from, and whose desk receives them."),
            "new": _l("New area"),
            "edit": _l("Edit the area"),
        },
        nodes=lambda ended: queries.area_tree(ended=ended),
        reach_of=_reach_of,
        find=queries.area,
        form=_form,
        values=_values,
        add=actions.add_area,
        edit=actions.edit_area,
        end=actions.end_area,
        take_up=actions.take_up_area,
    )
)
