"""Parts of a request for helping teams: who gives and ends them, what they change, who is told."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tests.support.builders import Builders, at
from tests.support.steps import steps_of
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.errors import NotPermittedError, Refusal, RefusedError, StepNotAllowedError
from tracker.notifications.models import InboxEntry, Message
from tracker.permissions import resident
from tracker.service_requests import parts as reading, queries
from tracker.service_requests.actions import (
    answers,
    approvals,
    dispatch,
    handling,
    parts,
)
from tracker.service_requests.due import DueState
from tracker.service_requests.lifecycle import Outcome, Status, Step
from tracker.service_requests.models import ApprovalKind, Part, PartEnd, ServiceRequest
from tracker.teams.models import Team


@pytest.fixture
def lead(a: Builders) -> Team:
    return a.team()


@pytest.fixture
def helping(a: Builders) -> Team:
    return a.team()


def told(person: Person) -> list[str]:
    """Return the steps of which somebody was told, the oldest first."""
    entries = select(InboxEntry.step).where(InboxEntry.person_id == person.id)
    return list(db.session.scalars(entries.order_by(InboxEntry.id)))


def end(a: Builders, part: Part, *, by: Person, result: str = "衣柜搬走了") -> None:
    with transaction():
        parts.end(part, result=result, actor=a.actor(by), now=a.now)


def fresh(part: Part) -> Part:
    """Return a part as the database has it."""
    return db.session.get_one(Part, part.id, populate_existing=True)


def assign(a: Builders, it: ServiceRequest, lead: Team, *helping: Team, **more: object) -> None:
    with transaction():
        dispatch.assign(
            it,
            lead_team=lead,
            helping_teams=helping,
            leader=it.leader or a.leader(),
            volunteers_needed=2,
            actor=a.actor(a.coordinator()),
            now=a.now,
            **more,  # type: ignore[arg-type]
        )


def test_a_desk_gives_a_part_to_any_team_which_helps_from_then_on(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    leads, writes = a.team_leader(helping), a.team_leader(helping, email="zhou@example.org")

    part = a.part(it, helping, task="把旧衣柜搬下楼", working_days=2)

    assert it.team_ids == {lead.id, helping.id}
    assert it.status is Status.ASSIGNED
    entry = queries.history_of(it)[-1]
    assert (entry.step, entry.team_id, entry.internal_note) == (
        Step.GIVE_PART,
        helping.id,
        "把旧衣柜搬下楼",
    )
    assert entry.public_note == ""
    assert told(leads) == told(writes) == ["give_part"]
    mail = db.session.scalars(select(Message).where(Message.address == "zhou@example.org")).one()
    assert part.due_at is not None
    assert mail.payload["due_at"] == part.due_at.isoformat()
    assert "衣柜" not in str(mail.payload)


def test_days_of_its_own_are_working_days_and_none_are_those_of_the_request(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)  # on a Wednesday, due the Wednesday after

    own, as_long = a.part(it, helping, working_days=3), a.part(it, a.team())

    assert own.due_at == at(date(2026, 3, 16), 18)  # a week-end lies between
    assert as_long.due_at is None
    assert reading.clock_of(as_long).due_at == it.due_at
    later = at(date(2026, 3, 16), 18, 1)
    assert reading.state_of(own, later) is DueState.OVERDUE
    assert reading.state_of(as_long, later) is DueState.ON_TIME


def test_no_part_ends_after_the_whole_request_unless_that_is_overdue(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)

    with pytest.raises(RefusedError) as refused:
        a.part(it, helping, working_days=6)
    assert refused.value.refusal is Refusal.PART_AFTER_REQUEST
    db.session.expire_all()
    assert a.part(it, helping, working_days=5).due_at == it.due_at
    overdue = a.service_request(team=lead, at=a.now - timedelta(days=30))
    assert a.part(overdue, helping, working_days=6).due_at is not None


def test_the_days_of_a_part_stand_still_with_the_clock_of_its_request(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, status=Status.IN_PROGRESS)
    part, leads = a.part(it, helping, working_days=2), a.actor(a.team_leader(lead))
    assert part.due_at == at(date(2026, 3, 13), 18)

    with transaction():
        handling.ask_requester(it, question="几楼?", actor=leads, now=at(date(2026, 3, 12), 9))
    assert fresh(part).due_at is None
    assert reading.state_of(part, at(date(2026, 3, 20))) is DueState.STOPPED
    with transaction():
        handling.resume(it, actor=leads, now=at(date(2026, 3, 13), 18))

    assert fresh(part).due_at == at(date(2026, 3, 17), 18)


def test_a_part_without_days_follows_an_extension(a: Builders, lead: Team, helping: Team) -> None:
    it = a.service_request(team=lead, status=Status.IN_PROGRESS)
    part, before = a.part(it, helping), it.due_at
    approval = a.approval(it, ApprovalKind.EXTENSION)
    with transaction():
        approvals.decide(approval, granted=True, actor=a.actor(a.supervisor()), now=a.now)

    assert before is not None
    after = reading.clock_of(fresh(part)).due_at
    assert after is not None
    assert after > before


def test_who_leads_the_lead_team_gives_parts_to_teams_that_help_already_only(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, helping_teams=[helping])
    leads = a.actor(a.team_leader(lead))

    with transaction():
        parts.give(it, helping, task="修灯", actor=leads, now=a.now)
    with pytest.raises(NotPermittedError), transaction():
        parts.give(it, a.team(), task="修灯", actor=leads, now=a.now)

    assert [part.team_id for part in reading.open_parts(it)] == [helping.id]


@pytest.mark.parametrize("who", ["helping", "volunteer", "leader", "supervisor"])
def test_nobody_else_gives_parts(a: Builders, lead: Team, helping: Team, who: str) -> None:
    leader = a.leader()
    it = a.service_request(team=lead, helping_teams=[helping], leader=leader)
    people: dict[str, Callable[[], Person]] = {
        "helping": lambda: a.team_leader(helping),
        "volunteer": lambda: a.volunteer(lead),
        "leader": lambda: leader,
        "supervisor": a.supervisor,
    }

    with pytest.raises(NotPermittedError), transaction():
        parts.give(it, helping, task="修灯", actor=a.actor(people[who]()), now=a.now)


def test_a_team_has_one_part_at_a_time_and_the_lead_team_none(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    first = a.part(it, helping)

    for team, refusal in ((helping, Refusal.HAS_PART), (lead, Refusal.TEAM_LEADS)):
        with pytest.raises(RefusedError) as refused:
            a.part(it, team)
        assert refused.value.refusal is refusal
    end(a, first, by=a.team_leader(helping))
    again = a.part(it, helping, task="再搬一张床")

    assert [part.id for part in reading.parts_of(it)] == [first.id, again.id]


def test_a_team_that_has_ended_gets_no_part(a: Builders, lead: Team, helping: Team) -> None:
    it = a.service_request(team=lead)
    with transaction():
        helping.ended_at = a.now

    with pytest.raises(RefusedError) as refused:
        a.part(it, helping)
    assert refused.value.refusal is Refusal.TEAM_ENDED


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.PARKED, Status.RESOLVED, Status.CLOSED])
def test_parts_are_given_only_of_what_is_worked_on(
    a: Builders, helping: Team, status: Status
) -> None:
    it = a.service_request(status=status)

    with pytest.raises(StepNotAllowedError):
        a.part(it, helping)


def test_changing_a_part_counts_other_days_from_now_and_the_same_words_change_nothing(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    part, leads = a.part(it, helping, working_days=1), a.team_leader(helping)
    desk, tomorrow = a.actor(a.coordinator()), a.now + timedelta(days=1)

    def change(task: str, days: int | None) -> bool:
        with transaction():
            return parts.change(part, task=task, working_days=days, actor=desk, now=tomorrow)

    assert not change(part.task, 1)
    assert change("搬到三楼", 1)
    assert fresh(part).counted_from == a.now
    assert change("搬到三楼", 2)

    assert fresh(part).due_at == at(date(2026, 3, 16), 18)
    assert steps_of(it).count(Step.CHANGE_PART) == 2
    assert told(leads) == ["change_part", "change_part"]


def test_a_part_is_taken_back_and_its_team_still_helps(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    part, leads, desk = a.part(it, helping), a.team_leader(helping), a.coordinator()

    with transaction():
        parts.take_back(part, actor=a.actor(desk), now=a.now)

    ended = fresh(part)
    assert (ended.ended_as, ended.ended_by_id, ended.ended_at) == (
        PartEnd.TAKEN_BACK,
        desk.id,
        a.now,
    )
    assert helping.id in it.team_ids
    assert told(leads) == ["take_part_back"]
    with pytest.raises(RefusedError) as refused:
        end(a, part, by=leads)
    assert refused.value.refusal is Refusal.PART_ENDED


def test_a_leader_of_the_helping_team_ends_its_part_and_the_lead_team_is_told(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    part, ours, theirs = a.part(it, helping), a.team_leader(lead), a.team_leader(helping)

    end(a, part, by=theirs, result="衣柜搬走了")

    ended = fresh(part)
    assert (ended.ended_as, ended.result, ended.ended_by_id) == (
        PartEnd.DONE,
        "衣柜搬走了",
        theirs.id,
    )
    assert ended.due_at == it.due_at  # what applied stays with it
    assert reading.state_of(ended, a.now) is DueState.DONE
    entry = queries.history_of(it)[-1]
    assert (entry.step, entry.internal_note, entry.public_note) == (
        Step.END_PART,
        "衣柜搬走了",
        "",
    )
    assert told(ours) == ["end_part"]
    assert told(theirs) == []
    assert it.first_response_at is None
    assert theirs.id in it.handler_ids


@pytest.mark.parametrize("who", ["lead", "other", "volunteer", "desk"])
def test_nobody_but_its_own_leader_ends_a_part(
    a: Builders, lead: Team, helping: Team, who: str
) -> None:
    it = a.service_request(team=lead)
    part, other = a.part(it, helping), a.team()
    a.part(it, other)
    people: dict[str, Callable[[], Person]] = {
        "lead": lambda: a.team_leader(lead),
        "other": lambda: a.team_leader(other),
        "volunteer": lambda: a.volunteer(helping),
        "desk": a.coordinator,
    }
    actor = a.actor(people[who]())

    with pytest.raises(NotPermittedError), transaction():
        parts.end(part, result="x", actor=actor, now=a.now)
    with pytest.raises(NotPermittedError), transaction():
        parts.return_(part, reason="x", actor=actor, now=a.now)

    assert fresh(part).ended_at is None


def test_who_gives_a_part_back_helps_no_more_and_desk_and_lead_team_are_told(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    part, desk = a.part(it, helping), a.coordinator()
    ours, theirs = a.team_leader(lead), a.team_leader(helping)

    with transaction():
        parts.return_(part, reason="没有货车", actor=a.actor(theirs), now=a.now)

    ended = fresh(part)
    assert (ended.ended_as, ended.result) == (PartEnd.RETURNED, "没有货车")
    assert it.team_ids == {lead.id}
    assert told(ours)[-1] == told(desk)[-1] == "return_part"
    assert "return_part" not in told(theirs)
    assert it.times_returned == 0


def test_a_part_is_given_back_within_the_return_limit_and_before_work_began(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, volunteers_needed=3)
    part, both, theirs = a.part(it, helping), a.volunteer(lead), a.volunteer(helping)
    a.membership(helping, both, is_vetted=True)
    leads = a.actor(a.team_leader(helping))

    def give_back(later: timedelta) -> None:
        with transaction():
            parts.return_(part, reason="没有货车", actor=leads, now=a.now + later)

    with pytest.raises(RefusedError) as refused:
        give_back(timedelta(days=9))
    assert refused.value.refusal is Refusal.RETURN_LIMIT_PASSED
    a.claim(it, both)  # is in the lead team as well
    a.claim(it, theirs)
    with pytest.raises(RefusedError) as refused:
        give_back(timedelta())
    assert refused.value.refusal is Refusal.WORK_BEGUN
    with transaction():
        for claim in it.claims:
            if claim.person_id == theirs.id:
                claim.released_at = a.now
        it.places_taken = 1
    db.session.expire_all()
    give_back(timedelta())

    assert it.claimant_ids == {both.id}


# -------------------------------------------------------------------- with the request


def test_assigning_gives_a_part_where_it_is_said_what_to_do(
    a: Builders, lead: Team, helping: Team
) -> None:
    it, other = a.service_request(status=Status.ACCEPTED), a.team()

    assign(a, it, lead, helping, other, tasks={helping.id: " 搬家具 ", other.id: " "})

    assert [(part.team_id, part.task) for part in reading.open_parts(it)] == [
        (helping.id, "搬家具")
    ]
    assert it.team_ids == {lead.id, helping.id, other.id}
    assert steps_of(it)[-2:] == [Step.ASSIGN, Step.GIVE_PART]


def test_who_helps_no_more_after_a_new_assignment_loses_the_part_and_is_told(
    a: Builders, lead: Team, helping: Team
) -> None:
    it, other = a.service_request(team=lead), a.team()
    gone, stays, becomes = a.part(it, helping), a.part(it, other), a.part(it, a.team())
    leads, keeps, new = (a.team_leader(part.team) for part in (gone, stays, becomes))

    assign(a, it, becomes.team, other)

    assert [fresh(part).ended_as for part in (gone, stays, becomes)] == [
        PartEnd.TAKEN_BACK,
        None,
        PartEnd.TAKEN_BACK,
    ]
    assert told(leads) == ["lost"]  # with another team now
    assert told(keeps) == []
    assert told(new) == ["assign"]


def test_what_is_returned_to_the_desk_has_no_open_part(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    part, leads = a.part(it, helping), a.team_leader(helping)

    with transaction():
        dispatch.return_(it, reason="x", actor=a.actor(a.team_leader(lead)), now=a.now)

    assert fresh(part).ended_as is PartEnd.TAKEN_BACK
    assert told(leads) == ["lost"]


def test_parts_end_with_their_request_however_that_ends(a: Builders, helping: Team) -> None:
    team = a.team()
    desk, leads = a.actor(a.coordinator()), a.actor(a.team_leader(team))
    survivor = a.service_request(team=team)

    def begun() -> ServiceRequest:
        return a.service_request(team=team, status=Status.IN_PROGRESS)

    ends: list[tuple[Callable[[ServiceRequest], None], int | None]] = [
        (lambda it: dispatch.merge(it, survivor, actor=desk, now=a.now), desk.person_id),
        (
            lambda it: answers.withdraw(it, reason="", actor=resident(it.id), now=a.now),
            None,
        ),
        (
            lambda it: handling.refer(it, to_whom="水务", answer="转", actor=desk, now=a.now),
            desk.person_id,
        ),
        (
            lambda it: handling.resolve(
                it,
                outcome=Outcome.SOLVED,
                answer="好了",
                ends_parts=[part.id for part in reading.open_parts(it)],
                actor=leads,
                now=a.now,
            ),
            leads.person_id,
        ),
    ]
    for take, by in ends:
        it = begun()
        part = a.part(it, helping)
        with transaction():
            take(it)
        ended = fresh(part)
        assert (ended.ended_as, ended.ended_by_id) == (PartEnd.WITH_REQUEST, by)
        assert ended.ended_at == a.now
        assert reading.open_parts(it) == []


def test_what_is_taken_up_again_has_its_ended_parts_and_may_get_new_ones(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, status=Status.IN_PROGRESS)
    part = a.part(it, helping)
    with transaction():
        handling.resolve(
            it,
            outcome=Outcome.SOLVED,
            answer="好了",
            ends_parts=[part.id],
            actor=a.actor(a.team_leader(lead)),
            now=a.now,
        )
    with transaction():
        answers.dispute(it, reason="没搬", actor=resident(it.id), now=a.now)

    assert reading.open_parts(it) == []
    again = a.part(it, helping)
    assert [each.id for each in reading.parts_of(it)] == [part.id, again.id]


def test_nobody_resolves_over_an_open_part_that_they_did_not_see(
    a: Builders, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, status=Status.IN_PROGRESS)
    seen, leads = a.part(it, helping), a.actor(a.team_leader(lead))
    unseen, theirs = a.part(it, a.team()), a.team_leader(helping)

    def resolve(*ends: Part) -> None:
        with transaction():
            handling.resolve(
                it,
                outcome=Outcome.SOLVED,
                answer="好了",
                ends_parts=[part.id for part in ends],
                actor=leads,
                now=a.now,
            )

    for confirmed in ((), (seen,)):
        with pytest.raises(RefusedError) as refused:
            resolve(*confirmed)
        assert refused.value.refusal is Refusal.PARTS_NOT_ENDED
    resolve(seen, unseen)

    assert it.status is Status.RESOLVED
    assert told(theirs)[-1] == "resolve"
