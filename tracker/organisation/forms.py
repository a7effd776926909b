"""What an administrator enters about the organisation. Choices are handed in by the views."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final
from zoneinfo import available_timezones

from flask_babel import LazyString, gettext, lazy_gettext as _l, lazy_pgettext
from wtforms import (
    BooleanField,
    DateField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import (
    InputRequired,
    Length,
    NumberRange,
    ValidationError,
)

from tracker.organisation.calendar import countries
from tracker.organisation.models import AreaKind, UnitKind
from tracker.organisation.offered import indented
from tracker.organisation.queries import Node, Thing
from tracker.organisation.words import WEEKDAYS as WEEKDAY_NAMES
from tracker.privacy import dialled
from tracker.web import places
from tracker.web.forms import EditForm, EnumMember, Form, Says, enum_choices, optional_int
from tracker.web.locale import format_day
from tracker.web.numbers import WholeNumberField

YEARS_AHEAD: Final = 5
"""So far ahead days of the calendar can be entered."""
ICONS = (
    "chat-square-text",
    "person-heart",
    "people",
    "backpack2",
    "tools",
    "wrench-adjustable",
    "lightning-charge",
    "droplet",
    "fire",
    "trash3",
    "tree",
    "signpost-split",
    "bus-front",
    "p-circle",
    "building",
    "house-door",
    "heart-pulse",
    "capsule",
    "briefcase",
    "mortarboard",
    "cash-coin",
    "file-earmark-text",
    "flower1",
    "umbrella",
    "shield-exclamation",
    "megaphone",
    "gift",
)
"""What a category may be drawn with: names of Bootstrap icons."""


def text_or_none(text: str | None) -> str | None:
    """Return what was typed without spaces around it; nothing typed is None."""
    return (text or "").strip() or None


def stripped(text: str | None) -> str:
    """Return what was typed without spaces around it."""
    return (text or "").strip()


def tree_choices(nodes: Iterable[Node[Thing]], *, blank: object = None) -> list[SelectChoice]:
    """Return choices in tree order, indented by depth; `blank` words one that chooses nothing."""
    choices = [] if blank is None else [SelectChoice("", str(blank))]
    return choices + [SelectChoice(node.thing.id, indented(node)) for node in nodes]


class NamedForm(EditForm):
    """A thing with a name in the main language, and perhaps in English."""

    name = StringField(
        lazy_pgettext("of a thing", "Name"),
        [Says(_l("Enter a name.")), Length(max=120)],
        filters=[stripped],
    )
    name_en = StringField(_l("Name in English"), [Length(max=120)], filters=[text_or_none])


class UnitForm(NamedForm):
    """A unit of the organisation."""

    kind = RadioField(
        _l("What it is"), [InputRequired(_l("Choose one."))], coerce=EnumMember(UnitKind)
    )
    parent_id = SelectField(_l("Belongs to"), coerce=optional_int)

    def offer(self) -> None:
        """Fill in the choices, in the reader's language."""
        self.kind.choices = enum_choices(UnitKind)


class AreaForm(NamedForm):
    """An area."""

    kind = RadioField(
        _l("What it is"), [InputRequired(_l("Choose one."))], coerce=EnumMember(AreaKind)
    )
    parent_id = SelectField(_l("Lies in"), coerce=optional_int)
    unit_id = SelectField(_l("Whose desk receives requests from here"), coerce=optional_int)

    def offer(self) -> None:
        """Fill in the choices, in the reader's language."""
        self.kind.choices = enum_choices(AreaKind)


class CategoryForm(NamedForm):
    """A group of requests, or a kind of request in one."""

    parent_id = SelectField(_l("Group"), coerce=optional_int)
    description = TextAreaField(_l("In a sentence"), [Length(max=500)], filters=[stripped])
    description_en = TextAreaField(
        _l("In a sentence, in English"), [Length(max=500)], filters=[text_or_none]
    )
    keywords = StringField(
        _l("Other words by which people look for it"), [Length(max=500)], filters=[stripped]
    )
    icon = SelectField(_l("Icon"), [InputRequired(_l("Choose one."))])
    default_priority = SelectField(_l("Priority"), [InputRequired(_l("Choose one."))])
    default_team_id = SelectField(_l("Team that usually takes it"), coerce=optional_int)
    volunteers_needed = WholeNumberField(
        _l("Volunteers needed"),
        [
            InputRequired(_l("Enter a number from 1 to 50.")),
            NumberRange(1, 50, _l("Enter a number from 1 to 50.")),
        ],
    )
    is_offered = BooleanField(_l("Residents may choose it"))
    shows_emergency_notice = BooleanField(_l("Show 110, 119 and 120 first"))
    is_sensitive = BooleanField(_l("Sensitive: rates of small groups are not shown"))
    needs_evidence = BooleanField(_l("A photo of the result is needed"))

    def offer(
        self, *, priorities: Iterable[tuple[str, str]], teams: Iterable[SelectChoice]
    ) -> None:
        """Fill in the choices, in the reader's language."""
        self.icon.choices = [SelectChoice(name, name) for name in ICONS]
        self.default_priority.choices = [SelectChoice(*pair) for pair in priorities]
        self.default_team_id.choices = [
            SelectChoice("", str(_l("Whoever looks after the area"))),
            *teams,
        ]


WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN: Final = re.compile(
    r"(\d{1,2})(?:[:.：点时](\d{2})?)?\s*(?:-|–|—|~|～|至|到|to)\s*(\d{1,2})(?:[:.：点时](\d{2})?)?"
)
_BETWEEN: Final = re.compile(r"[\s,，、;；和]*")
_MIDNIGHT: Final = 24 * 60


def read_hours(typed: str) -> list[list[str]]:
    """Return the spans that somebody typed, such as `09:00–12:00, 14:00–18:00`; nothing for nothing.

    Raises `ValidationError`, which says what is wrong: what is no time, goes back, or overlaps.
    """
    spans: list[list[str]] = []
    at, last = 0, 0
    typed = unicodedata.normalize("NFKC", typed)  # as an input method writes signs and digits
    while rest := typed[(at := _BETWEEN.match(typed, at).end()) :]:  # type: ignore[union-attr] # may be empty
        found = _SPAN.match(rest)
        if found is None:
            raise ValidationError(
                _l("Write times one after the other, such as 09:00–12:00, 14:00–18:00.")
            )
        begin_hour, begin_minute, end_hour, end_minute = (int(part or 0) for part in found.groups())
        begins, ends = begin_hour * 60 + begin_minute, end_hour * 60 + end_minute
        span = found.group().strip()
        if max(begin_minute, end_minute) > 59 or max(begins, ends) > _MIDNIGHT:
            raise ValidationError(gettext("There is no such time: %(span)s.", span=span))
        if begins >= ends:
            raise ValidationError(
                gettext(
                    "%(span)s ends before it begins. Hours past midnight: let this day end at 24:00, and "
                    "the next begin at 00:00.",
                    span=span,
                )
            )
        if begins < last:
            raise ValidationError(
                gettext(
                    "%(span)s begins before the hours in front of it end. Write them in order, without "
                    "any overlap.",
                    span=span,
                )
            )
        spans.append([_written(begins), _written(ends)])
        at, last = at + found.end(), ends
    return spans


def written_hours(spans: Iterable[Sequence[str]]) -> str:
    """Return spans as `read_hours` reads them."""
    return ", ".join(
        f"{opens}–{'24:00' if closes == '00:00' else closes}" for opens, closes in spans
    )


def _written(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def _are_hours(_form: Form, field: StringField) -> None:
    read_hours(field.data or "")


def _hours(label: LazyString) -> StringField:
    return StringField(label, [Length(max=100), _are_hours])


def _can_be_dialled(_form: Form, field: StringField) -> None:
    """Refuse what a tap on a phone could not call."""
    if field.data and dialled(field.data) is None:
        raise ValidationError(
            _l(
                "This cannot be dialled. Enter one number, such as 0571-8555 1234, 12345, or "
                "0571-8555 1234 ext. 801."
            )
        )


class OrganisationForm(NamedForm):
    """What is set once for the whole installation."""

    phone = StringField(
        _l("Phone number of the desk"), [Length(max=40), _can_be_dialled], filters=[text_or_none]
    )
    time_zone = SelectField(_l("Time zone"), [InputRequired(_l("Choose one."))])
    country = SelectField(_l("Country of the public holidays"), [InputRequired(_l("Choose one."))])
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = map(_hours, WEEKDAY_NAMES)
    reminder_days = WholeNumberField(
        _l("Days until a reminder, and from one to the next"), [InputRequired(), NumberRange(1, 30)]
    )
    question_days = WholeNumberField(
        _l("Working days until an unanswered question is asked again, and from one to the next"),
        [InputRequired(), NumberRange(1, 30)],
    )
    no_contact_tries = WholeNumberField(
        _l("Days on which one must try before “no contact”"), [InputRequired(), NumberRange(1, 10)]
    )
    claim_limit = WholeNumberField(
        _l("Open tasks that one volunteer may hold"), [InputRequired(), NumberRange(1, 50)]
    )
    privacy_note = TextAreaField(
        _l("What we do with your data"), [Length(max=4000)], filters=[stripped]
    )
    privacy_note_en = TextAreaField(
        _l("What we do with your data, in English"), [Length(max=4000)], filters=[text_or_none]
    )

    def offer(self) -> None:
        """Fill in the choices, in the reader's language: countries whose holidays somebody maintains."""
        zones = sorted(zone for zone in available_timezones() if "/" in zone)
        self.time_zone.choices = [SelectChoice(*named) for named in places.time_zones(zones)]
        self.country.choices = [SelectChoice(*named) for named in places.countries(countries())]
        if self.country.data not in countries():  # or a browser would choose the first one
            self.country.choices.insert(0, SelectChoice("", str(_l("Choose one."))))

    def validate_sunday(self, _field: StringField) -> None:
        """Refuse a week in which nobody works: nothing would ever be due."""
        if not any((self[day].data or "").strip() for day in WEEKDAYS):
            raise ValidationError(_l("At least one day of the week must be worked."))

    @staticmethod
    def hours(week: Sequence[Sequence[Sequence[str]]]) -> dict[str, str]:
        """Return what the fields of the week show of the hours that hold, by their names."""
        return dict(zip(WEEKDAYS, map(written_hours, week), strict=True))

    def week(self) -> list[list[list[str]]]:
        """Return the hours that were entered, as `Organisation.working_week` keeps them."""
        return [read_hours(self[day].data or "") for day in WEEKDAYS]


class CalendarDayForm(Form):
    """A day that is worked, or free, whatever the public calendar says."""

    day = DateField(_l("Day"), [InputRequired(_l("Enter a day."))])
    unit_id = SelectField(lazy_pgettext("of a day of the calendar", "Where"), coerce=optional_int)
    is_working = RadioField(
        _l("That day"), [InputRequired(_l("Choose one."))], coerce=lambda value: str(value) == "yes"
    )
    name = StringField(_l("Why"), [Length(max=120)], filters=[stripped])
    bounds: tuple[date, date] = (date.min, date.max)

    def offer(self, units: Iterable[SelectChoice], *, today: date) -> None:
        """Fill in the choices, and between which days one can be: a mistyped year is none that is meant."""
        self.bounds = first_own_day(today), date(today.year + YEARS_AHEAD, 12, 31)
        self.unit_id.choices = [SelectChoice("", str(_l("Everywhere"))), *units]
        self.is_working.choices = [
            SelectChoice("yes", str(_l("is worked"))),
            SelectChoice("no", str(_l("is free"))),
        ]

    def validate_day(self, field: DateField) -> None:
        """Refuse what lies so far away that nobody would see it in the list, or count with it."""
        first, last = self.bounds
        if field.data is not None and not first <= field.data <= last:
            raise ValidationError(
                gettext(
                    "Enter a day from %(first)s to %(last)s.",
                    first=format_day(first),
                    last=format_day(last),
                )
            )


def first_own_day(today: date) -> date:
    """Return the first day of the calendar that can be entered, and is listed: of last year."""
    return date(today.year - 1, 1, 1)
