"""What went wrong with a message, in words for administrators who are no programmers."""

import re
from collections.abc import Sequence
from typing import Final

from flask_babel import LazyString, lazy_gettext as _l

from tracker.notifications.words import REASONS

_NO_SUCH_HOST: Final = _l("The address was not found: is it spelt right?")
_REFUSED: Final = _l("The other side refused it (%(number)s).")
_LATER: Final = _l("The other side could not take it just now (%(number)s).")
_IN_WORDS: Final[Sequence[tuple[re.Pattern[str], LazyString]]] = (
    (re.compile(r"gaierror\b|.*Name or service not known"), _NO_SUCH_HOST),
    (re.compile(r"ConnectionRefusedError\b"), _l("Nobody answers at this address.")),
    (re.compile(r"(?:\w*Timeout\w*|timeout)\b"), _l("No answer came in time.")),
    (
        re.compile(r"SSL\w*Error\b"),
        _l("No safe connection could be made: is the certificate of the other side valid?"),
    ),
    (
        re.compile(r"OSError: (?:No route to host|Network is unreachable)"),
        _l("This address cannot be reached from the server."),
    ),
    (
        re.compile(r"(?:Connection\w*Error|BrokenPipeError|RemoteDisconnected|SMTPServerDisc\w+)\b"),
        _l("The connection broke off."),
    ),
    (re.compile(r"SMTPAuthenticationError\b|(?P<number>53[045]) "), _l(
        "The mail server does not accept the name or password that is set up."
    )),
    (re.compile(r"HTTP (?P<number>408|425|429|5\d\d)$"), _LATER),
    (re.compile(r"HTTP (?P<number>\d{3})$"), _REFUSED),
    (re.compile(r"(?P<number>4\d\d)[ -]"), _LATER),
    (re.compile(r"(?P<number>5\d\d)[ -]"), _REFUSED),
)  # fmt: skip
_ELSE: Final = _l("It could not be sent.")


def in_words(said: str) -> str:
    """Return what a message's error means; the error itself where it is a reason of our own."""
    if said in REASONS:
        return str(REASONS[said])
    for pattern, words in _IN_WORDS:
        found = pattern.match(said)
        if found is not None:
            return str(words) % found.groupdict()
    return str(_ELSE)


def technical(said: str) -> str:
    """Return what stands in small print behind the words: what was said; "" of reasons of our own."""
    return "" if said in REASONS else said
