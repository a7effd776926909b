"""A message as it would go out, filled with an invented example."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tracker.notifications.blocks import Draft
from tracker.notifications.channels.text_message import MOST_PARTS
from tracker.notifications.letters import desk, thawed
from tracker.notifications.sms_length import Length, fitted, length
from tracker.notifications.texts.examples import example_of
from tracker.notifications.texts.occasions import OCCASIONS, Occasion
from tracker.notifications.texts.values import values_of
from tracker.notifications.texts.wording import Words, words_of
from tracker.organisation import queries as organisation
from tracker.web.locale import localized

FOOT: Final = 2
"""So many lines end the plain text of every letter: that nobody reads answers, and who writes."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One message in each form that it travels in."""

    draft: Draft
    """Its blocks, of which its HTML is made."""
    organisation: str
    """Its name in the language of the message: it stands above all."""
    text: str
    """The whole mail as plain text."""
    text_message: str
    """As the gateway gets it: cut where it is too long."""
    length: Length
    """Of the text message, with the whole of its link."""
    is_cut: bool

    @property
    def foot(self) -> Sequence[str]:
        """Return the lines below every letter, as its plain text ends."""
        return self.text.splitlines()[-FOOT:]


def preview(occasion: Occasion, locale: str, words: Words) -> Preview:
    """Return a message in other words than ours; those that are empty are ours."""
    with desk(locale) as here:
        draft = here.draft(occasion.kind, example_of(occasion, locale), words)
        letter = here.shown(draft)
        name = localized(organisation.organisation())
    sent = fitted(letter.short, most=MOST_PARTS)
    return Preview(draft, name, letter.text.strip(), sent, length(sent), sent != letter.short)


def our_words(occasion: Occasion, locale: str) -> Words:
    """Return our words of a message, with variables: what somebody begins with."""
    example = example_of(occasion, locale)
    with desk(locale) as here:
        values = values_of(occasion, thawed(example))
        return words_of(here.draft(occasion.kind, example, Words()), values)


def titles(locale: str) -> Mapping[tuple[str, str], str]:
    """Return the subject of every message in our words, without its reference, by kind and step."""
    with desk(locale) as here:
        return {
            key: here.draft(it.kind, example_of(it, locale), Words()).title
            for key, it in OCCASIONS.items()
        }
