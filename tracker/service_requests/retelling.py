"""What has not reached a requester yet goes the way in which they are told from now on.

For a change that staff enter for them. Who makes it on their own page has read there how it stands;
who told it on the telephone has not.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

from sqlalchemy import or_, select

from tracker.database import db
from tracker.notifications.models import Channel, Message
from tracker.notifications.outbox import enqueue
from tracker.service_requests import calls, messages
from tracker.service_requests.lifecycle import Outcome, Status, Step
from tracker.service_requests.models import CallResult, ServiceRequest

Place: TypeAlias = tuple[Channel, str]
"""How somebody is written to, and where."""
STEP: Final = "requester_step"
GREETING: Final = "contact_now"


def tell_anew(told: ServiceRequest, *, since: datetime | None, now: datetime) -> None:
    """Let what did not reach the requester of `told` go the way that holds now. Part of that change.

    `since` when they were told in the way before, None: from the first on. What a worker has in hand
    arrives where it goes; what may have arrived is told once more rather than not at all.
    """
    # With each goes the link, which the place where they are told no more need not learn now.
    for kind in (GREETING, messages.LINK_RENEWED):
        for with_link in _unsent(told, kind, now=now):
            _give_up(with_link, now=now)
    late = _unsent(told, STEP, now=now) + _given_up(told, since=since)
    place = messages.written_way(told.requester) if told.requester is not None else None
    if place is not None:
        _write_instead(told, late, place, now=now)
    else:
        _call_instead(told, late, now=now)


def _write_instead(
    told: ServiceRequest, late: Sequence[Message], place: Place, *, now: datetime
) -> None:
    told_of: set[Step] = set()
    for message in late:
        if _is_to_tell(told, message, now=now):
            told_of.add(Step(message.payload["step"]))
            _redirect(told, message, place, now=now)
        else:
            _give_up(message, now=now)
    task, reasons = calls.held(told)
    for reason in reasons:
        if not calls.is_over(told, reason.facts, now=now):
            told_of.add(Step(reason.step))
            messages.write(told, Step(reason.step), reason.facts, now=now)
    if task is not None:
        calls.end(task, CallResult.OTHERWISE, now=now)
    asked = _asked_now(told)
    if asked is not None and asked not in told_of:
        told_of.add(asked)
        messages.write(told, asked, now=now)
    if not told_of:
        _greet(told, place, now=now)


def _call_instead(told: ServiceRequest, late: Sequence[Message], *, now: datetime) -> None:
    """Let them be called about what was not sent; a question and a result have lists of their own."""
    for message in late:
        facts = message.payload
        if not calls.is_over(told, facts, now=now):
            calls.ask_for(told, Step(facts["step"]), facts, now=now)
        _give_up(message, now=now)
    if calls.can_be_called(told.requester):
        calls.begin_anew(told, now=now)
    else:
        calls.drop(told, now=now)


def _unsent(told: ServiceRequest, kind: str, *, now: datetime) -> list[Message]:
    """Return what waits to be sent and is in nobody's hand, held until the transaction ends."""
    waiting = select(Message).where(
        Message.service_request_id == told.id,
        Message.kind == kind,
        Message.sent_at.is_(None),
        Message.failed_at.is_(None),
        or_(Message.leased_until.is_(None), Message.leased_until <= now),
    )
    held = waiting.order_by(Message.id).with_for_update(skip_locked=True)
    return list(db.session.scalars(held))


def _given_up(told: ServiceRequest, *, since: datetime | None) -> list[Message]:
    """Return what could not be sent in the way before, and has been told in no other since."""
    given_up = select(Message).where(
        Message.service_request_id == told.id,
        Message.kind == STEP,
        Message.failed_at.is_not(None),
        Message.last_error.not_in([calls.NO_GATEWAY, calls.REACHED_OTHERWISE]),
    )
    if since is not None:
        given_up = given_up.where(Message.created_at > since)
    return list(db.session.scalars(given_up.order_by(Message.id)))


def _is_to_tell(told: ServiceRequest, message: Message, *, now: datetime) -> bool:
    """Tell whether a message still says something that they must know, or wish to."""
    facts = message.payload
    wishes_all = told.requester is not None and not told.requester.only_needed
    is_wished = message.failed_at is None and wishes_all
    return (is_wished or messages.is_needed(Step(facts["step"]), facts)) and not calls.is_over(
        told, facts, now=now
    )


def _redirect(told: ServiceRequest, message: Message, place: Place, *, now: datetime) -> None:
    """Let a message go to where they are told now; of one that may have arrived, a second one."""
    step, facts = Step(message.payload["step"]), message.payload
    if message.failed_at is not None or message.bound_at is not None:
        messages.write(told, step, facts, now=now)
        return
    message.channel, message.address = place
    waits_until = messages.goes_at(step, message.channel, facts, now=now)
    message.run_at = waits_until or now
    message.wanted_at = waits_until if message.run_at > now else None
    message.attempts, message.last_error = 0, ""


def _give_up(message: Message, *, now: datetime) -> None:
    """Send a message to where they were told before no more, if nobody took it up yet."""
    if message.failed_at is None and message.bound_at is None:
        message.failed_at, message.last_error = now, calls.REACHED_OTHERWISE


def _asked_now(told: ServiceRequest) -> Step | None:
    """Return the step by which something is asked of them now: where they were told before may be lost."""
    match told.status:
        case Status.WAITING:
            return Step.WAIT
        case Status.RESOLVED:
            return Step.REFER if told.outcome is Outcome.REFERRED else Step.RESOLVE
        case _:
            return None


def _greet(told: ServiceRequest, place: Place, *, now: datetime) -> None:
    """Say at the new place that news comes there, with the private link: it shows how it all stands."""
    assert told.requester is not None  # noqa: S101 - they are written to
    channel, address = place
    enqueue(
        GREETING,
        channel=channel,
        address=address,
        locale=told.requester.locale,
        payload={
            "reference": told.reference,
            "request_id": told.id,
            "link_salt": told.link_salt,
        },
        now=now,
        service_request_id=told.id,
    )
