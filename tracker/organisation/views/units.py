"""The units of the organisation."""

from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _l

from tracker.organisation import actions, queries
from tracker.organisation.forms import UnitForm, tree_choices
from tracker.organisation.models import Unit
from tracker.organisation.views.trees import Tree, blueprint_for, possible_parents
from tracker.permissions import Action, Actor
from tracker.web.forms import Form


def _form(unit: Unit | None, actor: Actor) -> UnitForm:
    form = UnitForm.from_request(unit)
    form.offer()
    below = queries.units_below(unit.id) if unit else frozenset()
    within = actor.units_where(Action.MANAGE_UNITS)
    nodes = possible_parents(
        queries.unit_tree(ended=True), unit, below=below, reaches=lambda above: above.id in within
    )
    # The root hangs nowhere; everything else hangs somewhere.
    is_root = unit is not None and unit.parent_id is None
    form.parent_id.choices = tree_choices([] if is_root else nodes, blank="–" if is_root else None)
    return form


def _values(form: Form) -> dict[str, Any]:
    return {name: form[name].data for name in ("name", "name_en", "kind")}


def _reach_of(actor: Actor) -> Callable[[Unit | None], bool]:
    reached = actor.units_where(Action.MANAGE_UNITS)
    manages_all = actor.may_for_all(Action.MANAGE_UNITS)
    return lambda unit: unit.id in reached if unit is not None else manages_all


blueprint = blueprint_for(
    Tree(
        name="units",
        right=Action.MANAGE_UNITS,
        words={
            "title": _l("Units"),
            "lead": _l(
                "Rights and figures follow this tree: a role reaches its unit and everything below."
            ),
            "new": _l("New unit"),
            "edit": _l("Edit the unit"),
        },
        nodes=lambda ended: queries.unit_tree(ended=ended),
        reach_of=_reach_of,
        find=queries.unit,
        form=_form,
        values=_values,
        add=actions.add_unit,
        edit=actions.edit_unit,
        end=actions.end_unit,
        take_up=actions.take_up_unit,
    )
)
