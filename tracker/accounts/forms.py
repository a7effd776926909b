"""What people type about themselves."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from tracker.accounts.passwords import LONGEST, SHORTEST
from tracker.web.forms import Form, Says


class SignInForm(Form):
    """Who one is."""

    name = StringField(
        _l("E-mail or phone number"),
        [Says(_l("Enter your e-mail address or phone number.")), Length(max=254)],
    )
    password = PasswordField(
        _l("Password"), [InputRequired(_l("Enter your password.")), Length(max=LONGEST)]
    )
    remember = BooleanField(_l("Stay signed in on this device"))
    next = HiddenField()


def new_password_rules() -> list[object]:
    """Return the checks of a password that somebody chooses."""
    return [
        InputRequired(_l("Choose a password.")),
        Length(
            min=SHORTEST,
            max=LONGEST,
            message=_l(
                "Take %(count)s characters or more; a few words are easy to remember.",
                count=SHORTEST,
            ),
        ),
    ]


class NewPasswordForm(Form):
    """A password chosen by its owner."""

    password = PasswordField(_l("New password"), new_password_rules())
    again = PasswordField(
        _l("The same again"),
        [
            InputRequired(_l("Enter the new password a second time.")),
            EqualTo("password", _l("The two passwords differ.")),
        ],
    )


class ChangePasswordForm(NewPasswordForm):
    """A new password, by somebody who knows the old one."""

    present = PasswordField(
        _l("Present password"),
        [InputRequired(_l("Enter your present password.")), Length(max=LONGEST)],
    )


class ForgottenForm(Form):
    """Whose password is forgotten."""

    name = StringField(
        _l("E-mail or phone number"),
        [Says(_l("Enter your e-mail address or phone number.")), Length(max=254)],
    )
