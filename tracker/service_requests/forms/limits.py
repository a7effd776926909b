"""How long requests may take: an amount and a unit for each thing and priority."""

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, IntegerField, SelectField
from wtforms.validators import NumberRange, Optional

from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limit_rules import SET_BY_PEOPLE
from tracker.service_requests.limits import Clock, Limit, LimitUnit
from tracker.web.forms import EnumMember, Form, enum_choices
from tracker.web.labels import label

MOST: Final = 999


class LimitsForm(Form):
    """Two fields for each limit; an amount that is left empty sets none."""

    stood = HiddenField()
    """How they were when the page was opened, so that nobody overwrites unseen."""

    def offer(self, held: Mapping[tuple[Clock, Priority], Limit]) -> "LimitsForm":
        """Fill in the units; a limit that is not set here stands at the unit of the one that holds."""
        for (clock, priority), limit in held.items():
            unit = self.unit(clock, priority)
            # What stands above the fields, for whoever reads one alone: in the summary of what is wrong.
            which = f"{label(clock)} · {label(priority)}"
            self.amount(clock, priority).label.text = unit.label.text = which
            unit.choices = enum_choices(LimitUnit)
            if unit.data is None:
                unit.data = limit.unit
        return self

    def amount(self, clock: Clock, priority: Priority) -> Field:
        """Return the field of how many."""
        field: Field = self[name_of(clock, priority, "amount")]
        return field

    def unit(self, clock: Clock, priority: Priority) -> SelectField:
        """Return the field of what."""
        field: SelectField = self[name_of(clock, priority, "unit")]
        return field

    def limits(self) -> dict[tuple[str, str], tuple[int, str] | None]:
        """Return what was entered, as `organisation.actions.set_limits` takes it."""
        return {
            (priority.value, clock.value): (
                None
                if self.amount(clock, priority).data is None
                else (self.amount(clock, priority).data, self.unit(clock, priority).data.value)
            )
            for clock in SET_BY_PEOPLE
            for priority in Priority
        }


def name_of(clock: Clock, priority: Priority, part: str) -> str:
    """Return the name of a field: `part` is `amount` or `unit`."""
    return f"{clock}_{priority}_{part}"


for _clock in SET_BY_PEOPLE:
    for _priority in Priority:
        setattr(
            LimitsForm,
            name_of(_clock, _priority, "amount"),
            IntegerField(
                _l("How many"),
                [Optional(), NumberRange(1, MOST, _l("Enter a number from 1 to 999."))],
            ),
        )
        setattr(
            LimitsForm,
            name_of(_clock, _priority, "unit"),
            SelectField(_l("Of what"), coerce=EnumMember(LimitUnit)),
        )
