"""The desk's list of requests, with filters that live in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.clock import utc_now
from tracker.errors import NotPermittedError
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, may
from tracker.service_requests import queue
from tracker.service_requests.choices import leaders_in, teams_in_reach
from tracker.service_requests.dossier import masked_contact
from tracker.service_requests.due import due_state
from tracker.service_requests.forms.queue import filter_from
from tracker.service_requests.lifecycle import Kind, Priority
from tracker.service_requests.models import BuiltInChannel
from tracker.service_requests.queue import DUE_FILTERS, Count, QueueFilter, Tab
from tracker.service_requests.words import channel_label
from tracker.web.access import signed_in_actor
from tracker.web.labels import label
from tracker.web.locale import format_day, localized, time_zone

blueprint = Blueprint("queue", __name__)

INDENT = "\u3000"


@dataclass(frozen=True, slots=True)
class Choices:
    """What each filter offers: pairs of a value and its words."""

    unit: Sequence[tuple[str, str]]
    team: Sequence[tuple[str, str]]
    leader: Sequence[tuple[str, str]]
    category: Sequence[tuple[str, str]]
    area: Sequence[tuple[str, str]]
    channel: Sequence[tuple[str, str]]
    kind: Sequence[tuple[str, str]]
    priority: Sequence[tuple[str, str]]
    due: Sequence[tuple[str, str]]


@blueprint.get("/queue")
def index() -> ResponseReturnValue:
    """Show the requests that the reader's role reaches, in the order in which they must move."""
    actor, now, zone = signed_in_actor(), utc_now(), time_zone()
    if not may(actor, Action.VIEW_QUEUE):
        message = "The queue is for the desk."
        raise NotPermittedError(message)
    wanted = filter_from(request.args)
    choices = _choices(actor, wanted)
    country = organisation.organisation().country
    return render_template(
        "service_requests/queue.html",
        wanted=wanted,
        page=queue.page(actor, wanted, zone=zone, mark=request.args.get("mark"), now=now),
        tabs=_tabs(wanted, queue.open_counts(actor, wanted, zone=zone, now=now)),
        choices=choices,
        chips=_chips(wanted, choices),
        reset_url=url_for(".index", status=wanted.tab.value),
        due_state=lambda row: due_state(row, now),
        masked_contact=lambda row: masked_contact(row, country),
    )


def _tabs(wanted: QueueFilter, counts: Mapping[Tab, Count]) -> list[dict[str, Any]]:
    kept = {key: value for key, value in request.args.items() if key not in ("status", "mark")}
    return [
        {
            "label": tab_words(tab),
            "url": url_for(".index", **{**kept, "status": tab.value}),  # type: ignore[arg-type]
            "active": tab is wanted.tab,
            "count": counts[tab].at_least if tab in counts else None,
            "more": tab in counts and not counts[tab].is_all,
        }
        for tab in Tab
    ]


def tab_words(tab: Tab) -> str:
    """Return the short words of a tab."""
    words = {
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
    return str(words[tab])


def _choices(actor: Actor, wanted: QueueFilter) -> Choices:
    units = actor.units_where(Action.VIEW_QUEUE)
    channels: list[str] = [each.value for each in BuiltInChannel]
    if wanted.channel and wanted.channel not in channels:
        channels.append(wanted.channel)  # an imported one, from a link
    return Choices(
        unit=_tree(organisation.unit_tree(within=units, ended=True)),
        team=[(str(team.id), localized(team)) for team in teams_in_reach(actor)],
        leader=[(str(each.id), each.name) for each in leaders_in(units)],
        category=_tree(organisation.category_tree(ended=True)),
        area=_tree(organisation.area_tree(ended=True)),
        channel=[(channel, channel_label(channel)) for channel in channels],
        kind=[(each.value, label(each)) for each in Kind],
        priority=[(each.value, label(each)) for each in Priority],
        due=[(each.value, label(each)) for each in DUE_FILTERS],
    )


def _tree(nodes: Sequence[Any]) -> list[tuple[str, str]]:
    return [(str(node.thing.id), INDENT * node.depth + localized(node.thing)) for node in nodes]


def _chips(wanted: QueueFilter, choices: Choices) -> list[dict[str, str]]:
    """Return what is filtered now, in words; each is taken off by its own link."""
    offered = {each.name: dict(getattr(choices, each.name)) for each in fields(choices)}
    chips = []
    for name, words in (
        ("unit", _("Unit")),
        ("team", _("Team")),
        ("leader", _("Leader")),
        ("category", _("Category")),
        ("area", _("Area")),
        ("channel", _("Way in")),
        ("kind", _("Kind")),
        ("priority", _("Priority")),
        ("due", _("Clock")),
    ):
        value = request.args.get(name, "")
        if value in offered[name]:
            chosen = offered[name][value].strip(INDENT)
            chips.append(_chip(name, value, _("%(what)s: %(value)s", what=words, value=chosen)))
    if wanted.submitted_from:
        day = format_day(wanted.submitted_from)
        chips.append(_chip("from", request.args["from"], _("From %(day)s", day=day)))
    if wanted.submitted_to:
        day = format_day(wanted.submitted_to)
        chips.append(_chip("to", request.args["to"], _("Until %(day)s", day=day)))
    if wanted.mine:
        chips.append(_chip("mine", "1", _("Mine")))
    if wanted.words:
        chips.append(_chip("q", request.args["q"], _("“%(words)s”", words=wanted.words)))
    return chips


def _chip(param: str, value: str, words: str) -> dict[str, str]:
    return {"param": param, "value": value, "label": words}
