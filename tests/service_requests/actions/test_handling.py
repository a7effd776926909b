"""The handlers' work: what each step does to the request, its clock and those who wait for it."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from tests.support.builders import Builders, at
from tests.support.steps import MAIL, steps_of
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.errors import NotPermittedError, Refusal, RefusedError, StepNotAllowedError
from tracker.notifications.models import Message
from tracker.permissions import Actor, Role, resident
from tracker.service_requests import queries
from tracker.service_requests.actions import answers, approvals, dispatch, handling
from tracker.service_requests.lifecycle import (
    HANDLED_STATUSES,
    RESULT_OUTCOMES,
    Outcome,
    Status,
    Step,
)
from tracker.service_requests.models import Approval, ApprovalKind, ReachableBy, ServiceRequest
from tracker.teams.models import Team


@pytest.fixture
def handler(a: Builders, person: Person, it: ServiceRequest) -> Actor:
    """Return who claimed `it`, with what they hold."""
    return a.actor(person)


def refusal_of(act: Callable[[], object]) -> Refusal:
    """Return why `act` was refused."""
    with pytest.raises(RefusedError) as refused, transaction():
        act()
    return refused.value.refusal


def mails() -> list[str]:
    """Return the steps that the requester was told of."""
    found = db.session.scalars(select(Message).where(Message.address == MAIL).order_by(Message.id))
    return [message.payload["step"] for message in found]


# ---------------------------------------------------------------- notes


def test_a_public_note_is_told_and_is_a_first_response(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    when = a.now + timedelta(hours=1)
    with transaction():
        handling.add_note(it, public_note=" 明天上门 ", actor=handler, now=when)

    last = queries.history_of(it)[-1]
    assert (last.step, last.public_note, last.internal_note) == (Step.NOTE, "明天上门", "")
    assert it.first_response_at == when
    assert mails()[-1] == Step.NOTE


def test_an_internal_note_is_told_to_nobody_and_answers_nothing(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    before = mails()
    with transaction():
        handling.add_note(it, internal_note="带扳手", actor=handler, now=a.now)

    assert mails() == before
    assert it.first_response_at is None


@pytest.mark.parametrize("status", Status)
def test_a_desk_adds_a_note_in_every_status(a: Builders, status: Status) -> None:
    made = a.service_request(status=status)
    with transaction():
        handling.add_note(made, internal_note="x", actor=a.actor(a.coordinator()), now=a.now)

    assert made.status is status


# ---------------------------------------------------------------- questions


def test_a_question_stops_the_clock_and_the_answer_starts_it_again(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    due = it.due_at
    assert due is not None
    with transaction():
        handling.ask_requester(it, question=" 哪天在家? ", actor=handler, now=a.now)
    assert (it.status, it.waiting_for, it.due_at) == (Status.WAITING, "哪天在家?", None)
    assert mails()[-1] == Step.WAIT

    with transaction():
        handling.resume(it, note="打电话问到了", actor=handler, now=a.now + timedelta(days=2))

    assert (it.status, it.waiting_for) == (Status.IN_PROGRESS, "")
    # Thursday did not count: the clock stood still at its close of work.
    assert it.due_at == due + timedelta(days=1)
    assert queries.history_of(it)[-1].public_note == ""


def test_a_question_makes_nothing_that_is_overdue_punctual(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    due, near = it.due_at, it.near_at
    assert due is not None
    with transaction():
        handling.ask_requester(it, question="嗯?", actor=handler, now=due + timedelta(seconds=1))
    assert (it.due_at, it.near_at) == (due, near)

    later = due + timedelta(days=9)
    with transaction():
        handling.resolve(it, outcome=Outcome.SOLVED, answer="好了", actor=handler, now=later)

    assert (it.due_at, it.resolved_on_time) == (due, False)


@pytest.mark.parametrize(("hours", "is_kept"), [(-1, True), (1, False)])
def test_what_was_overdue_where_it_came_from_stays_so(
    a: Builders, it: ServiceRequest, handler: Actor, hours: int, *, is_kept: bool
) -> None:
    due = a.now + timedelta(hours=hours)
    with transaction():
        it.accepted_at, it.due_at, it.near_at = None, due, due
    with transaction():
        handling.add_note(it, internal_note="x", actor=handler, now=a.now)
    assert it.due_at == due

    with transaction():
        handling.ask_requester(it, question="嗯?", actor=handler, now=a.now)
    waiting = it.due_at
    with transaction():
        handling.resume(it, actor=handler, now=a.now + timedelta(days=1))

    assert (waiting, it.due_at) == ((due, due) if is_kept else (None, None))


def test_at_the_due_time_itself_a_question_still_stops_the_clock(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    due = it.due_at
    assert due is not None
    with transaction():
        handling.ask_requester(it, question="哪天在家?", actor=handler, now=due)

    assert it.due_at is None


def test_more_time_for_what_waits_and_was_overdue_makes_it_in_time_again(a: Builders) -> None:
    team = a.team()
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    asked = a.approval(it, ApprovalKind.EXTENSION)
    due = it.due_at
    assert due is not None
    with transaction():
        handling.ask_requester(
            it,
            question="哪天在家?",
            actor=a.actor(a.team_leader(team)),
            now=due + timedelta(hours=1),
        )
    assert [it.due_at] == [due]
    with transaction():
        approvals.decide(asked, granted=True, actor=a.actor(a.supervisor()), now=due)

    assert it.status is Status.WAITING
    assert db.session.scalar(select(ServiceRequest.due_at)) is None


def test_only_what_is_in_progress_can_wait(a: Builders, team: Team) -> None:
    made = a.service_request(team=team)

    with pytest.raises(StepNotAllowedError), transaction():
        handling.ask_requester(made, question="?", actor=a.actor(a.team_leader(team)), now=a.now)


def test_the_desk_takes_up_what_waits_when_everybody_who_had_it_is_gone(a: Builders) -> None:
    gone, fresh = a.team(), a.team()
    it = a.service_request(status=Status.WAITING, team=gone)
    with transaction():
        for place in db.session.get_one(Team, gone.id).memberships:
            place.ended_at = a.now
        assert it.leader is not None
        it.leader.ended_at = a.now
    desk = a.actor(a.coordinator())

    with transaction():
        handling.resume(it, note="无人接手", actor=desk, now=a.now)
        dispatch.assign(
            it, lead_team=fresh, leader=a.leader(), volunteers_needed=1, actor=desk, now=a.now
        )

    assert (it.status, it.lead_team_id) == (Status.ASSIGNED, fresh.id)


# ---------------------------------------------------------------- more time


def ask_extension(it: ServiceRequest, handler: Actor, a: Builders, **more: object) -> Approval:
    """Ask for three more days."""
    facts = {"working_days": 3, "reason": " 配件未到 ", "actor": handler, "now": a.now, **more}
    return handling.ask_extension(it, **facts)  # type: ignore[arg-type]


def test_asking_for_time_changes_no_due_time_until_it_is_granted(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    due = it.due_at
    with transaction():
        asked = ask_extension(it, handler, a)

    assert (asked.kind, asked.reason, asked.working_days) == (
        ApprovalKind.EXTENSION,
        "配件未到",
        3,
    )
    assert asked.asked_by_id == handler.person_id
    assert it.due_at == due
    assert steps_of(it)[-1] is Step.ASK_EXTENSION


def test_time_is_asked_for_once_at_a_time(a: Builders, it: ServiceRequest, handler: Actor) -> None:
    a.approval(it, ApprovalKind.EXTENSION)

    assert refusal_of(partial(ask_extension, it, handler, a)) is Refusal.ALREADY_ASKED


def test_time_is_given_once(a: Builders, it: ServiceRequest, handler: Actor) -> None:
    with transaction():
        it.extension_working_days = 2

    assert refusal_of(partial(ask_extension, it, handler, a)) is Refusal.ALREADY_EXTENDED


def test_time_is_asked_for_before_it_is_over(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    assert it.due_at is not None
    late = it.due_at + timedelta(seconds=1)

    assert refusal_of(partial(ask_extension, it, handler, a, now=late)) is Refusal.DUE_TIME_PASSED
    with transaction():
        ask_extension(it, handler, a, now=late - timedelta(seconds=1))


def test_parking_is_asked_with_a_review_date(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    until = date(2026, 5, 6)
    ask = partial(handling.ask_parking, it, until=until, reason="修路", actor=handler, now=a.now)
    with transaction():
        asked = ask()

    assert (asked.kind, asked.until) == (ApprovalKind.PARKING, until)
    assert it.status is Status.IN_PROGRESS
    assert queries.history_of(it)[-1].detail == {"until": "2026-05-06"}
    assert refusal_of(ask) is Refusal.ALREADY_ASKED


def test_what_is_parked_is_taken_up_again_before_its_date(a: Builders, team: Team) -> None:
    made = a.service_request(
        team=team, status=Status.PARKED, reachable_by=ReachableBy.EMAIL, email=MAIL
    )
    while_parked = made.due_at
    with transaction():
        handling.unpark(
            made,
            note="路修好了",
            actor=a.actor(a.team_leader(team)),
            now=a.now + timedelta(days=2),
        )

    assert (made.status, made.parked_until) == (Status.IN_PROGRESS, None)
    assert while_parked is None
    assert made.due_at is not None
    assert mails()[-1] == Step.UNPARK


# ---------------------------------------------------------------- results


def resolve(
    it: ServiceRequest, handler: Actor, a: Builders, outcome: Outcome = Outcome.SOLVED
) -> None:
    """Report a result."""
    handling.resolve(it, outcome=outcome, answer=" 换了垫片。 ", actor=handler, now=a.now)


def test_a_result_is_told_and_waits_for_the_requesters_word(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    due = it.due_at
    with transaction():
        resolve(it, handler, a)

    assert (it.status, it.outcome, it.public_answer) == (
        Status.RESOLVED,
        Outcome.SOLVED,
        "换了垫片。",
    )
    assert (it.resolved_at, it.resolved_on_time, it.due_at) == (a.now, True, due)
    assert it.solved is None
    assert it.confirmation is None
    assert queries.history_of(it)[-1].detail == {"outcome": "solved"}
    assert mails()[-1] == Step.RESOLVE


def test_after_the_due_time_it_is_not_on_time(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    assert it.due_at is not None
    late = it.due_at + timedelta(seconds=1)
    with transaction():
        handling.resolve(it, outcome=Outcome.SOLVED, answer="好了", actor=handler, now=late)

    assert it.resolved_on_time is False


def test_waiting_for_an_answer_makes_nothing_late(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    with transaction():
        handling.ask_requester(it, question="?", actor=handler, now=a.now)
    with transaction():
        handling.resolve(
            it,
            outcome=Outcome.EXPLAINED,
            answer="一直没有回音",
            actor=handler,
            now=a.now + timedelta(days=90),
        )

    assert it.resolved_on_time is True
    assert it.waiting_for == ""


@pytest.mark.parametrize("status", HANDLED_STATUSES)
def test_a_result_is_reported_once(a: Builders, team: Team, status: Status) -> None:
    made = a.service_request(team=team, status=status)

    with pytest.raises(StepNotAllowedError), transaction():
        resolve(made, a.actor(a.team_leader(team)), a)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one not in RESULT_OUTCOMES])
def test_outcomes_with_a_step_of_their_own_are_no_results(
    a: Builders, it: ServiceRequest, handler: Actor, outcome: Outcome
) -> None:
    with pytest.raises(ValueError, match="a step of its own"), transaction():
        resolve(it, handler, a, outcome)


def test_where_evidence_is_asked_for_a_photo_of_the_result_must_be_there(
    a: Builders, team: Team
) -> None:
    category = a.category(needs_evidence=True)
    leader = a.actor(a.team_leader(team))
    made = a.service_request(team=team, category=category, status=Status.IN_PROGRESS)
    a.photo(made)

    assert refusal_of(partial(resolve, made, leader, a)) is Refusal.EVIDENCE_MISSING

    a.photo(made, is_evidence=True)
    with transaction():
        resolve(made, leader, a)
    assert made.status is Status.RESOLVED


def test_nobody_was_reached_only_after_enough_tries(
    a: Builders, it: ServiceRequest, person: Person, handler: Actor
) -> None:
    a.organisation(no_contact_tries=2)
    a.visit(it, by=person)
    a.planned_visit(it, by=person)
    nobody = partial(resolve, it, handler, a, Outcome.NO_CONTACT)
    for minutes in (60, 61, 62):
        a.visit(
            it,
            by=person,
            contact_made=False,
            findings="",
            at=a.now + timedelta(minutes=minutes),
        )
    assert handling.days_tried(it) == 1
    assert refusal_of(nobody) is Refusal.NOT_ENOUGH_TRIES

    tomorrow = a.now.date() + timedelta(days=1)  # where people live; not yet in Greenwich
    a.visit(it, by=person, contact_made=False, findings="", at=at(tomorrow, 0, 30))
    with transaction():
        nobody()

    assert it.outcome is Outcome.NO_CONTACT


def test_what_was_tried_and_shown_before_a_dispute_counts_no_more(
    a: Builders, it: ServiceRequest, person: Person, handler: Actor
) -> None:
    a.organisation(no_contact_tries=1)
    a.visit(it, by=person, contact_made=False, findings="", at=a.now + timedelta(hours=1))
    a.photo(it, is_evidence=True)
    assert (handling.days_tried(it), handling.has_evidence(it)) == (1, True)
    with transaction():
        resolve(it, handler, a, Outcome.NO_CONTACT)
    again = a.now + timedelta(hours=2)
    with transaction():
        answers.dispute(it, reason="我在家", actor=resident(it.id), now=again)

    assert (handling.days_tried(it), handling.has_evidence(it)) == (0, False)
    nobody = partial(resolve, it, handler, a, Outcome.NO_CONTACT)
    assert refusal_of(nobody) is Refusal.NOT_ENOUGH_TRIES
    a.visit(it, by=person, contact_made=False, findings="", at=again + timedelta(hours=1))
    a.photo(it, is_evidence=True, added_at=again)
    assert (handling.days_tried(it), handling.has_evidence(it)) == (1, True)


def test_what_was_asked_lapses_with_the_result(
    a: Builders, it: ServiceRequest, handler: Actor
) -> None:
    a.approval(it, ApprovalKind.EXTENSION)
    a.approval(it, ApprovalKind.PARKING)
    with transaction():
        resolve(it, handler, a)

    assert queries.waiting_approvals(it) == []
    answered = db.session.scalars(select(Approval)).all()
    assert {(one.granted, one.decided_by_id) for one in answered} == {(False, None)}


def test_another_body_is_named_with_its_contact(a: Builders, it: ServiceRequest) -> None:
    with transaction():
        handling.refer(
            it,
            to_whom=" 供水公司,电话96116 ",
            answer="管网由供水公司负责。",
            actor=a.actor(a.coordinator()),
            now=a.now,
        )

    assert (it.status, it.outcome) == (Status.RESOLVED, Outcome.REFERRED)
    assert it.referred_to == "供水公司,电话96116"
    assert mails()[-1] == Step.REFER


# ---------------------------------------------------------------- who may


def test_strangers_and_those_who_watch_handle_nothing(
    a: Builders, team: Team, it: ServiceRequest
) -> None:
    people = [
        a.volunteer(team),
        a.volunteer(),
        a.team_leader(),
        a.leader(),
        *(a.holder(role) for role in (Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR)),
    ]
    for actor in [*(a.actor(one) for one in people), resident(it.id)]:
        for act in (resolve, ask_extension):
            with pytest.raises(NotPermittedError), transaction():
                act(it, actor, a)
        with pytest.raises(NotPermittedError), transaction():
            handling.ask_requester(it, question="?", actor=actor, now=a.now)

    assert it.status is Status.IN_PROGRESS


def test_only_a_desk_refers(a: Builders, it: ServiceRequest, handler: Actor) -> None:
    with pytest.raises(NotPermittedError), transaction():
        handling.refer(it, to_whom="x", answer="x", actor=handler, now=a.now)


def test_the_leader_who_answers_for_it_may_resolve(a: Builders, team: Team) -> None:
    leader = a.leader()
    made = a.service_request(team=team, leader=leader, status=Status.IN_PROGRESS)
    with transaction():
        resolve(made, a.actor(leader), a)

    assert made.status is Status.RESOLVED


def test_the_due_time_counts_working_days_with_make_up_days(a: Builders) -> None:
    # From Thursday 12 February: Friday, the make-up Saturday, and after the festival three more.
    made = a.service_request(status=Status.ACCEPTED, at=at(date(2026, 2, 12)))

    assert made.due_at == at(date(2026, 2, 26), 18)
