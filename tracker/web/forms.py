"""The base of every form."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache, lru_cache
from gettext import NullTranslations
from hashlib import sha256
from typing import Any, ClassVar, Final, Self, TypeVar
from unicodedata import category

from babel.support import Translations
from flask import request
from flask_babel import gettext, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    Field,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.csrf.core import CSRFTokenField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.fields.core import UnboundField
from wtforms.i18n import messages_path
from wtforms.validators import StopValidation, ValidationError
from wtforms.widgets import Input, html_params

from tracker.database import hold
from tracker.errors import StaleError
from tracker.privacy import normalise_email
from tracker.web.kept import SECRETS, WRITTEN
from tracker.web.labels import label
from tracker.web.locale import current_locale
from tracker.web.once import is_key, new_key

EnumType = TypeVar("EnumType", bound=Enum)


_TOO_LONG: Final = _l("So much does not fit in here: at most %(max)d characters.")
LANDLINE: Final = _l("No text message reaches this number. Enter a mobile number.")
_NOT_OFFERED: Final = _l("Choose one of those that are offered.")
_OWN_WORDS: Final = {
    "Field cannot be longer than %(max)d character.": _TOO_LONG,
    "Field cannot be longer than %(max)d characters.": _TOO_LONG,
    "Invalid Choice: could not coerce.": _NOT_OFFERED,
    "Invalid choice(s): one or more data inputs could not be coerced.": _NOT_OFFERED,
    "Not a valid choice.": _NOT_OFFERED,
    "Number must be between %(min)s and %(max)s.": _l("Enter a number from %(min)s to %(max)s."),
    "'%(value)s' is not a valid choice for this field.": _NOT_OFFERED,
    "'%(value)s' are not valid choices for this field.": _NOT_OFFERED,
}


class _Spoken(NullTranslations):
    """What the validators of WTForms say, where it speaks to programmers, in words of ours."""

    def __init__(self, theirs: NullTranslations) -> None:
        super().__init__()
        self._theirs = theirs

    def gettext(self, message: str) -> str:
        own = _OWN_WORDS.get(message)
        return self._theirs.gettext(message) if own is None else str(own)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        own = _OWN_WORDS.get(msgid1)
        return self._theirs.ngettext(msgid1, msgid2, n) if own is None else str(own)


@cache
def _built_in_words(locale: str) -> NullTranslations:
    """Return what WTForms' own validators say. Flask-WTF reads the file anew for each form."""
    known = Translations.load(messages_path(), [locale], domain="wtforms")
    assert isinstance(known, NullTranslations)  # noqa: S101 - what it returns for any language
    return _Spoken(known)


@lru_cache(maxsize=1024, typed=True)
def _remembered_params(**given: Any) -> str:  # noqa: ANN401 - as `html_params`
    return html_params(**given)


def _params(**given: Any) -> str:  # noqa: ANN401 - as `html_params`
    """Return the attributes of an `<input>`; those that hold nobody's words are made once.

    A form has dozens of choices and empty fields, which say the same on every page.
    """
    if given.get("type") in CHOICES or given.get("value") in ("", None):
        return _remembered_params(**given)
    return html_params(**given)


CHOICES: Final = frozenset({"radio", "checkbox"})
Input.html_params = staticmethod(_params)  # type: ignore[method-assign]  # as its widgets may


def one_line(value: object) -> object:
    """Return a text without its breaks: they would end a mail's subject or a line of a list."""
    return " ".join(value.splitlines()) if isinstance(value, str) else value


_OF_MANY_LINES: Final = (TextAreaField, PasswordField, HiddenField)


class Form(FlaskForm):  # type: ignore[misc]  # the package carries no types
    """A form with CSRF protection, spoken in the reader's language."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]  # as above
        """What WTForms asks about every form."""

        def get_translations(self, _form: object) -> NullTranslations:
            """Return the words of the validators in the reader's language."""
            return _built_in_words(current_locale())

        def bind_field(
            self, form: Self, unbound: "UnboundField[Any]", options: dict[str, Any]
        ) -> Field:
            """Return the field; what is typed into one line stays one line."""
            field: Field = super().bind_field(form, unbound, options)
            if isinstance(field, StringField) and not isinstance(field, _OF_MANY_LINES):
                field.filters = (*field.filters, one_line)
            return field

    def __init_subclass__(cls, **options: object) -> None:
        """Let no page that keeps forms ever keep a password of this one."""
        super().__init_subclass__(**options)
        SECRETS.update(password_fields(cls))
        WRITTEN.update(_written_fields(cls))

    @classmethod
    def from_request(cls, obj: object | None = None, **values: Any) -> Self:  # noqa: ANN401 - fields decide
        """Return the form with what was sent; before that, with the values of `obj`."""
        return cls(obj=obj, **values)

    def is_sent_and_valid(self) -> bool:
        """Tell whether this is a POST whose every field is in order.

        What was kept through a sign-out may come back to be gone on with (`resume`): then the
        page shows the form with all of it, and nothing is taken yet.
        """
        if "resume" in request.form:
            return False
        return bool(request.method == "POST" and self.validate())

    def complain(self, field: Field, message: object) -> None:
        """Say beside `field` what is wrong, for what only the action can find out."""
        field.errors = [*field.errors, str(message)]


def password_fields(form: type[FlaskForm]) -> set[str]:
    """Return the names of the fields of `form` that hold passwords."""
    return {name for name, kind in _fields_of(form) if issubclass(kind, PasswordField)}


def _written_fields(form: type[FlaskForm]) -> set[str]:
    """Return the names of the fields of `form` that somebody writes into, for others to read."""
    unseen = PasswordField, HiddenField
    return {
        name
        for name, kind in _fields_of(form)
        if issubclass(kind, StringField) and not issubclass(kind, unseen)
    }


def _fields_of(form: type[FlaskForm]) -> Iterator[tuple[str, type[Field]]]:
    for name in dir(form):
        if isinstance(field := getattr(form, name), UnboundField):
            yield name, field.field_class


class EditForm(Form):
    """A form over something that others may change, too: nobody overwrites it unseen.

    It carries a mark of each value that it showed. When one is no longer so as it comes back, the
    page shows what there is now, beside what was typed; sent once more, it is taken. `hold` settles
    who was first of two at the same moment.
    """

    seen = HiddenField()
    present: Self | None = None
    """The form as it would be opened now."""
    was_seen: str | None = None

    @classmethod
    def from_request(cls, obj: object | None = None, **values: Any) -> Self:  # noqa: ANN401
        """Return the form, knowing what `obj` holds now."""
        form = super().from_request(obj, **values)
        if obj is not None:
            form.present = cls(formdata=None, obj=obj, **values)
            form.was_seen = form.seen.data if request.method == "POST" else None
            form.seen.data = form.present.marks()
        return form

    def marks(self) -> str:
        """Return a mark for each field: the same value, the same mark."""
        return " ".join(f"{field.name}={_mark(field)}" for field in self.typed())

    def is_sent_and_valid(self) -> bool:
        """Tell whether it can be taken; what somebody else changed meanwhile is said first."""
        if not super().is_sent_and_valid():
            return False
        if self.present is None or self.was_seen == self.seen.data:
            return True
        shown = dict(pair.split("=", 1) for pair in (self.was_seen or "").split() if "=" in pair)
        touched = {field.name for field in self.typed() if shown.get(field.name) != _mark(field)}
        theirs = []
        for mine, now in zip(self.typed(), self.present.typed(), strict=True):
            if shown.get(now.name) == _mark(now):
                continue
            if isinstance(now, SelectField) and isinstance(mine, SelectField):
                now.choices = mine.choices  # they are offered to the form that is shown
            theirs.append(self.present.told(now))
            if touched.isdisjoint(each.name for each in self.belonging_to(mine)):
                # Numbers and days print what was sent, as long as there is any.
                mine.data, mine.raw_data = now.data, None
        self.form_errors.append(
            gettext(
                "Somebody changed this since you opened it: %(theirs)s. Look at it, and save again.",
                theirs=gettext("; ").join(dict.fromkeys(theirs)),
            )
        )
        return False

    def told(self, field: Field) -> str:
        """Return what stands in `field`, with its name: the name alone where words are no help."""
        said = str(field.label.text)
        words = _in_words(field)
        return str(gettext("%(what)s: %(value)s", what=said, value=words)) if words else said

    def belonging_to(self, field: Field) -> Sequence[Field]:
        """Return the fields that say one thing together with `field`: who touched one, meant all."""
        return [field]

    def hold(self, row: Any, shown: Callable[[Any], object] | None = None) -> None:  # noqa: ANN401 - any model with an id
        """Lock `row` until the end of the transaction; it must still be what the form showed.

        `shown` makes what the form is filled from, where that is not the row. Raises `StaleError`.
        """
        hold(row)
        if type(self)(formdata=None, obj=shown(row) if shown else row).marks() != self.was_seen:
            message = "Somebody saved it at the same moment."
            raise StaleError(message)

    def typed(self) -> list[Field]:
        """Return the fields that somebody fills in."""
        return [
            field
            for field in self
            if field.name != "seen" and not isinstance(field, CSRFTokenField)
        ]


def _in_words(field: Field) -> str:
    """Return what a reader sees in the field; nothing for what is ticked, or holds several things."""
    if field.data is None or isinstance(field, PasswordField):
        return ""
    if isinstance(field, SelectField):
        chosen = [label for _value, label, is_chosen, *_ in field.iter_choices() if is_chosen]
        return str(chosen[0]) if chosen and field.data else ""
    if isinstance(field, StringField):
        return str(field.data)
    return str(field.data) if isinstance(field, IntegerField) else ""


def _mark(field: Field) -> str:
    value = sorted(map(str, field.data)) if isinstance(field.data, list) else field.data
    return sha256(repr(value or "").encode()).hexdigest()[:8]


def enum_choices(members: Iterable[EnumType]) -> list[SelectChoice]:
    """Return a choice for each member, labelled in the reader's language."""
    return [SelectChoice(member.value, label(member)) for member in members]


class FormKeyField(HiddenField):
    """Tells a form that is sent twice from two that say the same; what is none of our keys becomes a new one."""

    def __init__(self, *, begins: str = "", **given: Any) -> None:  # noqa: ANN401 - WTForms' own
        self._begins = begins
        super().__init__(filters=[self._own], **given)

    def begin_anew(self) -> None:
        """Let what stands in the form, sent once more, be another one."""
        self.data = self._own(None)

    def _own(self, sent: str | None) -> str:
        begins = self._begins
        if sent and sent.startswith(begins) and is_key(sent[len(begins) :]):
            return sent
        return begins + new_key()


class EnumMember:
    """Coerces what was sent to a member of `kind`; a blank stays None."""

    def __init__(self, kind: type[EnumType]) -> None:
        self.kind = kind

    def __call__(self, value: object) -> Enum | None:
        """Return the member; raises `ValueError`, which WTForms turns into a message."""
        if value in (None, "", "None"):
            return None
        return value if isinstance(value, self.kind) else self.kind(value)


def email_or_none(text: str | None) -> str | None:
    """Return an address in its one spelling, or what was typed instead; nothing typed is None.

    A filter, so that it comes before the length is looked at: some capitals are two small letters.
    """
    typed = (text or "").strip().lower()
    return normalise_email(typed) or typed or None


def is_email_address(_form: Form, field: Field) -> None:
    """Refuse what is not the address of one mailbox."""
    if normalise_email(field.data or "") is None:
        raise ValidationError(
            gettext("This does not look like an e-mail address. Example: name@example.org")
        )


def optional_int(value: object) -> int | None:
    """Coerce a choice that may be left blank to an id."""
    # "0" is no blank: it would count as an answer, and be none.
    if value in (None, "", "None"):
        return None
    return int(str(value))


def is_blank(text: str | None) -> bool:
    """Tell whether a text says nothing: spaces, line breaks and signs that nobody sees."""
    return all(category(sign)[0] in "ZC" for sign in text or "")


class Says:
    """Asks for words: whoever types only spaces is asked as well as whoever types nothing.

    For every text that must say something; `InputRequired` is for what is chosen.
    """

    field_flags: ClassVar[Mapping[str, object]] = {"required": True}

    def __init__(self, message: object) -> None:
        self.message = message

    def __call__(self, _form: Form, field: Field) -> None:
        """Raise `StopValidation` when there is no word in it."""
        if is_blank(field.data):
            raise StopValidation(str(self.message))


def only_choices_offered(_form: Form, field: SelectField) -> None:
    """Refuse an id that was not among the choices."""
    offered = {value for value, *_ in field.iter_choices()}
    if field.data is not None and field.data not in offered:
        raise ValidationError(field.gettext("Not a valid choice."))
