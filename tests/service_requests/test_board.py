"""The volunteer's board: what one may take, taking it, giving it back, and one's own tasks."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.permissions import Role, resident
from tracker.service_requests import board
from tracker.service_requests.actions import answers
from tracker.service_requests.blotting import blotted
from tracker.service_requests.lifecycle import Solved, Status
from tracker.service_requests.models import Claim, ContactLook, ServiceRequest
from tracker.service_requests.reference import format_reference
from tracker.teams.models import Team

pytestmark = pytest.mark.both_databases

NOTHING = "Nothing to claim at the moment"


def now_of(service_request: ServiceRequest) -> ServiceRequest:
    """Return the request as it stands in the database."""
    return db.session.get_one(ServiceRequest, service_request.id, populate_existing=True)


def task(a: Builders, team: Team, *, places: int = 2) -> ServiceRequest:
    """Make a request of `team` with `places`, of a category of its own."""
    return a.service_request(team=team, volunteers_needed=places, category=a.category())


# ---------------------------------------------------------------- what it shows


def test_the_board_shows_what_my_teams_can_take_and_nothing_of_other_teams(
    a: Builders, browser: Browser
) -> None:
    mine, other = a.team(), a.team()
    helping = a.service_request(team=other, helping_teams=[mine], category=a.category())
    leading, foreign = task(a, mine), task(a, other)
    browser.sign_in(a.volunteer(mine))

    page = browser.open("/board")

    for it in (leading, helping):
        assert f"/requests/{it.id}/claim" in page.html
    assert f"/requests/{foreign.id}/claim" not in page.html


def test_the_board_names_nobody_and_no_place_to_find_them(a: Builders, browser: Browser) -> None:
    team = a.team()
    it = a.service_request(
        team=team,
        requester_name="王秀兰",
        phone="+8613812345678",
        address="平安里18号302室",
        need="阳台漏水,请进来看看",
        preferred_time="周二上午,打13812345678",
    )
    browser.sign_in(a.volunteer(team))

    page = browser.open("/board")

    assert "周二上午" in page.text
    told_of_it = page.html.replace(format_reference(it.reference), "")
    for personal in ("王秀兰", "13812345678", "打1", "平安里", "302室", "阳台漏水"):
        assert personal not in told_of_it


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("晚上七点后,王秀兰在平安里18号302室", "晚上七点后,…在…"),
        ("after 7, 18号302室 or 平安里18号", "after 7, … or …"),
        ("李秀英说周二", "…说周二"),
        ("到 平安里 18 号 302 室", "到 …"),
        ("周二，３０２室，找秀兰", "周二，…，找…"),
        ("302 with the bell", "… with the bell"),
        ("周二 9:00–11:30, 3020 or 18", "周二 9:00–11:30, 3020 or 18"),
    ],
)
def test_when_it_suits_tells_not_whom_nor_where(
    a: Builders, browser: Browser, told: str, shown: str
) -> None:
    team = a.team()
    it = a.service_request(
        team=team,
        requester_name="王秀兰",
        beneficiary_name="李秀英",
        address="平安里18号302室",
        preferred_time=told,
    )

    page = browser.sign_in(a.volunteer(team)).open("/board")

    assert shown in page.text
    told_of_it = page.text.replace(format_reference(it.reference), "")
    for personal in ("王秀兰", "秀兰", "李秀英", "302室", "302 ", "３０２"):
        assert personal not in told_of_it


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["…", "..", "李..", "陈...", "?!", "\0\0"])
def test_a_name_without_letters_is_nowhere_in_the_words(name: str) -> None:
    assert (
        blotted("晚上七点后… evenings..", "CN", name, None, "柳桥路88号", None)
        == "晚上七点后… evenings.."
    )


@pytest.mark.parametrize(
    ("country", "told", "shown"),
    [
        ("GB", "Ring 07400 123456 after six", "Ring … after six"),
        ("US", "Call (617) 267-9400", "Call …"),
        ("DE", "030 901820, abends", "…, abends"),
        ("GB", "打13800138000", "打…"),
    ],
)
def test_a_number_is_taken_out_as_the_country_writes_it(
    country: str, told: str, shown: str
) -> None:
    assert blotted(told, country, "Ann Lee", None, "5 Mill Lane", None) == shown


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("told", "place", "shown"),
    [
        (
            "柳桥路老邮局对面，2单元30，晚上七点",
            "柳桥路老邮局对面5号2单元30室",
            "柳桥路老邮局对面，…，晚上七点",
        ),
        ("后面那栋，88号2单元301", "青溪镇柳桥街道东门社区 88号2单元301室", "后面那栋，…"),
        (
            "evenings, 7 Mill Lane off Church Street corner",
            "Church Street corner, 7 Mill Lane",
            "evenings, … off Church Street corner",
        ),
        ("柳桥路5号柳桥路6号", "东柳桥路、柳桥路5号", "…柳桥路6号"),
        ("1111a" * 40, "1" * 200, "…a" * 40),
        ("1234 abcd", "\0" * 9 + "1234abcd", "…"),
        (
            "After six, at 12 Oak Street Gardens",
            "12 Oak Street, Oak Street Gardens",
            "After six, at … Gardens",
        ),
        ("3栋-2单元-5-0-1", "金沙路3栋2单元501室", "…"),
        ("周六，十二号三栋三〇二室", "柳桥路十二号三栋三〇二室", "周六，…"),
        ("周六到302", "柳桥路十二号三栋三〇二室", "周六到…"),
        ("周三302见", "柳桥路5号三302室", "周…见"),
        ("三零二见", "柳桥路12号3栋302室", "…见"),
        ("三元里大道见", "三元里大道五号", "三元里大道见"),
        ("晚上来，柳桥路十八号", "晴溪镇柳桥路18号3栋502室", "晚上来，…"),
        ("十八号三栋，周六", "晴溪镇柳桥路18号3栋502室", "…，周六"),
        ("壹拾捌号3栋", "柳桥路18号3栋502室", "…"),
        ("柳桥路18号", "柳桥路十八号", "…"),
        ("二十号楼三十二单元一百零二室", "柳桥路20号楼32单元102室", "…"),
        ("到一百一十二", "柳桥路5号112室", "到…"),
        ("去渡口街第九十二号", "渡口街92号", "去…"),
        ("第三单元第5层见", "渡口街92号3单元5层", "第…见"),
        ("一千八百零二，周六", "清溪路1802室", "…，周六"),
        ("一千零五室", "清溪路1005室", "…"),
        ("廿一号楼卅二室", "清溪路21号楼32室", "…"),
        ("千万别来，一百二十米外", "清溪路5号1室", "千万别来，一百二十米外"),
        ("十分方便，百姓家", "柳桥路10号100室", "十分方便，百姓家"),
        ("到十八零二，周六", "柳桥路3栋1802室", "到…，周六"),
        ("二十三〇一", "柳桥路3栋2301室", "…"),
        ("廿零五室见", "柳桥路3栋2005室", "…见"),
        ("到1802", "柳桥路3栋十八零二", "到…"),
        ("到1802", "柳桥路3栋18楼02室", "到…"),
        ("18楼的2号", "柳桥路3栋1802室", "…号"),
        ("到501", "柳桥路3栋2单元5楼1室", "到…"),
        ("到五零一", "柳桥路3栋2单元五层一室", "到…"),
        ("到5楼1室", "柳桥路3栋501室", "到…室"),
        ("十八层02见", "柳桥路3栋1802室", "…见"),
        ("到3️⃣0️⃣2️⃣", "柳桥路3栋302室", "到…\ufe0f\u20e3"),
        ("十八点到二十零五分，1501", "柳桥路3栋1802室", "十八点到二十零五分，1501"),
        ("15楼1室，5楼12室，5楼1点后", "柳桥路3栋501室", "15楼1室，5楼12室，5楼1点后"),
        ("502，302", "柳桥路3楼2单元5楼1室", "502，302"),
        ("8-12点有空", "柳桥路812室", "8-12点有空"),
        ("10:30–12 pm", "柳桥路3012室", "10:30–12 pm"),
        ("10 ～ 12時", "柳桥路1012室", "10 ～ 12時"),
        ("到8-12，找3栋8-12点", "柳桥路3栋812室", "到…，找…点"),
        ("Come to Rose Cottage", "Rose Cottage, Mill Lane", "Come to …"),
        ("周末，金桂苑甲栋乙单元", "柳桥路金桂苑甲栋乙单元", "周末，…"),
        ("1" * 500, "1" * 200, "…"),
    ],
)
def test_each_stretch_that_tells_the_house_is_taken_out(told: str, place: str, shown: str) -> None:
    assert blotted(told, "CN", "王秀兰", None, place, None) == shown


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("晚上打82345678", "晚上打…"),
        ("打 8234-56-78，周二", "打 …，周二"),
        ("7:30 0755/823、45678", "7:30 0…"),
        ("８２３４\u200b５６７８ after 5", "… after 5"),
        ("2026-03-12 09:00-11:30, 8234567, 345678", "2026-03-12 09:00-11:30, 8234567, 345678"),
        ("打 2345678、2345678", "打 …"),
        ("打 2345678，82345678 都行", "打 …，… 都行"),
        ("打⑧②③④⑤⑥⑦⑧", "打…"),
        ("打八二三四五六七八", "打…"),
        ("打8234_5678，或_823__45678", "打…，或_…"),
        ("flat_82345_69 8", "flat_82345_69 8"),
        ("for A.n.n or An\u200bn or J-o-s-e", "for … or … or …"),
        ("ask for Ann, or Jose", "ask for …, or …"),
        ("Annie and JOSÉ at 3 pm", "Annie and … at 3 pm"),
    ],
)
def test_however_a_name_or_a_number_is_spelt_it_is_taken_out(told: str, shown: str) -> None:
    assert blotted(told, "CN", "Ann Oh", "José Ruiz", "", "+8675582345678") == shown


@pytest.mark.parametrize(
    ("told", "name", "neighbour", "shown"),
    [
        ("先找王美丽，打0139123", "李明", "隔壁王美丽 13900139123", "先找…，打…"),
        ("打28369999", "李明", "隔壁王姨28369999一直在家", "打…"),
        ("晚上 11 点，找王一一", "王一一", "", "晚上 11 点，找…"),
        ("ask Smith first", "Ann Lee", "Mrs Smith next door", "ask … first"),
        ("Bring the ladder, please", "Ann", "The shop downstairs, please ring Mrs Chen", None),
        ("请先敲邻居的门，志愿者带梯子", "李明", "隔壁邻居，村里的志愿者，我女儿", None),
        ("先找李和平，再找王来福", "陈明", "对面李和平家，或者楼上的王来福", "先找…，再找…"),
        ("ring Chen", "Ann", "The shop downstairs, please ring Mrs Chen", "ring …"),
        ("陪阿姨去医院，找李阿姨", "陈明", "隔壁李阿姨", "陪阿姨去医院，找…"),
        ("找保安，或何老师", "陈明", "门口保安，或者何老师", "找保安，或…"),
        ("young people, or ask Young", "Ann", "Ring Ms Young upstairs", "… people, or ask …"),
        ("my aunt is in", "Ann", "my aunt upstairs", None),
        ("找阿依古丽家", "阿依古丽·买买提", "", "找…家"),
        ("김철수씨 댁으로 오세요", "김철수", "", "…씨 댁으로 오세요"),
        ("さくらさんへ", "さくら", "", "…さんへ"),
        ("call at the Anna's", "Ann", "", "call at the Anna's"),
        ("下午三点后", "李明", "儿子下午在家", None),
        ("晚上七点后", "李明", "隔壁王阿姨，晚上在家", None),
        ("周末上午", "李明", "楼下小卖部，周末 上午 都在", None),
        ("周一下午，六点以后方便", "李明", "隔壁王阿姨，周一下午六点以后方便", None),
        ("周日九点后", "李明", "邻居，周六周日在家，周日九点前不在", None),
        ("Monday after five, any evening", "Ann", "The shop, closed Monday. Any evening", None),
        ("weekdays, Saturday too", "Ann", "Mrs Chen, home Saturday and Weekdays", None),
        ("周一找周一鸣，或一鸣", "李明", "隔壁周一鸣，周一在家", "周一找…，或…"),
        ("白天找白天宇", "李明", "对面白天宇，白天在家", "白天找…"),
        ("晚上找王阿姨或陈红", "李明", "王阿姨，晚上在家；陈红，下午在家", "晚上找…或…"),
        ("ask June on Monday", "Ann", "Ring June, home Monday", "ask … on Monday"),
        ("国庆节后", "李明", "隔壁陈阿姨，国庆节不在", None),
        ("下午都可以，晚饭后也行", "李明", "邻居，下午都可以，晚饭后也行", None),
        ("国庆节后，找国庆", "李明", "隔壁张国庆，国庆节不在", "…节后，找…"),
        ("先问何平", "李明", "找任何平，任何时候", "先问…"),
        ("after lunch, either day", "Ann", "The shop, either day after lunch", None),
    ],
)
def test_who_passes_things_on_and_names_of_every_script_are_taken_out(
    told: str, name: str, neighbour: str, shown: str | None
) -> None:
    assert blotted(told, "CN", name, None, "", None, neighbour) == (shown or told)


def test_the_number_of_who_asks_is_not_on_the_board(a: Builders, browser: Browser) -> None:
    team = a.team()
    a.service_request(team=team, phone="+8675582345678", preferred_time="周二，打82345678")

    page = browser.sign_in(a.volunteer(team)).open("/board")

    assert "周二，打…" in page.text
    assert "82345678" not in page.html


@pytest.mark.parametrize("status", [Status.PARKED, Status.RESOLVED, Status.CLOSED, Status.ACCEPTED])
def test_what_takes_no_claims_is_not_on_the_board(
    a: Builders, browser: Browser, status: Status
) -> None:
    team = a.team()
    a.service_request(team=team, status=status)

    assert NOTHING in browser.sign_in(a.volunteer(team)).open("/board").text


def test_full_tasks_and_my_own_are_not_on_the_board(a: Builders, browser: Browser) -> None:
    team = a.team()
    me = a.volunteer(team)
    a.service_request(team=team, claimed_by=[a.volunteer(team)])
    a.service_request(team=team, claimed_by=[me], volunteers_needed=2)
    browser.sign_in(me)

    assert NOTHING in browser.open("/board").text


def test_who_is_not_vetted_reads_why_they_cannot_claim(a: Builders, browser: Browser) -> None:
    team = a.team()
    it = task(a, team)
    browser.sign_in(a.volunteer(team, is_vetted=False))

    page = browser.open("/board")

    assert "Your team leader has to confirm your registration first." in page.text
    assert f"/requests/{it.id}/claim" not in page.html


def test_at_the_claim_limit_the_board_says_so(a: Builders, browser: Browser) -> None:
    a.organisation(claim_limit=1)
    team = a.team()
    me = a.volunteer(team)
    a.service_request(team=team, claimed_by=[me])
    it = task(a, team)
    browser.sign_in(me)

    page = browser.open("/board")

    assert "You hold 1 open task (at most 1)." in page.text
    assert "You hold as many open claims as one person may." in page.text
    assert f"/requests/{it.id}/claim" not in page.html


def test_filters_live_in_the_address(a: Builders, browser: Browser) -> None:
    team = a.team()
    area, plumbing, reading = a.area(), a.category(), a.category()
    here = a.service_request(team=team, area=area, category=plumbing)
    there = a.service_request(team=team, category=reading)
    browser.sign_in(a.volunteer(team))
    browser.open("/board")
    browser.click("Choose filters")

    page = browser.send(area=area.id)

    assert page.query["area"] == [str(area.id)]
    assert f"/requests/{here.id}/claim" in page.html
    assert f"/requests/{there.id}/claim" not in page.html
    assert f"/requests/{there.id}/claim" in browser.open(f"/board?category={reading.id}").html
    both = browser.open(f"/board?category={reading.id}&area={area.id}")
    assert "Nothing fits these filters" in both.text


@pytest.mark.parametrize(
    "query",
    [
        "mark=rubbish",
        "mark=WyI-IiwgWyJ4IiwgInkiXV0",
        "area=99999999999999999999",
        "area=-1",
        "area=x",
        "category=99999999999",
        "category=&area=",
    ],
)
def test_a_made_up_address_shows_a_page(a: Builders, browser: Browser, query: str) -> None:
    team = a.team()
    task(a, team)
    browser.sign_in(a.volunteer(team))

    browser.open(f"/board?{query}")


def test_a_request_that_never_was_cannot_be_claimed_or_released(
    a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.volunteer())
    browser.open("/board")
    token = browser.page.form("csrf_token").values()["csrf_token"]

    for number in (0, 4711, 2**31, 2**63, 10**30):
        sent = {"csrf_token": token}
        assert browser.request("POST", f"/requests/{number}/claim", data=sent).status_code == 404
        assert browser.request("GET", f"/requests/{number}/release").status_code == 404


def test_long_boards_have_pages(a: Builders, browser: Browser) -> None:
    team = a.team()
    for _ in range(21):
        a.service_request(team=team)
    browser.sign_in(a.volunteer(team))
    first = browser.open("/board").html.count("/claim")

    browser.click("Next page")

    assert (first, browser.page.html.count("/claim")) == (20, 1)


def test_more_tasks_ask_no_more_of_the_database(
    a: Builders,
    browser: Browser,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    a.organisation(claim_limit=100)
    team = a.team()
    me = a.volunteer(team)
    browser.sign_in(me)
    counts = []
    for _ in range(2):
        for _ in range(3):
            task(a, team)
            own = a.service_request(
                team=team, claimed_by=[me, a.volunteer(team)], category=a.category()
            )
            a.planned_visit(own, by=me)
            a.service_request(team=team, claimed_by=[me], status=Status.CLOSED)
        counts.append([count_queries(partial(browser.open, path)) for path in ("/board", "/mine")])

    assert counts[0] == counts[1]


# ---------------------------------------------------------------- taking a place


def test_one_tap_claims_signs_for_it_and_leads_to_the_request(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    it = a.service_request(team=team, requester_name="王秀兰", need="阳台漏水")
    me = a.volunteer(team)
    browser.sign_in(me).open("/board")

    page = browser.send(press=claim_button(browser))

    assert page.path == f"/requests/{it.id}"
    assert "It is yours." in page.text
    assert "阳台漏水" in page.text
    after = now_of(it)
    assert after.status is Status.IN_PROGRESS
    assert after.signed_for_at == a.now
    assert after.claimant_ids == {me.id}


def test_tapping_twice_takes_one_place(a: Builders, browser: Browser) -> None:
    team = a.team()
    it = task(a, team, places=3)
    browser.sign_in(a.volunteer(team)).open("/board")
    form = browser.page.form(press=claim_button(browser))
    for _ in range(2):
        answer = browser.request("POST", form.action, data=form.values())
        assert answer.status_code == 303

    assert now_of(it).places_taken == 1
    assert len(list(db.session.scalars(select(Claim)))) == 1


def test_who_loses_the_last_place_is_told_and_sees_the_other_tasks(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    it = task(a, team, places=1)
    browser.sign_in(a.volunteer(team)).open("/board")
    a.claim(it, a.volunteer(team))

    page = browser.send(press=claim_button(browser))

    assert page.path == "/board"
    assert "somebody was a moment faster" in page.text
    assert now_of(it).places_taken == 1


def test_a_task_of_a_team_that_is_not_mine_is_not_there(a: Builders, browser: Browser) -> None:
    it = a.service_request(team=a.team())
    browser.sign_in(a.volunteer())
    token = browser.open("/board").form("csrf_token").values()["csrf_token"]

    answer = browser.request("POST", f"/requests/{it.id}/claim", data={"csrf_token": token})

    assert answer.status_code == 404
    assert now_of(it).places_taken == 0


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.SUPERVISOR, Role.AUDITOR])
def test_the_board_is_for_those_who_volunteer(a: Builders, browser: Browser, role: Role) -> None:
    browser.sign_in(a.holder(role)).open("/board", status=403)
    browser.open("/mine", status=403)


# ---------------------------------------------------------------- giving it back


def test_releasing_needs_a_reason(a: Builders, browser: Browser) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])
    browser.sign_in(me)

    for reason in ("", "   "):
        page = browser.send(f"/requests/{it.id}/release", reason=reason)
        assert "so that the team leader can find somebody else" in page.errors["reason"]
    assert now_of(it).places_taken == 1


def test_releasing_frees_the_place_for_others(a: Builders, browser: Browser) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])
    browser.sign_in(me).open("/mine")

    browser.click("Release")
    page = browser.send(reason="我出差了")

    assert page.path == "/mine"
    assert "The place is free again" in page.text
    assert now_of(it).places_taken == 0
    assert f"/requests/{it.id}/claim" in browser.open("/board").html


def test_what_is_released_twice_is_released_once_and_then_there_is_nothing_to_release(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])
    page = browser.sign_in(me).open(f"/requests/{it.id}/release")
    sent = {**page.form("reason").values(), "reason": "出差"}
    statuses = [browser.request("POST", page.path, data=sent).status_code for _ in range(2)]

    assert statuses == [303, 303]
    assert now_of(it).places_taken == 0
    opened_anew = {**sent, "once_key": "k" * 32}
    assert browser.request("POST", page.path, data=opened_anew).status_code == 404


def test_a_team_leader_gives_back_somebody_elses_place(a: Builders, browser: Browser) -> None:
    team = a.team()
    one, two = a.volunteer(team), a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[one, two])
    browser.sign_in(a.team_leader(team))

    page = browser.send(f"/requests/{it.id}/release", person_id=two.id, reason="他病了")

    assert page.path == f"/requests/{it.id}"
    assert now_of(it).claimant_ids == {one.id}


def test_who_leads_a_team_that_helps_gives_back_the_places_of_its_own(
    a: Builders, browser: Browser
) -> None:
    lead, helping = a.team(), a.team()
    theirs, ours = a.volunteer(lead, name="林小雨"), a.volunteer(helping, name="赵一鸣")
    it = a.service_request(team=lead, helping_teams=[helping], claimed_by=[theirs, ours])
    page = browser.sign_in(a.team_leader(helping)).open(f"/requests/{it.id}/release")
    assert "林小雨" not in page.text

    sent = {**page.form("reason").values(), "reason": "x"}
    browser.request("POST", page.path, data=sent | {"person_id": str(theirs.id)})
    assert now_of(it).claimant_ids == {theirs.id, ours.id}
    browser.request("POST", page.path, data=sent | {"person_id": str(ours.id)})
    assert now_of(it).claimant_ids == {theirs.id}


def test_a_volunteer_cannot_give_back_somebody_elses_place(a: Builders, browser: Browser) -> None:
    team = a.team()
    one, two = a.volunteer(team), a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[one, two])
    page = browser.sign_in(one).open(f"/requests/{it.id}/release")
    assert two.name not in page.text

    sent = {**page.form("reason").values(), "reason": "x", "person_id": str(two.id)}
    browser.request("POST", page.path, data=sent)

    assert now_of(it).claimant_ids == {one.id, two.id}


# ---------------------------------------------------------------- my tasks


def test_my_tasks_show_the_next_visit_and_who_else_goes(a: Builders, browser: Browser) -> None:
    team = a.team()
    me, other = a.volunteer(team), a.volunteer(team, name="林小雨")
    it = a.service_request(team=team, claimed_by=[me, other])
    a.planned_visit(it, by=me)
    a.planned_visit(it, by=me, planned_from=a.now + timedelta(days=3))

    page = browser.sign_in(me).open("/mine")

    assert "Next visit Thu 12 Mar 2026, 10:00" in page.text
    assert "Together with 林小雨" in page.text
    browser.click("Record the visit")
    assert browser.page.path.startswith(f"/requests/{it.id}/visits/")


def test_the_number_to_call_is_one_tap_away_and_the_look_is_logged(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me], phone="+8613812345678")
    page = browser.sign_in(me).open("/mine")
    assert "13812345678" not in page.html
    [button] = [name for name in page.buttons if name.startswith("Show contact")]

    page = browser.send(press=button)

    assert page.link("138 1234 5678") == "tel:+8613812345678"
    [look] = db.session.scalars(select(ContactLook))
    assert (look.service_request_id, look.person_id) == (it.id, me.id)


def test_my_tasks_show_the_thanks_for_what_is_finished(a: Builders, browser: Browser) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me], status=Status.RESOLVED)
    with transaction():
        answers.confirm(
            db.session.get_one(ServiceRequest, it.id),
            solved=Solved.YES,
            satisfaction=5,
            word="谢谢小伙子!",
            actor=resident(it.id),
            now=a.now,
        )

    page = browser.sign_in(me).open("/mine")

    assert "You hold no open task" in page.text
    assert "谢谢小伙子!" in page.text


def test_who_has_left_the_team_reads_no_thanks_for_it(a: Builders, browser: Browser) -> None:
    team, other = a.team(), a.team()
    me = a.volunteer(team)
    place = a.membership(other, me)
    mine = [
        a.service_request(team=each, claimed_by=[me], status=Status.RESOLVED)
        for each in (team, other)
    ]
    for it in mine:
        with transaction():
            answers.confirm(
                db.session.get_one(ServiceRequest, it.id),
                solved=Solved.YES,
                satisfaction=5,
                word=f"谢谢{it.reference}",
                actor=resident(it.id),
                now=a.now,
            )
    with transaction():
        db.session.merge(place).ended_at = a.now

    page = browser.sign_in(me).open("/mine")

    assert [f"谢谢{it.reference}" in page.text for it in mine] == [True, False]


def test_what_was_reopened_keeps_no_thanks_of_before_out_of_my_open_tasks(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me], status=Status.RESOLVED)
    clock.shift(timedelta(days=1))
    with transaction():
        answers.dispute(
            db.session.get_one(ServiceRequest, it.id),
            reason="又漏了",
            actor=resident(it.id),
            now=a.now + timedelta(days=1),
        )

    page = browser.sign_in(me).open("/mine")

    assert "Plan a visit" in page.text
    assert "What came of the others" not in page.text


# ---------------------------------------------------------------- below


def claim_button(browser: Browser) -> str:
    """Return the name of the first button that claims."""
    return next(name for name in browser.page.buttons if name.startswith("Claim"))


def test_what_has_no_due_time_comes_last_among_ones_tasks(a: Builders, browser: Browser) -> None:
    team = a.team()
    me = a.volunteer(team)
    parked = a.service_request(team=team, claimed_by=[me], at=a.now - timedelta(days=9))
    with transaction():
        db.session.merge(parked).due_at = None
    running = a.service_request(team=team, claimed_by=[me])

    links = [link.href for link in browser.sign_in(me).open("/mine").links]

    assert links.index(f"/requests/{running.id}") < links.index(f"/requests/{parked.id}")


def test_many_tasks_of_mine_have_pages(a: Builders) -> None:
    team = a.team()
    volunteer = a.volunteer(team)
    for days in (3, None, 1):
        it = a.service_request(team=team)
        a.claim(it, volunteer)
        with transaction():
            db.session.get_one(ServiceRequest, it.id).due_at = (
                a.now + timedelta(days=days) if days else None
            )
    actor = a.actor(volunteer)

    first = board.own_tasks(actor, size=2)
    second = board.own_tasks(actor, mark=first.next_mark, size=2)
    back = board.own_tasks(actor, mark=second.previous_mark, size=2)

    dues = [task.service_request.due_at for task in (*first.rows, *second.rows)]
    assert dues == [a.now + timedelta(days=1), a.now + timedelta(days=3), None]
    assert [task.service_request.id for task in back.rows] == [
        task.service_request.id for task in first.rows
    ]
