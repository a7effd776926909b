"""What the desk looks for is found: words, names, references and telephone numbers."""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Select, text

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.desk import listed
from tracker.database import db, read_in_a_transaction
from tracker.permissions import Role
from tracker.service_requests import queue, search, sought
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.reference import format_reference
from tracker.web import paging

pytestmark = pytest.mark.both_databases


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
    reader = a.actor(a.coordinator())
    number = sought._number("5678", reader)
    [by_reference, by_phone] = number.ids(reader, reads_all=True)
    asked = (by_reference if column == "reference" else by_phone).params(number.given)
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
    assert browser.click("Look in all requests").query["status"] == ["all"]
    assert browser.page.form("q").values()["q"] == ["nowhere"]
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
    again = [count_queries(partial(search.are_few, word)) for word in ("clinic", "白天")]
    assert again == [0, 2]  # what many have, hardly few will have tomorrow
    assert [search.are_few(word) for word in ("clinic", "晚上", "白天")] == [False, False, True]


@pytest.mark.parametrize("count", [3, 30, 430])
def test_a_frequent_word_is_found_in_the_order_of_the_list(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Whether the first lines hold enough of them, all there are, or too few."""
    monkeypatch.setattr(search, "MOST_OF_FEW", 1)
    monkeypatch.setattr(paging, "SIFTED", (5, 20))
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


@pytest.mark.parametrize("words", ["13912345678", "5678"])
@pytest.mark.parametrize("who", ["desk", "leader"])
def test_a_line_that_calls_all_day_is_found_in_the_order_of_the_list(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, words: str, who: str
) -> None:
    monkeypatch.setattr(search, "MOST_OF_FEW", 2)
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    leader = a.leader()
    called = [
        a.service_request(
            phone="+8613912345678", leader=leader, at=a.now - timedelta(minutes=number)
        )
        for number in range(5)
    ]
    a.service_request(phone="+8613912345679", leader=leader)
    written = a.service_request(
        need=f"请回电 {words}", leader=leader, at=a.now - timedelta(minutes=9)
    )
    browser.sign_in(a.coordinator() if who == "desk" else leader)

    first = listed(browser, f"/queue?status=all&q={words}")

    assert first == [one.reference for one in called[:2]]
    assert listed(browser, click="Next page") == [one.reference for one in called[2:4]]
    last = listed(browser, click="Next page")
    assert last == [one.reference for one in (called[4], written)]


def test_searches_for_the_same_kind_of_thing_are_asked_by_the_same_statement(a: Builders) -> None:
    desk = a.actor(a.coordinator())

    def kinds(*typed: str) -> int:
        return len({sought.sought(desk, each) for each in typed})

    assert kinds("13912345678", "139 1234 5679") == 1
    assert kinds("龙头", "lamp", "漏水的龙头") == 1
    assert kinds("5678", "1234") == 1
    assert kinds("13912345678", "5678", "lamp") == 3


@pytest.mark.parametrize(("most", "tabs"), [(2, True), (1, False)])
def test_what_a_number_finds_is_counted_as_long_as_it_is_few(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, most: int, *, tabs: bool
) -> None:
    monkeypatch.setattr(sought, "MOST_CALLS_COUNTED", most)
    for _ in range(2):
        a.service_request(phone="+8613912345678")
    browser.sign_in(a.coordinator())

    [found] = browser.open("/queue?status=submitted&q=13912345678").find_all("nav", class_="tabs")

    assert any(span.get("class") == "count" for span in found.iter("span")) is tabs


def test_a_frequent_word_is_looked_for_among_what_few_fit(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first lines would otherwise be all of the list."""
    monkeypatch.setattr(search, "MOST_OF_FEW", 1)
    sifted: list[str] = []

    def remembered(query: Select[int], sift: Callable[..., Collection[int]]) -> paging.Sieve:
        sifted.append(str(query))
        return paging.Sieve(query, sift)

    monkeypatch.setattr(queue, "Sieve", remembered)
    leader = a.leader()
    found = a.service_request(leader=leader, need="the clinic is far")
    for _ in range(2):
        a.service_request(need="the clinic is far")
    browser.sign_in(a.coordinator())

    assert listed(browser, f"/queue?status=all&leader={leader.id}&q=clinic") == [found.reference]
    [statement] = sifted
    assert "service_request AS one" in statement


def test_words_before_a_number_are_looked_for_with_it(a: Builders, browser: Browser) -> None:
    it = a.service_request(need="水管漏水", phone="+8613812345678")
    browser.sign_in(a.coordinator())

    for told in ("138 1234 5678", "电话：13812345678", "手机号 13812345678", "tel: 138-1234-5678"):
        assert listed(browser, f"/queue?status=all&q={told}") == [it.reference], told
    for words in ("zzzz 13812345678", "水管 13812345678", "13812345678 水管"):
        assert listed(browser, f"/queue?status=all&q={words}") == []
