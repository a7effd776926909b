"""Commands about people. `tracker.organisation.commands` adds the one that needs units."""

import click
from flask.cli import AppGroup

from tracker.privacy import normalise_email

accounts_cli = AppGroup("accounts", help="People and what they hold.")


def read_email(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Return an e-mail address given on the command line in its one spelling."""
    address = normalise_email(value)
    if address is None:
        message = "That is not an e-mail address."
        raise click.BadParameter(message)
    return address
