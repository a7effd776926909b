"""Building and resetting the demonstration."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from tracker import demo
from tracker.accounts import queries as accounts
from tracker.accounts.passwords import Passwords
from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import transaction
from tracker.demo.town import PASSWORD
from tracker.service_requests.photos import delete_photo


class NotADemonstrationError(Exception):
    """Real people are in the database: it must not be emptied."""


demo_cli = AppGroup("demo", help="The invented town of the demonstration.")


@demo_cli.command("build")
def build() -> None:
    """Build the town in an empty database."""
    if not build_town():
        message = "The database is not empty. `demo reset` empties a demonstration first."
        raise click.ClickException(message)
    click.echo("The town is built.")


@demo_cli.command("reset")
def reset() -> None:
    """Empty the demonstration and build the town anew. Refuses where a real person is."""
    try:
        reset_town()
    except NotADemonstrationError as error:
        raise click.ClickException(str(error)) from None
    click.echo("The town is as on its first day.")


def reset_town() -> None:
    """Empty everything and build the town anew, in one transaction: readers see one or the other.

    Raises `NotADemonstrationError` where somebody is not invented.
    """
    settings = _settings()
    password_hash = _password_hash(settings)
    with transaction():
        if not accounts.everybody_is_invented():
            message = "There are people here who are not invented: nothing was changed."
            raise NotADemonstrationError(message)
        old_photos = demo.forget_everything()
        demo.build(password_hash=password_hash, photos=settings.uploads_path, now=utc_now())
    for key in old_photos:
        delete_photo(settings.uploads_path, key)


def build_town() -> bool:
    """Build the town if nobody was ever entered; tell whether it was built."""
    settings = _settings()
    password_hash = _password_hash(settings)
    with transaction():
        if not demo.is_empty():
            return False
        photos: Path = settings.uploads_path
        demo.build(password_hash=password_hash, photos=photos, now=utc_now())
    return True


def _password_hash(settings: Settings) -> str:
    passwords = Passwords(
        time_cost=settings.argon2_time_cost, memory_kib=settings.argon2_memory_kib
    )
    return passwords.hashed(PASSWORD)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
