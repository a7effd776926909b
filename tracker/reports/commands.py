"""Commands about figures and imports."""

import click
from flask.cli import AppGroup

requests_cli = AppGroup("requests", help="Service requests in bulk.")


@click.command("figures")
def figures() -> None:
    """Print the figures of a period."""
