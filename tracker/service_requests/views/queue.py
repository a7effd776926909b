"""The desk's list of requests, with filters that live in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.clock import utc_now
from tracker.errors import NotPermittedError
from tracker.organisation import queries as organisation
from tracker.organisation.offered import area_options, category_options, unit_options
from tracker.permissions import Action, Actor, may
from tracker.service_requests import lines, own_parts, queue
from tracker.service_requests.choices import leader_options, team_options
from tracker.service_requests.due import DueState, due_state
from tracker.service_requests.forms.queue import filter_from
from tracker.service_requests.lifecycle import Kind, Priority, Status
from tracker.service_requests.limits import is_overdue
from tracker.service_requests.lines import Line, Name
from tracker.service_requests.models import BuiltInChannel
from tracker.service_requests.queue import DUE_FILTERS, Count, QueueFilter, Tab
from tracker.service_requests.sitting_parts import SittingPart, sitting_parts
from tracker.service_requests.words import channel_label
from tracker.web.access import signed_in_actor
from tracker.web.addresses import address, addresses, wants_counts_alone, wants_fields_alone
from tracker.web.labels import label
from tracker.web.locale import current_locale, format_ago, format_day, format_due, time_zone
from tracker.web.options import Offer, Options

blueprint = Blueprint("queue", __name__)


@dataclass(frozen=True, slots=True)
class RowPart:
    """A helping team's part that is near or overdue, in words."""

    team: Name
    due_time: str
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list, with what is read off a clock in words."""

    line: Line
    """Masked."""
    ago: str
    state: DueState | None
    due_ago: str
    due_time: str
    sign_for_time: str
    """By when the team signs for it; empty where that is not its turn."""
    is_sign_for_late: bool
    parts: Sequence[RowPart]
    """What is due first."""


@blueprint.get("/queue")
def index() -> ResponseReturnValue:
    """Show the requests that the reader's role reaches, in the order in which they must move."""
    actor, now, zone = signed_in_actor(), utc_now(), time_zone()
    if not may(actor, Action.VIEW_QUEUE):
        message = "The queue is for the desk."
        raise NotPermittedError(message)
    wanted = filter_from(request.args)
    if wants_counts_alone():
        counted = queue.count(actor, wanted, zone=zone, now=now)
        return render_template("service_requests/queue_tabs.html", tabs=_tabs(wanted, counted))
    choices = _choices(actor, wanted)
    if wants_fields_alone():
        return render_template(
            "service_requests/queue_filters.html",
            wanted=wanted,
            choices=choices,
            chips=(),
            reset_url=url_for(".index", status=wanted.tab.value),
        )
    listing = queue.look(actor, wanted, zone=zone, mark=request.args.get("mark"), now=now)
    country = organisation.organisation().country
    sitting = sitting_parts(listing.page.rows, now)
    return render_template(
        "service_requests/queue.html",
        wanted=wanted,
        page=listing.page,
        rows=[_row(line, country, now, sitting.get(line.id, ())) for line in listing.page.rows],
        tabs=_tabs(wanted, listing.counts),
        counts_url=_counts_url(listing.counts),
        choices=choices,
        chips=_chips(wanted, choices, listing.page.rows),
        reset_url=url_for(".index", status=wanted.tab.value),
        own_parts=own_parts.count_own(actor, now),
    )


def _row(line: Line, country: str, now: datetime, sitting: Sequence[SittingPart]) -> Row:
    sign_for_due_at = line.sign_for_due_at if line.status is Status.ASSIGNED else None
    return Row(
        line=lines.masked(line, country),
        ago=format_ago(line.submitted_at),
        state=due_state(line, now),
        due_ago=format_ago(line.due_at),
        due_time=format_due(line.due_at),
        sign_for_time=format_due(sign_for_due_at),
        is_sign_for_late=is_overdue(sign_for_due_at, now),
        parts=tuple(
            RowPart(part.team, format_due(part.due_at), part.is_overdue) for part in sitting
        ),
    )


def _tabs(wanted: QueueFilter, counts: Mapping[Tab, Count]) -> list[dict[str, Any]]:
    kept, words = _without("status", "mark", "counts"), tab_words()
    urls = addresses(".index", kept, "status", [tab.value for tab in Tab])
    return [
        {
            "label": words[tab],
            "url": url,
            "active": tab is wanted.tab,
            "count": counts[tab].at_least if tab in counts else None,
            "more": tab in counts and not counts[tab].is_all,
        }
        for tab, url in zip(Tab, urls, strict=True)
    ]


def _without(*names: str) -> dict[str, str]:
    return {key: value for key, value in request.args.items() if key not in names}


def _counts_url(counts: Mapping[Tab, Count]) -> str | None:
    """Return where a script finds the numbers as far as anybody reads them, if the page has not."""
    if all(count.is_all for count in counts.values()):
        return None
    return address(".index", _without("mark", "counts"), counts="alone")


def tab_words() -> Mapping[Tab, str]:
    """Return the short words of each tab."""
    return {
        Tab.OPEN: _("Open"),
        Tab.SUBMITTED: _("To accept"),
        Tab.ACCEPTED: _("To assign"),
        Tab.ASSIGNED: _("To sign for"),
        Tab.IN_PROGRESS: _("In progress"),
        Tab.WAITING: _("Waiting for an answer"),
        Tab.PARKED: _("Parked"),
        Tab.RESOLVED: _("To be confirmed"),
        Tab.CLOSED: _("Closed"),
        Tab.ALL: _("All"),
    }


def _choices(actor: Actor, wanted: QueueFilter) -> Offer:
    locale, units = current_locale(), actor.units_where(Action.VIEW_QUEUE)
    channels: list[str] = [each.value for each in BuiltInChannel]
    if wanted.channel and wanted.channel not in channels:
        channels.append(wanted.channel)  # an imported one, from a link
    teams = actor.teams_where(Action.VIEW_QUEUE)
    # A desk may give its requests to any team, and to the leaders above it.
    dispatched = actor.units_where(Action.ASSIGN_SERVICE_REQUEST)
    return Offer(
        {
            "unit": lambda: unit_options(locale, units),
            "team": lambda: team_options(locale, units, teams, all_there_are=bool(dispatched)),
            "leader": lambda: leader_options(units, dispatched),
            "category": lambda: category_options(locale, ended=True),
            "area": lambda: area_options(locale, ended=True),
            "channel": lambda: Options((channel, channel_label(channel)) for channel in channels),
            "kind": lambda: Options((each.value, label(each)) for each in Kind),
            "priority": lambda: Options((each.value, label(each)) for each in Priority),
            "due": lambda: Options((each.value, label(each)) for each in DUE_FILTERS),
        }
    )


def _chips(wanted: QueueFilter, choices: Offer, rows: Sequence[Line]) -> list[dict[str, str]]:
    """Return what is filtered now, in words; each is taken off by its own link.

    What is not offered to the reader, as in a colleague's link, is filtered by too: it is named only
    as far as the `rows` name it.
    """
    chips = []
    for name, words, value in (
        ("unit", _("Unit"), wanted.unit_id),
        ("team", _("Team"), wanted.team_id),
        ("leader", _("Leader"), wanted.leader_id),
        ("category", _("Category"), wanted.category_id),
        ("area", _("Area"), wanted.area_id),
        ("channel", _("Way in"), wanted.channel),
        ("kind", _("Kind"), wanted.kind),
        ("priority", _("Priority"), wanted.priority),
        ("due", _("Clock"), wanted.due),
    ):
        if value in (None, ""):
            continue
        seen = rows[0].leader if name == "leader" and rows else None
        said = _("%(what)s: %(value)s", what=words, value=choices.chosen(name, value, seen))
        chips.append(_chip(name, request.args[name], said))
    if wanted.submitted_from:
        day = format_day(wanted.submitted_from)
        chips.append(_chip("from", request.args["from"], _("From %(day)s", day=day)))
    if wanted.submitted_to:
        day = format_day(wanted.submitted_to)
        chips.append(_chip("to", request.args["to"], _("Until %(day)s", day=day)))
    for is_asked, name, words in (
        (wanted.supervised, "supervised", _("Under supervision")),
        (wanted.urged, "urged", _("Urged by the requester")),
        (wanted.mine, "mine", _("Mine")),
    ):
        chips += [_chip(name, "1", words)] if is_asked else []
    if wanted.words:
        chips.append(_chip("q", request.args["q"], _("“%(words)s”", words=wanted.words)))
    return chips


def _chip(param: str, value: str, words: str) -> dict[str, str]:
    return {"param": param, "value": value, "label": words}
