"""After a whole journey nobody's contact data stands in a log, an address, or a page of errors."""

import logging
from collections.abc import Iterator
from traceback import format_exception
from typing import Final

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db
from tracker.service_requests import following, links
from tracker.service_requests.models import ServiceRequest
from tracker.web.access import public

NAME: Final = "赵独一"
PHONE: Final = "10000047113"
MAIL: Final = "unmistakable@example.org"
HOUSE: Final = "独秀路4711号"
MARKS: Final = (NAME, PHONE, "47113", MAIL, HOUSE)


class Heard(logging.Handler):
    """Keeps every line that any logger writes."""

    def __init__(self) -> None:
        super().__init__(level=logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record))


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler = Heard()
    logger = logging.getLogger()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_a_whole_journey_leaves_no_trace_of_a_person(
    app: Flask, a: Builders, browser: Browser, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    category, area = a.category(), a.area()
    team, leader = a.team(), a.leader()
    coordinator, volunteer = a.coordinator(), a.volunteer(team)
    addresses: list[str] = []
    errors: list[str] = []

    def visit(who: Browser, method: str, path: str, **options: object) -> None:
        answer = who.request(method, path, **options)
        addresses.extend([path, answer.headers.get("Location", "")])
        if answer.status_code >= 400:
            errors.append(answer.text)

    # The resident asks: first with mistakes, then rightly.
    browser.open(f"/requests/new/form?category={category.id}")
    browser.send(
        need="水龙头滴水。",
        requester_name=NAME,
        reachable_by="phone",
        phone="123",
        area_id=area.id,
        fields={"address": HOUSE},
    )
    browser.send(phone=PHONE)
    addresses.append(browser.page.url)
    browser.send()
    addresses.append(browser.page.url)
    made = db.session.scalars(select(ServiceRequest)).one()
    token = links.token_for(made.id, made.link_salt)

    # The desk looks for the number, looks at it, and dispatches.
    desk = Browser(app).sign_in(coordinator)
    desk.send(f"/requests/{made.id}/acceptance")
    desk.send(
        f"/requests/{made.id}/assignment",
        lead_team_id=team.id,
        leader_id=leader.id,
        board_note="工具自带",
    )
    desk.open(f"/requests/{made.id}")
    desk.click("Show contact")
    assert PHONE[-4:] in desk.page.text.replace(" ", "")  # it does show there, by right
    addresses.append(desk.page.url)
    helper = Browser(app).sign_in(volunteer)
    board = helper.open("/board")
    assert not [mark for mark in MARKS if mark in board.text]

    # Errors of every kind, with the data at hand.
    for who in (browser, desk, helper):
        visit(who, "GET", "/nowhere")
        visit(who, "GET", f"/requests/{made.id + 1}")
        visit(who, "POST", f"/requests/{made.id}/resolution", data={"answer": f"{NAME} {PHONE}"})
        visit(who, "PUT", f"/requests/{made.id}")
    visit(browser, "GET", f"/track/{token[:-1]}")
    visit(browser, "POST", "/track", data={"reference": made.reference, "code": PHONE[-6:]})
    monkeypatch.setitem(app.view_functions, "home.index", broken)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", value=False)
    visit(browser, "GET", "/")

    assert any("Traceback" in line for line in heard.lines), "the fault was logged"
    for mark in MARKS:
        assert not [line for line in heard.lines if mark in line], f"{mark} in a log"
        assert not [address for address in addresses if mark in address], f"{mark} in an address"
        assert not [text for text in errors if mark in text], f"{mark} in a page of errors"


class BrokenError(Exception):
    """Something broke."""


@public
def broken() -> str:
    """Fail, with somebody's data at hand."""
    requester = db.session.scalars(select(ServiceRequest)).one().requester
    assert requester is not None
    raise BrokenError


def test_an_error_of_the_database_names_nobody(app: Flask, a: Builders) -> None:
    a.person(NAME, email=MAIL)

    with pytest.raises(IntegrityError) as raised:
        a.person(NAME, email=MAIL, phone=PHONE)

    told = "".join(format_exception(raised.value))  # as a log has it
    assert "INSERT INTO person" in told
    assert "email" in told
    assert not [mark for mark in MARKS if mark in told]


def test_a_fault_tells_the_log_no_private_link(
    app: Flask, a: Builders, browser: Browser, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever read it there could speak as the requester."""
    it = a.service_request()
    token = links.token_for(it.id, it.link_salt)

    def fail(*_: object, **__: object) -> None:
        message = "a fault of ours"
        raise RuntimeError(message)

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", value=False)
    monkeypatch.setattr(following, "public_history", fail)
    browser.open(f"/track/{token}", status=500)

    told = "\n".join(heard.lines)
    assert "a fault of ours" in told
    assert "track.show" in told
    assert token not in told
