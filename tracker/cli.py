"""The `flask` commands of every feature."""

from flask import Flask

from tracker.demo.commands import demo_cli
from tracker.integrity.commands import backup, reindex, restore, verify
from tracker.notifications.commands import jobs_cli
from tracker.organisation.commands import accounts_cli
from tracker.reports.commands import figures, rebuild_figures, requests_cli


def init_app(app: Flask) -> None:
    """Add the commands to `flask --app app`."""
    app.cli.add_command(accounts_cli)
    app.cli.add_command(demo_cli)
    app.cli.add_command(jobs_cli)
    app.cli.add_command(requests_cli)
    app.cli.add_command(figures)
    app.cli.add_command(rebuild_figures)
    app.cli.add_command(verify)
    app.cli.add_command(backup)
    app.cli.add_command(restore)
    app.cli.add_command(reindex)
