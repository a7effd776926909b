"""The manual that the product serves: some pages of docs/, in the reader's language.

They are read into plain nodes, which a template prints: nothing of a document reaches a page as HTML.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from flask_babel import lazy_gettext as _l
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from tracker.config import ROOT
from tracker.errors import NotFoundError
from tracker.web.locale import CHINESE

TITLES: Final = {
    "messages": _l("Messages"),
    "channels": _l("Ways besides mail"),
    "clocks": _l("Time limits"),
    "routing": _l("Dispatch rules"),
    "dispatch": _l("Several teams on one request"),
}
"""The pages that are served, by their name under docs/, in the order in which they are offered."""
FOLDERS: Final = {CHINESE: ROOT / "docs" / "zh"}
"""Where the pages of a language lie; those of every other one in docs/ itself."""
_READER: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Node:
    """One piece of a page: `kind` is what Markdown's grammar calls it."""

    kind: str
    text: str = ""
    children: tuple["Node", ...] = ()
    page: str = ""
    """Of a link: the page of the manual that it leads to; empty where that is not served."""
    heading: str = ""
    """Of a table: under which heading it stands."""

    @property
    def words(self) -> str:
        """Return all its text without any form."""
        return self.text + "".join(child.words for child in self.children)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the manual."""

    title: str
    nodes: Sequence[Node]


@lru_cache(maxsize=len(TITLES) * 2)
def page(name: str, locale: str) -> Page:
    """Return a page in a language. Raises `NotFoundError`."""
    if name not in TITLES:
        message = "There is no such page of the manual."
        raise NotFoundError(message)
    source = (FOLDERS.get(locale, ROOT / "docs") / f"{name}.md").read_text(encoding="utf-8")
    nodes = tuple(_under_headings(SyntaxTreeNode(_READER.parse(source)).children))
    return Page(nodes[0].words, nodes[1:])


def _under_headings(children: Sequence[SyntaxTreeNode]) -> Iterator[Node]:
    heading = ""
    for child in children:
        node = _node(child, heading)
        if child.type == "heading":
            heading = node.words
        yield node


def _node(it: SyntaxTreeNode, heading: str = "") -> Node:
    is_leaf = it.type in ("text", "code_inline", "fence", "code_block")
    target = str(it.attrs.get("href", "")).partition("#")[0].removesuffix(".md")
    return Node(
        kind=f"h{it.tag[1:]}" if it.type == "heading" else it.type,
        text=" " if it.type == "softbreak" else it.content if is_leaf else "",
        children=tuple(_node(child) for child in it.children),
        page=target if target in TITLES else "",
        heading=heading if it.type == "table" else "",
    )
