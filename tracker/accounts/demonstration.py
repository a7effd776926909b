"""Whether this is a demonstration: it shows its mail to everybody and signs anybody in."""

from flask import current_app

from tracker.accounts import queries
from tracker.config import Settings


def is_on() -> bool:
    """Tell whether it is one now: it was asked for, and everybody here is invented.

    Asked at each page, for a real person may come while the server works. From then on nothing
    of a demonstration answers any more, whatever the settings say.
    """
    settings: Settings = current_app.config["SETTINGS"]
    return settings.demo and queries.everybody_is_invented()
