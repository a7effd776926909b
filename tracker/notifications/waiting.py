"""Why a message waits, for the page of the outbox."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import LazyString, lazy_gettext as _l

from tracker.notifications.models import Message
from tracker.notifications.timing import NIGHT_BEGINS, NIGHT_ENDS
from tracker.organisation import queries as organisation


def why(message: Message, *, can_send: Callable[[Message], bool], now: datetime) -> LazyString:
    """Return why a message that no error holds up was not sent yet."""
    if message.run_at <= now:
        return _l("in a moment") if can_send(message) else _l("nothing is set up to send it with")
    if message.attempts:
        return _l("it is tried again")
    begun = message.created_at
    if not organisation.calendar(begun).is_working_day(organisation.today(begun)):
        return _l("it was written on a day of rest")
    local = begun.astimezone(ZoneInfo(organisation.time_zone_name())).time()
    if not NIGHT_ENDS <= local < NIGHT_BEGINS:
        return _l("it was written at night, when nothing is sent")
    return _l("its reader wishes to be written to at set hours")
