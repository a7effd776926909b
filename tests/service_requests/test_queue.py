"""The desk's list: who sees what, in which order, and how it is found again."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from time_machine import Traveller

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db, read_in_a_transaction, transaction
from tracker.permissions import Role
from tracker.service_requests import lines, queue, search
from tracker.service_requests.actions import approvals, handling
from tracker.service_requests.lifecycle import Priority, Status
from tracker.service_requests.models import ApprovalKind, HelpingTeam, ServiceRequest
from tracker.service_requests.reference import format_reference
from tracker.web import paging


def listed(browser: Browser, address: str = "/queue", *, click: str = "") -> list[str]:
    """Return the references in the list, from the top."""
    page = browser.click(click) if click else browser.open(address)
    return [
        "".join(c for c in line if c.isdigit())[:10]
        for line in ((head.findtext("span") or "") for head in page.find_all("th", scope="row"))
    ]


def test_a_team_is_asked_for_with_what_it_helps_with_open_closed_and_reopened(
    a: Builders, browser: Browser
) -> None:
    lead, helping = a.team(), a.team()
    it = a.service_request(team=lead, helping_teams=[helping], status=Status.CLOSED)
    browser.sign_in(a.coordinator())

    assert listed(browser, f"/queue?status=closed&team={helping.id}") == [it.reference]
    assert listed(browser, f"/queue?status=all&team={helping.id}") == [it.reference]
    assert listed(browser, f"/queue?team={helping.id}") == []

    reopening = a.approval(it, ApprovalKind.REOPENING)
    with transaction():
        approvals.decide(
            reopening, granted=True, note="再看一次", actor=a.actor(a.supervisor()), now=a.now
        )

    assert listed(browser, f"/queue?status=closed&team={helping.id}") == []
    assert listed(browser, f"/queue?team={helping.id}") == [it.reference]


def test_the_tabs_count_what_a_team_leads_and_what_it_helps_with_once(
    a: Builders, browser: Browser
) -> None:
    team, other, category = a.team(), a.team(), a.category()
    assigned = partial(a.service_request, status=Status.ASSIGNED)
    assigned(team=team)
    assigned(team=team, category=category)
    assigned(team=other, helping_teams=[team])
    assigned(team=other, helping_teams=[team], category=category)
    assigned(team=other)
    a.service_request(team=team, status=Status.IN_PROGRESS)
    a.service_request(team=other, helping_teams=[team], status=Status.CLOSED)
    unled = a.service_request(status=Status.ACCEPTED)
    both = assigned(team=team)
    with transaction():  # as a change of the lead team to one that helped leaves them
        db.session.add(HelpingTeam(service_request_id=unled.id, team_id=team.id))
        db.session.add(HelpingTeam(service_request_id=both.id, team_id=team.id))
    browser.sign_in(a.coordinator())

    def counted(address: str) -> list[str]:
        texts = [link.text.replace(" ", "") for link in browser.open(address).links]
        tabs = ("Open", "Toassign", "Tosignfor", "Inprogress", "Toaccept")
        return [text for text in texts if text.rstrip("0123456789") in tabs]

    everywhere = ["Open7", "Toaccept0", "Toassign1", "Tosignfor5", "Inprogress1"]
    assert counted(f"/queue?team={team.id}") == everywhere
    assert counted(f"/queue?team={team.id}&status=closed") == everywhere
    of_a_kind = counted(f"/queue?team={team.id}&category={category.id}")
    assert of_a_kind == ["Open2", "Toaccept0", "Toassign0", "Tosignfor2", "Inprogress0"]
    assert len(listed(browser, f"/queue?team={team.id}")) == 7


def test_what_is_set_up_while_a_page_is_read_is_called_by_its_name(
    a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = a.team(name="后来的队")
    it = a.service_request(team=team, status=Status.ASSIGNED)
    known = lines._read_names()
    monkeypatch.setattr(lines, "_names", lambda: known._replace(teams={}))

    (line,) = lines.of([it.id])

    assert line.team is not None
    assert line.team.name == "后来的队"


def test_what_waits_for_triage_comes_first_and_then_what_is_due(
    a: Builders, browser: Browser
) -> None:
    earlier = a.now - timedelta(days=3)
    complex_one = a.service_request(status=Status.ACCEPTED, priority=Priority.COMPLEX, at=earlier)
    normal = a.service_request(status=Status.ACCEPTED, at=earlier)
    waiting = a.service_request(status=Status.WAITING, at=earlier)
    resolved = a.service_request(status=Status.RESOLVED, at=earlier)
    newer = a.service_request()
    older = a.service_request(at=a.now - timedelta(hours=1))
    a.service_request(status=Status.CLOSED)

    browser.sign_in(a.coordinator())

    assert listed(browser) == [
        one.reference for one in (older, newer, normal, complex_one, waiting, resolved)
    ]


def test_a_long_list_is_paged_forwards_and_back(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    statuses = (Status.SUBMITTED, Status.ACCEPTED, Status.ASSIGNED, Status.WAITING, Status.RESOLVED)
    made = [a.service_request(status=status).reference for status in statuses]
    browser.sign_in(a.coordinator())

    first = listed(browser)
    second = listed(browser, click="Next page")
    third = listed(browser, click="Next page")
    back = listed(browser, click="Previous page")

    assert first + second + third == made
    assert back == second


def test_closed_ones_come_newest_first(a: Builders, browser: Browser) -> None:
    old = a.service_request(status=Status.CLOSED, at=a.now - timedelta(days=9))
    new = a.service_request(status=Status.CLOSED)
    browser.sign_in(a.coordinator())

    assert listed(browser, "/queue?status=closed") == [new.reference, old.reference]


def test_a_desk_sees_its_own_units_and_those_below(a: Builders, browser: Browser) -> None:
    branch = a.unit()
    station = a.unit(parent=branch)
    a.service_request(unit=a.unit())
    here = a.service_request(unit=branch)
    below = a.service_request(unit=station)

    browser.sign_in(a.coordinator(branch))

    assert listed(browser) == [here.reference, below.reference]


@pytest.mark.parametrize("role", Role)
def test_each_role_sees_what_the_matrix_says(a: Builders, browser: Browser, role: Role) -> None:
    team, leader = a.team(), a.leader()
    own = a.service_request(team=team, leader=leader).reference
    other = a.service_request(team=a.team(), leader=a.leader()).reference
    people = {
        Role.VOLUNTEER: lambda: a.volunteer(team),
        Role.TEAM_LEADER: lambda: a.team_leader(team),
        Role.LEADER: lambda: leader,
    }
    if role is Role.RESIDENT:
        assert browser.open("/queue").path == "/sign-in"
        return
    browser.sign_in(people.get(role, lambda: a.holder(role))())
    if role in (Role.VOLUNTEER, Role.ADMINISTRATOR):
        browser.open("/queue", status=403)
        return

    seen = listed(browser)

    sees_all = role in (Role.COORDINATOR, Role.SUPERVISOR, Role.AUDITOR)
    assert sorted(seen) == sorted([own, other] if sees_all else [own])


@pytest.mark.parametrize("address", ["", "?status=closed", "?q=路灯", "?status=accepted&q=路灯"])
def test_the_tabs_count_what_waits_in_each_status(
    a: Builders, browser: Browser, address: str
) -> None:
    """What was found on one page counts itself."""
    for each in (Status.SUBMITTED, Status.SUBMITTED, Status.ACCEPTED, Status.CLOSED):
        a.service_request(status=each, need="路灯不亮")
    browser.sign_in(a.coordinator())

    page = browser.open(f"/queue{address}")

    texts = [link.text.replace(" ", "") for link in page.links]
    assert "Open3" in texts
    assert "Toaccept2" in texts
    assert "Toassign1" in texts
    assert "Closed" in texts


@pytest.mark.parametrize("words", ["", "路灯"])
def test_behind_the_end_of_a_list_its_beginning_is_shown(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    here, elsewhere = a.unit(), a.unit()
    made = [a.service_request(unit=here, need="路灯不亮") for _ in range(3)]
    browser.sign_in(a.coordinator())
    address = f"/queue?status=open&unit={here.id}&q={words}"
    first = listed(browser, address)
    behind = f"/queue{browser.page.link('Next page')}"
    [last] = listed(browser, behind)
    with transaction():
        next(it for it in made if it.reference == last).unit = elsewhere

    assert listed(browser, behind) == first
    assert "Open2" in [link.text.replace(" ", "") for link in browser.page.links]


def test_a_frequent_word_is_not_looked_for_where_there_is_nothing(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    a.service_request(unit=a.unit(), need="路灯不亮")
    empty = a.unit()
    monkeypatch.setattr(search, "are_few", lambda _words: False)
    asked: list[Sequence[int]] = []

    def matching(_words: str, ids: Sequence[int]) -> frozenset[int]:
        asked.append(ids)
        return frozenset()

    monkeypatch.setattr(search, "matching", matching)
    browser.sign_in(a.coordinator())

    assert listed(browser, f"/queue?unit={empty.id}&q=路灯") == []
    assert asked == []


def test_two_chinese_characters_find_a_request(a: Builders, browser: Browser) -> None:
    found = a.service_request(need="老人家里的水龙头坏了")
    a.service_request(need="The street lamp is out")
    browser.sign_in(a.coordinator())

    assert listed(browser, "/queue?q=龙头") == [found.reference]
    assert listed(browser, "/queue?q=lamp") != [found.reference]


def test_what_has_no_due_time_stands_behind_what_has_one(a: Builders, browser: Browser) -> None:
    imported = a.service_request(status=Status.ASSIGNED, at=a.now - timedelta(days=90))
    with transaction():
        db.session.merge(imported).due_at = None
    urgent = a.service_request(status=Status.ACCEPTED)
    new = a.service_request()
    done = a.service_request(status=Status.RESOLVED)
    browser.sign_in(a.coordinator())

    assert listed(browser) == [each.reference for each in (new, urgent, imported, done)]


def test_what_a_line_shows_finds_it(a: Builders, browser: Browser) -> None:
    group = a.top_category(name="家里的水电气", name_en="At home")
    category = a.category(parent=group, name="燃气安全", name_en="Gas")
    town = a.area(name="溪北片区")
    place = a.area(parent=town, name="柚子社区", name_en="Pomelo")
    leader = a.leader(name="王建平")
    team = a.team(name="水磨坊志愿队")
    found = a.service_request(
        need="灶台打不着火", category=category, area=place, team=team, leader=leader
    )
    a.service_request(need="路灯不亮")
    browser.sign_in(a.coordinator())

    for words in ("燃气", "水电", "柚子", "溪北", "Pomelo", "pomelo gas", "王建平", "水磨坊"):
        assert listed(browser, f"/queue?q={words}") == [found.reference], words
    for words in ("柚子 打不着", "打不着 柚子", "燃气 社区 灶台"):
        assert listed(browser, f"/queue?q={words}") == [found.reference], words
    for words in ("柚子 路灯", "燃气 路灯", "100%", "_"):
        assert listed(browser, f"/queue?q={words.replace('%', '%25')}") == [], words


def test_words_look_through_closed_requests_too(a: Builders, browser: Browser) -> None:
    found = a.service_request(status=Status.CLOSED, need="楼道灯不亮")
    browser.sign_in(a.coordinator())

    assert listed(browser, "/queue?q=楼道") == [found.reference]
    assert listed(browser, "/queue?q=楼道&status=open") == []


def test_a_reference_is_found_however_it_is_written(a: Builders, browser: Browser) -> None:
    found = a.service_request()
    a.service_request()
    browser.sign_in(a.coordinator())

    for written in (found.reference, format_reference(found.reference)):
        assert listed(browser, f"/queue?q={written}") == [found.reference]


def test_a_phone_number_is_found_by_those_who_may_see_numbers(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    found = a.service_request(phone="+8613912345678")
    a.service_request()
    browser.sign_in(a.coordinator())

    assert listed(browser, "/queue?q=139-1234-5678") == [found.reference]
    assert listed(new_browser().sign_in(a.auditor()), "/queue?q=139-1234-5678") == []


def test_no_contact_data_stands_in_the_list(a: Builders, browser: Browser) -> None:
    a.service_request(requester_name="王小明", phone="+8613912345678", address="幸福路8号3单元")
    browser.sign_in(a.coordinator())

    text = browser.open("/queue").text

    assert "王小明" not in text
    assert "13912345678" not in text.replace(" ", "")
    assert "3单元" not in text


@pytest.mark.parametrize("tab", ["open", "all"])
def test_every_filter_narrows_the_list_and_stands_as_a_chip(
    a: Builders, browser: Browser, tab: str
) -> None:
    street = a.area(name_en="Harbour Street")
    grid = a.area(parent=street)
    team, leader = a.team(), a.leader(name="陈主任")
    category = a.category()
    wanted = a.service_request(
        team=team,
        leader=leader,
        area=grid,
        category=category,
        priority=Priority.URGENT,
        channel="counter",
        kind="complaint",
    )
    a.service_request(team=a.team(), at=a.now - timedelta(days=2))
    browser.sign_in(a.coordinator())

    for query in (
        f"team={team.id}",
        f"leader={leader.id}",
        f"area={street.id}",
        f"category={category.id}",
        f"category={category.parent_id}",
        "priority=urgent",
        "channel=counter",
        "kind=complaint",
        f"from={a.now.date()}",
    ):
        found = listed(browser, f"/queue?status={tab}&{query}")
        assert found == [wanted.reference], query
        assert any("remove" in link.text for link in browser.page.links), query


def test_what_was_overdue_stays_so_behind_a_question(a: Builders, browser: Browser) -> None:
    team = a.team()
    leader = a.actor(a.team_leader(team))
    late = a.service_request(
        status=Status.IN_PROGRESS, team=team, at=a.now - timedelta(days=40), category=a.any_category
    )
    with transaction():
        handling.ask_requester(late, question="嗯?", actor=leader, now=a.now)
    in_time = a.service_request(status=Status.WAITING, team=team)
    browser.sign_in(a.coordinator())

    assert listed(browser, "/queue?due=overdue") == [late.reference]
    assert "Overdue" in browser.page.text
    assert listed(browser, "/queue?due=stopped") == [in_time.reference]


def test_overdue_and_near_ones_are_found(a: Builders, browser: Browser, clock: Traveller) -> None:
    late = a.service_request(status=Status.ACCEPTED, priority=Priority.URGENT)
    a.service_request(status=Status.SUBMITTED)
    fine = a.service_request(status=Status.ACCEPTED, priority=Priority.COMPLEX)
    browser.sign_in(a.coordinator())

    clock.shift(timedelta(hours=20))
    assert listed(browser, "/queue?due=near") == [late.reference]
    clock.shift(timedelta(hours=6))
    assert listed(browser, "/queue?due=overdue") == [late.reference]
    assert "Overdue" in browser.page.text
    assert fine.reference not in listed(browser, "/queue?due=near")


def test_mine_are_those_i_answer_for(a: Builders, browser: Browser) -> None:
    person = a.coordinator()
    a.grant(person, Role.LEADER)
    own = a.service_request(leader=person)
    a.service_request(leader=a.leader())
    browser.sign_in(person)

    assert len(listed(browser)) == 2
    assert listed(browser, "/queue?mine=1") == [own.reference]


@pytest.mark.parametrize(
    "query",
    [
        "unit=x",
        "area=99999999999999999999",
        "from=2026-99-99",
        "to=9999-12-31",
        "status=nothing",
        "due=done",
        "mark=nonsense",
        "priority=",
    ],
)
def test_an_address_that_cannot_be_read_shows_the_whole_list(
    a: Builders, browser: Browser, query: str
) -> None:
    made = a.service_request()
    browser.sign_in(a.coordinator())

    expected = [made.reference]
    assert listed(browser, f"/queue?{query}") == expected


def test_the_list_takes_no_more_queries_for_more_rows(
    a: Builders, browser: Browser, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    browser.sign_in(a.coordinator())

    def make() -> None:
        area = a.area(unit=a.unit())
        a.service_request(area=area, team=a.team(), leader=a.leader(), category=a.category())

    make()
    few = count_queries(lambda: browser.open("/queue"))
    for _ in range(8):
        make()

    assert count_queries(lambda: browser.open("/queue")) == few


def test_an_empty_queue_says_so(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.coordinator())

    assert "Nothing waits here" in browser.open("/queue").text
    assert "Nothing fits these filters" in browser.open("/queue?priority=urgent").text


def test_who_left_a_number_and_no_name_is_not_anonymous(a: Builders, browser: Browser) -> None:
    a.service_request(phone="+8613800138000", requester_name="")
    browser.sign_in(a.coordinator())

    text = browser.open("/queue").text

    assert "No name given" in text
    assert "Anonymous" not in text


@pytest.mark.parametrize("words", ["刘桂兰", "刘桂", "站前大道136号", "136", "站前", "李秀英"])
def test_what_is_masked_is_not_found(a: Builders, browser: Browser, words: str) -> None:
    it = a.service_request(
        status=Status.IN_PROGRESS,
        need="水管漏水",
        address="站前大道136号",
        requester_name="刘桂兰",
        beneficiary_name="李秀英",
    )
    reference = format_reference(it.reference)

    browser.sign_in(a.auditor())
    assert reference not in browser.open(f"/queue?status=all&q={words}").text
    assert reference in browser.open("/queue?status=all&q=水管").text
    # Nor behind so many words that no more are asked for: a right and a wrong one tell the same.
    behind = "/queue?status=all&q=" + "水管 " * 8
    told = [reference in browser.open(behind + last).text for last in (words, "无此人")]
    assert told[0] == told[1]
    browser.sign_in(a.coordinator())
    assert reference in browser.open(f"/queue?status=all&q={words}").text


@pytest.mark.parametrize(
    "part",
    [
        lambda it: it.reference[-4:],
        lambda it: it.reference[4:],
        lambda it: f"{it.reference[3:6]}-{it.reference[6:]}",
    ],
)
def test_the_end_of_a_reference_is_found(
    a: Builders, browser: Browser, part: Callable[[ServiceRequest], str]
) -> None:
    made = a.service_request()
    others = [a.service_request() for _ in range(3)]
    browser.sign_in(a.auditor())

    found = listed(browser, f"/queue?status=all&q={part(made)}")

    ends = part(made).replace("-", "")
    assert found == [one.reference for one in [made, *others] if one.reference.endswith(ends)]


@pytest.mark.parametrize("words", ["5678", "345678", "1234 5678", "５６７８"])
def test_the_end_of_a_phone_number_is_found_by_those_who_may_see_numbers(
    a: Builders, browser: Browser, words: str
) -> None:
    called = a.service_request(phone="+8613812345678")
    a.service_request(phone="+8613812345679")
    address = f"/queue?status=all&q={words}"

    assert listed(browser.sign_in(a.coordinator()), address) == [called.reference]
    assert listed(browser.sign_in(a.auditor()), address) == []


def test_the_end_of_a_number_is_found_among_many_that_contain_it_as_a_word(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_OF_FEW", 1)
    called = a.service_request(need="水管漏水", phone="+8613812345678")
    written = [a.service_request(need="门牌 5678 的路灯") for _ in range(3)]
    browser.sign_in(a.coordinator())

    found = listed(browser, "/queue?status=all&q=5678")

    assert set(found) == {one.reference for one in [called, *written]}


def test_the_end_of_a_number_is_found_beside_a_name_that_contains_it(
    a: Builders, browser: Browser
) -> None:
    called = a.service_request(phone="+8613812345678")
    named = a.service_request(unit=a.unit(name="5678 热线"))
    browser.sign_in(a.coordinator())

    found = listed(browser, "/queue?status=all&q=5678")

    assert set(found) == {called.reference, named.reference}


@pytest.mark.parametrize("column", ["reference", "phone"])
def test_ends_of_numbers_are_looked_up_in_an_index(a: Builders, column: str) -> None:
    a.service_request()
    [by_reference, by_phone] = queue._by_its_end("5678", a.actor(a.coordinator()))
    asked = by_reference if column == "reference" else by_phone
    bind = db.session.get_bind()
    is_sqlite = bind.dialect.name == "sqlite"
    if not is_sqlite:  # so few rows are read as they lie, unless that costs more
        read_in_a_transaction()
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
    dialect = bind.dialect
    statement = asked.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    explain = text(f"{'EXPLAIN QUERY PLAN' if is_sqlite else 'EXPLAIN'} {statement}")

    plan = " ".join(str(row) for row in db.session.execute(explain))

    assert f"{column}_end" in plan


@pytest.mark.parametrize(("role", "phone"), [(Role.COORDINATOR, True), (Role.AUDITOR, False)])
def test_an_empty_search_says_what_can_be_looked_for(
    a: Builders, browser: Browser, role: Role, *, phone: bool
) -> None:
    browser.sign_in(a.holder(role))

    page = browser.open("/queue?q=nowhere&status=closed")

    assert "Nothing was found for “nowhere”" in page.text
    assert "last four digits" in page.text
    assert ("phone number, whole" in page.text) is phone
    assert browser.click("Look in all requests").query == {"q": ["nowhere"], "status": ["all"]}
    assert "Clear the search" in browser.page.text


@pytest.mark.parametrize(
    "words", ["302", "ann", "Oh", "Ann Oh", "ann-oh", "Foo", "３０２", "Thị", "Thi", "מים"]
)
def test_a_part_of_a_word_in_the_open_finds_no_masked_word(
    a: Builders, browser: Browser, words: str
) -> None:
    it = a.service_request(
        need="please fix 91302745 boxes, annul the ohm; 修ABC门 (no. 7), １３０２, Thịnh, Thi\u0323nh, המים",
        requester_name="Ann Oh",
        address="302 Foo Road Thị מים",
    )
    reference = format_reference(it.reference)

    browser.sign_in(a.auditor())
    assert reference not in browser.open(f"/queue?status=all&q={words}").text
    for whole in (
        "91302745",
        "ANNUL",
        "ohm",
        "修",
        "abc门",
        "ABC",
        "please boxes",
        "7",
        "１３０２",
        "thịnh",
    ):
        assert reference in browser.open(f"/queue?status=all&q={whole}").text, whole
    browser.sign_in(a.coordinator())
    assert reference in browser.open(f"/queue?status=all&q={words}").text


@pytest.mark.parametrize("words", ["刘桂兰", "站前大道136号", "13800138000"])
@pytest.mark.parametrize("who", ["team leader", "leader"])
def test_once_it_is_closed_its_people_are_found_by_the_desk_alone(
    a: Builders, browser: Browser, who: str, words: str
) -> None:
    team, leader = a.team(), a.leader()
    reader = leader if who == "leader" else a.team_leader(team)
    given: dict[str, Any] = {
        "team": team,
        "leader": leader,
        "address": "站前大道136号",
        "phone": "+8613800138000",
    }
    being_done, done = [
        format_reference(
            a.service_request(status=status, requester_name="刘桂兰", **given).reference
        )
        for status in (Status.IN_PROGRESS, Status.CLOSED)
    ]
    browser.sign_in(reader)

    found = browser.open(f"/queue?status=all&q={words}").text
    listed = browser.open("/queue?status=all").text

    assert being_done in found
    assert done not in found
    assert done in listed
    browser.sign_in(a.coordinator())
    assert done in browser.open(f"/queue?status=all&q={words}").text


@pytest.mark.parametrize("name", ["_method", "_scheme", "_external", "_anchor", "endpoint", "kept"])
@pytest.mark.parametrize("page", ["/queue", "/figures", "/figures/list"])
def test_what_an_address_gives_is_passed_on_and_means_nothing(
    a: Builders, browser: Browser, page: str, name: str
) -> None:
    a.service_request()
    browser.sign_in(a.coordinator())

    opened = browser.open(f"{page}?{name}=POST")

    assert f"{name}=POST" in opened.html
    assert "POST://" not in opened.html


def test_what_has_no_english_name_is_found_by_its_own(a: Builders, browser: Browser) -> None:
    kind = a.category(name="水管维修", name_en=None)
    it = a.service_request(
        category=kind,
        area=a.area(name="清溪", name_en=None),
        team=a.team(name="突击队", name_en=None),
    )
    a.service_request()
    browser.sign_in(a.coordinator())

    for words in ("水管维修", "清溪", "突击队"):
        assert listed(browser, f"/queue?status=all&q={words}") == [it.reference]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_postgresql_need_not_count_what_is_clearly_many(
    a: Builders,
    monkeypatch: pytest.MonkeyPatch,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    for number in range(60):
        a.service_request(need=f"the clinic is far, {'白天' if number < 2 else '晚上'}")
    db.session.execute(text("ANALYZE service_request_search"))
    assert search.are_few("clinic")  # they are fewer than two thousand
    monkeypatch.setattr(search, "MOST_OF_FEW", 5)
    monkeypatch.setattr(search, "CLEARLY_MANY", 50)
    asked = [count_queries(partial(search.are_few, word)) for word in ("clinic", "白天")]
    assert asked == [1, 2]
    assert [search.are_few(word) for word in ("clinic", "晚上", "白天")] == [False, False, True]


@pytest.mark.parametrize("count", [3, 30, 430])
def test_a_frequent_word_is_found_in_the_order_of_the_list(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Whether the first lines hold enough of them, all there are, or too few."""
    monkeypatch.setattr(search, "MOST_OF_FEW", 1)
    monkeypatch.setattr(paging, "SIFTED", 20)
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    browser.sign_in(a.coordinator())
    made = [
        a.service_request(
            need="the clinic is far" if number % (1 if count == 30 else count) == 0 else "else",
            at=a.now - timedelta(minutes=number),
        )
        for number in range(min(count * 2, 45))
    ]
    wanted = [one.reference for one in made if "clinic" in one.need]

    first = listed(browser, "/queue?status=all&q=clinic")

    assert first == wanted[:2]
    if len(wanted) > 2:
        assert listed(browser, click="Next page") == wanted[2:4]
        assert listed(browser, click="Previous page") == first


def test_a_number_is_found_with_a_space_between_any_two_digits(
    a: Builders, browser: Browser
) -> None:
    it = a.service_request(phone="+8613800138009")
    reference = format_reference(it.reference)
    browser.sign_in(a.coordinator())

    for typed in ("13800138009", it.reference):
        spaced = "+".join(typed)
        assert reference in browser.open(f"/queue?status=all&q={spaced}").text, typed
