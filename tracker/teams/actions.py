"""Everything that an administrator changes about teams and who is in them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from tracker.accounts import audit, queries as accounts
from tracker.accounts.actions import require_everywhere
from tracker.accounts.models import Person
from tracker.database import db, hold
from tracker.errors import NotFoundError, NotPermittedError, Refusal, RefusedError
from tracker.organisation.models import Area, Category
from tracker.permissions import Action, Actor, require, require_in_unit
from tracker.teams import queries
from tracker.teams.models import Membership, Team


class OnLeaving(Protocol):
    """Called when somebody leaves a team, may not claim in it any more, or (None) leaves altogether.

    What they had in hand goes back.
    """

    def __call__(  # noqa: D102 - the class says it
        self, *, person_id: int, team_id: int | None, actor: Actor, now: datetime
    ) -> None: ...


on_leaving: list[OnLeaving] = []
"""Filled by `create_app`: the work of a team lives above this feature."""

is_at_work: list[Callable[[int], bool]] = []
"""Filled by `create_app`: tells whether a team still has work that is not done."""


def add_team(
    values: Mapping[str, Any],
    *,
    unit_id: int,
    areas: Sequence[Area],
    categories: Sequence[Category],
    actor: Actor,
    now: datetime,
) -> Team:
    """Make a team of a unit. Raises `RefusedError` when the unit was ended."""
    require_in_unit(actor, Action.MANAGE_TEAMS, unit_id)
    accounts.hold_unit(unit_id)
    team = Team(
        **values,
        unit_id=unit_id,
        areas=list(areas),
        categories=list(categories),
        created_at=now,
    )
    db.session.add(team)
    audit.record("team:add", team, {"name": [None, team.name]}, actor=actor, now=now)
    return team


def edit_team(
    team: Team,
    values: Mapping[str, Any],
    *,
    unit_id: int,
    areas: Sequence[Area],
    categories: Sequence[Category],
    actor: Actor,
    now: datetime,
) -> None:
    """Change a team, its areas and its categories. Raises `RefusedError` for an ended unit."""
    require_in_unit(actor, Action.MANAGE_TEAMS, team.unit_id)
    require_in_unit(actor, Action.MANAGE_TEAMS, unit_id)
    if unit_id != team.unit_id:
        accounts.hold_unit(unit_id)
    changes = audit.apply(team, {**values, "unit_id": unit_id})
    for name, before, after in (
        ("areas", team.areas, areas),
        ("categories", team.categories, categories),
    ):
        ids = [sorted(thing.id for thing in things) for things in (before, after)]
        if ids[0] != ids[1]:
            changes[name] = [str(ids[0]), str(ids[1])]
    team.areas, team.categories = list(areas), list(categories)
    if changes:
        audit.record("team:edit", team, changes, actor=actor, now=now)


def end_team(team: Team, *, actor: Actor, now: datetime) -> None:
    """End a team, once. Raises `RefusedError` while it has requests that are not resolved."""
    require(actor, Action.MANAGE_TEAMS)
    _hold_own(team, actor)
    if team.ended_at is not None:
        return
    if any(busy(team.id) for busy in is_at_work):
        raise RefusedError(Refusal.STILL_IN_USE)
    for place in queries.members(team.id):
        _leave(place, actor=actor, now=now)
    team.ended_at = now
    audit.record("team:end", team, {"name": [team.name, None]}, actor=actor, now=now)


def take_up_team(team: Team, *, actor: Actor, now: datetime) -> None:
    """Take an ended team up again, without members. Raises `RefusedError` for an ended unit."""
    require(actor, Action.MANAGE_TEAMS)
    _hold_own(team, actor)
    if team.ended_at is None:
        return
    accounts.hold_unit(team.unit_id)
    team.ended_at = None
    audit.record("team:take-up", team, {"name": [None, team.name]}, actor=actor, now=now)


def join(
    team: Team,
    person: Person,
    *,
    leads: bool = False,
    is_vetted: bool = False,
    actor: Actor,
    now: datetime,
) -> Membership:
    """Let somebody join a team; joining twice changes nothing.

    Raises `NotFoundError` for somebody who was ended: the place would come back with them.

    Who is in a team already may be lent by anybody: they stay with their own unit. Who is in none,
    or holds a role, joins by somebody who answers for them: whoever is in no team would become
    another unit's, and with the team come rights that a role elsewhere was not given with.
    """
    require(actor, Action.MANAGE_TEAMS)
    _hold_own(team, actor)  # the team before the person, as whoever ends it
    hold(person)
    if person.ended_at is not None:
        message = "Somebody who was ended joins no team."
        raise NotFoundError(message)
    if team.ended_at is not None:
        raise RefusedError(Refusal.TEAM_ENDED)
    for place in queries.members(team.id):
        if place.person_id == person.id:
            return place
    if not queries.may_be_lent(actor, person.id):
        message = "Another unit answers for them."
        raise NotPermittedError(message)
    place = Membership(team=team, person=person, leads=leads, is_vetted=is_vetted, joined_at=now)
    db.session.add(place)
    audit.record(
        "team:join",
        team,
        {"person_id": [None, person.id], "leads": [None, leads], "is_vetted": [None, is_vetted]},
        actor=actor,
        now=now,
    )
    return place


def change_place(
    place: Membership, *, leads: bool, is_vetted: bool, actor: Actor, now: datetime
) -> None:
    """Say whether somebody leads the team, and whether the organisation checked them.

    Who is not checked, and does not lead it, holds nothing through the team: it goes back as if they left.
    Raises `NotFoundError` for a place that has ended.
    """
    require(actor, Action.MANAGE_TEAMS)
    _hold_own(place.team, actor)
    hold(place.person)  # the person before the place, as whoever claims and whoever leaves
    hold(place)
    _require_under_way(place)
    changes = audit.apply(place, {"leads": leads, "is_vetted": is_vetted})
    if changes:
        changes["person_id"] = [place.person_id, place.person_id]
        audit.record("team:change-place", place.team, changes, actor=actor, now=now)
    if not (leads or is_vetted):  # also what an earlier version left them
        _give_back(place, actor=actor, now=now)


def vet(place: Membership, *, actor: Actor, now: datetime) -> None:
    """Confirm somebody's registration, as the one who leads the team; twice changes nothing.

    Raises `NotFoundError` for a place that has ended.
    """
    require(actor, Action.LEAD_TEAM)
    if place.team_id not in actor.teams_where(Action.LEAD_TEAM):
        message = "Only a leader of the team confirms its volunteers."
        raise NotPermittedError(message)
    hold(place)
    _require_under_way(place)
    changes = audit.apply(place, {"is_vetted": True})
    if changes:
        changes["person_id"] = [place.person_id, place.person_id]
        audit.record("team:change-place", place.team, changes, actor=actor, now=now)


def _require_under_way(place: Membership) -> None:
    if place.ended_at is not None:
        message = "This place in the team has ended."
        raise NotFoundError(message)


def leave(place: Membership, *, actor: Actor, now: datetime) -> None:
    """Let somebody leave; their open claims go back to the team leader's desk at once."""
    require(actor, Action.MANAGE_TEAMS)
    _hold_own(place.team, actor)
    _leave(place, actor=actor, now=now)


def leave_every_team(
    person: Person, *, held_in: Collection[int], actor: Actor, now: datetime
) -> None:
    """Let somebody leave all their teams, also those they are lent to, when they are ended.

    By whoever manages people in all of `held_in`, the units that answer for them.
    """
    require_everywhere(actor, Action.MANAGE_PEOPLE, held_in)
    hold(person)  # who lets them join a team at the same moment waits, and finds them ended
    for place in queries.memberships_of(person.id):
        _leave(place, actor=actor, now=now)
    for give_back in on_leaving:
        give_back(person_id=person.id, team_id=None, actor=actor, now=now)


def _hold_own(team: Team, actor: Actor) -> None:
    """Hold a team that the actor manages, wherever it may have been moved while they waited."""
    hold(team)
    require_in_unit(actor, Action.MANAGE_TEAMS, team.unit_id)


def _leave(place: Membership, *, actor: Actor, now: datetime) -> None:
    hold(place.person)  # the person before the place: whoever lends them waits, and finds it ended
    hold(place)
    if place.ended_at is not None:
        return
    # Not before they were lent, though it was a moment ago: where they were lent is no home of theirs.
    place.ended_at = max(now, queries.last_joined_at(place.person_id) or now)
    audit.record(
        "team:leave", place.team, {"person_id": [place.person_id, None]}, actor=actor, now=now
    )
    _give_back(place, actor=actor, now=now)


def _give_back(place: Membership, *, actor: Actor, now: datetime) -> None:
    for give_back in on_leaving:
        give_back(person_id=place.person_id, team_id=place.team_id, actor=actor, now=now)
