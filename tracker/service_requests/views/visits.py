"""Visits: planned, recorded, called off."""

import secrets
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.errors import NotFoundError, Refusal, RefusedError
from tracker.permissions import Action, Actor
from tracker.privacy import mask_name
from tracker.service_requests import queries
from tracker.service_requests.actions import intake, photos, visiting
from tracker.service_requests.contact import look_at_contact, may_see_contact
from tracker.service_requests.forms.visits import CancelForm, PlanForm, ReportForm, moment
from tracker.service_requests.lifecycle import Step, may_take, status_after
from tracker.service_requests.models import (
    BuiltInChannel,
    ForWhom,
    Photo,
    ReachableBy,
    ServiceRequest,
)
from tracker.service_requests.reference import format_reference
from tracker.service_requests.views import notes, receipts
from tracker.service_requests.views.uploads import Uploads, delete_files, kept_uploads
from tracker.visits.models import ContactWay, Group, Visit, VisitStatus
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import refusal_text
from tracker.web.locale import local_datetime

blueprint = Blueprint("visits", __name__)


@blueprint.route("/requests/<int:service_request_id>/visits/new", methods=["GET", "POST"])
def plan(service_request_id: int) -> ResponseReturnValue:
    """Plan who goes when; the requester is told."""
    actor = signed_in_actor()
    it = queries.find(actor, service_request_id, Action.RECORD_VISIT)
    status_after(it.status, Step.PLAN_VISIT)
    form = PlanForm.from_request(
        visitors=_usual_visitors(it, actor), submission_key=secrets.token_urlsafe(16)
    )
    form.offer_people(queries.who_may_go(it))
    if form.is_sent_and_valid():
        begins, ends = moment(form.planned_from.data), moment(form.planned_to.data)
        assert begins is not None  # noqa: S101 - the form requires both
        assert ends is not None  # noqa: S101
        try:
            with transaction():
                visiting.plan_visit(
                    queries.find_for_change(actor, service_request_id, Action.RECORD_VISIT),
                    planned_from=begins,
                    planned_to=ends,
                    visitors=_persons(form.visitors.data),
                    place=form.place.data or "",
                    submission_key=_key(form.submission_key.data),
                    actor=actor,
                    now=utc_now(),
                )
            flash(_("The visit is planned. It stands on the requester's page."))
            return _back(service_request_id)
        except RefusedError as refused:
            form.complain(form.planned_from, refusal_text(refused.refusal))
            it = queries.find(actor, service_request_id, Action.RECORD_VISIT)
    return render_template("service_requests/visit_plan.html", form=form, service_request=it)


@blueprint.route("/requests/<int:service_request_id>/visits/record", methods=["GET", "POST"])
@blueprint.route(
    "/requests/<int:service_request_id>/visits/<int:visit_id>/record", methods=["GET", "POST"]
)
def record(service_request_id: int, visit_id: int | None = None) -> ResponseReturnValue:
    """Write down a visit, planned or not. What is typed is kept while it is typed."""
    actor = signed_in_actor()
    it = queries.find(actor, service_request_id, Action.RECORD_VISIT)
    form_key = notes.form_key(service_request_id, visit_id)
    # Read at once: the marks are those of the very words which the page shows.
    known = visiting.drafts_of(actor.person_id or 0, form_key)
    if request.method != "POST" and notes.stand_nowhere_else(known, it):
        flash(_("No visit can be recorded there now. What you typed is here."), "warning")
        return redirect(url_for("notes.index"), 303)
    status_after(it.status, Step.VISIT)
    if visit_id is None and request.method != "POST" and "unplanned" not in request.args:
        planned_id = _next_planned(it)
        if planned_id is not None:
            return redirect(
                url_for(".record", service_request_id=service_request_id, visit_id=planned_id), 303
            )
    visit = _visit(it, visit_id) if visit_id is not None else None
    if visit is not None and visit.status is VisitStatus.DONE and request.method != "POST":
        flash(_("This visit was recorded already."), "warning")
        return redirect(
            url_for(".show", service_request_id=service_request_id, visit_id=visit_id), 303
        )
    draft, others = notes.to_show(known)
    # What comes back with a mistake is what was sent, and goes on with what that went on with.
    follows = request.form.get("follows", draft.mark if draft else "")
    form = _report_form(it, visit, actor, draft.content if draft else None)
    if form.is_sent_and_valid():
        with kept_uploads(form.photos.data or []) as uploads:
            recorded = _recorded(service_request_id, visit_id, form, uploads, form_key)
            if recorded:
                flash(_("The visit is recorded."))
                return redirect(
                    url_for(".show", service_request_id=service_request_id, visit_id=recorded), 303
                )
            delete_files(photo.key for photo in uploads.stored)
        it = queries.find(actor, service_request_id, Action.RECORD_VISIT)
    return render_template(
        "service_requests/visit_record.html",
        form=form,
        service_request=it,
        form_key=form_key,
        draft=draft,
        others=[(other, notes.beginning(other.content)) for other in others],
        known=notes.marks(known),
        visit_id=visit_id,
        follows=follows,
        planned=visit if visit is not None and visit.status is VisitStatus.PLANNED else None,
        photos_to_choose_again=any(file.filename for file in request.files.values()),
    )


@blueprint.get("/requests/<int:service_request_id>/visits/<int:visit_id>")
def show(service_request_id: int, visit_id: int) -> ResponseReturnValue:
    """Show a recorded visit, with what to do next. Of whom was met no more than an initial."""
    return _shown(service_request_id, visit_id, is_full=False)


@blueprint.route(
    "/requests/<int:service_request_id>/visits/<int:visit_id>/contact", methods=["GET", "POST"]
)
def met(service_request_id: int, visit_id: int) -> ResponseReturnValue:
    """Show the visit with the name of whom was met; the look is logged. Opened anew, it is masked."""
    if request.method != "POST":
        address = url_for(".show", service_request_id=service_request_id, visit_id=visit_id)
        return redirect(address, 303)
    actor = signed_in_actor()
    with transaction():
        it = queries.find(actor, service_request_id, Action.VIEW_CONTACT)
        _visit(it, visit_id)
        look_at_contact(it, where="visit", actor=actor, now=utc_now())
    return _shown(service_request_id, visit_id, is_full=True)


def _shown(service_request_id: int, visit_id: int, *, is_full: bool) -> ResponseReturnValue:
    actor = signed_in_actor()
    it = queries.find(actor, service_request_id)
    visit = _visit(it, visit_id)
    form_key = notes.form_key(it.id, visit.id)
    drafts = visiting.drafts_of(actor.person_id or 0, form_key)
    can_visit = may_take(it.status, Step.VISIT)
    is_open = can_visit and visit.status is VisitStatus.PLANNED
    return render_template(
        "service_requests/visit_show.html",
        service_request=it,
        visit=visit,
        met=visit.met if is_full else mask_name(visit.met),
        may_look=not is_full and bool(visit.met) and may_see_contact(actor, it),
        can_visit=can_visit,
        form_key=form_key,
        known=notes.marks(drafts),
        is_open=is_open,
        unsent=[] if is_open else notes.unsent_words(drafts),
        photos=_photos(it, visit) if visit.status is VisitStatus.DONE else [],
    )


@blueprint.route(
    "/requests/<int:service_request_id>/visits/<int:visit_id>/cancellation",
    methods=["GET", "POST"],
)
def cancel(service_request_id: int, visit_id: int) -> ResponseReturnValue:
    """Call off a planned visit; the requester is told why."""
    actor = signed_in_actor()
    it = queries.find(actor, service_request_id, Action.RECORD_VISIT)
    visit = _visit(it, visit_id)
    form = CancelForm.from_request()
    if visit.status is not VisitStatus.PLANNED and not form.is_sent_and_valid():
        is_off = visit.status is VisitStatus.CANCELLED
        flash(_("This visit is called off.") if is_off else _("This visit has taken place."))
        return redirect(url_for(".show", service_request_id=it.id, visit_id=visit.id), 303)
    if form.is_sent_and_valid():
        reason, now = form.reason.data or "", utc_now()
        with transaction():
            changed = queries.find_for_change(actor, service_request_id, Action.RECORD_VISIT)
            if once.is_first():
                visiting.cancel_visit(
                    changed, _visit(changed, visit_id), reason=reason, actor=actor, now=now
                )
        flash(once.told(_("The visit is called off, and the requester has been told.")))
        return _back(service_request_id)
    return render_template(
        "service_requests/visit_cancel.html", form=form, service_request=it, visit=visit
    )


@blueprint.post("/requests/<int:service_request_id>/visits/<int:visit_id>/need")
def need(service_request_id: int, visit_id: int) -> ResponseReturnValue:
    """Make a new request of a need found on the visit: one tap, same place, source visit."""
    actor = signed_in_actor()
    found = queries.find(actor, service_request_id, Action.RECORD_VISIT)
    if not _visit(found, visit_id).needs_found.strip():
        message = "The visit found no other need."
        raise NotFoundError(message)
    with transaction():
        it = queries.find(actor, service_request_id, Action.RECORD_VISIT)
        requester = it.requester
        made = intake.submit(
            intake.NewRequest(
                category_id=it.category_id,
                need=_visit(it, visit_id).needs_found,
                area_id=it.area_id,
                address=it.address,
                channel=BuiltInChannel.VISIT,
                for_whom=ForWhom(it.for_whom),
                beneficiary_name=it.beneficiary_name,
                beneficiary_relation=it.beneficiary_relation,
                beneficiary_consents=it.beneficiary_consents,
                requester_name=requester.name if requester else "",
                reachable_by=requester.reachable_by if requester else ReachableBy.NOBODY,
                phone=requester.phone if requester else None,
                email=requester.email if requester else None,
                neighbour=requester.neighbour if requester else "",
                locale=requester.locale if requester else "zh_Hans_CN",
                only_needed=requester.only_needed if requester else None,
            ),
            submission_key=f"visit-{visit_id}",
            actor=actor,
            now=utc_now(),
            may_be_written_to=receipts.may_be_written_to,
        )
        reference = format_reference(made.reference)
    flash(
        _("A new request was made of it: %(reference)s. The desk checks it.", reference=reference)
    )
    return _back(service_request_id)


def _report_form(
    it: ServiceRequest, visit: Visit | None, actor: Actor, draft: str | None
) -> ReportForm:
    planned = [person.id for person in visit.visitors] if visit else []
    values = {
        "started_at": _planned_start(visit),
        "visitors": planned or _usual_visitors(it, actor),
        "place": visit.place if visit else "",
        "way": ContactWay.IN_PERSON,
        "submission_key": secrets.token_urlsafe(16),
    }
    form = ReportForm.from_request(**values)
    if draft is not None:
        form = ReportForm(formdata=notes.typed_in(draft), **values)
    form.came_in_at = it.submitted_at
    people = list(queries.who_may_go(it))
    if visit:
        known = {person.id for person in people}
        people += [person for person in visit.visitors if person.id not in known]
    return form.offer(people)


def _planned_start(visit: Visit | None) -> datetime | None:
    """Return when a visit was to begin, on the organisation's clock, once that has come.

    Nothing is guessed: what stands there already is sent unread.
    """
    if visit is None or visit.planned_from is None or visit.planned_from > utc_now():
        return None
    return local_datetime(visit.planned_from).replace(tzinfo=None)


def _recorded(
    service_request_id: int,
    visit_id: int | None,
    form: ReportForm,
    uploads: Uploads,
    form_key: str,
) -> int | None:
    """Record the visit with its photos; return its id, or say beside the form why not."""
    for problem in uploads.problems:
        form.complain(form.photos, problem)
    if uploads.problems:
        return None
    actor, now = signed_in_actor(), utc_now()
    began = moment(form.started_at.data)
    assert began is not None  # noqa: S101 - the form requires it
    try:
        with transaction():
            it = queries.find_for_change(actor, service_request_id, Action.RECORD_VISIT)
            planned = _visit(it, visit_id) if visit_id is not None else None
            submission_key = _key(form.submission_key.data)
            is_new = not visiting.is_recorded(it, planned, submission_key)
            visit = visiting.record_visit(
                it,
                visiting.VisitReport(
                    started_at=began,
                    ended_at=moment(form.ended_at.data),
                    visitors=_persons(form.visitors.data),
                    contact_made=form.contact_made.data == "yes",
                    way=form.way.data or ContactWay.IN_PERSON,
                    place=form.place.data or "",
                    met=form.met.data or "",
                    group=form.group.data if isinstance(form.group.data, Group) else None,
                    findings=form.findings.data or "",
                    needs_found=form.needs_found.data or "",
                    next_step=form.next_step.data or "",
                    next_step_on=form.next_step_on.data,
                    public_note=form.public_note.data or "",
                ),
                visit=planned,
                submission_key=submission_key,
                actor=actor,
                now=now,
            )
            if is_new:
                photos.add_photos(
                    it,
                    uploads.stored,
                    Action.RECORD_VISIT,
                    visit_id=visit.id,
                    actor=actor,
                    now=now,
                )
            else:
                _refuse_other_photos(it, visit, uploads)
                delete_files(photo.key for photo in uploads.stored)
            if actor.person_id is not None:
                shown = notes.shown_in(request.form.get("follows", ""))
                visiting.end_drafts(actor.person_id, form_key, shown, now=now)
            return visit.id
    except RefusedError as refused:
        if refused.refusal is Refusal.RECORDED_ALREADY:
            form.form_errors.append(refusal_text(refused.refusal))
        else:
            form.complain(form.photos, refusal_text(refused.refusal))
        return None


def _refuse_other_photos(it: ServiceRequest, visit: Visit, uploads: Uploads) -> None:
    known = {photo.sha256 for photo in _photos(it, visit)}
    if not {photo.sha256 for photo in uploads.stored} <= known:
        raise RefusedError(Refusal.RECORDED_ALREADY)


def _photos(it: ServiceRequest, visit: Visit) -> list[Photo]:
    return [photo for photo in queries.photos_of(it) if photo.visit_id == visit.id]


def _usual_visitors(it: ServiceRequest, actor: Actor) -> list[int]:
    """Return the first two who claimed, or the reader."""
    claimants = [claim.person_id for claim in it.claims][:2]
    return claimants or [actor.person_id or 0]


def _next_planned(it: ServiceRequest) -> int | None:
    return db.session.scalar(
        select(Visit.id)
        .where(Visit.service_request_id == it.id, Visit.status == VisitStatus.PLANNED)
        .order_by(Visit.planned_from, Visit.id)
        .limit(1)
    )


def _persons(ids: list[int] | None) -> list[Person]:
    return list(db.session.scalars(select(Person).where(Person.id.in_(ids or []))))


def _visit(it: ServiceRequest, visit_id: int) -> Visit:
    visit = db.session.scalar(
        select(Visit)
        .where(Visit.id == visit_id, Visit.service_request_id == it.id)
        .options(selectinload(Visit.visitors))
    )
    if visit is None:
        message = "There is no such visit."
        raise NotFoundError(message)
    return visit


def _key(sent: str | None) -> str:
    return sent or secrets.token_urlsafe(16)


def _back(service_request_id: int) -> ResponseReturnValue:
    return redirect(url_for("service_requests.show", service_request_id=service_request_id), 303)
