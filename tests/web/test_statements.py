"""No page asks the database once more for each thing that it shows, or that was set up."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Final

import pytest
from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.notifications.models import Message
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind

pytestmark = pytest.mark.both_databases

MOST: Final = 12
ROLES: Final = ("administrator", "auditor", "coordinator", "leader", "supervisor", "team_leader")


def add_some(a: Builders, number: int) -> None:
    """Add some of everything that a list could show."""
    for _ in range(number):
        unit = a.unit()
        area = a.area(unit=unit)
        a.area(parent=area, unit=unit)
        category = a.category()
        team = a.team(unit)
        leader = a.team_leader(team)
        volunteer = a.volunteer(team)
        a.membership(a.team(), volunteer)
        a.calendar_day((a.now + timedelta(days=unit.id)).date(), is_working=False)
        for status in (Status.SUBMITTED, Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED):
            a.service_request(status=status, team=team, area=area, category=category)
        busy = a.service_request(status=Status.IN_PROGRESS, team=team)
        a.approval(busy, ApprovalKind.EXTENSION, by=leader)
        with transaction():
            db.session.add(
                Message(
                    kind="reset",
                    address=f"{unit.id}@example.org",
                    locale="en",
                    message_key=f"reset-{unit.id}",
                    payload={},
                    created_at=a.now,
                    run_at=a.now,
                )
            )


def lists(app: Flask) -> list[str]:
    """Return the address of every page that needs no number in it."""
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments
    )


def statements_of(
    browser: Browser, addresses: list[str], count_queries: Callable[[Callable[[], object]], int]
) -> dict[str, int]:
    found = {}
    for address in addresses:
        # Once before: what is remembered is remembered.
        if browser.request("GET", address).status_code == HTTPStatus.OK:
            found[address] = count_queries(partial(browser.request, "GET", address))
    return found


@pytest.mark.parametrize("role", ROLES)
def test_more_of_everything_asks_no_more_of_the_database(
    app: Flask,
    a: Builders,
    browser: Browser,
    count_queries: Callable[[Callable[[], object]], int],
    role: str,
) -> None:
    reader: Person = a.team_leader() if role == "team_leader" else a.holder(Role(role))
    browser.sign_in(reader)
    add_some(a, 3)
    few = statements_of(browser, lists(app), count_queries)
    add_some(a, 12)
    many = statements_of(browser, lists(app), count_queries)

    assert {page: number for page, number in many.items() if number > MOST} == {}
    assert {page: (few[page], number) for page, number in many.items() if number > few[page]} == {}
