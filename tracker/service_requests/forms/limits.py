"""How long requests may take: an amount and a unit for each thing and priority."""

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Final, Self

from flask_babel import gettext as _, lazy_gettext as _l
from wtforms import Field, SelectField
from wtforms.validators import NumberRange, Optional

from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limit_rules import SET_BY_PEOPLE
from tracker.service_requests.limits import Clock, Limit, LimitUnit
from tracker.service_requests.words import length_words
from tracker.web.forms import EditForm, EnumMember, enum_choices
from tracker.web.labels import label
from tracker.web.numbers import WholeNumberField

MOST: Final = 999


class LimitsForm(EditForm):
    """Two fields for each limit; an amount that is left empty sets none."""

    @classmethod
    def showing(
        cls,
        own: Mapping[tuple[Clock, Priority], Limit],
        held: Mapping[tuple[Clock, Priority], Limit],
    ) -> Self:
        """Return the form with the limits set here; the others stand at the unit of the one that holds."""
        shown = {name_of(*which, "amount"): limit.amount for which, limit in own.items()}
        units = {name_of(*which, "unit"): limit.unit for which, limit in {**held, **own}.items()}
        form = cls.from_request(SimpleNamespace(**shown, **units))
        for each in (form, form.present):
            if each is not None:
                each._offer(held)  # noqa: SLF001 - its own
        return form

    def _offer(self, held: Iterable[tuple[Clock, Priority]]) -> None:
        for clock, priority in held:
            unit = self.unit(clock, priority)
            # What stands above the fields, for whoever reads one alone: in the summary of what is wrong.
            which = f"{label(clock)} · {label(priority)}"
            self.amount(clock, priority).label.text = unit.label.text = which
            unit.choices = enum_choices(LimitUnit)

    def told(self, field: Field) -> str:
        """Return the limit that the field is a part of, in words."""
        amount, unit = (each.data for each in self.belonging_to(field))
        length = _("not set here") if amount is None else length_words(Limit(amount, unit))
        return str(_("%(what)s: %(value)s", what=field.label.text, value=length))

    def belonging_to(self, field: Field) -> Sequence[Field]:
        """Return the amount and the unit of the limit that the field is a part of."""
        which = field.name.rpartition("_")[0]
        return [self[f"{which}_amount"], self[f"{which}_unit"]]

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
            WholeNumberField(
                _l("How many"),
                [Optional(), NumberRange(1, MOST, _l("Enter a number from 1 to 999."))],
            ),
        )
        setattr(
            LimitsForm,
            name_of(_clock, _priority, "unit"),
            SelectField(_l("Of what"), coerce=EnumMember(LimitUnit)),
        )
