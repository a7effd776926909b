"""What the desk fills in for a caller or a visitor: the resident's form, and what only the desk says."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired

from tracker.organisation.models import Category
from tracker.organisation.queries import Node
from tracker.privacy import normalise_phone
from tracker.service_requests.actions.intake import NewRequest
from tracker.service_requests.callers import Caller
from tracker.service_requests.forms.ask import AskForm
from tracker.service_requests.forms.dispatch import category_choices
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.models import BuiltInChannel, ForWhom, ReachableBy
from tracker.web.forms import EnumMember, FormKeyField, enum_choices, optional_int
from tracker.web.locale import LOCALES

DESK_CHANNELS = (BuiltInChannel.PHONE, BuiltInChannel.COUNTER, BuiltInChannel.VISIT)


class IntakeForm(AskForm):
    """One request, told to the desk."""

    submission_key = FormKeyField(begins="desk-")
    """No other key begins so: those of drafts and of needs found on visits can't be met by it."""
    channel = RadioField(
        _l("How did they come to us?"),
        [InputRequired(_l("Choose how they came to us."))],
        coerce=EnumMember(BuiltInChannel),
        default=BuiltInChannel.PHONE,
    )
    category_id = SelectField(  # type: ignore[assignment]  # here it is chosen on the page
        _l("What is it about?"),
        [InputRequired(_l("Choose what it is about."))],
        coerce=optional_int,
    )
    priority = SelectField(_l("How fast must it move?"), coerce=EnumMember(Priority))
    reachable_by = RadioField(
        _l("How do we reach them?"),
        [InputRequired(_l("Choose how we can reach them."))],
        coerce=EnumMember(ReachableBy),
        default=ReachableBy.PHONE,
    )
    locale = SelectField(
        _l("Language of our messages"),
        [InputRequired()],
        choices=[SelectChoice(value, words) for value, words in LOCALES.items()],
    )
    photos = None  # type: ignore[assignment]  # WTForms' way to leave a field out

    def begin_anew(self) -> None:
        """Let what stands here, sent once more, be another request."""
        self.submission_key.begin_anew()

    def __init__(self, *args: Any, **values: Any) -> None:  # noqa: ANN401 - WTForms' own
        super().__init__(*args, **values)
        # The resident's questions, as the desk asks them.
        for field, words in (
            (self.need, _l("What do they need?")),
            (self.for_whom, _l("For whom do they ask?")),
            (self.beneficiary_relation, _l("What are they to the person?")),
            (self.beneficiary_consents, _l("Does the person know that somebody asks for them?")),
            (self.preferred_time, _l("When does it suit them?")),
            (self.requester_name, _l("Name")),
            (self.only_needed, _l("Write only when they are needed or must know something")),
            (self.neighbour, _l("Who can pass on our word, and how do we reach them?")),
        ):
            field.label.text = words
        # One of the two is needed.
        self.area_id.flags.depends = self.address.flags.depends = True

    def offer_to_desk(
        self,
        *,
        categories: Sequence[Node[Category]],
        country: str,
        texts: bool = False,
    ) -> "IntakeForm":
        """Fill in what can be chosen, in the reader's language."""
        self.offer(country=country, texts=texts)
        self.channel.choices = enum_choices(DESK_CHANNELS)
        self.priority.choices = [
            SelectChoice("", str(_l("As usual for what it is about"))),
            *enum_choices(Priority),
        ]
        self.category_id.choices = {
            "": [SelectChoice("", str(_l("Choose what it is about")))],
            **category_choices(categories),
        }
        self.for_whom.choices = [
            SelectChoice(ForWhom.SELF.value, str(_l("For themselves"))),
            *enum_choices([ForWhom.SOMEONE_ELSE]),
        ]
        named = [way for way in self.ways if way is not ReachableBy.NOBODY]
        self.reachable_by.choices = [
            *enum_choices(named),
            SelectChoice(ReachableBy.NOBODY.value, str(_l("Not at all: they stay anonymous"))),
        ]
        return self

    def phone_number(self) -> str | None:
        """Return the number that was typed, in E.164; None while it is none."""
        return normalise_phone(self.phone.data or "", self.country)

    def use(self, caller: Caller) -> None:
        """Fill in what is known of a caller, where nothing was typed yet."""
        if not (self.requester_name.data or "").strip():
            self.requester_name.data = caller.name
        if not (self.address.data or "").strip():
            self.address.data = caller.address
        if self.area_id.data is None:
            self.area_id.data = caller.area_id
        self.locale.data = caller.locale

    def content(self) -> NewRequest:
        """Return what is sent; a number that was told is kept, unless they stay anonymous."""
        told = super().content()
        is_named = told.reachable_by is not ReachableBy.NOBODY
        return replace(
            told,
            phone=self.phone_number() if is_named else None,
            channel=self.channel.data,
            priority=self.priority.data,
            locale=self.locale.data,
        )
