"""The audit trail in words: names instead of ids, labels of the forms instead of columns."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext as _, lazy_gettext as _l
from sqlalchemy import select

from tracker.accounts.models import AuditEntry, Person
from tracker.database import db
from tracker.notifications.endpoints.forms import EndpointForm
from tracker.notifications.endpoints.models import Endpoint
from tracker.notifications.texts.forms import TextForm
from tracker.notifications.texts.models import MessageText
from tracker.organisation.forms import (
    AreaForm,
    CalendarDayForm,
    CategoryForm,
    OrganisationForm,
    UnitForm,
)
from tracker.organisation.models import Area, Category, Unit
from tracker.reports.trail_values import column_in_words, value_in_words
from tracker.service_requests.forms.routing import RoutingRuleForm
from tracker.service_requests.routing.models import RoutingRule
from tracker.teams.forms import PersonForm, TeamForm
from tracker.teams.models import Team
from tracker.web.locale import localized

KINDS: Final[Mapping[str, type[Any]]] = {
    "person": Person,
    "unit": Unit,
    "area": Area,
    "category": Category,
    "team": Team,
    "routing_rule": RoutingRule,
    "endpoint": Endpoint,
    "message_text": MessageText,
}
"""What an entry may be about, by its table."""
REFERS_TO: Final = {
    "person_id": "person",
    "unit_id": "unit",
    "default_team_id": "team",
    "category_id": "category",
    "area_id": "area",
    "lead_team_id": "team",
    "leader_id": "person",
    "team_id": "team",
}
"""Which table a changed column points into; `parent_id` points into the entry's own."""
OWN_WORDS: Final = {
    "person_id": _l("Person"),
    "unit_id": _l("Unit"),
    "role": _l("Role"),
    "leads": _l("Leads the team"),
    "is_vetted": _l("Checked"),
    "is_on": _l("Switched on"),
    "address_shown": _l("Address"),
    "secret": _l("Secret"),
    "working_week": _l("When we work"),
    "sort_key": _l("Sorted as"),
    "rules": _l("Rules"),
    "tasks": _l("Open tasks"),
    "visits": _l("Planned visits"),
    "answered_for": _l("Answered for as leader"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that became another."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Line:
    """One entry, with the name of what it is about."""

    entry: AuditEntry
    about: str
    changes: Sequence[Change]


def in_words(entries: Sequence[AuditEntry]) -> list[Line]:
    """Return the entries in the reader's language, asking once for each kind of name."""
    names = _names(entries)

    def named(kind: str, thing_id: Any) -> str:  # noqa: ANN401 - JSON
        return names.get(kind, {}).get(thing_id) or str(_("no. %(number)s", number=thing_id))

    words = _field_words()
    return [
        Line(
            entry,
            named(entry.subject, entry.subject_id) if entry.subject in KINDS else "",
            [
                Change(
                    column_in_words(entry, column, words),
                    _value(entry, column, before, named),
                    _value(entry, column, after, named),
                )
                for column, (before, after) in entry.changes.items()
            ],
        )
        for entry in entries
    ]


def _value(entry: AuditEntry, column: str, value: Any, named: Callable[[str, Any], str]) -> str:  # noqa: ANN401 - JSON
    kind = entry.subject if column == "parent_id" else REFERS_TO.get(column)
    if kind is not None and value is not None:
        return named(kind, value)
    return value_in_words(entry, column, value)


def _names(entries: Iterable[AuditEntry]) -> Mapping[str, Mapping[int, str]]:
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for entry in entries:
        if entry.subject in KINDS and entry.subject_id is not None:
            wanted[entry.subject].add(entry.subject_id)
        for column, values in entry.changes.items():
            kind = entry.subject if column == "parent_id" else REFERS_TO.get(column)
            if kind is not None and kind in KINDS:
                wanted[kind].update(value for value in values if isinstance(value, int))
    return {
        kind: {
            thing.id: thing.name if kind == "person" else localized(thing)
            for thing in db.session.scalars(select(KINDS[kind]).where(KINDS[kind].id.in_(ids)))
        }
        for kind, ids in wanted.items()
    }


def _field_words() -> dict[str, object]:
    """Return what the forms call each column: the first that knows it."""
    found: dict[str, object] = {}
    for form in (
        OrganisationForm,
        CategoryForm,
        UnitForm,
        AreaForm,
        CalendarDayForm,
        TeamForm,
        PersonForm,
        RoutingRuleForm,
        EndpointForm,
        TextForm,
    ):
        for name in dir(form):
            field = getattr(form, name)
            if hasattr(field, "field_class") and field.args:
                found.setdefault(name, field.args[0])
    return found | OWN_WORDS
