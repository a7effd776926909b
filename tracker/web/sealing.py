"""What travels through a browser and is for nobody to read there: sealed with the server's secret."""

import hashlib
from base64 import urlsafe_b64encode
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app

from tracker.config import Settings


def seal(text: str, *, purpose: str) -> str:
    """Return `text` as letters and digits from which nobody else can read or make anything."""
    return _seal(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str | None:
    """Return what was sealed for the same purpose, also under an earlier secret; else None."""
    try:
        return _seal(purpose).decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError):
        return None


def secrets() -> tuple[str, ...]:
    """Return the server's secret, by which all is made; and earlier ones, which still verify."""
    settings: Settings = current_app.config["SETTINGS"]
    return (settings.secret_key, *settings.secret_key_fallbacks)


def _seal(purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(_key(purpose, secret)) for secret in secrets()])


@cache
def _key(purpose: str, secret: str) -> bytes:
    digest = hashlib.sha256(f"shishi/seal/1/{purpose}\0{secret}".encode()).digest()
    return urlsafe_b64encode(digest)
