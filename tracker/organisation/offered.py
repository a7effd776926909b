"""Units, areas and categories as filters offer them, in the language of the reader.

Made once for all who read the same: hundreds of lines, of which hardly one changes in a month.
"""

from collections.abc import Sequence
from typing import Any

from tracker.organisation import queries
from tracker.organisation.queries import Node
from tracker.set_up import until_set_up_changes
from tracker.web.locale import in_locale, localized
from tracker.web.options import INDENT, Options


def indented(node: Node[Any]) -> str:
    """Return the name of a node of a tree, set in below those above it."""
    return INDENT * node.depth + localized(node.thing)


@until_set_up_changes
def unit_options(locale: str, within: frozenset[int]) -> Options:
    """Offer the units `within`, ended ones too: what they did is still looked for."""
    return _options(locale, queries.unit_tree(within=within, ended=True))


@until_set_up_changes
def area_options(locale: str, *, ended: bool) -> Options:
    """Offer the areas, with `ended` those that are no longer in use as well."""
    return _options(locale, queries.area_tree(ended=ended))


@until_set_up_changes
def category_options(locale: str, *, ended: bool) -> Options:
    """Offer the categories, with `ended` those that are no longer in use as well."""
    return _options(locale, queries.category_tree(ended=ended))


def _options(locale: str, nodes: Sequence[Node[Any]]) -> Options:
    with in_locale(locale):
        return Options((node.thing.id, indented(node)) for node in nodes)
