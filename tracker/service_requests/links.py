"""Private links and codes of requests, made from the server's secret."""

from typing import Final

from flask import Flask, current_app, url_for
from sqlalchemy import Integer, bindparam, select
from sqlalchemy.orm import joinedload

from tracker.config import Settings
from tracker.database import db
from tracker.errors import NotFoundError
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.reference import (
    format_reference,
    is_salt_after,
    link_token,
    matches_code,
    matches_link,
    parse_link_token,
    parse_reference,
    salt_after,
    tracking_code,
)


def init_app(app: Flask) -> None:
    """Let templates print references and private links."""
    app.jinja_env.filters["reference"] = format_reference
    app.jinja_env.globals["private_link"] = private_link


def private_link(request_id: int, salt: str) -> str:
    """Return the full address of a request's private page."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.public_url + url_for("track.show", token=token_for(request_id, salt))


def token_for(request_id: int, salt: str) -> str:
    """Return the unguessable part of the private link."""
    return link_token(_secrets(), request_id, salt)


def code_for(service_request: ServiceRequest) -> str:
    """Return the six digits that go with the reference."""
    return tracking_code(_secrets(), service_request.id, service_request.link_salt)


_BEHIND: Final = (
    select(ServiceRequest)
    .where(ServiceRequest.id == bindparam("id", type_=Integer))
    .options(joinedload(ServiceRequest.category), joinedload(ServiceRequest.area))
)


def request_behind(token: str, *, form_key: str | None = None) -> ServiceRequest:
    """Return the request of a private link; raises `NotFoundError` for any other text.

    `form_key`: that of the form that may have made its link a new one; `token` is then the link that
    it had until then.
    """
    parsed = parse_link_token(token)
    if parsed is not None:
        found = db.session.scalar(_BEHIND, {"id": parsed[0]})
        if found is not None and (
            matches_link(_secrets(), token, found.id, found.link_salt)
            or (form_key is not None and is_renewed_with(found, token, form_key))
        ):
            return found
    message = "There is no such private link."
    raise NotFoundError(message)


def is_renewed_with(service_request: ServiceRequest, token: str, form_key: str) -> bool:
    """Tell whether that form made the link that the request has now, from `token`."""
    return is_salt_after(_secrets(), service_request.link_salt, token, form_key)


def renewed_salt(token: str, form_key: str) -> str:
    """Return what makes the link that the form of `form_key` replaces `token` with."""
    return salt_after(_secrets(), token, form_key)


def require_link(token: str, service_request: ServiceRequest) -> None:
    """Raise `NotFoundError` unless `token` leads to `service_request` as it is now.

    For whoever waited to change it: the link may have been renewed meanwhile.
    """
    if not matches_link(_secrets(), token, service_request.id, service_request.link_salt):
        message = "The private link was renewed."
        raise NotFoundError(message)


def request_with_code(reference: str, code: str) -> ServiceRequest | None:
    """Return the request whose reference and code somebody typed; None when they do not match.

    An unknown reference costs the same work as a wrong code, so that the time tells nothing.
    The page that asks must be throttled.
    """
    digits = parse_reference(reference) or ""
    found = db.session.scalar(select(ServiceRequest).where(ServiceRequest.reference == digits))
    request_id, salt = (found.id, found.link_salt) if found else (1, "there is no such request")
    return found if matches_code(_secrets(), code, request_id, salt) and found else None


def _secrets() -> tuple[str, ...]:
    settings: Settings = current_app.config["SETTINGS"]
    return (settings.secret_key, *settings.secret_key_fallbacks)
