"""To whom somebody's work goes: group by group, or one by one."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask_babel import lazy_gettext as _l, ngettext
from wtforms import Field, HiddenField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import Length, Optional

from tracker.service_requests.actions.handing_over import Group
from tracker.service_requests.handing_over import STAYS, TO_DESK, Candidate, Holdings, Item
from tracker.service_requests.reference import format_reference
from tracker.web.forms import Form
from tracker.web.locale import localized

WHO: Final = {
    Group.TASKS: _l("Who takes on the claimed tasks?"),
    Group.VISITS: _l("Who goes on the planned visits?"),
    Group.ANSWERED_FOR: _l("Which leader answers for them?"),
}
"""What each group asks."""
DESK: Final = {
    Group.TASKS: _l("Back to the team leader, who finds somebody"),
    Group.VISITS: _l("Nobody: they come off the visits"),
}
"""What it is called to give a group back; which leader answers is always somebody."""


class HandOverForm(Form):
    """What is the same whatever somebody holds; `form_for` adds a field for each thing."""

    seen = HiddenField()
    """The marks of what the page said would happen; empty before it said so."""
    note = TextAreaField(
        _l("Why? Whoever goes on with it reads this."), [Optional(), Length(max=500)]
    )

    @property
    def chosen(self) -> Mapping[str, str]:
        """Return what was chosen, by the name of a group or of one thing."""
        return {
            field.name: field.data
            for field in self
            if isinstance(field, SelectField) and field.data
        }

    def of(self, thing: Group | Item) -> Field:
        """Return the field of a group, or of one thing."""
        field: Field = self[thing.name if isinstance(thing, Item) else thing.value]
        return field


def form_for(holdings: Holdings) -> HandOverForm:
    """Return a form that asks about everything that somebody holds."""
    fields: dict[str, Any] = {}
    for group, items in holdings.items.items():
        if not items:
            continue
        blank = SelectChoice("", str(_l("Nobody for now: it stays with them")))
        fields[group.value] = SelectField(
            WHO[group], choices=[blank, *_choices(group, holdings.candidates[group])], default=""
        )
        for item in items:
            it = item.service_request
            as_all = SelectChoice("", str(_l("As chosen for all")))
            stays = SelectChoice(STAYS, str(_l("Stays with them")))
            fields[item.name] = SelectField(
                f"{format_reference(it.reference)} · {localized(it.category)}",
                choices=[as_all, *_choices(group, item.able), stays],
                default="",  # what is new since the page was shown was not asked about
            )
    form: type[HandOverForm] = type("HandOverFormOfOne", (HandOverForm,), fields)
    return form.from_request()


def _choices(group: Group, able: Sequence[Candidate]) -> list[SelectChoice]:
    people = [SelectChoice(str(each.person.id), _with_load(group, each)) for each in able]
    desk = [SelectChoice(TO_DESK, str(DESK[group]))] if group in DESK else []
    return [*people, *desk]


def _with_load(group: Group, candidate: Candidate) -> str:
    if group is not Group.TASKS:
        return candidate.person.name
    held = candidate.open_claims
    load = ngettext("%(num)s open task", "%(num)s open tasks", held)
    return f"{candidate.person.name} · {load}"
