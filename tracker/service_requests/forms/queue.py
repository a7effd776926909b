"""Reading the queue's address into a filter, and writing it back."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, TypeVar

from tracker.service_requests.due import DueState
from tracker.service_requests.lifecycle import Kind, Priority
from tracker.service_requests.queue import DUE_FILTERS, QueueFilter, Tab

Value = TypeVar("Value")
LONGEST: Final = 200
LARGEST_ID: Final = 2**31 - 1
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200


def filter_from(arguments: Mapping[str, str]) -> QueueFilter:
    """Return what an address asks for. What cannot be read is left open: links grow old.

    Words without a chosen status look through all of them: who searches for a reference does
    not know whether it is closed.
    """
    words = arguments.get("q", "").strip()[:LONGEST]
    default = Tab.ALL if words else Tab.OPEN
    due = _read(arguments, "due", DueState)
    return QueueFilter(
        tab=_read(arguments, "status", Tab) or default,
        words=words,
        unit_id=_read(arguments, "unit", _identity),
        team_id=_read(arguments, "team", _identity),
        leader_id=_read(arguments, "leader", _identity),
        category_id=_read(arguments, "category", _identity),
        area_id=_read(arguments, "area", _identity),
        channel=arguments.get("channel", "").strip()[:60],
        kind=_read(arguments, "kind", Kind),
        priority=_read(arguments, "priority", Priority),
        due=due if due in DUE_FILTERS else None,
        submitted_from=_read(arguments, "from", _day),
        submitted_to=_read(arguments, "to", _day),
        mine=arguments.get("mine") == "1",
    )


def _read(arguments: Mapping[str, Any], name: str, read: Callable[[str], Value]) -> Value | None:
    text = str(arguments.get(name, "")).strip()
    try:
        return read(text) if text else None
    except ValueError:
        return None


def _identity(text: str) -> int:
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        message = "Nothing has such an id."
        raise ValueError(message)
    return number


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        message = "Nothing was sent in on such a day."
        raise ValueError(message)
    return day
