"""Messages as their reader gets them: written when they are sent, in the reader's language."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from flask import current_app

from tracker.config import Settings
from tracker.notifications.blocks import Block, Draft, Shape
from tracker.notifications.models import Channel
from tracker.notifications.texts import queries as texts
from tracker.notifications.texts.occasions import QUOTES, occasion_of
from tracker.notifications.texts.values import values_of
from tracker.notifications.texts.wording import Words, reword
from tracker.notifications.together import FOR_REQUESTERS
from tracker.organisation import queries as organisation
from tracker.web.locale import HTML_LANG, current_locale, in_locale

TIMES: Final = ("due_at", "answer_by", "visit_from", "visit_to", "expires_at")
DAYS: Final = ("parked_until",)
MOST_NAMED: Final = 30
"""A mail about many things names so many; the reader's page of messages has them all."""
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
    others: tuple["Envelope", ...] = ()
    """What goes in the same mail: see `together`."""
    is_new: bool = False
    """Nobody took it up before: it cannot have arrived yet."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is sent."""

    subject: str
    text: str
    html: str
    short: str
    """For a text message: who writes, what it is about, and the link."""


def letter(envelope: Envelope) -> Letter:
    """Return the message as its reader gets it."""
    with desk(envelope.locale) as here:
        drafts = [here.draft(one.kind, one.payload) for one in (envelope, *envelope.others)]
        return here.shown(here.together(envelope.kind, drafts) if envelope.others else drafts[0])


@contextmanager
def desk(locale: str) -> Iterator["Desk"]:
    """Give where letters are written, in a language."""
    settings: Settings = current_app.config["SETTINGS"]
    # A request's context, so that links can be made; a worker has none of its own.
    with current_app.test_request_context(base_url=settings.public_url), in_locale(locale):
        yield Desk(settings.public_url)


class Desk:
    """Where one letter is written, in one language: what all of its templates know is read once."""

    def __init__(self, public_url: str) -> None:
        self._known = {
            "organisation": organisation.organisation(),
            "current_locale": current_locale(),
            "html_lang": HTML_LANG[current_locale()],
            "public_url": public_url,
        }
        self._changed = texts.changed(current_locale())

    def draft(self, kind: str, payload: Mapping[str, Any], words: Words | None = None) -> Draft:
        """Return what the template of a kind writes, block by block, in an administrator's words.

        `words` go in place of those that were saved; without any of them, ours do.
        """
        facts = thawed(payload)
        draft = self._written(f"mail/{kind}.txt", **facts)
        occasion = occasion_of(kind, payload)
        if occasion is not None:
            changed = self._changed.get((kind, occasion.step)) if words is None else words
            if changed is not None:
                reword(draft, changed, values_of(occasion, facts), quotes=QUOTES)
        return draft

    def together(self, kind: str, drafts: Sequence[Draft]) -> Draft:
        """Return one letter of several; it says nothing that each of them would not have said."""
        if kind == FOR_REQUESTERS:
            return self._written("mail/several_steps.txt", parts=drafts)
        lists = [draft for draft in drafts if draft.items]
        lines = [_line(draft) for draft in drafts if not draft.items]
        return self._written(
            "mail/several.txt",
            total=sum(draft.count for draft in drafts),
            lines=lines[:MOST_NAMED],
            left_out=len(lines[MOST_NAMED:]),
            lists=list(_cut(lists, max(0, MOST_NAMED - len(lines)))),
        )

    def shown(self, draft: Draft) -> Letter:
        """Return the same blocks in each form that something travels in."""
        return Letter(
            draft.subject,
            self._rendered("mail/letter.txt", draft=draft) + "\n",
            self._rendered("mail/letter.html", draft=draft) + "\n",
            self._rendered("mail/short.txt", words=draft.short, link=draft.short_link),
        )

    def _written(self, template: str, **facts: Any) -> Draft:  # noqa: ANN401 - what it prints
        draft = Draft()
        self._rendered(template, write=draft, **facts)
        return draft

    def _rendered(self, template: str, **facts: Any) -> str:  # noqa: ANN401 - what it prints
        return current_app.jinja_env.get_template(template).render(**self._known, **facts).strip()


def _line(draft: Draft) -> Block:
    """Return a letter about one thing as a line of a list."""
    return Block(Shape.ITEM, draft.subject, draft.url, tuple(draft.briefly))


def _cut(lists: Sequence[Draft], room: int) -> Iterator[tuple[Draft, Sequence[Block], int]]:
    """Give each list with the lines that there is room for, and how many more it tells of."""
    for draft in lists:
        named = draft.items[:room]
        room -= len(named)
        yield draft, named, draft.count - len(named)


def thawed(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload with its times and days as such."""
    return {name: _thawed(name, value) for name, value in payload.items()}


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
