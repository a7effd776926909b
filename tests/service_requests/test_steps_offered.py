"""Everybody is offered the steps that they may take now, and no others."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.builders import Builders
from tracker.accounts.models import Person
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import ApprovalKind
from tracker.service_requests.steps_offered import BUTTONS, steps_offered

OFFERED: dict[tuple[str, Status], set[Step]] = {
    ("coordinator", Status.SUBMITTED): {Step.ACCEPT, Step.DECLINE, Step.MERGE, Step.NOTE},
    ("coordinator", Status.ACCEPTED): {Step.ASSIGN, Step.DECLINE, Step.MERGE, Step.NOTE},
    ("coordinator", Status.ASSIGNED): {Step.ASSIGN, Step.GIVE_PART, Step.MERGE, Step.NOTE},
    ("coordinator", Status.IN_PROGRESS): {
        Step.ASSIGN,
        Step.GIVE_PART,
        Step.REFER,
        Step.MERGE,
        Step.NOTE,
    },
    ("coordinator", Status.WAITING): {Step.RESUME, Step.GIVE_PART, Step.MERGE, Step.NOTE},
    ("coordinator", Status.PARKED): {Step.UNPARK, Step.MERGE, Step.NOTE},
    ("coordinator", Status.RESOLVED): {Step.CONFIRM, Step.MERGE, Step.NOTE},
    ("coordinator", Status.CLOSED): {Step.NOTE},
    ("team_leader", Status.ASSIGNED): {
        Step.ASSIGN,
        Step.RETURN,
        Step.SIGN_FOR,
        Step.CLAIM,
        Step.PLAN_VISIT,
        Step.VISIT,
        Step.ASK_EXTENSION,
        Step.NOTE,
    },
    ("team_leader", Status.WAITING): {
        Step.RESUME,
        Step.RESOLVE,
        Step.CLAIM,
        Step.PLAN_VISIT,
        Step.VISIT,
        Step.NOTE,
    },
    ("leader", Status.IN_PROGRESS): {
        Step.PLAN_VISIT,
        Step.VISIT,
        Step.RESOLVE,
        Step.WAIT,
        Step.ASK_EXTENSION,
        Step.ASK_PARKING,
        Step.NOTE,
    },
    ("supervisor", Status.RESOLVED): {Step.CONFIRM, Step.NOTE},
    ("supervisor", Status.IN_PROGRESS): {Step.NOTE},
    ("auditor", Status.IN_PROGRESS): set(),
    ("administrator", Status.IN_PROGRESS): set(),
}


@pytest.mark.parametrize(("who", "status"), OFFERED, ids=str)
def test_everybody_is_offered_what_they_may_take_now(a: Builders, who: str, status: Status) -> None:
    team, leader = a.team(), a.leader()
    if status is Status.SUBMITTED:
        made = a.service_request()
    else:
        made = a.service_request(status=status, team=team, leader=leader)
    people: dict[str, Callable[[], Person]] = {
        "leader": lambda: leader,
        "team_leader": lambda: a.team_leader(team),
    }
    person = people[who]() if who in people else a.holder(Role(who))

    buttons = steps_offered(made, actor=a.actor(person), now=a.now)

    assert {button.step for button in buttons} == OFFERED[who, status]


def test_a_volunteer_is_offered_their_own_work_only(a: Builders) -> None:
    team = a.team()
    person, other = a.volunteer(team), a.volunteer(team)
    made = a.service_request(team=team, claimed_by=[person], volunteers_needed=2)

    own = {button.step for button in steps_offered(made, actor=a.actor(person), now=a.now)}
    others = {button.step for button in steps_offered(made, actor=a.actor(other), now=a.now)}

    assert {Step.VISIT, Step.RESOLVE, Step.RELEASE} <= own
    assert Step.CLAIM not in own
    assert others == {Step.CLAIM}


def test_nobody_calls_back_about_their_own_work(a: Builders) -> None:
    person = a.coordinator()
    team = a.team()
    a.membership(team, person, leads=True)
    made = a.service_request(team=team, status=Status.RESOLVED)

    buttons = steps_offered(made, actor=a.actor(person), now=a.now)

    assert Step.CONFIRM not in {button.step for button in buttons}


def test_what_would_be_refused_is_not_offered(a: Builders) -> None:
    team = a.team()
    actor = a.actor(a.team_leader(team))
    made = a.service_request(team=team, status=Status.ASSIGNED)

    def steps(days: int = 0, asked: ApprovalKind | None = None) -> set[Step]:
        moment = a.now + timedelta(days=days)
        asking = [asked] if asked else []
        return {b.step for b in steps_offered(made, actor=actor, now=moment, asked=asking)}

    assert Step.RETURN not in steps(days=9)
    assert Step.ASK_EXTENSION not in steps(days=30)
    assert Step.ASK_EXTENSION not in steps(asked=ApprovalKind.EXTENSION)
    a.claim(made, a.volunteer(team))
    assert Step.RETURN not in steps()


def test_every_button_has_a_page_of_its_own() -> None:
    endpoints = [button.endpoint for button in BUTTONS]

    assert len(endpoints) == len(set(endpoints))
