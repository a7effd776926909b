"""The periods and filters of the figures: what they offer, and what is chosen, in words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.database import db
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor
from tracker.reports import answers
from tracker.reports.addresses import BLANKABLE, TREES, Wanted
from tracker.reports.periods import Choice, Period
from tracker.reports.views.links import kept
from tracker.service_requests.choices import leaders_in
from tracker.service_requests.lifecycle import Kind
from tracker.service_requests.words import channel_label
from tracker.teams.models import Team
from tracker.web.labels import label
from tracker.web.locale import format_day, localized

INDENT: Final = "\u3000"
FILTERS: Final = ("unit", "team", "leader", "category", "area", "channel", "kind")


def period_words(period: Period) -> str:
    """Return the days of a period, as the page names them."""
    if period.start and period.last:
        return str(
            _("%(first)s to %(last)s", first=format_day(period.start), last=format_day(period.last))
        )
    if period.start:
        return str(_("From %(day)s", day=format_day(period.start)))
    if period.last:
        return str(_("Until %(day)s", day=format_day(period.last)))
    return str(_("All time"))


def periods(wanted: Wanted) -> list[dict[str, Any]]:
    """Return the periods to choose from; days of one's own are among them once they are chosen."""
    here = kept("period", "from", "to", "mark")
    return [
        {
            "label": label(one),
            "url": request.full_path
            if one is Choice.CUSTOM
            else url_for(".index", **{**here, "period": one.value}),
            "active": one is wanted.choice,
        }
        for one in Choice
        if one is not Choice.CUSTOM or wanted.choice is Choice.CUSTOM
    ]


def choices_for(actor: Actor) -> dict[str, list[tuple[str, str]]]:
    """Return what each filter offers: pairs of a value and its words."""
    units = actor.units_where(Action.VIEW_REPORTS)
    teams = db.session.scalars(
        select(Team).where(Team.unit_id.in_(sorted(units))).order_by(Team.name, Team.id)
    )
    return {
        "unit": _tree(organisation.unit_tree(within=units, ended=True)),
        "team": [(str(team.id), localized(team)) for team in teams],
        "leader": [(str(one.id), one.name) for one in leaders_in(units)],
        "category": _tree(organisation.category_tree(ended=True)),
        "area": _tree(organisation.area_tree(ended=True)),
        "channel": [(one, channel_label(one)) for one in answers.channels(actor) if one],
        "kind": [(one.value, label(one)) for one in Kind],
    }


def chips(wanted: Wanted, choices: Mapping[str, Sequence[tuple[str, str]]]) -> list[dict[str, str]]:
    """Return what is filtered now, in words; each is taken off by its own link."""
    found = []
    words = filter_words()
    for name in FILTERS:
        value = request.args.get(name, "")
        offered = dict(choices[name])
        if value in offered:
            only = name in {one.value for one in TREES if one in wanted.exact}
            chosen = offered[value].strip(INDENT)
            said = _("%(what)s: %(value)s", what=words[name], value=chosen)
            found.append(
                {
                    "param": name,
                    "value": value,
                    "label": _("%(filter)s (only itself)", filter=said) if only else said,
                }
            )
    for one in BLANKABLE:
        if one in wanted.blank:
            said = _("%(filter)s: not recorded", filter=words[one.value])
            found.append({"param": "blank", "value": request.args["blank"], "label": said})
    return found


def filter_words() -> dict[str, str]:
    """Return the names of the filters."""
    return {
        "unit": _("Unit"),
        "team": _("Team"),
        "leader": _("Leader"),
        "category": _("Category"),
        "area": _("Area"),
        "channel": _("Way in"),
        "kind": _("Kind"),
    }


def _tree(nodes: Sequence[Any]) -> list[tuple[str, str]]:
    return [(str(node.thing.id), INDENT * node.depth + localized(node.thing)) for node in nodes]
