"""What requests are about."""

from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from tracker.organisation import actions, queries
from tracker.organisation.forms import CategoryForm, tree_choices
from tracker.organisation.models import Category
from tracker.organisation.views.trees import Tree, blueprint_for, possible_parents
from tracker.permissions import Action, Actor
from tracker.web.forms import Form
from tracker.web.locale import ENGLISH, current_locale

FIELDS = (
    "name",
    "name_en",
    "description",
    "description_en",
    "keywords",
    "icon",
    "default_priority",
    "default_team_id",
    "volunteers_needed",
    "is_offered",
    "shows_emergency_notice",
    "is_sensitive",
    "needs_evidence",
)
# The values of a priority, which belongs to the feature above. How long each may take is set on a page of its own.
PRIORITIES = {
    "emergency": _l("Emergency"),
    "urgent": _l("Urgent"),
    "normal": _l("Normal"),
    "complex": _l("Complex"),
}


def _form(category: Category | None, _actor: Actor) -> CategoryForm:
    new = (
        {}
        if category
        else {"default_priority": "normal", "volunteers_needed": 1, "is_offered": True}
    )
    form = CategoryForm.from_request(category, **new)
    english = current_locale() == ENGLISH
    form.offer(
        priorities=[(value, str(words)) for value, words in PRIORITIES.items()],
        teams=[
            SelectChoice(team_id, (name_en or name) if english else name)
            for team_id, name, name_en in queries.team_names()
        ],
    )
    tops = [node for node in queries.category_tree(ended=True) if node.thing.parent_id is None]
    form.parent_id.choices = tree_choices(
        possible_parents(tops, category, below=frozenset()),
        blank=_("None: it is a group itself"),
    )
    return form


def _values(form: Form) -> dict[str, Any]:
    return {name: form[name].data for name in FIELDS}


blueprint = blueprint_for(
    Tree(
        name="categories",
        right=Action.MANAGE_CATEGORIES,
        words={
            "title": _l("Categories"),
            "lead": _l(
                "What residents choose from, in their own words: groups, and the kinds of request in them."
            ),
            "new": _l("New category"),
            "edit": _l("Edit the category"),
        },
        nodes=lambda ended: queries.category_tree(ended=ended),
        find=queries.category,
        form=_form,
        values=_values,
        add=actions.add_category,
        edit=actions.edit_category,
        end=actions.end_category,
        take_up=actions.take_up_category,
    )
)
