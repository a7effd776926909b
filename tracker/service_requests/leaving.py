"""What happens to somebody's claims and visits when they leave, and whether a team has work.

`create_app` hands these to features below, which know no requests.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from tracker.accounts.models import Person
from tracker.database import db
from tracker.organisation import queries as organisation
from tracker.permissions import Actor
from tracker.service_requests import messages
from tracker.service_requests.actions import steps, visiting
from tracker.service_requests.actions.claims import free, place_of, take_turns
from tracker.service_requests.lifecycle import OPEN_STATUSES, UNRESOLVED_STATUSES, Step
from tracker.service_requests.models import Claim, ServiceRequest
from tracker.teams.models import AT_WORK, Membership
from tracker.visits.models import Visit
from tracker.visits.queries import is_to_come


def give_back_claims(*, person_id: int, team_id: int | None, actor: Actor, now: datetime) -> None:
    """Free the places that somebody held through a team alone, on requests that are still open.

    And take them off the planned visits: nobody is announced who goes to no door any more. Without
    a team they leave altogether, and answer for nothing. Who is checked in another of its teams, or
    leads one, stays.

    On resolved ones, too: a place is what its holder reads the contact data by, and works by again
    if the result is disputed. The team leaders are told at once of what is left undone. The right
    was asked for by whoever ended the membership.
    """
    take_turns(person_id)
    staying_in = set(
        db.session.scalars(
            select(Membership.team_id).where(Membership.person_id == person_id, AT_WORK)
        )
    )
    held = db.session.scalars(
        select(Claim.service_request_id)
        .join(ServiceRequest, ServiceRequest.id == Claim.service_request_id)
        .where(
            Claim.person_id == person_id,
            Claim.released_at.is_(None),
            ServiceRequest.status.in_(OPEN_STATUSES),
        )
    ).all()
    for service_request_id in sorted({*held, *_expected_at(person_id, now)}):
        # Locked: whoever claims at the same moment waits, and then counts the free place.
        service_request = _locked(service_request_id)
        teams = service_request.team_ids
        if team_id is not None and (team_id not in teams or staying_in & set(teams)):
            continue
        answers = team_id is not None
        visiting.stay_away(service_request, person_id, answers=answers, actor=actor, now=now)
        # Read under the lock: it may have been given back, or all of it closed, a moment before.
        claim = place_of(service_request, person_id)
        if claim is None or service_request.status not in OPEN_STATUSES:
            continue
        steps.take(
            service_request,
            Step.RELEASE,
            actor=actor,
            now=now,
            detail={"person_id": person_id, "left_team_id": team_id},
        )
        free(service_request, claim, reason="left the team", now=now)
        if service_request.status in UNRESOLVED_STATUSES:
            messages.tell_team(service_request, Step.RELEASE, now=now)


def stay_away_without_role(*, person_id: int, actor: Actor, now: datetime) -> None:
    """Take who lost a role off the visits that they were to make by it alone.

    The right was asked for by whoever ended the role.
    """
    for service_request_id in _expected_at(person_id, now):
        visiting.keep_away_others(_locked(service_request_id), actor=actor, now=now)


def stay_away_where_moved(*, unit_id: int, actor: Actor, now: datetime) -> None:
    """Take leaders off the visits in a unit that has moved, where they answer for it no more.

    The right was asked for by whoever moved it.
    """
    expected = (
        select(Visit.service_request_id)
        .join(ServiceRequest, ServiceRequest.id == Visit.service_request_id)
        .where(
            is_to_come(now),
            Visit.visitors.any(Person.id == ServiceRequest.leader_id),
            ServiceRequest.unit_id.in_(sorted(organisation.units_below(unit_id))),
        )
        .distinct()
        .order_by(Visit.service_request_id)
    )
    for service_request_id in db.session.scalars(expected).all():
        visiting.keep_away_others(_locked(service_request_id), actor=actor, now=now)


def has_open_requests(team_id: int) -> bool:
    """Tell whether a team leads an open request: a result, too, may come back to it."""
    query = select(ServiceRequest.id).where(
        ServiceRequest.lead_team_id == team_id, ServiceRequest.status.in_(OPEN_STATUSES)
    )
    return db.session.scalar(query.limit(1)) is not None


def _expected_at(person_id: int, now: datetime) -> Sequence[int]:
    """Return the requests for which somebody is to go to a door, in order."""
    return db.session.scalars(
        select(Visit.service_request_id)
        .where(is_to_come(now), Visit.visitors.any(Person.id == person_id))
        .distinct()
        .order_by(Visit.service_request_id)
    ).all()


def _locked(service_request_id: int) -> ServiceRequest:
    return db.session.get_one(
        ServiceRequest,
        service_request_id,
        with_for_update={"of": ServiceRequest, "key_share": True},
        populate_existing=True,
    )
