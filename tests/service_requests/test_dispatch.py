"""The desk at a browser: accept, decline, merge, assign; the team: return, sign for."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tests.support.page import Page
from tests.support.steps import steps_of
from tracker.database import db, transaction
from tracker.notifications.models import Message
from tracker.permissions import Role, resident
from tracker.service_requests import queries
from tracker.service_requests.actions import answers, dispatch, handling
from tracker.service_requests.lifecycle import Outcome, Priority, Status, Step
from tracker.service_requests.models import ServiceRequest

PAGES = {
    "acceptance": Status.SUBMITTED,
    "refusal": Status.SUBMITTED,
    "merger": Status.SUBMITTED,
    "assignment": Status.ACCEPTED,
    "return": Status.ASSIGNED,
    "receipt": Status.ASSIGNED,
}


def now_of(service_request: ServiceRequest) -> ServiceRequest:
    """Return the request as it stands in the database."""
    return db.session.get_one(ServiceRequest, service_request.id, populate_existing=True)


def test_the_desk_accepts_with_category_priority_and_area_checked(
    a: Builders, browser: Browser
) -> None:
    area, category = a.area(), a.category()
    made = a.service_request()
    browser.sign_in(a.coordinator())

    page = browser.send(
        f"/requests/{made.id}/acceptance",
        press="Only accept",
        category_id=category.id,
        priority="urgent",
        area_id=area.id,
        note="我们收到了",
    )

    assert page.path == f"/requests/{made.id}"
    assert "Accepted. The clock is running." in page.text
    assert "我们收到了" in page.text
    after = now_of(made)
    assert after.status is Status.ACCEPTED
    assert (after.category_id, after.area_id) == (category.id, area.id)
    assert after.priority is Priority.URGENT
    assert after.due_at == a.now + timedelta(hours=24)


@pytest.mark.parametrize(("page", "status"), PAGES.items())
def test_who_decides_sees_the_photos_and_what_the_requester_said_later(
    a: Builders, browser: Browser, page: str, status: Status
) -> None:
    made = a.service_request(status=status)
    asker = resident(made.id)
    shows, result = a.photo(made), a.photo(made, is_evidence=True)
    with transaction():
        answers.add_word(made, word="水漏到楼下了", actor=asker, now=a.now)
        answers.urge(made, word="老人没水用", actor=asker, now=a.now)
    leads = a.team_leader(made.lead_team) if made.lead_team else None
    browser.sign_in(leads or a.coordinator())

    opened = browser.open(f"/requests/{made.id}/{page}")

    assert "水漏到楼下了" in opened.text
    assert "Urged" in opened.text
    assert "老人没水用" in opened.text
    assert f"/photos/{shows.key}" in opened.html
    assert result.key not in opened.html


def test_photos_of_a_visit_do_not_pass_for_the_need(a: Builders, browser: Browser) -> None:
    team = a.team()
    goes = a.volunteer(team)
    made = a.service_request(team=team, claimed_by=[goes])
    visit = a.visit(made, by=goes)
    need, found = a.photo(made), a.photo(made, visit_id=visit.id)
    browser.sign_in(a.coordinator())

    html = browser.open(f"/requests/{made.id}/merger").html

    assert need.key in html
    assert found.key not in html


def test_the_limit_that_will_apply_is_named(a: Builders, browser: Browser) -> None:
    quick = a.category(name_en="Broken light")
    for priority in (Priority.NORMAL, Priority.COMPLEX):
        a.limit(3, category=quick, priority=priority)
    usual = a.category(name_en="Errand")
    made = a.service_request(category=quick)
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{made.id}/acceptance")

    own = "That is the limit of “Broken light”."
    assert f"Normal Within 3 working days. {own}" in page.text
    assert f"Complex Within 3 working days. {own}" in page.text
    assert "Emergency Within 2 hours, day and night." in page.text
    options = [option.text for option in page.find_all("option")]
    assert {"Broken light (3 working days)", "Errand"} <= set(options)
    page = browser.send(category_id=usual.id, note="字" * 1001)
    assert "Normal Within 5 working days." in page.text
    assert "That is the limit of" not in page.text


def test_what_a_handler_noted_while_waiting_is_not_said_by_the_requester(
    a: Builders, browser: Browser
) -> None:
    desk = a.coordinator()
    made = a.service_request(status=Status.WAITING)
    with transaction():
        handling.resume(made, note="邻居说可以上门", actor=a.actor(desk), now=a.now)
    browser.sign_in(desk)

    page = browser.open(f"/requests/{made.id}/assignment")

    assert "邻居说可以上门" not in page.text
    assert "What the requester said later" not in page.text


def test_accepting_leads_on_to_assigning(a: Builders, browser: Browser) -> None:
    made = a.service_request()
    browser.sign_in(a.coordinator())

    page = browser.send(f"/requests/{made.id}/acceptance")

    assert page.path == f"/requests/{made.id}/assignment"


def test_what_moves_to_another_desk_leads_back_to_the_queue(a: Builders, browser: Browser) -> None:
    here, elsewhere = a.unit(), a.unit()
    made = a.service_request(unit=here)
    there = a.area(unit=elsewhere)
    browser.sign_in(a.coordinator(here))

    page = browser.send(f"/requests/{made.id}/acceptance", area_id=there.id)

    assert page.path == "/queue"
    assert now_of(made).unit_id == elsewhere.id


def test_declining_needs_a_reason_and_where_to_turn(a: Builders, browser: Browser) -> None:
    made = a.service_request()
    browser.sign_in(a.coordinator())

    page = browser.send(f"/requests/{made.id}/refusal", reason="不属于本中心职责")
    assert "Tell the requester where to turn instead." in page.text
    assert "不属于本中心职责" in page.text
    assert now_of(made).status is Status.SUBMITTED

    page = browser.send(where_to_turn="税务局 12366")

    after = now_of(made)
    assert (after.status, after.outcome) == (Status.CLOSED, Outcome.OUT_OF_SCOPE)
    assert "税务局 12366" in page.text


def test_spam_needs_no_way_on(a: Builders, browser: Browser) -> None:
    made = a.service_request(need="加微信领红包")
    browser.sign_in(a.coordinator())

    browser.send(f"/requests/{made.id}/refusal", reason="广告", is_spam="y")

    assert now_of(made).is_spam


def test_what_was_accepted_is_not_offered_as_spam(a: Builders, browser: Browser) -> None:
    made = a.service_request()
    browser.sign_in(a.coordinator())
    sent = browser.open(f"/requests/{made.id}/refusal").form("reason").values()
    accepted = a.service_request(status=Status.ACCEPTED)

    page = browser.open(f"/requests/{accepted.id}/refusal")
    assert "is_spam" not in page.form("reason").values()
    assert "This is spam" not in page.text
    data = {**sent, "reason": "广告", "where_to_turn": "无", "is_spam": "y"}
    browser.request("POST", page.path, data=data)

    after = now_of(accepted)
    assert (after.status, after.is_spam) == (Status.CLOSED, False)


def test_a_duplicate_is_merged_after_a_look_at_both(a: Builders, browser: Browser) -> None:
    area, category = a.area(), a.category()
    first = a.service_request(area=area, category=category, need="路灯不亮")
    second = a.service_request(area=area, category=category, need="门口的灯坏了")
    other = a.service_request(need="别的事")
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{second.id}/merger")
    assert "路灯不亮" in page.text
    assert other.need not in page.text
    page = browser.open(f"/requests/{second.id}/merger?survivor={first.id}")
    assert "路灯不亮" in page.text
    assert "门口的灯坏了" in page.text
    assert "This cannot be undone" in page.text
    assert "the requester of the other is not told" in page.text
    page = browser.send(press="Merge", note="与另一件相同")

    assert "Merged. The requester of the closed one is told" in page.text
    assert page.path == f"/requests/{first.id}"
    after = now_of(second)
    assert (after.outcome, after.survivor_id) == (Outcome.DUPLICATE, first.id)


def test_the_survivor_is_found_by_its_reference(a: Builders, browser: Browser) -> None:
    made, other = a.service_request(), a.service_request(category=a.category(), need="水管爆了")
    closed = a.service_request(status=Status.CLOSED)
    browser.sign_in(a.coordinator())
    merger = f"/requests/{made.id}/merger"

    assert "水管爆了" in browser.open(f"{merger}?reference={other.reference}").text
    for wrong in (closed.reference, made.reference, "0000000000", "x"):
        text = browser.open(f"{merger}?reference={wrong}").text
        assert "There is no open request with this reference" in text


def test_who_merges_into_what_was_closed_meanwhile_reads_so_and_loses_no_word(
    a: Builders, browser: Browser
) -> None:
    made, chosen, third = (a.service_request() for _ in range(3))
    coordinator = a.coordinator()
    browser.sign_in(coordinator)
    browser.open(f"/requests/{made.id}/merger?survivor={chosen.id}")
    with transaction():
        dispatch.merge(chosen, third, note="", actor=a.actor(coordinator), now=a.now)

    page = browser.send(press="Merge", note="与另一件相同")

    assert "The request that you chose does not go on any more" in page.text
    assert "与另一件相同" in page.text
    assert now_of(made).status is Status.SUBMITTED


def test_a_request_of_another_desk_is_no_survivor(a: Builders, browser: Browser) -> None:
    here = a.unit()
    made = a.service_request(unit=here)
    foreign = a.service_request(unit=a.unit(), need="外单位的事")
    browser.sign_in(a.coordinator(here))

    text = browser.open(f"/requests/{made.id}/merger?survivor={foreign.id}").text

    assert "外单位的事" not in text


def test_the_desk_assigns_to_a_team_and_a_leader(a: Builders, browser: Browser) -> None:
    lead, helping = a.team(), a.team()
    leader = a.leader(name="陈主任")
    made = a.service_request(status=Status.ACCEPTED)
    browser.sign_in(a.coordinator())

    page = browser.send(
        f"/requests/{made.id}/assignment",
        lead_team_id=lead.id,
        helping_team_ids=[helping.id],
        leader_id=leader.id,
        volunteers_needed=2,
        note="独居老人,请耐心",
    )

    assert page.path == f"/requests/{made.id}"
    assert "独居老人,请耐心" in page.text
    after = now_of(made)
    assert after.status is Status.ASSIGNED
    assert after.team_ids == {lead.id, helping.id}
    assert (after.leader_id, after.volunteers_needed) == (leader.id, 2)


def test_the_fitting_team_is_suggested_with_its_reasons(a: Builders, browser: Browser) -> None:
    area = a.area()
    category = a.category()
    a.team(name_en="Aardvarks")
    fitting = a.team(name_en="Menders", areas=[area], categories=[category])
    made = a.service_request(status=Status.ACCEPTED, area=area, category=category)
    a.leader()
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{made.id}/assignment")

    assert page.form("lead_team_id").values()["lead_team_id"] == [str(fitting.id)]
    options = [option.text or "" for option in page.find_all("option")]
    assert any(
        "Menders" in text and "works in this area" in text and "knows this kind" in text
        for text in options
    )


def test_only_leaders_who_reach_the_unit_may_answer_for_it(a: Builders, browser: Browser) -> None:
    here = a.unit()
    above, own, foreign = a.leader(), a.leader(here), a.leader(a.unit())
    made = a.service_request(unit=here, status=Status.ACCEPTED)
    browser.sign_in(a.coordinator())

    offered = browser.open(f"/requests/{made.id}/assignment").form("leader_id").options("leader_id")

    assert {str(above.id), str(own.id)} <= set(offered)
    assert str(foreign.id) not in offered


def test_without_team_or_leader_nothing_typed_is_lost(a: Builders, browser: Browser) -> None:
    a.team()
    a.team()
    made = a.service_request(status=Status.ACCEPTED)
    a.leader()
    a.leader()
    browser.sign_in(a.coordinator())

    page = browser.send(f"/requests/{made.id}/assignment", volunteers_needed=0, note="请留意")

    assert "Choose the lead team." in page.text
    assert "Choose the leader." in page.text
    assert "Enter a number from 1 to 50." in page.text
    assert "请留意" in page.text


def test_a_lead_team_that_is_none_at_all_is_refused(a: Builders, browser: Browser) -> None:
    a.team()
    a.team()
    made = a.service_request(status=Status.ACCEPTED)
    leader = a.leader()
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{made.id}/assignment")
    sent = {**page.form("lead_team_id").values(), "leader_id": leader.id, "lead_team_id": "0"}
    answer = browser.request("POST", page.path, data=sent)

    assert answer.status_code < 500
    assert "Not a valid choice" in answer.text or "Choose" in answer.text
    assert now_of(made).status is Status.ACCEPTED


def test_a_team_leader_assigns_inside_the_own_team_only(a: Builders, browser: Browser) -> None:
    team, other = a.team(), a.team()
    leader, _another = a.leader(), a.leader()
    made = a.service_request(team=team, leader=leader, status=Status.ASSIGNED)
    browser.sign_in(a.team_leader(team))

    form = browser.open(f"/requests/{made.id}/assignment").form("lead_team_id")
    assert form.options("lead_team_id") == [str(team.id)]
    assert set(form.options("leader_id")) <= {"", str(leader.id)}
    browser.send(volunteers_needed=3)

    assert now_of(made).volunteers_needed == 3
    assert other.id not in now_of(made).team_ids


def test_a_team_returns_what_is_not_its_own(a: Builders, browser: Browser) -> None:
    team = a.team()
    made = a.service_request(team=team, status=Status.ASSIGNED)
    browser.sign_in(a.team_leader(team))

    page = browser.send(f"/requests/{made.id}/return", reason="")
    assert "Tell the desk why." in page.text
    page = browser.send(reason="我们没有电工")

    assert page.path == "/queue"
    after = now_of(made)
    assert (after.status, after.lead_team_id, after.times_returned) == (Status.ACCEPTED, None, 1)


def test_returning_too_late_says_so_and_keeps_the_words(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    team = a.team()
    made = a.service_request(team=team, status=Status.ASSIGNED)
    browser.sign_in(a.team_leader(team)).open(f"/requests/{made.id}/return")
    clock.shift(timedelta(days=9))

    page = browser.send(reason="我们没有电工")

    assert "The time for returning it has passed." in page.text
    assert "我们没有电工" in page.text
    assert now_of(made).status is Status.ASSIGNED


def test_who_comes_too_late_to_return_is_told_before_they_write(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    made = a.service_request(team=team, status=Status.ASSIGNED, at=a.now - timedelta(days=9))

    page = browser.sign_in(a.team_leader(team)).open(f"/requests/{made.id}/return", status=409)

    assert "The time for returning it has passed." in page.text
    assert page.link("See how it stands") == f"/requests/{made.id}"


def test_a_team_leader_signs_for_a_request(a: Builders, browser: Browser) -> None:
    team = a.team()
    made = a.service_request(team=team, status=Status.ASSIGNED)
    browser.sign_in(a.team_leader(team))

    browser.open(f"/requests/{made.id}")
    page = browser.click("Sign for it")

    assert page.path == f"/requests/{made.id}"
    assert now_of(made).signed_for_at == a.now
    assert now_of(made).status is Status.IN_PROGRESS


def offered_on(page: Page) -> set[str]:
    """Return the ends of a page's links, and its buttons."""
    return {f"/{link.href.rpartition('/')[2]}" for link in page.links} | set(page.buttons)


def test_who_leads_a_team_that_only_helps_does_not_rule_the_request(
    a: Builders, browser: Browser
) -> None:
    lead, helping = a.team(), a.team()
    made = a.service_request(team=lead, helping_teams=[helping], status=Status.ASSIGNED)
    browser.sign_in(a.team_leader(lead)).open(f"/requests/{made.id}")
    buttons = {"/assignment", "/return", "Sign for it"}
    assert buttons <= offered_on(browser.page)

    browser.sign_in(a.team_leader(helping)).open(f"/requests/{made.id}")

    assert not buttons & offered_on(browser.page)
    for page in ("assignment", "return", "receipt"):
        browser.open(f"/requests/{made.id}/{page}", status=404)
    after = now_of(made)
    assert (after.status, after.lead_team_id) == (Status.ASSIGNED, lead.id)


@pytest.mark.parametrize("name", PAGES)
def test_opening_a_page_changes_nothing(a: Builders, browser: Browser, name: str) -> None:
    team = a.team()
    status = PAGES[name]
    made = a.service_request(status=status, team=None if status is Status.SUBMITTED else team)
    a.leader()
    is_the_teams = name in ("return", "receipt")
    browser.sign_in(a.team_leader(team) if is_the_teams else a.coordinator())

    browser.open(f"/requests/{made.id}/{name}")

    assert now_of(made).status is status


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", Role)
def test_who_may_not_take_the_step_finds_no_page(
    a: Builders, browser: Browser, name: str, role: Role
) -> None:
    made = a.service_request(team=a.team(), status=Status.ASSIGNED)
    strangers = {Role.VOLUNTEER: a.volunteer, Role.TEAM_LEADER: a.team_leader}
    if role is Role.RESIDENT:
        assert browser.open(f"/requests/{made.id}/{name}").path == "/sign-in"
        return
    browser.sign_in(strangers[role]() if role in strangers else a.holder(role))
    is_a_desks = role is Role.COORDINATOR and name not in ("return", "receipt")
    comes_too_late = name in ("acceptance", "refusal")

    expected = 404 if not is_a_desks else 409 if comes_too_late else 200
    browser.open(f"/requests/{made.id}/{name}", status=expected)


def test_an_assignment_is_not_overwritten_unseen(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    made = a.service_request(status=Status.ACCEPTED)
    here, there = a.team(name="溪南队", name_en="South"), a.team(name="溪北队", name_en="North")
    leader, other = a.leader(name="王建平"), a.leader(name="孙伟")
    first, second = browser.sign_in(a.coordinator()), new_browser().sign_in(a.coordinator())
    address = f"/requests/{made.id}/assignment"
    second.open(address)
    first.send(address, lead_team_id=here.id, leader_id=leader.id, volunteers_needed=2)

    chosen = {"lead_team_id": there.id, "leader_id": other.id, "volunteers_needed": 1}
    page = second.send(fields=chosen | {"note": "两个人就够了"})

    assert "Meanwhile somebody assigned it to South, with 王建平." in page.text
    assert page.form("note").values()["note"] == ["两个人就够了"]
    assert now_of(made).lead_team_id == here.id

    second.send()
    assert now_of(made).lead_team_id == there.id


def test_an_assignment_sent_twice_is_one(a: Builders, browser: Browser) -> None:
    made, team, leader = a.service_request(status=Status.ACCEPTED), a.team(), a.leader()
    address = f"/requests/{made.id}/assignment"
    page = browser.sign_in(a.coordinator()).open(address)
    sent = page.form("note").values() | {
        "lead_team_id": [str(team.id)],
        "leader_id": [str(leader.id)],
        "volunteers_needed": ["2"],
        "board_note": ["Bring a ladder\r\nand a rope "],
        "note": ["两个人"],
    }

    answers = [browser.request("POST", address, data=sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    steps = [entry.step for entry in queries.history_of(now_of(made))]
    assert steps.count(Step.ASSIGN) == 1


def test_an_assignment_saved_as_it_is_says_that_nothing_was_changed(
    a: Builders, browser: Browser
) -> None:
    team, helping = a.team(), a.team()
    made = a.service_request(status=Status.ASSIGNED, team=team, helping_teams=[helping])
    address = f"/requests/{made.id}/assignment"
    browser.sign_in(a.coordinator()).send(address, board_note="Bring a ladder\r\nand a rope")
    before = steps_of(now_of(made)), db.session.scalar(select(func.count(Message.id)))

    page = browser.send(address)

    assert "Nothing was changed." in page.text
    assert "The team has been told." not in page.text
    assert (steps_of(now_of(made)), db.session.scalar(select(func.count(Message.id)))) == before
    page = browser.send(address, volunteers_needed=3)
    assert "Assigned. The team has been told." in page.text


def test_what_the_board_says_is_not_overwritten_unseen(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    team, leader = a.team(name_en="South"), a.leader()
    made = a.service_request(status=Status.ASSIGNED, team=team, leader=leader)
    first, second = browser.sign_in(a.coordinator()), new_browser().sign_in(a.coordinator())
    address = f"/requests/{made.id}/assignment"
    second.open(address)
    first.send(address, volunteers_needed=3, board_note="Bring a ladder")

    page = second.send(note="Two will do")

    assert "It asks for so many volunteers now: 3." in page.text
    assert "“Bring a ladder”" in page.text
    assert (now_of(made).volunteers_needed, now_of(made).board_note) == (3, "Bring a ladder")
    without = {**page.form("note").values(), "stood": ""}
    assert second.request("POST", address, data=without).status_code == 200
    assert now_of(made).board_note == "Bring a ladder"


def test_the_board_note_gives_nobody_away(a: Builders, browser: Browser) -> None:
    team = a.team()
    made = a.service_request(status=Status.ACCEPTED)
    leader = a.leader()
    browser.sign_in(a.coordinator())
    fields = {"lead_team_id": team.id, "leader_id": leader.id}

    page = browser.send(
        f"/requests/{made.id}/assignment",
        fields=fields | {"board_note": "帮忙换灯泡，先打13800138000"},
    )
    assert "13800138000" in page.errors["board_note"]
    browser.send(fields={"board_note": "帮忙换厨房的灯泡，自带梯子。"})

    assert now_of(made).board_note == "帮忙换厨房的灯泡，自带梯子。"
    assert "自带梯子" in browser.sign_in(a.volunteer(team)).open("/board").text


def test_whoever_comes_second_is_told(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    made = a.service_request()
    first, second = browser.sign_in(a.coordinator()), new_browser().sign_in(a.coordinator())
    second.open(f"/requests/{made.id}/acceptance")
    first.send(f"/requests/{made.id}/acceptance", press="Only accept")

    page = second.send(press="Only accept", note="电话里说好了：周四下午三点", status=409)

    assert now_of(made).status is Status.ACCEPTED
    assert "电话里说好了：周四下午三点" in page.text
    assert second.click("See how it stands").path == f"/requests/{made.id}"


def test_the_team_that_had_it_hears_that_it_is_anothers(a: Builders, browser: Browser) -> None:
    former, team = a.team(), a.team()
    a.team_leader(former, email="former@example.org")
    made = a.service_request(team=former, status=Status.ASSIGNED)
    leader = a.leader()
    before = set(db.session.scalars(select(Message.id)))

    browser.sign_in(a.coordinator())
    browser.send(
        f"/requests/{made.id}/assignment",
        lead_team_id=team.id,
        leader_id=leader.id,
        volunteers_needed=1,
    )

    told = db.session.scalars(
        select(Message).where(Message.address == "former@example.org", Message.id.not_in(before))
    ).all()
    assert [message.payload["step"] for message in told] == ["lost"]


def test_the_desk_hears_that_a_team_gave_it_back_and_can_open_it(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    made = a.service_request(team=team, status=Status.ASSIGNED)
    desk = a.coordinator(email="desk@example.org")

    browser.sign_in(a.team_leader(team)).send(f"/requests/{made.id}/return", reason="不归我们")

    [told] = db.session.scalars(select(Message).where(Message.address == "desk@example.org"))
    letter = letter_of(told)
    assert letter.subject.startswith("A team gave it back")
    assert f"/requests/{made.id}" in letter.text
    page = browser.sign_out().sign_in(desk).open("/inbox")
    assert "A team gave it back" in page.text


@pytest.mark.parametrize(
    "told",
    [
        "欧阳秀兰家水管爆了",
        "去文化街8号2单元301",
        "给李奶奶修",
        "先打 8234 5678",
        "到301",
        "找秀兰",
    ],
)
def test_the_board_tells_nothing_of_the_requests_own_people_and_door(
    a: Builders, browser: Browser, told: str
) -> None:
    team, leader = a.team(), a.leader()
    it = a.service_request(
        status=Status.ACCEPTED,
        requester_name="欧阳秀兰",
        beneficiary_name="李奶奶",
        address="家住文化街8号2单元301",
        phone="+8675582345678",
    )
    browser.sign_in(a.coordinator())
    given = {"lead_team_id": team.id, "leader_id": leader.id, "volunteers_needed": "1"}

    browser.open(f"/requests/{it.id}/assignment")
    refused = browser.send(fields=given | {"board_note": told})

    assert "Leave this out, others read it" in refused.text
    browser.open(f"/requests/{it.id}/assignment")
    browser.send(fields=given | {"board_note": "文化街一户人家水管漏水，请带 8 号扳手"})
    db.session.expire_all()
    assert it.status is Status.ASSIGNED


def test_spam_needs_no_reason_either(a: Builders, browser: Browser) -> None:
    it = a.service_request()
    browser.sign_in(a.coordinator())

    browser.open(f"/requests/{it.id}/refusal")
    browser.send(is_spam="y")

    db.session.expire_all()
    assert it.is_spam
