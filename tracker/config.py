"""Every setting, typed and frozen, read once from the environment.

docs/configuration.md is printed from the docstrings below. There is no default secret: the
development server (`tracker.serve`) makes one and keeps it under `instance/`.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class ConfigurationError(Exception):
    """The environment asks for something that cannot be served safely."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation can choose. See docs/configuration.md."""

    secret_key: str = field(repr=False)
    """Signs sessions, tracking links and codes. At least 32 characters. Without it, the one that
    `make run` made and keeps in `instance/secret_key` is used."""
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    """Earlier secrets that still verify, while they are being rotated out."""
    database_url: str = f"sqlite:///{ROOT / 'instance' / 'shishi.db'}"
    """An SQLAlchemy address: `sqlite:///…` or `postgresql://…`."""
    instance_path: Path = ROOT / "instance"
    """Where uploads, the kept secret and the embedded database live."""
    environment: str = "production"
    """`production` refuses unsafe settings; `development` and `testing` do not."""
    debug: bool = False
    """Flask's debugger. Refused in production."""
    demo: bool = False
    """Shows the demo people on the sign-in page and outgoing mail on a page."""
    public_url: str = "http://127.0.0.1:8000"
    """Where people reach the product; links in messages begin with it."""
    cookies_secure: bool = False
    """Send cookies over https only. On when `public_url` is https."""
    trusted_proxies: int = 0
    """How many reverse proxies stand before the server and set X-Forwarded-*."""
    smtp_url: str = ""
    """`smtp://user:password@host:587` or `smtps://…`; empty: mail stays in the outbox page."""
    mail_from: str = "shishi@localhost"
    """The sender of every mail."""
    sms_url: str = ""
    """Where the gateway of text messages takes them, `https://…`; empty: there are none, and nobody
    is offered any. See docs/channels.md."""
    sms_secret: str = field(default="", repr=False)
    """Signs what the gateway gets: `whsec_` and 24 to 64 bytes in base64."""
    argon2_time_cost: int = 3
    """Work factor of password hashes. Lower it in tests only."""
    argon2_memory_kib: int = 65536
    """Memory of password hashes, in KiB."""

    @property
    def uploads_path(self) -> Path:
        """Return the folder that holds photos."""
        return self.instance_path / "uploads"

    @property
    def is_sqlite(self) -> bool:
        """Tell whether the embedded database is used."""
        return self.database_url.startswith("sqlite")


def settings_from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that the environment describes.

    Raises `ConfigurationError`, naming the variable, when one is missing, cannot be read or is
    unsafe in production.
    """
    given = os.environ if environ is None else environ
    settings = _read(given)
    check(settings)
    return settings


def _read(given: Mapping[str, str]) -> Settings:
    def text(name: str, default: str) -> str:
        return given.get(name, "") or default

    def flag(name: str, *, default: bool) -> bool:
        value = given.get(name, "").strip().lower()
        if value in ("", "1", "0", "true", "false", "yes", "no", "on", "off"):
            return default if not value else value in ("1", "true", "yes", "on")
        message = f"{name} must be true or false, not {value!r}."
        raise ConfigurationError(message)

    def number(name: str, default: int) -> int:
        value = given.get(name, "").strip()
        if not value:
            return default
        if not value.isdigit():
            message = f"{name} must be a whole number, not {value!r}."
            raise ConfigurationError(message)
        return int(value)

    instance = Path(text("INSTANCE_PATH", str(ROOT / "instance"))).resolve()
    public_url = text("PUBLIC_URL", f"http://127.0.0.1:{number('PORT', 8000)}").rstrip("/")
    return Settings(
        secret_key=given.get("SECRET_KEY", "") or _kept_secret(instance),
        secret_key_fallbacks=tuple(filter(None, given.get("SECRET_KEY_FALLBACKS", "").split(","))),
        database_url=text("DATABASE_URL", f"sqlite:///{instance / 'shishi.db'}"),
        instance_path=instance,
        environment=text("SHISHI_ENV", "production"),
        debug=flag("FLASK_DEBUG", default=False),
        demo=flag("DEMO", default=False),
        public_url=public_url,
        cookies_secure=flag("COOKIES_SECURE", default=public_url.startswith("https://")),
        trusted_proxies=number("TRUSTED_PROXIES", 0),
        smtp_url=given.get("SMTP_URL", ""),
        mail_from=text("MAIL_FROM", "shishi@localhost"),
        sms_url=given.get("SMS_URL", ""),
        sms_secret=given.get("SMS_SECRET", ""),
    )


def _kept_secret(instance: Path) -> str:
    """Return the secret that `tracker.serve` made and keeps, so that commands use the same one."""
    path = instance / "secret_key"
    return path.read_text().strip() if path.is_file() else ""


def check(settings: Settings) -> None:
    """Raise `ConfigurationError` when `settings` must not be served."""
    if settings.environment not in ("production", "development", "testing"):
        message = "SHISHI_ENV must be production, development or testing."
        raise ConfigurationError(message)
    if not settings.secret_key:
        message = "SECRET_KEY is not set. Make one: python -c 'import secrets; print(secrets.token_hex())'"
        raise ConfigurationError(message)
    if settings.environment == "production":
        if len(settings.secret_key) < 32:
            message = "SECRET_KEY is too short for production: at least 32 characters."
            raise ConfigurationError(message)
        if settings.debug:
            message = "FLASK_DEBUG must be off in production."
            raise ConfigurationError(message)
    if settings.sms_url and not settings.sms_url.startswith(("https://", "http://")):
        message = "SMS_URL must begin with https:// or http://."
        raise ConfigurationError(message)
    if settings.sms_url and not _is_signing_secret(settings.sms_secret):
        message = (
            "SMS_SECRET must be whsec_ and 24 to 64 bytes in base64. Make one:"
            " echo whsec_$(openssl rand -base64 32)"
        )
        raise ConfigurationError(message)
    if not settings.database_url.startswith(("sqlite:", "postgresql:", "postgresql+psycopg:")):
        message = "DATABASE_URL must begin with sqlite: or postgresql:."
        raise ConfigurationError(message)


def _is_signing_secret(text: str) -> bool:
    """Tell whether a secret is spelt as Standard Webhooks spells them."""
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and len(key) in range(24, 65)
