"""The periods and filters of the figures: what they offer, and what is chosen, in words."""

from typing import Any

from flask import request
from flask_babel import gettext as _

from tracker.organisation.offered import area_options, category_options, unit_options
from tracker.permissions import Action, Actor
from tracker.reports import answers
from tracker.reports.addresses import BLANKABLE, TREES, Wanted
from tracker.reports.periods import Choice, Period
from tracker.reports.views.links import kept
from tracker.service_requests.choices import leader_options, team_options
from tracker.service_requests.lifecycle import Kind
from tracker.service_requests.words import channel_label
from tracker.web.addresses import address
from tracker.web.labels import label
from tracker.web.locale import current_locale, format_day
from tracker.web.options import Offer, Options


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
            else address(".index", here, period=one.value),
            "active": one is wanted.choice,
        }
        for one in Choice
        if one is not Choice.CUSTOM or wanted.choice is Choice.CUSTOM
    ]


def choices_for(actor: Actor) -> Offer:
    """Return what each filter offers."""
    locale, units = current_locale(), actor.units_where(Action.VIEW_REPORTS)
    return Offer(
        {
            "unit": lambda: unit_options(locale, units),
            "team": lambda: team_options(locale, units),
            "leader": lambda: leader_options(units),
            "category": lambda: category_options(locale, ended=True),
            "area": lambda: area_options(locale, ended=True),
            "channel": lambda: Options(
                (one, channel_label(one)) for one in answers.channels(actor) if one
            ),
            "kind": lambda: Options((one.value, label(one)) for one in Kind),
        }
    )


def chips(wanted: Wanted, choices: Offer) -> list[dict[str, str]]:
    """Return what is filtered now, in words; each is taken off by its own link.

    What is not offered to the reader, as in a colleague's link, counts as well, and is not named.
    """
    found = []
    words = filter_words()
    in_force = {
        "unit": wanted.unit_id,
        "team": wanted.team_id,
        "leader": wanted.leader_id,
        "category": wanted.category_id,
        "area": wanted.area_id,
        "channel": wanted.channel,
        "kind": wanted.kind,
    }
    for name, value in in_force.items():
        if value is None:
            continue
        only = name in {one.value for one in TREES if one in wanted.exact}
        said = _("%(what)s: %(value)s", what=words[name], value=choices.chosen(name, value))
        found.append(
            {
                "param": name,
                "value": request.args[name],
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
