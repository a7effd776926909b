"""What handlers write while they work on a request."""

from collections.abc import Iterable
from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    MultipleFileField,
    RadioField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange

from tracker.clock import utc_now
from tracker.service_requests.lifecycle import RESULT_OUTCOMES, Outcome
from tracker.web.addresses import identities
from tracker.web.forms import EnumMember, Form, Says, enum_choices, is_blank
from tracker.web.locale import local_datetime
from tracker.web.numbers import WholeNumberField

NOTE_LENGTH = 4000
LONGEST_EXTENSION = 60
LONGEST_PARKED = timedelta(days=366)
"""Until somebody looks at it again."""


class NoteForm(Form):
    """A note for the requester, for colleagues, or one for each."""

    public_note = TextAreaField(_l("What the requester reads"), [Length(max=NOTE_LENGTH)])
    internal_note = TextAreaField(_l("For colleagues only"), [Length(max=NOTE_LENGTH)])

    def validate_internal_note(self, field: TextAreaField) -> None:
        """Ask for at least one of the two."""
        if is_blank(field.data) and is_blank(self.public_note.data):
            raise ValidationError(str(_l("Write at least one of the two notes.")))


class QuestionForm(Form):
    """A question to the requester."""

    question = TextAreaField(
        _l("Your question"),
        [
            Says(_l("Write the question that only the requester can answer.")),
            Length(max=500),
        ],
    )


class ResumeForm(Form):
    """Going on."""

    note = TextAreaField(_l("What changed"), [Length(max=NOTE_LENGTH)])


class ExtensionForm(Form):
    """Asking for more time."""

    working_days = WholeNumberField(
        _l("How many working days more?"),
        [
            InputRequired(_l("Enter a number of working days.")),
            NumberRange(1, LONGEST_EXTENSION, _l("Between 1 and 60 working days.")),
        ],
    )
    reason = TextAreaField(
        _l("Why it takes longer"),
        [Says(_l("The requester reads the reason: write one.")), Length(max=1000)],
    )


class ParkingForm(Form):
    """Asking to park what cannot be done now."""

    until = DateField(
        _l("When to look at it again"), [InputRequired(_l("Choose the day of the review."))]
    )
    reason = TextAreaField(
        _l("Why it cannot be done now"),
        [Says(_l("The requester reads the reason: write one.")), Length(max=1000)],
    )

    def validate_until(self, field: DateField) -> None:
        """Refuse a day that is not ahead."""
        today: date = local_datetime(utc_now()).date()
        if field.data is not None and field.data <= today:
            raise ValidationError(str(_l("The day of the review must lie ahead.")))
        if field.data is not None and field.data > today + LONGEST_PARKED:
            raise ValidationError(str(_l("This is more than a year ahead. Choose an earlier day.")))


class ReferralForm(Form):
    """Handing it to another body."""

    to_whom = StringField(
        _l("To whom, and how to reach them"),
        [Says(_l("Name the body and its phone number or address.")), Length(max=200)],
    )
    answer = TextAreaField(
        _l("What the requester reads"),
        [
            Says(_l("Tell the requester what happens there and what they need to do.")),
            Length(max=NOTE_LENGTH),
        ],
    )


class ResolutionForm(Form):
    """How it ended."""

    outcome = RadioField(
        _l("How did it end?"),
        [InputRequired(_l("Choose how it ended."))],
        coerce=EnumMember(Outcome),
    )
    answer = TextAreaField(
        _l("What was done, as the requester reads it"),
        [
            Says(_l("Tell the requester what was done. They decide whether it is solved.")),
            Length(max=NOTE_LENGTH),
        ],
    )
    evidence = MultipleFileField(_l("Photos of the result"))
    internal_note = TextAreaField(_l("For colleagues only"), [Length(max=NOTE_LENGTH)])
    parts_shown = HiddenField()
    """The parts that had not ended when the page was opened: their ids."""
    ends_parts = BooleanField(_l("These parts end with the request, as they are"))

    def offer(self) -> "ResolutionForm":
        """Fill in the outcomes, in the reader's language."""
        self.outcome.choices = enum_choices(RESULT_OUTCOMES)
        return self

    def show_parts(self, ids: Iterable[int]) -> None:
        """Ask about these parts, of which none is ticked off yet if others were asked about before."""
        shown = ",".join(map(str, sorted(ids)))
        if self.parts_shown.data != shown:
            self.ends_parts.data = False
        self.parts_shown.data = shown

    def ended_parts(self) -> frozenset[int]:
        """Return the ids of the parts that were shown and ticked off."""
        return identities(self.parts_shown.data or "") if self.ends_parts.data else frozenset()
