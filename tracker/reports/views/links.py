"""Where the page of figures and its lists lead: to their own address, with more or less in it."""

from collections.abc import Mapping
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import g, request, url_for

from tracker.reports.definitions import Figure
from tracker.reports.periods import Choice, Period
from tracker.reports.values import Month
from tracker.web.addresses import SAFE, address


def kept(*without: str) -> dict[str, str | list[str]]:
    """Return the parameters of this address, without some of them."""
    return {
        name: values if len(values) > 1 else values[0]
        for name, values in request.args.lists()
        if name not in without and values != [""]
    }


class Addresses:
    """Addresses of one page that begin with the same parameters: hundreds of them on a page."""

    def __init__(self, endpoint: str, here: Mapping[str, str | list[str]]) -> None:
        self.here = here
        self._path = url_for(endpoint)
        self._pairs = urlencode(here, doseq=True, safe=SAFE)

    def narrowed(self, **more: str) -> str:
        """Return the address with `more` in it, or in place of what it has by the same name."""
        if self.here.keys() & more.keys():
            pairs = urlencode({**self.here, **more}, doseq=True, safe=SAFE)
        else:
            pairs = "&".join(filter(None, (self._pairs, urlencode(more, safe=SAFE))))
        return f"{self._path}?{pairs}" if pairs else self._path


def lists_url(**more: str) -> str:
    """Return where the lists behind figures are; what `more` narrows is narrowed beside what already is.

    Which figure is still to be added: `with_figure`.
    """
    lists = _lists()
    for name in ("exact", "blank"):
        if name in more and name in lists.here:
            more[name] = f"{lists.here[name]},{more[name]}"
    return lists.narrowed(**more)


def with_figure(lists: str, figure: Figure | str) -> str:
    """Return the list of one figure."""
    return f"{lists}{'&' if '?' in lists else '?'}figure={Figure(figure).value}"


def list_url(figure: Figure, **more: str) -> str:
    """Return the list behind a figure, narrowed by `more`."""
    return with_figure(lists_url(**more), figure)


def _lists() -> Addresses:
    if "figure_lists" not in g:
        g.figure_lists = Addresses(".listed", kept("by", "sort", "mark", "figure"))
    lists: Addresses = g.figure_lists
    return lists


def month_link(month: Month, within: Period, zone: ZoneInfo) -> str:
    """Return the list of what came in during a month, as far as it lies in the period."""
    start, end = month.start.astimezone(zone).date(), month.end.astimezone(zone).date()
    start = max(start, within.start or start)
    end = min(end, within.end or end)
    here = kept("by", "sort", "mark", "figure", "period", "from", "to")
    days = {"from": f"{start}", "to": f"{Period(start, end).last}", "period": Choice.CUSTOM.value}
    return address(".listed", here, **days, figure=Figure.RECEIVED.value)
