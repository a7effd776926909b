"""What dispatching does to a request, its clock, its claims and its requester."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from tests.support.builders import Builders
from tests.support.steps import steps_of
from tracker.database import db, transaction
from tracker.errors import NotPermittedError, Refusal, RefusedError, StepNotAllowedError
from tracker.notifications.models import InboxEntry, Message
from tracker.permissions import Actor, Role, resident
from tracker.reports.definitions import Figure, Scope
from tracker.reports.statistics import how_many
from tracker.service_requests import following, ladder, queries
from tracker.service_requests.actions import answers, dispatch
from tracker.service_requests.lifecycle import Outcome, Priority, Status, Step
from tracker.service_requests.limits import Clock
from tracker.service_requests.models import HistoryEntry, ReachableBy, ServiceRequest
from tracker.teams import actions as teams
from tracker.teams.models import Team
from tracker.visits.models import VisitStatus

ASSIGNED = "assign", "lost"
"""What is told when a request goes to a team, and to the one that had it."""


def accept(a: Builders, made: ServiceRequest, **more: object) -> None:
    """Accept as the desk of the bureau."""
    fields = {
        "category_id": made.category_id,
        "priority": Priority.NORMAL,
        "area_id": made.area_id,
        "actor": a.actor(a.coordinator()),
        "now": a.now,
        **more,
    }
    with transaction():
        dispatch.accept(made, **fields)  # type: ignore[arg-type]


def test_accepting_starts_the_clock_and_writes_one_row(a: Builders) -> None:
    made = a.service_request()
    assert made.due_at is None

    accept(a, made, priority=Priority.EMERGENCY, note="马上安排")

    assert made.status is Status.ACCEPTED
    assert made.due_at == a.now + timedelta(hours=2)
    assert made.first_response_at == a.now
    assert steps_of(made) == [Step.SUBMIT, Step.ACCEPT]


def test_accepting_without_a_word_is_no_first_response(a: Builders) -> None:
    made = a.service_request()

    accept(a, made)

    assert made.first_response_at is None


def test_a_request_is_accepted_once(a: Builders) -> None:
    made = a.service_request(status=Status.ACCEPTED)

    with pytest.raises(StepNotAllowedError):
        accept(a, made)


def test_a_corrected_area_moves_the_request_to_its_desk(a: Builders) -> None:
    branch = a.unit()
    area = a.area(unit=branch)
    made = a.service_request()

    accept(a, made, area_id=area.id)

    assert (made.area_id, made.unit_id) == (area.id, branch.id)


def test_a_category_brings_the_volunteers_that_it_needs(a: Builders) -> None:
    made = a.service_request()

    accept(a, made, category_id=a.category(volunteers_needed=2).id)

    assert made.volunteers_needed == 2


@pytest.mark.parametrize("role", set(Role) - {Role.RESIDENT, Role.VOLUNTEER, Role.TEAM_LEADER})
def test_only_a_desk_accepts(a: Builders, role: Role) -> None:
    made = a.service_request()
    actor = a.actor(a.holder(role))

    if role is Role.COORDINATOR:
        accept(a, made, actor=actor)
        assert made.status is Status.ACCEPTED
    else:
        with pytest.raises(NotPermittedError):
            accept(a, made, actor=actor)


def test_declining_closes_with_reason_and_way_on(a: Builders) -> None:
    made = a.service_request()
    with transaction():
        dispatch.decline(
            made,
            reason="不属于本中心职责",
            where_to_turn="税务局 12366",
            actor=a.actor(a.coordinator()),
            now=a.now + timedelta(minutes=5),
        )

    assert (made.status, made.outcome) == (Status.CLOSED, Outcome.OUT_OF_SCOPE)
    assert (made.public_answer, made.referred_to) == ("不属于本中心职责", "税务局 12366")
    assert made.seconds_to_close == 300
    assert queries.history_of(made)[-1].public_note == "不属于本中心职责"


def test_what_was_accepted_is_no_spam_and_stays_received(a: Builders) -> None:
    fresh, accepted = a.service_request(), a.service_request(status=Status.ACCEPTED)

    def decline(made: ServiceRequest, *, is_spam: bool) -> None:
        with transaction():
            dispatch.decline(
                made,
                reason="广告",
                where_to_turn="",
                is_spam=is_spam,
                actor=a.actor(a.coordinator()),
                now=a.now,
            )

    with pytest.raises(RefusedError) as refused:
        decline(accepted, is_spam=True)
    assert refused.value.refusal is Refusal.ACCEPTED_IS_NO_SPAM
    decline(accepted, is_spam=False)
    decline(fresh, is_spam=True)

    assert (accepted.outcome, accepted.is_spam) == (Outcome.OUT_OF_SCOPE, False)
    reader, scope = a.actor(a.supervisor()), Scope(as_of=a.now)
    assert how_many(reader, scope, Figure.RECEIVED) == 1
    assert how_many(reader, scope, Figure.NOT_COUNTED) == 1


def test_merging_closes_the_duplicate_and_frees_its_claims(a: Builders) -> None:
    team = a.team()
    volunteer = a.volunteer(team)
    duplicate = a.service_request(team=team, claimed_by=[volunteer])
    earlier = a.service_request()
    survivor = a.service_request()
    actor = a.actor(a.coordinator())
    with transaction():
        dispatch.merge(earlier, duplicate, actor=actor, now=a.now)
    with transaction():
        dispatch.merge(duplicate, survivor, actor=actor, now=a.now)

    db.session.expire_all()
    assert (duplicate.status, duplicate.outcome) == (Status.CLOSED, Outcome.DUPLICATE)
    assert duplicate.survivor_id == survivor.id
    assert earlier.survivor_id == survivor.id
    assert duplicate.claims == []
    assert steps_of(survivor)[-1] is Step.RECEIVE_MERGED


def test_nothing_is_merged_into_itself_or_into_what_is_closed(a: Builders) -> None:
    made, closed = a.service_request(), a.service_request(status=Status.CLOSED)
    actor = a.actor(a.coordinator())

    for survivor, refusal in ((made, Refusal.SAME_REQUEST), (closed, Refusal.SURVIVOR_CLOSED)):
        with pytest.raises(RefusedError) as refused, transaction():
            dispatch.merge(made, survivor, actor=actor, now=a.now)
        assert refused.value.refusal is refusal


def test_reassigning_frees_the_claims_of_those_who_are_in_no_team(a: Builders) -> None:
    old, new = a.team(), a.team()
    leaves, stays = a.volunteer(old), a.volunteer(old)
    a.membership(new, stays)
    made = a.service_request(team=old, claimed_by=[leaves, stays])
    with transaction():
        dispatch.assign(
            made,
            lead_team=new,
            leader=a.leader(),
            volunteers_needed=1,
            actor=a.actor(a.coordinator()),
            now=a.now,
        )

    db.session.expire_all()
    assert made.claimant_ids == {stays.id}
    assert made.places_taken == 1
    assert made.status is Status.ASSIGNED


def test_never_fewer_places_than_claims(a: Builders) -> None:
    team = a.team()
    people = [a.volunteer(team), a.volunteer(team)]
    made = a.service_request(team=team, claimed_by=people)
    with transaction():
        dispatch.assign(
            made,
            lead_team=team,
            leader=a.leader(),
            volunteers_needed=1,
            actor=a.actor(a.coordinator()),
            now=a.now,
        )

    assert made.volunteers_needed == 2


def test_a_team_that_ended_gets_nothing(a: Builders) -> None:
    made = a.service_request(status=Status.ACCEPTED)
    with pytest.raises(RefusedError) as refused, transaction():
        dispatch.assign(
            made,
            lead_team=a.team(ended_at=a.now),
            leader=a.leader(),
            volunteers_needed=1,
            actor=a.actor(a.coordinator()),
            now=a.now,
        )

    assert refused.value.refusal is Refusal.TEAM_ENDED


def test_a_team_leader_passes_nothing_on_to_another_team(a: Builders) -> None:
    team = a.team()
    made = a.service_request(team=team, status=Status.ASSIGNED)
    with pytest.raises(NotPermittedError), transaction():
        dispatch.assign(
            made,
            lead_team=a.team(),
            leader=a.leader(),
            volunteers_needed=1,
            actor=a.actor(a.team_leader(team)),
            now=a.now,
        )


@pytest.mark.parametrize("by_the_desk", [True, False])
@pytest.mark.parametrize("is_signed_for", [True, False])
def test_assigning_inside_the_team_begins_nothing_anew(
    a: Builders, *, by_the_desk: bool, is_signed_for: bool
) -> None:
    team = a.team()
    inside = a.actor(a.team_leader(team))
    made = a.service_request(team=team, status=Status.ASSIGNED)
    later = a.now + timedelta(days=9)
    if is_signed_for:
        with transaction():
            dispatch.sign_for(made, actor=inside, now=a.now)
    before = made.status, made.assigned_at, made.signed_for_at

    assert made.leader is not None
    with transaction():
        dispatch.assign(
            made,
            lead_team=team,
            helping_teams=[a.team()] if by_the_desk else [],
            leader=made.leader,
            volunteers_needed=3,
            actor=a.actor(a.coordinator()) if by_the_desk else inside,
            now=later,
        )

    assert (made.status, made.assigned_at, made.signed_for_at) == before
    assert (made.volunteers_needed, len(made.helping_teams)) == (3, int(by_the_desk))
    assert steps_of(made)[-1] is Step.ASSIGN
    with pytest.raises((StepNotAllowedError, RefusedError)), transaction():
        dispatch.return_(made, reason="没有电工", actor=inside, now=later)


def assign_again(a: Builders, made: ServiceRequest, actor: Actor, *helping_teams: Team) -> None:
    """Assign inside the same team, for three volunteers, with these to help."""
    assert made.lead_team is not None
    assert made.leader is not None
    with transaction():
        dispatch.assign(
            made,
            lead_team=made.lead_team,
            helping_teams=helping_teams,
            leader=made.leader,
            volunteers_needed=3,
            actor=actor,
            now=a.now,
        )


def what_stands(made: ServiceRequest) -> list[object]:
    """Return all that an assignment may move, and how many messages of any kind there are."""
    db.session.expire_all()
    columns = [getattr(made, column.key) for column in ServiceRequest.__table__.columns]
    tables = Message, InboxEntry, HistoryEntry
    counts = [db.session.scalar(select(func.count()).select_from(table)) for table in tables]
    return [*columns, sorted(team.id for team in made.helping_teams), *counts]


@pytest.mark.parametrize("status", [Status.ASSIGNED, Status.IN_PROGRESS])
def test_assigning_as_it_is_changes_nothing_and_tells_nobody(a: Builders, status: Status) -> None:
    team, helping, gone = a.team(), a.team(), a.team()
    a.team_leader(team, email="leads@example.org")
    me = a.volunteer(team)
    made = a.service_request(
        team=team,
        helping_teams=[helping, gone],
        status=status,
        claimed_by=[me] if status is Status.IN_PROGRESS else [],
        reachable_by=ReachableBy.EMAIL,
        email="who@example.org",
    )
    with transaction():
        teams.end_team(db.session.merge(gone), actor=a.actor(a.administrator()), now=a.now)
        made.rungs_reached = ladder.bits_of([Clock.SIGN_FOR])
        made.board_note = "带梯子\n带绳子"
    before = what_stands(made)
    assert made.lead_team is not None
    assert made.leader is not None

    with transaction():
        changed = dispatch.assign(
            made,
            lead_team=made.lead_team,
            helping_teams=[helping],
            leader=made.leader,
            volunteers_needed=made.volunteers_needed,
            board_note="带梯子\r\n带绳子 ",
            note=" ",
            tasks={helping.id: " "},
            actor=a.actor(a.coordinator()),
            now=a.now + timedelta(days=2),
        )

    assert not changed
    assert what_stands(made) == before


@pytest.mark.parametrize(
    "other", ["leader", "places", "board", "note", "helping", "task", "nothing", "team"]
)
def test_the_requester_hears_only_of_another_team_and_the_staff_of_every_change(
    a: Builders, other: str
) -> None:
    team, helping = a.team(), a.team()
    a.team_leader(team, email="leads@example.org")
    made = a.service_request(
        team=team,
        helping_teams=[helping],
        status=Status.ASSIGNED,
        reachable_by=ReachableBy.EMAIL,
        email="who@example.org",
    )
    assert made.leader is not None
    told = {"who@example.org": 1, "leads@example.org": 1}
    shown = [step.step for step in following.public_history(made)]

    with transaction():
        changed = dispatch.assign(
            made,
            lead_team=a.team() if other == "team" else team,
            helping_teams=[] if other == "helping" else [helping],
            leader=a.leader() if other == "leader" else made.leader,
            volunteers_needed=3 if other == "places" else 1,
            board_note="带梯子" if other == "board" else "",
            note="请耐心" if other == "note" else "",
            tasks={helping.id: "搬衣柜"} if other == "task" else {},
            actor=a.actor(a.coordinator()),
            now=a.now,
        )

    assert changed is (other != "nothing")
    told["who@example.org"] += other == "team"
    told["leads@example.org"] += other != "nothing"
    for address, times in told.items():
        about = Message.address == address, Message.payload["step"].as_string().in_(ASSIGNED)
        assert db.session.scalar(select(func.count(Message.id)).where(*about)) == times, address
    again = [Step.ASSIGN] if other == "team" else []
    assert [step.step for step in following.public_history(made)] == shown + again


def test_only_a_desk_says_which_other_teams_help(a: Builders) -> None:
    team, helping, foreign = a.team(), a.team(), a.team(a.unit())
    made = a.service_request(team=team, status=Status.ASSIGNED)

    inside = a.actor(a.team_leader(team))
    assign_again(a, made, a.actor(a.coordinator()), helping)
    for others in ((), (foreign,), (helping, foreign)):
        with pytest.raises(NotPermittedError):
            assign_again(a, made, inside, *others)
    assign_again(a, made, inside, helping)
    assert [each.id for each in made.helping_teams] == [helping.id]


def test_a_team_that_helped_and_has_ended_stands_in_nobodys_way(a: Builders) -> None:
    team, helping = a.team(), a.team()
    made = a.service_request(team=team, helping_teams=[helping], status=Status.ASSIGNED)
    with transaction():
        teams.end_team(db.session.merge(helping), actor=a.actor(a.administrator()), now=a.now)

    assign_again(a, made, a.actor(a.team_leader(team)), *made.helping_teams)
    db.session.expire_all()
    assert (made.volunteers_needed, made.helping_teams) == (3, [])
    with pytest.raises(RefusedError):
        assign_again(a, made, a.actor(a.coordinator()), helping)


def test_nobody_is_chosen_who_answers_for_nothing_there_any_more(a: Builders) -> None:
    team, elsewhere, gone = a.team(), a.leader(a.unit()), a.leader(ended_at=a.now)
    made = a.service_request(team=team, status=Status.ASSIGNED)

    for leader in (elsewhere, gone):
        with pytest.raises(RefusedError) as refused, transaction():
            dispatch.assign(
                made,
                lead_team=team,
                leader=leader,
                volunteers_needed=1,
                actor=a.actor(a.coordinator()),
                now=a.now,
            )
        assert refused.value.refusal is Refusal.LEADER_ENDED


def test_what_a_desk_once_accepted_is_no_spam(a: Builders, now: datetime) -> None:
    desk = a.actor(a.coordinator())
    survivor, duplicate = a.service_request(), a.service_request()
    with transaction():
        dispatch.accept(
            duplicate,
            category_id=duplicate.category_id,
            priority=duplicate.priority,
            area_id=None,
            actor=desk,
            now=now,
        )
    with transaction():
        dispatch.merge(duplicate, survivor, actor=desk, now=now)
    with transaction():
        answers.withdraw(survivor, actor=resident(survivor.id), now=now)
    db.session.expire_all()
    assert duplicate.status is Status.SUBMITTED
    assert (duplicate.due_at, duplicate.near_at) == (None, None)  # until a desk accepts it anew

    assert not dispatch.may_be_spam(duplicate)
    with pytest.raises(RefusedError) as refused, transaction():
        dispatch.decline(
            duplicate, reason="广告", where_to_turn="", is_spam=True, actor=desk, now=now
        )
    assert refused.value.refusal is Refusal.ACCEPTED_IS_NO_SPAM


def test_what_others_were_merged_into_is_no_spam_and_all_are_told(
    a: Builders, now: datetime
) -> None:
    desk = a.actor(a.coordinator())
    looks_like_it = a.service_request()
    honest = a.service_request(reachable_by=ReachableBy.EMAIL, email="b@honest.example")
    with transaction():
        dispatch.merge(honest, looks_like_it, actor=desk, now=now)
    for is_spam in (True, False):
        with suppress(RefusedError), transaction():
            dispatch.decline(
                db.session.merge(looks_like_it),
                reason="广告",
                where_to_turn="",
                is_spam=is_spam,
                actor=desk,
                now=now,
            )
        told = Message.payload["step"].as_string() == Step.DECLINE.value
        mails = db.session.scalars(select(Message.address).where(told)).all()
        assert list(mails) == ([] if is_spam else ["b@honest.example"])
    db.session.expire_all()
    assert not looks_like_it.is_spam


@pytest.mark.parametrize("way", ["reassigned", "returned"])
def test_who_is_of_another_team_now_goes_to_no_door(a: Builders, way: str) -> None:
    former, team = a.team(), a.team()
    made = a.service_request(team=former, status=Status.ASSIGNED)
    head = a.team_leader(former)
    visit = a.planned_visit(made, by=head)

    with transaction():
        if way == "returned":
            dispatch.return_(made, reason="没有电工", actor=a.actor(head), now=a.now)
        else:
            dispatch.assign(
                made,
                lead_team=team,
                leader=a.leader(),
                volunteers_needed=1,
                actor=a.actor(a.coordinator()),
                now=a.now,
            )

    db.session.expire_all()
    assert visit.status is VisitStatus.CANCELLED
    assert following.visits_to_come(made, a.now) == []


def test_only_a_desk_says_which_leader_answers_for_it(a: Builders) -> None:
    team, other = a.team(), a.leader()
    made = a.service_request(team=team, status=Status.ASSIGNED)
    former = made.leader_id

    def assign(actor: Actor) -> None:
        with transaction():
            dispatch.assign(
                made, lead_team=team, leader=other, volunteers_needed=1, actor=actor, now=a.now
            )

    with pytest.raises(NotPermittedError):
        assign(a.actor(a.team_leader(team)))
    assert made.leader_id == former
    assign(a.actor(a.coordinator()))
    assert made.leader_id == other.id


def test_a_return_counts_and_needs_no_work_begun(a: Builders) -> None:
    team = a.team()
    actor = a.actor(a.team_leader(team))
    made = a.service_request(team=team, status=Status.ASSIGNED)
    begun = a.service_request(team=team, status=Status.ASSIGNED)
    a.claim(begun, a.volunteer(team))

    with transaction():
        dispatch.return_(made, reason="没有电工", actor=actor, now=a.now)

    assert (made.status, made.lead_team, made.leader) == (Status.ACCEPTED, None, None)
    assert made.times_returned == 1
    with pytest.raises(RefusedError) as refused, transaction():
        dispatch.return_(begun, reason="没有电工", actor=actor, now=a.now)
    assert refused.value.refusal is Refusal.WORK_BEGUN


def test_the_return_limit_counts_working_days_from_the_assignment(a: Builders) -> None:
    team = a.team()
    actor = a.actor(a.team_leader(team))
    in_time, late = (a.service_request(team=team, status=Status.ASSIGNED) for _ in range(2))
    limit = dispatch.return_limit_at(in_time)
    assert limit is not None

    with transaction():
        dispatch.return_(in_time, reason="没有电工", actor=actor, now=limit)
    with pytest.raises(RefusedError) as refused, transaction():
        dispatch.return_(late, reason="没有电工", actor=actor, now=limit + timedelta(seconds=1))

    assert refused.value.refusal is Refusal.RETURN_LIMIT_PASSED


def test_signing_for_makes_the_team_leader_a_handler(a: Builders) -> None:
    team = a.team()
    person = a.team_leader(team)
    made = a.service_request(team=team, status=Status.ASSIGNED)
    with transaction():
        dispatch.sign_for(made, actor=a.actor(person), now=a.now)

    db.session.expire_all()
    assert made.status is Status.IN_PROGRESS
    assert person.id in made.handler_ids
    found = db.session.scalar(select(ServiceRequest.signed_for_at))
    assert found == a.now
