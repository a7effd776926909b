"""What an administrator enters about people and teams. Choices are handed in by the views."""

from collections.abc import Sequence

from flask_babel import gettext as _, lazy_gettext as _l, lazy_pgettext
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.permissions import UNIT_ROLES, Role
from tracker.privacy import normalise_phone
from tracker.web.forms import (
    EditForm,
    EnumMember,
    Form,
    Says,
    email_or_none,
    enum_choices,
    is_email_address,
    optional_int,
)
from tracker.web.locale import LOCALES


def stripped(text: str | None) -> str:
    """Return what was typed without spaces around it."""
    return (text or "").strip()


def text_or_none(text: str | None) -> str | None:
    """Return what was typed without spaces around it; nothing typed is None."""
    return stripped(text) or None


class ManyChoices(SelectMultipleField):
    """Any number of things, each with a box of its own."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class PersonForm(EditForm):
    """Somebody's details."""

    name = StringField(_l("Name"), [Says(_l("Enter a name.")), Length(max=80)], filters=[stripped])
    title = StringField(_l("Post"), [Length(max=120)], filters=[stripped])
    title_en = StringField(_l("Post in English"), [Length(max=120)], filters=[text_or_none])
    email = StringField(
        _l("E-mail"),
        [Optional(), Length(max=254), is_email_address],
        filters=[email_or_none],
    )
    phone = StringField(_l("Phone number"), [Length(max=40)], filters=[text_or_none])
    locale = SelectField(_l("Language of messages"))

    def offer(self) -> None:
        """Fill in the choices."""
        self.locale.choices = [
            SelectChoice("", _("As chosen by the person")),
            *(SelectChoice(code, name) for code, name in LOCALES.items()),
        ]

    def validate_phone(self, field: StringField) -> None:
        """Refuse what is no telephone number; ask for one way to reach somebody."""
        if field.data and normalise_phone(field.data) is None:
            raise ValidationError(_("That is not a phone number."))
        if not field.data and not self.email.data:
            raise ValidationError(_("Enter an e-mail address or a phone number."))


class InvitationForm(PersonForm):
    """Somebody new, and the first thing that they hold."""

    role = SelectField(_l("Role"), coerce=EnumMember(Role))
    unit_id = SelectField(_l("In the unit"), coerce=optional_int)
    team_id = SelectField(_l("Team"), coerce=optional_int)

    def validate_unit_id(self, field: SelectField) -> None:
        """Ask where a role is held."""
        if self.role.data is not None and field.data is None:
            raise ValidationError(_("Choose where the role is held."))


class RoleForm(Form):
    """A role in a unit."""

    role = SelectField(_l("Role"), [InputRequired(_l("Choose one."))], coerce=EnumMember(Role))
    unit_id = SelectField(
        _l("In the unit"), [InputRequired(_l("Choose one."))], coerce=optional_int
    )

    def offer(self, units: Sequence[SelectChoice]) -> None:
        """Fill in the choices."""
        self.role.choices = role_choices()
        self.unit_id.choices = list(units)


def role_choices(*, blank: object = None) -> list[SelectChoice]:
    """Return the roles that are given in a unit; `blank` words none of them."""
    none = [] if blank is None else [SelectChoice("", str(blank))]
    return none + enum_choices(UNIT_ROLES)


class TeamForm(EditForm):
    """A team."""

    name = StringField(
        lazy_pgettext("of a thing", "Name"),
        [Says(_l("Enter a name.")), Length(max=120)],
        filters=[stripped],
    )
    name_en = StringField(_l("Name in English"), [Length(max=120)], filters=[text_or_none])
    unit_id = SelectField(_l("Unit"), [InputRequired(_l("Choose one."))], coerce=optional_int)
    description = TextAreaField(_l("In a sentence"), [Length(max=500)], filters=[stripped])
    description_en = TextAreaField(
        _l("In a sentence, in English"), [Length(max=500)], filters=[text_or_none]
    )
    areas = ManyChoices(_l("Areas it looks after"), coerce=int)
    categories = ManyChoices(_l("Help it gives"), coerce=int)


class PlaceForm(Form):
    """Somebody's place in a team."""

    leads = BooleanField(_l("Leads the team"))
    is_vetted = BooleanField(_l("Checked by the organisation: may claim tasks"))
