"""How somebody wants to be written to: their own choice, asked whenever something is written."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, time
from typing import Any

from sqlalchemy import select

from tracker.accounts.models import Person
from tracker.database import db
from tracker.notifications import own_texts
from tracker.notifications.models import Channel, Message, MessageWish
from tracker.notifications.outbox import enqueue
from tracker.notifications.timing import Rhythm, time_to_send
from tracker.organisation import queries as organisation


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody chooses on their page."""

    by_mail: bool = True
    by_text: bool = False
    rhythm: Rhythm = Rhythm.AT_ONCE
    quiet_from: time | None = None
    quiet_until: time | None = None
    text_number: str | None = None
    """In E.164, and proven."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which one of the staff hears of something besides on their page of messages."""

    channel: Channel
    address: str
    run_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What its message says besides, for whoever sends it and for nobody to read."""

    @property
    def whose(self) -> Mapping[str, int]:
        """Return what tells its messages from those of others who read at the same address."""
        return {name: self.facts[name] for name in own_texts.WHOSE if name in self.facts}


def wish_of(person_id: int) -> MessageWish:
    """Return what somebody chose; for who chose nothing, what goes for everybody."""
    found = db.session.get(MessageWish, person_id)
    return found or MessageWish(person_id=person_id, **asdict(Chosen()))


def chosen_of(wish: MessageWish) -> Chosen:
    """Return what was chosen, in plain values."""
    return Chosen(**{name: getattr(wish, name) for name in Chosen.__dataclass_fields__})


def choose(wish: MessageWish, chosen: Chosen, *, now: datetime) -> None:
    """Remember what somebody chose. What was written before waits as it did.

    But for text messages to a number that is given up: they go to the new one.
    """
    before = wish.text_number
    for name, value in asdict(chosen).items():
        setattr(wish, name, value)
    db.session.add(wish)
    if before is not None and chosen.text_number not in (None, before):
        own_texts.redirect(wish.person_id, before, chosen.text_number or "", now=now)


def remove_number(wish: MessageWish, *, now: datetime) -> None:
    """Forget somebody's number. Who was told by text message alone is written to by mail from then on.

    What still waits to go to it goes by mail, too.
    """
    before = wish.text_number
    if before is None:
        return
    wish.by_mail = wish.by_mail or wish.by_text
    wish.by_text, wish.text_number = False, None
    db.session.flush()
    own_texts.mail_instead_of(wish.person_id, before, now=now)


def ways_to(
    person: Person, *, is_urgent: bool, now: datetime, in_any_case: bool = False
) -> Sequence[Way]:
    """Return how one of the staff hears of something besides on their page, and when, as they chose.

    By mail, by text message, by both, or not at all. `in_any_case`: it stands on no page, so that who
    chose neither is written to by mail.
    """
    wish = wish_of(person.id)
    by_text = wish.by_text and wish.text_number is not None
    by_mail = person.email is not None and (wish.by_mail or (in_any_case and not by_text))
    if not by_mail and not by_text:
        return []
    run_at = time_to_send(now, organisation.calendar(now), wish.wishes, is_urgent=is_urgent)
    ways = [Way(Channel.EMAIL, person.email, run_at)] if by_mail and person.email else []
    if by_text and wish.text_number:
        facts = own_texts.facts(person.id, has_mail=by_mail)
        ways.append(Way(Channel.TEXT_MESSAGE, wish.text_number, run_at, facts))
    return ways


def write(
    person: Person,
    way: Way,
    kind: str,
    payload: Mapping[str, Any],
    *,
    now: datetime,
    service_request_id: int | None = None,
) -> Message:
    """Write a message to one of the staff into the outbox, in one of the ways that `ways_to` gives."""
    return enqueue(
        kind,
        channel=way.channel,
        address=way.address,
        locale=person.locale or "zh_Hans_CN",
        payload={**payload, **way.facts},
        now=now,
        service_request_id=service_request_id,
        run_at=way.run_at,
    )


def is_number_of(person_id: int, number: str) -> bool:
    """Tell whether somebody still has a number: to one that was given up nothing is sent."""
    wanted = select(MessageWish.text_number).where(MessageWish.person_id == person_id)
    return db.session.scalar(wanted) == number


def by_day(now: datetime) -> datetime:
    """Return when a mail of ours goes out that nobody waits for: by day, on a working day."""
    return time_to_send(now, organisation.calendar(now))
