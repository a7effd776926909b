"""The outbox page, and the mail of a demonstration."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask

from tests.support.browser import CHINESE, Browser
from tests.support.builders import Builders, at
from tracker.database import db, transaction
from tracker.notifications import outbox, sending
from tracker.notifications.channels.email import NOT_ONE_MAILBOX
from tracker.notifications.endpoints.models import Endpoint, EndpointKind
from tracker.notifications.models import Channel, Message
from tracker.permissions import Role
from tracker.service_requests.models import ReachableBy
from tracker.service_requests.reference import format_reference


def _write(a: Builders, **values: object) -> Message:
    with transaction():
        message = outbox.enqueue(
            "invitation",
            address="zhou@example.org",
            locale="en",
            payload={"name": "周晓雯", "token": "tok", "expires_at": a.now.isoformat()},
            now=a.now,
        )
        for name, value in values.items():
            setattr(message, name, value)
    return message


@pytest.mark.parametrize("fate", ["waiting", "stuck", "given_up", "sent", "nonsense"])
def test_administrators_see_the_outbox_others_do_not(
    a: Builders, browser: Browser, fate: str
) -> None:
    browser.sign_in(a.administrator()).open(f"/admin/outbox?fate={fate}")
    browser.sign_in(a.holder(Role.COORDINATOR)).open("/admin/outbox", status=403)


def test_a_message_that_was_given_up_is_sent_again(a: Builders, browser: Browser) -> None:
    message = _write(
        a, failed_at=a.now, last_error="550 <Zhou@example.org> no such user", attempts=4
    )
    browser.sign_in(a.administrator())

    page = browser.open("/admin/outbox?fate=given_up")
    assert "550 <z***@example.org> no such user" in page.text
    browser.click("Send again: z***@example.org")

    assert message.failed_at is None
    assert message.attempts == 0
    assert "z***@example.org" in browser.open("/admin/outbox?fate=stuck").text


def test_what_waits_says_of_which_request_it_is_when_it_goes_and_why_not_yet(
    a: Builders, browser: Browser
) -> None:
    it = a.service_request()
    night, sunday, noon = (
        at(date(2026, 3, day), hour) for day, hour in ((11, 22), (15, 12), (11, 12))
    )
    for written, told in ((night, "staff_step"), (sunday, "staff_step"), (noon, "staff_step")):
        with transaction():
            outbox.enqueue(
                told,
                address="zhou@example.org",
                locale="en",
                payload={"reference": it.reference, "step": "note"},
                now=written,
                service_request_id=it.id,
                run_at=at(date(2026, 3, 16), 8, 30),
            )
    _write(a)
    page = browser.sign_in(a.administrator()).open("/admin/outbox")

    assert page.text.count(format_reference(it.reference)) == 3
    assert "it was written at night, when nothing is sent" in page.text
    assert "it was written on a day of rest" in page.text
    assert "its reader wishes to be written to at set hours" in page.text
    assert page.text.count("goes on ") == 3
    assert "nothing is set up to send it with" in page.text
    assert f"/requests/{it.id}" not in page.html
    assert "发送情况" in browser.speak(CHINESE).open("/admin/outbox").text


def test_who_may_open_every_request_is_led_to_it_from_the_outbox(
    a: Builders, browser: Browser
) -> None:
    it = a.service_request(reachable_by=ReachableBy.EMAIL, email="who@example.org")
    both = a.administrator()
    a.grant(both, Role.SUPERVISOR)

    page = browser.sign_in(both).open("/admin/outbox")

    assert f'href="/requests/{it.id}"' in page.html
    browser.open(f"/requests/{it.id}")


@pytest.mark.parametrize(
    ("said", "english", "chinese"),
    [
        ("gaierror: Name or service not known", "The address was not found", "找不到这个地址"),
        ("ConnectionRefusedError: Connection refused", "Nobody answers", "没有服务在应答"),
        ("HTTP 405", "The other side refused it (405).", "对方拒绝接收（405）。"),
        ("HTTP 503", "could not take it just now (503)", "暂时无法接收（503）"),
        ("TimeoutError: no answer within 8 s", "No answer came in time.", "没有及时应答"),
        ("SSLCertVerificationError: expired", "is the certificate", "证书"),
        ("451 try later", "could not take it just now (451)", "暂时无法接收（451）"),
        ("550 no such user", "refused it (550)", "拒绝接收（550）"),
        ("535 bad password", "does not accept the name or password", "用户名或密码"),
        ("KeyError: 'x'", "It could not be sent.", "没有发送成功"),
    ],
)
def test_what_went_wrong_is_said_in_words_and_technically_in_small_print(
    a: Builders, browser: Browser, said: str, english: str, chinese: str
) -> None:
    _write(a, last_error=said, attempts=1)
    browser.sign_in(a.administrator())

    page = browser.open("/admin/outbox?fate=stuck")
    assert english in page.text
    assert said in page.text
    assert chinese in browser.speak(CHINESE).open("/admin/outbox?fate=stuck").text


def test_why_nobody_could_be_written_to_is_said_in_words(a: Builders, browser: Browser) -> None:
    _write(a, failed_at=a.now, last_error=NOT_ONE_MAILBOX)

    page = browser.sign_in(a.administrator()).open("/admin/outbox?fate=given_up")

    assert "it is not one mailbox" in page.text


@pytest.mark.parametrize("fate", ["waiting", "stuck", "given_up", "sent"])
def test_the_outbox_shows_nobodys_whole_address(a: Builders, browser: Browser, fate: str) -> None:
    facts: dict[str, dict[str, object]] = {
        "waiting": {},
        "stuck": {"last_error": "450 zhou@example.org is busy"},
        "given_up": {"failed_at": a.now, "last_error": "550 zhou@example.org is gone"},
        "sent": {"sent_at": a.now},
    }
    _write(a, **facts[fate])

    page = browser.sign_in(a.administrator()).open(f"/admin/outbox?fate={fate}")

    assert "z***@example.org" in page.text
    assert "zhou@" not in page.html


def test_the_outbox_says_when_there_is_nothing_to_send_with(a: Builders, browser: Browser) -> None:
    page = browser.sign_in(a.administrator()).open("/admin/outbox")

    assert "No mail server is set" in page.text
    assert "Text messages go out" not in page.text


def test_the_outbox_says_what_leaves_though_there_is_no_mail(
    a: Builders, browser: Browser, app: Flask
) -> None:
    a.invented = True
    gateway = {"sms_url": "http://gateway.example/", "demo": True}
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], **gateway)
    browser.sign_in(a.administrator())
    told = browser.open("/admin/outbox").text
    assert "Text messages go out through the gateway that is set." in told
    assert "webhooks and robots does leave" not in told
    group = Endpoint(
        kind=EndpointKind.FEISHU,
        name="Group",
        locale="en",
        news=["assigned"],
        address_shown="",
        sealed="",
        is_on=True,
        created_at=a.now,
    )
    with transaction():
        db.session.add(group)

    assert "webhooks and robots does leave" in browser.open("/admin/outbox").text


def test_the_outbox_goes_on_page_by_page(a: Builders, browser: Browser) -> None:
    for number in range(60):
        _write(a, address="x@example.org", subject=f"letter {number:02}")
    browser.sign_in(a.administrator())

    page = browser.open("/admin/outbox")
    assert "letter 59" in page.text
    assert "letter 09" not in page.text
    assert "letter 09" in browser.click("Next page").text


def test_the_demonstrations_mail_has_links_that_work(
    a: Builders, browser: Browser, app: Flask
) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], demo=True)
    _write(a)
    _write(a, address="other@example.org", run_at=a.now - timedelta(minutes=1))
    sending.send_due(now=a.now)

    page = browser.open("/demo/mail?to=zhou@example.org")

    assert page.link("/invitation/tok").endswith("/invitation/tok")
    assert "other@example.org" not in page.text


def test_what_goes_to_a_webhook_is_no_mail_and_texts_stand_by_themselves(
    a: Builders, browser: Browser, app: Flask
) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], demo=True)
    _write(a, sent_at=a.now, subject="A letter", body="Dear you")
    _write(a, sent_at=a.now, subject="For a program", body="{}", channel=Channel.WEBHOOK)
    _write(a, sent_at=a.now, subject="For a group", body="Hello", channel=Channel.FEISHU)
    assert "Text messages" not in browser.open("/demo/mail").text
    _write(
        a,
        sent_at=a.now,
        subject="Short",
        body="Be brief",
        channel=Channel.TEXT_MESSAGE,
        address="+8613812345678",
    )

    page = browser.open("/demo/mail")

    assert "For a program" not in page.text
    assert "For a group" not in page.text
    before, _heading, after = page.text.partition("Text messages")
    assert "A letter" in before
    assert "Be brief" in after
    assert "138****5678" in after
    assert "12345678" not in page.html


def test_elsewhere_there_is_no_such_page(browser: Browser) -> None:
    browser.open("/demo/mail", status=404)


def test_where_somebody_is_real_no_mail_is_shown_and_none_lands_on_the_page(
    a: Builders, browser: Browser, app: Flask
) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], demo=True)
    a.coordinator(is_demo=True)
    assert "every person and every request here is invented" in browser.open("/demo/mail").text
    real = a.coordinator()

    assert "See the outgoing mail" not in browser.send("/forgotten", name=real.email).text

    assert sending.send_due(now=a.now) == 0
    page = browser.open("/demo/mail", status=404)
    assert "is invented" not in page.text
