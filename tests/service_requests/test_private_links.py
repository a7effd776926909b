"""Whose private link was made anew hears of it where they are told, and the staff read it."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.browser import CHINESE, Browser
from tests.support.builders import Builders
from tests.support.letters import letter_of
from tests.support.links import address
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Channel, Message
from tracker.service_requests import calls, queries
from tracker.service_requests.actions.reaching import Reaching, change_for_caller, mark_of
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ReachableBy, ServiceRequest
from tracker.service_requests.views import track

MAIL, NUMBER = "owner@example.org", "+8613812345678"


def written() -> list[Message]:
    """Return what was written of new links, in order."""
    db.session.expire_all()
    of_links = select(Message).where(Message.kind == "link_renewed")
    return list(db.session.scalars(of_links.order_by(Message.id)))


@pytest.mark.parametrize(
    ("way", "channel", "to"),
    [
        (ReachableBy.EMAIL, Channel.EMAIL, MAIL),
        (ReachableBy.TEXT_MESSAGE, Channel.TEXT_MESSAGE, NUMBER),
    ],
)
@pytest.mark.parametrize("only_needed", [True, False])
def test_the_new_link_is_written_at_once_to_where_they_are_told(
    app: Flask,
    a: Builders,
    browser: Browser,
    way: ReachableBy,
    channel: Channel,
    to: str,
    *,
    only_needed: bool,
) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], sms_url="http://gateway.example/")
    mine = a.service_request(reachable_by=way, email=MAIL, phone=NUMBER)
    assert mine.requester is not None
    with transaction():
        mine.requester.only_needed = only_needed
    old = address(mine)

    browser.send(address(mine, "link"), press="Make a new link")

    [message] = written()
    assert (message.channel, message.address) == (channel, to)
    assert message.run_at == message.created_at
    letter = letter_of(message)
    assert address(mine) != old
    for said in (letter.text, letter.html, letter.short):
        assert address(mine) in said
        assert old not in said
    assert "Was it not you?" in letter.text
    assert "新的专属链接" in letter_of(message, "zh_Hans_CN").subject
    db.session.rollback()
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(violations(snapshot)) == []


def test_who_is_only_rung_is_not_written_to_and_the_staff_read_it(
    a: Builders, browser: Browser
) -> None:
    mine = a.service_request(reachable_by=ReachableBy.PHONE)

    browser.send(address(mine, "link"), press="Make a new link")

    assert written() == []
    entry = queries.history_of(mine)[-1]
    assert entry.renews_link
    page = browser.sign_in(a.coordinator()).open(f"/requests/{mine.id}")
    assert "A new private link was made" in page.text
    page = browser.speak(CHINESE).open(f"/requests/{mine.id}")
    assert "重新生成了专属链接" in page.text


def test_links_are_not_made_without_end(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    mine = a.service_request(reachable_by=ReachableBy.EMAIL, email=MAIL)
    for _again in range(track.LINKS_AN_HOUR):
        browser.send(address(mine, "link"), press="Make a new link")
        db.session.expire_all()

    page = browser.send(address(mine, "link"), press="Make a new link")
    assert "New links were made several times" in page.text
    assert page.path == address(mine, "link")
    assert len(written()) == track.LINKS_AN_HOUR

    clock.shift(timedelta(hours=1))
    browser.send(address(mine, "link"), press="Make a new link")
    assert len(written()) == track.LINKS_AN_HOUR + 1


def test_the_link_does_not_go_to_where_they_are_told_no_more(a: Builders, browser: Browser) -> None:
    mine = a.service_request(
        status=Status.IN_PROGRESS, reachable_by=ReachableBy.EMAIL, email=MAIL, phone=None
    )
    browser.send(address(mine, "link"), press="Make a new link")

    with transaction():
        found = db.session.get_one(ServiceRequest, mine.id)
        change_for_caller(
            found,
            Reaching(ReachableBy.PHONE, NUMBER),
            stood=mark_of(found.requester),
            locale="en",
            texts=False,
            actor=a.actor(a.coordinator()),
            now=a.now + timedelta(minutes=1),
        )

    [message] = written()
    assert message.failed_at is not None
    assert message.last_error == calls.REACHED_OTHERWISE
