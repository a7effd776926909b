"""What somebody chooses about their messages."""

from datetime import date

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, StringField
from wtforms.fields import TimeField
from wtforms.validators import InputRequired, Length, Optional, StopValidation, ValidationError

from tracker.notifications.timing import Rhythm, Wishes, leaves_time
from tracker.notifications.wishes import Chosen
from tracker.organisation.calendar import WorkingCalendar
from tracker.privacy import normalise_phone, takes_text_messages
from tracker.web.forms import LANDLINE, EditForm, EnumMember, enum_choices, is_blank


def _has_both_or_neither(form: "WishForm", field: TimeField) -> None:
    """Quiet hours have a beginning and an end, or neither. Before `Optional`, which ends the asking."""
    typed = [bool((each.raw_data or [""])[0]) for each in (form.quiet_from, field)]
    if typed[0] != typed[1]:
        field.errors = []  # that nothing is no time
        raise StopValidation(str(_l("Enter both times, or neither.")))
    Optional()(form, field)


class WishForm(EditForm):
    """How one wants to be written to."""

    by_mail = BooleanField(_l("Write to me by e-mail, too"))
    by_text = BooleanField(_l("Write to me by text message, too"))
    number = StringField(_l("Mobile number"), [Length(max=32)])
    rhythm = RadioField(_l("When?"), [InputRequired(_l("Choose when."))], coerce=EnumMember(Rhythm))
    quiet_from = TimeField(_l("Quiet from"), [Optional()])
    quiet_until = TimeField(_l("Quiet until"), [_has_both_or_neither])

    working_day: date
    calendar: WorkingCalendar
    texts = False
    """Whether there is a gateway; without one, nothing about text messages is asked or changed."""
    country = "CN"
    has_number = False

    def offer(
        self,
        calendar: WorkingCalendar,
        working_day: date,
        *,
        texts: bool,
        country: str,
        number: str | None,
    ) -> None:
        """Fill in the choices; the quiet hours must leave some of `working_day`.

        `number` is the one that they proved before.
        """
        self.rhythm.choices = enum_choices(Rhythm)
        self.calendar, self.working_day = calendar, working_day
        self.texts, self.country, self.has_number = texts, country, number is not None
        self.number.flags.depends = True

    def chosen(self, stood: Chosen) -> Chosen:
        """Return what is wished, where `stood` was chosen until now: a number left empty stays."""
        typed = normalise_phone(self.number.data or "", self.country) if self.texts else None
        return Chosen(
            by_mail=self.by_mail.data,
            by_text=self.by_text.data if self.texts else stood.by_text,
            rhythm=self.rhythm.data,
            quiet_from=self.quiet_from.data,
            quiet_until=self.quiet_until.data,
            text_number=typed or stood.text_number,
        )

    def validate_number(self, field: StringField) -> None:
        """Ask for a number where it is needed and there is none, and for none that would not be used."""
        if not self.texts:
            return
        number = normalise_phone(field.data or "", self.country)
        if is_blank(field.data):
            if self.by_text.data and not self.has_number:
                raise ValidationError(_l("Enter your mobile number."))
        elif number is None:
            raise ValidationError(
                _l("This does not look like a phone number. Check the digits, please.")
            )
        elif not takes_text_messages(number):
            raise ValidationError(LANDLINE)
        elif not self.by_text.data:
            raise ValidationError(_l("Choose text messages above, too, or leave the number empty."))

    def validate_quiet_until(self, field: TimeField) -> None:
        """Refuse quiet hours that would be heeded never, or always."""
        if field.data == self.quiet_from.data:
            raise ValidationError(
                _l(
                    "Both times are the same: that is no time at all. Enter two that differ, or neither."
                )
            )
        wishes = Wishes(Rhythm.AT_ONCE, self.quiet_from.data, field.data)
        if not leaves_time(self.calendar, self.working_day, wishes):
            raise ValidationError(
                _l("Leave some time between 8:00 and 20:00, or nothing could ever reach you.")
            )
