"""A private link is revoked by making a new one."""

from datetime import datetime

from tracker.notifications.outbox import enqueue
from tracker.permissions import Action, Actor, require
from tracker.service_requests import messages
from tracker.service_requests.actions import steps
from tracker.service_requests.actions.drafts import forget_sent
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import ServiceRequest


def renew(service_request: ServiceRequest, *, salt: str, actor: Actor, now: datetime) -> None:
    """Make a new link and code of `salt`; the old ones lead nowhere from now on.

    The address of the form that it was sent from is forgotten too: it would lead to the new
    link. Where the requester is written to the new link goes at once, however seldom they wish to be
    told: whoever has the link alone cannot shut them out unseen.
    """
    require(actor, Action.ADD_TO_OWN_REQUEST, service_request)
    service_request.link_salt = salt
    forget_sent(service_request.id, actor=actor)
    steps.record(
        service_request,
        Step.NOTE,
        before=service_request.status,
        actor=actor,
        now=now,
        detail={"link_renewed": True},
    )
    _write(service_request, now=now)


def _write(service_request: ServiceRequest, *, now: datetime) -> None:
    requester = service_request.requester
    place = messages.written_way(requester) if requester else None
    if requester is None or place is None:
        return  # the desk sees it in the history
    channel, address = place
    enqueue(
        messages.LINK_RENEWED,
        channel=channel,
        address=address,
        locale=requester.locale,
        payload={
            "reference": service_request.reference,
            "request_id": service_request.id,
            "link_salt": service_request.link_salt,
        },
        now=now,
        service_request_id=service_request.id,
    )
