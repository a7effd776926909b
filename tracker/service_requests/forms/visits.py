"""Planning a visit, and writing down what happened on it."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from flask_babel import gettext as _, lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    HiddenField,
    MultipleFileField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.visits.models import ContactWay, Group
from tracker.web.addresses import FIRST_YEAR, LAST_YEAR
from tracker.web.forms import EnumMember, Form, Says, enum_choices, is_blank
from tracker.web.locale import time_zone

LONGEST_WINDOW = timedelta(hours=12)
LONGEST_AHEAD = timedelta(days=366)
"""Nobody plans a visit, or promises a step, further ahead."""
BEFORE_IT_CAME_IN = timedelta(days=1)
"""A visit may have led to the request, and be written down under it."""
NOTE_LENGTH = 8000


class VisitorsField(SelectMultipleField):
    """The people who go, as check boxes; two by default."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def moment(local: datetime | None) -> datetime | None:
    """Return what was typed on the organisation's clock as a moment in UTC.

    Raises `ValidationError` for a year that no clock of ours knows.
    """
    if local is not None and not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise ValidationError(_("This cannot be: check the year."))
    return local.replace(tzinfo=time_zone()).astimezone(UTC) if local else None


class _WithVisitors(Form):
    visitors = VisitorsField(
        _l("Who goes? Two is usual."),
        [InputRequired(_l("Choose at least one visitor."))],
        coerce=int,
    )
    place = StringField(_l("Place, if it is not the address of the request"), [Length(max=200)])
    submission_key = HiddenField(validators=[Length(max=64)])

    def offer_people(self, people: Sequence[Person]) -> None:
        """Fill in who may go."""
        self.visitors.choices = [SelectChoice(person.id, person.name) for person in people]


class PlanForm(_WithVisitors):
    """When somebody comes."""

    planned_from = DateTimeLocalField(
        _l("From"), [InputRequired(_l("Choose day and time."))], format="%Y-%m-%dT%H:%M"
    )
    planned_to = DateTimeLocalField(
        _l("Until"), [InputRequired(_l("Choose day and time."))], format="%Y-%m-%dT%H:%M"
    )

    def validate_planned_from(self, field: DateTimeLocalField) -> None:
        """Refuse what is past."""
        begins = moment(field.data)
        if begins is not None and begins < utc_now() - timedelta(minutes=30):
            raise ValidationError(
                _("This time has passed. To write down a visit, record it instead.")
            )
        _refuse_too_far(begins)

    def validate_planned_to(self, field: DateTimeLocalField) -> None:
        """Refuse an end before the beginning, and a window that says nothing."""
        moment(field.data)
        if field.data is None or self.planned_from.data is None:
            return
        if field.data <= self.planned_from.data:
            raise ValidationError(_("The end must come after the beginning."))
        if field.data - self.planned_from.data > LONGEST_WINDOW:
            raise ValidationError(
                _("Choose a window of at most 12 hours, so that nobody waits in vain.")
            )


class ReportForm(_WithVisitors):
    """What happened. `came_in_at`: when the request did; a visit long before it was another's."""

    came_in_at: datetime | None = None

    visitors = VisitorsField(
        _l("Who went?"), [InputRequired(_l("Choose at least one visitor."))], coerce=int
    )

    started_at = DateTimeLocalField(
        _l("Began"), [InputRequired(_l("Choose day and time."))], format="%Y-%m-%dT%H:%M"
    )
    ended_at = DateTimeLocalField(_l("Ended"), [Optional()], format="%Y-%m-%dT%H:%M")
    way = RadioField(
        _l("How?"),
        [InputRequired(_l("Choose how you met or called."))],
        coerce=EnumMember(ContactWay),
    )
    contact_made = RadioField(
        _l("Did you reach somebody?"),
        [InputRequired(_l("Choose whether you reached somebody."))],
        coerce=lambda value: value if value in (None, "yes", "no") else None,
    )
    met = StringField(_l("Whom did you meet?"), [Length(max=120)])
    group = SelectField(_l("To which group do they belong?"), coerce=EnumMember(Group))
    findings = TextAreaField(_l("What did you find?"), [Length(max=NOTE_LENGTH)])
    needs_found = TextAreaField(_l("Other needs that you found"), [Length(max=2000)])
    next_step = StringField(_l("What did you promise as the next step?"), [Length(max=500)])
    next_step_on = DateField(_l("By which day?"), [Optional()])
    photos = MultipleFileField(_l("Photos"))
    has_consent = BooleanField(_l("The people shown agreed to the photos"))
    public_note = TextAreaField(_l("A word for the requester to read"), [Length(max=2000)])

    def offer(self, people: Sequence[Person]) -> "ReportForm":
        """Fill in what can be chosen, in the reader's language."""
        self.offer_people(people)
        self.way.choices = enum_choices(ContactWay)
        self.contact_made.choices = [
            SelectChoice("yes", _("Yes")),
            SelectChoice("no", _("No, nobody was there")),
        ]
        self.findings.flags.depends = True
        self.group.choices = [SelectChoice("", _("Not said")), *enum_choices(Group)]
        return self

    def validate_started_at(self, field: DateTimeLocalField) -> None:
        """Refuse a visit that has not begun."""
        began = moment(field.data)
        if began is not None and began > utc_now() + timedelta(minutes=5):
            raise ValidationError(_("This lies ahead. Plan a visit instead."))
        if began and self.came_in_at and began < self.came_in_at - BEFORE_IT_CAME_IN:
            raise ValidationError(_("The request came in later than this. Check the day."))

    def validate_ended_at(self, field: DateTimeLocalField) -> None:
        """Refuse an end that lies ahead, or before the beginning."""
        ended = moment(field.data)
        if ended is not None and ended > utc_now() + timedelta(minutes=5):
            raise ValidationError(_("This lies ahead. Write down when the visit ended."))
        if field.data and self.started_at.data and field.data < self.started_at.data:
            raise ValidationError(_("The end must come after the beginning."))

    def validate_next_step_on(self, field: DateField) -> None:
        """Refuse a day that nobody can promise."""
        if field.data is not None:
            _refuse_too_far(moment(datetime.combine(field.data, time())))

    def validate_has_consent(self, field: BooleanField) -> None:
        """Ask for consent when there are photos."""
        if any(getattr(file, "filename", "") for file in self.photos.data or []) and not field.data:
            raise ValidationError(_("Photos need the consent of the people shown."))

    def validate_findings(self, field: TextAreaField) -> None:
        """Ask for a word on what was found, when somebody was met."""
        if self.contact_made.data == "yes" and is_blank(field.data):
            raise ValidationError(_("Write down what you found, be it a sentence."))


def _refuse_too_far(when: datetime | None) -> None:
    if when is not None and when > utc_now() + LONGEST_AHEAD:
        raise ValidationError(_("This is more than a year ahead. Choose an earlier day."))


class CancelForm(Form):
    """Why a visit is called off."""

    reason = TextAreaField(
        _l("Why?"),
        [Says(_l("The requester reads why nobody comes: write a word.")), Length(max=500)],
    )
