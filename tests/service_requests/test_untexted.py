"""Where the gateway for text messages was taken away, whoever chose them is called instead."""

from dataclasses import replace
from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Channel, Message
from tracker.permissions import Action, resident
from tracker.service_requests import calls, judging, queries
from tracker.service_requests.actions import answers, approvals
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind, ReachableBy, ServiceRequest
from tracker.service_requests.untexted import AT_ONCE, WAITED, call_instead

NUMBER = "+8613812345678"


def by_text(a: Builders, status: Status = Status.IN_PROGRESS) -> ServiceRequest:
    """Return a request of somebody who reads text messages."""
    return a.service_request(status=status, reachable_by=ReachableBy.TEXT_MESSAGE, phone=NUMBER)


def park(a: Builders, it: ServiceRequest) -> None:
    """Let a supervisor park it."""
    asked = a.approval(it, ApprovalKind.PARKING)
    with transaction():
        approvals.decide(asked, granted=True, note="", actor=a.actor(a.supervisor()), now=a.now)


def reasons(it: ServiceRequest) -> list[str]:
    """Return the steps that somebody is to call about."""
    db.session.expire_all()
    task = calls.waiting(it)
    return [reason.step for reason in task.reasons] if task else []


def texts() -> list[Message]:
    """Return every text message."""
    written = select(Message).where(Message.channel == Channel.TEXT_MESSAGE).order_by(Message.id)
    return list(db.session.scalars(written))


def test_what_waits_asks_for_a_call_and_says_why_it_was_not_sent(
    app: Flask, a: Builders, browser: Browser
) -> None:
    made = by_text(a)
    park(a, made)

    assert call_instead(a.now + WAITED) == "2 texts not sent"

    assert reasons(made) == ["park"]
    assert {message.last_error for message in texts()} == {calls.NO_GATEWAY}
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(violations(snapshot)) == []
    page = browser.sign_in(a.administrator()).open("/admin/outbox?fate=given_up")
    assert "There is no gateway for text messages any more." in page.text


def test_a_second_run_asks_for_nothing_more(a: Builders) -> None:
    made = by_text(a)
    park(a, made)
    call_instead(a.now + WAITED)

    assert call_instead(a.now + 2 * WAITED) == ""
    assert reasons(made) == ["park"]


def test_a_gateway_that_is_missing_for_a_moment_takes_nothing_away(a: Builders) -> None:
    made = by_text(a)
    park(a, made)

    assert call_instead(a.now + WAITED - timedelta(seconds=1)) == ""
    assert reasons(made) == []


def test_with_a_gateway_texts_wait_for_it(app: Flask, a: Builders) -> None:
    park(a, by_text(a))
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], sms_url="http://gateway.example/")

    assert call_instead(a.now + timedelta(days=2)) == ""
    assert all(message.failed_at is None for message in texts())


def test_a_question_stands_in_the_list_of_those_to_call_about(a: Builders) -> None:
    made = by_text(a, Status.WAITING)
    call_instead(a.now + WAITED)

    asked = db.session.scalars(judging.to_ask_by_phone(a.actor(a.supervisor()))).all()

    assert [it.id for it in asked] == [made.id]
    assert reasons(made) == []


def test_of_a_visit_that_has_passed_nobody_is_called(a: Builders) -> None:
    made = by_text(a)
    a.planned_visit(made, by=a.worker_on(made))

    call_instead(a.now + timedelta(days=60))

    assert reasons(made) == []


def test_of_what_has_come_to_its_end_since_nobody_is_called(a: Builders) -> None:
    made = by_text(a)
    park(a, made)
    with transaction():
        mine = queries.find_for_change(resident(made.id), made.id, Action.WITHDRAW_OWN_REQUEST)
        answers.withdraw(mine, actor=resident(made.id), now=a.now)

    call_instead(a.now + WAITED)

    assert reasons(made) == []


def test_more_than_one_batch_is_done_in_one_run(a: Builders) -> None:
    for _number in range(3):
        by_text(a, Status.SUBMITTED)
    first = texts()[0]
    with transaction():
        for number in range(AT_ONCE):
            db.session.add(
                Message(
                    **{
                        name: getattr(first, name)
                        for name in ("channel", "kind", "address", "locale", "payload", "run_at")
                    },
                    created_at=first.created_at,
                    service_request_id=first.service_request_id,
                    message_key=f"more {number}",
                )
            )

    assert call_instead(a.now + WAITED) == f"{AT_ONCE + 3} texts not sent"
