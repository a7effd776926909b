"""Webhooks and robots get what they are told of, signed, once; and what fails is understood."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from tests.support.builders import Builders
from tests.support.receiver import Receiver, running
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.notifications import actions, sending
from tracker.notifications.channels import robots
from tracker.notifications.endpoints import addresses
from tracker.notifications.endpoints.models import Endpoint, EndpointKind, News
from tracker.notifications.endpoints.queries import SWITCHED_OFF
from tracker.notifications.letters import Letter
from tracker.notifications.models import Message
from tracker.service_requests import climbing, news
from tracker.service_requests.lifecycle import Status, Step

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
PATHS = {
    EndpointKind.WEBHOOK: "/hook?token=very-secret-token",
    EndpointKind.WECOM: "/cgi-bin/webhook/send?key=very-secret-token",
    EndpointKind.DINGTALK: "/robot/send?access_token=very-secret-token",
    EndpointKind.FEISHU: "/open-apis/bot/v2/hook/very-secret-token",
}
FINE = {
    EndpointKind.WEBHOOK: b"",
    EndpointKind.WECOM: b'{"errcode": 0, "errmsg": "ok"}',
    EndpointKind.DINGTALK: b'{"errcode": 0, "errmsg": "ok"}',
    EndpointKind.FEISHU: b'{"code": 0, "msg": "success", "data": {}}',
}
ROBOTS = sorted(set(EndpointKind) - {EndpointKind.WEBHOOK})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give somebody who takes everything."""
    with running(Receiver()) as made:
        yield made


def endpoint_at(
    a: Builders,
    receiver: Receiver,
    kind: EndpointKind = EndpointKind.WEBHOOK,
    **more: Any,  # noqa: ANN401 - columns
) -> Endpoint:
    """Set up an endpoint there that is told of everything, in English."""
    receiver.answer = FINE[kind]
    address = receiver.url(PATHS[kind])
    secret = "" if kind is EndpointKind.WECOM else SECRET
    values = {
        "name": "There",
        "team_id": None,
        "locale": "en",
        "news": [each.value for each in News],
        "address_shown": addresses.shown(address),
        "sealed": addresses.sealed(address, secret),
    }
    actor = a.actor(a.administrator())
    with transaction():
        return actions.add_endpoint(kind, values | more, actor=actor, now=a.now)


def written() -> list[Message]:
    """Return what was written for endpoints."""
    return [
        message
        for message in db.session.query(Message).order_by(Message.id)
        if message.channel != "email"
    ]


def send(a: Builders) -> None:
    """Send all that is due, as the worker does."""
    sending.send_due(now=a.now)
    db.session.expire_all()


def try_it(a: Builders, endpoint: Endpoint) -> Message:
    """Write a test message, send it, and return what became of it."""
    with transaction():
        actions.try_endpoint(endpoint, actor=a.actor(a.administrator()), now=a.now)
    send(a)
    return written()[-1]


def test_a_webhook_is_told_of_a_step_signed_by_the_standard(
    a: Builders, receiver: Receiver
) -> None:
    endpoint_at(a, receiver, news=[News.ASSIGNED])
    team = a.team(name="北片队", name_en="North team")

    made = a.service_request(
        status=Status.ASSIGNED, team=team, need="My tap drips", address="Lane 5, no. 7"
    )
    [message] = written()
    send(a)

    [taken] = receiver.taken
    headers = taken.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + taken.body
    expected = base64.b64encode(hmac.digest(b"k" * 32, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == message.message_key
    assert headers["webhook-timestamp"] == str(int(utc_now().timestamp()))
    assert taken.json["type"] == "request.assigned"
    assert taken.json["version"] == 1
    [told] = taken.json["data"]["requests"]
    assert told["reference"] == made.reference
    assert told["team_en"] == "North team"
    assert told["link"].endswith(f"/requests/{made.id}")
    assert set(told) == {
        *("reference", "priority", "due_at", "link"),
        *("category", "category_en", "unit", "unit_en", "team", "team_en"),
    }
    assert message.sent_at == a.now


def test_nothing_of_anybodys_person_is_sent(a: Builders, receiver: Receiver) -> None:
    endpoint_at(a, receiver)
    endpoint_at(a, receiver, EndpointKind.FEISHU)
    made = a.service_request(
        status=Status.CLOSED, need="The tap of Wang Xiulan drips", address="Lane 5, no. 7"
    )
    requester = made.requester
    assert requester is not None
    with transaction():  # by day or not
        for message in written():
            message.run_at = a.now
    send(a)

    said = "".join(taken.body.decode() for taken in receiver.taken)
    assert len(receiver.taken) >= 6
    for secret in (requester.name, requester.phone, requester.email, "Lane 5", "tap", "/track/"):
        assert not secret or secret not in said


def test_an_endpoint_of_a_team_hears_of_its_own_requests_alone(
    a: Builders, receiver: Receiver
) -> None:
    ours, helped, theirs = a.team(), a.team(), a.team()
    endpoint_at(a, receiver, team_id=ours.id, news=[News.ASSIGNED])

    a.service_request(status=Status.ASSIGNED, team=theirs)
    assert written() == []
    a.service_request(status=Status.ASSIGNED, team=ours)
    a.service_request(status=Status.ASSIGNED, team=helped, helping_teams=[ours])

    assert len(written()) == 2


def test_what_it_did_not_choose_it_is_not_told_of(a: Builders, receiver: Receiver) -> None:
    endpoint_at(a, receiver, news=[News.CLOSED])

    a.service_request(status=Status.RESOLVED)

    assert written() == []


def test_a_second_delivery_has_the_same_id(a: Builders, receiver: Receiver) -> None:
    endpoint = endpoint_at(a, receiver)
    message = try_it(a, endpoint)
    with transaction():  # the worker died before it wrote down that it had arrived
        message.sent_at, message.leased_until = None, a.now - timedelta(seconds=1)

    send(a)

    assert len({taken.headers["webhook-id"] for taken in receiver.taken}) == 1
    assert len(receiver.taken) == 2


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_go_later_is_put_off_as_long_as_the_receiver_asks(
    a: Builders, receiver: Receiver, status: int
) -> None:
    endpoint = endpoint_at(a, receiver)
    receiver.status, receiver.headers = status, {"Retry-After": "1800"}

    message = try_it(a, endpoint)

    assert message.failed_at is None
    assert message.last_error == f"HTTP {status}"
    assert message.run_at == a.now + timedelta(minutes=30)
    assert endpoint.failure == f"HTTP {status}"


def test_nobody_puts_a_message_off_for_days(a: Builders, receiver: Receiver) -> None:
    endpoint = endpoint_at(a, receiver)
    receiver.status, receiver.headers = 503, {"Retry-After": "999999999999999999"}

    assert try_it(a, endpoint).run_at == a.now + timedelta(hours=6)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_is_refused_is_given_up(a: Builders, receiver: Receiver, status: int) -> None:
    endpoint = endpoint_at(a, receiver)
    receiver.status = status

    message = try_it(a, endpoint)

    assert message.failed_at == a.now
    assert endpoint.failed_at == a.now
    assert endpoint.is_on


def test_who_wants_nothing_any_more_is_switched_off(a: Builders, receiver: Receiver) -> None:
    endpoint = endpoint_at(a, receiver)
    receiver.status = 410

    message = try_it(a, endpoint)

    assert message.failed_at == a.now
    assert not endpoint.is_on
    assert endpoint.failure == "endpoint_gone"


def test_what_waits_for_an_endpoint_that_is_switched_off_is_given_up(
    a: Builders, receiver: Receiver
) -> None:
    endpoint = endpoint_at(a, receiver)
    a.service_request(status=Status.ASSIGNED)
    actor = a.actor(a.administrator())
    with transaction():
        actions.switch_endpoint(endpoint, on=False, actor=actor, now=a.now)

    send(a)

    assert receiver.taken == []
    assert {message.last_error for message in written()} == {SWITCHED_OFF}
    assert all(message.failed_at for message in written())


def test_a_receiver_that_is_away_is_tried_again(a: Builders) -> None:
    with running(Receiver()) as receiver:
        endpoint = endpoint_at(a, receiver)
    message = try_it(a, endpoint)

    assert message.failed_at is None
    assert "ConnectionRefusedError" in message.last_error


@pytest.mark.parametrize("kind", EndpointKind)
def test_no_key_stands_in_what_is_kept_of_a_message(
    a: Builders, receiver: Receiver, kind: EndpointKind
) -> None:
    endpoint = endpoint_at(a, receiver, kind)
    receiver.answer = json.dumps(
        {
            "errcode": 93000,
            "code": 93000,
            "errmsg": "no very-secret-token",
            "msg": "very-secret-token",
        }
    ).encode()
    if kind is EndpointKind.WEBHOOK:
        receiver.status = 404

    message = try_it(a, endpoint)

    assert message.failed_at is not None
    kept = (message.address, message.body, message.subject, message.payload, message.last_error)
    shown = (endpoint.sealed, endpoint.address_shown, endpoint.failure)
    assert "very-secret" not in repr((*kept, *shown))
    assert SECRET not in repr((*kept, *shown))


def test_an_address_within_is_refused_where_people_are_real(
    a: Builders, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = endpoint_at(a, receiver)
    monkeypatch.setattr(addresses, "may_be_here", lambda _settings: False)

    message = try_it(a, endpoint)

    assert receiver.taken == []
    assert message.last_error == "endpoint_not_outside"
    assert message.failed_at == a.now


def test_a_secret_that_cannot_be_read_any_more_is_said(a: Builders, receiver: Receiver) -> None:
    endpoint = endpoint_at(a, receiver, sealed="gAAAAA-of-another-installation")

    assert try_it(a, endpoint).last_error == "endpoint_unreadable"


@pytest.mark.parametrize("kind", ROBOTS)
def test_a_robot_says_it_in_its_group(a: Builders, receiver: Receiver, kind: EndpointKind) -> None:
    endpoint_at(a, receiver, kind, news=[News.ASSIGNED])
    made = a.service_request(status=Status.ASSIGNED, team=a.team(name_en="North team"))
    send(a)

    [taken] = receiver.taken
    said = taken.json
    text = said["content"]["text"] if kind is EndpointKind.FEISHU else said["text"]["content"]
    assert text.startswith("New for a team\n")
    assert "North team" in text
    assert f"/requests/{made.id}" in text
    assert "very-secret-token" in taken.path


def test_dingtalk_signs_in_the_address(a: Builders, receiver: Receiver) -> None:
    try_it(a, endpoint_at(a, receiver, EndpointKind.DINGTALK))

    [taken] = receiver.taken
    timestamp = str(int(utc_now().timestamp() * 1000))
    sign = hmac.digest(SECRET.encode(), f"{timestamp}\n{SECRET}".encode(), hashlib.sha256)
    quoted = base64.b64encode(sign).decode().replace("+", "%2B").replace("/", "%2F")
    assert taken.path.endswith(f"&timestamp={timestamp}&sign={quoted.replace('=', '%3D')}")


def test_feishu_signs_beside_the_text(a: Builders, receiver: Receiver) -> None:
    try_it(a, endpoint_at(a, receiver, EndpointKind.FEISHU))

    [taken] = receiver.taken
    key = f"{taken.json['timestamp']}\n{SECRET}".encode()
    assert taken.json["timestamp"] == str(int(utc_now().timestamp()))
    assert taken.json["sign"] == base64.b64encode(hmac.digest(key, b"", hashlib.sha256)).decode()


@pytest.mark.parametrize(
    ("kind", "number", "is_final"),
    [
        (EndpointKind.WECOM, 45009, False),
        (EndpointKind.WECOM, 93000, True),
        (EndpointKind.DINGTALK, 130101, False),
        (EndpointKind.DINGTALK, 310000, True),
        (EndpointKind.FEISHU, 11232, False),
        (EndpointKind.FEISHU, 19021, True),
    ],
)
def test_what_a_robot_answers_in_a_number_of_its_own_is_understood(
    a: Builders, receiver: Receiver, kind: EndpointKind, number: int, *, is_final: bool
) -> None:
    endpoint = endpoint_at(a, receiver, kind)
    receiver.answer = json.dumps(
        {"errcode": number, "errmsg": "why", "code": number, "msg": "why"}
    ).encode()

    message = try_it(a, endpoint)

    assert message.sent_at is None
    assert bool(message.failed_at) is is_final
    assert message.last_error == f"{number} why"


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{}", b'{"errcode": null}'])
def test_what_is_no_robot_takes_nothing(a: Builders, receiver: Receiver, answer: bytes) -> None:
    endpoint = endpoint_at(a, receiver, EndpointKind.WECOM)
    receiver.answer = answer

    message = try_it(a, endpoint)

    assert message.sent_at is None
    assert message.last_error == robots.NOT_UNDERSTOOD


def test_a_robot_speaks_by_day_and_of_what_is_urged_at_once(
    a: Builders, receiver: Receiver
) -> None:
    endpoint_at(a, receiver, EndpointKind.WECOM, news=[News.ASSIGNED, News.URGED])
    endpoint_at(a, receiver, news=[News.ASSIGNED])
    at_night = a.now + timedelta(hours=12)
    made = a.service_request(status=Status.ACCEPTED)
    with transaction():
        news.tell_of_step(made, Step.ASSIGN, now=at_night)
        news.tell_of_step(made, Step.URGE, now=at_night)

    runs = {(one.channel.value, one.payload["news"]): one.run_at for one in written()}
    assert runs["webhook", "assigned"] == at_night
    assert runs["wecom", "assigned"] > at_night
    assert runs["wecom", "urged"] == at_night


def test_a_robots_text_is_cut_between_paragraphs() -> None:
    long = Letter(subject="头", text="\n\n".join(["字" * 100] * 20), html="", short="")

    said = robots.text_of(long)

    assert len(said.encode()) <= robots.MOST_BYTES
    assert [len(line) for line in said.split("\n")] == [1, 100, 100, 100, 100, 100, 100]


def test_the_ladder_tells_an_endpoint_once_of_all_that_a_run_found(
    a: Builders, receiver: Receiver, clock: time_machine.Traveller
) -> None:
    team = a.team(name_en="North team")
    made = [a.service_request(status=Status.ASSIGNED, team=team) for _ in range(3)]
    endpoint_at(a, receiver, news=[News.OVERDUE], team_id=team.id)
    endpoint_at(a, receiver, news=[News.OVERDUE], team_id=a.team().id)
    later = max(it.due_at for it in made if it.due_at) + timedelta(hours=20)
    clock.move_to(later)

    climbing.climb(later)

    [message] = written()
    references = {told["reference"] for told in message.payload["requests"]}
    assert references == {it.reference for it in made}
