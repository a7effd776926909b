"""The outbox is sent: in the reader's language, once, tried again, given up after a day."""

import socket
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from tests.support.builders import Builders
from tests.support.letters import letter_of
from tests.support.mail_server import MailServer, running
from tracker.accounts import mail
from tracker.accounts.models import LinkPurpose
from tracker.database import db, transaction
from tracker.notifications import outbox, sending
from tracker.notifications.channels.email import NOT_ONE_MAILBOX
from tracker.notifications.letters import without_private_links
from tracker.notifications.models import Channel, Message


def _write(
    a: Builders,
    *,
    locale: str = "en",
    address: str = "zhou@example.org",
    run_at: datetime | None = None,
) -> Message:
    with transaction():
        return outbox.enqueue(
            "reset",
            address=address,
            locale=locale,
            payload={
                "name": "周晓雯",
                "token": "secret-token",
                "expires_at": (a.now + timedelta(hours=4)).isoformat(),
            },
            now=a.now,
            run_at=run_at,
        )


def test_a_mail_arrives_with_text_html_and_its_own_id(
    a: Builders, server: MailServer, configure: Callable[..., None]
) -> None:
    configure(smtp_url=f"smtp://127.0.0.1:{server.port}", mail_from="Shishi <shishi@town.example>")
    message = _write(a)

    assert sending.send_due(now=a.now) == 1

    (received,) = server.mails
    assert received["To"] == "zhou@example.org"
    assert received["Subject"] == "Choose a new password"
    assert received["Message-ID"] == f"<{message.message_key}@town.example>"
    text = received.get_body(("plain",))
    html = received.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "/reset/secret-token" in text.get_content()
    assert '<a href="http' in html.get_content()
    assert message.sent_at == a.now


def test_the_short_form_says_who_writes_what_about_and_where(a: Builders) -> None:
    a.organisation(name="清溪市便民局", name_en="Qingxi Bureau")
    message = _write(a)

    assert letter_of(message, "en").short.startswith("【Qingxi Bureau】Choose a new password http")
    assert letter_of(message, "zh_Hans_CN").short.startswith("【清溪市便民局】")
    assert letter_of(message, "zh_Hans_CN").short.endswith("/reset/secret-token")


def test_it_speaks_the_readers_language(
    a: Builders, server: MailServer, configure: Callable[..., None]
) -> None:
    configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
    _write(a, locale="zh_Hans_CN")

    sending.send_due(now=a.now)

    assert server.mails[0]["Subject"] == "设置新密码"


def test_what_was_sent_keeps_no_secret(
    a: Builders, server: MailServer, configure: Callable[..., None]
) -> None:
    configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
    message = _write(a)

    sending.send_due(now=a.now)

    assert "secret-token" not in message.body
    assert "secret-token" not in str(message.payload)
    assert "Choose it on this page" in message.body


def test_in_a_demonstration_it_lands_on_the_page_with_working_links(
    a: Builders, configure: Callable[..., None]
) -> None:
    configure(demo=True)
    message = _write(a)

    sending.send_due(now=a.now)

    assert "/reset/secret-token" in message.body
    assert "token" not in message.payload


def test_without_a_server_it_waits(a: Builders) -> None:
    message = _write(a)

    assert sending.send_due(now=a.now) == 0
    assert message.sent_at is None
    assert message.attempts == 0


def test_a_server_that_is_away_is_tried_again_with_growing_pauses_for_a_day(
    a: Builders, configure: Callable[..., None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    configure(smtp_url=f"smtp://127.0.0.1:{nobody}")
    message = _write(a)
    now, pauses = a.now, []

    while message.failed_at is None:
        sending.send_due(now=now)
        db.session.refresh(message)
        pauses.append(message.run_at - now)
        now = message.run_at

    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5)]
    assert timedelta(days=1) <= message.failed_at - a.now <= timedelta(days=1, hours=3)
    assert "ConnectionRefusedError" in message.last_error


def test_a_mail_that_had_to_wait_is_tried_for_a_day_from_then_on(
    a: Builders, configure: Callable[..., None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    configure(smtp_url=f"smtp://127.0.0.1:{nobody}")
    monday = a.now + timedelta(days=3)
    message = _write(a, run_at=monday)

    sending.send_due(now=a.now + timedelta(days=2))
    assert message.attempts == 0
    sending.send_due(now=monday)
    assert (message.failed_at, message.attempts) == (None, 1)

    sending.send_due(now=monday + timedelta(days=1))
    assert message.failed_at == monday + timedelta(days=1)


def test_an_address_that_will_never_work_is_given_up_at_once(
    a: Builders, configure: Callable[..., None]
) -> None:
    with running(MailServer(answer_to_recipient="550 no such user")) as server:
        configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
        message = _write(a)

        sending.send_due(now=a.now)

    assert message.failed_at == a.now
    assert message.last_error == "550 no such user"


def test_one_address_is_one_recipient(
    a: Builders, server: MailServer, configure: Callable[..., None]
) -> None:
    configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
    for address in ("zhou@example.org", "zhou+a@例子.example", "zhou@straße.example"):
        _write(a, address=address)

    sending.send_due(now=a.now)

    assert server.recipients == [
        b"rcpt TO:<zhou@example.org>",
        b"rcpt TO:<zhou+a@xn--fsqu00a.example>",
        b"rcpt TO:<zhou@xn--strae-oqa.example>",
    ]
    assert server.mails[1]["To"] == "zhou+a@xn--fsqu00a.example"


@pytest.mark.parametrize(
    "address",
    [
        "=?utf-8?q?v1=40evil.com=2Cv2=40evil.org=2C?=@x.yz",
        "root,postmaster,b@x.yz",
        "=?utf-8?q?a=0D=0ABcc=3Av=40evil.com?=@x.yz",
        "a@x.yz\r\nBcc: v@evil.com",
        "Zhou <zhou@x.yz>",
        "zhou;b@x.yz",
        "zhou",
        "",
        f"{'a' * 64}.@x..yz",
        "周@x.yz",  # this server does not offer SMTPUTF8
    ],
)
def test_what_is_not_one_mailbox_is_given_up_at_once_and_mails_nobody(
    a: Builders, server: MailServer, configure: Callable[..., None], address: str
) -> None:
    configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
    message = _write(a, address=address)

    sending.send_due(now=a.now)

    assert (message.failed_at, message.last_error) == (a.now, NOT_ONE_MAILBOX)
    assert server.recipients == []


def test_an_address_that_is_busy_is_tried_again(
    a: Builders, configure: Callable[..., None]
) -> None:
    with running(MailServer(answer_to_recipient="451 later")) as server:
        configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
        message = _write(a)

        sending.send_due(now=a.now)

    assert message.failed_at is None
    assert message.run_at == a.now + timedelta(minutes=1)


def test_one_template_that_fails_does_not_stop_the_others(
    a: Builders, server: MailServer, configure: Callable[..., None]
) -> None:
    configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
    with transaction():
        broken = outbox.enqueue(
            "no_such_template", address="a@b.c", locale="en", payload={}, now=a.now
        )
    _write(a)

    assert sending.send_due(now=a.now) == 2

    assert len(server.mails) == 1
    assert "TemplateNotFound" in broken.last_error


def test_what_one_worker_has_in_hand_another_leaves_until_the_lease_ends(a: Builders) -> None:
    _write(a)

    first = sending._lease(Channel.EMAIL, now=a.now, limit=10)
    second = sending._lease(Channel.EMAIL, now=a.now, limit=10)
    later = sending._lease(Channel.EMAIL, now=a.now + sending.LEASE, limit=10)

    assert [len(taken) for taken in (first, second, later)] == [1, 0, 1]


def test_a_slow_server_does_not_outlast_the_lease(
    a: Builders,
    server: MailServer,
    configure: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
    for _ in range(3):
        _write(a)
    seconds = iter((0.0, 0.0, 0.0, sending.LEASE.total_seconds()))
    monkeypatch.setattr(sending, "monotonic", lambda: next(seconds))

    assert sending.send_due(now=a.now) == 2

    [rest] = db.session.scalars(select(Message).where(Message.sent_at.is_(None)))
    assert (rest.leased_until, rest.attempts) == (None, 0)
    monkeypatch.undo()
    assert sending.send_due(now=a.now) == 1
    assert len(server.mails) == 3


def test_every_step_that_somebody_is_told_of_has_its_words(
    a: Builders, configure: Callable[..., None]
) -> None:
    configure(demo=True)
    a.invented = True
    team = a.team()
    leader = a.leader()
    a.team_leader(team)
    a.service_request(team=team, leader=leader, reachable_by="email", email="resident@example.org")

    messages = db.session.scalars(select(Message)).all()
    assert {message.kind for message in messages} == {"requester_step", "staff_step"}
    for message in messages:
        subject = letter_of(message).subject
        assert subject
        assert "News about" not in subject

    sending.send_due(now=a.now, limit=50)

    assert {(message.last_error, message.sent_at) for message in messages} == {("", a.now)}


def test_an_invitation_is_written_with_the_person(a: Builders) -> None:
    person = a.person(email="zhou@example.org", locale="en")

    def fail_after_inviting() -> None:
        with transaction():
            mail.send_link(person, LinkPurpose.INVITATION, now=a.now)
            message = "the rest failed"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError):
        fail_after_inviting()

    assert db.session.scalars(select(Message)).all() == []


@pytest.mark.parametrize(
    "private",
    ["/track/ABCDEF", "/invitation/x-y_z", "/reset/tok"],
)
def test_private_links_are_made_useless(private: str) -> None:
    text = f"See http://127.0.0.1:8000{private} now."

    cleaned = without_private_links(text)

    assert private not in cleaned
    assert cleaned.startswith("See http://127.0.0.1:8000/")
