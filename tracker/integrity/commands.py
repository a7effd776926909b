"""Commands about what must never be lost: verify, backup, restore."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from flask import current_app

from tracker import schema
from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import db
from tracker.integrity import backup as backups
from tracker.integrity.invariants import INVARIANTS, snapshot_of, violations
from tracker.service_requests.search import index_missing

MOST_PRINTED: Final = 20
"""Violations of one invariant that are printed one by one."""


@click.command("verify")
@click.option("--quick", is_flag=True, help="Look at the size of photos; do not read them.")
def verify(*, quick: bool) -> None:
    """Check all that must hold of the database and the photos. Ends with 1 when something does not.

    Changes nothing and can run beside the server: it looks at everything as it was when it
    began. Prints ids, never personal data.
    """
    settings: Settings = current_app.config["SETTINGS"]
    found: Counter[str] = Counter()
    with snapshot_of(db.engine, settings.uploads_path, reads_photos=not quick) as snapshot:
        for each in violations(snapshot):
            found[each.invariant] += 1
            if found[each.invariant] <= MOST_PRINTED:
                click.echo(f"{each.invariant}: {each.words}")
    for name, rule in INVARIANTS.items():
        said = "holds" if not found[name] else f"{found[name]} VIOLATIONS"
        click.echo(f"{name:15}{said:16}{rule}")
    if found:
        click.echo("Not everything is as it must be. 数据不一致, see docs/operations.md.")
        sys.exit(1)
    click.echo("Everything is as it must be. 一切正常。")


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write the database and the photos into FILE (tar; .gz packs it), while the server works.

    The server's secret is not in it: keep that apart, see docs/operations.md.
    """
    settings: Settings = current_app.config["SETTINGS"]
    with _plain_errors():
        made = backups.back_up(
            db.engine,
            settings.uploads_path,
            file,
            secret_key=settings.secret_key,
            now=utc_now(),
        )
    click.echo(f"{file}: {_words(made)}. 备份完成。")
    if made.lost:
        click.echo(f"Photos without a file: {made.lost}. Look at `flask verify`.", err=True)
        sys.exit(1)


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", "replaces", is_flag=True, help="Even where there is something already.")
def restore(file: Path, *, replaces: bool) -> None:
    """Put the database and the photos from FILE here, and bring the tables up to date.

    Refuses where there is something already. Stop the server before.
    """
    settings: Settings = current_app.config["SETTINGS"]
    with _plain_errors():
        done = backups.restore(db.engine, settings.uploads_path, file, replaces=replaces)
    schema.upgrade()
    index_missing()
    click.echo(f"{file}, of {done.taken_at}: {_words(done)}. 恢复完成。 Now run `flask verify`.")
    if done.secret_mark != backups.secret_mark(settings.secret_key):
        click.echo(
            "The secret here is another one than where the backup was made: private links and\n"
            "sign-ins of then do not work. Set SECRET_KEY, or SECRET_KEY_FALLBACKS, to that one.\n"
            "密钥与备份时不同: 请设置原来的 SECRET_KEY, 否则原有链接失效。",
            err=True,
        )


@click.command("reindex")
def reindex() -> None:
    """Make findable what the search misses, e.g. after migrations without the server."""
    click.echo(f"{index_missing()} requests can be found now that could not.")


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except backups.BackupError as error:
        raise click.ClickException(str(error)) from None


def _words(report: backups.Report) -> str:
    requests = report.rows.get("service_request", 0)
    return f"{requests} requests, {sum(report.rows.values())} rows, {report.photos} photos"
