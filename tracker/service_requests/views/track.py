"""Following a request: by reference and code, or by the private link."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from io import BytesIO
from typing import Any, Final

import segno
from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, gettext as _, lazy_gettext as _l

from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import transaction
from tracker.errors import NotFoundError, Refusal, RefusedError, StaleError, StepNotAllowedError
from tracker.notifications.channels.text_message import can_send_texts
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, may, resident
from tracker.privacy import mask_email, mask_phone
from tracker.service_requests import asked_changes, following, links, queries, unanswered
from tracker.service_requests.actions import answers, private_links, reaching as reaching_actions
from tracker.service_requests.actions.photos import MOST_AT_ONCE, MOST_FROM_REQUESTER, add_photos
from tracker.service_requests.clock_log import clock_logs
from tracker.service_requests.clocks import calendar_of
from tracker.service_requests.forms.reaching import ReachingForm
from tracker.service_requests.forms.track import (
    ConfirmForm,
    DisputeForm,
    RenewLinkForm,
    TrackForm,
    UrgeForm,
    WithdrawForm,
    WordForm,
)
from tracker.service_requests.lifecycle import Solved, Status
from tracker.service_requests.limits import Clock
from tracker.service_requests.models import ApprovalKind, ReachableBy, ServiceRequest
from tracker.service_requests.photos import StoredPhoto
from tracker.service_requests.progress import Next, Progress, progress_of
from tracker.service_requests.reference import parse_reference
from tracker.service_requests.views.uploads import delete_files, kept_uploads
from tracker.service_requests.words import length_words
from tracker.web import once, proving
from tracker.web.access import actor_or_none, public
from tracker.web.errors import problem, refusal_text
from tracker.web.forms import Form, is_blank
from tracker.web.kept import kept_from_request
from tracker.web.locale import current_locale
from tracker.web.throttle import (
    Limit,
    callers_network,
    count_attempt,
    forget_attempts,
    is_exhausted,
    is_one_too_many,
)

TOLD_CLOCKS: Final = (Clock.ACCEPT, Clock.FIRST_RESPONSE, Clock.RESOLVE)
"""What a team signs for or gives back is between it and the desk."""

FOR_ALL: Final = frozenset({"link", "reaching", "reaching_code"})
"""Pages that are there also when a request was merged into another."""
_CHANGED: Final = _l("Saved. From now on we reach you in this way.")
_MEANWHILE: Final = _l(
    "How we reach you was changed meanwhile. Look at how it stands now, and save again if it does not fit."
)
_NO_CODE: Final = {
    proving.Codes.TOO_MANY_THIS_HOUR: _l(
        "We have sent several codes already. Please try again in an hour, or call us."
    ),
    proving.Codes.TOO_MANY_TODAY: _l(
        "Several codes went to this address today. Please try again tomorrow, or call us."
    ),
}

blueprint = Blueprint("track", __name__)

QUARTER_OF_AN_HOUR: Final = timedelta(minutes=15)
HOUR: Final = timedelta(hours=1)
TRIES_OF_AN_ADDRESS: Final = 30
"""In a quarter of an hour: a whole office may share one address."""
TRIES_OF_A_REFERENCE_FROM_AN_ADDRESS: Final = 10
"""In an hour. A code has a million values."""
TRIES_OF_A_REFERENCE: Final = 60
"""In an hour, from everywhere: more than one stranger can use up, so that none locks others out."""

LINKS_AN_HOUR: Final = 5
"""New ones, for one request: each of them is written to the requester."""
WORDS_AN_HOUR: Final = 10
"""About one request: each of them mails everyone who works on it."""


@blueprint.after_request
def keep_out_of_search(response: Response) -> Response:
    """Ask search engines not to keep private pages."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@blueprint.errorhandler(NotFoundError)
def say_that_the_link_leads_nowhere(_error: NotFoundError) -> ResponseReturnValue:
    """Answer a link that was cut off, replaced or invented: alike, with a way on."""
    return render_template("service_requests/track_gone.html"), 404


@blueprint.route("/track", methods=["GET", "POST"])
@public
def index() -> ResponseReturnValue:
    """Ask for the reference and the code, and lead to the private page."""
    form = TrackForm.from_request()
    status = 200
    if form.is_sent_and_valid():
        reference, code = form.reference.data or "", form.code.data or ""
        if _is_tried_too_often(reference):
            status = 429
            form.form_errors.append(
                _("Too many tries. Please wait an hour, use your private link, or call us.")
            )
        elif (found := links.request_with_code(reference, code)) is not None:
            token = links.token_for(found.id, found.link_salt)
            with transaction():
                for limit in _limits(reference)[1:]:
                    forget_attempts(limit.scope, limit.key, secret=_secret())
            return redirect(url_for(".show", token=token), 303)
        else:
            form.form_errors.append(
                _("Reference and code do not go together. Please check both on your slip.")
            )
    return render_template("service_requests/track.html", form=form), status


@blueprint.get("/track/<token>")
@public
def show(token: str) -> ResponseReturnValue:
    """Show where it stands, what happens next and by when, and all that happened."""
    service_request = links.request_behind(token)
    survivor = following.survivor_of(service_request)
    progress = _progress(survivor)
    asked = {ApprovalKind.REOPENING} if progress.next is Next.SUPERVISOR_DECIDES else ()
    return render_template(
        "service_requests/track_show.html",
        token=token,
        service_request=service_request,
        survivor=survivor,
        is_merged=survivor is not service_request,
        progress=progress,
        visits=following.visits_to_come(service_request, utc_now()),
        history=following.public_history(service_request),
        photos=following.photos_of(service_request),
        working_days=survivor.extension_working_days,
        may_speak=may(_requester(service_request), Action.ADD_TO_OWN_REQUEST, service_request),
        is_told=reaching_actions.is_still_told(service_request, now=utc_now(), asked=asked),
    )


@blueprint.get("/track/<token>/clock")
@public
def clock(token: str) -> ResponseReturnValue:
    """Explain the due times that concern the requester, line by line."""
    service_request = links.request_behind(token)
    survivor = following.survivor_of(service_request)
    return render_template(
        "service_requests/track_clock.html",
        token=token,
        service_request=service_request,
        logs=[log for log in clock_logs(survivor, now=utc_now()) if log.clock in TOLD_CLOCKS],
        length_words=length_words,
    )


@blueprint.get("/track/<token>/receipt")
@public
def receipt(token: str) -> ResponseReturnValue:
    """Show the numbers and the link to keep, and what happens next."""
    service_request = links.request_behind(token)
    return render_template(
        "service_requests/receipt.html",
        token=token,
        service_request=service_request,
        code=links.code_for(service_request),
        progress=_progress(service_request),
    )


@blueprint.get("/track/<token>/slip")
@public
def slip(token: str) -> ResponseReturnValue:
    """Show the numbers and the link on a sheet to print."""
    service_request = links.request_behind(token)
    return render_template(
        "service_requests/slip.html",
        token=token,
        service_request=service_request,
        code=links.code_for(service_request),
        progress=_progress(service_request),
        track_address=_settings().public_url + url_for(".index"),
    )


@blueprint.get("/track/<token>/qr.svg")
@public
def qr(token: str) -> ResponseReturnValue:
    """Return the private link as a QR code."""
    service_request = links.request_behind(token)
    picture = BytesIO()
    address = links.private_link(service_request.id, service_request.link_salt)
    segno.make(address, error="m", micro=False).save(
        picture, kind="svg", scale=4, border=4, light="#ffffff"
    )
    return Response(picture.getvalue(), mimetype="image/svg+xml")


@blueprint.route("/track/<token>/words", methods=["GET", "POST"])
@public
def word(token: str) -> ResponseReturnValue:
    """Add a word or photos; while it waits for the requester, this is the answer."""
    form = WordForm.from_request()
    form.word.flags.depends = True  # a photo does as well
    photos = request.files.getlist("photos")
    has_photos = any(photo.filename for photo in photos)
    if form.is_sent_and_valid() and once.was_taken():
        links.request_behind(token)  # or it leads nowhere any more
        flash(str(once.AGAIN))
        return redirect(url_for(".show", token=token), 303)
    if form.is_sent_and_valid() and _hears_words(token, form, has_photos=has_photos):
        found = links.request_behind(token)
        room = min(MOST_AT_ONCE, MOST_FROM_REQUESTER - queries.photos_from_requester(found))
        with kept_uploads(photos, most=room, visitor=f"request {found.id}") as uploads:
            text = "" if is_blank(form.word.data) else (form.word.data or "").strip()
            if uploads.problems:
                for problem in uploads.problems:
                    form.complain(form.photos, problem)
            elif not text and not uploads.stored:
                form.complain(form.word, _("Write a word or choose a photo."))
            elif _take(
                token,
                form,
                lambda found: _add(found, text, uploads.stored),
                Action.ADD_TO_OWN_REQUEST,
                thanks=lambda changed: (
                    _("Thank you. Our desk sees it.")
                    if changed.lead_team_id is None
                    else _("Thank you. Everyone who works on it sees it.")
                ),
                brought=uploads.stored,
            ):
                return redirect(url_for(".show", token=token), 303)
            # What was kept and not taken over is thrown away again.
            delete_files(photo.key for photo in uploads.stored)
    return _page(
        "word", token, form, Action.ADD_TO_OWN_REQUEST, allowed=lambda progress: progress.can_add
    )


@blueprint.route("/track/<token>/urging", methods=["GET", "POST"])
@public
def urge(token: str) -> ResponseReturnValue:
    """Ask to hurry, once a day."""
    if request.method != "POST" and _progress(links.request_behind(token)).urged_today:
        why = refusal_text(Refusal.URGED_TODAY)
        return problem(409, why, way_back=url_for(".show", token=token))
    form = UrgeForm.from_request()
    if form.is_sent_and_valid() and _take(
        token,
        form,
        lambda found: answers.urge(
            found, word=form.word.data or "", actor=_requester(found), now=utc_now()
        ),
        Action.URGE_OWN_REQUEST,
        thanks=lambda changed: (
            _("We have told the desk. You can urge again tomorrow.")
            if changed.lead_team_id is None
            else _("We have told everyone who works on it. You can urge again tomorrow.")
        ),
    ):
        return redirect(url_for(".show", token=token), 303)
    return _page(
        "urge", token, form, Action.URGE_OWN_REQUEST, allowed=lambda progress: progress.can_urge
    )


@blueprint.route("/track/<token>/withdrawal", methods=["GET", "POST"])
@public
def withdraw(token: str) -> ResponseReturnValue:
    """Take it back."""
    form = WithdrawForm.from_request()
    if form.is_sent_and_valid() and _take(
        token,
        form,
        lambda found: answers.withdraw(
            found, reason=form.reason.data or "", actor=_requester(found), now=utc_now()
        ),
        Action.WITHDRAW_OWN_REQUEST,
        thanks=_("You have withdrawn it. Nobody works on it any more."),
    ):
        return redirect(url_for(".show", token=token), 303)
    return _page(
        "withdraw",
        token,
        form,
        Action.WITHDRAW_OWN_REQUEST,
        allowed=lambda progress: progress.can_withdraw,
    )


@blueprint.route("/track/<token>/confirmation", methods=["GET", "POST"])
@public
def confirm(token: str) -> ResponseReturnValue:
    """Say how it ended, and close it."""
    form = ConfirmForm.from_request().offer()
    if form.is_sent_and_valid() and _take(
        token,
        form,
        lambda found: answers.confirm(
            found,
            solved=Solved(form.solved.data),
            satisfaction=form.satisfaction.data,
            word=form.word.data or "",
            actor=_requester(found),
            now=utc_now(),
        ),
        Action.CONFIRM_OWN_REQUEST,
        thanks=lambda changed: (
            _("Thank you for your word. It goes to everyone who helped.")
            if changed.solved is Solved.YES
            else _("Thank you for your word. It goes to those who have your request.")
        ),
    ):
        return redirect(url_for(".show", token=token), 303)
    return _page(
        "confirm",
        token,
        form,
        Action.CONFIRM_OWN_REQUEST,
        allowed=lambda progress: progress.can_confirm,
    )


@blueprint.route("/track/<token>/dispute", methods=["GET", "POST"])
@public
def dispute(token: str) -> ResponseReturnValue:
    """Say that it is not solved."""
    form = DisputeForm.from_request()
    if form.is_sent_and_valid() and _take(
        token,
        form,
        lambda found: answers.dispute(
            found, reason=form.reason.data or "", actor=_requester(found), now=utc_now()
        ),
        Action.DISPUTE_OWN_REQUEST,
        thanks=lambda changed: (
            _(
                "It was closed already, so a supervisor who did not work on it decides whether we go "
                "on. You see here what comes of it."
            )
            if changed.status is Status.CLOSED
            else _("Thank you for telling us. It is noted, and you see here how it goes on.")
        ),
    ):
        return redirect(url_for(".show", token=token), 303)
    return _page(
        "dispute",
        token,
        form,
        Action.DISPUTE_OWN_REQUEST,
        allowed=lambda progress: progress.can_dispute,
    )


@blueprint.route("/track/<token>/link", methods=["GET", "POST"])
@public
def renew(token: str) -> ResponseReturnValue:
    """Make a new private link; the old one leads nowhere any more."""
    form = RenewLinkForm.from_request()
    fresh = None
    if form.is_sent_and_valid():
        try:
            fresh = _renewed(token, form.key.data or "")
        except RefusedError as refused:
            form.form_errors.append(refusal_text(refused.refusal))
    if fresh is not None:
        flash(_("Here are your new link and code. The old ones no longer work."))
        return redirect(url_for(".receipt", token=fresh), 303)
    return _page("link", token, form, Action.ADD_TO_OWN_REQUEST, allowed=lambda _progress: True)


@blueprint.route("/track/<token>/contact", methods=["GET", "POST"])
@public
def reaching(token: str) -> ResponseReturnValue:
    """Choose how, where and how often to be told; a new address is written to first."""
    found = links.request_behind(token)
    form = ReachingForm.from_request()
    is_sent = request.method == "POST"
    form.offer(
        found.requester,
        country=organisation.organisation().country,
        texts=can_send_texts(),
        is_new=not is_sent,
    )
    if form.is_sent_and_valid() and _is_told(found):
        wished = form.content()
        stood = form.stood.data or ""
        if not reaching_actions.needs_proof(found.requester, wished):
            try:
                if _take(
                    token, form, _changes(wished, stood), Action.ADD_TO_OWN_REQUEST, thanks=_CHANGED
                ):
                    return redirect(url_for(".show", token=token), 303)
            except StaleError:
                form.form_errors.append(str(_MEANWHILE))
                # Whoever saves again has read how it stands.
                form.stood.data = reaching_actions.mark_of(links.request_behind(token).requester)
        elif may(_requester(found), Action.ADD_TO_OWN_REQUEST, found):
            asked = asked_changes.AskedChange(
                found.id, wished, once.sent_from() or once.new_key(), stood
            )
            sent = _send_code(token, asked)
            if sent is proving.Codes.WRITTEN:
                sealed = asked_changes.sealed(asked, now=utc_now())
                return redirect(url_for(".reaching_code", token=token, to=sealed), 303)
            form.form_errors.append(str(_NO_CODE[sent]))
    return _page(
        "reaching",
        token,
        form,
        Action.ADD_TO_OWN_REQUEST,
        allowed=lambda _progress: _is_told(found),
        masked=_masked(found),
    )


@blueprint.route("/track/<token>/contact/code", methods=["GET", "POST"])
@public
def reaching_code(token: str) -> ResponseReturnValue:
    """Ask for the code that was sent to a new address, and use the address from then on."""
    found = links.request_behind(token)
    form = proving.CodeForm.from_request()
    asked = asked_changes.unsealed(
        request.args.get("to", ""), service_request_id=found.id, now=utc_now()
    )
    may_change = _is_told(found) and may(_requester(found), Action.ADD_TO_OWN_REQUEST, found)
    if may_change and asked is None:
        flash(_("The code holds no longer. Please enter the address again."))
        return redirect(url_for(".reaching", token=token), 303)
    if (
        may_change
        and asked is not None
        and form.is_sent_and_valid()
        and proving.is_typed_right(
            form,
            asked.proof_for(found),
            too_often=_("Too many tries. Please wait an hour, or call us."),
            now=utc_now(),
        )
    ):
        step = _changes(asked.wished, asked.stood)
        try:
            if _take(token, form, step, Action.ADD_TO_OWN_REQUEST, thanks=_CHANGED):
                return redirect(url_for(".show", token=token), 303)
        except StaleError:
            flash(str(_MEANWHILE), "error")
            return redirect(url_for(".reaching", token=token), 303)
    return _page(
        "reaching_code",
        token,
        form,
        Action.ADD_TO_OWN_REQUEST,
        allowed=lambda _progress: _is_told(found),
        sent_to=_masked_address(asked.wished) if asked else "",
    )


def _is_told(found: ServiceRequest) -> bool:
    """Tell whether how they are told still matters."""
    return reaching_actions.is_still_told(found, now=utc_now())


def _changes(wished: reaching_actions.Reaching, stood: str) -> Callable[[ServiceRequest], None]:
    """Return what tells them as they wish from now on; it raises `StaleError`, see `reaching.change`."""

    def change(found: ServiceRequest) -> None:
        reaching_actions.change(
            found,
            wished,
            stood=stood,
            locale=current_locale(),
            texts=can_send_texts(),
            actor=_requester(found),
            now=utc_now(),
        )

    return change


def _send_code(token: str, asked: asked_changes.AskedChange) -> proving.Codes:
    """Send a code to the new address, once for each form; tell whether there were too many already."""
    with transaction():
        actor = _requester(links.request_behind(token))
        found = queries.find_for_change(
            actor, links.request_behind(token).id, Action.ADD_TO_OWN_REQUEST
        )
        links.require_link(token, found)

        def write(code: str) -> None:
            reaching_actions.send_code(
                found,
                asked.wished,
                code,
                locale=current_locale(),
                actor=actor,
                now=utc_now(),
            )

        return proving.send_code(asked.proof_for(found), write, now=utc_now())


def _masked(found: ServiceRequest) -> dict[str, str]:
    known = found.requester
    country = organisation.organisation().country
    return {
        "phone": mask_phone(known.phone, country) if known and known.phone else "",
        "email": mask_email(known.email) if known and known.email else "",
    }


def _masked_address(wished: reaching_actions.Reaching) -> str:
    if wished.way is ReachableBy.EMAIL:
        return mask_email(wished.address)
    return mask_phone(wished.address, organisation.organisation().country)


def _hears_words(token: str, form: Form, *, has_photos: bool) -> bool:
    """Tell whether words are taken now, before photos are worked on; the page says why not.

    Raises `NotFoundError` for a link that leads nowhere.
    """
    found = links.request_behind(token)
    if not may(_requester(found), Action.ADD_TO_OWN_REQUEST, found):
        return False
    if _is_merged(found) or not _progress(found).can_add:
        return False
    with transaction():
        if has_photos and _has_said_enough(found):
            form.form_errors.append(refusal_text(Refusal.TOO_MANY_WORDS))
            return False
    return True


def _renewed(token: str, form_key: str) -> str | None:
    """Return the new link's token; None for whoever may not speak for the requester.

    Raises `RefusedError` when there were many new ones lately.
    """
    with transaction():
        found = links.request_behind(token, form_key=form_key)
        actor = _requester(found)
        if not may(actor, Action.ADD_TO_OWN_REQUEST, found):
            return None
        changed = queries.find_for_change(actor, found.id, Action.ADD_TO_OWN_REQUEST)
        # Sent twice, the form changes nothing more: the answer to the first, the only place where the
        # new link stood, may have been lost on the way.
        if not links.is_renewed_with(changed, token, form_key):
            links.require_link(token, changed)
            limit = Limit("new-link", str(changed.id), LINKS_AN_HOUR, HOUR)
            if is_one_too_many((limit,), secret=_secret(), now=utc_now()):
                raise RefusedError(Refusal.TOO_MANY_LINKS)
            salt = links.renewed_salt(token, form_key)
            private_links.renew(changed, salt=salt, actor=actor, now=utc_now())
        return links.token_for(changed.id, changed.link_salt)


def _add(found: ServiceRequest, text: str, stored: Sequence[StoredPhoto]) -> None:
    actor, now = _requester(found), utc_now()
    if _has_said_enough(found):
        raise RefusedError(Refusal.TOO_MANY_WORDS)
    count_attempt("word", str(found.id), secret=_secret(), now=now)
    add_photos(found, stored, Action.ADD_TO_OWN_REQUEST, actor=actor, now=now)
    answers.add_word(found, word=text, photos=len(stored), actor=actor, now=now)


def _has_said_enough(found: ServiceRequest) -> bool:
    """Tell whether the words of this hour are used up. Runs inside a transaction."""
    name, now = str(found.id), utc_now()
    return is_exhausted("word", name, limit=WORDS_AN_HOUR, window=HOUR, secret=_secret(), now=now)


def _take(
    token: str,
    form: Form,
    step: Callable[[ServiceRequest], None],
    action: Action,
    *,
    thanks: Callable[[ServiceRequest], str] | LazyString | str,
    brought: Sequence[StoredPhoto] = (),
) -> bool:
    """Take a step on the request behind `token`; say beside the form why it cannot be taken.

    `brought`: the photos that came with it; those of a form that was taken before are thrown away.
    """
    try:
        with transaction():
            found = links.request_behind(token)
            requester = _requester(found)
            if not may(requester, action, found):
                return False  # the page below says why
            changed = queries.find_for_change(requester, found.id, action)
            links.require_link(token, changed)
            if once.is_first():
                step(changed)
            else:
                delete_files(photo.key for photo in brought)
            thanked = str(thanks(changed)) if callable(thanks) else str(thanks)
    except RefusedError as refused:
        form.form_errors.append(refusal_text(refused.refusal))
        return False
    except StepNotAllowedError:
        # It moved on since the page was opened; the page below says how it stands now.
        return False
    flash(once.told(thanked))
    return True


def _page(
    name: str,
    token: str,
    form: Form,
    action: Action,
    *,
    allowed: Callable[[Progress], bool],
    **more: object,
) -> ResponseReturnValue:
    service_request = links.request_behind(token)
    if not may(_requester(service_request), action, service_request):
        judges = action in (Action.CONFIRM_OWN_REQUEST, Action.DISPUTE_OWN_REQUEST)
        why = Refusal.HANDLED_BY_YOU if judges else Refusal.REQUESTER_ALONE
        return problem(403, refusal_text(why))
    progress = _progress(service_request)
    values: dict[str, Any] = {
        "token": token,
        "form": form,
        "service_request": service_request,
        "progress": progress,
        **more,
    }
    is_here = name in FOR_ALL or not _is_merged(service_request)
    if not is_here or not allowed(progress):
        kept = kept_from_request()
        return render_template("service_requests/track_closed.html", kept=kept, **values), 409
    return render_template(f"service_requests/track_{name}.html", **values)


def _is_merged(service_request: ServiceRequest) -> bool:
    return following.survivor_of(service_request) is not service_request


def _requester(service_request: ServiceRequest) -> Actor:
    """Return the holder of the link, and who is signed in in the same browser."""
    return resident(service_request.id, signed_in=actor_or_none())


def _progress(service_request: ServiceRequest) -> Progress:
    now = utc_now()
    return progress_of(
        service_request,
        calendar_of(service_request),
        reminder_days=organisation.organisation().reminder_days,
        answer_by=unanswered.answer_by(service_request),
        is_waiting_for_reopening=service_request.status is Status.CLOSED
        and following.waits_for_reopening(service_request),
        now=now,
    )


def _limits(reference: str) -> Sequence[Limit]:
    """Return what is counted: the address first, then what concerns this reference."""
    address, key = callers_network(), _key(reference)
    return (
        Limit("track-address", address, TRIES_OF_AN_ADDRESS, QUARTER_OF_AN_HOUR),
        Limit("track-pair", f"{address} {key}", TRIES_OF_A_REFERENCE_FROM_AN_ADDRESS, HOUR),
        Limit("track-reference", key, TRIES_OF_A_REFERENCE, HOUR),
    )


def _is_tried_too_often(reference: str) -> bool:
    """Count one try of this address and of this reference, known or not."""
    with transaction():
        return is_one_too_many(_limits(reference), secret=_secret(), now=utc_now())


def _key(reference: str) -> str:
    """Return the reference as it is counted: however it is written, it is the same one."""
    return parse_reference(reference) or reference.strip()


def _secret() -> str:
    return _settings().secret_key


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
