"""What a team leader sees of the team: its volunteers, and how much each has in hand."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from tracker.accounts.models import Person
from tracker.database import db
from tracker.errors import NotFoundError, Refusal
from tracker.permissions import Action, Actor, Role
from tracker.service_requests.actions import claims
from tracker.service_requests.lifecycle import UNRESOLVED_STATUSES
from tracker.service_requests.models import Claim, ServiceRequest
from tracker.teams.models import Membership, Team


@dataclass(frozen=True, slots=True)
class Member:
    """One place in a team."""

    place: Membership
    open_claims: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A volunteer who could be entered for a task, or why they cannot."""

    person: Person
    open_claims: int
    refusal: Refusal | None


def teams(actor: Actor) -> Sequence[tuple[Team, Sequence[Member]]]:
    """Return the teams that `actor` leads, each with its members: who waits for a check first."""
    led = sorted(actor.teams_where(Action.LEAD_TEAM))
    places = db.session.scalars(
        select(Membership)
        .join(Membership.person)
        .where(Membership.team_id.in_(led), Membership.ended_at.is_(None))
        .options(joinedload(Membership.person), joinedload(Membership.team))
        .order_by(Membership.is_vetted, Membership.leads.desc(), Person.sort_key, Person.id)
    ).all()
    in_hand = _open_claims({place.person_id for place in places})
    found = db.session.scalars(select(Team).where(Team.id.in_(led)).order_by(Team.name, Team.id))
    return [
        (
            team,
            [Member(p, in_hand.get(p.person_id, 0)) for p in places if p.team_id == team.id],
        )
        for team in found
    ]


def place(actor: Actor, team_id: int, person_id: int) -> Membership:
    """Return a place in a team that `actor` leads. Raises `NotFoundError`."""
    found = db.session.scalar(
        select(Membership).where(
            Membership.team_id == team_id,
            Membership.team_id.in_(sorted(actor.teams_where(Action.LEAD_TEAM))),
            Membership.person_id == person_id,
            Membership.ended_at.is_(None),
        )
    )
    if found is None:
        message = "That person is not in a team that the reader leads."
        raise NotFoundError(message)
    return found


def candidates(service_request: ServiceRequest, actor: Actor) -> Sequence[Candidate]:
    """Return the volunteers of the reader's teams that have the request: who can come first."""
    led = sorted(actor.teams_where(Action.LEAD_TEAM) & set(service_request.team_ids))
    places = db.session.scalars(
        select(Membership)
        .join(Membership.person)
        .where(
            Membership.team_id.in_(led),
            Membership.ended_at.is_(None),
            Person.ended_at.is_(None),
        )
        .options(joinedload(Membership.person))
        .order_by(Person.sort_key, Person.id)
    ).all()
    in_hand, limit = _open_claims({each.person_id for each in places}), claims.claim_limit()
    found: dict[int, Candidate] = {}
    for each in places:
        mine = [other for other in places if other.person_id == each.person_id]
        held = in_hand.get(each.person_id, 0)
        found[each.person_id] = Candidate(
            each.person,
            held,
            claims.why_not(
                service_request,
                actor=Actor(
                    each.person_id, teams={Role.VOLUNTEER: frozenset(p.team_id for p in mine)}
                ),
                standing=claims.Standing(
                    frozenset(p.team_id for p in mine if p.is_vetted), held, limit
                ),
            ),
        )
    return sorted(found.values(), key=lambda each: (each.refusal is not None, each.open_claims))


def _open_claims(person_ids: set[int]) -> dict[int, int]:
    rows = db.session.execute(
        select(Claim.person_id, func.count())
        .join(ServiceRequest, ServiceRequest.id == Claim.service_request_id)
        .where(
            Claim.person_id.in_(sorted(person_ids)),
            Claim.released_at.is_(None),
            ServiceRequest.status.in_(UNRESOLVED_STATUSES),
        )
        .group_by(Claim.person_id)
    )
    return dict(rows.all())
