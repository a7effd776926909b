"""The page of figures."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.clock import utc_now
from tracker.errors import NotPermittedError
from tracker.permissions import Action, Actor, may
from tracker.reports import answers
from tracker.reports.addresses import Wanted, wanted_from
from tracker.reports.definitions import Scope
from tracker.reports.periods import before
from tracker.reports.values import Month
from tracker.reports.views import breakdown, filters
from tracker.reports.views.cards import cards
from tracker.reports.views.links import month_link, with_figure
from tracker.web.access import signed_in_actor
from tracker.web.addresses import wants_fields_alone
from tracker.web.locale import time_zone

blueprint = Blueprint("figures", __name__, url_prefix="/figures")
blueprint.add_app_template_filter(with_figure)

MOST_ROWS: Final = 40
MOST_MONTHS: Final = 120


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show the figures of a period, with the charts and the tables behind them."""
    actor, wanted, scope = asked()
    choices = filters.choices_for(actor)
    if wants_fields_alone():
        return render_template(
            "reports/figures_filters.html", choices=choices, chips=(), reset_url=url_for(".index")
        )
    now, zone = scope.as_of, time_zone()
    by = breakdown.dimension_of(wanted)
    summary, groups = answers.summary_and_groups(actor, scope, by)
    earlier, is_over = before(wanted.period), wanted.period.is_over(now.astimezone(zone).date())
    compared = answers.summary(actor, wanted.scope(now, zone, earlier)) if earlier else None
    months = answers.monthly(actor, scope, zone)[-MOST_MONTHS:]
    groups = breakdown.sorted_by(groups, wanted.sort)
    return render_template(
        "reports/figures.html",
        wanted=wanted,
        period=filters.period_words(wanted.period),
        earlier=filters.period_words(earlier) if earlier else "",
        now=now,
        summary=summary,
        is_over=is_over,
        stats=cards(summary, compared, is_over=is_over),
        months=_series(months),
        month_names=tuple(month.name for month in months),
        month_links=tuple(month_link(month, wanted.period, zone) for month in months),
        by=by,
        groups=groups,
        rows=breakdown.rows(groups if request.args.get("all") == "1" else groups[:MOST_ROWS], by),
        bars=breakdown.bars(groups, by),
        tabs=breakdown.tabs(by),
        choices=choices,
        chips=filters.chips(wanted, choices),
        reset_url=url_for(".index"),
        periods=filters.periods(wanted),
    )


class Series(NamedTuple):
    """A line of a chart."""

    name: str
    values: tuple[int, ...]


def _series(months: Sequence[Month]) -> tuple[Series, ...]:
    return (
        Series(_("Received"), tuple(month.received for month in months)),
        Series(_("Closed"), tuple(month.closed for month in months)),
    )


def asked() -> tuple[Actor, Wanted, Scope]:
    """Return who asks, what the address says, and which requests that means now.

    Raises `NotPermittedError` where figures are not for the reader.
    """
    actor = signed_in_actor()
    if not may(actor, Action.VIEW_REPORTS):
        message = "Figures are for those who answer for them."
        raise NotPermittedError(message)
    now, zone = utc_now(), time_zone()
    wanted = wanted_from(request.args, now.astimezone(zone).date())
    return actor, wanted, wanted.scope(now, zone)
