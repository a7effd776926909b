"""What every way of sending offers, and how it says that something did not go."""

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from tracker.config import Settings
from tracker.notifications.letters import Envelope, Letter


class Refused(Exception):  # noqa: N818 - it is not an error of ours
    """The other side says that it will never take this message."""


class Delayed(Exception):  # noqa: N818 - it is not an error of ours
    """It did not go this time; it is tried again. What it says stands on the page of messages.

    `after`: for how long the other side asks to be left alone.
    """

    def __init__(self, said: str, *, after: timedelta | None = None) -> None:
        super().__init__(said)
        self.after = after


class Line(Protocol):
    """An open line, for one batch of messages."""

    def deliver(self, envelope: Envelope, letter: Letter, *, now: datetime) -> None:
        """Hand one message over. Raises `Refused`, or `Delayed` when it is to be tried again.

        A message that was tried before may have arrived: its `message_key` lets the other side know it.
        """

    def kept(self, letter: Letter) -> str:
        """Return what goes out of a letter, as its row keeps it.

        Private links are useless in it, but on a demonstration's page: nobody else may use them.
        """


class Carrier(Protocol):
    """One way of sending."""

    def is_ready(self, settings: Settings) -> bool:
        """Tell whether it is set up; messages wait until then."""

    def line(self, settings: Settings) -> AbstractContextManager[Line]:
        """Open a line for one batch. Raises `Delayed` when there is none now."""
