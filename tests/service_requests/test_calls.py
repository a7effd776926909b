"""Who reads no mail is called about what they must know: once for all of it, by whoever is free."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.together import at_once
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.errors import RefusedError
from tracker.permissions import SYSTEM, resident
from tracker.service_requests import calls, messages, queries
from tracker.service_requests.actions import answers, approvals, dispatch, handling
from tracker.service_requests.actions.calls import record_call
from tracker.service_requests.lifecycle import Outcome, Solved, Status, Step
from tracker.service_requests.models import (
    ApprovalKind,
    CallReason,
    CallResult,
    CallTask,
    ContactLook,
    ReachableBy,
    ServiceRequest,
)

NUMBER = "13812345678"


@pytest.fixture
def it(a: Builders) -> ServiceRequest:
    """Return a request under way of somebody who left a number alone."""
    return by_phone(a, Status.IN_PROGRESS)


@pytest.fixture
def desk(a: Builders) -> Person:
    """Return whoever calls."""
    return a.coordinator()


def by_phone(a: Builders, status: Status, **more: object) -> ServiceRequest:
    """Return a request of somebody who left a number alone."""
    told = {"requester_name": "王秀兰", "phone": f"+86{NUMBER}", "reachable_by": ReachableBy.PHONE}
    made = a.service_request(status=status, **(told | more))  # type: ignore[arg-type]
    with transaction():  # what the way here asked for is not what is tested
        calls.drop(made, now=a.now)
    return made


def tasks() -> list[CallTask]:
    """Return every call, the oldest first."""
    return list(db.session.scalars(select(CallTask).order_by(CallTask.id)))


def waiting(it: ServiceRequest) -> CallTask | None:
    """Return the call that waits."""
    db.session.expire_all()
    return calls.waiting(it)


def told(it: ServiceRequest) -> list[str]:
    """Return the steps that there are to tell."""
    task = waiting(it)
    return [reason.step for reason in task.reasons] if task else []


def park(a: Builders, it: ServiceRequest) -> None:
    """Let a supervisor park it."""
    asked = a.approval(it, ApprovalKind.PARKING)
    with transaction():
        approvals.decide(asked, granted=True, note="", actor=a.actor(a.supervisor()), now=a.now)


def resolve(a: Builders, it: ServiceRequest) -> None:
    """Let a handler report a result."""
    handler = a.actor(a.worker_on(it))
    with transaction():
        handling.resolve(it, outcome=Outcome.SOLVED, answer="A new tap", actor=handler, now=a.now)


# -------------------------------------------------------------------- what is to be told


def test_who_left_a_number_alone_is_called_once_about_all_that_happened(
    a: Builders, it: ServiceRequest
) -> None:
    a.planned_visit(it, by=a.worker_on(it))
    park(a, it)

    assert set(told(it)) >= {"plan_visit", "park"}
    assert len([task for task in tasks() if task.done_at is None]) == 1


def test_who_reads_mail_is_not_called(a: Builders) -> None:
    made = a.service_request(
        status=Status.IN_PROGRESS, reachable_by=ReachableBy.EMAIL, email="li@example.org"
    )
    park(a, made)

    assert tasks() == []


def test_who_stays_anonymous_is_not_called(a: Builders) -> None:
    made = a.service_request(status=Status.IN_PROGRESS, reachable_by=ReachableBy.NOBODY, phone=None)
    park(a, made)

    assert tasks() == []


def test_a_neighbour_is_told(a: Builders) -> None:
    made = a.service_request(
        status=Status.IN_PROGRESS,
        reachable_by=ReachableBy.NEIGHBOUR,
        neighbour="The shop next door",
        phone=None,
    )
    park(a, made)

    assert told(made)[-1] == "park"


def test_what_nobody_must_know_is_not_called_about(a: Builders) -> None:
    made = a.service_request(
        status=Status.RESOLVED, reachable_by=ReachableBy.PHONE, phone=f"+86{NUMBER}"
    )
    with transaction():
        handling.add_note(made, public_note="Soon", actor=a.actor(a.coordinator()), now=a.now)

    assert told(made) == []


def test_what_is_declined_is_called_about_and_spam_is_not(a: Builders, desk: Person) -> None:
    for is_spam, expected in ((False, ["decline"]), (True, [])):
        made = by_phone(a, Status.SUBMITTED)
        with transaction():
            dispatch.decline(
                made,
                reason="Ask the water works",
                where_to_turn="Water works",
                is_spam=is_spam,
                actor=a.actor(desk),
                now=a.now,
            )
        assert told(made) == expected


def test_those_who_were_merged_into_it_hear_of_the_result(a: Builders, desk: Person) -> None:
    survivor = a.service_request(status=Status.IN_PROGRESS)
    merged = by_phone(a, Status.ACCEPTED)
    with transaction():
        dispatch.merge(merged, survivor, actor=a.actor(desk), now=a.now)
    resolve(a, survivor)

    assert "resolve" in told(merged)


# -------------------------------------------------------------------- what makes a call needless


def test_what_ends_needs_no_call(a: Builders, it: ServiceRequest) -> None:
    park(a, it)
    with transaction():
        answers.withdraw(it, actor=resident(it.id), now=a.now)

    assert waiting(it) is None
    assert tasks()[-1].result is CallResult.OTHERWISE


def test_who_writes_on_their_page_has_read_it(a: Builders, it: ServiceRequest) -> None:
    park(a, it)
    with transaction():
        answers.add_word(it, word="Thank you", actor=resident(it.id), now=a.now)

    assert waiting(it) is None


def test_that_nobody_comes_is_told_though_the_request_ends(a: Builders, it: ServiceRequest) -> None:
    a.planned_visit(it, by=a.worker_on(it))
    resolve(a, it)

    task = waiting(it)
    assert task is not None
    assert [reason.facts["calls_off"] for reason in task.reasons] == [True]


def test_time_that_goes_by_is_no_answer_of_theirs() -> None:
    assert not calls.is_heard_of(Step.RESUME, SYSTEM, {})
    assert calls.is_heard_of(Step.RESUME, resident(1), {})
    assert not calls.is_heard_of(Step.VISIT, SYSTEM, {"contact_made": False})


# -------------------------------------------------------------------- the call itself


def call(
    a: Builders, it: ServiceRequest, result: CallResult, by: Person, *, word: str = ""
) -> None:
    """Write down what came of a call about all that there is to tell."""
    task = waiting(it)
    assert task is not None
    with transaction():
        record_call(it, result, up_to=task.reasons[-1].id, word=word, actor=a.actor(by), now=a.now)


def test_who_was_told_is_not_called_again_and_what_was_told_is_forgotten(
    a: Builders, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)

    call(a, it, CallResult.TOLD, desk)

    assert waiting(it) is None
    assert tasks()[-1].done_by_id == desk.id
    assert {str(reason.facts) for reason in db.session.scalars(select(CallReason))} == {"{}"}
    assert queries.history_of(it)[-1].detail == {"told_by_phone": True}


def test_nobody_is_tried_more_than_three_times_until_there_is_more_to_tell(
    a: Builders, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)
    for _turn in range(2):
        call(a, it, CallResult.NOT_REACHED, desk)
        task = waiting(it)
        assert task is not None
        assert task.next_at >= a.now + timedelta(hours=3)

    call(a, it, CallResult.NOT_REACHED, desk)

    assert waiting(it) is None
    assert tasks()[-1].result is CallResult.NOT_REACHED
    with transaction():
        handling.unpark(it, actor=a.actor(desk), now=a.now)
    assert told(it) == ["unpark"]


def test_a_try_at_night_waits_for_the_day(a: Builders, it: ServiceRequest, desk: Person) -> None:
    park(a, it)
    task = waiting(it)
    assert task is not None
    late = a.now + timedelta(hours=9)
    with transaction():
        record_call(
            it,
            CallResult.NOT_REACHED,
            up_to=task.reasons[-1].id,
            actor=a.actor(desk),
            now=late,
        )

    task = waiting(it)
    assert task is not None
    assert task.next_at > late + timedelta(hours=3)


def test_of_two_who_called_one_writes_it_down(
    app: Flask, a: Builders, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)
    task = waiting(it)
    assert task is not None
    up_to, actor, it_id = task.reasons[-1].id, a.actor(desk), it.id

    def write_down() -> None:
        with transaction():
            record_call(
                queries.find_for_change(actor, it_id),
                CallResult.TOLD,
                up_to=up_to,
                actor=actor,
                now=a.now,
            )

    def try_to() -> str:
        try:
            write_down()
        except RefusedError:
            return "refused"
        return "written"

    assert sorted(at_once(app, [try_to] * 2)) == ["refused", "written"]


@pytest.mark.parametrize(("step", "waits"), [(Step.PARK, True), (Step.PLAN_VISIT, False)])
def test_at_night_nobody_is_to_be_called_but_about_a_visit(
    a: Builders, it: ServiceRequest, step: Step, *, waits: bool
) -> None:
    at_night = a.now + timedelta(hours=13)
    visit = a.planned_visit(it, by=a.worker_on(it)) if step is Step.PLAN_VISIT else None
    with transaction():
        calls.drop(it, now=a.now)
    with transaction():
        messages.tell_requester(it, step, visit=visit, now=at_night)

    task = waiting(it)
    assert task is not None
    assert (task.next_at > at_night) is waits


# -------------------------------------------------------------------- the pages


def test_the_desk_sees_whom_to_call_and_no_whole_number(
    a: Builders, browser: Browser, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)

    page = browser.sign_in(desk).open("/call-backs/news")

    assert "Your request has to wait" in page.text
    assert NUMBER not in page.html
    assert "王秀兰" not in page.html
    assert f"/requests/{it.id}/call" in page.html


def test_a_made_up_newest_of_what_was_told_tells_nothing_on(
    a: Builders, browser: Browser, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)
    page = browser.sign_in(desk).open(f"/requests/{it.id}/call")
    data = page.form("result").filled({"result": "told"})

    for made_up in ("9" * 5000, "²", "-1", "x"):
        sent = {**data, "up_to": [made_up]}
        answer = browser.request("POST", page.path, data=sent, headers={"Referer": page.url})
        assert answer.status_code < 500
        task = waiting(it)
        assert task is not None


def test_what_to_say_stands_there_in_both_languages(
    a: Builders, browser: Browser, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)

    page = browser.sign_in(desk).open(f"/requests/{it.id}/call")

    assert "Your request has to wait" in page.text
    assert "您的诉求" in page.text
    assert NUMBER not in page.html


def test_each_look_at_the_number_is_logged(
    a: Builders, browser: Browser, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)
    browser.sign_in(desk).open(f"/requests/{it.id}/call")

    page = browser.click("Show contact")

    assert NUMBER in page.html.replace(" ", "")
    [look] = db.session.scalars(select(ContactLook)).all()
    assert (look.service_request_id, look.person_id, look.where) == (it.id, desk.id, "call")


def test_a_call_is_written_down_on_its_page(
    a: Builders, browser: Browser, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)

    page = browser.sign_in(desk).send(f"/requests/{it.id}/call", result="told")

    assert "They know it now." in page.text
    assert "Nobody to call" in page.text
    assert "They were called and told." in browser.open(f"/requests/{it.id}").text


def test_what_came_meanwhile_is_told_too(
    a: Builders, browser: Browser, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)
    browser.sign_in(desk).open(f"/requests/{it.id}/call")
    with transaction():
        handling.unpark(it, actor=a.actor(a.coordinator()), now=a.now)

    page = browser.send(result="told", word="She was glad")

    assert "Something new came meanwhile" in page.text
    assert "She was glad" in page.text
    assert "Your request is taken up again" in page.text
    assert waiting(it) is not None
    browser.send(result="told")
    assert waiting(it) is None


def test_why_somebody_cannot_be_called_is_asked(
    a: Builders, browser: Browser, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)
    browser.sign_in(desk)

    page = browser.send(f"/requests/{it.id}/call", result="let_be", word=" ")
    assert "Write down why they cannot be called." in page.text

    browser.send(result="let_be", word="The number is wrong")
    assert tasks()[-1].result is CallResult.LET_BE


def test_the_same_form_sent_twice_counts_one_try(
    a: Builders, browser: Browser, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)
    page = browser.sign_in(desk).open(f"/requests/{it.id}/call")
    data = page.form("result").filled({"result": "not_reached"}, press="Save")

    for _turn in range(2):
        browser.request("POST", f"/requests/{it.id}/call", data=data)

    task = waiting(it)
    assert task is not None
    assert task.tries == 1


def test_whose_call_was_made_already_is_said(
    a: Builders, browser: Browser, it: ServiceRequest, desk: Person
) -> None:
    park(a, it)
    browser.sign_in(desk).open(f"/requests/{it.id}/call")
    call(a, it, CallResult.TOLD, a.supervisor())

    page = browser.send(result="told")

    assert "Somebody else has called them already" in page.text
    assert "Nobody has to be called" in browser.open(f"/requests/{it.id}/call").text


def test_the_tabs_count_what_waits(
    a: Builders, new_browser: Callable[..., Browser], it: ServiceRequest
) -> None:
    park(a, it)
    here, elsewhere = a.coordinator(), a.coordinator(a.unit())

    assert "News to tell 1" in _tabs(new_browser().sign_in(here).open("/call-backs").text)
    assert "News to tell 0" in _tabs(new_browser().sign_in(elsewhere).open("/call-backs").text)


def _tabs(text: str) -> str:
    return (
        " ".join(text.split())
        .replace("News to tell1", "News to tell 1")
        .replace("News to tell0", "News to tell 0")
    )


def test_a_confirmation_ends_what_there_was_to_tell(a: Builders) -> None:
    made = by_phone(a, Status.IN_PROGRESS)
    a.planned_visit(made, by=a.worker_on(made))
    resolve(a, made)
    assert told(made) == ["note"]

    with transaction():
        answers.confirm(made, solved=Solved.YES, satisfaction=5, actor=resident(made.id), now=a.now)

    assert waiting(made) is None
