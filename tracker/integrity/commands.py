"""Commands about what must never be lost: verify, backup, restore."""

import sys
from collections import Counter
from typing import Final

import click
from flask import current_app

from tracker.config import Settings
from tracker.database import db
from tracker.integrity.invariants import INVARIANTS, snapshot_of, violations

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
