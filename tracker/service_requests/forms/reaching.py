"""How a requester wants to be told from now on: on their own page, or as they tell the desk."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from flask_babel import gettext, lazy_gettext as _l
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    RadioField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.privacy import normalise_email, normalise_phone, takes_text_messages
from tracker.service_requests.actions.reaching import Reaching, mark_of
from tracker.service_requests.forms.ask import ways_offered
from tracker.service_requests.models import ReachableBy, Requester, ServiceRequest
from tracker.service_requests.reference import format_reference
from tracker.web.forms import LANDLINE, EnumMember, Form, email_or_none, enum_choices, is_blank
from tracker.web.locale import localized

BETWEEN: Final = "/"
"""Stands between a request and how its requester was told, in the value of a choice."""


class ReachingForm(Form):
    """The way, and a new address or number for it; left empty, the one that we have stays."""

    stood = HiddenField()
    """How they were told when the page was opened, so that nobody overwrites unseen."""
    way = RadioField(
        _l("How can we reach you?"),
        [InputRequired(_l("Choose how we can reach you."))],
        coerce=EnumMember(ReachableBy),
    )
    phone = StringField(_l("Phone number"), [Length(max=32)])
    email = StringField(_l("E-mail address"), [Length(max=254)], filters=[email_or_none])
    only_needed = BooleanField(_l("Write only when I am needed or must know something"))

    OFFERED: ClassVar[Sequence[ReachableBy]] = (
        ReachableBy.PHONE,
        ReachableBy.TEXT_MESSAGE,
        ReachableBy.EMAIL,
    )
    EMAIL_MISSING: ClassVar = _l("Enter your e-mail address.")

    country = "CN"
    requester: Requester | None = None
    """Whose it is; `offer` sets both."""
    ways: Sequence[ReachableBy] = ()
    """How somebody can be reached here."""

    def offer(
        self, requester: Requester | None, *, country: str, texts: bool, is_new: bool
    ) -> "ReachingForm":
        """Fill in what can be chosen; of what was not sent yet (`is_new`), what holds now."""
        self.requester, self.country = requester, country
        self.ways = [way for way in ways_offered(texts=texts) if way in self.OFFERED]
        self.way.choices = self._choices(self.ways)
        self.phone.flags.depends = self.email.flags.depends = True
        if is_new:
            self.stood.data = mark_of(requester)
        if is_new and requester is not None:
            self.way.data = requester.reachable_by if requester.reachable_by in self.ways else None
            self.only_needed.data = (
                requester.only_needed and requester.reachable_by is ReachableBy.EMAIL
            )
        return self

    def validate_phone(self, field: Field) -> None:
        """Ask for a number where it is needed and we have none."""
        if self.way.data not in (ReachableBy.PHONE, ReachableBy.TEXT_MESSAGE):
            return
        number = normalise_phone(field.data or "", self.country)
        if is_blank(field.data):
            number = self.requester.phone if self.requester is not None else None
            if not number:
                raise ValidationError(gettext("Enter the phone number."))
        if number is None:
            raise ValidationError(
                gettext("This does not look like a phone number. Check the digits, please.")
            )
        if self.way.data is ReachableBy.TEXT_MESSAGE and not takes_text_messages(number):
            raise ValidationError(str(LANDLINE))

    def validate_email(self, field: Field) -> None:
        """Ask for an address where it is needed and we have none."""
        if self.way.data is not ReachableBy.EMAIL:
            return
        if is_blank(field.data):
            if self.requester is None or not self.requester.email:
                raise ValidationError(str(self.EMAIL_MISSING))
        elif normalise_email(field.data or "") is None:
            raise ValidationError(
                gettext("This does not look like an e-mail address. Example: name@example.org")
            )

    def content(self) -> Reaching:
        """Return what is wished."""
        way: ReachableBy = self.way.data
        is_mail = way is ReachableBy.EMAIL  # texts are paid for: they tell what is needed alone
        only_needed = bool(self.only_needed.data) if is_mail else way.tells_only_needed
        return Reaching(way, self._address(way), only_needed)

    def _choices(self, ways: Sequence[ReachableBy]) -> list[SelectChoice]:
        return enum_choices(ways)

    def _address(self, way: ReachableBy) -> str:
        """Return the address that was typed for the way, else the one that we have."""
        known = self.requester
        if way is ReachableBy.EMAIL:
            typed = self.email.data if "email" in self else None
            return typed or (known.email if known else None) or ""
        typed = normalise_phone(self.phone.data or "", self.country)
        return typed or (known.phone if known else None) or ""


class DeskReachingForm(ReachingForm):
    """The same, as somebody tells it to staff: they may also name a neighbour, or nobody."""

    neighbour = StringField(
        _l("Who can pass on our word, and how do we reach them?"), [Length(max=200)]
    )

    also = SelectMultipleField(
        _l("For which others of theirs, too?"),
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    OFFERED = (*ReachingForm.OFFERED, ReachableBy.NEIGHBOUR, ReachableBy.NOBODY)
    leads_link = True
    """Whether its writer may say where the private link goes."""
    offered: frozenset[str] = frozenset()
    """The values of the other requests that can be ticked."""
    EMAIL_MISSING = _l("Enter the e-mail address.")

    def __init__(self, *args: Any, **values: Any) -> None:  # noqa: ANN401 - WTForms' own
        super().__init__(*args, **values)
        # The requester's questions, as the desk asks them.
        self.way.label.text = _l("How do we reach them from now on?")
        self.only_needed.label.text = _l("Write only when they are needed or must know something")
        self.neighbour.flags.depends = True

    def validate_neighbour(self, field: Field) -> None:
        """Ask for somebody where they are needed and we know of none."""
        is_known = self.requester is not None and bool(self.requester.neighbour)
        if self.way.data is ReachableBy.NEIGHBOUR and is_blank(field.data) and not is_known:
            raise ValidationError(
                gettext("Tell us who can pass on our word, and how to reach them.")
            )

    def keep_link(self) -> None:
        """Let nothing be chosen that leads the private link elsewhere: for who handles the request."""
        self.leads_link = False
        now = self.requester.reachable_by if self.requester is not None else ReachableBy.NOBODY
        self.way.choices = self._choices(
            [way for way in self.ways if not way.is_written or way is now]
        )
        del self.email

    def validate_phone(self, field: Field) -> None:
        """Ask for a number as ever; one for text messages, with the link, is the desk's to enter."""
        by_text = self.way.data is ReachableBy.TEXT_MESSAGE
        if by_text and not self.leads_link and not is_blank(field.data):
            raise ValidationError(
                gettext(
                    "The desk enters a new number for text messages: the private link goes there."
                )
            )
        super().validate_phone(field)

    def offer_others(self, others: Sequence[ServiceRequest], *, is_new: bool) -> None:
        """Let the same be chosen for other requests of theirs; ticked where a name says that it is them."""
        if not others:
            del self.also
            return
        self.offered = frozenset(_value(it) for it in others)
        self.also.choices = [SelectChoice(_value(it), _words(it)) for it in others]
        if is_new:
            named = [it for it in others if it.requester is not None and it.requester.name]
            self.also.data = [_value(it) for it in named]

    def others(self) -> dict[int, str]:
        """Return how the requesters of the others were told when the page was opened, by request."""
        chosen = (self.also.data or ()) if "also" in self else ()
        split = (value.partition(BETWEEN) for value in chosen)
        return {int(number): stood for number, _between, stood in split}

    def validate_also(self, field: Field) -> None:
        """Ask anew where one of them is told otherwise by now, or is closed."""
        if not self.offered.issuperset(field.data or ()):
            field.data = [value for value in field.data or () if value in self.offered]
            raise ValidationError(
                gettext(
                    "One of these was changed meanwhile. Look at what is ticked, and save again."
                )
            )

    def _choices(self, ways: Sequence[ReachableBy]) -> list[SelectChoice]:
        named = [way for way in ways if way is not ReachableBy.NOBODY]
        cannot_be = SelectChoice(
            ReachableBy.NOBODY.value, gettext("Not at all: they cannot be reached")
        )
        return [*enum_choices(named), cannot_be]

    def _address(self, way: ReachableBy) -> str:
        match way:
            case ReachableBy.NEIGHBOUR:
                typed = "" if is_blank(self.neighbour.data) else (self.neighbour.data or "").strip()
                return typed or (self.requester.neighbour if self.requester else "")
            case ReachableBy.NOBODY:
                return ""
            case _:
                return super()._address(way)


def _value(it: ServiceRequest) -> str:
    return f"{it.id}{BETWEEN}{mark_of(it.requester)}"


def _words(it: ServiceRequest) -> str:
    in_one_line = format_reference(it.reference).replace("-", "\N{NON-BREAKING HYPHEN}")
    return f"{localized(it.category)} · {in_one_line}"
