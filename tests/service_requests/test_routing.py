"""The pages of the rules: an administrator sets them up, tries them, and puts them in force."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.service_requests.lifecycle import Kind, Priority
from tracker.service_requests.routing import queries
from tracker.service_requests.routing.models import RoutingEdition, RoutingRule
from tracker.teams.models import Team


def the_rule() -> RoutingRule:
    db.session.expire_all()
    return db.session.scalars(select(RoutingRule)).one()


def test_a_rule_is_made_tried_and_put_in_force(a: Builders, browser: Browser) -> None:
    team, leader, area = a.team(name_en="Elder Team"), a.leader(), a.area(name_en="North Bank")
    category = a.category(name_en="Elder care")
    a.service_request(category=category, area=area)
    browser.sign_in(a.administrator())

    page = browser.open("/admin/routing/")
    assert "No rule yet" in page.text
    page = browser.send(
        "/admin/routing/new",
        name="北片助老",
        name_en="Elders in the north",
        category_id=category.id,
        area_id=area.id,
        kind="help",
        weekdays=["6", "7"],
        begins_at="18:00",
        ends_at="08:00",
        lead_team_id=team.id,
        leader_id=leader.id,
        priority="urgent",
    )
    assert "Saved, switched off." in page.text
    rule = the_rule()
    assert (rule.category_id, rule.area_id, rule.kind) == (category.id, area.id, Kind.HELP)
    assert (rule.weekdays, rule.channel, rule.is_on) == ("67", None, False)
    assert "Elder care North Bank Help Sat, Sun 18:00–08:00" in page.text
    assert f"Elder Team {leader.name} Urgent" in page.text
    browser.send(f"/admin/routing/{rule.id}", weekdays=[], begins_at="", ends_at="")

    page = browser.send("/admin/routing/", press="Switch on: Elders in the north")
    assert "The draft is not what is in force" in page.text
    assert "not in force yet" in page.text
    page = browser.open("/admin/routing/trial")
    assert "Elders in the north" in page.text
    assert queries.in_force().rules == ()
    page = browser.send(press="Put the draft in force")

    assert page.path == "/admin/routing/"
    assert "In force. The desk's forms propose by these rules from now on." in page.text
    assert [rule.name_en for rule in queries.in_force().rules] == ["Elders in the north"]


def test_what_was_changed_since_it_was_tried_is_shown_anew(
    a: Builders, new_browser: Callable[[], Browser]
) -> None:
    rule = a.routing_rule(priority=Priority.URGENT)
    head = a.administrator()
    one, other = new_browser().sign_in(head), new_browser().sign_in(head)
    one.open("/admin/routing/trial")

    other.send(f"/admin/routing/{rule.id}", priority="complex")
    page = one.send(press="Put the draft in force")

    assert "The rules were changed since this trial." in page.text
    assert page.path == "/admin/routing/trial"
    assert db.session.scalar(select(func.count()).select_from(RoutingEdition)) == 0
    one.send(press="Put the draft in force")
    assert [each.priority for each in queries.in_force().rules] == [Priority.COMPLEX]


def test_who_saves_a_rule_second_is_told_and_chooses(
    a: Builders, new_browser: Callable[[], Browser]
) -> None:
    rule = a.routing_rule(priority=Priority.URGENT)
    head = a.administrator()
    one, other = new_browser().sign_in(head), new_browser().sign_in(head)
    one.open(f"/admin/routing/{rule.id}")
    other.send(f"/admin/routing/{rule.id}", name="Theirs")

    page = one.send(press="Save", priority="complex")

    assert "Somebody changed this since you opened it" in page.text
    one.send(press="Save")
    assert (the_rule().name, the_rule().priority) == ("Theirs", Priority.COMPLEX)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"priority": ""}, "Choose a team, a leader or a priority: a rule gives something."),
        ({"begins_at": "08:00"}, "Enter both times, or neither."),
        ({"ends_at": "08:00"}, "Enter both times, or neither."),
        ({"begins_at": "08:00", "ends_at": "08:00"}, "The two times must differ."),
        ({"name": " "}, "Enter a name."),
    ],
)
def test_what_makes_no_rule_is_said_beside_the_field(
    a: Builders, browser: Browser, typed: dict[str, str], said: str
) -> None:
    browser.sign_in(a.administrator())

    filled = {"name": "夜间", "name_en": "Nights", "priority": "urgent", **typed}
    page = browser.send("/admin/routing/new", fields=filled)

    assert said in page.errors.values()
    assert 'value="Nights"' in page.html
    assert db.session.scalar(select(func.count()).select_from(RoutingRule)) == 0


def test_rules_are_moved_ended_and_taken_up_without_a_script(a: Builders, browser: Browser) -> None:
    one, two = a.routing_rule(name_en="One"), a.routing_rule(name_en="Two")
    browser.sign_in(a.administrator())

    browser.send("/admin/routing/", press="Down: One")
    assert [each.id for each in queries.rules()] == [two.id, one.id]
    assert "Up: Two" not in browser.page.buttons
    browser.send(press="End it: One")
    assert [each.id for each in queries.rules()] == [two.id]
    browser.send("/admin/routing/?ended=1", press="Take up again: One")
    assert [each.id for each in queries.rules()] == [two.id, one.id]


def test_a_broken_rule_says_why(a: Builders, browser: Browser) -> None:
    team = a.team()
    rule = a.routing_rule(lead_team_id=team.id, name_en="Elders")
    with transaction():
        db.session.get_one(Team, team.id).ended_at = a.now
    browser.sign_in(a.administrator())

    for address in ("/admin/routing/", f"/admin/routing/{rule.id}", "/admin/routing/trial"):
        page = browser.open(address)
        assert "Its team has ended." in page.text
        assert "broken" in page.text


def test_a_coordinator_reads_the_rules_and_tries_them_but_changes_nothing(
    a: Builders, browser: Browser
) -> None:
    a.routing_rule(name_en="Elders")
    it = a.service_request()
    browser.sign_in(a.coordinator())

    page = browser.open("/admin/routing/")
    assert "Elders" in page.text
    assert "Switch off: Elders" not in page.buttons
    page = browser.open("/admin/routing/trial")

    assert "Put the draft in force" not in page.buttons
    assert f"/requests/{it.id}" in [link.href for link in page.links]
    assert "An administrator of the whole organisation puts the draft in force." in page.text


def test_what_the_reader_may_not_see_is_a_number_only(a: Builders, browser: Browser) -> None:
    a.routing_rule()
    it = a.service_request(need="水管漏水")
    browser.sign_in(a.administrator())

    page = browser.open("/admin/routing/trial")

    assert "1 of them is outside your reach" in page.text
    assert it.reference not in page.html
    assert "水管漏水" not in page.text


def test_the_list_asks_no_more_for_more_rules(
    a: Builders, browser: Browser, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    a.routing_rule(lead_team_id=a.team().id, area_id=a.area().id)
    browser.sign_in(a.administrator())
    browser.open("/admin/routing/")
    few = count_queries(lambda: browser.open("/admin/routing/"))
    for _number in range(5):
        a.routing_rule(lead_team_id=a.team().id, area_id=a.area().id, leader_id=a.leader().id)
    browser.open("/admin/routing/")

    assert count_queries(lambda: browser.open("/admin/routing/")) <= few


@pytest.mark.parametrize("edition", ["", "x", "-1", "9" * 5000])
def test_an_edition_that_cannot_be_read_puts_nothing_in_force(
    a: Builders, browser: Browser, edition: str
) -> None:
    a.routing_rule()
    browser.sign_in(a.administrator())
    data = browser.open("/admin/routing/trial").form("draft").values() | {"edition": [edition]}

    answer = browser.request("POST", "/admin/routing/edition", data=data)

    assert answer.location == "/admin/routing/trial"
    assert queries.in_force().rules == ()
