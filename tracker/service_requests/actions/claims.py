"""A volunteer's place on a request: who gets the last one is decided by one conditional write."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import func, select, update

from tracker.accounts.models import Person
from tracker.database import db, hold
from tracker.errors import NotFoundError, Refusal, RefusedError
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, Casework, Role, may, require
from tracker.service_requests import messages
from tracker.service_requests.actions import steps, visiting
from tracker.service_requests.casework import BY_UNDER_WAY, UNDER_WAY
from tracker.service_requests.lifecycle import CLAIMABLE_STATUSES, Status, Step
from tracker.service_requests.models import Claim, ServiceRequest
from tracker.set_up import until_set_up_changes
from tracker.teams.actors import actor_for
from tracker.teams.models import AT_WORK, Membership


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides about every claim of one volunteer, read once for a whole board."""

    vetted_team_ids: frozenset[int]
    open_claims: int
    claim_limit: int


def standing_of(actor: Actor) -> Standing:
    """Return where `actor` is vetted and how many more places they may take."""
    if actor.person_id is None:
        return Standing(frozenset(), 0, 0)
    return Standing(_vetted(actor.person_id), open_claims(actor.person_id), claim_limit())


@until_set_up_changes
def _vetted(person_id: int) -> frozenset[int]:
    """Return the teams that have met the person."""
    return frozenset(
        db.session.scalars(
            select(Membership.team_id).where(
                Membership.person_id == person_id,
                Membership.ended_at.is_(None),
                Membership.is_vetted,
            )
        )
    )


class Claimable(Casework, Protocol):
    """What decides about a claim, besides the volunteer: of a request, or of a line of the board."""

    @property
    def status(self) -> Status: ...  # noqa: D102 - as in `ServiceRequest`
    @property
    def places_taken(self) -> int: ...  # noqa: D102
    @property
    def volunteers_needed(self) -> int: ...  # noqa: D102


def why_not(
    service_request: Claimable, *, actor: Actor, standing: Standing | None = None
) -> Refusal | None:
    """Return why `actor` cannot claim a place now, or None when they can.

    The same rule stands behind the button, its reason and the claim itself; only FULL can
    still change between looking and claiming. `standing` saves reading it for every row.
    """
    standing = standing or standing_of(actor)
    if service_request.status not in CLAIMABLE_STATUSES:
        return Refusal.NOT_OPEN_FOR_CLAIMS
    if actor.person_id in service_request.claimant_ids:
        return Refusal.ALREADY_CLAIMED
    if not may(actor, Action.CLAIM_SERVICE_REQUEST, service_request):
        return Refusal.NOT_A_MEMBER
    if standing.vetted_team_ids.isdisjoint(service_request.team_ids):
        return Refusal.NOT_VETTED
    if service_request.places_taken >= service_request.volunteers_needed:
        return Refusal.FULL
    if standing.open_claims >= standing.claim_limit:
        return Refusal.CLAIM_LIMIT
    return None


def claim(service_request: ServiceRequest, *, actor: Actor, now: datetime) -> Claim:
    """Take a place. The first claim signs for the team by itself.

    Raises `RefusedError` with the named reason; the last place goes to exactly one.
    """
    require(actor, Action.CLAIM_SERVICE_REQUEST, service_request)
    assert actor.person_id is not None  # noqa: S101 - the matrix gives residents no claim
    take_turns(actor.person_id)
    return take_place(service_request, volunteer=actor, actor=actor, now=now)


def enter(service_request: ServiceRequest, person: Person, *, actor: Actor, now: datetime) -> Claim:
    """Enter a volunteer of the team for a place, as their team leader; they are told.

    The rules are those of their own claim. Raises `RefusedError` as `claim` does.
    """
    require(actor, Action.LEAD_TEAM, service_request)
    # What they hold is read after it: somebody may just have ended some of it.
    take_turns(person.id)
    place = take_place(service_request, volunteer=actor_for(person), actor=actor, now=now)
    messages.tell_person(service_request, person, Step.CLAIM, now=now)
    return place


def take_place(
    service_request: ServiceRequest,
    *,
    volunteer: Actor,
    untold: bool = False,
    actor: Actor,
    now: datetime,
) -> Claim:
    """Let a volunteer take a place, whoever enters them. Part of a step, which asks for its right.

    `untold`: the requester hears nothing. Raises `RefusedError` as `claim` does.
    """
    refusal = why_not(service_request, actor=volunteer)
    if refusal is not None:
        raise RefusedError(refusal)
    assert volunteer.person_id is not None  # noqa: S101 - the matrix gives residents no claim
    taken = db.session.scalar(
        update(ServiceRequest)
        .where(
            ServiceRequest.id == service_request.id,
            ServiceRequest.places_taken < ServiceRequest.volunteers_needed,
            ServiceRequest.status.in_(CLAIMABLE_STATUSES),
        )
        .values(places_taken=ServiceRequest.places_taken + 1)
        .returning(ServiceRequest.id)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        raise RefusedError(Refusal.FULL)
    db.session.refresh(service_request)
    place = Claim(
        service_request_id=service_request.id, person_id=volunteer.person_id, claimed_at=now
    )
    db.session.add(place)
    if service_request.status is Status.ASSIGNED:
        service_request.signed_for_at = now
    is_entered = volunteer.person_id != actor.person_id
    steps.take(
        service_request,
        Step.CLAIM,
        actor=actor,
        now=now,
        internal_note=volunteer.name if is_entered else "",
        detail={
            **({"person_id": volunteer.person_id} if is_entered else {}),
            **({"untold": True} if untold else {}),
        },
    )
    steps.remember_handler(service_request, volunteer.person_id)
    db.session.flush()
    db.session.expire(service_request, ["claims"])
    if not untold:
        messages.tell_requester(service_request, Step.CLAIM, now=now)
    return place


def release(
    service_request: ServiceRequest,
    *,
    person_id: int,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Give a place back, with a reason. Volunteers their own; team leaders those of `may_free`.

    Raises `NotFoundError` when that person holds no place.
    """
    require(actor, Action.RELEASE_CLAIM, service_request)
    if person_id not in may_free(service_request, actor):
        message = "That place is somebody else's."
        raise NotFoundError(message)
    place = place_of(service_request, person_id)
    if place is None:
        message = "That person holds no place."
        raise NotFoundError(message)
    steps.take(
        service_request,
        Step.RELEASE,
        actor=actor,
        now=now,
        internal_note=reason,
        detail={"person_id": person_id},
    )
    free(service_request, place, reason=reason, now=now)
    visiting.stay_away(service_request, person_id, actor=actor, now=now)
    messages.tell_team(service_request, Step.RELEASE, by=actor, now=now)


def may_free(service_request: ServiceRequest, actor: Actor) -> frozenset[int]:
    """Return whose places `actor` may give back: their own, and as a team leader the team's.

    Who leads the lead team all of them; who leads one that helps, those of its own members.
    """
    holders = service_request.claimant_ids
    leading = actor.teams.get(Role.TEAM_LEADER, frozenset())
    if service_request.lead_team_id in leading:
        return frozenset(holders)
    helping = leading.intersection(service_request.team_ids)
    members = db.session.scalars(
        select(Membership.person_id).where(
            Membership.team_id.in_(sorted(helping)),
            Membership.person_id.in_(sorted(holders)),
            Membership.ended_at.is_(None),
        )
    )
    return frozenset(members if helping else ()) | (frozenset(holders) & actor.ids)


def release_all(
    service_request: ServiceRequest,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
    except_members_of: Collection[int] = (),
) -> None:
    """Free every place, or those of people who are at work in none of the given teams. Part of a step.

    And take off the planned visits who goes to none of them any more.
    """
    staying = (
        set(
            db.session.scalars(
                select(Membership.person_id).where(
                    Membership.team_id.in_(except_members_of), AT_WORK
                )
            )
        )
        if except_members_of
        else set()
    )
    for place in db.session.scalars(
        select(Claim).where(
            Claim.service_request_id == service_request.id, Claim.released_at.is_(None)
        )
    ).all():
        if place.person_id not in staying:
            free(service_request, place, reason=reason, now=now)
    visiting.keep_away_others(service_request, actor=actor, now=now)


def release_leavers(service_request: ServiceRequest, *, actor: Actor, now: datetime) -> None:
    """Free the places of who has left its teams since, or is checked in none. Part of a step that takes it up again.

    Whoever ends its team at the same moment waits, and finds work in it; or has ended it by now.
    So does who lets one of them go.
    """
    if service_request.lead_team is not None:
        hold(service_request.lead_team)
    for person_id in sorted(service_request.claimant_ids):
        take_turns(person_id)
    release_all(
        service_request,
        reason="left the team",
        actor=actor,
        now=now,
        except_members_of=service_request.team_ids,
    )


def open_claims(person_id: int) -> int:
    """Return how many places a person holds on requests that are not resolved."""
    held = db.session.scalar(
        select(func.count())
        .select_from(Claim)
        .where(Claim.person_id == person_id, UNDER_WAY)
        .with_hint(Claim, BY_UNDER_WAY, "sqlite")
    )
    return held or 0


def take_turns(person_id: int) -> None:
    """Let what else changes this person's places wait until the transaction ends.

    Otherwise somebody who claims two tasks at once could pass the limit on PostgreSQL, and
    somebody who is leaving could be left with a place that they took a moment before.
    """
    db.session.execute(
        select(Person.id).where(Person.id == person_id).with_for_update(key_share=True)
    )


def claim_limit() -> int:
    """Return how many open places one person may hold."""
    return organisation.organisation().claim_limit


def place_of(service_request: ServiceRequest, person_id: int) -> Claim | None:
    """Return the place that somebody holds now; the request is locked already."""
    return db.session.scalar(
        select(Claim)
        .where(
            Claim.service_request_id == service_request.id,
            Claim.person_id == person_id,
            Claim.released_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )


def free(service_request: ServiceRequest, place: Claim, *, reason: str, now: datetime) -> None:
    """Free a place. Part of a step, which also says who goes to no door any more."""
    place.released_at = now
    place.release_reason = reason.strip()
    service_request.places_taken -= 1
    db.session.flush()
    db.session.expire(service_request, ["claims"])
