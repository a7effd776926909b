"""Reading the queue's address into a filter, and writing it back."""

from collections.abc import Mapping

from tracker.service_requests.due import DueState
from tracker.service_requests.lifecycle import Kind, Priority
from tracker.service_requests.queue import DUE_FILTERS, QueueFilter, Tab
from tracker.web.addresses import day, identity, read_argument
from tracker.web.looking import words_for


def filter_from(arguments: Mapping[str, str]) -> QueueFilter:
    """Return what an address asks for. What cannot be read is left open: links grow old.

    Words without a chosen status look through all of them: who searches for a reference does
    not know whether it is closed.
    """
    words = words_for(arguments.get("q"))
    default = Tab.ALL if words else Tab.OPEN
    due = read_argument(arguments, "due", DueState)
    return QueueFilter(
        tab=read_argument(arguments, "status", Tab) or default,
        words=words,
        unit_id=read_argument(arguments, "unit", identity),
        team_id=read_argument(arguments, "team", identity),
        leader_id=read_argument(arguments, "leader", identity),
        category_id=read_argument(arguments, "category", identity),
        area_id=read_argument(arguments, "area", identity),
        channel=arguments.get("channel", "").strip()[:60],
        kind=read_argument(arguments, "kind", Kind),
        priority=read_argument(arguments, "priority", Priority),
        due=due if due in DUE_FILTERS else None,
        submitted_from=read_argument(arguments, "from", day),
        submitted_to=read_argument(arguments, "to", day),
        mine=arguments.get("mine") == "1",
        supervised=arguments.get("supervised") == "1",
        urged=arguments.get("urged") == "1",
    )
