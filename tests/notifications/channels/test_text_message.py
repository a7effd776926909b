"""Text messages go to a gateway, short and signed; and nobody is offered them where there is none."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.receiver import Receiver
from tracker.database import db, transaction
from tracker.notifications import sending
from tracker.notifications.models import Channel, Message
from tracker.permissions import Role
from tracker.service_requests import calls, judging, messages
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import ReachableBy, ServiceRequest

NUMBER = "+8613812345678"


def by_text(a: Builders, status: Status = Status.SUBMITTED) -> ServiceRequest:
    """Return a request of somebody who reads text messages."""
    return a.service_request(status=status, reachable_by=ReachableBy.TEXT_MESSAGE, phone=NUMBER)


def texts() -> list[Message]:
    """Return every text message that was written."""
    written = select(Message).where(Message.channel == Channel.TEXT_MESSAGE)
    return list(db.session.scalars(written.order_by(Message.id)))


def test_a_text_arrives_signed_with_its_parts_and_its_own_id(
    a: Builders, gateway: Receiver, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    by_text(a)

    sending.send_due(now=a.now)

    [taken], [message] = gateway.taken, texts()
    said = taken.json
    assert set(said) == {"id", "to", "text", "parts"}
    assert (said["to"], said["id"]) == (NUMBER, message.message_key)
    assert "/track/" in said["text"]
    assert said["parts"] in (1, 2, 3)
    signed = f"{said['id']}.{taken.headers['webhook-timestamp']}.".encode() + taken.body
    expected = base64.b64encode(hmac.digest(b"g" * 32, signed, hashlib.sha256)).decode()
    assert taken.headers["webhook-signature"] == f"v1,{expected}"
    assert message.sent_at == a.now
    assert "link_salt" not in message.payload
    assert message.body == re.sub(r"/track/\S+", "/track/…", said["text"])


def test_a_long_one_is_cut_before_its_link(
    app: Flask, a: Builders, gateway: Receiver, with_gateway: Callable[[], None]
) -> None:
    a.organisation(name="便" * 120, name_en="")
    with_gateway()
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, public_url=f"https://{'a' * 60}.example")
    by_text(a)

    sending.send_due(now=a.now)

    said = gateway.taken[0].json
    assert said["parts"] <= 3
    assert "… https://aaa" in said["text"]


def test_without_a_gateway_it_waits(a: Builders) -> None:
    by_text(a)

    assert sending.send_due(now=a.now) == 0
    assert texts()[0].sent_at is None


@pytest.mark.parametrize(("status", "is_final"), [(422, True), (410, True), (503, False)])
def test_what_the_gateway_says_decides_whether_it_is_tried_again(
    a: Builders,
    gateway: Receiver,
    with_gateway: Callable[[], None],
    status: int,
    *,
    is_final: bool,
) -> None:
    with_gateway()
    gateway.status = status
    by_text(a)

    sending.send_due(now=a.now)

    assert bool(texts()[0].failed_at) is is_final
    assert texts()[0].last_error == f"HTTP {status}"


def test_a_text_tells_what_must_be_known_and_no_more(a: Builders) -> None:
    by_text(a, Status.RESOLVED)

    assert [message.payload["step"] for message in texts()] == ["submit", "resolve"]


def test_who_reads_texts_need_not_be_called(a: Builders, with_gateway: Callable[[], None]) -> None:
    with_gateway()
    made = by_text(a, Status.WAITING)
    caller = a.actor(a.supervisor())

    assert [message.payload["step"] for message in texts()] == ["submit", "wait"]
    assert db.session.scalars(judging.to_ask_by_phone(caller)).all() == []
    assert calls.waiting(made) is None


def test_at_night_a_text_waits_but_for_what_somebody_expects(a: Builders) -> None:
    at_night = a.now + timedelta(hours=13)
    made = by_text(a)
    with transaction():
        for step in (Step.SUBMIT, Step.PARK):
            messages.tell_requester(made, step, now=at_night)

    runs = {message.payload["step"]: message.run_at for message in texts()[1:]}
    assert runs["submit"] == at_night
    assert runs["park"] > at_night


def test_the_outbox_shows_no_whole_number_and_why_it_is_stuck(
    a: Builders, browser: Browser, gateway: Receiver, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    gateway.status = 503
    by_text(a)
    sending.send_due(now=a.now)

    page = browser.sign_in(a.administrator()).open("/admin/outbox?fate=stuck")

    assert "HTTP 503" in page.text
    assert "5678" in page.text
    assert NUMBER not in page.html
    assert NUMBER.removeprefix("+86") not in page.html


def test_a_stranger_gets_no_more_than_three_texts_a_day_of_new_requests(
    a: Builders, browser: Browser, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    assert a.bureau.id  # whose desk reads it
    asked = f"/requests/new/form?category={a.any_category.id}"
    for number in range(5):
        browser.send(
            asked,
            need=f"Help, please {number}",
            fields={"address": "Lane 5"},
            reachable_by="text_message",
            phone=NUMBER.removeprefix("+86"),
        )
        browser.click("Send it now")

    assert len(texts()) == 3


def test_where_there_is_no_gateway_nothing_speaks_of_texts(
    a: Builders, browser: Browser, with_gateway: Callable[[], None]
) -> None:
    asked = f"/requests/new/form?category={a.any_category.id}"
    desk = a.holder(Role.COORDINATOR)

    for shown in (False, True):
        if shown:
            with_gateway()
        assert ("By text message" in browser.sign_out().open(asked).text) is shown
        assert ("By text message" in browser.sign_in(desk).open("/intake").text) is shown
