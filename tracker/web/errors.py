"""Errors become answers here, and only here."""

import errno
from contextlib import suppress
from types import SimpleNamespace
from typing import Final
from urllib.parse import urlsplit

import psycopg
from flask import (
    Flask,
    Response,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from marshmallow import ValidationError
from sqlalchemy.exc import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    TimeoutError as NoConnectionInTimeError,
)
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from tracker.database import begin_afresh, db, is_taken_already
from tracker.errors import (
    NotFoundError,
    NotPermittedError,
    Refusal,
    RefusedError,
    ShishiError,
    StaleError,
    StepNotAllowedError,
)
from tracker.web import once
from tracker.web.access import is_public
from tracker.web.kept import kept_from_request, kept_page
from tracker.web.locale import HTML_LANG, TEXT_SIZE_COOKIE, current_locale
from tracker.web.templating import vendor_address

LOST: Final = (OperationalError, InterfaceError, NoConnectionInTimeError)
"""The database does not answer, or takes nothing: gone, full, or busy for too long."""
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
RETRY_AFTER_S: Final = "10"
ASKED_ANEW: Final = "shishi.asked_anew"
"""Marks what is answered for the second time, in the environment of the request."""

STATUS_OF: dict[type[ShishiError], int] = {
    NotFoundError: 404,
    NotPermittedError: 403,
    StepNotAllowedError: 409,
    StaleError: 409,
    RefusedError: 409,
}

REFUSALS = {
    Refusal.FULL: _l("All places are taken: somebody was a moment faster. Thank you all the same."),
    Refusal.ALREADY_CLAIMED: _l("You have already claimed this."),
    Refusal.NOT_OPEN_FOR_CLAIMS: _l("This request takes no claims at the moment."),
    Refusal.NOT_A_MEMBER: _l("Only members of its team can claim this."),
    Refusal.NOT_VETTED: _l("Your team leader has to confirm your registration first."),
    Refusal.CLAIM_LIMIT: _l(
        "You hold as many open claims as one person may. Finish or release one first."
    ),
    Refusal.CLASH: _l("You have another visit planned at that time."),
    Refusal.RETURN_LIMIT_PASSED: _l("The time for returning it has passed."),
    Refusal.WORK_BEGUN: _l("Work on it has begun, so this is no longer possible."),
    Refusal.ALREADY_ASKED: _l("This was asked already and waits for a decision."),
    Refusal.ALREADY_EXTENDED: _l("The time was extended once; a second extension is not possible."),
    Refusal.DUE_TIME_PASSED: _l(
        "The due time has passed; more time can only be asked for before it."
    ),
    Refusal.URGED_TODAY: _l(
        "You urged today already. We have told everyone concerned; you can urge again tomorrow."
    ),
    Refusal.ALREADY_ANSWERED: _l("This has been answered already."),
    Refusal.ASKED_BY_YOU: _l("You asked for this, so somebody else has to decide."),
    Refusal.REVIEW_DAY_PASSED: _l(
        "The day on which it was to be looked at again has come already. Refuse it, so that whoever "
        "asked can ask for a later day."
    ),
    Refusal.HANDLED_BY_YOU: _l(
        "You worked on this request, so somebody else has to judge the result."
    ),
    Refusal.REQUESTER_ALONE: _l(
        "You work on this request or lead a team that does, so only its requester speaks here."
    ),
    Refusal.ACCEPTED_IS_NO_SPAM: _l(
        "What was accepted, or stands for others too, is no spam: decline it, and it stays among what "
        "was received."
    ),
    Refusal.SAME_REQUEST: _l("A request cannot be merged into itself."),
    Refusal.SURVIVOR_CLOSED: _l("Choose an open request to merge into."),
    Refusal.EVIDENCE_MISSING: _l("This kind of request needs a photo of the result."),
    Refusal.DISPUTE_TOO_LATE: _l(
        "More than 30 days have passed since closing. Please send a new request."
    ),
    Refusal.STILL_IN_USE: _l("It is still in use."),
    Refusal.LAST_ADMINISTRATOR: _l("The organisation needs at least one administrator."),
    Refusal.TOO_MANY_PHOTOS: _l("At most 5 photos."),
    Refusal.TOO_MANY_LINKS: _l(
        "New links were made several times within the last hour. Please wait an hour, or call us."
    ),
    Refusal.TOO_MANY_WORDS: _l(
        "Everyone who works on it has many words of yours from the last hour. Please wait a while "
        "before the next one, or call us. What you typed is still here."
    ),
    Refusal.SENT_ALREADY: _l(
        "This was sent before, perhaps from another window, without what you added since. Copy it, "
        "and add it on the page of your request; choose photos again there."
    ),
    Refusal.VISIT_IS_OVER: _l("This visit was called off, or written down, in the meantime."),
    Refusal.RECORDED_ALREADY: _l(
        "This form was sent before, perhaps from another window, with other words: they were recorded. "
        "What you typed now is still here. Copy it, and add it to what was recorded, or begin a new form."
    ),
    Refusal.TOO_MANY_MAILS: _l(
        "The requester got many questions and visits by e-mail within the last hour. Call them, or "
        "wait a while before the next. What you typed is still here."
    ),
    Refusal.TEAM_ENDED: _l("This team no longer exists."),
    Refusal.TEAM_LEADS: _l("This team leads the request. A part is for a team that helps."),
    Refusal.HAS_PART: _l("This team has a part already. Change that one."),
    Refusal.PART_AFTER_REQUEST: _l(
        "The whole request is due before that. Take fewer days, or have the request extended first."
    ),
    Refusal.PART_ENDED: _l("This part has ended meanwhile. Open the request to see how."),
    Refusal.PARTS_NOT_ENDED: _l(
        "A helping team has not ended its part. Look at it, and tick that it ends with the request."
    ),
    Refusal.UNIT_ENDED: _l("This unit no longer exists."),
    Refusal.LEADER_ENDED: _l(
        "Whom you chose no longer answers for requests there. Choose another leader."
    ),
    Refusal.NOT_ENOUGH_TRIES: _l(
        "“No contact” needs logged tries on more days first. Several on one day count once, those "
        "from before it was taken up again not at all."
    ),
    Refusal.LINK_EXPIRED: _l("This link has been used or has expired. Ask for a new one."),
    Refusal.NOTHING_TO_TELL: _l(
        "This request is closed, and nothing more will be told about it: how they are reached stays as it "
        "was. Take their new need as a request of its own."
    ),
    Refusal.BELOW_ITSELF: _l("It cannot hang below itself."),
    Refusal.BELOW_ENDED: _l("What it would hang below is ended. Take that up again first."),
    Refusal.TWO_LEVELS: _l("Categories have two levels: groups, and the kinds of request in them."),
    Refusal.IMPORT_UNDER_WAY: _l(
        "An import that you began is still running. Begin the next one when it is done."
    ),
    Refusal.ALREADY_TAKEN: _l("Somebody else here has this address or number already."),
    Refusal.WRONG_NAME_OR_PASSWORD: _l(
        "The name and the password do not go together. Check both of them."
    ),
    Refusal.TOO_MANY_TRIES: _l(
        "Too many tries. Please wait a quarter of an hour, or ask for a new password."
    ),
}

TITLES = {
    400: _l("That did not work"),
    403: _l("Not allowed"),
    404: _l("Page not found"),
    405: _l("That did not work"),
    409: _l("This is no longer possible"),
    413: _l("Too large"),
    414: _l("This address is too long"),
    429: _l("Too many attempts"),
    500: _l("Something went wrong on our side"),
    503: _l("Just a moment, please"),
}
DETAILS = {
    400: _l(
        "The page was open for too long or was sent incompletely. Nothing was saved. Go back, load the page anew and try again; most browsers still show what you typed."
    ),
    403: _l("Your role does not include this. Ask your coordinator if you need it."),
    404: _l(
        "There is nothing here, or it is not meant for you. Check the address, or start from the front page."
    ),
    405: _l("Please use the buttons on the pages."),
    409: _l("Somebody else changed this in the meantime. Open it again to see how it stands."),
    413: _l(
        "What you sent is too large: photos may have 10 MB each, at most 5 of them, and all that is typed 2 MB. Nothing was saved. Go back and make it shorter or smaller; most browsers still show what you typed."
    ),
    414: _l(
        "No page of ours has an address as long as this. Shorten what you are looking for, or start from "
        "the front page."
    ),
    429: _l("Please wait a while and try again."),
    500: _l("We have logged the problem. Nothing was half saved; please try again in a moment."),
    503: _l("The system is busy right now. Nothing was saved; please send it again in a moment."),
}


def init_app(app: Flask) -> None:
    """Answer every error with a page that says what to do."""
    app.register_error_handler(ShishiError, _answer_domain_error)
    app.register_error_handler(StaleDataError, _answer_stale_data)
    app.register_error_handler(IntegrityError, _answer_integrity_error)
    for lost in LOST:
        app.register_error_handler(lost, _answer_database_error)
    app.register_error_handler(OSError, _answer_full_disk)
    app.register_error_handler(CSRFError, _answer_stale_form)
    app.register_error_handler(ValidationError, _answer_validation_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(500, _answer_fault)
    app.after_request(_name_no_host)


def refusal_text(refusal: Refusal) -> str:
    """Return why a step is refused, in the reader's language."""
    return str(REFUSALS[refusal])


def problem(
    status: int,
    detail: object = None,
    *,
    way_back: str | None = None,
    way_words: str | None = None,
) -> tuple[str | Response, int]:
    """Return a page (for programs: JSON) that says what is wrong and what to do.

    `way_back`: where the thing is seen as it stands now; of a conflict else the page above. `way_words`:
    what that page is called, where it is none of the thing.
    """
    known = status if status in TITLES else (500 if status >= 500 else 400)
    title, text = str(TITLES[known]), str(detail or DETAILS[known])
    if _wants_json():
        return jsonify(title=title, status=status, detail=text), status
    if request_ctx.url_adapter is None:  # asked of a host whose name is none: no address is known
        return Response(f"{title}\n\n{text}\n", mimetype="text/plain"), status
    try:
        return render_template(
            "errors/problem.html",
            status=status,
            problem_title=title,
            detail=text,
            kept=kept_from_request(),
            way_back=way_back or (_page_above() if status == 409 else None),
            way_words=way_words or _("See how it stands"),
        ), status
    except LOST as error:  # the frame of the page asks the database who is there
        return unavailable(error)


def unavailable(error: Exception) -> tuple[Response, int]:
    """Return the page for when nothing can be read or written: it asks nobody anything.

    What was typed stands in it and is sent again by one button, whoever is signed in.
    """
    with suppress(*LOST):
        db.session.rollback()
    cause = getattr(error, "orig", None) or error
    current_app.logger.error("Nothing can be read or written: %s", type(cause).__name__)
    if _wants_json():
        response = jsonify(title=str(TITLES[503]), status=503, detail=str(DETAILS[503]))
    else:
        # Not by render_template: what it gives to every page is read from the database.
        page = current_app.jinja_env.get_template("errors/unavailable.html").render(
            current_locale=current_locale(),
            html_lang=HTML_LANG[current_locale()],
            text_size="large" if request.cookies.get(TEXT_SIZE_COOKIE) == "large" else "",
            bootstrap_css=vendor_address("bootstrap.css"),
            organisation=SimpleNamespace(name=_("Shishi")),
            kept=kept_from_request(),
            problem_title=str(TITLES[503]),
        )
        response = current_app.make_response(page)
    response.headers["Retry-After"] = RETRY_AFTER_S
    return response, 503


def _page_above() -> str | None:
    """Return the nearest page above this address, such as the request's above one of its forms."""
    adapter = current_app.create_url_adapter(request)
    above = request.path.rpartition("/")[0]
    while above and adapter is not None:
        try:
            adapter.match(above, method="GET")
        except RequestRedirect:  # a list, whose address ends with a slash
            return f"{request.script_root}{above}/"
        except HTTPException:
            above = above.rpartition("/")[0]
        else:
            return request.script_root + above
    return None


def _answer_stale_form(_error: CSRFError) -> ResponseReturnValue:
    """Give back what was typed, when the token of one of our own forms is too old."""
    kept = kept_from_request()
    if kept is None:
        return problem(400)
    # What visitors send needs no sign-in, unless somebody had signed in who wrote it.
    can_send = current_user.is_authenticated or (is_public(request.endpoint) and not kept.author)
    try:
        return kept_page(kept, is_signed_in=bool(can_send)), 400
    except LOST as error:
        return unavailable(error)


def _wants_json() -> bool:
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"


def _answer_stale_data(_error: StaleDataError) -> ResponseReturnValue:
    return _answer_domain_error(StaleError("Somebody saved it at the same moment."))


def _answer_domain_error(error: ShishiError) -> ResponseReturnValue:
    db.session.rollback()
    try:
        is_done = once.was_taken()
    except LOST as lost:
        return unavailable(lost)
    if is_done:  # what cannot be done now is what it did itself, when it came first
        flash(str(once.AGAIN))
        return redirect(_page_above() or url_for("home.index"), 303)
    status = next(code for kind, code in STATUS_OF.items() if isinstance(error, kind))
    if isinstance(error, StepNotAllowedError):
        return problem(
            status, _("This cannot be done as it stands now. Open it to see how it stands.")
        )
    return problem(status, refusal_text(error.refusal) if isinstance(error, RefusedError) else None)


def _answer_database_error(error: Exception) -> ResponseReturnValue:
    """Say that nothing can be written now; who gave way to another in a deadlock comes after them."""
    gave_way = isinstance(getattr(error, "orig", None), psycopg.errors.DeadlockDetected)
    if gave_way and ASKED_ANEW not in request.environ:
        return _asked_anew()
    return unavailable(error)


def _answer_integrity_error(error: IntegrityError) -> ResponseReturnValue:
    """Answer who comes second to make the same thing as if they had come a moment later.

    The page is asked once more: it finds what the first made, and leads there. On SQLite, which has
    one writer at a time, it finds that by itself. What breaks another rule is a fault of ours.
    """
    if not is_taken_already(error):
        raise error
    db.session.rollback()
    return problem(409) if ASKED_ANEW in request.environ else _asked_anew()


def _asked_anew() -> ResponseReturnValue:
    """Ask the page once more: what stood in its way has been done by now."""
    db.session.rollback()
    request.environ[ASKED_ANEW] = True
    for files in request.files.listvalues():
        for file in files:
            file.seek(0)
    try:
        view = current_app.ensure_sync(current_app.view_functions[request.endpoint or ""])
        answer: ResponseReturnValue = view(**(request.view_args or {}))
    except Exception as again:  # noqa: BLE001 - as Flask does with what a view raises
        return current_app.handle_user_exception(again)
    return answer


def _answer_fault(_error: Exception) -> ResponseReturnValue:
    answer = problem(500)
    begin_afresh()
    return answer


def _answer_full_disk(error: OSError) -> ResponseReturnValue:
    """Answer a photo that cannot be kept; any other trouble with files is a fault of ours."""
    if error.errno not in NO_ROOM:
        raise error
    return unavailable(error)


def _answer_validation_error(error: ValidationError) -> ResponseReturnValue:
    return jsonify(title=str(TITLES[400]), status=422, errors=error.messages), 422


def _name_no_host(response: Response) -> Response:
    """Lead to an address that was put right by its path: the whole one names whatever host was asked for."""
    if isinstance(request.routing_exception, RequestRedirect) and response.location:
        asked = urlsplit(response.location)._replace(scheme="", netloc="")
        response.location = asked._replace(path="/" + asked.path.lstrip("/")).geturl()
    return response


def _answer_http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error
    response = current_app.make_response(problem(error.code))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response
