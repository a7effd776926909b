"""Photos, to whoever may see the request they belong to."""

from flask import Blueprint, Response, current_app, request, send_file
from sqlalchemy import select

from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import db
from tracker.errors import NotFoundError
from tracker.service_requests import following, links, queries
from tracker.service_requests.actions.drafts import KEPT
from tracker.service_requests.models import Photo, SubmissionDraft
from tracker.service_requests.photos import is_photo_key, photo_path
from tracker.service_requests.views import draft_keys
from tracker.web.access import public, signed_in_actor

blueprint = Blueprint("photos", __name__)


@blueprint.get("/photos/<key>")
def show(key: str) -> Response:
    """Return a photo of a request that the signed-in person may see; `?size=small` a small one."""
    _check(key)
    photo = db.session.scalar(
        select(Photo).where(Photo.key == key, Photo.service_request_id.is_not(None))
    )
    if photo is None or photo.service_request_id is None:
        raise _not_found()
    queries.find(signed_in_actor(), photo.service_request_id)
    return _file(photo)


@blueprint.get("/track/<token>/photos/<photo_key>")
@public
def of_request(token: str, photo_key: str) -> Response:
    """Return a photo to the holder of the private link: their own, or one of the result."""
    _check(photo_key)
    return _file(following.find_photo(links.request_behind(token), photo_key))


@blueprint.get("/requests/new/<key>/photos/<photo_key>")
@public
def of_draft(key: str, photo_key: str) -> Response:
    """Return a photo of what is being filled in, in the browser that began it."""
    _check(photo_key)
    if not draft_keys.is_own(key):
        raise _not_found()
    photo = db.session.scalar(
        select(Photo)
        .join(SubmissionDraft, SubmissionDraft.id == Photo.draft_id)
        .where(
            Photo.key == photo_key,
            SubmissionDraft.key == key,
            SubmissionDraft.created_at >= utc_now() - KEPT,
        )
    )
    if photo is None:
        raise _not_found()
    return _file(photo)


def _check(key: str) -> None:
    if not is_photo_key(key):
        raise _not_found()


def _file(photo: Photo) -> Response:
    settings: Settings = current_app.config["SETTINGS"]
    is_small = request.args.get("size") == "small"
    path = photo_path(settings.uploads_path, photo.key, thumbnail=is_small)
    if not path.is_file():
        raise _not_found()
    response = send_file(
        path,
        mimetype=photo.media_type,
        conditional=True,
        etag=f"{photo.sha256}{'-small' if is_small else ''}",
    )
    # The browser may keep it, but asks each time: after signing out it is not shown from there.
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _not_found() -> NotFoundError:
    return NotFoundError("There is no such photo.")
