"""Where a requester follows their request."""

from tracker.service_requests import links
from tracker.service_requests.models import ServiceRequest


def address(service_request: ServiceRequest, page: str = "") -> str:
    """Return the address of the private page, or of one below it."""
    token = links.token_for(service_request.id, service_request.link_salt)
    return f"/track/{token}{'/' if page else ''}{page}"
