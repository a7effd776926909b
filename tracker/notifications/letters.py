"""Messages as their reader gets them: written when they are sent, in the reader's language."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from flask import current_app, render_template

from tracker.config import Settings
from tracker.notifications.models import Channel
from tracker.web.locale import in_locale

TIMES: Final = ("due_at", "answer_by", "visit_from", "visit_to", "expires_at")
DAYS: Final = ("parked_until",)
_PRIVATE = re.compile(r"(/(?:track|invitation|reset)/)[^\s/?#]+")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What sending needs of a row, so that no session stays open while a server answers."""

    id: int
    channel: Channel
    kind: str
    address: str
    locale: str
    payload: dict[str, Any]
    message_key: str
    created_at: datetime
    wanted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is sent."""

    subject: str
    text: str
    html: str
    short: str
    """For a text message: who writes, what it is about, and the link."""


def letter(envelope: Envelope) -> Letter:
    """Return the message as its reader gets it. The first line of the template is the subject."""
    settings: Settings = current_app.config["SETTINGS"]
    # A request's context, so that links can be made; a worker has none of its own.
    with (
        current_app.test_request_context(base_url=settings.public_url),
        in_locale(envelope.locale),
    ):
        text = render_template(
            f"mail/{envelope.kind}.txt",
            public_url=settings.public_url,
            **{name: _thawed(name, value) for name, value in envelope.payload.items()},
        )
        subject, _, body = text.strip().partition("\n")
        paragraphs = [part.strip() for part in body.strip().split("\n\n") if part.strip()]
        html = render_template("mail/letter.html", subject=subject, paragraphs=paragraphs)
        link = next((part for part in paragraphs if _is_link(part)), "")
        short = render_template("mail/short.txt", subject=subject, link=link)
    # One line, whatever a name in it holds: what follows a line break would be a header of its own.
    return Letter(" ".join(subject.split()), "\n\n".join(paragraphs) + "\n", html, short.strip())


def _is_link(paragraph: str) -> bool:
    return paragraph.startswith(("http://", "https://"))


def _thawed(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a time or day of a payload, which JSON keeps as text."""
    if not isinstance(value, str):
        return value
    if name in TIMES:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if name in DAYS else value


def without_private_links(text: str) -> str:
    """Return `text` with every one-time and private link made useless."""
    return _PRIVATE.sub(r"\1…", text)
