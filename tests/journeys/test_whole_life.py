"""One request's whole life through the pages, by everybody who has a part in it."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.support.builders import Builders
from tests.support.chromium import Windows
from tracker.accounts.models import Person
from tracker.database import db
from tracker.service_requests import links
from tracker.service_requests.lifecycle import ConfirmationWay, Outcome, Status, Step
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.queries import history_of

pytestmark = pytest.mark.browser

PHONE, DESKTOP = 390, 1280
SHANGHAI = ZoneInfo("Asia/Shanghai")
WORDS = {
    "en": {
        "continue": "Continue",
        "send": "Send it now",
        "claim": "Claim",
        "full": "somebody was a moment faster",
        "recorded": "The visit is recorded.",
        "reported": "The result is reported.",
        "end": "you have told us how it went",
        "closed": "Closed",
    },
    "zh_Hans_CN": {
        "continue": "下一步",
        "send": "提交",
        "claim": "认领",
        "full": "有人比您快了一步",
        "recorded": "走访已记录。",
        "reported": "办理结果已提交",
        "end": "您也告诉了我们办得怎么样",
        "closed": "已销号",
    },
}
NEED = "厨房的水龙头日夜滴水，老人一个人住，不会修。"
FINDINGS = "垫片老化，已经更换，老人很高兴。"
ANSWER = "换了新垫片，试水半小时不再滴漏。"
THANKS = "谢谢两位年轻人。"


def the_request() -> ServiceRequest:
    db.session.rollback()
    return db.session.scalars(select(ServiceRequest)).one()


@pytest.mark.parametrize("locale", ["zh_Hans_CN", "en"])
def test_one_request_from_asking_to_the_figures(  # noqa: PLR0915 - a journey is told in one go
    a: Builders, windows: Windows, now: datetime, locale: str
) -> None:
    # Given a small organisation …
    words = WORDS[locale]
    a.organisation(phone="0000-8812345")
    _ = a.bureau
    category = a.category(name="水电小修", name_en="Small repairs")
    place = a.area(name="河东社区", name_en="Hedong")
    team = a.team(name="便民维修队", name_en="Repair team")
    leader, coordinator, supervisor = a.leader(), a.coordinator(), a.supervisor()
    fast, slow = a.volunteer(team, name="林小雨"), a.volunteer(team, name="江一帆")

    def opened(person: Person | None, width: int = DESKTOP) -> Page:
        window = windows.open(locale=locale, width=width)
        return windows.sign_in(window, person) if person else window

    # … a resident asks on the phone,
    resident = opened(None, PHONE)
    resident.goto(f"/requests/new/form?category={category.id}")
    resident.locator("#need").fill(NEED)
    resident.locator("#area_id").select_option(str(place.id))
    resident.locator("#address").fill("幸福路 12 号 3 单元 501")
    resident.locator('[name="reachable_by"][value="phone"]').check()
    resident.locator("#phone").fill("138 0013 8000")
    resident.locator("#requester_name").fill("李奶奶")
    resident.get_by_role("button", name=words["continue"], exact=True).last.click()
    resident.get_by_role("button", name=words["send"], exact=True).click()
    expect(resident.locator(".receipt__code")).to_be_visible()
    made = the_request()
    address = f"/requests/{made.id}"

    # the coordinator finds it by a word of two characters, accepts and assigns it,
    desk = opened(coordinator)
    desk.goto("/queue?q=滴水")
    desk.locator(f"main a[href='{address}']").first.click()
    expect(desk.locator("main")).not_to_contain_text("13800138000")
    desk.goto(f"{address}/acceptance")
    desk.locator("main form[method=post] button[type=submit]").first.click()
    desk.locator("#lead_team_id").select_option(str(team.id))
    desk.locator("#leader_id").select_option(str(leader.id))
    desk.locator("#volunteers_needed").fill("1")
    desk.locator("main form[method=post] button[type=submit]").last.click()
    desk.wait_for_url(re.compile(rf"{address}$"))
    assert the_request().status is Status.ASSIGNED

    # two volunteers see the same place on their boards, without a word of who asks,
    boards = [opened(person, PHONE) for person in (fast, slow)]
    for board in boards:
        board.goto("/board")
        expect(board.locator(".board__task")).to_have_count(1)
        for secret in ("李奶奶", "幸福路", "滴水", "8000"):
            expect(board.locator("main")).not_to_contain_text(secret)
    # and both tap: it goes to exactly one, and the other is told why.
    for board in boards:
        board.get_by_role("button", name=re.compile(words["claim"])).first.click()
        board.wait_for_load_state()
    expect(boards[0].locator("main")).to_contain_text(NEED)
    expect(boards[1].locator("body")).to_contain_text(words["full"])
    assert the_request().claimant_ids == {fast.id}
    boards[1].goto(address)
    expect(boards[1].locator("main")).not_to_contain_text(NEED)

    # The one who has it looks up the number (which is logged), plans a visit,
    volunteer = boards[0]
    volunteer.locator("form[action*='/contact'] button").click()
    expect(volunteer.locator("#contact")).to_contain_text(re.compile("138.?0013.?8000"))
    volunteer.goto(f"{address}/visits/new")
    begins = now.astimezone(SHANGHAI) + timedelta(hours=2)
    volunteer.locator("#planned_from").fill(begins.strftime("%Y-%m-%dT%H:%M"))
    volunteer.locator("#planned_to").fill((begins + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"))
    volunteer.locator("main form[method=post] button[type=submit]").last.click()
    volunteer.wait_for_url(re.compile(rf"{address}$"))
    # the resident sees who comes and when,
    token = links.token_for(made.id, made.link_salt)
    resident.goto(f"/track/{token}")
    expect(resident.locator("main")).to_contain_text("林小雨")
    # the volunteer writes down what was found and reports the result,
    volunteer.goto(f"{address}/visits/record")
    volunteer.locator("#started_at").fill(now.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M"))
    volunteer.locator('[name="contact_made"][value="yes"]').check()
    volunteer.locator("#findings").fill(FINDINGS)
    volunteer.locator("main form[enctype] button[type=submit]").last.click()
    expect(volunteer.locator("body")).to_contain_text(words["recorded"])
    volunteer.goto(f"{address}/resolution")
    volunteer.locator('[name="outcome"][value="solved"]').check()
    volunteer.locator("#answer").fill(ANSWER)
    volunteer.locator("main form[enctype] button[type=submit]:not([name=preview])").last.click()
    expect(volunteer.locator("body")).to_contain_text(words["reported"])

    # the leader reads it all and writes a note for colleagues,
    head = opened(leader)
    head.goto(address)
    expect(head.locator("main")).to_contain_text(FINDINGS)
    head.goto(f"{address}/note")
    head.locator("#internal_note").fill("已电话感谢志愿者。")
    head.locator("main form[method=post] button[type=submit]").last.click()
    head.wait_for_url(re.compile(rf"{address}$"))

    # and the resident, who sees the answer but not that note, confirms.
    resident.goto(f"/track/{token}")
    expect(resident.locator("main")).to_contain_text(ANSWER)
    expect(resident.locator("main")).not_to_contain_text("已电话感谢志愿者")
    resident.goto(f"/track/{token}/confirmation")
    resident.locator('[name="solved"][value="yes"]').check()
    resident.locator('[name="satisfaction"][value="5"]').check()
    resident.locator("#word").fill(THANKS)
    resident.locator("main form[method=post] button[type=submit]").last.click()
    expect(resident.locator("main")).to_contain_text(words["end"])

    # The volunteer reads the thanks; the supervisor sees one of one closed, and opens the list.
    volunteer.goto("/mine")
    expect(volunteer.locator("main")).to_contain_text(THANKS)
    wall = opened(supervisor)
    wall.goto("/figures")
    expect(wall.locator("main")).to_contain_text("100.0%")
    wall.locator("main a[href*='figure=closed']").first.click()
    expect(wall.locator("main")).to_contain_text(
        re.compile(rf"{made.reference[:3]}-{made.reference[3:6]}-{made.reference[6:]}")
    )

    # Then the history tells the whole story, in order.
    closed = the_request()
    assert closed.status is Status.CLOSED
    assert closed.outcome is Outcome.SOLVED
    assert closed.confirmation is ConfirmationWay.LINK
    assert [entry.step for entry in history_of(closed)] == [
        Step.SUBMIT,
        Step.ACCEPT,
        Step.ASSIGN,
        Step.CLAIM,
        Step.PLAN_VISIT,
        Step.VISIT,
        Step.RESOLVE,
        Step.NOTE,
        Step.CONFIRM,
    ]
