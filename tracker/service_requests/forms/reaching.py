"""How a requester wants to be told from now on."""

from flask_babel import gettext, lazy_gettext as _l
from wtforms import BooleanField, Field, RadioField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from tracker.privacy import normalise_email, normalise_phone
from tracker.service_requests.actions.reaching import Reaching
from tracker.service_requests.forms.ask import ways_offered
from tracker.service_requests.models import ReachableBy, Requester
from tracker.web.forms import EnumMember, Form, Says, email_or_none, enum_choices, is_blank

OFFERED = (ReachableBy.PHONE, ReachableBy.TEXT_MESSAGE, ReachableBy.EMAIL)


class ReachingForm(Form):
    """The way, and a new address or number for it; left empty, the one that we have stays."""

    way = RadioField(
        _l("How can we reach you?"),
        [InputRequired(_l("Choose how we can reach you."))],
        coerce=EnumMember(ReachableBy),
    )
    phone = StringField(_l("Phone number"), [Length(max=32)])
    email = StringField(_l("E-mail address"), [Length(max=254)], filters=[email_or_none])
    only_needed = BooleanField(_l("Write only when I am needed or must know something"))

    country = "CN"
    requester: Requester | None = None
    """Whose it is; the view sets both."""

    def offer(
        self, requester: Requester | None, *, country: str, texts: bool, is_new: bool
    ) -> "ReachingForm":
        """Fill in what can be chosen; of what was not sent yet (`is_new`), what holds now."""
        self.requester, self.country = requester, country
        ways = [way for way in ways_offered(texts=texts) if way in OFFERED]
        self.way.choices = enum_choices(ways)
        self.phone.flags.depends = self.email.flags.depends = True
        if is_new and requester is not None:
            self.way.data = requester.reachable_by if requester.reachable_by in ways else None
            self.only_needed.data = (
                requester.only_needed and requester.reachable_by is ReachableBy.EMAIL
            )
        return self

    def validate_phone(self, field: Field) -> None:
        """Ask for a number where it is needed and we have none."""
        if self.way.data not in (ReachableBy.PHONE, ReachableBy.TEXT_MESSAGE):
            return
        if is_blank(field.data):
            if self.requester is None or not self.requester.phone:
                raise ValidationError(gettext("Enter the phone number."))
        elif normalise_phone(field.data or "", self.country) is None:
            raise ValidationError(
                gettext("This does not look like a phone number. Check the digits, please.")
            )

    def validate_email(self, field: Field) -> None:
        """Ask for an address where it is needed and we have none."""
        if self.way.data is not ReachableBy.EMAIL:
            return
        if is_blank(field.data):
            if self.requester is None or not self.requester.email:
                raise ValidationError(gettext("Enter your e-mail address."))
        elif normalise_email(field.data or "") is None:
            raise ValidationError(
                gettext("This does not look like an e-mail address. Example: name@example.org")
            )

    def content(self) -> Reaching:
        """Return what is wished."""
        known = self.requester
        if self.way.data is ReachableBy.EMAIL:
            typed, kept = self.email.data, known.email if known else None
        else:
            typed = normalise_phone(self.phone.data or "", self.country)
            kept = known.phone if known else None
        way: ReachableBy = self.way.data
        is_mail = way is ReachableBy.EMAIL  # texts are paid for: they tell what is needed alone
        only_needed = bool(self.only_needed.data) if is_mail else way.tells_only_needed
        return Reaching(way, typed or kept or "", only_needed)


class CodeForm(Form):
    """What was written to the new address."""

    code = StringField(_l("Code"), [Says(_l("Enter the code: six digits.")), Length(max=20)])
