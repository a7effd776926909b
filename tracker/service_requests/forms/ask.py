"""What a resident fills in."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar, Final

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    MultipleFileField,
    RadioField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, StopValidation, ValidationError

from tracker.organisation.offered import area_options
from tracker.privacy import normalise_phone, takes_text_messages
from tracker.service_requests.actions.intake import NewRequest
from tracker.service_requests.lifecycle import Kind
from tracker.service_requests.models import ForWhom, ReachableBy
from tracker.web.forms import (
    LANDLINE,
    EnumMember,
    Form,
    Says,
    email_or_none,
    enum_choices,
    is_blank,
    is_email_address,
    optional_int,
)
from tracker.web.locale import current_locale
from tracker.web.options import OptionsField

NEED_LENGTH: Final = 4000
KEPT_TIMES: Final = 5
"""How much more than a field may hold a draft keeps of it."""
CHOICE_LENGTH: Final = 40
"""Of what is chosen, not typed."""
MOST_PHOTOS: Final = 5

_AGREES: Final = {"yes": True, "no": False}


class NeededWhen:
    """Asks for a field only when another one has a certain value; else it is not looked at."""

    # The label must not call it optional: where it shows, it is needed.
    field_flags: ClassVar[Mapping[str, object]] = {"required": True}

    def __init__(
        self, name: str, value: Enum, message: object, *, or_value: Enum | None = None
    ) -> None:
        self.name = name
        self.values = (value,) if or_value is None else (value, or_value)
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        """Raise `StopValidation`: with a message when it is missing, without when not needed."""
        if form[self.name].data not in self.values:
            raise StopValidation
        if is_blank(field.data):
            raise StopValidation(str(self.message))


def ways_offered(*, texts: bool) -> Sequence[ReachableBy]:
    """Return how somebody can be reached here, in the order of the forms."""
    ways = [ReachableBy.PHONE, ReachableBy.EMAIL, ReachableBy.NEIGHBOUR, ReachableBy.NOBODY]
    return [*ways[:1], ReachableBy.TEXT_MESSAGE, *ways[1:]] if texts else ways


def _is_phone(form: "AskForm", field: Field) -> None:
    number = normalise_phone(field.data or "", form.country)
    if number is None:
        raise ValidationError(
            str(_l("This does not look like a phone number. Check the digits, please."))
        )
    if form.reachable_by.data is ReachableBy.TEXT_MESSAGE and not takes_text_messages(number):
        raise ValidationError(str(LANDLINE))


def _longest(field: Field) -> int:
    lengths: list[int] = [getattr(rule, "max", 0) for rule in field.validators]
    return max([0, *lengths]) or CHOICE_LENGTH


class AskForm(Form):
    """One request, in the resident's own words."""

    category_id = HiddenField(validators=[InputRequired(_l("Choose what it is about."))])
    kind = RadioField(
        _l("What is it?"),
        [InputRequired(_l("Choose what it is."))],
        coerce=EnumMember(Kind),
        default=Kind.HELP,
    )
    need = TextAreaField(
        _l("What do you need?"),
        [Says(_l("Write in a few words what is needed.")), Length(max=NEED_LENGTH)],
    )
    for_whom = RadioField(
        _l("For whom do you ask?"),
        [InputRequired(_l("Choose for whom you ask."))],
        coerce=EnumMember(ForWhom),
        default=ForWhom.SELF,
    )
    beneficiary_name = StringField(
        _l("Their name"),
        [
            NeededWhen("for_whom", ForWhom.SOMEONE_ELSE, _l("Tell us whom it is for.")),
            Length(max=80),
        ],
    )
    beneficiary_relation = StringField(
        _l("What are you to them?"),
        [
            NeededWhen("for_whom", ForWhom.SOMEONE_ELSE, _l("Tell us what you are to them.")),
            Length(max=80),
        ],
    )
    beneficiary_consents = RadioField(
        _l("Do they know that you ask for them?"),
        [NeededWhen("for_whom", ForWhom.SOMEONE_ELSE, _l("Tell us whether they know and agree."))],
        choices=[
            SelectChoice("yes", _l("Yes, they know and agree")),
            SelectChoice("no", _l("No, or they cannot be asked")),
        ],
        validate_choice=False,
    )
    area_id = OptionsField(_l("Area"))
    address = StringField(_l("Address, or how to find it"), [Length(max=200)])
    preferred_time = StringField(_l("When does it suit you?"), [Length(max=200)])
    requester_name = StringField(_l("Your name"), [Length(max=80)])
    reachable_by = RadioField(
        _l("How can we reach you?"),
        [InputRequired(_l("Choose how we can reach you."))],
        coerce=EnumMember(ReachableBy),
    )
    phone = StringField(
        _l("Phone number"),
        [
            NeededWhen(
                "reachable_by",
                ReachableBy.PHONE,
                _l("Enter the phone number."),
                or_value=ReachableBy.TEXT_MESSAGE,
            ),
            Length(max=32),
            _is_phone,
        ],
    )
    email = StringField(
        _l("E-mail address"),
        [
            NeededWhen("reachable_by", ReachableBy.EMAIL, _l("Enter your e-mail address.")),
            Length(max=254),
            is_email_address,
        ],
        filters=[email_or_none],
    )
    only_needed = BooleanField(_l("Write only when I am needed or must know something"))
    neighbour = StringField(
        _l("Who can pass on our word, and how do we reach them?"),
        [
            NeededWhen(
                "reachable_by",
                ReachableBy.NEIGHBOUR,
                _l("Tell us who can pass on our word, and how to reach them."),
            ),
            Length(max=200),
        ],
    )
    photos = MultipleFileField(_l("Photos"))

    country = "CN"
    """Whose phone numbers may be written without a country code; the view sets it."""

    ways: Sequence[ReachableBy] = ()
    """How somebody can be reached; `offer` sets it."""

    KEPT: ClassVar = (
        "category_id",
        "kind",
        "need",
        "for_whom",
        "beneficiary_name",
        "beneficiary_relation",
        "beneficiary_consents",
        "area_id",
        "address",
        "preferred_time",
        "requester_name",
        "reachable_by",
        "phone",
        "email",
        "only_needed",
        "neighbour",
    )
    """What a draft keeps, as it was typed; photos are kept apart."""

    def kept(self, typed: Mapping[str, str]) -> dict[str, str]:
        """Return what a draft keeps of what was typed.

        More than a field may hold is kept as well, to be made shorter; but not without end.
        """
        return {
            name: typed[name][: KEPT_TIMES * _longest(self[name])]
            for name in self.KEPT
            if name in typed
        }

    @classmethod
    def from_draft(cls, content: Mapping[str, Any]) -> "AskForm":
        """Return the form as it was filled in."""
        return cls(formdata=MultiDict(content), meta={"csrf": False})

    def offer(self, *, country: str, texts: bool = False) -> "AskForm":
        """Fill in what can be chosen, in the reader's language. `texts`: text messages can be sent."""
        self.country = country
        self.ways = ways_offered(texts=texts)
        self.kind.choices = enum_choices(Kind)
        self.for_whom.choices = enum_choices(ForWhom)
        self.reachable_by.choices = enum_choices(self.ways)
        self.area_id.offer(
            area_options(current_locale(), ended=False),
            blank=_l("I do not know, or it is not here"),
        )
        self.area_id.flags.depends = self.address.flags.depends = True
        return self

    def validate_address(self, field: Field) -> None:
        """Ask for a place where somebody has to come: an area, an address, or both."""
        needs_place = self.kind.data in (Kind.HELP, Kind.COMPLAINT)
        if needs_place and self.area_id.data is None and is_blank(field.data):
            raise ValidationError(
                str(_l("Say where: choose an area, or write the address in your own words."))
            )

    def validate_beneficiary_consents(self, field: Field) -> None:
        """Accept only the answers offered."""
        if field.data not in _AGREES:
            raise ValidationError(str(_l("Tell us whether they know and agree.")))

    def content(self) -> NewRequest:
        """Return what is sent: only what belongs to the choices that were made."""
        is_proxy = self.for_whom.data is ForWhom.SOMEONE_ELSE
        way = self.reachable_by.data
        return NewRequest(
            category_id=int(self.category_id.data or 0),
            need=self.need.data or "",
            kind=self.kind.data,
            area_id=self.area_id.data,
            address=self.address.data or "",
            preferred_time=self.preferred_time.data or "",
            for_whom=self.for_whom.data,
            beneficiary_name=(self.beneficiary_name.data or "") if is_proxy else "",
            beneficiary_relation=(self.beneficiary_relation.data or "") if is_proxy else "",
            beneficiary_consents=_AGREES[self.beneficiary_consents.data] if is_proxy else None,
            requester_name="" if way is ReachableBy.NOBODY else self.requester_name.data or "",
            reachable_by=way,
            phone=normalise_phone(self.phone.data or "", self.country)
            if way in (ReachableBy.PHONE, ReachableBy.TEXT_MESSAGE)
            else None,
            email=self.email.data if way is ReachableBy.EMAIL else None,
            neighbour=(self.neighbour.data or "") if way is ReachableBy.NEIGHBOUR else "",
            locale=current_locale(),
            only_needed=self.only_needed.data if way is ReachableBy.EMAIL else None,
        )


class SendForm(Form):
    """The last look before sending."""

    shown = HiddenField()
    same_as = RadioField(_l("Is it one of these?"), coerce=optional_int, validate_choice=False)
