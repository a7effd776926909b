"""What people type about themselves."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from tracker.accounts.passwords import LONGEST
from tracker.web.forms import Form


class SignInForm(Form):
    """Who one is."""

    name = StringField(
        _l("E-mail or phone number"),
        [InputRequired(_l("Enter your e-mail address or phone number.")), Length(max=254)],
    )
    password = PasswordField(
        _l("Password"), [InputRequired(_l("Enter your password.")), Length(max=LONGEST)]
    )
    remember = BooleanField(_l("Stay signed in on this device"))
    next = HiddenField()
