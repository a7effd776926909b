"""How somebody wants to be written to: their own choice, asked whenever something is written."""

from datetime import datetime, time

from tracker.database import db
from tracker.notifications.models import MessageWish
from tracker.notifications.timing import Rhythm, time_to_send
from tracker.organisation import queries as organisation


def wish_of(person_id: int) -> MessageWish:
    """Return what somebody chose; for who chose nothing, what goes for everybody."""
    chosen = db.session.get(MessageWish, person_id)
    return chosen or MessageWish(person_id=person_id, by_mail=True, rhythm=Rhythm.AT_ONCE)


def choose(
    wish: MessageWish,
    *,
    by_mail: bool,
    rhythm: Rhythm,
    quiet_from: time | None,
    quiet_until: time | None,
) -> None:
    """Remember what somebody chose. What was written before waits as it did."""
    wish.by_mail = by_mail
    wish.rhythm = rhythm
    wish.quiet_from = quiet_from
    wish.quiet_until = quiet_until
    db.session.add(wish)


def time_for(person_id: int, *, is_urgent: bool, now: datetime) -> datetime | None:
    """Return when a mail to one of the staff goes out; None for who wants none."""
    wish = wish_of(person_id)
    if not wish.by_mail:
        return None
    return time_to_send(now, organisation.calendar(now), wish.wishes, is_urgent=is_urgent)


def by_day(now: datetime) -> datetime:
    """Return when a mail of ours goes out that nobody waits for: by day, on a working day."""
    return time_to_send(now, organisation.calendar(now))
