"""What the variables of a message stand for, in its reader's language."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import current_app
from flask_babel import gettext

from tracker.notifications.texts.occasions import QUOTES, Occasion
from tracker.organisation import queries as organisation
from tracker.web.locale import (
    ENGLISH,
    current_locale,
    format_datetime,
    format_day,
    format_due,
    format_due_day,
    format_until,
    localized,
)


def values_of(occasion: Occasion, facts: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what each variable of a message stands for, in the language that is spoken now.

    `facts` is its payload, times and days as such. What there is nothing to say of is empty.
    """
    return {name: _READ[name](facts) for name in occasion.variables}


def _as_it_is(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda facts: str(facts.get(name) or "").strip()


def _in_language(name: str) -> Callable[[Mapping[str, Any]], str]:
    def read(facts: Mapping[str, Any]) -> str:
        english = facts.get(f"{name}_en") if current_locale() == ENGLISH else None
        return str(english or facts.get(name) or "").strip()

    return read


def _told_as(form: Callable[[Any], str], name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda facts: form(facts.get(name))


def _reference(facts: Mapping[str, Any]) -> str:
    return str(current_app.jinja_env.filters["reference"](facts["reference"]))


def _visit_to(facts: Mapping[str, Any]) -> str:
    begins = facts.get("visit_from")
    return format_until(facts.get("visit_to"), begins) if begins else ""


def _visitors(facts: Mapping[str, Any]) -> str:
    return str(gettext(", ")).join(facts.get("visitors", ()))


_READ: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "reference": _reference,
    "category": _in_language("category"),
    "team": _in_language("team"),
    "due": _told_as(format_due, "due_at"),
    "again_on": _told_as(format_day, "parked_until"),
    "visit_from": _told_as(format_datetime, "visit_from"),
    "visit_to": _visit_to,
    "visitors": _visitors,
    "answer_by": _told_as(format_due_day, "answer_by"),
    **{name: _as_it_is(name) for name in (*QUOTES, "name")},
    "expires": _told_as(format_datetime, "expires_at"),
    "organisation": lambda _facts: localized(organisation.organisation()),
}
