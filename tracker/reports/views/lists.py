"""The exact list behind a figure, to read and to take along."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from flask import Response, render_template, request, send_file, stream_with_context
from flask.typing import ResponseReturnValue

from tracker.errors import NotPermittedError
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, may
from tracker.reports import answers, exports, listing
from tracker.reports.addresses import Wanted
from tracker.reports.definitions import Scope
from tracker.reports.views.figures import asked, blueprint
from tracker.reports.views.filters import chips, choices_for, period_words
from tracker.reports.views.links import kept
from tracker.reports.words import DEFINITIONS
from tracker.service_requests.lines import Line
from tracker.web.addresses import address
from tracker.web.labels import label
from tracker.web.locale import format_day

PAGE_SIZE: Final = 25


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list, with its days in words."""

    line: Line
    """Without who asks."""
    submitted_on: str
    closed_on: str


@blueprint.get("/list")
def listed() -> ResponseReturnValue:
    """Show exactly the requests that a figure counts, newest first."""
    actor, wanted, scope = asked()
    mark = request.args.get("mark")
    page = listing.behind(actor, scope, wanted.figure, mark=mark, size=PAGE_SIZE)
    return render_template(
        "reports/list.html",
        wanted=wanted,
        period=period_words(wanted.period),
        page=page,
        rows=[_row(line) for line in page.rows],
        total=answers.how_many(actor, scope, wanted.figure),
        definition=DEFINITIONS[wanted.figure],
        chips=chips(wanted, choices_for(actor)),
        back_url=address(".index", kept("figure", "exact", "blank", "mark")),
        exports=_export_links() if may(actor, Action.EXPORT_SERVICE_REQUESTS) else [],
    )


def _row(line: Line) -> Row:
    anonymous = line._replace(requester_name=None, requester_phone=None)  # the list names nobody
    return Row(anonymous, format_day(line.submitted_at), format_day(line.closed_at))


@blueprint.get("/list.csv")
def list_csv() -> ResponseReturnValue:
    """Send the list behind a figure as CSV, while it is read."""
    actor, wanted, scope = _exported()
    rows = _lines(listing.exported(actor, scope, wanted.figure))
    answer = Response(
        stream_with_context(exports.csv_lines(exports.header(), rows)),
        mimetype="text/csv",
    )
    answer.headers.set("Content-Disposition", "attachment", filename=_file_name(wanted, "csv"))
    return answer


@blueprint.get("/list.xlsx")
def list_xlsx() -> ResponseReturnValue:
    """Send the list behind a figure as a workbook."""
    actor, wanted, scope = _exported()
    rows = _lines(listing.exported(actor, scope, wanted.figure))
    return send_file(
        exports.workbook(label(wanted.figure), exports.header(), rows),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=_file_name(wanted, "xlsx"),
    )


def _exported() -> tuple[Actor, Wanted, Scope]:
    actor, wanted, scope = asked()
    if not may(actor, Action.EXPORT_SERVICE_REQUESTS):
        message = "Lists may be read, not taken along."
        raise NotPermittedError(message)
    return actor, wanted, scope


def _lines(parts: Iterable[Sequence[listing.Row]]) -> Iterator[list[exports.Cell]]:
    lines = exports.Lines(organisation.organisation().country)
    for rows in parts:
        yield from lines.of(rows)


def _file_name(wanted: Wanted, ending: str) -> str:
    period = wanted.period
    days = [f"{day:%Y%m%d}" for day in (period.start, period.last) if day]
    return "-".join(["requests", wanted.figure.value, *days]) + f".{ending}"


def _export_links() -> list[tuple[str, str]]:
    here = kept("mark", "sort", "by")
    return [
        ("CSV", address(".list_csv", here)),
        ("XLSX", address(".list_xlsx", here)),
    ]
