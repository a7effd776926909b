"""A private link is revoked by making a new one."""

from tracker.permissions import Action, Actor, require
from tracker.service_requests import links
from tracker.service_requests.actions.drafts import forget_sent
from tracker.service_requests.models import ServiceRequest


def renew(service_request: ServiceRequest, token: str, *, form_key: str, actor: Actor) -> None:
    """Make a new link and code; `token` and the code beside it lead nowhere from now on.

    The form of `form_key` sent again changes nothing: the answer to the first may have been lost on
    the way, and with it the only place where the new link stood. Raises `NotFoundError` where `token`
    leads nowhere. The address of the form that the request was sent from is forgotten too: it would
    lead to the new link.
    """
    require(actor, Action.ADD_TO_OWN_REQUEST, service_request)
    if links.is_renewed_with(service_request, token, form_key):
        return
    links.require_link(token, service_request)
    service_request.link_salt = links.renewed_salt(token, form_key)
    forget_sent(service_request.id, actor=actor)
