"""The page of figures, and the exact list behind each of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Response,
    render_template,
    request,
    send_file,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.clock import utc_now
from tracker.database import db
from tracker.errors import NotPermittedError
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, may
from tracker.reports import answers, exports, listing
from tracker.reports.addresses import BLANKABLE, TREES, Wanted, wanted_from
from tracker.reports.definitions import PARTS, Dimension, Figure, Scope
from tracker.reports.periods import Choice, Period, before
from tracker.reports.values import Group, Month, Summary
from tracker.reports.words import DAYS_TO_CLOSE, DEFINITIONS, RATES
from tracker.service_requests.choices import leaders_in
from tracker.service_requests.lifecycle import Kind
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.words import channel_label
from tracker.teams.models import Team
from tracker.web.access import signed_in_actor
from tracker.web.labels import label
from tracker.web.locale import (
    format_day,
    format_days,
    format_number,
    format_share,
    localized,
    time_zone,
)
from tracker.web.paging import page_of

blueprint = Blueprint("figures", __name__, url_prefix="/figures")

INDENT: Final = "\u3000"
PAGE_SIZE: Final = 50
MOST_BARS: Final = 15
MOST_ROWS: Final = 40
MOST_MONTHS: Final = 120
FILTERS: Final = ("unit", "team", "leader", "category", "area", "channel", "kind")
BREAKDOWNS: Final = (
    Dimension.CATEGORY,
    Dimension.TEAM,
    Dimension.UNIT,
    Dimension.AREA,
    Dimension.LEADER,
    Dimension.CHANNEL,
)
SORTS: Final[Mapping[str, Callable[[Group], Any]]] = {
    "name": lambda group: group.name,
    "received": lambda group: group.received,
    "closed": lambda group: group.closed,
    "closure": lambda group: group.closure.rate,
    "on_time": lambda group: group.on_time.rate,
    "median": lambda group: group.days_to_close.median,
    "p90": lambda group: group.days_to_close.p90,
}


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show the figures of a period, with the charts and the tables behind them."""
    actor, now, zone = _reader(), utc_now(), time_zone()
    wanted = wanted_from(request.args, now.astimezone(zone).date())
    scope = wanted.scope(now, zone)
    by = _dimension(wanted)
    summary, groups = answers.summary_and_groups(actor, scope, by)
    earlier = before(wanted.period)
    compared = answers.summary(actor, wanted.scope(now, zone, earlier)) if earlier else None
    choices = _choices(actor)
    months = answers.monthly(actor, scope, zone)[-MOST_MONTHS:]
    groups = _sorted(groups, wanted.sort)
    return render_template(
        "reports/figures.html",
        wanted=wanted,
        period=_period_words(wanted.period),
        earlier=_period_words(earlier) if earlier else "",
        now=now,
        summary=summary,
        stats=_stats(summary, compared),
        months=months,
        month_links=[_month_link(month, wanted.period, zone) for month in months],
        by=by,
        groups=groups,
        shown_groups=groups if request.args.get("all") == "1" else groups[:MOST_ROWS],
        bars=_bars(groups, by),
        tabs=_tabs(by),
        drill=lambda group: _drill(group, by),
        list_url=_list_url,
        group_list=lambda group, figure: _list_url(Figure(figure), **_filter_of(group, by)),
        group_name=lambda group: _group_name(group, by),
        choices=choices,
        chips=_chips(wanted, choices),
        reset_url=url_for(".index"),
        periods=_periods(wanted),
    )


@blueprint.get("/list")
def listed() -> ResponseReturnValue:
    """Show exactly the requests that a figure counts, newest first."""
    actor, now, zone = _reader(), utc_now(), time_zone()
    wanted = wanted_from(request.args, now.astimezone(zone).date())
    scope = wanted.scope(now, zone)
    choices = _choices(actor)
    page = page_of(
        db.session(),
        listing.behind(actor, scope, wanted.figure),
        (ServiceRequest.submitted_at.expression, ServiceRequest.id.expression),
        key_of=lambda row: (row.submitted_at, row.id),
        mark=request.args.get("mark"),
        size=PAGE_SIZE,
        newest_first=True,
    )
    return render_template(
        "reports/list.html",
        wanted=wanted,
        period=_period_words(wanted.period),
        page=page,
        total=listing.how_many(actor, scope, wanted.figure),
        definition=DEFINITIONS[wanted.figure],
        chips=_chips(wanted, choices),
        back_url=url_for(".index", **_kept("figure", "exact", "blank", "mark")),
        exports=_export_links() if may(actor, Action.EXPORT_SERVICE_REQUESTS) else [],
    )


@blueprint.get("/list.csv")
def list_csv() -> ResponseReturnValue:
    """Send the list behind a figure as CSV, while it is read."""
    wanted, scope, actor = _exported()
    rows = _cells(listing.exported(actor, scope, wanted.figure))
    answer = Response(
        stream_with_context(exports.csv_lines(exports.header(), rows)),
        mimetype="text/csv",
    )
    answer.headers.set("Content-Disposition", "attachment", filename=_file_name(wanted, "csv"))
    return answer


@blueprint.get("/list.xlsx")
def list_xlsx() -> ResponseReturnValue:
    """Send the list behind a figure as a workbook."""
    wanted, scope, actor = _exported()
    rows = _cells(listing.exported(actor, scope, wanted.figure))
    return send_file(
        exports.workbook(label(wanted.figure), exports.header(), rows),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=_file_name(wanted, "xlsx"),
    )


def _cells(rows: Iterable[ServiceRequest]) -> Iterator[list[exports.Cell]]:
    country = organisation.organisation().country
    return (exports.cells(row, country) for row in rows)


def _reader() -> Actor:
    actor = signed_in_actor()
    if not may(actor, Action.VIEW_REPORTS):
        message = "Figures are for those who answer for them."
        raise NotPermittedError(message)
    return actor


def _exported() -> tuple[Wanted, Scope, Actor]:
    actor, now, zone = _reader(), utc_now(), time_zone()
    if not may(actor, Action.EXPORT_SERVICE_REQUESTS):
        message = "Lists may be read, not taken along."
        raise NotPermittedError(message)
    wanted = wanted_from(request.args, now.astimezone(zone).date())
    return wanted, wanted.scope(now, zone), actor


def _file_name(wanted: Wanted, ending: str) -> str:
    period = wanted.period
    days = [f"{day:%Y%m%d}" for day in (period.start, period.last) if day]
    return "-".join(["requests", wanted.figure.value, *days]) + f".{ending}"


# -------------------------------------------------------------------- the numbers


def _stats(summary: Summary, earlier: Summary | None) -> list[dict[str, Any]]:
    """Return every number as the template prints it, with how it changed."""
    rows: list[tuple[Figure, str, Any, Any, bool | None, dict[str, Any]]] = [
        (
            Figure.RECEIVED,
            _("Received"),
            summary.received,
            _of(earlier, lambda s: s.received),
            None,
            {"rest": (Figure.NOT_COUNTED, summary.received - summary.counted)},
        ),
        (
            Figure.CLOSED,
            _("Closure rate"),
            summary.closure,
            _of(earlier, lambda s: s.closure),
            True,
            {},
        ),
        (
            Figure.HANDLED,
            _("Handled rate"),
            summary.handling,
            _of(earlier, lambda s: s.handling),
            True,
            {},
        ),
        (
            Figure.CLOSED_IN_PERIOD,
            _("Closed in the period"),
            summary.closed_in_period,
            _of(earlier, lambda s: s.closed_in_period),
            True,
            {},
        ),
        (
            Figure.ON_TIME,
            _("On-time rate"),
            summary.on_time,
            _of(earlier, lambda s: s.on_time),
            True,
            {},
        ),
        (
            Figure.SOLVED,
            _("Solved rate"),
            summary.solved,
            _of(earlier, lambda s: s.solved),
            True,
            {"coverage": summary.solved.coverage, "n_label": _("answers")},
        ),
        (
            Figure.SATISFIED,
            _("Satisfaction"),
            summary.satisfaction,
            _of(earlier, lambda s: s.satisfaction),
            True,
            {"coverage": summary.satisfaction.coverage, "n_label": _("ratings")},
        ),
        (
            Figure.REOPENED,
            _("Reopen rate"),
            summary.reopened,
            _of(earlier, lambda s: s.reopened),
            False,
            {},
        ),
        (
            Figure.RETURNED,
            _("Return rate"),
            summary.returned,
            _of(earlier, lambda s: s.returned),
            False,
            {},
        ),
    ]
    stats = [_stat(*row) for row in rows]
    stats.insert(3, _days_stat(summary, earlier))
    return stats


def _of(summary: Summary | None, read: Callable[[Summary], Any]) -> Any:  # noqa: ANN401 - a number or a share
    return None if summary is None else read(summary)


def _stat(
    figure: Figure,
    words: str,
    value: Any,  # noqa: ANN401 - a number or a share
    earlier: Any,  # noqa: ANN401
    more_is_good: bool | None,  # noqa: FBT001
    more: dict[str, Any],
) -> dict[str, Any]:
    is_share = not isinstance(value, int)
    change, good = (
        _share_change(value.rate, earlier.rate if earlier else None, more_is_good)
        if is_share
        else _number_change(value, earlier, more_is_good)
    )
    coverage = more.get("coverage")
    return {
        "figure": figure,
        "label": words,
        "value": format_share(value.rate) if is_share else format_number(value),
        "n": value.n if is_share else None,
        "n_href": _list_url(PARTS[figure][0]) if is_share else None,
        "rest": _rest(*more["rest"]) if "rest" in more else _rest_of(figure, value),
        "n_label": more.get("n_label"),
        "coverage": format_share(coverage) if coverage is not None else None,
        "definition": RATES[figure] if is_share else DEFINITIONS[figure],
        "href": _list_url(figure),
        "change": change,
        "change_good": good,
    }


def _rest_of(figure: Figure, value: Any) -> dict[str, str] | None:  # noqa: ANN401 - a number or a share
    rest = PARTS[figure][1] if figure in PARTS else None
    return None if rest is None else _rest(rest, value.n - value.hits)


def _rest(figure: Figure, number: int) -> dict[str, str] | None:
    """Return the link to what a rate leaves out: the late, the unhappy; None when there is none."""
    if not number:
        return None
    words = _("%(what)s: %(value)s", what=label(figure), value=format_number(number))
    return {"label": words, "href": _list_url(figure)}


def _days_stat(summary: Summary, earlier: Summary | None) -> dict[str, Any]:
    spread = summary.days_to_close
    return {
        "figure": "days_to_close",
        "label": _("Days to close: median / P90"),
        "value": f"{format_days(spread.median)} / {format_days(spread.p90)}",
        "n": spread.n,
        "n_label": None,
        "coverage": None,
        "definition": DAYS_TO_CLOSE,
        "n_href": _list_url(Figure.CLOSED_TIMES),
        "rest": None,
        "href": _list_url(Figure.CLOSED_TIMES),
        "change": _("before: %(days)s", days=format_days(earlier.days_to_close.median))
        if earlier and earlier.days_to_close.median is not None
        else None,
        "change_good": None
        if not earlier or earlier.days_to_close.median is None or spread.median is None
        else _better(earlier.days_to_close.median - spread.median),
    }


def _number_change(
    value: int,
    earlier: int | None,
    more_is_good: bool | None,  # noqa: FBT001
) -> tuple[str | None, bool | None]:
    if earlier is None:
        return None, None
    words = _("before: %(number)s", number=format_number(earlier))
    good = None if more_is_good is None else _better(value - earlier)
    return words, good


def _share_change(
    rate: float | None,
    earlier: float | None,
    more_is_good: bool | None,  # noqa: FBT001
) -> tuple[str | None, bool | None]:
    if rate is None or earlier is None:
        return None, None
    words = _("before: %(share)s", share=format_share(earlier))
    difference = rate - earlier if more_is_good else earlier - rate
    return words, _better(difference)


def _better(difference: float) -> bool | None:
    return None if abs(difference) < 1e-9 else difference > 0


# -------------------------------------------------------------------- groups


def _dimension(wanted: Wanted) -> Dimension:
    """Return by what the table breaks down: inside one category, by its leaves."""
    if wanted.by is Dimension.CATEGORY and wanted.category_id is not None:
        return Dimension.LEAF
    return wanted.by


def _sorted(groups: Sequence[Group], sort: str) -> Sequence[Group]:
    key = SORTS.get(sort.removeprefix("-"))
    if key is None:
        return groups
    known = [group for group in groups if key(group) is not None]
    unknown = [group for group in groups if key(group) is None]
    return sorted(known, key=key, reverse=sort.startswith("-")) + unknown


def _group_name(group: Group, by: Dimension) -> str:
    if by is Dimension.CHANNEL:
        return channel_label(str(group.key or ""))
    return localized(group) or _("Not recorded")


def _filter_of(group: Group, by: Dimension) -> dict[str, str]:
    """Return what narrows an address to exactly this group."""
    name = Dimension.CATEGORY if by is Dimension.LEAF else by
    if group.key in (None, ""):
        return {"blank": name.value}
    exact = {"exact": name.value} if by in (Dimension.UNIT, Dimension.AREA, Dimension.LEAF) else {}
    return {name.value: str(group.key), **exact}


def _drill(group: Group, by: Dimension) -> str:
    """Return the page of figures of one group."""
    return url_for(".index", **{**_kept("sort", "mark", "exact", "blank"), **_filter_of(group, by)})


def _bars(groups: Sequence[Group], by: Dimension) -> list[dict[str, Any]]:
    largest = sorted(groups, key=lambda group: -group.received)[:MOST_BARS]
    return [
        {
            "label": _group_name(group, by),
            "value": None if group.hides_rates else group.closure.rate,
            "n": group.counted,
            "href": _list_url(Figure.NOT_CLOSED, **_filter_of(group, by)),
        }
        for group in largest
    ]


def _tabs(by: Dimension) -> list[dict[str, Any]]:
    shown = Dimension.CATEGORY if by is Dimension.LEAF else by
    return [
        {
            "label": label(one),
            "url": url_for(".index", **{**_kept("by", "sort"), "by": one.value}) + "#groups",
            "active": one is shown,
        }
        for one in BREAKDOWNS
    ]


# -------------------------------------------------------------------- addresses


def _kept(*without: str) -> dict[str, Any]:
    """Return the parameters of this address, without some of them."""
    return {
        name: values if len(values) > 1 else values[0]
        for name, values in request.args.lists()
        if name not in without and values != [""]
    }


def _list_url(figure: Figure, **more: str) -> str:
    kept = _kept("by", "sort", "mark", "figure")
    if "exact" in more and "exact" in kept:
        more["exact"] = f"{kept['exact']},{more['exact']}"
    if "blank" in more and "blank" in kept:
        more["blank"] = f"{kept['blank']},{more['blank']}"
    return url_for(".listed", **{**kept, "figure": figure.value, **more})


def _month_link(month: Month, within: Period, zone: ZoneInfo) -> str:
    """Return the list of what came in during a month, as far as it lies in the period."""
    start, end = month.start.astimezone(zone).date(), month.end.astimezone(zone).date()
    start = max(start, within.start or start)
    end = min(end, within.end or end)
    kept = _kept("by", "sort", "mark", "figure", "period", "from", "to")
    days = {"from": f"{start}", "to": f"{Period(start, end).last}", "period": Choice.CUSTOM.value}
    return url_for(".listed", **{**kept, **days, "figure": Figure.RECEIVED.value})


def _export_links() -> list[tuple[str, str]]:
    kept = _kept("mark", "sort", "by")
    return [
        ("CSV", url_for(".list_csv", **kept)),
        ("XLSX", url_for(".list_xlsx", **kept)),
    ]


def _period_words(period: Period) -> str:
    if period.start and period.last:
        return str(
            _("%(first)s to %(last)s", first=format_day(period.start), last=format_day(period.last))
        )
    if period.start:
        return str(_("From %(day)s", day=format_day(period.start)))
    if period.last:
        return str(_("Until %(day)s", day=format_day(period.last)))
    return str(_("All time"))


def _periods(wanted: Wanted) -> list[dict[str, Any]]:
    """Return the periods to choose from; days of one's own are among them once they are chosen."""
    kept = _kept("period", "from", "to", "mark")
    return [
        {
            "label": label(one),
            "url": request.full_path
            if one is Choice.CUSTOM
            else url_for(".index", **{**kept, "period": one.value}),
            "active": one is wanted.choice,
        }
        for one in Choice
        if one is not Choice.CUSTOM or wanted.choice is Choice.CUSTOM
    ]


# -------------------------------------------------------------------- filters


def _choices(actor: Actor) -> dict[str, list[tuple[str, str]]]:
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


def _tree(nodes: Sequence[Any]) -> list[tuple[str, str]]:
    return [(str(node.thing.id), INDENT * node.depth + localized(node.thing)) for node in nodes]


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


def _chips(
    wanted: Wanted, choices: Mapping[str, Sequence[tuple[str, str]]]
) -> list[dict[str, str]]:
    """Return what is filtered now, in words; each is taken off by its own link."""
    chips = []
    words = filter_words()
    for name in FILTERS:
        value = request.args.get(name, "")
        offered = dict(choices[name])
        if value in offered:
            only = name in {one.value for one in TREES if one in wanted.exact}
            chosen = offered[value].strip(INDENT)
            said = _("%(what)s: %(value)s", what=words[name], value=chosen)
            chips.append(
                {
                    "param": name,
                    "value": value,
                    "label": _("%(filter)s (only itself)", filter=said) if only else said,
                }
            )
    for one in BLANKABLE:
        if one in wanted.blank:
            said = _("%(filter)s: not recorded", filter=words[one.value])
            chips.append({"param": "blank", "value": request.args["blank"], "label": said})
    return chips
