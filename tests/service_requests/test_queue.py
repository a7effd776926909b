"""The desk's list: who sees what, in which order, and how it is found again."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from http import HTTPStatus

import pytest
from time_machine import Traveller

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.desk import listed
from tests.support.page import Page
from tracker.database import db, transaction
from tracker.permissions import Role
from tracker.service_requests import lines, narrow, queue
from tracker.service_requests.actions import approvals, handling
from tracker.service_requests.lifecycle import Priority, Status
from tracker.service_requests.models import ApprovalKind, HelpingTeam

pytestmark = pytest.mark.both_databases


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


def test_what_has_no_due_time_stands_behind_what_has_one(a: Builders, browser: Browser) -> None:
    imported = a.service_request(status=Status.ASSIGNED, at=a.now - timedelta(days=90))
    with transaction():
        held = db.session.merge(imported)
        held.due_at = held.near_at = None
    urgent = a.service_request(status=Status.ACCEPTED)
    new = a.service_request()
    done = a.service_request(status=Status.RESOLVED)
    browser.sign_in(a.coordinator())

    assert listed(browser) == [each.reference for each in (new, urgent, imported, done)]
    [*_others, row, _done] = browser.page.tables[0]
    assert [row[4][0], row[5]] == ["–", "Assigned"]


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


def test_a_desk_filters_by_every_team_and_leader_that_may_be_given_its_requests(
    a: Builders, browser: Browser
) -> None:
    branch = a.unit()
    repair, leader = a.team(name_en="Repair Team"), a.leader(name="陈主任")
    elsewhere = a.leader(a.unit(), name="周主任")
    given = a.service_request(unit=branch, team=repair, leader=leader)
    a.service_request(unit=branch, team=a.team(branch), leader=a.leader(branch))
    browser.sign_in(a.coordinator(branch))

    fields = browser.open("/queue?filters=open").html

    assert "Repair Team</option>" in fields
    assert "陈主任</option>" in fields
    assert elsewhere.name not in fields
    assert listed(browser, f"/queue?team={repair.id}&leader={leader.id}") == [given.reference]
    assert "Team: Repair Team" in browser.page.text
    assert "Leader: 陈主任" in browser.page.text


def test_what_a_link_filters_by_is_a_chip_even_where_the_reader_is_not_offered_it(
    a: Builders, browser: Browser
) -> None:
    branch = a.unit()
    team, leader = a.team(name_en="Repair Team"), a.leader(name="陈主任")
    unseen = a.leader(name="周主任")
    given = a.service_request(unit=branch, team=team, leader=leader)
    other = a.service_request(unit=branch, team=a.team(branch), leader=a.leader(branch))
    browser.sign_in(a.supervisor(branch))

    assert listed(browser, f"/queue?team={team.id}") == [given.reference]
    assert "Team: Another one" in browser.page.text
    assert listed(browser, f"/queue?leader={leader.id}") == [given.reference]
    assert "Leader: 陈主任" in browser.page.text
    for name, number in (
        ("leader", unseen.id),
        ("leader", 99999),
        ("team", 99999),
        ("unit", 99999),
        ("area", 99999),
        ("category", 99999),
    ):
        assert listed(browser, f"/queue?{name}={number}") == []
        assert "Another one" in browser.page.text
        assert unseen.name not in browser.page.text
    browser.click("Another one")
    assert sorted(listed(browser, browser.page.path)) == sorted([given.reference, other.reference])


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


def numbers(page: Page) -> list[str]:
    """Return what stands on the tabs of a list, from the left."""
    [tabs] = page.find_all("nav", class_="tabs")
    counts = (span for span in tabs.iter("span") if span.get("class") == "count")
    return ["".join(count.itertext()) for count in counts]


@pytest.mark.parametrize("filters", ["", "&due=overdue", "&kind=help", "&team={team}"])
def test_what_is_more_than_a_tab_says_is_counted_for_a_script(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, filters: str
) -> None:
    monkeypatch.setattr(queue, "COUNTED_AT_ONCE", 2)
    long_ago, team = a.now - timedelta(days=60), a.team()
    for _ in range(4):
        a.service_request(status=Status.IN_PROGRESS, team=team, at=long_ago)
    a.service_request(status=Status.PARKED, team=team, at=long_ago)
    browser.sign_in(a.coordinator())
    address = f"/queue?status=in_progress{filters.format(team=team.id)}"

    page = browser.open(address)
    [tabs] = page.find_all("nav", class_="tabs")
    more = Page(browser.request("GET", tabs.get("data-counts", "")))

    parked = "0" if "overdue" in filters else "1"
    together = "2+" if parked == "0" else "3+"
    assert numbers(page) == [together, "0", "0", "0", "2+", "0", parked, "0"]
    assert numbers(more) == [str(4 + int(parked)), "0", "0", "0", "4", "0", parked, "0"]
    assert "counts=" not in "".join(link.href for link in more.links)
    assert not more.find_all("table")
    assert not more.find_all("nav", data_counts=f"{address}&counts=alone")


def test_whose_tabs_say_all_have_no_more_to_count(a: Builders, browser: Browser) -> None:
    a.service_request()
    browser.sign_in(a.coordinator())

    [tabs] = browser.open("/queue").find_all("nav", class_="tabs")

    assert "data-counts" not in tabs.attrib
    browser.sign_in(a.volunteer())
    assert browser.request("GET", "/queue?counts=alone").status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("due", ["overdue", "near"])
def test_what_came_with_a_due_time_and_waits_for_triage_is_found_by_its_clock(
    a: Builders, browser: Browser, due: str
) -> None:
    """As what was imported does; nothing else has one before it is accepted."""
    late, later = a.now - timedelta(days=2), a.now - timedelta(days=1)
    if due == "near":
        late, later = a.now + timedelta(days=1), a.now + timedelta(days=2)
    imported, accepted, other = a.service_request(), a.service_request(status=Status.ACCEPTED), None
    with transaction():
        for it, due_at in ((imported, later), (accepted, late)):
            db.session.merge(it).due_at = due_at
            db.session.merge(it).near_at = a.now - timedelta(days=3)
    other = a.service_request(status=Status.ACCEPTED)
    browser.sign_in(a.coordinator())

    assert listed(browser, f"/queue?due={due}") == [imported.reference, accepted.reference]
    assert listed(browser, f"/queue?due={due}&status=accepted") == [accepted.reference]
    assert listed(browser, f"/queue?due={due}&status=submitted") == [imported.reference]
    assert other.reference in listed(browser)


@pytest.mark.parametrize("due", ["overdue", "near"])
def test_a_clock_filter_is_paged_forwards_and_back(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, due: str
) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    made = [a.service_request(status=Status.ACCEPTED) for _ in range(5)]
    away = -1 if due == "overdue" else 1
    with transaction():
        for number, it in enumerate(made):
            row = db.session.merge(it)
            row.due_at = a.now + away * timedelta(days=10) + timedelta(hours=number)
            row.near_at = a.now - timedelta(days=20)
    a.service_request(status=Status.ACCEPTED)
    a.service_request()
    browser.sign_in(a.coordinator())
    wanted = [it.reference for it in made]

    assert listed(browser, f"/queue?due={due}") == wanted[:2]
    assert listed(browser, click="Next page") == wanted[2:4]
    assert listed(browser, click="Next page") == wanted[4:]
    assert listed(browser, click="Previous page") == wanted[2:4]
    assert listed(browser, click="Previous page") == wanted[:2]


FILTERS: tuple[str, ...] = (
    "team={team}",
    "leader={leader}",
    "area={area}",
    "category={category}",
    "unit={unit}",
    "team={team}&category={category}",
    "leader={leader}&q=路灯",
)


@pytest.mark.parametrize("most", [0, 2, 5, 100])
@pytest.mark.parametrize("filters", FILTERS)
def test_however_few_fit_a_filter_they_are_listed_in_the_same_order(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, filters: str, most: int
) -> None:
    """Few are gathered and sorted, of many the list is read; who looks cannot tell."""
    monkeypatch.setattr(narrow, "MOST", most)
    monkeypatch.setattr(narrow, "MOST_OF_SEVERAL", most)
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    team, leader, unit, category = a.team(), a.leader(), a.unit(), a.category()
    area = a.area(unit=unit)
    wanted = [
        a.service_request(
            status=Status.CLOSED if number % 2 else Status.ASSIGNED,
            team=team if number < 3 else a.team(),
            helping_teams=() if number < 3 else [team],
            leader=leader,
            area=area,
            category=category,
            need="路灯不亮",
            at=a.now - timedelta(minutes=number),
        )
        for number in range(5)
    ]
    a.service_request(team=a.team(), leader=a.leader(), category=a.category())
    browser.sign_in(a.coordinator())
    asked = filters.format(
        team=team.id, leader=leader.id, area=area.id, category=category.id, unit=unit.id
    )

    in_all = listed(browser, f"/queue?status=all&{asked}")
    assert in_all == [it.reference for it in wanted[:2]]
    assert listed(browser, click="Next page") == [it.reference for it in wanted[2:4]]
    assert listed(browser, click="Next page") == [it.reference for it in wanted[4:]]
    assert listed(browser, click="Previous page") == [it.reference for it in wanted[2:4]]
    closed = listed(browser, f"/queue?status=closed&{asked}")
    assert closed == [it.reference for it in wanted if it.status is Status.CLOSED]


def test_a_filter_that_many_fit_is_counted_once(
    a: Builders,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    monkeypatch.setattr(narrow, "MOST", 1)
    monkeypatch.setattr(narrow, "_known_as_wide", narrow.Remembered())
    wide, slim = a.category(), a.category()
    for category in (wide, wide, slim):
        a.service_request(category=category)

    def asked(*ids: int) -> int:
        filters = [narrow.Filter("category_id", (each,)) for each in ids]
        return count_queries(lambda: narrow.narrowest(filters))

    assert [asked(wide.id), asked(wide.id), asked(slim.id), asked(slim.id)] == [1, 0, 1, 1]
