"""Closed by default: a page without `@public` asks who is there.

Who the signed-in person is and what they hold is loaded by a function that `create_app`
hands in, because people, units and teams live above this layer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TypeVar

from flask import (
    Flask,
    Response,
    current_app,
    g,
    has_request_context,
    redirect,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect, generate_csrf
from itsdangerous import URLSafeTimedSerializer
from werkzeug.wrappers import Response as BaseResponse

from tracker.errors import NotPermittedError
from tracker.permissions import Actor, resident
from tracker.web.addresses import LONGEST_ADDRESS
from tracker.web.kept import kept_from_request, kept_page

View = TypeVar("View", bound=Callable[..., object])
ActorLoader = Callable[[str], "Actor | None"]

csrf = CSRFProtect()
_login = LoginManager()
_PUBLIC_ENDPOINTS = frozenset({"static", "vendor"})


@dataclass(eq=False)
class SignedIn(UserMixin):  # type: ignore[misc]  # the package carries no types
    """What Flask-Login keeps of a person: the token of this session, and the actor."""

    session_token: str
    actor: Actor

    def get_id(self) -> str:
        """Return the revocable token, not the person's id: it names this session alone."""
        return self.session_token


def init_app(app: Flask, *, load_actor: ActorLoader) -> None:
    """Guard every view of `app`."""
    csrf.init_app(app)
    app.jinja_env.globals["csrf_token"] = _csrf_token
    app.context_processor(lambda: {"csrf_token": _csrf_token})
    _login.init_app(app)
    app.extensions["actor_loader"] = load_actor
    _login.session_protection = None  # addresses change on phones; the token is revocable

    @_login.user_loader  # type: ignore[untyped-decorator]
    def load(session_token: str) -> SignedIn | None:
        actor = load_actor(session_token)
        return SignedIn(session_token, actor) if actor else None

    @app.before_request
    def ask_who_is_there() -> BaseResponse | None:
        if is_public(request.endpoint, app) or actor_or_none() is not None:
            return None
        if request.method in ("GET", "HEAD"):
            return redirect(_sign_in_address(request.full_path.rstrip("?")), 303)
        kept = kept_from_request()
        if kept is not None:
            return current_app.make_response((kept_page(kept, is_signed_in=False), 401))
        return redirect(_sign_in_address(safe_return_path()), 303)

    @app.after_request
    def forget_nothing_private(response: Response) -> Response:
        is_page = (
            request.endpoint not in _PUBLIC_ENDPOINTS
            or response.status_code >= HTTPStatus.BAD_REQUEST
        )
        # Only what a view said itself that the reader's own browser may keep is kept, by that alone:
        # Flask would let everybody keep whatever is sent as a file.
        if is_page and not response.cache_control.private:
            response.headers["Cache-Control"] = "no-store"
        return response


def public(view: View) -> View:
    """Mark a view as open to people who have not signed in."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def is_public(endpoint: str | None, app: Flask | None = None) -> bool:
    """Tell whether a visitor may open `endpoint`. What does not exist is public: it answers 404."""
    if endpoint is None or endpoint in _PUBLIC_ENDPOINTS:
        return True
    view = (app or current_app).view_functions[endpoint]
    return bool(getattr(view, "is_public", False))


def actor_or_none() -> Actor | None:
    """Return the signed-in actor, or None for a visitor."""
    if not current_user.is_authenticated:
        return None
    actor: Actor = current_user.actor
    return actor


def session_token_or_none() -> str | None:
    """Return the token of this browser's session, or None for a visitor."""
    return current_user.session_token if current_user.is_authenticated else None


def signed_in_actor() -> Actor:
    """Return the signed-in actor.

    Raises `NotPermittedError` when there is none, which the guard above prevents.
    """
    actor = actor_or_none()
    if actor is None:
        message = "Nobody is signed in."
        raise NotPermittedError(message)
    return actor


def actor_or_resident() -> Actor:
    """Return the signed-in actor, or a visitor who holds no link."""
    return actor_or_none() or resident()


def require_what_was_held() -> None:
    """Raise `NotPermittedError` if who is there has lost something since the page began.

    Asked by every change when its turn has come: photos take seconds to be worked on, and others
    may write first. Whoever was ended meanwhile acts no more.
    """
    actor = actor_or_none() if has_request_context() else None
    if actor is not None and not actor.still_holds(_load_actor(current_user.session_token)):
        message = "What they held has ended since."
        raise NotPermittedError(message)


def safe_path(path: str | None) -> str | None:
    """Return `path` if it stays on this site, else None. Guards against open redirects."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")):
        return None
    if "\\" in path or any(ord(character) < 32 for character in path):
        return None
    return path


def _sign_in_address(path: str) -> str:
    """Return where to sign in and go on with `path`, unless that would be too long for an address."""
    address = url_for("accounts.sign_in", next=path)
    return address if len(address) <= LONGEST_ADDRESS else url_for("accounts.sign_in")


def safe_return_path() -> str:
    """Return the page that the browser came from, if it is ours, else the front page."""
    origin = request.host_url.rstrip("/")
    referrer = request.referrer or ""
    if referrer.startswith(origin + "/"):
        return safe_path(referrer[len(origin) :]) or "/"
    return "/"


def begin_session(session_token: str, *, remember: bool = False) -> Actor:
    """Let this browser be in the session that `session_token` names; one of before is forgotten.

    Raises `NotPermittedError` when the token names nobody.
    """
    actor = _load_actor(session_token)
    if actor is None:
        message = "The token names nobody."
        raise NotPermittedError(message)
    session.clear()
    g.pop("_login_user", None)
    g.pop("csrf_token", None)  # it belonged to the session that ended
    login_user(SignedIn(session_token, actor), remember=remember)
    return actor


def _csrf_token() -> str:
    """Return the token of this session's forms, as Flask-WTF does, which signs it anew for every page."""
    mark = session.get("csrf_token")
    if isinstance(mark, str) and "csrf_token" not in g:
        g.csrf_token = _signed(str(current_app.secret_key), mark)
    return str(generate_csrf())


@lru_cache(maxsize=1024)
def _signed(secret: str, mark: str) -> str:
    # It does not run out, so that it may be as old as the session.
    return str(URLSafeTimedSerializer(secret, salt="wtf-csrf-token").dumps(mark))


def end_session() -> None:
    """Let this browser forget everything about the visitor but the language.

    Ending the session itself, for copies of its cookie, is `accounts.sessions`' to do.
    """
    logout_user()
    cookie_is_to_go = session.get("_remember")
    session.clear()
    if cookie_is_to_go:
        session["_remember"] = cookie_is_to_go  # Flask-Login clears its cookie by this mark


def _load_actor(session_token: str) -> Actor | None:
    load: ActorLoader = current_app.extensions["actor_loader"]
    return load(session_token)
