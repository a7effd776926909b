"""What an administrator enters about an endpoint."""

from collections.abc import Sequence
from typing import Final

from flask_babel import gettext, lazy_gettext as _l, lazy_pgettext
from wtforms import PasswordField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, PasswordInput, TextInput

from tracker.config import Settings
from tracker.notifications.endpoints.addresses import key_of, normalised
from tracker.notifications.endpoints.models import EndpointKind, News
from tracker.organisation.forms import stripped
from tracker.web.forms import EditForm, EnumMember, Says, enum_choices, optional_int
from tracker.web.locale import LOCALES

LONGEST_SECRET: Final = 200


class EndpointForm(EditForm):
    """An endpoint. What is secret of it is entered and never shown again: left empty, it stays."""

    name = StringField(
        lazy_pgettext("of a thing", "Name"),
        [Says(_l("Enter a name.")), Length(max=120)],
        filters=[stripped],
    )
    # Passwords, so that no page which keeps forms keeps them; named as in no other form.
    hook_address = PasswordField(_l("Address"), filters=[stripped], widget=TextInput())
    hook_secret = PasswordField(
        _l("Secret"), filters=[stripped], widget=PasswordInput(hide_value=False)
    )
    team_id = SelectField(_l("Whose requests"), coerce=optional_int)
    news = SelectMultipleField(
        _l("Tell of"),
        [InputRequired(_l("Choose at least one."))],
        coerce=EnumMember(News),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    locale = RadioField(_l("Language of the text"), [InputRequired(_l("Choose one."))])

    kind: EndpointKind
    settings: Settings
    is_new: bool

    def offer(
        self,
        kind: EndpointKind,
        teams: Sequence[tuple[int, str]],
        settings: Settings,
        *,
        is_new: bool,
    ) -> "EndpointForm":
        """Fill in what can be chosen, in the reader's language."""
        self.kind, self.settings, self.is_new = kind, settings, is_new
        self.hook_address.flags.required = is_new
        self.hook_secret.flags.required = is_new and kind is EndpointKind.WEBHOOK
        whole = SelectChoice("", str(_l("Of the whole organisation")))
        self.team_id.choices = [whole, *(SelectChoice(*team) for team in teams)]
        self.news.choices = enum_choices(News)
        self.locale.choices = [SelectChoice(code, name) for code, name in LOCALES.items()]
        return self

    def validate_hook_address(self, field: PasswordField) -> None:
        """Ask for an address, and refuse what nothing may be sent to."""
        if not field.data:
            if self.is_new:
                raise ValidationError(gettext("Enter the address."))
            return
        known = normalised(field.data, self.kind, self.settings)
        if known is None:
            raise ValidationError(
                gettext(
                    "Nothing can be sent there: it takes an address outside that begins with https."
                )
                if self.kind is EndpointKind.WEBHOOK
                else gettext(
                    "This is not the address of such a robot. Copy it whole, with its key."
                )
            )
        field.data = known

    def validate_hook_secret(self, field: PasswordField) -> None:
        """Ask for what the kind signs with."""
        if self.kind is EndpointKind.WECOM or (not field.data and not self._needs_secret):
            return
        if self.kind is EndpointKind.WEBHOOK and key_of(field.data or "") is None:
            raise ValidationError(
                gettext("A secret begins with whsec_, and 24 to 64 bytes follow in base64.")
            )
        if len(field.data or "") > LONGEST_SECRET:
            raise ValidationError(gettext("This is too long for a secret."))

    @property
    def _needs_secret(self) -> bool:
        return self.kind is EndpointKind.WEBHOOK and self.is_new
