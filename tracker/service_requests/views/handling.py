"""The handlers' pages: notes, questions, time, parking, referral and the result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, TypeVar

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, gettext, lazy_gettext as _l

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import Refusal, RefusedError
from tracker.organisation import queries as organisation
from tracker.permissions import Action
from tracker.privacy import find_personal_data
from tracker.service_requests import parts, queries
from tracker.service_requests.actions import handling, photos
from tracker.service_requests.forms.handling import (
    ExtensionForm,
    NoteForm,
    ParkingForm,
    QuestionForm,
    ReferralForm,
    ResolutionForm,
    ResumeForm,
)
from tracker.service_requests.lifecycle import RIGHT_FOR, Step, status_after
from tracker.service_requests.models import ApprovalKind, Part, PartEnd, ServiceRequest
from tracker.service_requests.views.uploads import Uploads, delete_files, kept_uploads
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import problem, refusal_text
from tracker.web.forms import Form
from tracker.web.locale import current_locale, in_locale, localized

blueprint = Blueprint("handling", __name__)

_REPORTED = _l("The result is reported. The requester decides whether it is solved.")
FormType = TypeVar("FormType", bound=Form)
Take = Callable[[ServiceRequest, Any], object]


@dataclass(frozen=True, slots=True)
class Words:
    """What a step's page says."""

    title: LazyString
    lead: LazyString
    submit: LazyString
    done: LazyString
    icon: str
    hints: dict[str, LazyString] = field(default_factory=dict)
    grave: bool = False


NOTE = Words(
    _l("Add a note"),
    _l(
        "One for the requester, who is told of it, or one for colleagues, which never leaves the house."
    ),
    _l("Save the note"),
    _l("The note is saved."),
    "pencil-square",
    {
        "public_note": _l(
            "Plain words. No names or numbers of other people: those whose requests were merged into "
            "this one read it, too."
        ),
        "internal_note": _l("The requester never sees this."),
    },
)
QUESTION = Words(
    _l("Ask the requester"),
    _l("The clock stands still until the answer comes. Ask for everything that you need at once."),
    _l("Send the question"),
    _l("The question is on its way. The clock stands still until the answer comes."),
    "question-circle",
    {"question": _l("Say why you need to know it.")},
)
RESUME = Words(
    _l("Take up again"),
    _l("The clock runs again from now on. Use this when the answer came another way."),
    _l("Take up again"),
    _l("It goes on. The clock runs again."),
    "play-circle",
    {"note": _l("The requester never sees this.")},
)
EXTENSION = Words(
    _l("Ask for more time"),
    _l("A supervisor decides. It is possible once, before the due time."),
    _l("Ask the supervisor"),
    _l("Your supervisor will decide. Until then the due time stays as it is."),
    "hourglass-split",
    {
        "reason": _l(
            "The requester reads it when the time is granted. No names or numbers of other people: those "
            "whose requests were merged into this one read it, too."
        )
    },
)
PARKING = Words(
    _l("Ask to park it"),
    _l(
        "For what cannot be done now. A supervisor decides; on the day of the review it comes back by itself."
    ),
    _l("Ask the supervisor"),
    _l("Your supervisor will decide. Until then the request goes on."),
    "pause-circle",
    {
        "reason": _l(
            "The requester reads it when it is parked. No names or numbers of other people: those whose "
            "requests were merged into this one read it, too."
        )
    },
)
UNPARK = Words(
    _l("Take up again"),
    _l("The request leaves the parked ones, and the clock runs again from now on."),
    _l("Take up again"),
    _l("It goes on. The clock runs again."),
    "play-circle",
    {
        "note": _l(
            "The requester reads this. No names or numbers of other people: those whose requests were "
            "merged into this one read it, too."
        )
    },
)
REFERRAL = Words(
    _l("Refer to another body"),
    _l("Ends our part. The requester is told where it is now and confirms or disputes it."),
    _l("Refer it"),
    _l("The request is referred, and the requester has been told."),
    "signpost-split",
    {"to_whom": _l("For example: district water company, 0000-8123456, counter 3.")},
    grave=True,
)


@blueprint.route("/requests/<int:service_request_id>/note", methods=["GET", "POST"])
def note(service_request_id: int) -> ResponseReturnValue:
    """Add a note."""
    form = NoteForm.from_request()

    def take(it: ServiceRequest, who_and_when: dict[str, Any]) -> None:
        handling.add_note(
            it,
            public_note=form.public_note.data or "",
            internal_note=form.internal_note.data or "",
            **who_and_when,
        )

    return _step_page(service_request_id, Step.NOTE, form, NOTE, take)


@blueprint.route("/requests/<int:service_request_id>/question", methods=["GET", "POST"])
def ask(service_request_id: int) -> ResponseReturnValue:
    """Ask the requester something; the clock stands still."""
    form = QuestionForm.from_request()
    take = lambda it, whence: handling.ask_requester(  # noqa: E731 - one line says it
        it, question=form.question.data or "", **whence
    )
    return _step_page(service_request_id, Step.WAIT, form, QUESTION, take)


@blueprint.route("/requests/<int:service_request_id>/resumption", methods=["GET", "POST"])
def resume(service_request_id: int) -> ResponseReturnValue:
    """Go on without waiting longer."""
    form = ResumeForm.from_request()
    take = lambda it, whence: handling.resume(it, note=form.note.data or "", **whence)  # noqa: E731
    return _step_page(service_request_id, Step.RESUME, form, RESUME, take)


@blueprint.route("/requests/<int:service_request_id>/extension", methods=["GET", "POST"])
def extension(service_request_id: int) -> ResponseReturnValue:
    """Ask a supervisor for more time."""
    form = ExtensionForm.from_request()

    def take(it: ServiceRequest, who_and_when: dict[str, Any]) -> None:
        handling.ask_extension(
            it,
            working_days=form.working_days.data or 1,
            reason=form.reason.data or "",
            **who_and_when,
        )

    why_not = partial(handling.why_no_extension, now=utc_now())
    return _step_page(service_request_id, Step.ASK_EXTENSION, form, EXTENSION, take, why_not)


@blueprint.route("/requests/<int:service_request_id>/parking", methods=["GET", "POST"])
def parking(service_request_id: int) -> ResponseReturnValue:
    """Ask a supervisor to park it."""
    form = ParkingForm.from_request()

    def take(it: ServiceRequest, who_and_when: dict[str, Any]) -> None:
        handling.ask_parking(
            it, until=form.until.data or date.max, reason=form.reason.data or "", **who_and_when
        )

    why_not = partial(handling.why_not_asked, kind=ApprovalKind.PARKING)
    return _step_page(service_request_id, Step.ASK_PARKING, form, PARKING, take, why_not)


@blueprint.route("/requests/<int:service_request_id>/unparking", methods=["GET", "POST"])
def unpark(service_request_id: int) -> ResponseReturnValue:
    """Take a parked request up again."""
    form = ResumeForm.from_request()
    take = lambda it, whence: handling.unpark(it, note=form.note.data or "", **whence)  # noqa: E731
    return _step_page(service_request_id, Step.UNPARK, form, UNPARK, take)


@blueprint.route("/requests/<int:service_request_id>/referral", methods=["GET", "POST"])
def refer(service_request_id: int) -> ResponseReturnValue:
    """Hand it to another body."""
    form = ReferralForm.from_request()

    def take(it: ServiceRequest, who_and_when: dict[str, Any]) -> None:
        handling.refer(
            it, to_whom=form.to_whom.data or "", answer=form.answer.data or "", **who_and_when
        )

    return _step_page(service_request_id, Step.REFER, form, REFERRAL, take)


@blueprint.route("/requests/<int:service_request_id>/resolution", methods=["GET", "POST"])
def resolve(service_request_id: int) -> ResponseReturnValue:
    """Report the result, look at it once as the requester will, and send it."""
    actor = signed_in_actor()
    service_request = queries.find(actor, service_request_id, Action.RESOLVE_SERVICE_REQUEST)
    form = ResolutionForm.from_request().offer()
    if once.was_taken():
        flash(once.told(_REPORTED))
        return _back(service_request_id)
    status_after(service_request.status, Step.RESOLVE)
    needs_evidence = service_request.category.needs_evidence
    form.evidence.flags.depends = needs_evidence and not handling.has_evidence(service_request)
    begins_with_parts = "begin" in request.form
    if not begins_with_parts and form.is_sent_and_valid() and not request.form.get("preview"):
        with kept_uploads(form.evidence.data or []) as uploads:
            if _resolved(service_request_id, form, uploads):
                flash(once.told(_REPORTED))
                return _back(service_request_id)
            delete_files(photo.key for photo in uploads.stored)
        service_request = queries.find(actor, service_request_id, Action.RESOLVE_SERVICE_REQUEST)
    all_parts = parts.parts_of(service_request)
    if begins_with_parts:
        with in_locale(_language_of(service_request)):
            told = _told_by(all_parts)
        form.answer.data = _begun_with(told, form.answer.data or "")
    form.show_parts(part.id for part in all_parts if part.ended_at is None)
    return render_template(
        "service_requests/resolve.html",
        parts=[parts.line_of(part, actor, utc_now()) for part in all_parts],
        form=form,
        service_request=service_request,
        preview=bool(request.form.get("preview")) and not form.errors,
        photos_to_choose_again=any(file.filename for file in request.files.values()),
        personal_data=bool(
            find_personal_data(form.answer.data or "", organisation.organisation().country)
        ),
        days_tried=handling.days_tried(service_request),
        tries_needed=handling.tries_needed(),
        has_evidence=handling.has_evidence(service_request),
    )


def _language_of(service_request: ServiceRequest) -> str:
    """Return in which language the answer is read: the requester's, else the writer's."""
    requester = service_request.requester
    return requester.locale if requester is not None else current_locale()


def _told_by(all_parts: Sequence[Part]) -> Sequence[str]:
    """Return what each team says that it did, to begin an answer with."""
    return [
        gettext("%(team)s: %(result)s", team=localized(part.team), result=part.result)
        for part in all_parts
        if part.ended_as is PartEnd.DONE
    ]


def _begun_with(told: Sequence[str], answer: str) -> str:
    """Return the answer below what was told, a line each, but for what it says already."""
    said = _lines(answer)  # a browser ends lines in its own way
    return "\n".join(
        [*(each for each in told if _lines(each) not in said), *filter(None, [answer])]
    )


def _lines(text: str) -> str:
    return "\n".join(text.splitlines())


def _resolved(service_request_id: int, form: ResolutionForm, uploads: Uploads) -> bool:
    """Report the result with its photos; tell whether that was possible, else say why beside."""
    for wrong in uploads.problems:
        form.complain(form.evidence, wrong)
    if uploads.problems:
        return False
    actor, now = signed_in_actor(), utc_now()
    try:
        with transaction():
            it = queries.find_for_change(actor, service_request_id, Action.RESOLVE_SERVICE_REQUEST)
            if not once.is_first():
                delete_files(photo.key for photo in uploads.stored)
                return True
            photos.add_photos(
                it,
                uploads.stored,
                Action.RESOLVE_SERVICE_REQUEST,
                is_evidence=True,
                actor=actor,
                now=now,
            )
            handling.resolve(
                it,
                outcome=form.outcome.data,
                answer=form.answer.data or "",
                internal_note=form.internal_note.data or "",
                ends_parts=form.ended_parts(),
                actor=actor,
                now=now,
            )
    except RefusedError as refused:
        beside = {
            Refusal.EVIDENCE_MISSING: form.evidence,
            Refusal.TOO_MANY_PHOTOS: form.evidence,
            Refusal.PARTS_NOT_ENDED: form.ends_parts,
        }
        form.complain(beside.get(refused.refusal, form.outcome), refusal_text(refused.refusal))
        return False
    return True


def _step_page(
    service_request_id: int,
    step: Step,
    form: Form,
    words: Words,
    take: Take,
    why_not: Callable[[ServiceRequest], Refusal | None] = lambda _it: None,
) -> ResponseReturnValue:
    """Show the form of `step`; when it is sent and in order, take the step and go back.

    `why_not`: what is said at once where it can't be taken, before anybody has typed anything.
    """
    actor, right = signed_in_actor(), RIGHT_FOR[step]
    assert right is not None  # noqa: S101 - the system's steps have no page
    find = partial(queries.find, actor, service_request_id, right)
    service_request = find()
    if not once.was_taken():
        status_after(service_request.status, step)
    refusal = why_not(service_request)
    if refusal is not None and request.method != "POST":
        back = url_for("service_requests.show", service_request_id=service_request_id)
        return problem(409, refusal_text(refusal), way_back=back)
    if form.is_sent_and_valid():
        try:
            with transaction():
                it = queries.find_for_change(actor, service_request_id, right)
                if once.is_first():
                    take(it, {"actor": actor, "now": utc_now()})
            flash(once.told(words.done))
            return _back(service_request_id)
        except RefusedError as refused:
            form.complain(_first_field(form), refusal_text(refused.refusal))
            service_request = find()
    return render_template(
        "service_requests/step.html", form=form, service_request=service_request, words=words
    )


def _first_field(form: Form) -> Any:  # noqa: ANN401 - WTForms' fields
    return next(each for each in form if each.type not in ("CSRFTokenField", "HiddenField"))


def _back(service_request_id: int) -> ResponseReturnValue:
    return redirect(url_for("service_requests.show", service_request_id=service_request_id), 303)
