"""The pages on which a request is split up, and helping teams end their parts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from time_machine import Traveller

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.permissions import resident
from tracker.service_requests import own_parts, parts as reading
from tracker.service_requests.actions import answers, handling, parts
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.links import token_for
from tracker.service_requests.models import Part, PartEnd, ServiceRequest
from tracker.service_requests.queries import history_of
from tracker.teams.models import Team

SEND: Final = "Report the result"


def open_parts(it: ServiceRequest) -> dict[str, tuple[str, int | None]]:
    """Return what each team is to do, and within how many days, as the database has it."""
    db.session.expire_all()
    found = reading.open_parts(db.session.get_one(ServiceRequest, it.id))
    return {part.team.name: (part.task, part.working_days) for part in found}


def fresh(part: Part) -> Part:
    """Return a part as the database has it."""
    return db.session.get_one(Part, part.id, populate_existing=True)


@pytest.fixture
def lead(a: Builders) -> Team:
    return a.team(name="维修队", name_en="Menders")


@pytest.fixture
def helping(a: Builders) -> Team:
    return a.team(name="搬运队", name_en="Movers")


def test_a_desk_splits_a_request_among_several_teams_at_once(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    other = a.team(name="助老队", name_en="Carers")
    it = a.service_request(team=lead, helping_teams=[helping])
    browser.sign_in(a.coordinator()).open(f"/requests/{it.id}")
    browser.click("Split it among helping teams")

    fields = {
        "rows-0-task": "把旧衣柜搬下楼",
        "rows-0-working_days": 2,
        "rows-1-team_id": other.id,
        "rows-1-task": "陪老人说说话",
    }
    page = browser.send(fields=fields)

    assert page.path == f"/requests/{it.id}"
    assert "The parts are given. Each team has been told." in page.text
    assert open_parts(it) == {
        "搬运队": ("把旧衣柜搬下楼", 2),
        "助老队": ("陪老人说说话", None),
    }
    assert "Movers" in page.text
    assert "把旧衣柜搬下楼" in page.text
    assert f"/requests/{it.id}/parts" in [link.href for link in page.links]


def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, helping_teams=[helping])
    browser.sign_in(a.coordinator())
    address = f"/requests/{it.id}/parts"

    typed = {"rows-0-task": "搬衣柜", "rows-0-working_days": 30, "rows-1-task": "买菜"}
    page = browser.send(address, fields=typed)
    assert page.errors == {"rows-1-team_id": "Choose the team."}
    page = browser.send(fields={"rows-1-team_id": helping.id})
    assert page.errors == {"rows-1-task": "This team stands here twice. Write it into one row."}
    page = browser.send(fields={"rows-1-team_id": "", "rows-1-task": ""})
    assert list(page.errors) == ["rows-0-working_days"]
    assert "The whole request is due before that." in page.errors["rows-0-working_days"]
    page = browser.send(fields={"rows-0-task": " "})
    assert page.errors == {"rows-0-task": "Say what the team is to do."}
    assert page.form("rows-0-task").values()["rows-0-working_days"] == ["30"]
    page = browser.send(fields={"rows-0-task": "搬衣柜", "rows-0-working_days": 99})
    assert page.errors == {"rows-0-working_days": "Enter a number from 1 to 60."}
    assert open_parts(it) == {}
    browser.send(fields={"rows-0-working_days": 1})

    assert open_parts(it) == {"搬运队": ("搬衣柜", 1)}


def test_parts_are_changed_and_taken_back_on_the_same_page(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    stays, goes = a.part(it, helping, task="搬衣柜"), a.part(it, a.team(name="读书队"))
    browser.sign_in(a.coordinator())

    fields = {"rows-0-task": "搬衣柜和床", "rows-1-is_taken_back": ["y"]}
    browser.send(f"/requests/{it.id}/parts", fields=fields)

    assert open_parts(it) == {"搬运队": ("搬衣柜和床", None)}
    assert fresh(stays).ended_at is None
    assert fresh(goes).ended_as is PartEnd.TAKEN_BACK
    page = browser.send(f"/requests/{it.id}/parts")
    assert "Nothing was changed." in page.text


def test_who_comes_second_reads_what_the_first_gave_and_chooses(
    a: Builders,
    browser: Browser,
    new_browser: Callable[[], Browser],
    lead: Team,
    helping: Team,
) -> None:
    other = a.team(name="助老队", name_en="Carers")
    it = a.service_request(team=lead, helping_teams=[helping])
    address = f"/requests/{it.id}/parts"
    first, second = browser.sign_in(a.coordinator()), new_browser().sign_in(a.coordinator())
    second.open(address)
    theirs = {"rows-0-task": "搬衣柜", "rows-1-team_id": other.id, "rows-1-task": "陪老人"}
    first.send(address, fields=theirs)

    page = second.send(fields={"rows-0-task": "搬床"})

    assert "They are now: Movers: 搬衣柜; Carers: 陪老人." in page.text
    assert page.form("rows-0-task").values()["rows-0-task"] == ["搬床"]
    assert open_parts(it) == {"搬运队": ("搬衣柜", None), "助老队": ("陪老人", None)}
    second.send()
    assert open_parts(it) == {"搬运队": ("搬床", None), "助老队": ("陪老人", None)}


def test_the_same_form_sent_twice_gives_each_part_once(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, helping_teams=[helping])
    address = f"/requests/{it.id}/parts"
    page = browser.sign_in(a.coordinator()).open(address)
    sent = page.form("rows-0-task").values() | {"rows-0-task": ["搬衣柜"]}

    answers = [browser.request("POST", address, data=sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    steps = [entry.step for entry in history_of(it)]
    assert steps.count(Step.GIVE_PART) == 1


def test_rows_that_somebody_made_up_are_none(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, helping_teams=[helping])
    address = f"/requests/{it.id}/parts"
    page = browser.sign_in(a.coordinator()).open(address)
    made_up = {"rows-²-task": "x", "rows-9999999999-task": "x", "rows-x": "x", "rows-0": "x"}

    answer = browser.request("POST", address, data=page.form("rows-0-task").values() | made_up)

    assert answer.status_code == 303
    assert open_parts(it) == {}


def test_the_lead_teams_leader_gives_parts_to_those_who_help_and_adds_nobody(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    alone, it = a.service_request(team=lead), a.service_request(team=lead, helping_teams=[helping])
    browser.sign_in(a.team_leader(lead))

    assert "Split it among helping teams" not in browser.open(f"/requests/{alone.id}").text
    assert "No team helps yet" in browser.open(f"/requests/{alone.id}/parts").text
    page = browser.open(f"/requests/{it.id}/parts")
    assert "Another team" not in page.text
    browser.send(fields={"rows-0-task": "搬衣柜"})

    assert open_parts(it) == {"搬运队": ("搬衣柜", None)}


def test_it_is_said_while_assigning_what_a_helping_team_is_to_do(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it, leader = a.service_request(status=Status.ACCEPTED), a.leader()
    browser.sign_in(a.coordinator())
    page = browser.open(f"/requests/{it.id}/assignment")
    names = page.form("note").values()
    row = next(
        name.removesuffix("-team_id")
        for name, value in names.items()
        if name.endswith("-team_id") and value == [str(helping.id)]
    )
    said = {f"{row}-task": "搬衣柜", "helping_team_ids": [helping.id]}

    page = browser.send(fields=said | {"lead_team_id": lead.id, "volunteers_needed": 0})
    assert page.form("note").values()[f"{row}-task"] == ["搬衣柜"]
    browser.send(leader_id=leader.id, volunteers_needed=1)

    assert open_parts(it) == {"搬运队": ("搬衣柜", None)}
    page = browser.open(f"/requests/{it.id}/assignment")
    assert "搬衣柜" in page.text
    browser.send(note="换人")  # the part stays as it is
    assert open_parts(it) == {"搬运队": ("搬衣柜", None)}


def test_a_task_of_a_team_that_is_not_ticked_or_leads_is_refused_and_kept(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it, leader = a.service_request(status=Status.ACCEPTED), a.leader()
    browser.sign_in(a.coordinator())
    page = browser.open(f"/requests/{it.id}/assignment")
    row = next(
        name.removesuffix("-team_id")
        for name, value in page.form("note").values().items()
        if name.endswith("-team_id") and value == [str(helping.id)]
    )

    said = {f"{row}-task": "搬衣柜", "leader_id": leader.id, "volunteers_needed": 1}
    page = browser.send(fields=said | {"lead_team_id": lead.id})
    assert page.errors[f"{row}-task"] == "Tick this team as well, or leave this empty."
    assert page.form("note").values()[f"{row}-task"] == ["搬衣柜"]
    page = browser.send(lead_team_id=helping.id, helping_team_ids=[helping.id])
    assert "This team leads the request." in page.errors[f"{row}-task"]
    assert it.status is Status.ACCEPTED
    browser.send(lead_team_id=lead.id)

    assert open_parts(it) == {"搬运队": ("搬衣柜", None)}


def test_a_helping_team_says_on_the_page_of_the_request_that_its_part_is_done(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    part = a.part(it, helping, task="搬衣柜", working_days=2)
    browser.sign_in(a.team_leader(helping))

    page = browser.open(f"/requests/{it.id}")
    assert "Your team" in page.text
    browser.open(f"/requests/{it.id}/parts/{part.id}/result")
    page = browser.send(result=" ")
    assert page.errors == {"result": "Say what was done."}
    page = browser.send(result="衣柜搬走了")

    assert "Your part is done. The lead team has been told." in page.text
    assert "衣柜搬走了" in page.text
    assert fresh(part).ended_as is PartEnd.DONE
    browser.open(f"/requests/{it.id}/parts/{part.id}/result", status=409)
    page = browser.sign_in(a.team_leader(lead)).open(f"/requests/{it.id}")
    assert "衣柜搬走了" in page.text
    browser.open(f"/requests/{it.id}/parts/{part.id}/result", status=404)


def test_who_ends_a_part_second_keeps_the_words_and_reads_that_it_has_ended(
    a: Builders,
    browser: Browser,
    new_browser: Callable[[], Browser],
    lead: Team,
    helping: Team,
) -> None:
    it = a.service_request(team=lead)
    part = a.part(it, helping)
    address = f"/requests/{it.id}/parts/{part.id}/result"
    one = browser.sign_in(a.team_leader(helping))
    other = new_browser().sign_in(a.team_leader(helping))
    other.open(address)
    one.send(address, result="搬好了")

    page = other.send(result="我们搬了两趟")

    assert "This part has ended meanwhile." in page.text
    assert "我们搬了两趟" in page.text
    assert fresh(part).result == "搬好了"


def test_a_part_is_given_back_with_its_reason_and_leads_away_from_the_request(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    part = a.part(it, helping)
    browser.sign_in(a.team_leader(helping)).open(f"/requests/{it.id}/parts/{part.id}/return")
    assert "Your team can give it back until" in browser.page.text

    page = browser.send(reason="没有货车")

    assert page.path == "/queue"
    assert "Given back. The desk and the lead team have been told." in page.text
    assert fresh(part).ended_as is PartEnd.RETURNED
    page = browser.sign_in(a.coordinator()).open(f"/requests/{it.id}")
    assert "没有货车" in page.text
    assert "Part given back" in page.text


def test_giving_back_is_offered_only_while_it_can_be_done(
    a: Builders, browser: Browser, clock: Traveller, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead)
    part = a.part(it, helping)
    begun = a.service_request(team=lead, volunteers_needed=2)
    a.part(begun, helping)
    a.claim(begun, a.volunteer(helping))
    browser.sign_in(a.team_leader(helping))

    assert "Give it back" in browser.open(f"/requests/{it.id}").text
    assert "Give it back" not in browser.open(f"/requests/{begun.id}").text
    clock.shift(timedelta(days=9))
    assert "Give it back" not in browser.open(f"/requests/{it.id}").text
    page = browser.open(f"/requests/{it.id}/parts/{part.id}/return")
    assert "It can no longer be given back" in page.text
    page = browser.send(reason="没有货车")
    assert page.errors == {"reason": "The time for returning it has passed."}


# -------------------------------------------------------------------- the answer


def test_the_answer_begins_with_what_the_teams_did_in_the_requesters_language(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, status=Status.IN_PROGRESS)
    part = a.part(it, helping, task="搬衣柜")
    browser.sign_in(a.team_leader(helping))
    browser.send(f"/requests/{it.id}/parts/{part.id}/result", result="衣柜搬到了楼下")

    page = browser.sign_in(a.team_leader(lead)).open(f"/requests/{it.id}/resolution")
    assert page.form("answer").values()["answer"] == [""]
    assert "衣柜搬到了楼下" in page.text
    page = browser.send(press="Begin the answer with what the teams did", answer="灯也修好了。")

    assert page.form("answer").values()["answer"] == ["搬运队：衣柜搬到了楼下\n灯也修好了。"]
    assert page.errors == {}
    browser.send(outcome="solved", press=SEND)
    answered = db.session.get_one(ServiceRequest, it.id, populate_existing=True)
    assert answered.status is Status.RESOLVED
    assert answered.public_answer.split() == ["搬运队：衣柜搬到了楼下", "灯也修好了。"]


def test_an_answer_that_begins_with_what_the_teams_did_gets_only_what_is_new(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, status=Status.IN_PROGRESS)
    others = a.team(name="电工队")
    first, second = a.part(it, helping), a.part(it, others)

    def report(part: Part, team: Team, result: str) -> None:
        browser.sign_in(a.team_leader(team))
        browser.send(f"/requests/{it.id}/parts/{part.id}/result", result=result)
        browser.sign_in(handler).open(f"/requests/{it.id}/resolution")

    def begun(answer: str) -> str:
        page = browser.send(press="Begin the answer with what the teams did", answer=answer)
        return page.form("answer").values()["answer"][0].replace("\r\n", "\n")

    handler = a.team_leader(lead)
    report(first, helping, "衣柜搬到了楼下\r\n门也锁好了")
    told = begun("")
    assert told == "搬运队：衣柜搬到了楼下\n门也锁好了"
    assert begun(f"{told}\n再见。".replace("\n", "\r\n")) == f"{told}\n再见。"

    report(second, others, "灯修好了")

    assert begun(f"{told}\n再见。") == f"电工队：灯修好了\n{told}\n再见。"


def test_nothing_of_the_parts_gets_into_an_answer_by_itself(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, status=Status.IN_PROGRESS)
    part = a.part(it, helping, task="搬衣柜")
    browser.sign_in(a.team_leader(helping))
    browser.send(f"/requests/{it.id}/parts/{part.id}/result", result="邻居说他欠钱")
    browser.sign_in(a.team_leader(lead))

    browser.open(f"/requests/{it.id}/resolution")
    browser.send(outcome="solved", answer="好了", press=SEND)

    answered = db.session.get_one(ServiceRequest, it.id, populate_existing=True)
    assert answered.public_answer == "好了"


def test_what_no_parts_can_be_called_ends_none(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, status=Status.IN_PROGRESS)
    part = a.part(it, helping)
    page = browser.sign_in(a.team_leader(lead)).open(f"/requests/{it.id}/resolution")
    typed: dict[str, object] = {"outcome": "solved", "answer": "好了", "ends_parts": ["y"]}
    data = page.form("answer").filled(typed, press=SEND)

    for made_up in ("9" * 5000, "²", "-1", ",,", "x"):
        sent = {**data, "parts_shown": [made_up]}
        answer = browser.request("POST", page.path, data=sent, headers={"Referer": page.url})
        assert answer.status_code == 200
        assert "好了" in answer.text

    assert fresh(part).ended_at is None


def test_resolving_over_parts_that_have_not_ended_is_ticked_and_a_newer_one_asks_anew(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, status=Status.IN_PROGRESS)
    part = a.part(it, helping)
    browser.sign_in(a.team_leader(lead))
    typed = {"outcome": "solved", "answer": "好了"}

    browser.open(f"/requests/{it.id}/resolution")
    page = browser.send(fields=typed, press=SEND)
    assert "Not ended yet: Movers." in page.text
    assert list(page.errors) == ["ends_parts"]
    newer = a.part(it, a.team(name_en="Carers"))
    page = browser.send(ends_parts=["y"], press=SEND)
    assert list(page.errors) == ["ends_parts"]
    assert "Not ended yet: Movers, Carers." in page.text
    assert page.form("answer").values()["answer"] == ["好了"]
    assert fresh(part).ended_at is None
    page = browser.send(ends_parts=["y"], press=SEND)

    assert page.path == f"/requests/{it.id}"
    assert {fresh(each).ended_as for each in (part, newer)} == {PartEnd.WITH_REQUEST}


# -------------------------------------------------------------------- a team's own


def test_the_parts_of_ones_team_stand_out_what_is_due_first(
    a: Builders, browser: Browser, clock: Traveller, lead: Team, helping: Team
) -> None:
    parked = a.service_request(team=lead, status=Status.IN_PROGRESS)
    a.part(parked, helping, task="没有期限的事")
    with transaction():
        asks = a.actor(a.team_leader(lead))
        handling.ask_requester(parked, question="几楼?", actor=asks, now=a.now)
    a.part(a.service_request(team=lead), helping, task="后到期的事")
    a.part(a.service_request(team=lead), helping, task="先到期的事", working_days=1)
    a.part(a.service_request(team=helping), lead, task="别队的事")
    done = a.part(a.service_request(team=lead), helping, task="办完的事")
    leads = a.team_leader(helping)
    with transaction():
        parts.end(done, result="好了", actor=a.actor(leads), now=a.now)
    clock.shift(timedelta(days=2))
    browser.sign_in(leads)

    for address in ("/team", "/team/parts"):
        text = browser.open(address).text
        order = [text.index(words) for words in ("先到期的事", "后到期的事", "没有期限的事")]
        assert order == sorted(order)
        assert "别队的事" not in text
        assert "办完的事" not in text
        assert text.count("Overdue") == 1
    page = browser.open("/queue")
    assert "Your team has 3 parts of requests to do. 1 is overdue." in page.text
    browser.click("Our parts")
    assert browser.page.path == "/team/parts"


def test_many_parts_of_a_team_go_over_several_pages(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    for number in range(7):
        a.part(a.service_request(team=lead), helping, task=f"第{number}件")
    leads = a.team_leader(helping)

    first = own_parts.page_of_own(a.actor(leads), None, size=4)
    second = own_parts.page_of_own(a.actor(leads), first.next_mark, size=4)

    assert [part.task for part in (*first.rows, *second.rows)] == [f"第{n}件" for n in range(7)]
    assert "All 7 parts" in browser.sign_in(leads).open("/team").text


def test_a_team_without_parts_reads_when_some_come(
    a: Builders, browser: Browser, helping: Team
) -> None:
    page = browser.sign_in(a.team_leader(helping)).open("/team/parts")

    assert "No part waits for your team" in page.text
    assert "Your team has" not in browser.open("/queue").text


def test_the_requester_reads_which_teams_help_and_nothing_of_their_parts(
    a: Builders, browser: Browser, lead: Team, helping: Team
) -> None:
    it = a.service_request(team=lead, status=Status.IN_PROGRESS)
    a.part(it, helping, task="衣柜在四楼,没有电梯")
    address = f"/track/{token_for(it.id, it.link_salt)}"

    page = browser.open(address)
    assert "Menders is working on it." in page.text
    assert "Helping with it: Movers." in page.text
    assert "衣柜" not in page.text
    with transaction():
        answers.withdraw(it, reason="", actor=resident(it.id), now=a.now)
    assert "Movers" not in browser.open(address).text
