"""The `flask` commands of every feature. Only `tracker.cli` imports this, when one is asked for."""

from typing import Final

import click
from flask import Flask

from tracker import schema
from tracker.demo.commands import demo_cli
from tracker.integrity.commands import backup, reindex, restore, verify
from tracker.notifications.commands import jobs_cli
from tracker.organisation.commands import accounts_cli
from tracker.reports.commands import figures, rebuild_figures, requests_cli

COMMANDS: Final[tuple[click.Command, ...]] = (
    accounts_cli,
    demo_cli,
    jobs_cli,
    requests_cli,
    figures,
    rebuild_figures,
    verify,
    backup,
    restore,
    reindex,
)


def add_to(app: Flask) -> None:
    """Give `flask --app app` all that it can do besides what Flask brings."""
    schema.introduce(app)
    for command in COMMANDS:
        app.cli.add_command(command)
