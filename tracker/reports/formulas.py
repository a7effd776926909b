"""What a spreadsheet would take for a formula, and how it is kept from that."""

from typing import Final

DANGEROUS: Final = frozenset("=+-@\t\r\n＝＋－＠")
"""What a spreadsheet may take for the beginning of a formula, full width too."""


class NotComputed(str):
    """A formula of a workbook that does not say what it comes to; only a spreadsheet works that out."""

    __slots__ = ()


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: quoted if it looks like one."""
    return f"'{text}" if text[:1] in DANGEROUS else text


def unquoted(text: str) -> str:
    """Return a text without the quote that `safe` put before it."""
    return text[1:] if text.startswith("'") and text[1:2] in DANGEROUS else text
