"""Parts of helping teams that are near or overdue: on the request's page, in lists, on the clock's page."""

from datetime import date, timedelta

import pytest
from time_machine import Traveller

from tests.support.browser import Browser
from tests.support.builders import Builders, at
from tracker.database import transaction
from tracker.service_requests.actions import handling, parts
from tracker.service_requests.climbing import climb
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import Part
from tracker.teams.models import Team

NEAR, OVERDUE = at(date(2026, 3, 13), 17), at(date(2026, 3, 16), 10)
"""Of two working days from a Wednesday."""


@pytest.fixture
def helping(a: Builders) -> Team:
    return a.team(name="搬运队", name_en="Movers")


@pytest.fixture
def part(a: Builders, helping: Team) -> Part:
    """Return a part with two working days of a request that has weeks."""
    it = a.service_request(team=a.team(), status=Status.IN_PROGRESS)
    return a.part(it, helping, task="搬衣柜", working_days=2)


def go_to(clock: Traveller, a: Builders, moment: object) -> None:
    clock.shift(moment - a.now)  # type: ignore[operator]


@pytest.mark.both_databases
def test_a_part_that_sits_stands_on_the_page_of_its_request_and_in_the_list(
    a: Builders, browser: Browser, chinese_browser: Browser, part: Part, clock: Traveller
) -> None:
    person, here = a.coordinator(), f"/requests/{part.service_request_id}"
    browser.sign_in(person)
    chinese_browser.sign_in(person)
    for address in (here, "/queue"):
        assert "Part of Movers" not in browser.open(address).text

    clock.shift(NEAR - a.now)
    for address in (here, "/queue"):
        assert "Part of Movers: due soon, " in browser.open(address).text
    clock.shift(OVERDUE - NEAR)
    for address in (here, "/queue"):
        assert "Part of Movers: overdue since " in browser.open(address).text
        assert "搬运队的协办任务：" in chinese_browser.open(address).text
        assert "起已超期" in chinese_browser.open(address).text


@pytest.mark.both_databases
def test_the_team_reads_which_of_its_parts_is_near(
    a: Builders, browser: Browser, helping: Team, part: Part, clock: Traveller
) -> None:
    browser.sign_in(a.team_leader(helping))
    assert "due soon" not in browser.open("/queue").text

    clock.shift(NEAR - a.now)
    assert "Your team has 1 part of a request to do. 1 is due soon." in browser.open("/queue").text
    assert "Due soon: " in browser.open("/team/parts").text
    clock.shift(OVERDUE - NEAR)
    assert "1 is overdue." in browser.open("/queue").text
    assert "is due soon" not in browser.open("/queue").text


def test_what_stands_still_ended_or_is_due_with_its_request_is_not_named(
    a: Builders, browser: Browser, helping: Team, part: Part, clock: Traveller
) -> None:
    lead = a.team()
    waits, ended, without = (
        a.service_request(team=lead, status=Status.IN_PROGRESS) for _ in range(3)
    )
    a.part(waits, helping, working_days=2)
    done = a.part(ended, helping, working_days=2)
    a.part(without, helping)
    with transaction():
        handling.ask_requester(
            waits, question="几楼?", actor=a.actor(a.team_leader(lead)), now=a.now
        )
    with transaction():
        parts.end(done, result="好了", actor=a.actor(a.team_leader(helping)), now=a.now)
    clock.shift(OVERDUE - a.now)
    browser.sign_in(a.coordinator())

    assert browser.open("/queue").text.count("Part of Movers: ") == 1
    for it in (waits, ended, without):
        assert "Part of Movers: " not in browser.open(f"/requests/{it.id}").text


def test_of_many_parts_the_list_names_those_that_are_due_first(
    a: Builders, browser: Browser, clock: Traveller
) -> None:
    it = a.service_request(team=a.team(), status=Status.IN_PROGRESS)
    for number in range(5):
        a.part(it, a.team(name_en=f"Team {number}"), working_days=1 + (number + 1) % 3)
    clock.shift(at(date(2026, 3, 17), 10) - a.now)

    text = browser.sign_in(a.coordinator()).open("/queue").text

    assert text.index("Part of Team 2: ") < text.index("Part of Team 0: ")
    assert "3 more parts" in text


@pytest.mark.both_databases
def test_the_page_of_its_clocks_says_how_a_part_counted_and_who_was_told(
    a: Builders, browser: Browser, chinese_browser: Browser, helping: Team, part: Part
) -> None:
    helps = a.team_leader(helping)
    climb(NEAR)
    climb(OVERDUE)
    person, here = a.coordinator(), f"/requests/{part.service_request_id}/clock"

    text = browser.sign_in(person).open(here).text
    chinese = chinese_browser.sign_in(person).open(here).text

    told = text[text.index("Who was told that it sits") :]
    assert "Part of Movers · due " in told
    assert helps.name in told
    assert "Limit: 2 working days" in text[text.index("Part of Movers", len(text) - len(told)) :]
    assert "搬衣柜" in text
    assert "搬运队的协办任务" in chinese


def test_the_page_of_its_clocks_says_how_a_part_ended_and_since_when_it_stands_still(
    a: Builders, browser: Browser, helping: Team, part: Part, clock: Traveller
) -> None:
    here = f"/requests/{part.service_request_id}/clock"
    with transaction():
        parts.end(part, result="好了", actor=a.actor(a.team_leader(helping)), now=OVERDUE)
    clock.shift(OVERDUE + timedelta(hours=1) - a.now)
    browser.sign_in(a.coordinator())

    assert "Done late" in browser.open(here).text
    it = a.service_request(team=a.team(), status=Status.IN_PROGRESS, at=OVERDUE)
    a.part(it, helping, working_days=2, at=OVERDUE)
    with transaction():
        leads = a.actor(a.team_leader(it.lead_team))
        handling.ask_requester(it, question="几楼?", actor=leads, now=OVERDUE)
    assert "2 working days left" in browser.open(f"/requests/{it.id}/clock").text
