"""A request comes in: from the resident, or from a coordinator for a caller or visitor."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tracker.database import db
from tracker.errors import Refusal, RefusedError
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, require
from tracker.service_requests import clocks, messages, news, search
from tracker.service_requests.actions import steps
from tracker.service_requests.lifecycle import Kind, Priority, Status, Step
from tracker.service_requests.models import (
    BuiltInChannel,
    ForWhom,
    ReachableBy,
    Requester,
    ServiceRequest,
    SubmissionDraft,
)
from tracker.service_requests.reference import mark_of_link, new_reference


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What somebody brings, checked by a form."""

    category_id: int
    need: str
    kind: Kind = Kind.HELP
    area_id: int | None = None
    address: str = ""
    preferred_time: str = ""
    for_whom: ForWhom = ForWhom.SELF
    beneficiary_name: str = ""
    beneficiary_relation: str = ""
    beneficiary_consents: bool | None = None
    requester_name: str = ""
    reachable_by: ReachableBy = ReachableBy.NOBODY
    phone: str | None = None
    """In E.164."""
    email: str | None = None
    """In lower case."""
    neighbour: str = ""
    locale: str = "zh_Hans_CN"
    only_needed: bool | None = None
    """Whether to write only of what is always told; None: as is usual for the way."""
    channel: str = BuiltInChannel.WEB
    priority: Priority | None = None
    same_as_id: int | None = None
    """An open request that the resident says is about the same; the desk merges, or not."""


def submit(
    content: NewRequest,
    *,
    submission_key: str,
    draft: SubmissionDraft | None = None,
    actor: Actor,
    now: datetime,
    may_be_written_to: Callable[[str | None], bool] = lambda _address: True,
) -> ServiceRequest:
    """Make a request of what somebody brings; with the same key again, return the same one.

    `draft`, if it was one, is locked (`queries.draft_for_change`); its photos go with it.
    `may_be_written_to` is asked once for each request that is made, with the requester's e-mail
    address, or the number for text messages: whether a message says that it came in.

    Two submissions at the same moment are settled by the unique key: on PostgreSQL the second
    waits for the first and raises `IntegrityError`; the page is then asked anew (`web.errors`).
    """
    require(actor, Action.SUBMIT_SERVICE_REQUEST)
    existing = submitted_with(submission_key)
    if existing is not None:
        return existing
    tells_requester = may_be_written_to(_written_to(content))
    made = _make(
        content,
        submission_key=submission_key,
        draft=draft,
        tells_requester=tells_requester,
        actor=actor,
        now=now,
    )
    if tells_requester:
        messages.tell_requester(made, Step.SUBMIT, now=now)
    return made


def _make(
    content: NewRequest,
    *,
    submission_key: str,
    draft: SubmissionDraft | None = None,
    tells_requester: bool = True,
    actor: Actor,
    now: datetime,
) -> ServiceRequest:
    category = organisation.category(content.category_id)
    requester = _requester(content, now)
    service_request = ServiceRequest(
        reference=_unused_reference(),
        submission_key=submission_key,
        kind=content.kind,
        category=category,
        unit_id=organisation.unit_for_area(content.area_id),
        area_id=content.area_id,
        address=content.address.strip(),
        need=content.need.strip(),
        preferred_time=content.preferred_time.strip(),
        channel=str(content.channel),
        priority=content.priority or Priority(category.default_priority),
        volunteers_needed=category.volunteers_needed,
        requester=requester,
        for_whom=content.for_whom,
        beneficiary_name=content.beneficiary_name.strip(),
        beneficiary_relation=content.beneficiary_relation.strip(),
        beneficiary_consents=content.beneficiary_consents,
        status=Status.SUBMITTED,
        submitted_at=now,
        stops=[],
    )
    db.session.add(service_request)
    db.session.flush()
    detail: dict[str, Any] = {"link": mark_of_link(service_request.link_salt)}
    if content.same_as_id is not None:
        detail["same_as"] = content.same_as_id
    if not tells_requester:
        detail["untold"] = True
    steps.record(service_request, Step.SUBMIT, before=None, actor=actor, now=now, detail=detail)
    clocks.set_clocks(service_request)
    if draft is not None:
        _take_over(draft, service_request)
    search.add(service_request)
    news.tell_of_step(service_request, Step.SUBMIT, now=now)
    return service_request


def take_in(
    content: NewRequest, *, submission_key: str, actor: Actor, now: datetime
) -> ServiceRequest:
    """Make a request for a caller or visitor, and accept it in the same breath.

    Raises `NotPermittedError` when the place belongs to a unit that the actor's desk does not
    reach, and `RefusedError` when something else was sent with the key: the next caller must not be
    read the code of the one before.
    """
    require(actor, Action.TAKE_IN_SERVICE_REQUEST)
    existing = submitted_with(submission_key)
    if existing is not None:
        if not is_made_of(existing, content):
            raise RefusedError(Refusal.RECORDED_ALREADY)
        return existing
    require(actor, Action.SUBMIT_SERVICE_REQUEST)
    # Asked once only whether it is there: somebody else's may come between two questions.
    service_request = _make(content, submission_key=submission_key, actor=actor, now=now)
    messages.tell_requester(service_request, Step.SUBMIT, now=now)
    require(actor, Action.ACCEPT_SERVICE_REQUEST, service_request)
    service_request.accepted_at = now
    steps.take(service_request, Step.ACCEPT, actor=actor, now=now)
    return service_request


def submitted_with(submission_key: str) -> ServiceRequest | None:
    """Return the request that was already made with this key, if any."""
    return db.session.scalar(
        select(ServiceRequest).where(ServiceRequest.submission_key == submission_key)
    )


def is_made_of(service_request: ServiceRequest, content: NewRequest) -> bool:
    """Tell whether a request, as it is now, says all that somebody brings.

    What a desk may have chosen since is not compared: its kind, and where it belongs.
    """
    made, brought = service_request.requester, _requester(content, service_request.submitted_at)
    whose = ("name", "reachable_by", "phone", "email", "neighbour", "only_needed")
    what: tuple[str, ...] = ("for_whom", "beneficiary_consents")
    if service_request.accepted_at in (None, service_request.submitted_at):
        what += ("kind", "category_id", "area_id")
    words = ("need", "address", "preferred_time", "beneficiary_name", "beneficiary_relation")
    return (
        all(getattr(made, name, None) == getattr(brought, name, None) for name in whose)
        and all(getattr(service_request, name) == getattr(content, name) for name in what)
        and all(getattr(service_request, name) == getattr(content, name).strip() for name in words)
    )


def _written_to(content: NewRequest) -> str | None:
    """Return the address or number that somebody names to be written to."""
    by_text = content.reachable_by is ReachableBy.TEXT_MESSAGE
    return content.email or (content.phone if by_text else None)


def _requester(content: NewRequest, now: datetime) -> Requester | None:
    if content.reachable_by is ReachableBy.NOBODY and not content.requester_name.strip():
        return None
    return Requester(
        name=content.requester_name.strip(),
        reachable_by=content.reachable_by,
        phone=content.phone,
        email=content.email,
        neighbour=content.neighbour.strip(),
        locale=content.locale,
        only_needed=ReachableBy(content.reachable_by).tells_only_needed
        if content.only_needed is None
        else content.only_needed,
        created_at=now,
    )


def _unused_reference() -> str:
    chance = random.SystemRandom()
    while True:
        reference = new_reference(chance)
        taken = select(ServiceRequest.id).where(ServiceRequest.reference == reference)
        if db.session.scalar(taken) is None:
            return reference


def _take_over(draft: SubmissionDraft, service_request: ServiceRequest) -> None:
    """Hand the photos of the draft to the request, and let the draft lead to it."""
    draft.service_request_id = service_request.id
    draft.content = {}
    for photo in draft.photos:
        photo.service_request_id = service_request.id
        photo.draft_id = None
