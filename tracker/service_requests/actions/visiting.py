"""Visits to a service request: planned, recorded, cancelled."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Final

from sqlalchemy import delete, select

from tracker.accounts.models import Person
from tracker.database import db, hold
from tracker.errors import NotFoundError, Refusal, RefusedError, StaleError
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, require
from tracker.service_requests import messages, queries
from tracker.service_requests.actions import steps
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import HistoryEntry, ServiceRequest
from tracker.visits.models import ContactWay, Group, NoteDraft, Visit, VisitStatus, visit_visitor
from tracker.visits.queries import is_to_come

MOST_DRAFTS: Final = 50
"""How many reports somebody may have begun: ten times what one person may hold in hand."""
DRAFTS_KEPT: Final = timedelta(days=30)
"""Longer than any device keeps its own copy."""


@dataclass(frozen=True, slots=True)
class VisitReport:
    """What happened on a visit, checked by a form."""

    started_at: datetime
    ended_at: datetime | None
    visitors: Sequence[Person]
    contact_made: bool
    way: ContactWay
    place: str = ""
    met: str = ""
    group: Group | None = None
    findings: str = ""
    needs_found: str = ""
    next_step: str = ""
    next_step_on: date | None = None
    public_note: str = ""


def plan_visit(
    service_request: ServiceRequest,
    *,
    planned_from: datetime,
    planned_to: datetime,
    visitors: Sequence[Person],
    place: str = "",
    submission_key: str,
    actor: Actor,
    now: datetime,
) -> Visit:
    """Plan who goes when. The requester is told; sending the same with the same key plans one.

    Raises `RefusedError` when they were written to too often.
    Raises `StaleError` when one of them does not work on it any more.
    """
    require(actor, Action.RECORD_VISIT, service_request)
    # The address of the request is seen by looking, which is logged; it is not copied.
    place = "" if place.strip() == service_request.address.strip() else place.strip()
    planned = planned_from, planned_to, place, {visitor.id for visitor in visitors}
    existing, submission_key = _made_with(
        submission_key, service_request, lambda made: _as_planned(made) == planned
    )
    if existing is not None:
        return existing
    messages.refuse_too_many(service_request, now=now)
    # Whoever takes one of them out of a team at the same moment waits, or has done so by now.
    if any(person.id == service_request.leader_id for person in visitors):
        organisation.keep_trees()  # they answer for what lies where their role reaches
    for person in sorted(visitors, key=attrgetter("id")):
        hold(person)
    if not set(visitors) <= set(queries.who_may_go(service_request)):
        message = "One of the visitors has left since."
        raise StaleError(message)
    visit = Visit(
        service_request_id=service_request.id,
        status=VisitStatus.PLANNED,
        planned_from=planned_from,
        planned_to=planned_to,
        place=place,
        visitors=list(visitors),
        recorded_by_id=_person(actor),
        recorded_at=now,
        submission_key=submission_key,
    )
    db.session.add(visit)
    db.session.flush()
    steps.take(
        service_request, Step.PLAN_VISIT, actor=actor, now=now, detail={"visit_id": visit.id}
    )
    _remember(service_request, visitors)
    messages.tell_requester(service_request, Step.PLAN_VISIT, now=now, visit=visit)
    return visit


def record_visit(
    service_request: ServiceRequest,
    report: VisitReport,
    *,
    visit: Visit | None = None,
    submission_key: str,
    actor: Actor,
    now: datetime,
) -> Visit:
    """Record a visit that was planned, or one that was not. The same key twice records one.

    Who went though the visit was called off has made another. Raises `RefusedError` when another
    report came before, from the same form or of the same planned visit.
    """
    require(actor, Action.RECORD_VISIT, service_request)
    existing, submission_key = _made_with(submission_key, service_request, _is_done)
    if existing is None and visit is not None and visit.status is VisitStatus.DONE:
        existing = visit
    if visit is not None and visit.service_request_id != service_request.id:
        message = "That visit belongs to another request."
        raise NotFoundError(message)
    if existing is not None:
        if not _says(existing, report):
            raise RefusedError(Refusal.RECORDED_ALREADY)
        return existing
    if visit is None or visit.status is VisitStatus.CANCELLED:
        visit = Visit(service_request_id=service_request.id, submission_key=submission_key)
        db.session.add(visit)
    # First, because reading who was planned to go flushes what is half changed.
    visit.visitors = list(report.visitors)
    visit.status = VisitStatus.DONE
    for name, value in _told(report).items():
        setattr(visit, name, value)
    visit.recorded_by_id = _person(actor)
    visit.recorded_at = now
    db.session.flush()
    steps.take(
        service_request,
        Step.VISIT,
        actor=actor,
        now=now,
        public_note=report.public_note,
        detail={"visit_id": visit.id, "contact_made": report.contact_made},
    )
    _remember(service_request, report.visitors)
    return visit


def _says(visit: Visit, report: VisitReport) -> bool:
    """Tell whether a visit was reported in the same words."""
    entry = db.session.scalars(
        select(HistoryEntry).where(
            HistoryEntry.service_request_id == visit.service_request_id,
            HistoryEntry.step == Step.VISIT,
            HistoryEntry.detail["visit_id"].as_integer() == visit.id,
        )
    ).first()
    return (
        set(visit.visitors) == set(report.visitors)
        and (entry is None or entry.public_note == report.public_note.strip())
        and all(getattr(visit, name) == value for name, value in _told(report).items())
    )


def _told(report: VisitReport) -> Mapping[str, object]:
    """Return what a visit keeps of a report, besides who went."""
    return {
        "started_at": report.started_at,
        "ended_at": report.ended_at,
        "contact_made": report.contact_made,
        "way": report.way,
        "place": report.place.strip(),
        "met": report.met.strip(),
        "group": report.group,
        "findings": report.findings.strip(),
        "needs_found": report.needs_found.strip(),
        "next_step": report.next_step.strip(),
        "next_step_on": report.next_step_on,
    }


def is_recorded(service_request: ServiceRequest, visit: Visit | None, submission_key: str) -> bool:
    """Tell whether this report came before: `record_visit` would change nothing."""
    existing, _ = _made_with(submission_key, service_request, _is_done)
    if existing is not None and existing is not visit:
        return True
    return visit is not None and visit.status is VisitStatus.DONE


def cancel_visit(
    service_request: ServiceRequest, visit: Visit, *, reason: str, actor: Actor, now: datetime
) -> None:
    """Call off a planned visit; the requester is told why.

    Raises `RefusedError` when it was called off, or recorded, already.
    """
    require(actor, Action.RECORD_VISIT, service_request)
    if visit.service_request_id != service_request.id:
        message = "There is no such visit."
        raise NotFoundError(message)
    if visit.status is not VisitStatus.PLANNED:
        raise RefusedError(Refusal.VISIT_IS_OVER)
    _call_off(service_request, visit, reason=reason, actor=actor, now=now)


def stay_away(
    service_request: ServiceRequest,
    person_id: int,
    *,
    answers: bool = True,
    actor: Actor,
    now: datetime,
) -> None:
    """Take somebody who no longer works on it off the visits still to come; part of a step.

    What nobody goes to any more is called off, and the requester is told. Its leader goes on
    going, unless they answer for nothing any more (not `answers`).
    """
    is_its_leader = answers and person_id == service_request.leader_id
    if is_its_leader and db.session.scalar(
        select(queries.answers_still(person_id, service_request.unit_id))
    ):
        return
    for visit in visits_to_come(service_request, person_id, now=now):
        others = [person for person in visit.visitors if person.id != person_id]
        if others:
            visit.visitors = others
        else:
            _call_off(service_request, visit, actor=actor, now=now)


def send_instead(
    service_request: ServiceRequest,
    person: Person,
    successor: Person,
    *,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Let somebody else go on the visits still to come; part of a step, which asks for its right.

    The requester is told who comes.
    """
    for visit in visits_to_come(service_request, person.id, now=now):
        others = [each for each in visit.visitors if each.id not in (person.id, successor.id)]
        visit.visitors = [*others, successor]
        db.session.flush()
        steps.take(
            service_request,
            Step.NOTE,
            actor=actor,
            now=now,
            internal_note=f"{successor.name} · {note}" if note else successor.name,
            detail={"visit_id": visit.id, "person_id": successor.id, "handed_over": True},
        )
        messages.tell_requester(service_request, Step.PLAN_VISIT, now=now, visit=visit)
    steps.remember_handler(service_request, successor.id)


def visits_to_come(
    service_request: ServiceRequest, person_id: int, *, now: datetime
) -> Sequence[Visit]:
    """Return the visits still to come on which somebody goes, in the order in which they were planned."""
    return db.session.scalars(
        select(Visit)
        .where(
            Visit.service_request_id == service_request.id,
            is_to_come(now),
            Visit.visitors.any(Person.id == person_id),
        )
        .order_by(Visit.id)
    ).all()


def keep_away_others(service_request: ServiceRequest, *, actor: Actor, now: datetime) -> None:
    """Take off the visits still to come who is in none of its teams now, nor answers for it; part of a step."""
    others = db.session.scalars(
        select(visit_visitor.c.person_id)
        .join(Visit, Visit.id == visit_visitor.c.visit_id)
        .where(
            Visit.service_request_id == service_request.id,
            is_to_come(now),
            ~queries.works_on(visit_visitor.c.person_id, service_request),
        )
        .distinct()
    ).all()
    for person_id in sorted(others):
        stay_away(service_request, person_id, actor=actor, now=now)


def _call_off(
    service_request: ServiceRequest, visit: Visit, *, reason: str = "", actor: Actor, now: datetime
) -> None:
    visit.status = VisitStatus.CANCELLED
    steps.take(
        service_request,
        Step.NOTE,
        actor=actor,
        now=now,
        public_note=reason,
        detail={"visit_id": visit.id, "cancelled": True},
    )
    messages.tell_requester(
        service_request, Step.NOTE, now=now, visit=visit, calls_off=True, reason=reason
    )


@dataclass(frozen=True, slots=True)
class Typed:
    """What a page keeps of what is being typed into it."""

    content: str
    page: str = ""
    """The page's key."""
    number: int = 0
    """How often it has kept something so far: what is on its way may come late."""
    shown: Sequence[tuple[str, int]] = ()
    """The drafts that it goes on with, each by its page and number (`NoteDraft.mark`)."""
    ago: timedelta = timedelta(0)
    """How long before it was kept here it was typed: a device may have had no line."""


def keep_draft(person_id: int, form_key: str, typed: Typed, *, now: datetime) -> None:
    """Keep what somebody is typing, so that nothing is lost to a sign-out. The owner's only.

    Each page keeps its own, so that none overwrites what another keeps; what it goes on with has gone
    into it. What comes late changes nothing. Of all that somebody began, and of what is over, the
    newest `MOST_DRAFTS` stay.
    """
    # Of two windows of one person the second waits here, and finds what the first kept.
    db.session.get_one(Person, person_id, with_for_update={"key_share": True})
    draft = _draft_of(person_id, form_key, typed.page)
    if draft is None:
        draft = NoteDraft(person_id=person_id, form_key=form_key, page=typed.page)
        db.session.add(draft)
    elif draft.page and typed.number <= draft.number:
        return  # what the page kept later was here first, or was sent or thrown away
    draft.content, draft.number, draft.is_over = typed.content, typed.number, False
    draft.saved_at = now - min(max(typed.ago, timedelta(0)), DRAFTS_KEPT)
    db.session.flush()
    _end(person_id, form_key, [mark for mark in typed.shown if mark[0] != typed.page], now=now)
    _forget_oldest(person_id, besides=draft)


def drafts_of(person_id: int, form_key: str) -> Sequence[NoteDraft]:
    """Return what that person typed into that form, the newest first, and without its words what is over."""
    return db.session.scalars(
        select(NoteDraft)
        .where(NoteDraft.person_id == person_id, NoteDraft.form_key == form_key)
        .order_by(NoteDraft.saved_at.desc(), NoteDraft.id.desc())
        .execution_options(populate_existing=True)
    ).all()


def unsent_drafts_of(person_id: int) -> Sequence[NoteDraft]:
    """Return all that this person typed and did not send, the newest first; `MOST_DRAFTS` at most."""
    return db.session.scalars(
        select(NoteDraft)
        .where(NoteDraft.person_id == person_id, NoteDraft.is_over.is_(False))
        .order_by(NoteDraft.saved_at.desc(), NoteDraft.id.desc())
    ).all()


def end_drafts(
    person_id: int, form_key: str, shown: Sequence[tuple[str, int]], *, now: datetime
) -> None:
    """Forget what was sent or thrown away: what the page had `shown`, by page and number.

    It does not come back with what is still on its way. What one of these pages kept since stays.
    """
    db.session.get_one(Person, person_id, with_for_update={"key_share": True})
    _end(person_id, form_key, shown, now=now)


def _end(person_id: int, form_key: str, shown: Sequence[tuple[str, int]], *, now: datetime) -> None:
    for page, number in shown:
        draft = _draft_of(person_id, form_key, page)
        if draft is None:
            draft = NoteDraft(person_id=person_id, form_key=form_key, page=page, number=0)
            db.session.add(draft)
        if draft.number <= number:
            draft.content, draft.number, draft.is_over = "", number, True
            draft.saved_at = now
            db.session.flush()
            _forget_oldest(person_id, besides=draft)


def _draft_of(person_id: int, form_key: str, page: str) -> NoteDraft | None:
    return db.session.scalar(
        select(NoteDraft)
        .where(
            NoteDraft.person_id == person_id,
            NoteDraft.form_key == form_key,
            NoteDraft.page == page,
        )
        .execution_options(populate_existing=True)
    )


def forget_old_drafts(*, now: datetime) -> int:
    """Remove what was kept more than `DRAFTS_KEPT` before `now`; return how many these were."""
    old = delete(NoteDraft).where(NoteDraft.saved_at < now - DRAFTS_KEPT)
    return int(db.session.execute(old).rowcount)  # type: ignore[attr-defined] # a DELETE has one


def _forget_oldest(person_id: int, *, besides: NoteDraft) -> None:
    too_many = (
        select(NoteDraft.id)
        .where(
            NoteDraft.person_id == person_id,
            NoteDraft.id != besides.id,
            NoteDraft.is_over.is_(besides.is_over),
        )
        .order_by(NoteDraft.saved_at.desc(), NoteDraft.id.desc())
        .offset(MOST_DRAFTS - 1)
    )
    ids = db.session.scalars(too_many).all()
    if ids:
        db.session.execute(delete(NoteDraft).where(NoteDraft.id.in_(ids)))


def _made_with(
    submission_key: str, service_request: ServiceRequest, is_same: Callable[[Visit], bool]
) -> tuple[Visit | None, str]:
    """Return the same visit of this request with the key; and the key, or another if it is taken.

    The other follows from the one that was sent, so that what is sent twice meets itself there, too.
    """
    while (found := _with_key(submission_key)) is not None:
        if found.service_request_id == service_request.id and is_same(found):
            return found, submission_key
        following = f"{service_request.id} {submission_key}"
        submission_key = hashlib.sha256(following.encode()).hexdigest()
    return None, submission_key


def _with_key(submission_key: str) -> Visit | None:
    return db.session.scalar(select(Visit).where(Visit.submission_key == submission_key))


def _as_planned(visit: Visit) -> tuple[object, ...] | None:
    """Return what was planned; None once it is called off: who sends it again plans another."""
    if visit.status is VisitStatus.CANCELLED:
        return None
    visitors = {visitor.id for visitor in visit.visitors}
    return visit.planned_from, visit.planned_to, visit.place, visitors


def _is_done(visit: Visit) -> bool:
    return visit.status is VisitStatus.DONE


def _remember(service_request: ServiceRequest, visitors: Sequence[Person]) -> None:
    for visitor in visitors:
        steps.remember_handler(service_request, visitor.id)


def _person(actor: Actor) -> int:
    assert actor.person_id is not None  # noqa: S101 - the matrix gives residents no visits
    return actor.person_id
