"""One request that sits, by everybody who presses, waits and answers, over the Spring Festival of 2026.

The test passes the time in; every page is opened as a browser without JavaScript opens it. Public
holidays are 15 to 23 February, and the Saturdays 14 and 28 February are make-up working days
(General Office of the State Council, notice on the holidays of 2026).
"""

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support import links
from tests.support.browser import CHINESE, ENGLISH, Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tests.support.steps import steps_of
from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.database import db
from tracker.notifications import jobs
from tracker.notifications.models import Message
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import ServiceRequest

SHANGHAI = ZoneInfo("Asia/Shanghai")
RESIDENT = "resident@example.org"
WORDS: Final[dict[str, dict[str, Any]]] = {
    ENGLISH: {
        "continue": "Continue",
        "send": "Send it now",
        "accept": "Only accept",
        "claim": "Claim",
        "report": "Report the result",
        "grant": "Grant",
        "question": "Which floor?",
        "urged": "You urged today already",
        "supervised": "Under supervision since",
        "closed": "Closed",
        "told_urge": "The requester asks to hurry",
        "told_supervised": "Under supervision",
        "log": [
            "Limit: 5 working days, counted from Wed 4 Feb 2026, 09:40.",
            (
                "Stood still from Thu 5 Feb 2026, 10:00 to Fri 6 Feb 2026, 15:00,"
                " because we waited for {whose} answer. 2 days do not count."
            ),
            "Counted: 1 working day (Mon 9 Feb 2026).",
            (
                "Stood still from Tue 10 Feb 2026, 10:00 to Tue 24 Feb 2026, 09:15,"
                " because it was parked. 5 days do not count."
            ),
            "Counted: 4 working days (Tue 24 Feb 2026 – Fri 27 Feb 2026).",
            "Extended by 3 working days, counted from Fri 27 Feb 2026, 18:00.",
            "Counted: 3 working days (Sat 28 Feb 2026 – Tue 3 Mar 2026).",
            "Sat 28 Feb 2026 is a make-up working day: it counts.",
            "Due Tue 3 Mar 2026, 18:00. Done late Mon 9 Mar 2026, 16:00",
        ],
        "ladder": [
            "Answer of 秦督查, Mon 9 Mar 2026, 10:00: 今天下午队长带配件上门。",
            "Pressed: overdue for a working day Thu 5 Mar 2026, 09:05",
        ],
        "whose": {"staff": "the requester's", "requester": "your"},
    },
    CHINESE: {
        "continue": "下一步",
        "send": "提交",
        "accept": "仅受理",
        "claim": "认领",
        "report": "办结",
        "grant": "同意",
        "question": "Which floor?",
        "urged": "今天已经催办过了",
        "supervised": "起督办",
        "closed": "已销号",
        "told_urge": "催办",
        "told_supervised": "督办",
        "log": [
            "时限 5 个工作日，从2026年2月4日 周三 09:40起算。",
            "2026年2月5日 周四 10:00至2026年2月6日 周五 15:00停止计时，因为在等{whose}答复。 其中 2 天不计。",
            "已计 1 个工作日（2026年2月9日 周一）。",
            "2026年2月10日 周二 10:00至2026年2月24日 周二 09:15停止计时，因为已挂账。 其中 5 天不计。",
            "已计 4 个工作日（2026年2月24日 周二 – 2026年2月27日 周五）。",
            "延期 3 个工作日，从2026年2月27日 周五 18:00起算。",
            "已计 3 个工作日（2026年2月28日 周六 – 2026年3月3日 周二）。",
            "2026年2月28日 周六为调休上班日，计入时限。",
            "时限：2026年3月3日 周二 18:00。 超期办结 2026年3月9日 周一 16:00",
        ],
        "ladder": [
            "秦督查于2026年3月9日 周一 10:00答复： 今天下午队长带配件上门。",
            "催办：已超期一个工作日 2026年3月5日 周四 09:05",
        ],
        "whose": {"staff": "诉求人", "requester": "您"},
    },
}


@pytest.fixture
def now() -> datetime:
    """Return the morning of Wednesday, 4 February 2026."""
    return at("2026-02-04 09:30")


STEPS = [
    Step.SUBMIT,
    Step.ACCEPT,
    Step.ASSIGN,
    Step.RETURN,
    Step.ASSIGN,
    Step.CLAIM,
    Step.WAIT,
    Step.RESUME,
    Step.ASK_EXTENSION,
    Step.EXTEND,
    Step.ASK_PARKING,
    Step.PARK,
    Step.UNPARK,
    Step.URGE,
    Step.NOTE,  # the supervisor's answer
    Step.RESOLVE,
    Step.CONFIRM,
]


def at(local: str) -> datetime:
    """Return a moment on the clocks of Shanghai, in UTC."""
    return datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).astimezone(UTC)


@pytest.fixture
def town(a: Builders) -> "Town":
    """Return everybody who has a part in it."""
    return Town(a)


class Town:
    """Two teams, who leads them, the desk, a leader, a supervisor; all have an address."""

    def __init__(self, a: Builders) -> None:
        a.organisation()
        _ = a.bureau
        self.category = a.category(name="水电小修", name_en="Small repairs")
        self.area = a.area()
        self.wrong, self.right = a.team(name="河西队"), a.team(name="河东队")
        self.wrong_leads = a.team_leader(self.wrong, email="wrong@example.org")
        self.right_leads = a.team_leader(self.right, email="right@example.org")
        self.volunteer = a.volunteer(self.right, email="volunteer@example.org")
        self.desk = a.coordinator(email="desk@example.org")
        self.leader = a.leader(email="leader@example.org")
        self.supervisor = a.supervisor(name="秦督查", email="supervisor@example.org")


def the_request() -> ServiceRequest:
    db.session.rollback()
    return db.session.scalars(select(ServiceRequest)).one()


def mails_of(step: str) -> set[str]:
    """Return to whom mails of a step were written."""
    steps = db.session.scalars(select(Message)).all()
    return {one.address for one in steps if one.payload.get("step") == step}


def told_of_rung(rung: str) -> set[str]:
    """Return to whom the ladder wrote of a rung."""
    written = db.session.scalars(select(Message).where(Message.kind == "ladder"))
    return {one.address for one in written if rung in one.payload["counts"]}


@pytest.mark.parametrize("locale", [CHINESE, ENGLISH])
def test_a_request_that_sits_presses_those_who_hold_it_and_explains_its_clock(  # noqa: PLR0915 - a journey is told in one go
    app: Flask, a: Builders, town: Town, clock: time_machine.Traveller, locale: str
) -> None:
    words = WORDS[locale]

    def seen_by(person: Person | None) -> Browser:
        browser = Browser(app, locale=locale)
        return browser.sign_in(person) if person else browser

    def page(name: str = "") -> str:
        return links.address(the_request(), name)

    def later(local: str) -> None:
        """Let time pass, and the worker do what has come due."""
        clock.move_to(at(local), tick=False)
        jobs.run_due(SHANGHAI, now=utc_now())

    # On Wednesday a resident asks, and the desk accepts: five working days,
    resident = seen_by(None)
    resident.send(
        f"/requests/new/form?category={town.category.id}",
        press=words["continue"],
        fields={
            "need": "厨房的水龙头日夜滴水。",
            "area_id": town.area.id,
            "address": "幸福路 12 号",
            "reachable_by": "email",
            "email": RESIDENT,
        },
    )
    resident.send(press=words["send"])
    address = f"/requests/{the_request().id}"
    later("2026-02-04 09:40")
    seen_by(town.desk).send(f"{address}/acceptance", press=words["accept"], priority="normal")
    assert the_request().due_at == at("2026-02-11 18:00")

    # to the wrong team, which gives it back within its limit,
    def dispatch_to(team_id: int) -> None:
        seen_by(town.desk).send(
            f"{address}/assignment",
            lead_team_id=team_id,
            leader_id=town.leader.id,
            volunteers_needed=1,
        )

    later("2026-02-04 10:00")
    dispatch_to(town.wrong.id)
    later("2026-02-04 14:00")
    seen_by(town.wrong_leads).send(f"{address}/return", reason="在河东，不归我们队。")
    assert the_request().status is Status.ACCEPTED
    assert mails_of("return") == {"desk@example.org"}

    # then to the right one, where a volunteer claims it.
    later("2026-02-04 15:00")
    dispatch_to(town.right.id)
    later("2026-02-05 09:00")
    board = seen_by(town.volunteer)
    offered = board.open("/board").buttons
    board.send(press=next(one for one in offered if one.startswith(words["claim"])))
    assert the_request().status is Status.IN_PROGRESS

    # They ask the requester something: the clock stands still until the answer by link.
    later("2026-02-05 10:00")
    seen_by(town.volunteer).send(f"{address}/question", question="Which floor?")
    assert the_request().due_at is None
    later("2026-02-06 15:00")
    assert words["question"] in resident.open(page()).text
    resident.send(page("words"), word="5")
    assert the_request().status is Status.IN_PROGRESS
    assert the_request().due_at == at("2026-02-13 18:00")

    # More time is asked by who handles it, and granted by another;
    later("2026-02-09 10:00")
    seen_by(town.right_leads).send(
        f"{address}/extension", working_days=3, reason="要等配件，物业在订。"
    )
    later("2026-02-09 14:00")
    assert words["grant"] not in seen_by(town.right_leads).open(address).buttons
    judge = seen_by(town.supervisor)
    judge.open("/approvals/")
    judge.send(press=words["grant"])
    assert the_request().due_at == at("2026-02-25 18:00")

    # so is parking over the festival; on its day it comes back by itself.
    later("2026-02-10 10:00")
    seen_by(town.right_leads).send(
        f"{address}/parking", until="2026-02-24", reason="厂家春节停工，节后到货。"
    )
    judge.open("/approvals/")
    judge.send(press=words["grant"])
    assert the_request().status is Status.PARKED
    assert "厂家春节停工" in resident.open(page()).text
    for day in ("2026-02-13 10:00", "2026-02-16 10:00", "2026-02-23 10:00"):
        later(day)
        assert the_request().status is Status.PARKED
    later("2026-02-24 09:15")
    assert the_request().status is Status.IN_PROGRESS
    assert RESIDENT in mails_of("unpark")
    assert the_request().due_at == at("2026-03-03 18:00")

    # The requester urges: who holds it and the leader hear of it at once, once a day.
    later("2026-02-27 10:00")
    resident.send(page("urging"), word="漏得更大了。")
    assert {"right@example.org", "leader@example.org"} <= mails_of("urge")
    assert words["urged"] in resident.open(page("urging"), status=409).text
    assert words["told_urge"] in seen_by(town.leader).open("/inbox").text

    # Nothing is done. Each rung is told once, to those above it, and only by day.
    assert told_of_rung("overdue") == set()
    later("2026-03-03 22:00")
    assert told_of_rung("overdue") == set()
    later("2026-03-04 09:05")
    assert told_of_rung("overdue") == {"volunteer@example.org", "right@example.org"}
    later("2026-03-05 09:05")
    assert told_of_rung("pressed") == {"leader@example.org"}
    later("2026-03-07 10:00")
    assert told_of_rung("supervised") == set()
    later("2026-03-09 09:05")
    assert told_of_rung("supervised") == {"supervisor@example.org"}
    written = db.session.scalars(select(Message).where(Message.kind == "ladder")).all()
    later("2026-03-09 10:00")
    assert len(db.session.scalars(select(Message).where(Message.kind == "ladder")).all()) == len(
        written
    )
    supervised = next(one for one in written if one.address == "supervisor@example.org")
    assert words["told_supervised"] in letter_of(supervised, locale).text

    # It shows until the supervisor answers in writing.
    assert words["supervised"] in judge.open(address).text
    judge.send(f"{address}/supervision", answer="今天下午队长带配件上门。")
    assert words["supervised"] not in judge.open(address).text

    # The result, and the requester's word.
    later("2026-03-09 16:00")
    seen_by(town.right_leads).send(
        f"{address}/resolution",
        press=words["report"],
        outcome="solved",
        answer="换了新龙头，不再漏水。",
    )
    resident.send(page("confirmation"), solved="yes", satisfaction=4, word="谢谢。")
    assert words["closed"] in resident.open(page()).text

    # At the end the clock's log tells it all, to the staff and to the requester.
    for reader, place, whose in (
        (seen_by(town.supervisor), f"{address}/clock", "staff"),
        (resident, page("clock"), "requester"),
    ):
        text = reader.open(place).text
        for line in words["log"]:
            assert line.format(whose=words["whose"][whose]) in text
        assert all((line in text) is (whose == "staff") for line in words["ladder"])
    assert steps_of(the_request()) == STEPS
