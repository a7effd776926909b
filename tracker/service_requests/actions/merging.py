"""What becomes of merged requests when the one that they were merged into is taken back."""

from datetime import datetime

from sqlalchemy import select, update

from tracker.database import db
from tracker.permissions import SYSTEM
from tracker.service_requests import messages
from tracker.service_requests.actions import steps
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import ServiceRequest


def hand_over(former: ServiceRequest, *, now: datetime) -> None:
    """Let the oldest request that was merged into `former` stand for itself again, and for the others.

    Part of a step that takes `former` back. Their needs are not: the desk reads the oldest anew,
    and its requester and the desk are told.
    """
    heir = db.session.scalar(
        select(ServiceRequest)
        .where(ServiceRequest.survivor_id == former.id)
        .order_by(ServiceRequest.submitted_at, ServiceRequest.id)
        .limit(1)
        .with_for_update(of=ServiceRequest, key_share=True)
    )
    if heir is None:
        return
    followed = db.session.scalars(
        update(ServiceRequest)
        .where(ServiceRequest.survivor_id == former.id, ServiceRequest.id != heir.id)
        .values(survivor_id=heir.id)
        .returning(ServiceRequest.reference)
    ).all()
    heir.helping_teams = []  # first: it asks, and nothing may be half changed then
    steps.forget_result(heir, now=now)
    heir.survivor, heir.lead_team, heir.leader = None, None, None
    if heir.accepted_at is not None:  # the clock begins anew with the desk
        heir.due_at = heir.near_at = None
    heir.accepted_at = heir.assigned_at = heir.signed_for_at = None
    steps.take(
        heir,
        Step.RECEIVE_MERGED,
        actor=SYSTEM,
        now=now,
        detail={"withdrawn": former.reference, "followed": sorted(followed)},
    )
    messages.tell_requester(heir, Step.RECEIVE_MERGED, now=now)
    messages.tell_desk(heir, Step.RECEIVE_MERGED, now=now)
