"""What waits for one reader goes as one mail: the same rows each time, whatever happens on the way."""

import random
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.mail_server import MailServer, running
from tests.support.together import at_once
from tests.support.walk import Walk, cast_of
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications import actions, outbox, queries, sending, together
from tracker.notifications.letters import MOST_NAMED
from tracker.notifications.models import Channel, Message
from tracker.notifications.words import Fate

ZHOU = "zhou@example.org"


class KilledError(BaseException):
    """Stands for the end of a process: nothing of ours catches it."""


def facts(number: int, step: str = "assign", **others: object) -> Mapping[str, Any]:
    """Return what a mail about one request is filled with."""
    return {
        "step": step,
        "reference": f"202603110{number:04}",
        "request_id": number,
        "link_salt": "a-salt",
        "category": "房屋维修",
        "category_en": "Repairs",
        "due_at": None,
        "answer": "",
        "question": "",
        "parked_until": None,
        "team": None,
        "team_en": None,
    } | others


def write(
    a: Builders,
    number: int = 1,
    *,
    kind: str = "staff_step",
    address: str = ZHOU,
    locale: str = "en",
    payload: Mapping[str, Any] | None = None,
    run_at: datetime | None = None,
    about: int | None = None,
) -> Message:
    """Write one message into the outbox."""
    with transaction():
        return outbox.enqueue(
            kind,
            address=address,
            locale=locale,
            payload=payload or facts(number),
            now=a.now,
            run_at=run_at,
            service_request_id=about,
        )


def text_of(server: MailServer, place: int = 0) -> str:
    """Return the plain text of a mail that arrived."""
    part = server.mails[place].get_body(("plain",))
    assert part is not None
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


def rows() -> Sequence[Message]:
    """Return every row of the outbox as it is saved."""
    db.session.rollback()
    return db.session.scalars(
        select(Message).order_by(Message.id).execution_options(populate_existing=True)
    ).all()


@pytest.fixture
def connected(server: MailServer, configure: Callable[..., None]) -> MailServer:
    """Give a mail server that the app sends over."""
    configure(smtp_url=f"smtp://127.0.0.1:{server.port}", mail_from="Shishi <shishi@town.example>")
    return server


def test_what_waits_for_one_person_is_one_mail(a: Builders, connected: MailServer) -> None:
    written = [write(a, number) for number in (1, 2, 3)]

    assert sending.send_due(now=a.now) == 1

    (received,) = connected.mails
    assert received["Subject"] == "3 updates on requests"
    assert received["Message-ID"] == f"<{written[0].message_key}@town.example>"
    text = text_of(connected)
    for number in (1, 2, 3):
        assert f"New for your team · 202-603-110000{number}" in text
        assert f"/requests/{number}\n" in text
    assert text.count("Repairs") == 3
    assert {one.sent_at for one in rows()} == {a.now}
    assert [one.sent_with_id for one in rows()] == [None, written[0].id, written[0].id]


def test_one_alone_stays_the_mail_that_it_was(a: Builders, connected: MailServer) -> None:
    message = write(a, 7)

    sending.send_due(now=a.now)

    assert connected.mails[0]["Subject"] == "New for your team · 202-603-1100007"
    assert message.subject == "New for your team · 202-603-1100007"
    assert "Open the request:" in message.body


def test_what_was_sent_keeps_no_secret_in_any_of_its_rows(
    a: Builders, connected: MailServer
) -> None:
    for number in (1, 2):
        write(a, number)

    sending.send_due(now=a.now)

    assert all("link_salt" not in one.payload for one in rows())
    assert [bool(one.body) for one in rows()] == [True, False]


@pytest.mark.parametrize(
    "other",
    [
        {"address": "li@example.org"},
        {"locale": "zh_Hans_CN"},
        {
            "kind": "reset",
            "payload": {"name": "周", "token": "t", "expires_at": "2026-03-12T00:00Z"},
        },
        {"kind": "requester_step", "payload": facts(1, "accept")},
    ],
    ids=["another reader", "another language", "a link to sign in", "as a requester"],
)
def test_what_is_for_another_or_of_another_sort_goes_by_itself(
    a: Builders, connected: MailServer, other: dict[str, Any]
) -> None:
    write(a, 1)
    write(a, 2, **other)

    assert sending.send_due(now=a.now) == 2
    assert len(connected.mails) == 2


def test_what_waits_for_later_does_not_go_along(a: Builders, connected: MailServer) -> None:
    write(a, 1)
    write(a, 2)
    later = write(a, 3, run_at=a.now + timedelta(hours=1))

    sending.send_due(now=a.now)

    assert connected.mails[0]["Subject"] == "2 updates on requests"
    db.session.refresh(later)
    assert (later.sent_at, later.attempts) == (None, 0)


def test_a_mail_names_thirty_and_counts_the_rest(a: Builders, connected: MailServer) -> None:
    for number in range(1, MOST_NAMED + 6):
        write(a, number)

    sending.send_due(now=a.now, limit=4)  # what waits is gathered beyond the batch

    assert len(connected.mails) == 1
    assert connected.mails[0]["Subject"] == "35 updates on requests"
    assert text_of(connected).count("New for your team") == MOST_NAMED
    assert "5 more stand on your page of messages." in text_of(connected)
    assert "/inbox" in text_of(connected)


def test_lists_go_along_with_their_heads_and_are_counted_by_what_they_tell(
    a: Builders, connected: MailServer
) -> None:
    named = [
        {
            "rung": "supervised",
            "clock": "resolve",
            "reference": f"202603110{number:04}",
            "request_id": number,
            "category": "房屋维修",
            "category_en": "Repairs",
        }
        for number in range(1, 11)
    ]
    write(
        a,
        kind="ladder",
        payload={"counts": {"supervised": 12}, "total": 12, "items": named},
    )
    write(
        a,
        kind="handed_over",
        payload={"giver": "周晓雯", "count": 2, "to_desk": False, "requests": named[:2]},
    )
    write(a, 40)

    sending.send_due(now=a.now)

    assert connected.mails[0]["Subject"] == "15 updates on requests"
    text = text_of(connected)
    assert "To be seen to: 12 under supervision" in text
    assert "Please answer in writing" in text
    assert "And 2 more." in text
    assert "2 requests were handed over to you" in text
    assert "You go on where 周晓雯 was:" in text
    assert text.count("/requests/") == 13


def test_it_says_nothing_that_its_mails_would_not_have_said(
    a: Builders, connected: MailServer
) -> None:
    """What somebody may not open any more has no link, alone or among others."""
    write(a, 1, payload=facts(1, "lost", may_open=False))
    write(a, 2, payload=facts(2, "confirm", may_open=False, solved="yes", thanks="谢谢大家"))

    sending.send_due(now=a.now)

    text = text_of(connected)
    assert "/requests/" not in text
    assert "“谢谢大家”" in text
    assert "Thank you for your part in it." in text


def test_steps_that_a_requester_must_only_know_of_go_as_one_by_request(
    a: Builders, connected: MailServer
) -> None:
    one, other = a.service_request(), a.service_request()
    for told in (one, other):
        for step in ("accept", "assign", "wait"):
            write(
                a,
                kind="requester_step",
                payload=facts(told.id, step, team="清溪队", question="什么时候方便？"),
                about=told.id,
            )
    off = {"calls_off": True, "reason": "-", "visit_from": a.now.isoformat()}
    write(
        a,
        kind="requester_step",
        payload=facts(one.id, "assign", visit_to=a.now.isoformat(), **off),
        about=one.id,
    )

    sending.send_due(now=a.now)

    subjects = sorted(mail["Subject"].partition(" · ")[0] for mail in connected.mails)
    assert subjects == [
        *(["2 updates on your request"] * 2),
        "The planned visit does not take place",
        *(["We have a question about your request"] * 2),
    ]
    together_sent = next(
        place for place, it in enumerate(connected.mails) if it["Subject"].startswith("2 updates")
    )
    text = text_of(connected, together_sent)
    assert text.count("/track/") == 1
    assert "We have read it and are looking for the right team." in text
    assert "清溪队 takes care of it." in text


# ---------------------------------------------------------------- killed on the way


def _leased(monkeypatch: pytest.MonkeyPatch, _server: MailServer) -> None:
    monkeypatch.setattr(sending, "_send", _killed)


def _handed_over(monkeypatch: pytest.MonkeyPatch, _server: MailServer) -> None:
    monkeypatch.setattr(sending, "_note_sent", _killed)


def _half_marked(monkeypatch: pytest.MonkeyPatch, _server: MailServer) -> None:
    """Kill it in the transaction that marks, when some rows are changed and none is saved."""

    class Forgetful:
        def __contains__(self, _name: str) -> bool:
            raise KilledError

    monkeypatch.setattr(sending, "SECRETS", Forgetful())


def _killed(*_what: object, **_named: object) -> None:
    raise KilledError


@pytest.mark.parametrize(
    ("moment", "arrived_before"),
    [(_leased, 0), (_handed_over, 1), (_half_marked, 1)],
)
def test_after_a_kill_the_very_same_go_again_under_the_same_id(
    a: Builders,
    connected: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    moment: Callable[[pytest.MonkeyPatch, MailServer], None],
    arrived_before: int,
) -> None:
    first = [write(a, number) for number in (1, 2, 3)]
    with monkeypatch.context() as patch:
        moment(patch, connected)
        with pytest.raises(KilledError):
            sending.send_due(now=a.now)
    db.session.rollback()
    assert len(connected.mails) == arrived_before
    assert {one.sent_at for one in rows()} == {None}

    write(a, 4)
    later = a.now + sending.LEASE
    assert sending.send_due(now=a.now + timedelta(minutes=1)) == 1  # what came meanwhile, alone
    assert sending.send_due(now=later) == 1

    ids = [mail["Message-ID"] for mail in connected.mails]
    mine = f"<{first[0].message_key}@town.example>"
    assert ids.count(mine) == arrived_before + 1
    assert len(ids) == arrived_before + 2
    again = [text_of(connected, place) for place, one in enumerate(ids) if one == mine]
    assert len(set(again)) == 1
    assert "202-603-1100003" in again[0]
    assert "202-603-1100004" not in again[0]
    assert all(one.sent_at for one in rows())


def test_a_kill_before_the_lease_is_written_binds_nobody(
    a: Builders, connected: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        write(a, number)
    with monkeypatch.context() as patch:
        patch.setattr(sending, "_envelope", _killed)
        with pytest.raises(KilledError):
            sending.send_due(now=a.now)

    assert {(one.sent_with_id, one.attempts, one.leased_until) for one in rows()} == {
        (None, 0, None)
    }
    write(a, 3)
    sending.send_due(now=a.now)
    assert connected.mails[0]["Subject"] == "3 updates on requests"


def test_what_was_given_back_untried_goes_with_what_came_meanwhile(
    a: Builders, connected: MailServer
) -> None:
    for number in (1, 2):
        write(a, number)
    taken = sending._lease(Channel.EMAIL, now=a.now, limit=20)
    sending._give_back(taken, now=a.now)
    assert {(one.sent_with_id, one.attempts, one.bound_at) for one in rows()} == {(None, 0, None)}
    write(a, 3)

    sending.send_due(now=a.now)

    assert connected.mails[0]["Subject"] == "3 updates on requests"


def test_what_was_tried_and_is_given_back_stays_together(
    a: Builders, connected: MailServer
) -> None:
    for number in (1, 2):
        write(a, number)
    sending._lease(Channel.EMAIL, now=a.now, limit=20)  # and the worker died
    later = a.now + sending.LEASE
    sending._give_back(sending._lease(Channel.EMAIL, now=later, limit=20), now=later)
    write(a, 3)

    sending.send_due(now=later)

    subjects = sorted(mail["Subject"] for mail in connected.mails)
    assert subjects == ["2 updates on requests", "New for your team · 202-603-1100003"]


def test_what_waited_for_a_server_that_was_away_comes_as_one(
    a: Builders, server: MailServer, configure: Callable[..., None]
) -> None:
    """Each was tried by itself, but no line was ever open: nothing of it can have arrived."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    configure(smtp_url=f"smtp://127.0.0.1:{nobody}")
    for number in (1, 2, 3):
        write(a, number)
        sending.send_due(now=a.now + timedelta(seconds=number))
    assert {(one.sent_with_id, one.bound_at, one.attempts) for one in rows()} == {(None, None, 1)}

    configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
    assert sending.send_due(now=a.now + timedelta(minutes=1, seconds=1)) == 1

    assert [mail["Subject"] for mail in server.mails] == ["3 updates on requests"]
    assert all(one.sent_at for one in rows())


def test_what_is_new_is_not_given_up_with_what_is_old(
    a: Builders, configure: Callable[..., None]
) -> None:
    old = write(a, 1)
    tomorrow = a.now + sending.GIVEN_UP_AFTER
    with transaction():
        new = outbox.enqueue(
            "staff_step", address=ZHOU, locale="en", payload=dict(facts(2)), now=tomorrow
        )
    with running(MailServer(answer_to_recipient="451 later")) as busy:
        configure(smtp_url=f"smtp://127.0.0.1:{busy.port}")
        sending.send_due(now=tomorrow)
    assert [one.failed_at for one in rows()] == [None, None]
    assert new.sent_with_id == old.id
    with transaction():
        for one in rows():
            one.bound_at = one.sent_with_id = one.leased_until = None
            one.run_at = tomorrow

    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    configure(smtp_url=f"smtp://127.0.0.1:{nobody}")
    sending.send_due(now=tomorrow)

    assert [one.failed_at for one in rows()] == [tomorrow, None]


def test_one_that_cannot_be_written_keeps_nobody_from_the_others(
    a: Builders, connected: MailServer
) -> None:
    write(a, 1)
    broken = write(a, payload={"step": "assign"})
    write(a, 3)
    sending.send_due(now=a.now)
    assert connected.mails == []

    sending.send_due(now=a.now + timedelta(minutes=1))

    assert sorted(mail["Subject"] for mail in connected.mails) == [
        "New for your team · 202-603-1100001",
        "New for your team · 202-603-1100003",
    ]
    db.session.refresh(broken)
    assert "UndefinedError" in broken.last_error
    assert [one.sent_with_id for one in rows()] == [None] * 3


def test_a_worker_that_slept_past_its_lease_undoes_nothing(
    a: Builders, connected: MailServer
) -> None:
    for number in (1, 2):
        write(a, number)
    slept = sending._lease(Channel.EMAIL, now=a.now, limit=20)
    sending.send_due(now=a.now + sending.LEASE)
    assert len(connected.mails) == 1

    sending._wait_for_a_line(slept[0], "no line", now=a.now)
    sending._postpone(slept[0], "later", now=a.now)
    sending._give_up(slept[0], "gone", now=a.now)
    sending._give_back(slept, now=a.now)

    assert {(one.failed_at, one.last_error, one.leased_until) for one in rows()} == {
        (None, "", None)
    }
    assert all(one.sent_at and one.bound_at for one in rows())
    assert rows()[1].sent_with_id == rows()[0].id


def test_what_may_have_arrived_stays_bound_while_the_server_is_away(
    a: Builders, server: MailServer, configure: Callable[..., None]
) -> None:
    for number in (1, 2):
        write(a, number)
    sending._lease(Channel.EMAIL, now=a.now, limit=20)  # and the worker died
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    configure(smtp_url=f"smtp://127.0.0.1:{nobody}")
    later = a.now + sending.LEASE
    sending.send_due(now=later)
    write(a, 3)
    configure(smtp_url=f"smtp://127.0.0.1:{server.port}")

    while sending.send_due(now=later + timedelta(minutes=10)):
        pass

    subjects = sorted(mail["Subject"] for mail in server.mails)
    assert subjects == ["2 updates on requests", "New for your team · 202-603-1100003"]


# ---------------------------------------------------------------- refused, put off, sent again


def test_all_of_a_mail_are_put_off_and_given_up_together(
    a: Builders, configure: Callable[..., None]
) -> None:
    with running(MailServer(answer_to_recipient="451 later")) as busy:
        configure(smtp_url=f"smtp://127.0.0.1:{busy.port}")
        first = write(a, 1)
        write(a, 2)
        sending.send_due(now=a.now)

    put_off = a.now + timedelta(minutes=1)
    assert {(one.run_at, one.attempts, one.leased_until) for one in rows()} == {(put_off, 1, None)}
    assert all("451" in one.last_error for one in rows())
    assert sending.send_due(now=a.now + timedelta(seconds=30)) == 0

    with running(MailServer(answer_to_recipient="550 gone")) as gone:
        configure(smtp_url=f"smtp://127.0.0.1:{gone.port}")
        assert sending.send_due(now=put_off) == 1
    assert {(one.failed_at, one.last_error) for one in rows()} == {(put_off, "550 gone")}
    assert [one.sent_with_id for one in rows()] == [None, first.id]


def test_a_mail_of_several_is_sent_again_as_it_was(a: Builders, connected: MailServer) -> None:
    first = write(a, 1)
    write(a, 2)
    sending._lease(Channel.EMAIL, now=a.now, limit=20)
    with transaction():
        for one in together.mail(first.id):
            one.failed_at, one.last_error, one.leased_until = a.now, "550 gone", None
    write(a, 3)

    with transaction():
        actions.send_again(first, actor=a.actor(a.administrator()), now=a.now)
    assert {one.failed_at for one in rows()} == {None}
    sending.send_due(now=a.now)

    by_id = {mail["Message-ID"]: mail["Subject"] for mail in connected.mails}
    assert by_id[f"<{first.message_key}@town.example>"] == "2 updates on requests"
    assert len(by_id) == 2


def test_nobody_forgets_half_of_a_mail(a: Builders, connected: MailServer) -> None:
    first = write(a, 1)
    write(a, 2)
    sending.send_due(now=a.now)

    with pytest.raises(IntegrityError), transaction():
        db.session.execute(delete(Message).where(Message.id == first.id))
    with transaction():
        db.session.execute(delete(Message))

    assert rows() == []


def test_whatever_was_told_on_a_walk_is_sent_and_everything_holds(
    app: Flask, a: Builders, connected: MailServer
) -> None:
    moments = iter(a.now + timedelta(minutes=7 * number) for number in range(10**6))
    uploads = app.config["SETTINGS"].uploads_path
    Walk(cast_of(a), uploads, lambda: next(moments), random.Random(5)).go(200)  # noqa: S311 - chance, no secret
    db.session.rollback()
    later = next(moments) + timedelta(days=14)

    while sending.send_due(now=later):
        pass

    db.session.rollback()
    with snapshot_of(db.engine, uploads, swept_after=-timedelta(days=9999)) as snapshot:
        assert [each.words for each in violations(snapshot)] == []
    mails = [one for one in rows() if one.channel is Channel.EMAIL]
    assert {one.sent_at for one in mails} == {later}
    assert any(one.sent_with_id for one in mails)
    assert len(connected.mails) == sum(one.sent_with_id is None for one in mails)


# ---------------------------------------------------------------- the page, the cost, two workers


def test_the_outbox_shows_a_mail_of_several_once(
    a: Builders, browser: Browser, connected: MailServer
) -> None:
    write(a, 1)
    write(a, 2)
    write(a, kind="ladder", payload={"counts": {"near": 1}, "total": 1, "items": []})
    sending.send_due(now=a.now)

    assert queries.counts()[Fate.SENT] == 1
    page = browser.sign_in(a.administrator()).open("/admin/outbox?fate=sent")

    assert page.text.count("3 updates on requests") == 1
    assert "Together in one mail: What sits × 1, To staff × 2" in page.text


def test_what_goes_with_another_is_not_sent_again_by_itself(
    a: Builders, browser: Browser, app: Flask
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    write(a, 1)
    second = write(a, 2)
    sending._lease(Channel.EMAIL, now=a.now, limit=20)
    browser.sign_in(a.administrator())

    assert browser.request("POST", f"/admin/outbox/{second.id}/again").status_code == 404


def test_a_batch_costs_the_same_however_many_rows_its_mails_are_made_of(
    a: Builders, connected: MailServer, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    costs = []
    for rows_of_each in (2, 12):
        for reader in ("li", "wang"):
            for number in range(rows_of_each):
                write(a, number, address=f"{reader}@example.org")
        db.session.rollback()
        costs.append(count_queries(lambda: sending.send_due(now=a.now)))

    assert len(connected.mails) == 4
    assert costs[0] == costs[1]


def test_two_workers_at_once_send_each_row_once(
    app: Flask, a: Builders, configure: Callable[..., None]
) -> None:
    with running(MailServer()) as server:
        configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
        for number in range(1, 61):
            write(a, number, address=f"reader{number % 3}@example.org")
        now = a.now
        db.session.remove()

        def work() -> int:
            sent = 0
            while taken := sending.send_due(now=now, limit=5):
                sent += taken
            return sent

        at_once(app, [work, work, work, work])

        said = "".join(text_of(server, place) for place in range(len(server.mails)))
    assert [said.count(f"/requests/{number}\n") for number in range(1, 61)] == [1] * 60
    assert all(one.sent_at == a.now for one in rows())
    leading = {one.id for one in rows() if one.sent_with_id is None}
    assert len(leading) == len(server.mails)
    assert {one.sent_with_id for one in rows() if one.sent_with_id} <= leading
