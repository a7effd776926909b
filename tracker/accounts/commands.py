"""Commands about people."""

import click
from flask import current_app
from flask.cli import AppGroup

from tracker.config import Settings

accounts_cli = AppGroup("accounts", help="People and what they hold.")


def link_address(path: str) -> str:
    """Return the full address of a page, as people outside reach it."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.public_url + path


def read_email(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Check an e-mail address given on the command line."""
    value = value.strip().lower()
    name, at, domain = value.partition("@")
    if not (name and at and domain):
        message = "That is not an e-mail address."
        raise click.BadParameter(message)
    return value
