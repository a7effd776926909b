"""A private link is revoked by making a new one."""

from tracker.permissions import Action, Actor, require
from tracker.service_requests.actions.drafts import forget_sent
from tracker.service_requests.models import ServiceRequest


def renew(service_request: ServiceRequest, *, salt: str, actor: Actor) -> None:
    """Make a new link and code of `salt`; the old ones lead nowhere from now on.

    The address of the form that it was sent from is forgotten too: it would lead to the new
    link.
    """
    require(actor, Action.ADD_TO_OWN_REQUEST, service_request)
    service_request.link_salt = salt
    forget_sent(service_request.id, actor=actor)
