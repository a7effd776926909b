"""What time does to a request: reminders, closing unconfirmed, ending a parking; each when due."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.support.builders import Builders, at
from tests.support.letters import letter_of
from tests.support.steps import MAIL
from tracker.database import db, transaction
from tracker.errors import StepNotAllowedError
from tracker.notifications.models import Message
from tracker.permissions import resident
from tracker.service_requests import queries
from tracker.service_requests.actions import answers, handling, time_passing
from tracker.service_requests.lifecycle import ConfirmationWay, Status, Step
from tracker.service_requests.models import ApprovalKind, ReachableBy, ServiceRequest

DAYS = timedelta(days=3)
A_SECOND = timedelta(seconds=1)


@pytest.fixture
def it(a: Builders) -> ServiceRequest:
    """Return a result that waits for the word of a requester who reads mail."""
    a.organisation(reminder_days=DAYS.days)
    return a.service_request(status=Status.RESOLVED, reachable_by=ReachableBy.EMAIL, email=MAIL)


def turn(it: ServiceRequest, now: datetime) -> Step | None:
    """Let time take its turn."""
    with transaction():
        return time_passing.take_turn(it, now=now)


def told() -> list[Step]:
    """Return the steps that the requester was told of."""
    found = db.session.scalars(select(Message).where(Message.address == MAIL).order_by(Message.id))
    return [Step(message.payload["step"]) for message in found]


def test_a_turn_comes_when_the_days_are_over_and_not_a_second_before(
    a: Builders, it: ServiceRequest
) -> None:
    due = a.now + DAYS

    assert time_passing.due_for_a_turn(now=due - A_SECOND) == []
    assert turn(it, due - A_SECOND) is None
    assert time_passing.due_for_a_turn(now=due) == [it.id]
    assert turn(it, due) is Step.REMIND


def test_each_turn_counts_from_the_one_before(a: Builders, it: ServiceRequest) -> None:
    late = a.now + 2 * DAYS  # the machine was off for three days
    assert turn(it, late) is Step.REMIND
    assert turn(it, late + DAYS - A_SECOND) is None
    assert turn(it, late + DAYS) is Step.REMIND
    assert turn(it, late + 2 * DAYS) is Step.TIME_OUT
    assert turn(it, late + 9 * DAYS) is None

    assert it.status is Status.CLOSED
    assert told()[-3:] == [Step.REMIND, Step.REMIND, Step.TIME_OUT]


def test_silence_is_never_counted_as_consent(a: Builders, it: ServiceRequest) -> None:
    for number in (1, 2, 3):
        turn(it, a.now + number * DAYS)

    assert it.confirmation is ConfirmationWay.NONE
    assert (it.solved, it.satisfaction, it.confirmed_at) == (None, None, None)
    assert it.closed_at == a.now + 3 * DAYS
    assert queries.history_of(it)[-1].actor_id is None


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.RESOLVED])
def test_nothing_else_is_reminded_or_closed(a: Builders, status: Status) -> None:
    made = a.service_request(status=status)

    assert turn(made, a.now + timedelta(days=365)) is None
    assert time_passing.due_for_a_turn(now=a.now + timedelta(days=365)) == []
    assert made.status is status


def test_what_is_due_comes_in_batches(a: Builders) -> None:
    made = [a.service_request(status=Status.RESOLVED).id for _ in range(3)]
    later = a.now + timedelta(days=99)

    first = time_passing.due_for_a_turn(now=later, limit=2)

    assert first == made[:2]
    assert time_passing.due_for_a_turn(now=later, after=first[-1], limit=2) == made[2:]


def test_a_parking_ends_on_its_review_date_and_everybody_is_told(a: Builders) -> None:
    made = a.service_request(status=Status.PARKED, reachable_by=ReachableBy.EMAIL, email=MAIL)
    day = made.parked_until
    assert day is not None

    assert time_passing.parked_until(day - timedelta(days=1)) == []
    assert time_passing.parked_until(day) == [made.id]
    with transaction():
        time_passing.end_parking(made, now=a.now + timedelta(days=30))

    assert (made.status, made.parked_until) == (Status.IN_PROGRESS, None)
    assert made.due_at is not None
    assert told()[-1] is Step.UNPARK
    assert time_passing.parked_until(day) == []


def test_a_parking_ends_once(a: Builders) -> None:
    made = a.service_request(status=Status.PARKED)
    with transaction():
        time_passing.end_parking(made, now=a.now)

    with pytest.raises(StepNotAllowedError), transaction():
        time_passing.end_parking(made, now=a.now)


def test_a_wish_to_reopen_still_waits_after_time_closed_it(a: Builders, it: ServiceRequest) -> None:
    for number in (1, 2, 3):
        turn(it, a.now + number * DAYS)
    a.now += 4 * DAYS

    asked = a.approval(it, ApprovalKind.REOPENING)

    assert asked.decided_at is None
    assert it.status is Status.CLOSED


# -------------------------------------------------------------------- a question that nobody answers


@pytest.fixture
def asked(a: Builders) -> ServiceRequest:
    """Return what waits, since Wednesday, for the answer of a requester who reads mail."""
    a.organisation(question_days=2)
    return a.service_request(status=Status.WAITING, reachable_by=ReachableBy.EMAIL, email=MAIL)


def question_turn(it: ServiceRequest, now: datetime) -> Step | None:
    """Let time take its turn on a question."""
    with transaction():
        return time_passing.take_question_turn(it, now=now)


CLOSE_OF_FRIDAY = at(date(2026, 3, 13), 18)
CLOSE_OF_TUESDAY = at(date(2026, 3, 17), 18)
CLOSE_OF_THURSDAY = at(date(2026, 3, 19), 18)


def test_a_question_is_asked_again_after_working_days_and_not_a_second_before(
    asked: ServiceRequest,
) -> None:
    assert time_passing.questions_due(now=CLOSE_OF_FRIDAY - A_SECOND) == []
    assert question_turn(asked, CLOSE_OF_FRIDAY - A_SECOND) is None
    assert time_passing.questions_due(now=CLOSE_OF_FRIDAY) == [asked.id]
    assert question_turn(asked, CLOSE_OF_FRIDAY) is Step.REMIND

    assert (asked.status, asked.reminders_sent) == (Status.WAITING, 1)
    assert asked.question_turn_at == CLOSE_OF_TUESDAY  # the weekend is not counted
    assert time_passing.questions_due(now=CLOSE_OF_FRIDAY) == []


def test_after_two_reminders_work_goes_on_without_an_answer_and_nothing_is_closed(
    asked: ServiceRequest, a: Builders
) -> None:
    leader = a.worker_on(asked)
    moments = [CLOSE_OF_FRIDAY, CLOSE_OF_TUESDAY, CLOSE_OF_THURSDAY]
    assert [question_turn(asked, each) for each in moments] == [
        Step.REMIND,
        Step.REMIND,
        Step.RESUME,
    ]
    assert question_turn(asked, CLOSE_OF_THURSDAY + DAYS) is None

    assert (asked.status, asked.outcome, asked.waiting_for) == (Status.IN_PROGRESS, None, "")
    assert asked.due_at is not None  # the clock runs again
    assert [stop.resumed_at for stop in asked.stops] == [CLOSE_OF_THURSDAY]
    assert told()[-4:] == [Step.WAIT, Step.REMIND, Step.REMIND, Step.RESUME]
    last = queries.history_of(asked)[-1]
    assert (last.step, last.is_unanswered, last.actor_id) == (Step.RESUME, True, None)
    resumed = Message.payload["step"].as_string() == "resume"
    to_staff = select(Message.address).where(Message.kind == "staff_step", resumed)
    assert leader.email in db.session.scalars(to_staff).all()


def test_the_mails_say_what_is_asked_and_until_when_it_waits(asked: ServiceRequest) -> None:
    question_turn(asked, CLOSE_OF_FRIDAY)
    question, again = [
        letter_of(message)
        for message in db.session.scalars(
            select(Message).where(Message.address == MAIL).order_by(Message.id)
        )
        if message.payload["step"] in ("wait", "remind")
    ]

    assert again.subject.startswith("Our question still waits for your answer")
    for mail in (question, again):
        assert "请问哪天在家?" in mail.text
        assert "If no answer comes by Thu 19 Mar 2026, we go on without it" in mail.text
    assert "solved" not in again.text


def test_an_answer_ends_the_counting(asked: ServiceRequest) -> None:
    with transaction():
        answers.add_word(
            asked, word="周三在家", actor=resident(asked.id), now=CLOSE_OF_FRIDAY - A_SECOND
        )

    assert asked.question_turn_at is None
    assert question_turn(asked, CLOSE_OF_FRIDAY) is None
    assert asked.reminders_sent == 0


def test_a_second_question_counts_from_the_beginning(asked: ServiceRequest, a: Builders) -> None:
    question_turn(asked, CLOSE_OF_FRIDAY)
    with transaction():
        answers.add_word(asked, word="周三", actor=resident(asked.id), now=CLOSE_OF_FRIDAY)
    with transaction():
        handling.ask_requester(
            asked, question="几点?", actor=a.actor(a.worker_on(asked)), now=CLOSE_OF_FRIDAY
        )

    assert (asked.reminders_sent, asked.question_turn_at) == (0, CLOSE_OF_TUESDAY)


def test_a_day_on_which_its_unit_is_closed_is_no_day_to_answer(a: Builders) -> None:
    branch = a.unit()
    a.calendar_day(date(2026, 3, 12), is_working=False, unit=branch)

    here = a.service_request(status=Status.WAITING)
    there = a.service_request(status=Status.WAITING, unit=branch)

    assert here.question_turn_at is not None
    assert there.question_turn_at == here.question_turn_at + timedelta(days=1)
