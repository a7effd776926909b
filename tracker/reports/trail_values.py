"""One value of the audit trail in words: times on the organisation's clock, lists as lists, labels for codes."""

import enum
import re
from ast import literal_eval
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from flask_babel import gettext as _

from tracker.accounts.models import AuditEntry
from tracker.database import Model
from tracker.notifications.endpoints.models import News
from tracker.organisation.words import working_hours
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limits import Clock, Limit, LimitUnit
from tracker.service_requests.reference import format_reference
from tracker.service_requests.routing.words import day_words
from tracker.service_requests.words import channel_label, length_words
from tracker.web.labels import label
from tracker.web.locale import format_datetime, format_day, format_due
from tracker.web.places import country_name, time_zone_name

Reader: TypeAlias = Callable[[Any], str]

LIMITS: Final = "limits:set"
RECOUNT: Final = "clocks:recount"
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")


def column_in_words(entry: AuditEntry, column: str, known: Mapping[str, object]) -> str:
    """Return what was changed: the label of its field, a limit, or the request that was counted anew."""
    if entry.action == RECOUNT:
        return format_reference(column)
    if entry.action == LIMITS:
        clock, _space, priority = column.partition(" ")
        return f"{label(Clock(clock))} · {label(Priority(priority))}"
    return str(known.get(column, column))


def value_in_words(entry: AuditEntry, column: str, value: Any) -> str:  # noqa: ANN401 - JSON
    """Return a value that is no id. Nothing, and a list without anything in it, are “nothing”."""
    if value is None or value in ("", [], "[]"):
        return str(_("nothing"))
    if isinstance(value, bool):
        is_of_a_day = column == "is_working"
        yes, no = (_("is worked"), _("is free")) if is_of_a_day else (_("Yes"), _("No"))
        return str(yes if value else no)
    if isinstance(value, list):
        return _listed(value_in_words(entry, column, each) for each in value)
    return _reader(entry, column)(value) if isinstance(value, str) else str(value)


def _reader(entry: AuditEntry, column: str) -> Reader:
    """Return who reads the texts that the trail keeps of a column."""
    if entry.action == RECOUNT:
        return lambda text: format_due(datetime.fromisoformat(text))
    if entry.action == LIMITS:
        return _limit
    own = _OWN.get(column)
    if own is not None:
        return own
    kind = _enum_of(entry.subject, column)
    return _plain if kind is None else lambda text: _labelled(kind, text)


def _plain(text: str) -> str:
    """Return a text as it is written; a moment and a day as pages write them."""
    if _MOMENT.fullmatch(text):
        return format_datetime(datetime.fromisoformat(text))
    return format_day(date.fromisoformat(text)) if _DAY.fullmatch(text) else text


def _limit(text: str) -> str:
    amount, _space, unit = text.partition(" ")
    return length_words(Limit(int(amount), LimitUnit(unit)))


def _week(text: str) -> str:
    """Return the working hours of a week, which the trail keeps as the text of its lists."""
    week = [
        [(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in spans]
        for spans in literal_eval(text)
    ]
    return working_hours(week)


def _news(text: str) -> str:
    """Return what an endpoint is told of; the trail keeps it as the text of a list of codes."""
    return _listed(label(news) for news in News if f"'{news.value}'" in text)


_OWN: Final[Mapping[str, Reader]] = {
    "working_week": _week,
    "news": _news,
    "weekdays": day_words,
    "channel": channel_label,
    "role": lambda text: label(Role(text)),
    "country": country_name,
    "time_zone": time_zone_name,
}
"""Columns whose texts have words of their own."""


def _enum_of(table: str, column: str) -> type[enum.Enum] | None:
    """Return what kind of code a column holds, by the models."""
    found = Model.metadata.tables.get(table)
    kind = found.columns[column].type if found is not None and column in found.columns else None
    return kind.enum_class if isinstance(kind, sa.Enum) else None


def _labelled(kind: type[enum.Enum], text: str) -> str:
    try:
        return label(kind(text))
    except (KeyError, ValueError):  # a code of another day, or one that no page names
        return text


def _listed(words: Any) -> str:  # noqa: ANN401 - texts
    return str(_(", ")).join(words)
