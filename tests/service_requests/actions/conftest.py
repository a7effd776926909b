"""A request that somebody works on, for the tests of what can be done about it."""

import pytest

from tests.support.builders import Builders
from tests.support.steps import MAIL
from tracker.accounts.models import Person
from tracker.service_requests.models import ReachableBy, ServiceRequest
from tracker.teams.models import Team


@pytest.fixture
def team(a: Builders) -> Team:
    """Return the team that works on `it`."""
    return a.team()


@pytest.fixture
def person(a: Builders, team: Team) -> Person:
    """Return who claimed `it`."""
    return a.volunteer(team)


@pytest.fixture
def it(a: Builders, team: Team, person: Person) -> ServiceRequest:
    """Return a request that `person` works on; its requester reads mail."""
    return a.service_request(
        team=team, claimed_by=[person], reachable_by=ReachableBy.EMAIL, email=MAIL
    )
