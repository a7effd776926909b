"""Commands about figures and imports."""

import json
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import AppGroup

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import NotFoundError
from tracker.organisation.queries import time_zone_name
from tracker.permissions import SYSTEM
from tracker.reports.definitions import Dimension, Scope
from tracker.reports.figures import day_start, document, unit_ids
from tracker.reports.importing.background import run_prepared
from tracker.reports.importing.files import FileError, TableFile, open_table
from tracker.reports.importing.mapping import Mapping as ColumnMapping, MappingError, read_mapping
from tracker.reports.importing.running import Rejects, Run, Summary, begin, note
from tracker.reports.rollups import folding
from tracker.reports.words import problem_text
from tracker.web.locale import ENGLISH, in_locale

requests_cli = AppGroup("requests", help="Service requests in bulk.")

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SOME_ROWS_REJECTED = 2


@requests_cli.command("import")
@click.argument("file", type=FILE)
@click.option("--mapping", "mapping_path", type=FILE, required=True, help="Which column is what.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option(
    "--rejects",
    "rejects_path",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where rows go that could not be taken over. Default: FILE-rejects.csv, here.",
)
def import_requests(
    file: Path, mapping_path: Path, rejects_path: Path | None, *, dry_run: bool
) -> None:
    """Import the requests in FILE (CSV or XLSX, .gz too); see docs/import.md.

    Can be run again: what the file says unchanged is left alone. Ends with 2 when rows were
    rejected and everything else was imported.
    """
    started = utc_now()
    try:
        with in_locale(ENGLISH):  # as everything that commands say
            mapping = read_mapping(mapping_path)
            table = open_table(file, mapping.encoding)
            rejects = Rejects(
                rejects_path or Path(f"{file.name.split('.')[0]}-rejects.csv"),
                table.header,
                problem_text,
            )
            summary = _run(table, mapping, rejects, is_dry=dry_run)
    except (FileError, MappingError) as error:
        raise click.ClickException(str(error)) from None
    seconds = (utc_now() - started).total_seconds()
    _report(summary, rejects, seconds=seconds, is_dry=dry_run)
    if summary.rejected:
        sys.exit(SOME_ROWS_REJECTED)


@requests_cli.command("run-import", hidden=True)
@click.argument("run_id", type=int)
def run_import(run_id: int) -> None:
    """Do the import that a page prepared."""
    run_prepared(run_id, current_app.config["SETTINGS"])


def _run(table: TableFile, mapping: ColumnMapping, rejects: Rejects, *, is_dry: bool) -> Summary:
    run_id = None
    if not is_dry:
        with transaction():
            run_id = begin(table.path.name, mapping, actor=SYSTEM, now=utc_now()).id
            note(run_id, {"rows_total": table.row_count})
    with click.progressbar(
        length=table.row_count,
        label=table.path.name,
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        run = Run(
            table,
            mapping,
            SYSTEM,
            utc_now(),
            rejects,
            run_id,
            on_batch=lambda summary: bar.update(summary.read - bar.pos),
        )
        try:
            summary = run.go()
        except Exception as error:
            if run_id is not None:
                with transaction():
                    note(run_id, {"error": str(error)[:500], "finished_at": utc_now()})
            raise
    if run_id is not None:
        with transaction():
            note(run_id, {"finished_at": utc_now()})
    return summary


def _report(summary: Summary, rejects: Rejects, *, seconds: float, is_dry: bool) -> None:
    would = "would be " if is_dry else ""
    click.echo(
        f"{summary.read} rows in {seconds:.1f} s: {summary.created} {would}created,"
        f" {summary.updated} {would}updated, {summary.unchanged} unchanged,"
        f" {summary.rejected} rejected."
    )
    if summary.made:
        made = ", ".join(f"{number} {kind}" for kind, number in sorted(summary.made.items()))
        click.echo(f"On the way {would}made: {made}.")
    for (column, reason), number in summary.problems.most_common():
        click.echo(f"  {number} rows: {column}: {reason}")
    if summary.rejected:
        click.echo(f"The rejected rows, with reasons: {rejects.path}")


DAY = click.DateTime(["%Y-%m-%d"])
DIMENSIONS = ("category", "team", "channel", "area", "unit", "leader")


@click.command("figures")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--from", "start", type=DAY, help="First day of the period.")
@click.option("--to", "end", type=DAY, help="The day after its last: the period ends before it.")
@click.option("--by", type=click.Choice(DIMENSIONS), help="Break the figures down.")
@click.option("--unit", help="Name or id of a unit; it counts with all units below it.")
def figures(
    start: datetime | None, end: datetime | None, by: str | None, unit: str | None, *, as_json: bool
) -> None:
    """Print the figures of the requests submitted in a period; without one, of all.

    Days begin at midnight in the organisation's time zone. Definitions: docs/statistics.md.
    """
    zone = ZoneInfo(time_zone_name())
    try:
        scope = Scope(
            as_of=utc_now(),
            start=day_start(start.date(), zone) if start else None,
            end=day_start(end.date(), zone) if end else None,
            unit_ids=unit_ids(unit),
        )
    except NotFoundError as error:
        raise click.ClickException(str(error)) from None
    found = document(SYSTEM, scope, zone, Dimension(by) if by else None)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print(found)


@click.command("rebuild-figures")
def rebuild_figures() -> None:
    """Make the kept figures anew from the requests, while the server works.

    Nobody needs it in everyday life: changes are worked in by themselves. See docs/operations.md.
    """
    begun = time.monotonic()
    if folding.rebuild(now=utc_now()) is None:
        message = "Somebody else makes them anew at the moment. Try again in five minutes."
        raise click.ClickException(message)
    click.echo(f"The figures are made anew ({time.monotonic() - begun:.1f} s).")


def _print(figures: Mapping[str, Any]) -> None:
    """Print the figures for people, one a line."""
    for name, value in figures.items():
        if isinstance(value, dict):
            parts = ", ".join(f"{key} {_plain(one)}" for key, one in value.items())
            click.echo(f"{name}: {parts}")
        elif isinstance(value, list):
            click.echo(f"{name}:")
            for row in value:
                click.echo("  " + "  ".join(_plain(one) for one in row.values()))
        else:
            click.echo(f"{name}: {_plain(value)}")


def _plain(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
