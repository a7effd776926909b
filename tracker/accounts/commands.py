"""Commands about people. `tracker.organisation.commands` adds the one that needs units."""

import click
from flask.cli import AppGroup

accounts_cli = AppGroup("accounts", help="People and what they hold.")


def read_email(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Check an e-mail address given on the command line."""
    value = value.strip().lower()
    name, at, domain = value.partition("@")
    if not (name and at and domain):
        message = "That is not an e-mail address."
        raise click.BadParameter(message)
    return value
