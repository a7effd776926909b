"""A private link is revoked by making a new one."""

from tracker.permissions import Action, Actor, require
from tracker.service_requests.actions.drafts import forget_sent
from tracker.service_requests.models import ServiceRequest, new_salt


def renew(service_request: ServiceRequest, *, actor: Actor) -> None:
    """Make a new link and code; the old ones lead nowhere from now on.

    The address of the form that it was sent from is forgotten too: it would lead to the new
    link.
    """
    require(actor, Action.ADD_TO_OWN_REQUEST, service_request)
    service_request.link_salt = new_salt()
    forget_sent(service_request.id, actor=actor)
