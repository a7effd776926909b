"""What an administrator enters about a rule."""

from collections.abc import Sequence

from babel.dates import get_day_names
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, SelectMultipleField, TimeField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import Optional, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.organisation.forms import NamedForm
from tracker.organisation.offered import area_options, category_options
from tracker.service_requests.lifecycle import Kind, Priority
from tracker.service_requests.models import BuiltInChannel
from tracker.service_requests.routing.matching import DAYS
from tracker.service_requests.words import channel_label
from tracker.web.forms import EnumMember, enum_choices, optional_int
from tracker.web.locale import current_locale
from tracker.web.options import OptionsField


def _has_both_or_neither(form: "RoutingRuleForm", field: TimeField) -> None:
    """Hours begin and end, or neither. Before `Optional`, which ends the asking."""
    typed = [bool((each.raw_data or [""])[0]) for each in (form.begins_at, form.ends_at)]
    if typed[0] != typed[1] and not (field.raw_data or [""])[0]:
        field.errors = []  # that nothing is no time
        raise StopValidation(str(_l("Enter both times, or neither.")))
    Optional()(form, field)


class RoutingRuleForm(NamedForm):
    """A rule: what it asks of a request, and what it gives. What is left empty is left open."""

    category_id = OptionsField(_l("What it is about"))
    area_id = OptionsField(_l("Area"))
    kind = SelectField(_l("Kind"), coerce=EnumMember(Kind))
    channel = SelectField(_l("Way in"))
    weekdays = SelectMultipleField(
        _l("Came in on"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    begins_at = TimeField(_l("From"), [_has_both_or_neither])
    ends_at = TimeField(_l("Until before"), [_has_both_or_neither])
    is_outside_work = BooleanField(_l("Only what came in outside working time"))
    lead_team_id = SelectField(_l("Lead team"), coerce=optional_int)
    leader_id = SelectField(_l("Leader who answers for it"), coerce=optional_int)
    priority = SelectField(_l("Priority"), coerce=EnumMember(Priority))

    def offer(
        self,
        *,
        teams: Sequence[tuple[int, str]],
        leaders: Sequence[tuple[int, str]],
        channel: str | None = None,
    ) -> "RoutingRuleForm":
        """Fill in what can be chosen, in the reader's language. `channel`: an imported one it has."""
        locale, any_one = current_locale(), str(_l("Any"))
        self.category_id.offer(category_options(locale, ended=False), blank=any_one)
        self.area_id.offer(area_options(locale, ended=False), blank=any_one)
        self.kind.choices = [SelectChoice("", any_one), *enum_choices(Kind)]
        channels = dict.fromkeys([*(each.value for each in BuiltInChannel), channel or ""])
        self.channel.choices = [
            SelectChoice("", any_one),
            *(SelectChoice(each, channel_label(each)) for each in channels if each),
        ]
        called = get_day_names("abbreviated", locale=locale)
        self.weekdays.choices = [SelectChoice(day, called[int(day) - 1]) for day in DAYS]
        left_open = SelectChoice("", str(_l("Left to the desk")))
        self.lead_team_id.choices = [left_open, *(SelectChoice(*team) for team in teams)]
        self.leader_id.choices = [left_open, *(SelectChoice(*leader) for leader in leaders)]
        self.priority.choices = [left_open, *enum_choices(Priority)]
        return self

    def validate_ends_at(self, field: TimeField) -> None:
        """Refuse a time of no length."""
        if field.data is not None and field.data == self.begins_at.data:
            raise ValidationError(_l("The two times must differ."))

    def validate_priority(self, field: SelectField) -> None:
        """Ask for something that the rule gives."""
        if not (self.lead_team_id.data or self.leader_id.data or field.data):
            raise ValidationError(
                _l("Choose a team, a leader or a priority: a rule gives something.")
            )
