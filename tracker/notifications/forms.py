"""What somebody chooses about their messages."""

from datetime import date

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField
from wtforms.fields import TimeField
from wtforms.validators import InputRequired, Optional, StopValidation, ValidationError

from tracker.notifications.timing import Rhythm, Wishes, leaves_time
from tracker.organisation.calendar import WorkingCalendar
from tracker.web.forms import EditForm, EnumMember, enum_choices


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
    rhythm = RadioField(_l("When?"), [InputRequired(_l("Choose when."))], coerce=EnumMember(Rhythm))
    quiet_from = TimeField(_l("Quiet from"), [Optional()])
    quiet_until = TimeField(_l("Quiet until"), [_has_both_or_neither])

    working_day: date
    calendar: WorkingCalendar

    def offer(self, calendar: WorkingCalendar, working_day: date) -> None:
        """Fill in the choices; the quiet hours must leave some of `working_day`."""
        self.rhythm.choices = enum_choices(Rhythm)
        self.calendar, self.working_day = calendar, working_day

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
                _l("Leave some time between 8:00 and 20:00, or no mail could ever reach you.")
            )
