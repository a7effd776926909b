"""Staff change how somebody is told who has not read their page: nothing is left that nobody tells them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.builders import Builders
from tests.support.letters import letter_of
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Channel, Message
from tracker.notifications.sending import LEASE
from tracker.service_requests import calls, judging
from tracker.service_requests.actions import approvals, handling
from tracker.service_requests.actions.reaching import Reaching, change_for_caller, mark_of
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind, CallTask, ReachableBy, ServiceRequest

OLD_MAIL, NEW_MAIL = "old@example.org", "new@example.org"
OLD_NUMBER, NEW_NUMBER = "+8613812345678", "+8613887654321"
WAYS: Final[Mapping[ReachableBy, dict[str, Any]]] = {
    ReachableBy.PHONE: {"phone": OLD_NUMBER},
    ReachableBy.TEXT_MESSAGE: {"phone": OLD_NUMBER},
    ReachableBy.EMAIL: {"phone": None, "email": OLD_MAIL},
    ReachableBy.NEIGHBOUR: {"phone": None, "neighbour": "The shop next door"},
    ReachableBy.NOBODY: {"phone": None, "requester_name": ""},
}
"""How somebody was told until now."""
WISHES: Final = (
    Reaching(ReachableBy.PHONE, NEW_NUMBER),
    Reaching(ReachableBy.TEXT_MESSAGE, NEW_NUMBER, only_needed=True),
    Reaching(ReachableBy.EMAIL, NEW_MAIL),
    Reaching(ReachableBy.EMAIL, NEW_MAIL, only_needed=True),
    Reaching(ReachableBy.NEIGHBOUR, "Their daughter in Chengdu"),
    Reaching(ReachableBy.NOBODY, ""),
)


@pytest.fixture(autouse=True)
def _a_gateway(app: Flask) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], sms_url="http://gateway.example/")


def told_by(a: Builders, way: ReachableBy, status: Status = Status.IN_PROGRESS) -> ServiceRequest:
    """Return a request of somebody who is told in that way."""
    return a.service_request(status=status, reachable_by=way, **WAYS[way])


def change(a: Builders, it: ServiceRequest, wish: Reaching, now: datetime) -> bool:
    """Let a coordinator enter what somebody tells them."""
    desk = a.actor(a.coordinator())
    with transaction():
        found = db.session.get_one(ServiceRequest, it.id)
        return change_for_caller(
            found,
            wish,
            stood=mark_of(found.requester),
            locale="en",
            texts=True,
            actor=desk,
            now=now,
        )


def park(a: Builders, it: ServiceRequest) -> None:
    """Let a supervisor park it."""
    asked = a.approval(it, ApprovalKind.PARKING)
    with transaction():
        approvals.decide(asked, granted=True, note="", actor=a.actor(a.supervisor()), now=a.now)


def on_the_way(it: ServiceRequest) -> list[Message]:
    """Return what is written to the requester and will go out, in order."""
    db.session.expire_all()
    written = select(Message).where(
        Message.service_request_id == it.id,
        Message.kind.in_(["requester_step", "contact_now"]),
        Message.sent_at.is_(None),
        Message.failed_at.is_(None),
    )
    return list(db.session.scalars(written.order_by(Message.id)))


def steps_to(it: ServiceRequest, address: str) -> list[str]:
    """Return the steps of which something is on its way to an address."""
    return [str(each.payload.get("step")) for each in on_the_way(it) if each.address == address]


def to_call_about(it: ServiceRequest) -> list[str]:
    """Return the steps about which somebody is to call."""
    db.session.expire_all()
    task = calls.waiting(it)
    return [reason.step for reason in task.reasons] if task else []


def sent(*, to: str) -> None:
    """Let all that waits for an address be sent."""
    with transaction():
        for message in db.session.scalars(select(Message).where(Message.address == to)):
            message.sent_at, message.body, message.payload = message.created_at, "Sent", {}


def faults(app: Flask) -> list[str]:
    """Return what `flask verify` says."""
    db.session.rollback()
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        return [each.words for each in violations(snapshot)]


# ------------------------------------------------------------------ every way, to every other


@pytest.mark.parametrize("status", [Status.PARKED, Status.WAITING, Status.RESOLVED])
@pytest.mark.parametrize("way", WAYS)
def test_whatever_way_they_go_over_to_what_waited_is_still_told(
    app: Flask, a: Builders, way: ReachableBy, status: Status
) -> None:
    for number, wish in enumerate(WISHES):
        it = told_by(a, way, status)
        if change(a, it, wish, a.now + timedelta(minutes=5 + number)):
            _is_told(a, it, way, wish, status)
    assert faults(app) == []


def _is_told(
    a: Builders, it: ServiceRequest, way: ReachableBy, wish: Reaching, status: Status
) -> None:
    step = {Status.PARKED: "park", Status.WAITING: "wait", Status.RESOLVED: "resolve"}[status]
    goes_to = {message.address for message in on_the_way(it)}
    if wish.way.is_written:
        assert goes_to == {wish.address}
        is_known = way is ReachableBy.NOBODY and status is Status.PARKED  # nobody was to tell them
        assert is_known or step in steps_to(it, wish.address), (way, wish)
        assert to_call_about(it) == []
    elif wish.way is ReachableBy.NOBODY:
        assert goes_to == set()
        assert to_call_about(it) == []
    else:
        assert goes_to == set()
        supervisor = a.actor(a.supervisor())
        lists = {
            Status.WAITING: judging.to_ask_by_phone(supervisor),
            Status.RESOLVED: judging.to_call_back(supervisor),
        }
        if status in lists:
            assert it.id in {each.id for each in db.session.scalars(lists[status])}
        elif way is not ReachableBy.NOBODY:
            assert "park" in to_call_about(it), (way, wish)


@pytest.mark.parametrize("way", WAYS)
def test_what_happens_next_is_told_in_the_new_way(
    app: Flask, a: Builders, way: ReachableBy
) -> None:
    for number, wish in enumerate(WISHES):
        it = told_by(a, way, Status.PARKED)
        change(a, it, wish, a.now + timedelta(minutes=5 + number))
        with transaction():
            handling.unpark(
                it,
                note="On we go",
                actor=a.actor(a.coordinator()),
                now=a.now + timedelta(hours=1),
            )
        if wish.way.is_written:
            assert steps_to(it, wish.address)[-1] == "unpark"
        elif wish.way is not ReachableBy.NOBODY:
            assert to_call_about(it)[-1] == "unpark"
    assert faults(app) == []


def test_who_changes_their_mind_again_and_again_is_told_in_the_last_way(
    app: Flask, a: Builders
) -> None:
    it = told_by(a, ReachableBy.PHONE, Status.PARKED)
    for number, wish in enumerate([*WISHES[:5], *WISHES[:4]]):
        change(a, it, wish, a.now + timedelta(minutes=number + 1))

    assert steps_to(it, NEW_MAIL) == ["park"]
    assert to_call_about(it) == []
    assert faults(app) == []


# ------------------------------------------------------------------ what was to be said by voice


def test_news_that_somebody_was_to_call_about_is_written_at_once_with_the_link(
    a: Builders,
) -> None:
    it = told_by(a, ReachableBy.PHONE, Status.PARKED)

    change(a, it, Reaching(ReachableBy.EMAIL, NEW_MAIL), a.now + timedelta(minutes=5))

    [message] = on_the_way(it)
    assert (message.channel, message.address) == (Channel.EMAIL, NEW_MAIL)
    said = letter_of(message)
    assert "Your request has to wait" in said.subject
    assert "/track/" in said.text


def test_a_call_that_was_tried_in_vain_begins_anew_at_another_number(
    a: Builders,
) -> None:
    it = told_by(a, ReachableBy.PHONE, Status.PARKED)
    with transaction():
        task = db.session.scalars(select(CallTask)).one()
        task.tries, task.next_at = 2, a.now + timedelta(days=3)

    change(a, it, Reaching(ReachableBy.PHONE, NEW_NUMBER), a.now + timedelta(minutes=5))

    db.session.expire_all()
    task = db.session.scalars(select(CallTask)).one()
    assert (task.tries, task.done_at) == (0, None)
    assert task.next_at < a.now + timedelta(days=1)


def test_of_a_visit_that_has_passed_nothing_is_written(a: Builders) -> None:
    it = told_by(a, ReachableBy.PHONE)
    a.planned_visit(it, by=a.worker_on(it))

    change(a, it, Reaching(ReachableBy.EMAIL, NEW_MAIL), a.now + timedelta(days=3))

    assert [message.kind for message in on_the_way(it)] == ["contact_now"]
    assert to_call_about(it) == []


def test_who_has_heard_all_gets_the_link_at_the_new_address(app: Flask, a: Builders) -> None:
    it = told_by(a, ReachableBy.PHONE)

    change(a, it, Reaching(ReachableBy.EMAIL, NEW_MAIL), a.now + timedelta(minutes=5))

    [message] = on_the_way(it)
    assert message.kind == "contact_now"
    assert "/track/" in letter_of(message).text
    assert faults(app) == []


def test_the_link_does_not_go_to_an_address_that_was_put_right_before_it_went(
    a: Builders,
) -> None:
    it = told_by(a, ReachableBy.PHONE)
    change(a, it, Reaching(ReachableBy.EMAIL, "wrong@example.org"), a.now + timedelta(minutes=5))

    change(a, it, Reaching(ReachableBy.EMAIL, NEW_MAIL), a.now + timedelta(minutes=6))

    assert [message.address for message in on_the_way(it)] == [NEW_MAIL]


# ------------------------------------------------------------------ what was to be written


def test_what_was_sent_before_is_not_sent_again_but_for_what_is_asked_of_them(
    a: Builders,
) -> None:
    parked = told_by(a, ReachableBy.EMAIL, Status.PARKED)
    asked = told_by(a, ReachableBy.EMAIL, Status.WAITING)
    sent(to=OLD_MAIL)
    for it in (parked, asked):
        change(a, it, Reaching(ReachableBy.EMAIL, NEW_MAIL), a.now + timedelta(minutes=5))

    assert [message.kind for message in on_the_way(parked)] == ["contact_now"]
    assert steps_to(asked, NEW_MAIL) == ["wait"]


def test_how_often_alone_sends_nothing_anew(app: Flask, a: Builders) -> None:
    it = told_by(a, ReachableBy.EMAIL, Status.WAITING)
    before = [message.id for message in on_the_way(it)]

    later = a.now + timedelta(minutes=5)
    assert change(a, it, Reaching(ReachableBy.EMAIL, OLD_MAIL, only_needed=True), later)

    assert [message.id for message in on_the_way(it)] == before
    assert faults(app) == []


def test_texts_tell_only_what_is_needed_of_what_waited_as_mail(a: Builders) -> None:
    it = told_by(a, ReachableBy.EMAIL, Status.PARKED)

    wish = Reaching(ReachableBy.TEXT_MESSAGE, NEW_NUMBER, only_needed=True)
    change(a, it, wish, a.now + timedelta(minutes=5))

    assert set(steps_to(it, NEW_NUMBER)) == {"submit", "park"}
    assert {message.channel for message in on_the_way(it)} == {Channel.TEXT_MESSAGE}
    given_up = select(Message).where(Message.last_error == calls.REACHED_OTHERWISE)
    assert "assign" in {message.payload["step"] for message in db.session.scalars(given_up)}


def test_what_may_have_arrived_goes_again_as_it_went_and_to_the_new_address_too(
    app: Flask, a: Builders
) -> None:
    it = told_by(a, ReachableBy.EMAIL, Status.PARKED)
    with transaction():
        for message in on_the_way(it):
            message.bound_at, message.last_error = a.now, "451 try later"

    change(a, it, Reaching(ReachableBy.EMAIL, NEW_MAIL), a.now + timedelta(minutes=5))

    assert "park" in steps_to(it, OLD_MAIL)
    assert "park" in steps_to(it, NEW_MAIL)
    assert faults(app) == []


def test_what_a_worker_has_in_hand_is_left_to_it(a: Builders) -> None:
    it = told_by(a, ReachableBy.EMAIL, Status.PARKED)
    with transaction():
        for message in on_the_way(it):
            message.leased_until = message.bound_at = a.now + LEASE

    change(a, it, Reaching(ReachableBy.EMAIL, NEW_MAIL), a.now + timedelta(minutes=1))

    assert [message.kind for message in on_the_way(it) if message.address == NEW_MAIL] == [
        "contact_now"
    ]


def test_what_the_old_address_refused_and_they_must_know_is_told_once_in_the_new_way(
    app: Flask, a: Builders
) -> None:
    it = told_by(a, ReachableBy.EMAIL, Status.PARKED)
    with transaction():
        for message in on_the_way(it):
            message.failed_at, message.last_error = a.now, "550 no such user"

    change(a, it, Reaching(ReachableBy.EMAIL, NEW_MAIL), a.now + timedelta(minutes=5))
    assert steps_to(it, NEW_MAIL) == ["submit", "park"]
    sent(to=NEW_MAIL)
    change(a, it, Reaching(ReachableBy.PHONE, NEW_NUMBER), a.now + timedelta(minutes=9))

    assert to_call_about(it) == []
    assert faults(app) == []
