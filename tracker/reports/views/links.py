"""Where the page of figures and its lists lead: to their own address, with more or less in it."""

from zoneinfo import ZoneInfo

from flask import request

from tracker.reports.definitions import Figure
from tracker.reports.periods import Choice, Period
from tracker.reports.values import Month
from tracker.web.addresses import address


def kept(*without: str) -> dict[str, str | list[str]]:
    """Return the parameters of this address, without some of them."""
    return {
        name: values if len(values) > 1 else values[0]
        for name, values in request.args.lists()
        if name not in without and values != [""]
    }


def list_url(figure: Figure, **more: str) -> str:
    """Return the list behind a figure; what `more` narrows is narrowed beside what already is."""
    here = kept("by", "sort", "mark", "figure")
    if "exact" in more and "exact" in here:
        more["exact"] = f"{here['exact']},{more['exact']}"
    if "blank" in more and "blank" in here:
        more["blank"] = f"{here['blank']},{more['blank']}"
    return address(".listed", here, figure=figure.value, **more)


def month_link(month: Month, within: Period, zone: ZoneInfo) -> str:
    """Return the list of what came in during a month, as far as it lies in the period."""
    start, end = month.start.astimezone(zone).date(), month.end.astimezone(zone).date()
    start = max(start, within.start or start)
    end = min(end, within.end or end)
    here = kept("by", "sort", "mark", "figure", "period", "from", "to")
    days = {"from": f"{start}", "to": f"{Period(start, end).last}", "period": Choice.CUSTOM.value}
    return address(".listed", here, **days, figure=Figure.RECEIVED.value)
