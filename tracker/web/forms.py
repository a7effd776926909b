"""The base of every form."""

from collections.abc import Iterable
from enum import Enum
from typing import Any, Self, TypeVar

from flask import request
from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.fields.core import UnboundField
from wtforms.validators import ValidationError

from tracker.web.kept import SECRETS
from tracker.web.labels import label

EnumType = TypeVar("EnumType", bound=Enum)


class Form(FlaskForm):  # type: ignore[misc]  # the package carries no types
    """A form with CSRF protection, spoken in the reader's language."""

    def __init_subclass__(cls, **options: object) -> None:
        """Let no page that keeps forms ever keep a password of this one."""
        super().__init_subclass__(**options)
        SECRETS.update(password_fields(cls))

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
    return {
        name
        for name in dir(form)
        if isinstance(field := getattr(form, name), UnboundField)
        and issubclass(field.field_class, PasswordField)
    }


def enum_choices(members: Iterable[EnumType]) -> list[SelectChoice]:
    """Return a choice for each member, labelled in the reader's language."""
    return [SelectChoice(member.value, label(member)) for member in members]


class EnumMember:
    """Coerces what was sent to a member of `kind`; a blank stays None."""

    def __init__(self, kind: type[EnumType]) -> None:
        self.kind = kind

    def __call__(self, value: object) -> Enum | None:
        """Return the member; raises `ValueError`, which WTForms turns into a message."""
        if value in (None, "", "None"):
            return None
        return value if isinstance(value, self.kind) else self.kind(value)


def optional_int(value: object) -> int | None:
    """Coerce a choice that may be left blank to an id."""
    if value in (None, "", "None", 0, "0"):
        return None
    return int(str(value))


def only_choices_offered(_form: Form, field: SelectField) -> None:
    """Refuse an id that was not among the choices."""
    offered = {value for value, *_ in field.iter_choices()}
    if field.data is not None and field.data not in offered:
        raise ValidationError(field.gettext("Not a valid choice."))
