"""The staff may be told by text message, at a number of their own that they proved; and never without."""

import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.notifications.test_wishes import NIGHT, SHANGHAI, mails_to, say
from tests.support.browser import CHINESE, Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tests.support.receiver import Receiver
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.notifications import own_texts, sending, sms_length, wishes
from tracker.notifications.endpoints.models import Endpoint, EndpointKind
from tracker.notifications.models import Message, MessageWish
from tracker.notifications.timing import Rhythm
from tracker.service_requests import climbing, messages, untexted
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ServiceRequest
from tracker.teams.models import Team
from tracker.web import proving

NUMBER, OTHER = "+8613812345678", "+8613987654321"
TYPED = "138 1234 5678"
PAGE = "/me/messages"


@pytest.fixture
def team(a: Builders) -> Team:
    """Return a team that somebody leads."""
    return a.team()


@pytest.fixture
def me(a: Builders, team: Team) -> Person:
    """Return who leads it."""
    return a.team_leader(team, locale="en")


def chooses(person: Person, number: str = NUMBER, **chosen: object) -> None:
    """Let somebody have proven a number, and choose text messages alone, or as said."""
    wished = {"by_mail": False, "by_text": True, "text_number": number} | chosen
    with transaction():
        wishes.choose(
            wishes.wish_of(person.id),
            wishes.Chosen(**wished),  # type: ignore[arg-type]
            now=NIGHT,
        )


def texts(number: str = NUMBER) -> list[Message]:
    """Return what was written to go to a number, but for codes."""
    db.session.expire_all()
    written = select(Message).where(Message.address == number, Message.kind != "contact_code")
    return list(db.session.scalars(written.order_by(Message.id)))


def codes() -> list[Message]:
    """Return the codes that were sent."""
    sent = select(Message).where(Message.kind == "contact_code").order_by(Message.id)
    return list(db.session.scalars(sent))


def wish(person: Person) -> wishes.Chosen:
    """Return what is saved of what somebody chose."""
    db.session.expire_all()
    return wishes.chosen_of(wishes.wish_of(person.id))


def request_of(a: Builders, team: Team) -> ServiceRequest:
    """Return a request that the team is at."""
    return a.service_request(team=team, status=Status.IN_PROGRESS)


# ------------------------------------------------------------------- a number is proven


def test_a_number_is_used_when_the_code_that_was_sent_to_it_was_typed(
    a: Builders,
    browser: Browser,
    me: Person,
    team: Team,
    gateway: Receiver,
    with_gateway: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with_gateway()
    browser.sign_in(me)

    page = browser.send(PAGE, by_text="y", number=TYPED, quiet_from="18:00", quiet_until="09:00")
    assert "138****5678" in page.text
    assert NUMBER not in page.html + page.url
    assert wish(me) == wishes.Chosen()
    sending.send_due(now=a.now)
    said = gateway.taken[0].json
    assert said["to"] == NUMBER
    assert str(codes()[0].payload.get("code", "")) == ""  # forgotten as it was sent
    digits = "".join(filter(str.isdecimal, said["text"]))
    assert "Your code" in said["text"]

    page = browser.send(code=digits)

    assert page.path == "/me"
    assert wish(me) == wishes.Chosen(
        by_text=True, text_number=NUMBER, quiet_from=time(18), quiet_until=time(9)
    )
    say(a, request_of(a, team), at=a.now)
    sending.send_due(now=a.now)
    assert gateway.taken[-1].json["to"] == NUMBER
    assert "138****5678" in browser.open(PAGE).text
    for shown in (browser.open(PAGE), browser.open("/me")):
        assert NUMBER.removeprefix("+86") not in shown.html
    assert "12345678" not in caplog.text


def test_a_code_brings_no_number_back_that_was_removed_since(
    browser: Browser, me: Person, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    asks = browser.sign_in(me).send(PAGE, by_text="y", number=TYPED)
    code = str(codes()[0].payload["code"])
    browser.send(code=code)
    assert wish(me).text_number == NUMBER
    browser.open(PAGE)
    browser.send(press="Remove the number 138****5678")
    assert wish(me).text_number is None

    browser.open(asks.url)
    page = browser.send(code=code)

    assert "changed meanwhile" in page.text
    assert wish(me).text_number is None


def test_a_wrong_code_changes_nothing_and_can_be_tried_five_times(
    browser: Browser, me: Person, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    browser.sign_in(me).send(PAGE, by_text="y", number=TYPED)
    code = str(codes()[0].payload["code"])
    for _try in range(proving.TRIES_AN_HOUR):
        page = browser.send(code=f"{(int(code) + 1) % 10**6:06}")
        assert "not the code that we sent" in page.text

    assert "Too many tries" in browser.send(code=code).text
    assert wish(me) == wishes.Chosen()


def test_right_codes_are_no_tries(
    browser: Browser, me: Person, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    browser.sign_in(me)
    for number in (TYPED, "139 8765 4321"):
        browser.send(PAGE, by_text="y", number=number)
        code = str(codes()[-1].payload["code"])
        for _try in range(2):
            browser.send(code=f"{(int(code) + 1) % 10**6:06}")
        browser.send(code=code)
    assert wish(me).text_number == OTHER

    browser.send(PAGE, by_text="y", number=TYPED)
    code = str(codes()[-1].payload["code"])
    assert "not the code" in browser.send(code=f"{(int(code) + 1) % 10**6:06}").text
    assert "Please wait an hour." in browser.send(code=code).text


def test_a_code_holds_for_an_hour(
    browser: Browser,
    me: Person,
    with_gateway: Callable[[], None],
    clock: time_machine.Traveller,
) -> None:
    with_gateway()
    browser.sign_in(me).send(PAGE, by_text="y", number=TYPED)
    clock.shift(timedelta(hours=1))

    page = browser.send(code=str(codes()[0].payload["code"]))

    assert "The code holds no longer" in page.text
    assert wish(me) == wishes.Chosen()


def test_no_more_than_three_codes_go_out_within_an_hour_and_what_was_typed_stays(
    browser: Browser, me: Person, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    browser.sign_in(me)
    for number in range(proving.CODES_AN_HOUR):
        browser.send(PAGE, by_text="y", number=f"138 1234 567{number}")

    page = browser.send(PAGE, by_text="y", number="138 1234 5679", rhythm="daily")

    assert "We have sent several codes already" in page.text
    assert page.form("rhythm").values()["number"] == ["138 1234 5679"]
    assert page.form("rhythm").values()["rhythm"] == ["daily"]
    assert len(codes()) == proving.CODES_AN_HOUR


def test_one_number_gets_three_codes_a_day_whoever_asks(
    a: Builders, browser: Browser, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    for _person in range(proving.CODES_OF_AN_ADDRESS):
        browser.sign_out().sign_in(a.person()).send(PAGE, by_text="y", number=TYPED)

    page = browser.sign_out().sign_in(a.person()).send(PAGE, by_text="y", number=TYPED)

    assert "Please try again tomorrow, or with another number." in page.text
    assert page.form("rhythm").values()["number"] == [TYPED]
    assert len(codes()) == proving.CODES_OF_AN_ADDRESS


def test_what_one_asked_for_is_nothing_to_another(
    a: Builders, browser: Browser, me: Person, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    page = browser.sign_in(me).send(PAGE, by_text="y", number=TYPED)
    other = a.person()

    page = browser.sign_out().sign_in(other).open(page.url)

    assert page.path == PAGE
    assert wish(other) == wishes.Chosen()


def test_a_form_sent_twice_sends_one_code_and_the_right_code_twice_is_taken_once(
    browser: Browser, me: Person, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    form = browser.sign_in(me).open(PAGE).form("rhythm")
    data = form.filled({"by_text": "y", "number": TYPED})
    sent = [browser.request("POST", PAGE, data=data) for _turn in range(2)]
    assert [each.status_code for each in sent] == [303, 303]
    [code] = codes()

    asking = browser.open(sent[1].location)
    data = asking.form("code").filled({"code": str(code.payload["code"])})
    taken = [browser.request("POST", asking.url, data=data) for _turn in range(2)]

    assert [each.location for each in taken] == ["/me", "/me"]
    assert wish(me).text_number == NUMBER


def test_what_was_changed_meanwhile_is_not_overwritten_by_the_code(
    browser: Browser, me: Person, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    browser.sign_in(me).send(PAGE, by_text="y", number=TYPED)
    chooses(me, OTHER, rhythm=Rhythm.DAILY)

    page = browser.send(code=str(codes()[0].payload["code"]))

    assert "was changed meanwhile" in page.text
    assert wish(me).text_number == OTHER


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"by_text": "y"}, "Enter your mobile number."),
        ({"by_text": "y", "number": "12"}, "This does not look like a phone number."),
        ({"by_text": "y", "number": "010-1234 5678"}, "No text message reaches this number."),
        ({"by_text": [], "number": TYPED}, "Choose text messages above, too"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field(
    browser: Browser,
    me: Person,
    with_gateway: Callable[[], None],
    typed: dict[str, object],
    says: str,
) -> None:
    with_gateway()

    page = browser.sign_in(me).send(PAGE, rhythm="hourly", **typed)  # type: ignore[arg-type]

    assert says in page.text
    assert page.form("rhythm").values()["rhythm"] == ["hourly"]
    assert page.form("rhythm").values()["number"] == [typed.get("number", "")]
    assert codes() == []


def test_the_number_stays_when_it_is_left_empty_and_no_code_is_asked_for(
    browser: Browser, me: Person, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    chooses(me)

    browser.sign_in(me).send(PAGE, by_mail="y", rhythm="hourly")

    assert (wish(me).by_mail, wish(me).by_text, wish(me).text_number) == (True, True, NUMBER)
    assert codes() == []


def test_where_there_is_no_gateway_nothing_speaks_of_texts_and_none_are_chosen(
    browser: Browser, me: Person
) -> None:
    page = browser.sign_in(me).open(PAGE)
    assert "text message" not in page.text
    data = page.form("rhythm").filled({}) | {"by_text": "y", "number": TYPED}

    browser.request("POST", PAGE, data=data)

    assert wish(me) == wishes.Chosen()
    assert codes() == []


def test_that_robots_tell_groups_is_said_where_there_are_some(
    a: Builders, browser: Browser, me: Person
) -> None:
    assert "Robots bring news" not in browser.sign_in(me).open(PAGE).text
    for kind in (EndpointKind.WEBHOOK, EndpointKind.FEISHU):
        with transaction():
            db.session.add(
                Endpoint(
                    kind=kind, name="There", locale="en", news=[], sealed="",
                    address_shown="https://there.example", created_at=a.now,
                )
            )  # fmt: skip
        has_robot = kind is not EndpointKind.WEBHOOK
        assert ("Robots bring news" in browser.open(PAGE).text) is has_robot


# ------------------------------------------------------------------- what is sent


@pytest.mark.parametrize("by_mail", [True, False])
def test_who_chose_both_is_told_in_both_ways_and_who_chose_one_in_that(
    a: Builders,
    me: Person,
    team: Team,
    gateway: Receiver,
    with_gateway: Callable[[], None],
    *,
    by_mail: bool,
) -> None:
    with_gateway()
    it = request_of(a, team)
    before = len(mails_to(me))
    chooses(me, by_mail=by_mail)

    say(a, it, at=a.now)
    sending.send_due(now=a.now)

    assert len(mails_to(me)) - before == int(by_mail)
    [taken], [message] = gateway.taken, texts()
    said = taken.json
    assert said["text"].endswith(f"/requests/{it.id}")
    assert "The requester wrote" in said["text"]
    assert message.body == said["text"]
    assert said["parts"] == sms_length.parts(said["text"])
    assert set(message.payload) >= {"step", "reference"}


def test_quiet_hours_hold_for_texts_as_for_mail_and_what_is_urgent_goes_at_once(
    a: Builders, me: Person, team: Team
) -> None:
    it = request_of(a, team)
    chooses(me, quiet_from=time(18), quiet_until=time(9, 30))

    say(a, it)
    say(a, it, urges=True)

    waits, urgent = texts()
    assert waits.run_at == datetime(2026, 3, 16, 9, 30, tzinfo=SHANGHAI)
    assert urgent.run_at == NIGHT


def test_what_waits_together_is_one_short_text_with_its_length_counted(
    a: Builders, me: Person, team: Team, gateway: Receiver, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    requests = [request_of(a, team) for _number in range(3)]
    chooses(me)
    for it in requests:
        say(a, it, at=a.now)

    sending.send_due(now=a.now)

    [taken] = gateway.taken
    said = taken.json
    assert "3 updates on requests" in said["text"]
    assert said["text"].endswith("/inbox")
    assert said["parts"] == sms_length.parts(said["text"]) <= 2
    assert {one.sent_at for one in texts()} == {a.now}
    assert len({one.sent_with_id for one in texts()}) == 2  # one leads, two go with it


def test_a_digest_in_chinese_fits_into_three_parts(
    a: Builders, me: Person, team: Team, gateway: Receiver, with_gateway: Callable[[], None]
) -> None:
    a.organisation(name="清溪镇便民服务中心" * 12, name_en="")
    with transaction():
        db.session.get_one(Person, me.id).locale = CHINESE
    with_gateway()
    requests = [request_of(a, team) for _number in range(2)]
    chooses(me)
    for it in requests:
        say(a, it, at=a.now)

    sending.send_due(now=a.now)

    said = gateway.taken[0].json
    assert said["parts"] == sms_length.parts(said["text"]) <= 3
    assert said["text"].endswith("/inbox")


def test_two_people_with_one_number_are_each_told_what_is_theirs(
    a: Builders, team: Team, me: Person, gateway: Receiver, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    mate = a.team_leader(team, locale="en")
    requests = [request_of(a, team) for _number in range(2)]
    for person in (me, mate):
        chooses(person)
    for it in requests:
        say(a, it, at=a.now)
        say(a, it, at=a.now)  # while the first waits: told once more to nobody

    sending.send_due(now=a.now)

    assert [taken.json["to"] for taken in gateway.taken] == [NUMBER, NUMBER]
    assert all("2 updates on requests" in taken.json["text"] for taken in gateway.taken)
    with transaction():
        wishes.remove_number(wishes.wish_of(me.id), now=a.now)
    say(a, request_of(a, team), at=a.now)
    assert {one.payload["person_id"] for one in texts() if one.sent_at is None} == {mate.id}


def test_what_the_ladder_tells_grows_in_each_way_and_has_one_link(
    a: Builders, me: Person, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _number in range(3):
        request_of(a, team)
    before = len(mails_to(me))
    chooses(me, by_mail=True)
    monkeypatch.setattr(climbing, "AT_ONCE", 2)
    monkeypatch.setattr(climbing, "HANDS", 1)

    climbing.climb(a.now + timedelta(days=9))

    [text], [mail] = texts(), mails_to(me)[before:]
    assert text.payload["items"] == mail.payload["items"]
    assert len(text.payload["items"]) == 3
    assert letter_of(text).short.endswith("/inbox")
    assert "person_id" not in mail.payload


def test_one_line_of_a_list_leads_to_where_it_leads(a: Builders, me: Person, team: Team) -> None:
    it = request_of(a, team)
    chooses(me)

    climbing.climb(a.now + timedelta(days=9))

    assert letter_of(texts()[0]).short.endswith(f"/requests/{it.id}")


@pytest.mark.parametrize("by_text", [True, False])
def test_what_stands_on_no_page_reaches_also_who_wants_no_mail(
    a: Builders, me: Person, team: Team, *, by_text: bool
) -> None:
    it = request_of(a, team)
    before = len(mails_to(me))
    chooses(me, by_text=by_text)

    with transaction():
        messages.tell_handed_over(me, [it], giver=a.person(), now=a.now)

    assert [one.kind for one in texts()] == ["handed_over"] * int(by_text)
    assert all(letter_of(one).short.endswith(f"/requests/{it.id}") for one in texts())
    assert len(mails_to(me)) - before == int(not by_text)


# ------------------------------------------------------------------- it goes away


@pytest.mark.parametrize("by_mail", [True, False])
def test_a_number_is_removed_while_messages_wait(
    a: Builders,
    browser: Browser,
    me: Person,
    team: Team,
    gateway: Receiver,
    with_gateway: Callable[[], None],
    *,
    by_mail: bool,
) -> None:
    with_gateway()
    it = request_of(a, team)
    before = len(mails_to(me))
    chooses(me, by_mail=by_mail)
    say(a, it, at=a.now)

    browser.sign_in(me).open(PAGE)
    page = browser.click("Remove the number 138****5678")

    assert "The number is forgotten." in page.text
    assert "Remove the number" not in page.text
    assert (wish(me).by_mail, wish(me).by_text, wish(me).text_number) == (True, False, None)
    [mail] = mails_to(me)[before:]  # written with it, or in its place
    assert (mail.payload["step"], mail.sent_at) == ("add_word", None)
    assert "person_id" not in mail.payload
    [text] = texts()
    assert text.last_error == own_texts.NUMBER_GONE
    sending.send_due(now=a.now)
    assert gateway.taken == []
    shown = browser.sign_out().sign_in(a.administrator()).open("/admin/outbox?fate=given_up")
    assert "They gave the number up." in shown.text
    assert "12345678" not in shown.html


def test_a_number_is_changed_while_messages_wait(
    a: Builders, me: Person, team: Team, gateway: Receiver, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    requests = [request_of(a, team) for _number in range(2)]
    chooses(me)
    for it in requests:
        say(a, it, at=a.now)
    gateway.status = 503  # it may have arrived there all the same
    sending.send_due(now=a.now)
    keys = {one.message_key for one in texts()}

    chooses(me, OTHER)
    gateway.status = 202
    sending.send_due(now=NIGHT)

    assert texts() == []
    assert [taken.json["to"] for taken in gateway.taken] == [NUMBER, OTHER]
    assert "2 updates on requests" in gateway.taken[1].json["text"]
    assert keys.isdisjoint(one.message_key for one in texts(OTHER))


def test_nothing_goes_to_a_number_that_was_given_up_in_the_same_moment_or_is_sent_again(
    a: Builders, me: Person, team: Team, gateway: Receiver, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    it = request_of(a, team)
    before = len(mails_to(me))
    chooses(me)
    say(a, it, at=a.now)
    with transaction():
        kept = db.session.get_one(MessageWish, me.id)
        kept.by_text, kept.text_number = False, None

    sending.send_due(now=a.now)

    assert gateway.taken == []
    [text] = texts()
    assert (text.last_error, text.failed_at, text.sent_at) == (own_texts.NUMBER_GONE, a.now, None)
    assert [mail.payload["step"] for mail in mails_to(me)[before:]] == ["add_word"]


@pytest.mark.parametrize("by_mail", [True, False])
def test_where_the_gateway_goes_away_mail_takes_over_for_who_chose_texts_alone(
    a: Builders, browser: Browser, me: Person, team: Team, *, by_mail: bool
) -> None:
    it = request_of(a, team)
    before = len(mails_to(me))
    chooses(me, by_mail=by_mail)
    say(a, it, at=a.now)

    assert untexted.call_instead(a.now + untexted.WAITED) == "1 texts not sent"

    assert [one.last_error for one in texts()] == [own_texts.NO_GATEWAY]
    [mail] = mails_to(me)[before:]
    assert mail.payload["step"] == "add_word"
    assert letter_of(mail).text.count(f"/requests/{it.id}") == 1
    page = browser.sign_in(me).open(PAGE)
    assert "Text messages cannot be sent here just now." in page.text
    browser.send(PAGE, rhythm="daily")
    assert (wish(me).by_text, wish(me).text_number) == (True, NUMBER)


def test_who_has_no_mail_reads_on_the_page_what_no_gateway_can_send(
    a: Builders, team: Team
) -> None:
    me = a.team_leader(team, email=None, phone="+8613900000001")
    it = request_of(a, team)
    chooses(me)
    say(a, it, at=a.now)

    before = len(db.session.scalars(select(Message.id)).all())

    untexted.call_instead(a.now + untexted.WAITED)

    assert [one.last_error for one in texts()] == [own_texts.NO_GATEWAY]
    assert len(db.session.scalars(select(Message.id)).all()) == before


def test_the_page_and_the_code_are_in_chinese_too(
    browser: Browser, me: Person, with_gateway: Callable[[], None]
) -> None:
    with_gateway()
    page = browser.sign_in(me).speak(CHINESE).open(PAGE)
    assert "同时发短信通知我" in page.text

    page = browser.send(PAGE, by_text="y", number=TYPED)

    assert "138****5678" in page.text
    assert "验证码" in letter_of(codes()[0], CHINESE).short
    assert "请在一小时内到自己的设置页面输入" in letter_of(codes()[0], CHINESE).text
