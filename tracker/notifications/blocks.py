"""What a letter is made of. Its plain text and its HTML are two ways to show the same blocks."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile


class Shape(enum.StrEnum):
    """What a block is."""

    WORDS = "words"
    """A paragraph."""
    FACT = "fact"
    """A paragraph that says what the letter is about; a list says it shorter."""
    HEADING = "heading"
    QUOTE = "quote"
    """What somebody wrote, as they wrote it."""
    ITEM = "item"
    """One line of a list, with its own link."""
    BUTTON = "button"
    """The one thing to do."""


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a letter, as plain text: whoever shows it escapes it."""

    shape: Shape
    text: str
    url: str = ""
    details: tuple[str, ...] = ()
    """What stands below the line of an item or a button; of a fact, its short form."""


@dataclass(slots=True)
class Draft:
    """A letter while its template writes it, block by block.

    Each method returns an empty text, so that a template can call it where it would print.
    """

    title: str = ""
    reference: str = ""
    """What the letter is about, as its subject ends; empty when it is about no single thing."""
    count: int = 1
    """Of how many things it tells."""
    short_title: str = ""
    """What a text message says in place of the title; empty for the title."""
    leads: str = ""
    """Where a text message about a list of several leads to; a mail has a link for each."""
    blocks: list[Block] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """Return the subject: one line, whatever a name in it holds.

        What followed a line break would be a header of its own.
        """
        return self._headed(self.title)

    @property
    def short(self) -> str:
        """Return what a text message says before the link, on one line."""
        return self._headed(self.short_title or self.title)

    @property
    def url(self) -> str:
        """Return where the one thing to do is done; empty when there is nothing to do."""
        return next((it.url for it in self.blocks if it.shape is Shape.BUTTON), "")

    @property
    def short_link(self) -> str:
        """Return the one link of a text message: the button's, else that of the only line."""
        lines = self.items
        return self.url or (lines[0].url if len(lines) == 1 else self.leads)

    @property
    def items(self) -> Sequence[Block]:
        """Return the lines of its list."""
        return [it for it in self.blocks if it.shape is Shape.ITEM]

    @property
    def lead(self) -> Sequence[Block]:
        """Return what stands before its list."""
        return list(takewhile(lambda it: it.shape is not Shape.ITEM, self.blocks))

    @property
    def runs(self) -> Sequence[tuple[Shape, Sequence[Block]]]:
        """Return the blocks in order, neighbours of one shape together: a list is one thing."""
        return [(shape, list(run)) for shape, run in groupby(self.blocks, lambda it: it.shape)]

    @property
    def briefly(self) -> Sequence[str]:
        """Return what it says, a line each, as it stands under its line in a list of several."""
        said: list[str] = []
        for block in self.blocks:
            match block.shape:
                case Shape.FACT:
                    said += block.details or (block.text,)
                case Shape.WORDS:
                    said.append(block.text)
                case Shape.QUOTE:  # a line of it must not pass for ours, or for our link
                    said.append(f"“{block.text}”")
                case _:
                    pass
        return said

    def _headed(self, title: str) -> str:
        return " ".join((f"{title} · {self.reference}" if self.reference else title).split())

    def titled(self, title: str, reference: str = "", *, count: int = 1) -> str:
        """Give it its subject, and tell of how many things it speaks."""
        self.title, self.reference, self.count = title.strip(), reference.strip(), count
        return ""

    def leads_to(self, url: str) -> str:
        """Say where a text message leads to where there is no button."""
        self.leads = url
        return ""

    def say(self, words: str | None) -> str:
        """Write a paragraph; nothing where there are no words."""
        return self._write(Shape.WORDS, words)

    def fact(self, words: str, brief: str) -> str:
        """Write what it is about, and how a list of several says that."""
        return self._write(Shape.FACT, words, details=(brief,))

    def heading(self, words: str) -> str:
        """Begin a part of its own."""
        return self._write(Shape.HEADING, words)

    def quote(self, words: str | None) -> str:
        """Write what somebody wrote; nothing where there are no words."""
        return self._write(Shape.QUOTE, words)

    def item(self, line: str, url: str = "", details: Sequence[str] = ()) -> str:
        """Write a line of a list, with what stands below it and where it leads."""
        return self._write(Shape.ITEM, line, url, details)

    def button(self, words: str, url: str, *details: str) -> str:
        """Write the one thing to do."""
        return self._write(Shape.BUTTON, words, url, details)

    def again(self, block: Block) -> str:
        """Write a block of another letter."""
        self.blocks.append(block)
        return ""

    def _write(
        self, shape: Shape, words: str | None, url: str = "", details: Sequence[str] = ()
    ) -> str:
        text = _tidy(words or "")
        if text:
            kept = tuple(line for each in details if (line := _tidy(each)))
            self.blocks.append(Block(shape, text, url, kept))
        return ""


def _tidy(words: str) -> str:
    """Return words without space around their lines, and without more than one empty line."""
    lines = [line.strip() for line in str(words).strip().splitlines()]
    return "\n".join(line for place, line in enumerate(lines) if line or lines[max(place - 1, 0)])
