"""Lists for those who judge: results to call back about, and what waits for a decision."""

from collections.abc import Sequence

from sqlalchemy import Select, and_, exists, false, func, literal_column, or_, select, text
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from tracker.database import db
from tracker.errors import NotFoundError
from tracker.notifications.channels.text_message import can_send_texts
from tracker.permissions import Action, Actor, may
from tracker.service_requests.actions.approvals import RIGHTS, is_for_another
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.models import Approval, ReachableBy, Requester, ServiceRequest
from tracker.service_requests.queries import visible_to
from tracker.visibility import within_reach


def to_call_back(actor: Actor) -> Select[ServiceRequest]:
    """Select the resolved requests that `actor` may call back about: none that they handled.

    Who left neither a number nor a neighbour can be asked by nobody; time closes those.
    """
    can_be_asked = exists().where(
        Requester.id == ServiceRequest.requester_id,
        or_(Requester.phone.is_not(None), Requester.neighbour != ""),
    )
    return (
        visible_to(actor, Action.CALL_BACK)
        # Written out: an index for these alone is only used where the query says so.
        .where(ServiceRequest.status == literal_column("'resolved'"), can_be_asked)
        .options(
            joinedload(ServiceRequest.category),
            joinedload(ServiceRequest.area),
            joinedload(ServiceRequest.lead_team),
            joinedload(ServiceRequest.requester),
        )
    )


def to_ask_by_phone(actor: Actor) -> Select[ServiceRequest]:
    """Select the requests whose question reaches nobody in writing, that `actor` may call about.

    Who left a number or a neighbour and reads no mail hears of a question only when somebody calls;
    so does who reads text messages, where there is no gateway for them any more.
    """
    written = [way for way in ReachableBy if way.is_written]
    if not can_send_texts():
        written.remove(ReachableBy.TEXT_MESSAGE)
    by_voice = exists().where(
        Requester.id == ServiceRequest.requester_id,
        or_(
            Requester.reachable_by.not_in(written),
            and_(
                Requester.reachable_by == ReachableBy.EMAIL,
                func.coalesce(Requester.email, "") == "",
            ),
        ),
        or_(Requester.phone.is_not(None), Requester.neighbour != ""),
    )
    return (
        visible_to(actor, Action.CALL_BACK)
        # Written out: an index for these alone is only used where the query says so.
        .where(
            text("service_request.status = 'waiting'"),
            ServiceRequest.question_turn_at.is_not(None),
            by_voice,
        )
        .options(
            joinedload(ServiceRequest.category),
            joinedload(ServiceRequest.lead_team),
            joinedload(ServiceRequest.requester),
        )
    )


def to_decide(actor: Actor) -> Select[Approval]:
    """Select everything that waits for `actor`'s decision.

    Nothing that they asked for themselves, unless nobody else may decide.
    """
    ways = [
        (Approval.kind == kind) & within_reach(actor, right, CASEWORK)
        for kind, right in RIGHTS.items()
        if may(actor, right)
    ]
    return (
        select(Approval)
        .join(Approval.service_request)
        .where(
            Approval.decided_at.is_(None),
            ~is_for_another(actor),
            or_(false(), *ways),
        )
        .options(
            contains_eager(Approval.service_request).options(
                joinedload(ServiceRequest.category),
                joinedload(ServiceRequest.area),
                joinedload(ServiceRequest.lead_team),
                joinedload(ServiceRequest.leader),
                selectinload(ServiceRequest.stops),  # they move by when it would be due
            ),
            joinedload(Approval.asked_by),
        )
    )


def find_approval(actor: Actor, approval_id: int, *, lock: bool = False) -> Approval:
    """Return what was asked, decided or not; raises `NotFoundError` for what is out of reach.

    `lock` makes others wait until the transaction ends: two decisions at once become one.
    """
    query = select(Approval).where(Approval.id == approval_id)
    if lock:
        query = query.with_for_update(of=Approval, key_share=True).execution_options(
            populate_existing=True
        )
    approval = db.session.scalar(query)
    if approval is None or not may(actor, RIGHTS[approval.kind], approval.service_request):
        message = "There is nothing to decide."
        raise NotFoundError(message)
    return approval


def supervised_by(actor: Actor, *, limit: int) -> Sequence[ServiceRequest]:
    """Return what `actor` must answer for in writing, the longest waiting first."""
    if not may(actor, Action.ANSWER_SUPERVISION):
        return ()
    return db.session.scalars(
        visible_to(actor, Action.ANSWER_SUPERVISION)
        .where(ServiceRequest.supervised_at.is_not(None))
        .order_by(ServiceRequest.supervised_at, ServiceRequest.id)
        .limit(limit)
        .options(joinedload(ServiceRequest.category), joinedload(ServiceRequest.lead_team))
    ).all()
