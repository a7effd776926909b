"""A supervisor decides what was asked: once, never on their own work, and everybody is told."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.builders import Builders, at
from tests.support.steps import MAIL
from tests.support.together import while_the_other_waits
from tracker.database import db, transaction
from tracker.errors import (
    NotFoundError,
    NotPermittedError,
    Refusal,
    RefusedError,
    StepNotAllowedError,
)
from tracker.notifications.models import Message
from tracker.permissions import Actor, Role, resident
from tracker.service_requests import judging, queries
from tracker.service_requests.actions import answers, approvals, dispatch, handling
from tracker.service_requests.lifecycle import ConfirmationWay, Outcome, Solved, Status, Step
from tracker.service_requests.models import (
    Approval,
    ApprovalKind,
    ReachableBy,
    ServiceRequest,
)
from tracker.teams import actions as teams
from tracker.teams.models import Team
from tracker.visits.models import VisitStatus


def working_on(a: Builders, **more: object) -> ServiceRequest:
    """Make a request in progress whose requester reads mail."""
    facts = {"status": Status.IN_PROGRESS, "reachable_by": ReachableBy.EMAIL, "email": MAIL}
    return a.service_request(**{**facts, **more})  # type: ignore[arg-type]


def decide(a: Builders, asked: Approval, *, granted: bool, note: str = "") -> None:
    """Decide as a supervisor of the bureau."""
    judge = a.actor(a.supervisor())
    with transaction():
        approvals.decide(asked, granted=granted, note=note, actor=judge, now=a.now)


def told() -> list[Step]:
    """Return the steps that the requester was told of."""
    found = db.session.scalars(select(Message).where(Message.address == MAIL).order_by(Message.id))
    return [Step(message.payload["step"]) for message in found]


def waiting_for(actor: Actor) -> list[int]:
    """Return the ids of what waits for somebody's decision."""
    return [asked.id for asked in db.session.scalars(judging.to_decide(actor))]


# ---------------------------------------------------------------- granted


def test_more_time_moves_the_due_time_and_its_reason_is_public(a: Builders) -> None:
    it = working_on(a)
    assert it.due_at == at(date(2026, 3, 18), 18)
    asked = a.approval(it, ApprovalKind.EXTENSION)

    decide(a, asked, granted=True, note="同意")

    assert it.due_at == at(date(2026, 3, 23), 18)
    last = queries.history_of(it)[-1]
    assert (last.step, last.public_note, last.internal_note) == (
        Step.EXTEND,
        "等待配件到货",
        "同意",
    )
    assert told()[-1] is Step.EXTEND
    assert (asked.granted, asked.decided_at, asked.decision_note) == (True, a.now, "同意")


def test_parking_stops_the_clock_until_the_review_date(a: Builders) -> None:
    it = working_on(a)
    asked = a.approval(it, ApprovalKind.PARKING)

    decide(a, asked, granted=True)

    assert (it.status, it.due_at, it.parked_until) == (Status.PARKED, None, asked.until)
    assert queries.history_of(it)[-1].public_note == asked.reason
    assert told()[-1] is Step.PARK


def test_nobody_waits_at_home_for_what_is_parked(a: Builders) -> None:
    team = a.team()
    volunteer = a.volunteer(team)
    it = working_on(a, team=team, claimed_by=[volunteer])
    asked = a.approval(it, ApprovalKind.PARKING)
    assert asked.until is not None
    past = a.planned_visit(it, by=volunteer, planned_from=a.now + timedelta(minutes=1))
    meanwhile = a.planned_visit(
        it, by=volunteer, planned_from=at(asked.until, 0) - timedelta(hours=1)
    )
    later = a.planned_visit(it, by=volunteer, planned_from=at(asked.until, 9))
    judge = a.actor(a.supervisor())

    with transaction():
        approvals.decide(asked, granted=True, actor=judge, now=a.now + timedelta(hours=2))

    assert it.status is Status.PARKED
    stand = [visit.status for visit in (past, meanwhile, later)]
    assert stand == [VisitStatus.PLANNED, VisitStatus.CANCELLED, VisitStatus.PLANNED]
    assert told()[-2:] == [Step.NOTE, Step.PARK]


def test_reopening_forgets_the_result_and_counts(a: Builders) -> None:
    it = working_on(a, status=Status.CLOSED)
    asked = a.approval(it, ApprovalKind.REOPENING)

    decide(a, asked, granted=True, note="请再上门看看")

    assert (it.status, it.times_reopened) == (Status.IN_PROGRESS, 1)
    for forgotten in (it.outcome, it.resolved_at, it.closed_at, it.solved, it.satisfaction):
        assert forgotten is None
    assert it.confirmation is None
    assert it.due_at is not None
    assert queries.history_of(it)[-1].public_note == "请再上门看看"
    assert told()[-1] is Step.REOPEN


def test_a_reopened_request_can_be_resolved_and_confirmed_again(a: Builders) -> None:
    it = working_on(a, status=Status.CLOSED, team=(team := a.team()))
    decide(a, a.approval(it, ApprovalKind.REOPENING), granted=True)
    handler = a.actor(a.team_leader(team))
    with transaction():
        handling.resolve(
            it,
            outcome=Outcome.SOLVED,
            answer="又修了一次",
            actor=handler,
            now=a.now,
        )
    with transaction():
        answers.confirm(it, solved=Solved.YES, satisfaction=4, actor=resident(it.id), now=a.now)

    assert (it.status, it.confirmation, it.satisfaction) == (
        Status.CLOSED,
        ConfirmationWay.LINK,
        4,
    )


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("kind", [ApprovalKind.EXTENSION, ApprovalKind.PARKING])
def test_a_refusal_changes_nothing_and_stays_inside(a: Builders, kind: ApprovalKind) -> None:
    it = working_on(a)
    due, before = it.due_at, told()

    decide(a, a.approval(it, kind), granted=False, note="请先协调")

    assert (it.status, it.due_at) == (Status.IN_PROGRESS, due)
    last = queries.history_of(it)[-1]
    assert (last.public_note, last.internal_note) == ("", "请先协调")
    assert told() == before
    assert queries.waiting_approvals(it) == []


def test_a_refused_reopening_is_answered_to_the_requester(a: Builders) -> None:
    it = working_on(a, status=Status.CLOSED)

    decide(a, a.approval(it, ApprovalKind.REOPENING), granted=False, note="现场已复查,不再滴水")

    assert it.status is Status.CLOSED
    assert queries.history_of(it)[-1].public_note == "现场已复查,不再滴水"
    assert told()[-1] is Step.REFUSE_REOPENING


def test_after_a_refusal_one_may_ask_again(a: Builders) -> None:
    it = working_on(a)
    decide(a, a.approval(it, ApprovalKind.EXTENSION), granted=False)

    decide(a, a.approval(it, ApprovalKind.EXTENSION), granted=True)

    assert it.extension_working_days == 3


# ---------------------------------------------------------------- once, and in time


def test_it_is_decided_once(a: Builders) -> None:
    asked = a.approval(working_on(a), ApprovalKind.EXTENSION)
    decide(a, asked, granted=False)

    with pytest.raises(RefusedError) as refused:
        decide(a, asked, granted=True)

    assert refused.value.refusal is Refusal.ALREADY_ANSWERED
    assert asked.granted is False


def test_what_has_moved_on_cannot_be_parked_any_more(a: Builders) -> None:
    it = working_on(a, team=(team := a.team()))
    asked = a.approval(it, ApprovalKind.PARKING)
    with transaction():
        handling.ask_requester(it, question="?", actor=a.actor(a.team_leader(team)), now=a.now)

    with pytest.raises(StepNotAllowedError):
        decide(a, asked, granted=True)

    assert asked.decided_at is None
    decide(a, asked, granted=False)


def test_a_merged_request_waits_for_no_decision(a: Builders) -> None:
    it, survivor = working_on(a), working_on(a)
    a.approval(it, ApprovalKind.EXTENSION)
    judge = a.actor(a.supervisor())
    with transaction():
        dispatch.merge(it, survivor=survivor, actor=a.actor(a.coordinator()), now=a.now)

    assert waiting_for(judge) == []


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize("kind", ApprovalKind)
@pytest.mark.parametrize("role", [one for one in Role if one is not Role.SUPERVISOR])
def test_only_supervisors_decide(a: Builders, kind: ApprovalKind, role: Role) -> None:
    team = a.team()
    status = Status.CLOSED if kind is ApprovalKind.REOPENING else Status.IN_PROGRESS
    it = working_on(a, status=status, team=team)
    asked = a.approval(it, kind)
    actor = {
        Role.RESIDENT: lambda: resident(it.id),
        Role.VOLUNTEER: lambda: a.actor(a.volunteer(team)),
        Role.TEAM_LEADER: lambda: a.actor(a.team_leader(team)),
    }.get(role, lambda: a.actor(a.holder(role)))()

    with pytest.raises(NotPermittedError), transaction():
        approvals.decide(asked, granted=True, actor=actor, now=a.now)
    with pytest.raises(NotFoundError):
        judging.find_approval(actor, asked.id)
    assert waiting_for(actor) == []


def test_a_supervisor_of_another_unit_decides_nothing(a: Builders) -> None:
    here, there = a.unit(), a.unit()
    it = working_on(a, unit=here)
    asked = a.approval(it, ApprovalKind.EXTENSION)
    stranger, below, above = (a.actor(a.supervisor(unit)) for unit in (there, here, a.bureau))

    assert waiting_for(stranger) == []
    assert waiting_for(below) == [asked.id]
    assert waiting_for(above) == [asked.id]


def test_who_asked_does_not_decide(a: Builders) -> None:
    one, other = a.supervisor(), a.supervisor()
    it = a.service_request(status=Status.CLOSED)
    asked = a.approval(it, ApprovalKind.REOPENING, by=one)

    assert waiting_for(a.actor(one)) == []
    with pytest.raises(RefusedError) as refused, transaction():
        approvals.decide(asked, granted=True, actor=a.actor(one), now=a.now)
    assert refused.value.refusal is Refusal.ASKED_BY_YOU
    with transaction():
        approvals.decide(asked, granted=True, actor=a.actor(other), now=a.now)
    assert it.status is Status.IN_PROGRESS


def test_who_is_alone_decides_on_what_they_asked_for(a: Builders) -> None:
    one, elsewhere = a.supervisor(), a.supervisor(a.unit())
    it = a.service_request(status=Status.CLOSED)
    asked = a.approval(it, ApprovalKind.REOPENING, by=one)

    assert waiting_for(a.actor(elsewhere)) == []
    assert waiting_for(a.actor(one)) == [asked.id]
    with transaction():
        approvals.decide(asked, granted=True, actor=a.actor(one), now=a.now)
    assert it.status is Status.IN_PROGRESS


@pytest.mark.parametrize("other", ["worked on it", "leads its team", "leads a team that helps"])
def test_who_asked_decides_where_nobody_else_may(a: Builders, other: str) -> None:
    branch = a.unit()
    one, two = a.supervisor(branch), a.supervisor(branch)
    team, helping = a.team(branch), a.team(branch)
    a.membership(helping if "helps" in other else team, two, leads=other != "worked on it")
    it = a.service_request(
        unit=branch,
        status=Status.CLOSED,
        team=team,
        helping_teams=[helping],
        claimed_by=[two] if other == "worked on it" else [],
    )
    asked = a.approval(it, ApprovalKind.REOPENING, by=one)
    assert waiting_for(a.actor(two)) == []

    assert waiting_for(a.actor(one)) == [asked.id]
    above = a.supervisor()
    assert waiting_for(a.actor(one)) == []
    with pytest.raises(RefusedError), transaction():
        approvals.decide(asked, granted=True, actor=a.actor(one), now=a.now)
    assert waiting_for(a.actor(above)) == [asked.id]
    with transaction():
        db.session.merge(above).ended_at = a.now
    with transaction():
        approvals.decide(asked, granted=True, actor=a.actor(one), now=a.now)
    assert it.status is Status.IN_PROGRESS


def test_what_comes_back_to_a_team_that_has_ended_is_told_to_the_desk(a: Builders) -> None:
    team, desk = a.team(), a.coordinator(email="desk@example.org")
    it = a.service_request(team=team, status=Status.CLOSED)
    with transaction():
        teams.end_team(db.session.merge(team), actor=a.actor(a.administrator()), now=a.now)
    with transaction():
        answers.dispute(it, reason="又漏了", actor=resident(it.id), now=a.now)
    [asked] = queries.waiting_approvals(it)

    decide(a, asked, granted=True)

    told = Message.payload["step"].as_string() == Step.REOPEN.value, Message.address == desk.email
    assert len(db.session.scalars(select(Message).where(*told)).all()) == 1


@pytest.mark.parametrize("ends_first", [True, False])
def test_what_comes_back_as_its_team_ends_has_somebody_who_hears_of_it(
    app: Flask, a: Builders, *, ends_first: bool
) -> None:
    team, desk = a.team(), a.coordinator(email="desk@example.org")
    it = a.service_request(team=team, status=Status.CLOSED)
    with transaction():
        answers.dispute(it, reason="又漏了", actor=resident(it.id), now=a.now)
    [asked] = queries.waiting_approvals(it)
    judge, boss = a.actor(a.supervisor()), a.actor(a.administrator())
    asked_id, team_id, now = asked.id, team.id, a.now

    def grant() -> None:
        waiting = db.session.get_one(Approval, asked_id)
        queries.find_for_change(judge, waiting.service_request_id)
        approvals.decide(waiting, granted=True, actor=judge, now=now)

    def end() -> None:
        teams.end_team(db.session.get_one(Team, team_id), actor=boss, now=now)

    while_the_other_waits(app, *((end, grant) if ends_first else (grant, end)))

    assert it.status is Status.IN_PROGRESS
    assert (db.session.get_one(Team, team_id).ended_at is not None) is ends_first
    told = Message.payload["step"].as_string() == Step.REOPEN.value, Message.address == desk.email
    assert len(db.session.scalars(select(Message).where(*told)).all()) == int(ends_first)


def test_nobody_decides_about_their_own_work(a: Builders) -> None:
    both = a.supervisor()
    team = a.team()
    a.membership(team, both, leads=True)
    it = working_on(a, team=team, claimed_by=[both])
    asked = a.approval(it, ApprovalKind.EXTENSION, by=both)
    actor = a.actor(both)

    with pytest.raises(NotPermittedError), transaction():
        approvals.decide(asked, granted=True, actor=actor, now=a.now)

    assert waiting_for(actor) == []
    with pytest.raises(NotFoundError):
        judging.find_approval(actor, asked.id)
