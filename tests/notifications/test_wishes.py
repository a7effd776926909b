"""How one is written to is one's own choice; what is urgent, and what one is answered, comes at once."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts import mail
from tracker.accounts.models import LinkPurpose, Person
from tracker.database import db, transaction
from tracker.notifications import inbox, wishes
from tracker.notifications.models import Message, MessageWish
from tracker.notifications.timing import Rhythm
from tracker.permissions import resident
from tracker.service_requests import daily
from tracker.service_requests.actions import answers
from tracker.service_requests.lifecycle import Priority, Status
from tracker.service_requests.models import ReachableBy, ServiceRequest

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = datetime(2026, 3, 13, 22, 0, tzinfo=SHANGHAI)
"""A Friday."""
MONDAY = datetime(2026, 3, 16, 8, 0, tzinfo=SHANGHAI)


def choose(person: Person, **chosen: object) -> None:
    with transaction():
        wishes.choose(
            wishes.wish_of(person.id),
            wishes.Chosen(**chosen),  # type: ignore[arg-type]
            now=NIGHT,
        )


def mails_to(person: Person) -> list[Message]:
    told = select(Message).where(Message.address == person.email).order_by(Message.id)
    return list(db.session.scalars(told))


def say(a: Builders, it: ServiceRequest, *, urges: bool = False, at: datetime = NIGHT) -> None:
    """Let the requester add a word, or urge."""
    with transaction():
        found, me = db.session.merge(it), resident(it.id)
        if urges:
            answers.urge(found, actor=me, now=at)
        else:
            answers.add_word(found, word="水", actor=me, now=at)


def test_at_night_a_mail_to_the_staff_waits_for_the_next_working_morning(a: Builders) -> None:
    team = a.team()
    leads = a.team_leader(team)
    it = a.service_request(team=team, status=Status.IN_PROGRESS)

    say(a, it)

    mail_at_night = mails_to(leads)[-1]
    assert (mail_at_night.run_at, mail_at_night.wanted_at) == (MONDAY, MONDAY)
    assert inbox.is_unread(leads.id, service_request_id=it.id, step="add_word")


@pytest.mark.parametrize("urges", [True, False])
def test_emergencies_and_what_the_requester_urges_go_at_once(a: Builders, *, urges: bool) -> None:
    team = a.team()
    leads = a.team_leader(team)
    choose(leads, rhythm=Rhythm.DAILY, quiet_from=time(0), quiet_until=time(9))
    it = a.service_request(
        team=team,
        status=Status.IN_PROGRESS,
        priority=Priority.NORMAL if urges else Priority.EMERGENCY,
    )

    say(a, it, urges=urges)

    assert mails_to(leads)[-1].run_at == NIGHT


def test_a_mail_waits_for_the_rhythm_that_its_reader_chose(a: Builders) -> None:
    team = a.team()
    leads = a.team_leader(team)
    choose(leads, rhythm=Rhythm.DAILY)
    it = a.service_request(team=team, status=Status.IN_PROGRESS)

    say(a, it, at=a.now)

    assert mails_to(leads)[-1].run_at == datetime(2026, 3, 12, 9, 0, tzinfo=SHANGHAI)


def test_who_wants_no_mail_gets_none_and_reads_it_on_the_page(a: Builders) -> None:
    team = a.team()
    leads = a.team_leader(team)
    choose(leads, by_mail=False)
    it = a.service_request(team=team, status=Status.IN_PROGRESS)

    say(a, it, urges=True)

    assert mails_to(leads) == []
    assert inbox.is_unread(leads.id, service_request_id=it.id, step="urge")


def test_a_new_password_is_answered_at_once_whatever_one_chose(a: Builders) -> None:
    person = a.person()
    choose(person, by_mail=False, rhythm=Rhythm.DAILY)

    with transaction():
        mail.send_link(person, LinkPurpose.RESET, now=NIGHT)

    assert [one.run_at for one in mails_to(person)] == [NIGHT]


def test_a_requester_has_the_receipt_at_once_and_no_reminder_at_night(a: Builders) -> None:
    it = a.service_request(
        status=Status.RESOLVED,
        at=NIGHT - timedelta(days=8),
        reachable_by=ReachableBy.EMAIL,
        email="who@example.org",
    )
    told = select(Message).where(Message.address == "who@example.org").order_by(Message.id)
    assert {one.run_at for one in db.session.scalars(told)} == {NIGHT - timedelta(days=8)}

    daily.run_daily(NIGHT)

    reminder = db.session.scalars(told.order_by(None).order_by(Message.id.desc())).first()
    assert reminder is not None
    assert reminder.payload["step"] == "remind"
    assert reminder.service_request_id == it.id
    assert reminder.run_at == MONDAY


# ---------------------------------------------------------------- the page


def test_what_somebody_chooses_is_there_when_they_come_back(a: Builders, browser: Browser) -> None:
    me = a.team_leader()
    browser.sign_in(me).open("/me")
    browser.click("How messages reach me")

    page = browser.send(rhythm="daily", quiet_from="18:00", quiet_until="09:30")

    assert page.path == "/me"
    chosen = db.session.get_one(MessageWish, me.id)
    assert (chosen.by_mail, chosen.rhythm) == (True, Rhythm.DAILY)
    assert (chosen.quiet_from, chosen.quiet_until) == (time(18), time(9, 30))
    assert browser.open("/me/messages").form("rhythm").values()["quiet_from"] == ["18:00"]

    browser.send("/me/messages", by_mail=[], quiet_from="", quiet_until="")
    chosen = db.session.get_one(MessageWish, me.id)
    assert (chosen.by_mail, chosen.quiet_from, chosen.quiet_until) == (False, None, None)


@pytest.mark.parametrize(
    ("quiet_from", "quiet_until", "says"),
    [
        ("18:00", "", "Enter both times, or neither"),
        ("", "09:00", "Enter both times, or neither"),
        ("07:00", "21:00", "Leave some time between"),
        ("10:00", "10:00", "Both times are the same"),
    ],
)
def test_quiet_hours_that_cannot_be_are_refused_beside_the_field(
    a: Builders, browser: Browser, quiet_from: str, quiet_until: str, says: str
) -> None:
    me = a.team_leader()

    page = browser.sign_in(me).send(
        "/me/messages", rhythm="hourly", quiet_from=quiet_from, quiet_until=quiet_until
    )

    assert says in page.text
    assert page.form("rhythm").values()["rhythm"] == ["hourly"]
    assert page.form("rhythm").values()["quiet_from"] == [quiet_from]
    assert db.session.get(MessageWish, me.id) is None


def test_two_windows_do_not_overwrite_each_other(a: Builders, browser: Browser) -> None:
    me = a.team_leader()
    choose(me)
    browser.sign_in(me).open("/me/messages")
    choose(me, rhythm=Rhythm.DAILY)

    page = browser.send(quiet_from="18:00", quiet_until="08:00")

    assert "changed this since you opened it" in page.text
    browser.send()
    chosen = db.session.get_one(MessageWish, me.id)
    assert (chosen.rhythm, chosen.quiet_from) == (Rhythm.DAILY, time(18))


def test_who_has_no_address_reads_whom_to_ask(a: Builders, browser: Browser) -> None:
    me = a.team_leader(email=None, phone="+8613900000001")

    assert "Your administrator can add one" in browser.sign_in(me).open("/me/messages").text
