"""What is drawn once for all pages is what each page would have drawn: nothing else is read by it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from flask import Flask
from time_machine import Traveller

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.organisation import queries as organisation
from tracker.organisation.models import Area, Category, Organisation, Unit
from tracker.service_requests.lifecycle import Outcome, Priority, Status
from tracker.service_requests.models import ServiceRequest
from tracker.teams.models import Team
from tracker.web import templating

PAGES: Final = (
    "/queue",
    "/queue?status=all&team=1",
    "/board",
    "/figures?period=all&by=team",
    "/figures?period=all&by=category",
    "/figures/list?period=all&figure=received",
    "/requests/1",
)


def fill(a: Builders) -> None:
    """Let every list have lines that differ in everything that they show."""
    team = a.team(a.unit())
    for number, status in enumerate(Status):
        a.service_request(
            status=status,
            team=team,
            volunteers_needed=2,
            category=a.category(),
            area=a.area(unit=a.bureau),
            requester_name=f"王{number}",
            phone=f"+86138001380{number:02}",
            need=f"漏水 <b>{number}</b> & more",
            preferred_time="晚上",
            priority=list(Priority)[number % len(Priority)],
            at=a.now - timedelta(days=number),
        )
    a.service_request(status=Status.CLOSED, outcome=Outcome.EXPLAINED, team=team)


def rename(kind: type[Any]) -> Callable[[Traveller], None]:
    def change(_clock: Traveller) -> None:
        with transaction():
            for number, thing in enumerate(db.session.query(kind)):
                thing.name = f"新名{number}"
                if hasattr(thing, "name_en"):
                    thing.name_en = f"New name {number}"

    return change


def pass_time(clock: Traveller) -> None:
    clock.shift(timedelta(days=8, hours=3))


def move_clock(_clock: Traveller) -> None:
    with transaction():
        settings = organisation.organisation()
        db.session.merge(
            Organisation(
                id=1, name=settings.name, country=settings.country, time_zone="America/New_York"
            )
        )


def change_requests(_clock: Traveller) -> None:
    with transaction():
        for request in db.session.query(ServiceRequest):
            request.need = f"changed {request.id}"
            request.priority = Priority.URGENT
            request.volunteers_needed += 1


CHANGES: Final = {
    "nothing": lambda _clock: None,
    "units": rename(Unit),
    "areas": rename(Area),
    "categories": rename(Category),
    "teams": rename(Team),
    "people": rename(Person),
    "time": pass_time,
    "time zone": move_clock,
    "requests": change_requests,
}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", CHANGES)
def test_a_page_is_the_same_as_if_it_were_drawn_anew(
    a: Builders, app: Flask, clock: Traveller, change: str
) -> None:
    fill(a)
    team = db.session.query(Team).first()
    assert team is not None
    readers = [
        a.coordinator(),
        a.supervisor(),
        a.volunteer(team),
        a.team_leader(team),
    ]
    browsers = []
    for locale in ("en", "zh_Hans_CN"):
        for reader in readers:
            browser = Browser(app, locale=locale)
            browser.sign_in(reader)
            browsers.append(browser)

    def opened(*, forget: bool = False) -> list[str]:
        found = []
        for browser in browsers:
            for page in PAGES:
                if forget:
                    templating._drawn_once.cache_clear()
                answer = browser.request("GET", page)
                found.append(without_token(answer.text) if answer.status_code == 200 else "")
        return found

    opened()  # all of it has been drawn
    CHANGES[change](clock)

    remembered = opened()
    anew = opened(forget=True)

    assert sum(map(bool, anew)) > len(anew) / 2
    for once, again in zip(remembered, anew, strict=True):
        assert once == again


def without_token(page: str) -> str:
    """Return the page without what differs each time."""
    pieces = page.split('name="csrf_token" value="')
    return pieces[0] + "".join(piece.partition('"')[2] for piece in pieces[1:])
