"""The desk: accept, decline, merge, assign; and the team's answer: return, sign for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import exists, or_, select, update

from tracker.accounts.models import Person
from tracker.database import db, hold
from tracker.errors import NotPermittedError, Refusal, RefusedError
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, may, require
from tracker.service_requests import clocks, messages
from tracker.service_requests.actions import parts, steps, visiting
from tracker.service_requests.actions.claims import release_all
from tracker.service_requests.lifecycle import (
    OPEN_STATUSES,
    STAYS_INSIDE,
    Outcome,
    Priority,
    Status,
    Step,
)
from tracker.service_requests.limit_rules import limit_of
from tracker.service_requests.limits import Clock, due_at
from tracker.service_requests.models import HistoryEntry, ServiceRequest
from tracker.service_requests.queries import answers_still
from tracker.teams.models import Team

NO_RULE: Final[Mapping[str, Any]] = MappingProxyType({})
"""Where no rule proposed anything: see `routing.proposals.Proposal.kept`."""
NO_TASKS: Final[Mapping[int, str]] = MappingProxyType({})
"""Where nobody says what a helping team is to do."""


def accept(
    service_request: ServiceRequest,
    *,
    category_id: int,
    priority: Priority,
    area_id: int | None,
    note: str = "",
    by_rule: Mapping[str, Any] = NO_RULE,
    actor: Actor,
    now: datetime,
) -> None:
    """Accept with category, priority and area checked. Starts the clocks.

    The request moves to the unit whose desk answers for the area. `by_rule` is what history keeps
    of the rule that filled in the form.
    """
    require(actor, Action.ACCEPT_SERVICE_REQUEST, service_request)
    service_request.category = organisation.category(category_id)
    service_request.priority = priority
    if area_id != service_request.area_id:
        service_request.area_id = area_id
        service_request.unit_id = organisation.unit_for_area(area_id)
    service_request.volunteers_needed = max(
        service_request.volunteers_needed, service_request.category.volunteers_needed
    )
    service_request.accepted_at = now
    steps.take(service_request, Step.ACCEPT, actor=actor, now=now, public_note=note, detail=by_rule)
    messages.tell_requester(service_request, Step.ACCEPT, now=now)


def decline(
    service_request: ServiceRequest,
    *,
    reason: str,
    where_to_turn: str,
    is_spam: bool = False,
    actor: Actor,
    now: datetime,
) -> None:
    """Close as out of scope, with the reason and where to turn, both public.

    Only what no desk has accepted yet, nor merged others into, can be spam, which no figure counts
    and of which nobody is told. Raises `RefusedError`.
    """
    require(actor, Action.DECLINE_SERVICE_REQUEST, service_request)
    if is_spam and not may_be_spam(service_request):
        raise RefusedError(Refusal.ACCEPTED_IS_NO_SPAM)
    service_request.outcome = Outcome.OUT_OF_SCOPE
    service_request.is_spam = is_spam
    service_request.public_answer = reason.strip()
    service_request.referred_to = where_to_turn.strip()
    steps.take(
        service_request,
        Step.DECLINE,
        actor=actor,
        now=now,
        public_note=reason,
        detail={"where_to_turn": where_to_turn, "is_spam": is_spam},
    )
    if not is_spam:
        messages.tell_requester(service_request, Step.DECLINE, now=now)


def may_be_spam(service_request: ServiceRequest) -> bool:
    """Tell whether it may still be called spam: no desk has accepted it, nor merged others into it."""
    was_accepted = exists().where(
        HistoryEntry.service_request_id == service_request.id,
        HistoryEntry.to_status.not_in((Status.SUBMITTED, Status.CLOSED)),
    )
    stands_for_others = exists().where(ServiceRequest.survivor_id == service_request.id)
    return service_request.status is Status.SUBMITTED and not db.session.scalar(
        select(or_(was_accepted, stands_for_others))
    )


def merge(
    service_request: ServiceRequest,
    survivor: ServiceRequest,
    *,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Close as a duplicate of `survivor`, whose updates then reach both requesters; for good.

    Only who asked for the duplicate is told: nothing changes for the other.
    Photos stay with the duplicate; claims on it are released. What was merged into the
    duplicate before follows to the survivor.
    """
    require(actor, Action.MERGE_SERVICE_REQUEST, service_request)
    require(actor, Action.MERGE_SERVICE_REQUEST, survivor)
    if survivor.id == service_request.id:
        raise RefusedError(Refusal.SAME_REQUEST)
    if survivor.status not in OPEN_STATUSES:
        raise RefusedError(Refusal.SURVIVOR_CLOSED)
    followed = db.session.scalars(
        update(ServiceRequest)
        .where(ServiceRequest.survivor_id == service_request.id)
        .values(survivor_id=survivor.id)
        .returning(ServiceRequest.reference)
    ).all()
    # After the query: it flushes, and an outcome without its status is refused.
    service_request.survivor = survivor
    service_request.outcome = Outcome.DUPLICATE
    steps.take(
        service_request,
        Step.MERGE,
        actor=actor,
        now=now,
        public_note=note,
        detail={"survivor": survivor.reference},
    )
    steps.take(
        survivor,
        Step.RECEIVE_MERGED,
        actor=actor,
        now=now,
        detail={"duplicate": service_request.reference, "followed": sorted(followed)},
    )
    release_all(service_request, reason="merged", actor=actor, now=now)
    messages.tell_requester(service_request, Step.MERGE, now=now)


def assign(
    service_request: ServiceRequest,
    *,
    lead_team: Team,
    helping_teams: Sequence[Team] = (),
    leader: Person,
    volunteers_needed: int,
    board_note: str = "",
    note: str = "",
    by_rule: Mapping[str, Any] = NO_RULE,
    tasks: Mapping[int, str] = NO_TASKS,
    actor: Actor,
    now: datetime,
) -> bool:
    """Dispatch to a lead team and a leader, perhaps with helping teams; return whether that changed anything.

    `tasks`: what each helping team is to do, by its id; whose is said has a part (`actions.parts`).
    Parts of teams that help no more are taken back.
    `board_note` is what volunteers read on the board before they claim. A team leader may only do
    so inside the team that has it, and leaves it to the leader who answers for it and the teams
    that help. Claims of
    people who are in none of the teams any more are released. Where the lead team stays, so do
    the status, who signed for it and the return limit, and the requester is not told. What is as it
    was, without a note, is no step: nothing changes and nobody is told.
    """
    require(actor, Action.ASSIGN_SERVICE_REQUEST, service_request)
    _require_choice(actor, service_request, lead_team, helping_teams, leader)
    # Whoever ends one of them at the same moment waits, or has ended it by now.
    for team in sorted({lead_team, *helping_teams}, key=attrgetter("id")):
        hold(team)
    helps_already = set(service_request.helping_teams)
    # What has ended since helps no more; only to choose it anew is a mistake.
    helping_teams = [
        team for team in helping_teams if team.ended_at is None or team not in helps_already
    ]
    if any(team.ended_at is not None for team in (lead_team, *helping_teams)):
        raise RefusedError(Refusal.TEAM_ENDED)
    if leader.id != service_request.leader_id:
        organisation.keep_trees()
        hold(leader)
        if not db.session.scalar(select(answers_still(leader.id, service_request.unit_id))):
            raise RefusedError(Refusal.LEADER_ENDED)
    former_id = service_request.lead_team_id
    stays = former_id == lead_team.id and (service_request.status, Step.ASSIGN) in STAYS_INSIDE
    helping_teams = [team for team in helping_teams if team.id != lead_team.id]
    said = note, *(tasks.get(team.id, "") for team in helping_teams)
    is_same = (
        service_request.leader_id == leader.id
        and {team for team in helps_already if team.ended_at is None} == set(helping_teams)
        and _places(service_request, volunteers_needed) == service_request.volunteers_needed
        and _reads_as(service_request.board_note, board_note)
    )
    if stays and is_same and not any(each.strip() for each in said):
        return False
    service_request.lead_team = lead_team
    service_request.helping_teams = helping_teams
    service_request.leader = leader
    db.session.flush()
    teams = {lead_team.id, *(team.id for team in service_request.helping_teams)}
    release_all(service_request, reason="reassigned", actor=actor, now=now, except_members_of=teams)
    helping = teams - {lead_team.id}
    without_part = parts.take_back_of_others(service_request, helping, actor=actor, now=now)
    # After claims were released: fewer places may be taken by now.
    service_request.volunteers_needed = _places(service_request, volunteers_needed)
    service_request.board_note = board_note.strip()
    if not stays:
        service_request.assigned_at = now
        service_request.signed_for_at = None
    steps.take(
        service_request,
        Step.ASSIGN,
        actor=actor,
        now=now,
        internal_note=note,
        team_id=lead_team.id,
        detail={
            "leader_id": leader.id,
            "helping_team_ids": sorted(helping),
            "volunteers_needed": service_request.volunteers_needed,
            **({"inside": True, "untold": True} if stays else {}),
            **by_rule,
        },
        inside=stays,
    )
    steps.remember_handler(service_request, leader.id)
    if not stays:  # else they know whose it is
        messages.tell_requester(service_request, Step.ASSIGN, now=now)
    messages.tell_team(service_request, Step.ASSIGN, by=actor, now=now)
    former = {*without_part, former_id or lead_team.id}
    for team_id in sorted(former - teams):
        messages.tell_former_team(service_request, team_id, now=now)
    _give_parts(service_request, tasks, actor=actor, now=now)
    return True


def _require_choice(
    actor: Actor,
    service_request: ServiceRequest,
    lead_team: Team,
    helping_teams: Sequence[Team],
    leader: Person,
) -> None:
    if not may_choose_team(actor, service_request, lead_team):
        message = "A team leader assigns inside the own team only."
        raise NotPermittedError(message)
    if not may_choose_leader(actor, service_request, leader):
        message = "Only a desk says which leader answers for it."
        raise NotPermittedError(message)
    if not may_choose_helping_teams(actor, service_request, helping_teams):
        message = "Only a desk says which other teams help."
        raise NotPermittedError(message)


def _places(service_request: ServiceRequest, volunteers_needed: int) -> int:
    """Return how many places there are: never fewer than are taken."""
    return max(volunteers_needed, service_request.places_taken, 1)


def _reads_as(words: str, others: str) -> bool:
    """Tell whether two texts read the same: browsers end lines in their own way."""
    return words.strip().splitlines() == others.strip().splitlines()


def _give_parts(
    service_request: ServiceRequest, tasks: Mapping[int, str], *, actor: Actor, now: datetime
) -> None:
    for team in service_request.helping_teams:
        if task := tasks.get(team.id, "").strip():
            parts.give(service_request, team, task=task, actor=actor, now=now)


def may_choose_team(actor: Actor, service_request: ServiceRequest, team: Team) -> bool:
    """Tell whether `actor` may dispatch to `team`: a desk to any, a team leader to the same."""
    if is_its_desk(actor, service_request):
        return True
    return team.id == service_request.lead_team_id and may(
        actor, Action.ASSIGN_SERVICE_REQUEST, service_request
    )


def may_choose_leader(actor: Actor, service_request: ServiceRequest, leader: Person) -> bool:
    """Tell whether `actor` may let `leader` answer for it: a desk anybody, a team leader the same.

    What came from elsewhere without a leader may get one from both.
    """
    return is_its_desk(actor, service_request) or service_request.leader_id in (None, leader.id)


def may_choose_helping_teams(
    actor: Actor, service_request: ServiceRequest, teams: Sequence[Team]
) -> bool:
    """Tell whether `actor` may let `teams` help: a desk any, a team leader those that do already.

    With a request come its people's names, numbers and doors.
    """
    present = {team.id for team in service_request.helping_teams}
    return is_its_desk(actor, service_request) or {team.id for team in teams} == present


def is_its_desk(actor: Actor, service_request: ServiceRequest) -> bool:
    """Tell whether `actor` dispatches the request for its unit, not inside a team only."""
    return service_request.unit_id in actor.units_where(Action.ASSIGN_SERVICE_REQUEST)


def why_not_returned(service_request: ServiceRequest, *, now: datetime) -> Refusal | None:
    """Return why a team cannot give back what it was given; None while it can."""
    if service_request.places_taken:
        return Refusal.WORK_BEGUN
    limit = return_limit_at(service_request)
    return Refusal.RETURN_LIMIT_PASSED if limit is not None and now > limit else None


def return_(service_request: ServiceRequest, *, reason: str, actor: Actor, now: datetime) -> None:
    """Give it back to the desk, with a reason, within the return limit and before work began."""
    require(actor, Action.RETURN_SERVICE_REQUEST, service_request)
    why_not = why_not_returned(service_request, now=now)
    if why_not is not None:
        raise RefusedError(why_not)
    team_id = service_request.lead_team_id
    without_part = parts.take_back_of_others(service_request, (), actor=actor, now=now)
    service_request.times_returned += 1
    service_request.lead_team = None
    service_request.helping_teams = []
    service_request.leader = None
    service_request.assigned_at = None
    steps.take(
        service_request,
        Step.RETURN,
        actor=actor,
        now=now,
        internal_note=reason,
        team_id=team_id,
    )
    visiting.keep_away_others(service_request, actor=actor, now=now)
    messages.tell_desk(service_request, Step.RETURN, by=actor, now=now)
    for each in without_part:
        messages.tell_former_team(service_request, each, now=now)


def return_limit_at(service_request: ServiceRequest) -> datetime | None:
    """Return until when the team may return it: its limit counts from the assignment."""
    if service_request.assigned_at is None:
        return None
    limit = limit_of(service_request.category, service_request.priority, Clock.RETURN)
    calendar = clocks.calendar_of(service_request, service_request.assigned_at)
    return due_at(calendar, limit, service_request.assigned_at)


def sign_for(service_request: ServiceRequest, *, actor: Actor, now: datetime) -> None:
    """Take the request on for the team."""
    require(actor, Action.SIGN_FOR_SERVICE_REQUEST, service_request)
    service_request.signed_for_at = now
    steps.take(
        service_request, Step.SIGN_FOR, actor=actor, now=now, team_id=service_request.lead_team_id
    )
