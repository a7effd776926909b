"""Commands about figures and imports."""

import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.permissions import SYSTEM
from tracker.reports.importing.files import FileError, TableFile, open_table
from tracker.reports.importing.mapping import Mapping, MappingError, read_mapping
from tracker.reports.importing.running import Rejects, Run, Summary, begin, note
from tracker.reports.words import problem_text

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


def _run(table: TableFile, mapping: Mapping, rejects: Rejects, *, is_dry: bool) -> Summary:
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


@click.command("figures")
def figures() -> None:
    """Print the figures of a period."""
