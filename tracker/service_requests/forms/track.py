"""What a resident says about a request that was sent."""

from flask_babel import lazy_gettext as _l
from wtforms import MultipleFileField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length

from tracker.service_requests.lifecycle import Solved
from tracker.service_requests.words import SATISFACTION
from tracker.web.forms import EnumMember, Form, FormKeyField, Says, enum_choices, optional_int

WORD_LENGTH = 2000


class TrackForm(Form):
    """The two numbers on the slip."""

    reference = StringField(
        _l("Reference"), [Says(_l("Enter the reference: ten digits.")), Length(max=40)]
    )
    code = StringField(_l("Code"), [Says(_l("Enter the code: six digits.")), Length(max=20)])


class WordForm(Form):
    """A word or photos for those who work on it; also the answer to their question."""

    word = TextAreaField(_l("What would you like to add?"), [Length(max=WORD_LENGTH)])
    photos = MultipleFileField(_l("Photos"))


class UrgeForm(Form):
    """Asking to hurry."""

    word = TextAreaField(_l("Is there something new that makes it urgent?"), [Length(max=500)])


class WithdrawForm(Form):
    """Taking it back."""

    reason = TextAreaField(_l("Would you tell us why?"), [Length(max=500)])


class ConfirmForm(Form):
    """Is it solved, and how was it?"""

    solved = RadioField(
        _l("Is it solved?"),
        [InputRequired(_l("Choose whether it is solved."))],
        coerce=EnumMember(Solved),
    )
    satisfaction = RadioField(
        _l("How satisfied are you with how it was done?"),
        [InputRequired(_l("Choose how satisfied you are."))],
        coerce=optional_int,
    )
    word = TextAreaField(_l("A word to those who helped"), [Length(max=WORD_LENGTH)])

    def offer(self) -> "ConfirmForm":
        """Fill in what can be chosen, in the reader's language."""
        self.solved.choices = enum_choices(Solved)
        self.satisfaction.choices = [
            SelectChoice(level, str(words)) for level, words in SATISFACTION.items()
        ]
        return self


class DisputeForm(Form):
    """It is not solved."""

    reason = TextAreaField(
        _l("What is still not right?"),
        [
            Says(_l("Tell us what is still not right, so that we can do better.")),
            Length(max=WORD_LENGTH),
        ],
    )


class RenewLinkForm(Form):
    """Making a new link; it asks for nothing but the button."""

    key = FormKeyField()
    """Tells a button pressed twice from two who press it."""
