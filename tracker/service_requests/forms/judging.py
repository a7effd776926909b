"""What somebody who did not handle a request says of it."""

from flask_babel import gettext as _, lazy_gettext as _l
from wtforms import HiddenField, RadioField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length

from tracker.service_requests.lifecycle import Solved
from tracker.service_requests.models import CallResult
from tracker.service_requests.words import SATISFACTION
from tracker.web.addresses import identities
from tracker.web.forms import EnumMember, Form, Says, enum_choices, is_blank, optional_int

WORD_LENGTH = 2000
REACHED, REOPEN, NOT_REACHED = "answered", "reopen", "not_reached"
GRANT, REFUSE = "grant", "refuse"


class CallBackForm(Form):
    """What the requester said on the telephone."""

    result = RadioField(
        _l("What came of the call?"), [InputRequired(_l("Choose what came of the call."))]
    )
    solved = RadioField(_l("Is it solved?"), coerce=EnumMember(Solved), validate_choice=False)
    satisfaction = RadioField(_l("How satisfied?"), coerce=optional_int, validate_choice=False)
    word = TextAreaField(_l("What they said, in their words"), [Length(max=WORD_LENGTH)])

    def offer(self) -> "CallBackForm":
        """Fill in what can be chosen, in the reader's language."""
        self.result.choices = [
            SelectChoice(REACHED, _("They answered")),
            SelectChoice(REOPEN, _("They say it is not solved and want us to go on")),
            SelectChoice(NOT_REACHED, _("Nobody answered")),
        ]
        self.solved.choices = enum_choices(Solved)
        self.solved.flags.depends = True
        self.satisfaction.choices = [
            SelectChoice(level, str(words)) for level, words in SATISFACTION.items()
        ]
        return self

    def validate_solved(self, field: RadioField) -> None:
        """Ask whether it is solved, when they answered."""
        if self.result.data == REACHED and field.data is None:
            raise ValidationError(_("Choose what they said: is it solved?"))

    def validate_satisfaction(self, field: RadioField) -> None:
        """Take a level, or none when they would rather not say."""
        if field.data is not None and field.data not in SATISFACTION:
            raise ValidationError(_("Choose one of the five levels."))

    def validate_word(self, field: TextAreaField) -> None:
        """Ask what is not right, when it is to go on."""
        if self.result.data == REOPEN and is_blank(field.data):
            raise ValidationError(_("Write down what is still not right."))


class CallForm(Form):
    """Whether the requester was told on the telephone."""

    result = RadioField(
        _l("What came of the call?"),
        [InputRequired(_l("Choose what came of the call."))],
        coerce=EnumMember(CallResult),
    )
    word = TextAreaField(_l("A word on the call"), [Length(max=WORD_LENGTH)])
    up_to = HiddenField()

    def offer(self, up_to: int) -> "CallForm":
        """Fill in what can be chosen. `up_to`: the newest of what the page tells."""
        self.result.choices = [
            SelectChoice(CallResult.TOLD.value, _("They know it now")),
            SelectChoice(CallResult.NOT_REACHED.value, _("Nobody answered")),
            SelectChoice(CallResult.LET_BE.value, _("They cannot be called")),
        ]
        self.up_to.data = self.up_to.data or str(up_to)
        return self

    @property
    def told_up_to(self) -> int:
        """Return the newest of what was told."""
        return max(identities(self.up_to.data or ""), default=0)

    def validate_word(self, field: TextAreaField) -> None:
        """Ask why, when it is let be."""
        if self.result.data is CallResult.LET_BE and is_blank(field.data):
            raise ValidationError(_("Write down why they cannot be called."))


class DecisionForm(Form):
    """Yes or no, and why. A refusal says why; what grants a request need not."""

    note = StringField(_l("A word on the decision"), [Length(max=500)])


class SupervisionForm(Form):
    """What a supervisor has seen to."""

    answer = TextAreaField(
        _l("Your answer"), [Says(_l("Write what you have seen to.")), Length(max=WORD_LENGTH)]
    )
