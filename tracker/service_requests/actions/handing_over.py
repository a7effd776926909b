"""Handing over what one person holds, all of it at once: every move is the normal steps of its request.

Each move is checked again as it is made, as if the successor had claimed, or been dispatched to, by
themselves: `RefusedError` then, and nothing of the whole is done.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from tracker.accounts import audit
from tracker.accounts.models import Person
from tracker.database import db, hold
from tracker.errors import NotPermittedError, Refusal, RefusedError
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, require
from tracker.service_requests import messages
from tracker.service_requests.actions import steps, visiting
from tracker.service_requests.actions.claims import free, place_of, take_place
from tracker.service_requests.lifecycle import STAYS_INSIDE, Step
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.queries import answers_still, works_on
from tracker.teams.actors import actor_for


class Group(StrEnum):
    """What somebody holds that another can take over, in the order in which it is handed over."""

    TASKS = "tasks"
    """Places, with the visits that go with them."""
    VISITS = "visits"
    """Planned visits on what they hold no place on, and do not answer for."""
    ANSWERED_FOR = "answered_for"
    """What they answer for as leader, with the visits that they were to make as such."""


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that goes to a successor; to nobody when the team leader is to find one."""

    group: Group
    service_request: ServiceRequest
    to: Person | None


def hand_over(
    moves: Sequence[Move],
    person: Person,
    *,
    held: Mapping[Group, int],
    note: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Make every move, tell each successor once, and write it into the trail.

    The requests and the people are locked already. `held` says how much of each group was the
    person's before. What falls to the team leaders is told to them once, too. Raises `RefusedError`
    with the named reason when one of the moves can't be made.
    """
    require(actor, Action.HAND_OVER)
    for move in moves:
        require(actor, Action.HAND_OVER, move.service_request)
        _MAKE[move.group](move, person, note=note, actor=actor, now=now)
    _tell(moves, person, actor=actor, now=now)
    gone = {group: sum(move.group is group for move in moves) for group in Group}
    audit.record(
        "person:hand-over",
        person,
        {group.value: [held[group], held[group] - gone[group]] for group in Group if gone[group]},
        unit_id=moves[0].service_request.unit_id if moves else None,
        actor=actor,
        now=now,
    )


def _hand_over_place(move: Move, person: Person, *, note: str, actor: Actor, now: datetime) -> None:
    it, place = move.service_request, place_of(move.service_request, person.id)
    if place is None:
        raise RefusedError(Refusal.ALREADY_ANSWERED)
    steps.take(
        it,
        Step.RELEASE,
        actor=actor,
        now=now,
        internal_note=note or person.name,
        detail={"person_id": person.id, "handed_over": True},
    )
    free(it, place, reason=note or "handed over", now=now)
    if move.to is None:
        visiting.stay_away(it, person.id, actor=actor, now=now)
        return
    # The requester knows that a volunteer has it; whom to expect they hear with the visit.
    take_place(it, volunteer=actor_for(move.to), untold=True, actor=actor, now=now)
    _hand_over_visits(move, person, note="", actor=actor, now=now)


def _hand_over_visits(
    move: Move, person: Person, *, note: str, actor: Actor, now: datetime
) -> None:
    it = move.service_request
    if move.to is None:
        visiting.stay_away(it, person.id, actor=actor, now=now)
        return
    if not db.session.scalar(select(works_on(Person.id, it)).where(Person.id == move.to.id)):
        raise RefusedError(Refusal.NOT_A_MEMBER)
    visiting.send_instead(it, person, move.to, note=note, actor=actor, now=now)


def _hand_over_answering(
    move: Move, person: Person, *, note: str, actor: Actor, now: datetime
) -> None:
    it, leader = move.service_request, move.to
    if it.unit_id not in actor.units_where(Action.HAND_OVER) or leader is None:
        message = "Only a desk says which leader answers for it."
        raise NotPermittedError(message)
    organisation.keep_trees()
    hold(leader)
    if not db.session.scalar(select(answers_still(leader.id, it.unit_id))):
        raise RefusedError(Refusal.LEADER_ENDED)
    it.leader = leader
    db.session.flush()
    is_assigned = (it.status, Step.ASSIGN) in STAYS_INSIDE
    steps.take(
        it,
        Step.ASSIGN if is_assigned else Step.NOTE,
        actor=actor,
        now=now,
        internal_note=f"{leader.name} · {note}" if note else leader.name,
        team_id=it.lead_team_id if is_assigned else None,
        detail={
            "leader_id": leader.id,
            "handed_over": True,
            **({"inside": True, "untold": True} if is_assigned else {}),
        },
        inside=is_assigned,
    )
    steps.remember_handler(it, leader.id)
    if person.id not in it.claimant_ids:  # with a place the visits are a volunteer's
        _hand_over_visits(move, person, note="", actor=actor, now=now)


_MAKE = {
    Group.TASKS: _hand_over_place,
    Group.VISITS: _hand_over_visits,
    Group.ANSWERED_FOR: _hand_over_answering,
}


def _tell(moves: Sequence[Move], giver: Person, *, actor: Actor, now: datetime) -> None:
    """Tell each successor once; of what falls to the desk of a team, those who lead it."""
    passed_on: defaultdict[Person, list[ServiceRequest]] = defaultdict(list)
    fallen: defaultdict[Person, list[ServiceRequest]] = defaultdict(list)
    for move in moves:
        it = move.service_request
        if move.to is not None:
            if it not in passed_on[move.to]:
                passed_on[move.to].append(it)
            continue
        leading = messages.who_leads(it.lead_team_id, except_for=giver.id)
        if not leading:
            messages.tell_team(it, Step.RELEASE, now=now)
        for person in leading:
            fallen[person].append(it)
    for person, requests in passed_on.items():
        if person.id != actor.person_id:
            messages.tell_handed_over(person, requests, giver=giver, now=now)
    for person, requests in fallen.items():
        if person.id != actor.person_id:
            messages.tell_handed_over(person, requests, giver=giver, to_desk=True, now=now)
