"""Which drafts are this browser's own.

Whoever is sent the address of a draft must not fill it in for the sender to read, nor read what
the sender filled in. So a draft opens only in the browser that began it, which a cookie tells:
without an account there is nothing else that could. It outlasts a closed window and a sign-in.
What somebody began while signed in opens for them alone: several people may share a device.
"""

import secrets
from typing import Final

from flask import after_this_request, current_app, g, request, url_for
from werkzeug.wrappers import Response

from tracker.config import Settings
from tracker.permissions import Actor
from tracker.service_requests.actions import drafts
from tracker.web.access import actor_or_none

COOKIE: Final = "shishi_drafts"
KEPT_SECONDS: Final = int(2 * drafts.KEPT.total_seconds())
"""Longer than any draft; begun anew whenever one is kept."""


def new_key() -> str:
    """Return the key of a new draft of this browser, and let the browser remember itself."""
    return drafts.new_key(_begun_by(actor_or_none(), remembered_browser()), _settings().secret_key)


def is_own(key: str) -> bool:
    """Tell whether this browser began the draft with this key. No other text is a key of its.

    By a visitor, or by who is signed in now.
    """
    settings, browser = _settings(), _browser_or_none() or ""
    known = (settings.secret_key, *settings.secret_key_fallbacks)
    return any(
        drafts.is_begun_in(_begun_by(author, browser), key, known)
        for author in (None, actor_or_none())
    )


def _begun_by(author: Actor | None, browser: str) -> str:
    return browser if author is None else f"{browser} {author.person_id}"


def remembered_browser() -> str:
    """Return the number of this browser, and let it keep the number for two days from now."""
    browser: str = g.get("drafts_browser") or _browser_or_none() or secrets.token_urlsafe(24)
    if "drafts_browser" not in g:
        g.drafts_browser = browser
        after_this_request(_set_cookie)
    return browser


def _browser_or_none() -> str | None:
    number = request.cookies.get(COOKIE, "")
    return number if drafts.is_key(number) else None


def _set_cookie(answer: Response) -> Response:
    answer.set_cookie(
        COOKIE,
        g.drafts_browser,
        max_age=KEPT_SECONDS,
        path=url_for("ask.new"),
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return answer


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
