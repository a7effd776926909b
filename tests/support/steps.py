"""What steps leave behind: lines of the history, and mails to a requester who reads them."""

from typing import Final

from tracker.service_requests import queries
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import ServiceRequest

MAIL: Final = "li@example.org"
"""The address of the requester."""


def steps_of(service_request: ServiceRequest) -> list[Step]:
    """Return the steps that were taken, the oldest first."""
    return [entry.step for entry in queries.history_of(service_request)]
