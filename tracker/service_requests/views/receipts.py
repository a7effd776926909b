"""How often an address hears that a request came in: nobody has shown yet that it is theirs."""

from datetime import timedelta
from typing import Final

from flask import current_app

from tracker.clock import utc_now
from tracker.config import Settings
from tracker.web.throttle import Limit, is_one_too_many

RECEIPTS_A_DAY: Final = 3
"""How many mails tell one address of requests that came in; the page tells of each."""
DAY: Final = timedelta(days=1)


def may_be_written_to(address: str | None) -> bool:
    """Count one request of this address, or number of a telephone; tell whether it is to hear of it, or heard of enough.

    Runs inside a transaction.
    """
    if address is None:
        return True
    name, at, domain = address.rpartition("@")
    # What follows a plus is the same mailbox; a number has no @, and begins with one.
    mailbox = f"{name.partition('+')[0]}@{domain}" if at else address
    limit = Limit("receipt-mail", mailbox, RECEIPTS_A_DAY, DAY)
    settings: Settings = current_app.config["SETTINGS"]
    return not is_one_too_many((limit,), secret=settings.secret_key, now=utc_now())
