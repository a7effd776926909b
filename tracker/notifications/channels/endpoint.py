"""What all endpoints share: the address is opened, posted to, and remembered how it went."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask import current_app

from tracker.config import Settings
from tracker.database import db, transaction
from tracker.notifications.channels import outside
from tracker.notifications.channels.carrier import Delayed, Line, Refused
from tracker.notifications.channels.outside import Answer
from tracker.notifications.endpoints import addresses, queries
from tracker.notifications.endpoints.models import EndpointKind
from tracker.notifications.endpoints.queries import DELETED, SWITCHED_OFF
from tracker.notifications.letters import Envelope, Letter

UNREADABLE: Final = "endpoint_unreadable"
NOT_OUTSIDE: Final = "endpoint_not_outside"
LED_ON: Final = "endpoint_led_on"
GONE: Final = "endpoint_gone"
"""Why a message is given up; the page says it in words."""
LONGEST_PAUSE: Final = timedelta(hours=6)
"""No receiver puts a message off for longer, whatever it asks for."""
_AGAIN_LATER: Final = frozenset({408, 425, 429})


class Gone(Refused):
    """The receiver wants nothing any more: the endpoint is switched off."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint as it is written to."""

    id: int
    address: str
    secret: str


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted."""

    address: str
    body: bytes
    headers: Mapping[str, str]


Spoken = Callable[[Target, Envelope, Letter, datetime], Post]
Understood = Callable[[Answer], None]
"""Raises `Refused`, `Delayed` or `Gone` for what is no success."""


@dataclass(frozen=True, slots=True)
class ToEndpoints:
    """The way to all endpoints of one kind."""

    kind: EndpointKind
    spoken: Spoken
    understood: Understood

    def is_ready(self, settings: Settings) -> bool:  # noqa: ARG002 - as every carrier
        """Tell whether there is any."""
        return queries.are_any(self.kind)

    @contextmanager
    def line(self, settings: Settings) -> Iterator[Line]:  # noqa: ARG002 - as every carrier
        """Open nothing: each message goes to a place of its own."""
        yield _ToEach(self)


class _ToEach:
    """Posts one message at a time."""

    def __init__(self, way: ToEndpoints) -> None:
        self._way = way

    def deliver(self, envelope: Envelope, letter: Letter, *, now: datetime) -> None:
        """Post it. Raises `Refused`, `Delayed`."""
        target = _target(int(envelope.address))
        try:
            self._post(target, envelope, letter, now=now)
        except (Refused, Delayed) as failure:
            said = addresses.without(target.address, target.secret, str(failure))
            _note(target, said, switches_off=isinstance(failure, Gone), now=now)
            failure.args = (said,)
            raise
        _note(target, None, now=now)

    def kept(self, letter: Letter) -> str:
        """Return its text, which has no private link."""
        return letter.text

    def _post(self, target: Target, envelope: Envelope, letter: Letter, *, now: datetime) -> None:
        settings: Settings = current_app.config["SETTINGS"]
        post = self._way.spoken(target, envelope, letter, now)
        try:
            answer = outside.post(
                post.address,
                post.body,
                post.headers,
                may_be_here=addresses.may_be_here(settings),
            )
        except outside.NotOutsideError as error:
            raise Refused(NOT_OUTSIDE) from error
        except outside.NoAnswerError as error:
            raise Delayed(str(error)) from error
        understand_status(answer)
        self._way.understood(answer)


def understand_status(answer: Answer) -> None:
    """Raise `Gone`, `Delayed` or `Refused` for a status that is no success."""
    status, said = answer.status, f"HTTP {answer.status}"
    if status in range(200, 300):
        return
    if status in range(300, 400):
        raise Refused(LED_ON)
    if status == 410:
        raise Gone(GONE)
    if status in _AGAIN_LATER or status >= 500:
        raise Delayed(said, after=_pause(answer))
    raise Refused(said)


def _pause(answer: Answer) -> timedelta | None:
    if answer.retry_after_s is None:
        return None
    return timedelta(seconds=min(answer.retry_after_s, LONGEST_PAUSE.total_seconds()))


def _target(endpoint_id: int) -> Target:
    """Return whom to write to, and keep no session open meanwhile. Raises `Refused`."""
    endpoint = queries.perhaps_deleted(endpoint_id)
    is_deleted, is_on = endpoint.deleted_at is not None, endpoint.is_on
    plain = addresses.opened(endpoint.sealed)
    db.session.rollback()
    if is_deleted:
        raise Refused(DELETED)
    if not is_on:
        raise Refused(SWITCHED_OFF)
    if plain is None:
        raise Refused(UNREADABLE)
    return Target(endpoint_id, *plain)


def _note(
    target: Target, failure: str | None, *, switches_off: bool = False, now: datetime
) -> None:
    with transaction():
        queries.note(target.id, failure=failure, switches_off=switches_off, now=now)
