"""Parts for helping teams: given, changed and taken back by whose request it is; ended by their team.

How the request itself stands never changes with them. Their words are for staff.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import update

from tracker.database import db, hold
from tracker.errors import NotPermittedError, Refusal, RefusedError
from tracker.permissions import Action, Actor, require
from tracker.service_requests import messages, parts
from tracker.service_requests.actions import steps, visiting
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.limits import is_overdue
from tracker.service_requests.models import Part, PartEnd, ServiceRequest
from tracker.teams.models import Team


def give(
    service_request: ServiceRequest,
    team: Team,
    *,
    task: str,
    working_days: int | None = None,
    actor: Actor,
    now: datetime,
) -> Part:
    """Say what a helping team is to do, and tell it.

    A desk may name any team, which helps from now on; who leads the lead team only those that help
    already. `working_days`: how many the team has; None: as long as the whole request. Raises
    `RefusedError` when the team leads it, has a part that has not ended, or would have longer than
    the whole request.
    """
    require(actor, Action.GIVE_PART, service_request)
    if team.id == service_request.lead_team_id:
        raise RefusedError(Refusal.TEAM_LEADS)
    if team not in service_request.helping_teams:
        if service_request.unit_id not in actor.units_where(Action.GIVE_PART):
            message = "Only a desk says which other teams help."
            raise NotPermittedError(message)
        hold(team)  # whoever ends it at the same moment waits, or has ended it by now
        if team.ended_at is not None:
            raise RefusedError(Refusal.TEAM_ENDED)
        service_request.helping_teams.append(team)
    if team.id in parts.teams_with_open(service_request):
        raise RefusedError(Refusal.HAS_PART)
    _refuse_too_late(service_request, working_days, now)
    assert actor.person_id is not None  # noqa: S101 - whoever may give is somebody
    part = Part(
        service_request_id=service_request.id,
        service_request=service_request,
        team=team,
        task=task.strip(),
        given_by_id=actor.person_id,
        given_at=now,
        working_days=working_days,
        counted_from=now,
        rungs_reached=0,
    )
    parts.set_times(part)
    db.session.add(part)
    db.session.flush()
    _take(part, Step.GIVE_PART, note=task, actor=actor, now=now)
    messages.tell_team_of_part(part, Step.GIVE_PART, by=actor, now=now)
    return part


def change(part: Part, *, task: str, working_days: int | None, actor: Actor, now: datetime) -> bool:
    """Say anew what a team is to do, or until when; tell whether that is another than it was.

    Other days count from now. Raises `RefusedError` as `give` does.
    """
    require(actor, Action.GIVE_PART, part.service_request)
    if part.ended_at is not None:
        raise RefusedError(Refusal.PART_ENDED)
    is_other_time = working_days != part.working_days
    if not is_other_time and task.strip() == part.task:
        return False
    if is_other_time:
        _refuse_too_late(part.service_request, working_days, now)
        part.working_days, part.counted_from = working_days, now
        parts.begin_anew(part)
        parts.set_times(part)
    part.task = task.strip()
    _take(part, Step.CHANGE_PART, note=task, actor=actor, now=now)
    messages.tell_team_of_part(part, Step.CHANGE_PART, by=actor, now=now)
    return True


def take_back(part: Part, *, actor: Actor, now: datetime) -> None:
    """Ask no more of a team than that its members may go on helping."""
    require(actor, Action.GIVE_PART, part.service_request)
    _end(part, PartEnd.TAKEN_BACK, actor=actor, now=now)
    _take(part, Step.TAKE_PART_BACK, actor=actor, now=now)
    messages.tell_team_of_part(part, Step.TAKE_PART_BACK, by=actor, now=now)


def end(part: Part, *, result: str, actor: Actor, now: datetime) -> None:
    """Say what the team did, and tell whose request it is. Only a leader of that very team may."""
    require(actor, Action.END_PART, part.service_request)
    _require_own(part, actor)
    _end(part, PartEnd.DONE, result=result, actor=actor, now=now)
    _take(part, Step.END_PART, note=result, actor=actor, now=now)
    messages.tell_of_part(part, Step.END_PART, by=actor, now=now)


def return_(part: Part, *, reason: str, actor: Actor, now: datetime) -> None:
    """Give a part back, with the reason; its team helps no longer. The desk and the lead team are told.

    Within the return limit, which counts from when the part was given, and before a member took a
    place on the request. Only a leader of that very team may.
    """
    require(actor, Action.END_PART, part.service_request)
    _require_own(part, actor)
    if parts.has_begun(part):
        raise RefusedError(Refusal.WORK_BEGUN)
    limit = parts.return_limit_at(part)
    if limit is not None and now > limit:
        raise RefusedError(Refusal.RETURN_LIMIT_PASSED)
    _end(part, PartEnd.RETURNED, result=reason, actor=actor, now=now)
    it = part.service_request
    it.helping_teams = [team for team in it.helping_teams if team.id != part.team_id]
    _take(part, Step.RETURN_PART, note=reason, actor=actor, now=now)
    visiting.keep_away_others(it, actor=actor, now=now)
    messages.tell_of_part(part, Step.RETURN_PART, by=actor, now=now)


def take_back_of_others(
    service_request: ServiceRequest, helping: Collection[int], *, actor: Actor, now: datetime
) -> Sequence[int]:
    """End the parts of teams that help no more; return these teams. Part of a step that asks."""
    return sorted(
        db.session.scalars(
            update(Part)
            .where(
                Part.service_request_id == service_request.id,
                parts.OPEN,
                Part.team_id.not_in(sorted(helping)),
            )
            .values(
                ended_at=now,
                ended_as=PartEnd.TAKEN_BACK,
                ended_by_id=actor.person_id,
                ladder_at=None,
            )
            .returning(Part.team_id)
        )
    )


def _take(part: Part, step: Step, *, note: str = "", actor: Actor, now: datetime) -> None:
    steps.take(
        part.service_request,
        step,
        actor=actor,
        now=now,
        internal_note=note,
        team_id=part.team_id,
        detail={"part_id": part.id, "working_days": part.working_days},
    )


def _end(part: Part, end_as: PartEnd, *, result: str = "", actor: Actor, now: datetime) -> None:
    if part.ended_at is not None:
        raise RefusedError(Refusal.PART_ENDED)
    if part.working_days is None:
        part.due_at = part.service_request.due_at  # what applied stays with it
    part.ended_at, part.ended_as, part.ended_by_id = now, end_as, actor.person_id
    part.ladder_at = None
    part.result = result.strip()


def _require_own(part: Part, actor: Actor) -> None:
    if part.team_id not in actor.teams_where(Action.END_PART):
        message = "A part is its team's to end."
        raise NotPermittedError(message)


def _refuse_too_late(
    service_request: ServiceRequest, working_days: int | None, now: datetime
) -> None:
    """Refuse days that end after the whole request is due; what is overdue asks for any."""
    due = service_request.due_at
    if working_days is None or due is None or is_overdue(due, now):
        return
    end_at, _near = parts.times_of(service_request, working_days, now)
    if end_at is not None and end_at > due:
        raise RefusedError(Refusal.PART_AFTER_REQUEST)
