"""What a requester holds: the reference, the private link's token and the six-digit code.

Pure. A reference is easy to read over the phone and tells nothing. Token and code are HMACs of
the request's id and its own salt under the server's secret: nothing is stored, a new salt
revokes both, and an earlier secret still verifies while it is being rotated out.
"""

import hmac
import random
import re
import unicodedata
from base64 import b32decode, b32encode, urlsafe_b64encode
from binascii import Error as NotBase32Error
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

Secrets: TypeAlias = str | Sequence[str]
"""The server's secret, or several: the first signs, every one verifies."""

REFERENCE_DIGITS: Final = 10
CODE_DIGITS: Final = 6
MAC_BYTES: Final = 16
SALT_BYTES: Final = 16
"""128 bits: nobody guesses a link."""
ID_BYTES: Final = 8

# What people write between the digits of a reference. NFKC has made full-width ones plain.
_SEPARATORS: Final = re.compile(r"[\s\-\u2010-\u2015\u2212\u30fc]+")
_TOKEN: Final = re.compile(r"[A-Za-z2-7]+")
_BASE32_BLOCK: Final = 8


def new_reference(chance: random.Random) -> str:
    """Return a random reference: ten digits, the first not 0, the last a Luhn check digit.

    `chance` must be `random.SystemRandom` outside tests. Whether the reference is still free is
    for the caller to see.
    """
    body = str(chance.randrange(10 ** (REFERENCE_DIGITS - 2), 10 ** (REFERENCE_DIGITS - 1)))
    return with_check_digit(body)


def with_check_digit(body: str) -> str:
    """Return `body`, nine digits of which the first is not 0, with its check digit."""
    return body + _check_digit(body)


def format_reference(reference: str) -> str:
    """Return a reference in groups that are easy to read out: `482-109-3749`."""
    return f"{reference[:3]}-{reference[3:6]}-{reference[6:]}"


def typed_digits(text: str) -> str | None:
    """Return the digits of a number, or of a part of one, as somebody typed it; None for words."""
    digits = _digits(text)
    return digits if _is_number(digits) else None


def parse_reference(text: str) -> str | None:
    """Return the ten digits of a reference as somebody typed it, or None if it cannot be one.

    Spaces, dashes and full-width digits are understood. A mistyped digit, and nearly every swap
    of two neighbours, fails the check digit.
    """
    digits = _digits(text)
    if len(digits) != REFERENCE_DIGITS or not _is_number(digits) or digits[0] == "0":
        return None
    return digits if _check_digit(digits[:-1]) == digits[-1] else None


def link_token(secrets: Secrets, request_id: int, salt: str) -> str:
    """Return the token of a private link: lower-case letters and digits only.

    Mail programs and messengers cut a link at a trailing dash or dot, hence no base64. The
    token carries the id, so that it finds its request; it is worth nothing without the rest.
    Raises `ValueError` for an id below 1, or when there is no secret.
    """
    mac = _mac(_first(secrets), "link", request_id, salt)[:MAC_BYTES]
    compact_id = request_id.to_bytes((request_id.bit_length() + 7) // 8, "big")
    return b32encode(compact_id + mac).decode().rstrip("=").lower()


def parse_link_token(token: str) -> tuple[int, bytes] | None:
    """Return the id and the MAC that a token carries, or None for any other text.

    This proves nothing yet: see `matches_link`.
    """
    if not _TOKEN.fullmatch(token):
        return None
    padding = "=" * (-len(token) % _BASE32_BLOCK)
    try:
        carried = b32decode(token.upper() + padding)
    except NotBase32Error:
        return None
    compact_id, mac = carried[:-MAC_BYTES], carried[-MAC_BYTES:]
    # One request has one token: no leading zeros, no loose bits at the end.
    is_canonical = b32encode(carried).decode() == token.upper() + padding
    if not 1 <= len(compact_id) <= ID_BYTES or compact_id[0] == 0 or not is_canonical:
        return None
    return int.from_bytes(compact_id, "big"), mac


def mark_of_link(salt: str) -> str:
    """Return by what a link is known again, and from which nobody can make it."""
    return sha256(f"shishi/mark/1\0{salt}".encode()).hexdigest()[:16]


def salt_after(secrets: Secrets, token: str, form_key: str) -> str:
    """Return the salt that the form of `form_key` gives to the request of the link `token`.

    The same form sent again gives the same, and nobody else can tell what it gives.
    Raises `ValueError` when there is no secret.
    """
    return _salt_after(_first(secrets), token, form_key)


def is_salt_after(secrets: Secrets, salt: str, token: str, form_key: str) -> bool:
    """Tell whether `salt` came of that link by that form, in constant time."""
    expected = (_salt_after(key, token, form_key).encode() for key in _each(secrets))
    return _is_one_of(salt.encode(), expected)


def _salt_after(key: str, token: str, form_key: str) -> str:
    # Unambiguous: neither has a NUL.
    signed = f"shishi/salt/1\0{token}\0{form_key}".encode("utf-8", "replace")
    mac = hmac.digest(key.encode(), signed, sha256)
    return urlsafe_b64encode(mac[:SALT_BYTES]).decode().rstrip("=")


def matches_link(secrets: Secrets, token: str, request_id: int, salt: str) -> bool:
    """Tell whether `token` is the private link of this request, in constant time."""
    parsed = parse_link_token(token)
    if parsed is None:
        return False
    carried_id, mac = parsed
    expected = (_mac(key, "link", request_id, salt)[:MAC_BYTES] for key in _each(secrets))
    return _is_one_of(mac, expected) and carried_id == request_id


def tracking_code(secrets: Secrets, request_id: int, salt: str) -> str:
    """Return the six digits that, with the reference, open the same page as the link.

    Six digits can be tried out: the page that asks for them must be throttled.
    Raises `ValueError` for an id below 1, or when there is no secret.
    """
    return _code(_first(secrets), request_id, salt)


def matches_code(secrets: Secrets, code: str, request_id: int, salt: str) -> bool:
    """Tell whether `code`, as somebody typed it, belongs to this request, in constant time."""
    expected = (_code(key, request_id, salt).encode() for key in _each(secrets))
    return _is_one_of(_digits(code).encode("utf-8", "replace"), expected)


def _code(key: str, request_id: int, salt: str) -> str:
    number = int.from_bytes(_mac(key, "code", request_id, salt), "big")
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}}"


def _mac(key: str, purpose: str, request_id: int, salt: str) -> bytes:
    """Sign for one purpose only: a code says nothing about the link of the same request."""
    if request_id < 1:
        message = "Only a saved request has a link."
        raise ValueError(message)
    # Unambiguous: the purpose has no NUL, the id a fixed length, the salt is the rest.
    signed = f"shishi/{purpose}/1\0".encode() + request_id.to_bytes(ID_BYTES, "big") + salt.encode()
    return hmac.digest(key.encode(), signed, sha256)


def _each(secrets: Secrets) -> Iterator[str]:
    yield from (secrets,) if isinstance(secrets, str) else secrets


def _first(secrets: Secrets) -> str:
    key = next(_each(secrets), "")
    if not key:
        message = "There is no secret to sign with."
        raise ValueError(message)
    return key


def _is_one_of(given: bytes, expected: Iterator[bytes]) -> bool:
    # A list, not a generator: every one is compared, so that the time tells nothing.
    return any([hmac.compare_digest(given, each) for each in expected])  # noqa: C419


def _digits(text: str) -> str:
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _check_digit(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
