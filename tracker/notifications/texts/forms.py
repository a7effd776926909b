"""The words of one message, as an administrator enters them."""

from typing import Final

from flask_babel import gettext, lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from tracker.notifications.texts import wording
from tracker.notifications.texts.occasions import QUOTES, Occasion
from tracker.notifications.texts.wording import Words
from tracker.organisation.forms import stripped
from tracker.web.forms import EditForm

LONGEST_LINE: Final = 100
LONGEST_BODY: Final = 2000
_BRACKETS: Final = "【】"
"""Text messages begin with the name of who writes in these: nobody else's may follow."""


def _tidy(text: str | None) -> str:
    """Return a text without space at its ends and at the ends of its lines."""
    return "\n".join(line.rstrip() for line in (text or "").splitlines()).strip()


class TextForm(EditForm):
    """The words of a message. What is left empty goes in our words."""

    subject = StringField(_l("Subject"), [Length(max=LONGEST_LINE)], filters=[stripped])
    body = TextAreaField(_l("What the message says"), [Length(max=LONGEST_BODY)], filters=[_tidy])
    short = StringField(_l("Text message"), [Length(max=LONGEST_LINE)], filters=[stripped])

    occasion: Occasion

    def about(self, occasion: Occasion) -> "TextForm":
        """Say which message it is: each has variables of its own."""
        self.occasion = occasion
        return self

    def words(self, ours: Words) -> Words:
        """Return what was entered; what says the same as `ours` is empty, and follows ours."""
        entered = Words(
            self.subject.data or "",
            self.body.data or "",
            (self.short.data or "") if self.occasion.by_text else "",
        )
        return Words(
            "" if entered.subject == ours.subject else entered.subject,
            "" if entered.body == ours.body else entered.body,
            "" if entered.short == ours.subject else entered.short,
        )

    def validate_subject(self, field: StringField) -> None:
        """Let nothing in but words and the variables that fit on one line."""
        self._refuse(field.data or "")
        self._refuse_quotes(field.data or "")

    def validate_short(self, field: StringField) -> None:
        """Let nothing in but words and the variables that fit on one line."""
        self._refuse(field.data or "")
        self._refuse_quotes(field.data or "")
        if any(sign in (field.data or "") for sign in _BRACKETS):
            raise ValidationError(
                gettext("Leave out the brackets 【 】: the organisation's name stands in them.")
            )

    def validate_body(self, field: TextAreaField) -> None:
        """Let nothing in but words and variables, and ask for what the reader must know."""
        body = field.data or ""
        self._refuse(body)
        for name in QUOTES.intersection(self.occasion.variables):
            if wording.shares_a_line(body, name):
                raise ValidationError(
                    gettext("%(variable)s needs a line of its own.", variable=f"{{{name}}}")
                )
        if not body:
            return
        missing = [name for name in self.occasion.needed if name not in wording.names_in(body)]
        if missing:
            named = gettext(", ").join(f"{{{name}}}" for name in missing)
            raise ValidationError(
                gettext("The reader must know this, please keep it: %(variables)s", variables=named)
            )

    def _refuse(self, words: str) -> None:
        """Refuse what is more than words, in the order in which somebody would mend it."""
        wide = wording.wide_braces_in(words)
        if wide:
            raise ValidationError(
                gettext(
                    "Variables stand in the plain braces { }. Type these anew: %(signs)s",
                    signs=" ".join(wide),
                )
            )
        unknown = wording.unknown_in(words, self.occasion.variables)
        if unknown:
            raise ValidationError(
                gettext(
                    "There is no such variable here: %(names)s. Choose one of those in the list.",
                    names=gettext(", ").join(one[:40] for one in unknown[:5]),
                )
            )
        if wording.has_unseen(words):
            raise ValidationError(
                gettext("There are signs in it that nobody can see. Type it anew, do not paste it.")
            )
        if wording.has_markup(words):
            raise ValidationError(gettext("Write words alone: HTML would be shown as it is typed."))
        if wording.has_address(words):
            raise ValidationError(
                gettext("Leave out addresses: the link to the page is put below by itself.")
            )

    def _refuse_quotes(self, words: str) -> None:
        quotes = [name for name in wording.names_in(words) if name in QUOTES]
        if quotes:
            raise ValidationError(
                gettext("%(variable)s can stand in the message alone.", variable=f"{{{quotes[0]}}}")
            )
