"""What journeys begin with."""

import pytest

from tests.support.builders import Builders
from tracker.database import db
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ServiceRequest


@pytest.fixture
def claimed(a: Builders) -> ServiceRequest:
    """Return a request on which somebody works."""
    made = a.service_request(status=Status.IN_PROGRESS)
    db.session.refresh(made)
    return made
