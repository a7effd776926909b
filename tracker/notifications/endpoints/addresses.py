"""Addresses that administrators enter: which are taken, and what of them may be shown again."""

import base64
import binascii
import json
import secrets
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

import idna

from tracker.config import Settings
from tracker.notifications.channels.outside import is_here, is_outside
from tracker.notifications.endpoints.models import EndpointKind
from tracker.web.sealing import seal, unseal

PURPOSE: Final = "endpoint"
LONGEST: Final = 500
SECRET_BEGINS: Final = "whsec_"  # noqa: S105 - how each begins
SECRET_BYTES: Final = range(24, 65)
"""How long Standard Webhooks lets a secret be."""
_NEW_SECRET_BYTES: Final = 32
_LAST: Final = 4
"""So many letters of a key are shown, so that two can be told apart."""


def may_be_here(settings: Settings) -> bool:
    """Tell whether news may go to this machine itself: in a demonstration, and in development alone."""
    return settings.demo or settings.environment != "production"


def normalised(typed: str, kind: EndpointKind, settings: Settings) -> str | None:
    """Return an address in its one spelling; None for what nothing may be sent to."""
    if len(typed) > LONGEST or not typed.isprintable() or " " in typed:
        return None
    try:
        parts = urlsplit(typed)
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except ValueError:  # idna's errors, too
        return None
    local = may_be_here(settings) and is_here(host)
    if parts.scheme not in (("https", "http") if local else ("https",)):
        return None
    if not host or parts.username is not None or not (local or is_outside(host)):
        return None
    if not (parts.path + parts.query).isascii() or not _has_key(parts, kind):
        return None
    place = f"[{host}]" if ":" in host else host
    netloc = place if port is None else f"{place}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))


def _has_key(parts: SplitResult, kind: EndpointKind) -> bool:
    """Tell whether an address is one of its kind: each messenger keeps the robot's key elsewhere."""
    asked = dict(parse_qsl(parts.query))
    match kind:
        case EndpointKind.WECOM:
            return bool(asked.get("key"))
        case EndpointKind.DINGTALK:
            return bool(asked.get("access_token"))
        case EndpointKind.FEISHU:
            return "/hook/" in parts.path and not parts.path.endswith("/hook/")
        case EndpointKind.WEBHOOK:
            return True


def shown(address: str) -> str:
    """Return what pages and the trail may show of an address: where it leads, and the end of its key."""
    parts = urlsplit(address)
    rest = parts.path.strip("/") + parts.query
    end = rest[-_LAST:] if len(rest) > 2 * _LAST else ""
    return f"{parts.scheme}://{parts.netloc}" + (f"/…{end}" if rest else "")


def without(address: str, secret: str, said: str) -> str:
    """Return what a receiver said without anything that lets others write there in its place."""
    parts = urlsplit(address)
    keys = {address, secret, parts.query, parts.path, *parts.path.split("/")}
    keys |= {value for _name, value in parse_qsl(parts.query)}
    for key in sorted(keys, key=len, reverse=True):
        if len(key) > _LAST:
            said = said.replace(key, "…")
    return said


def new_secret() -> str:
    """Return a secret that nobody guesses, as Standard Webhooks spells them."""
    return SECRET_BEGINS + base64.b64encode(secrets.token_bytes(_NEW_SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes | None:
    """Return the bytes that a webhook's secret stands for; None for what is no such secret."""
    if not secret.startswith(SECRET_BEGINS):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_BEGINS), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) in SECRET_BYTES else None


def sealed(address: str, secret: str) -> str:
    """Return address and secret as the database keeps them: sealed with the server's own secret."""
    return seal(json.dumps([address, secret]), purpose=PURPOSE)


def opened(text: str) -> tuple[str, str] | None:
    """Return address and secret; None when they were sealed with a secret that is gone."""
    plain = unseal(text, purpose=PURPOSE)
    if plain is None:
        return None
    address, secret = json.loads(plain)
    return address, secret
