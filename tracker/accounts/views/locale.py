"""The reader's language and size of text, remembered for a year."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from tracker.accounts import credentials
from tracker.database import transaction
from tracker.web.access import actor_or_none, public, safe_path
from tracker.web.locale import COOKIE, LOCALES, TEXT_SIZE_COOKIE

blueprint = Blueprint("locale", __name__)

ONE_YEAR = 31_536_000


@blueprint.post("/language")
@public
def switch() -> ResponseReturnValue:
    """Speak the chosen language from now on; for a signed-in person on every device."""
    chosen = request.form.get("locale", "")
    answer = redirect(safe_path(request.form.get("next")) or "/", 303)
    if chosen in LOCALES:
        actor = actor_or_none()
        if actor is not None and actor.person_id is not None:
            person_id = actor.person_id
            with transaction():
                credentials.remember_locale(person_id, chosen)
        _remember(answer, COOKIE, chosen)
    return answer


@blueprint.post("/text-size")
@public
def text_size() -> ResponseReturnValue:
    """Print everything larger, or normal again."""
    answer = redirect(safe_path(request.form.get("next")) or "/", 303)
    _remember(
        answer, TEXT_SIZE_COOKIE, "large" if request.form.get("size") == "large" else "normal"
    )
    return answer


def _remember(answer: Response, name: str, value: str) -> None:
    answer.set_cookie(
        name, value, max_age=ONE_YEAR, secure=request.is_secure, httponly=True, samesite="Lax"
    )
