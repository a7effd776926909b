"""Who wishes to be written to only when needed hears of that, and of nothing else."""

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Message
from tracker.service_requests import messages
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import ReachableBy, Requester, ServiceRequest

ADDRESS = "li@example.org"


def by_mail(a: Builders, status: Status, *, only_needed: bool | None) -> ServiceRequest:
    """Return a request of somebody who reads mail."""
    return a.service_request(
        status=status, reachable_by=ReachableBy.EMAIL, email=ADDRESS, only_needed=only_needed
    )


def told() -> list[str]:
    """Return the steps that the requester was written to about, in order."""
    written = select(Message).where(Message.kind == "requester_step").order_by(Message.id)
    return [message.payload["step"] for message in db.session.scalars(written)]


def untold(app: Flask) -> list[str]:
    """Return what `flask verify` says, which must be nothing but that somebody was not told."""
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        found = [each.words for each in violations(snapshot)]
    assert all("was not told of" in words for words in found)
    return found


def test_who_wishes_so_hears_only_of_what_is_always_told(a: Builders) -> None:
    by_mail(a, Status.RESOLVED, only_needed=True)

    assert told() == ["submit", "resolve"]


def test_who_wishes_nothing_hears_of_every_step(a: Builders) -> None:
    by_mail(a, Status.RESOLVED, only_needed=None)

    assert {"submit", "accept", "assign", "resolve"} <= set(told())


def test_that_nobody_comes_is_always_told(a: Builders) -> None:
    made = by_mail(a, Status.IN_PROGRESS, only_needed=True)
    visit = a.planned_visit(made, by=a.worker_on(made))
    with transaction():
        messages.tell_requester(made, Step.NOTE, now=a.now, visit=visit, calls_off=True)

    assert told()[-2:] == ["plan_visit", "note"]


@pytest.mark.parametrize("only_needed", [True, False])
def test_verify_asks_for_the_messages_that_were_wished(
    app: Flask, a: Builders, *, only_needed: bool
) -> None:
    by_mail(a, Status.ASSIGNED, only_needed=only_needed)
    assert untold(app) == []

    with transaction():
        db.session.execute(update(Requester).values(only_needed=not only_needed))

    assert bool(untold(app)) is only_needed


def test_what_a_resident_wishes_is_shown_again_and_kept(a: Builders, browser: Browser) -> None:
    assert a.bureau.id  # whose desk reads it
    page = browser.send(
        f"/requests/new/form?category={a.any_category.id}",
        need="Help, please",
        fields={"address": "Lane 5", "only_needed": "y"},
        reachable_by="email",
        email=ADDRESS,
    )
    assert "Only when you are needed or must know something" in page.text
    page = browser.click("Send it now")

    assert "when you must know or do something" in page.text
    requester = db.session.scalars(select(Requester)).one()
    assert (requester.email, requester.only_needed) == (ADDRESS, True)


def test_the_desk_enters_the_wish_of_a_caller_and_reads_it(a: Builders, browser: Browser) -> None:
    category = a.category()
    browser.sign_in(a.coordinator())
    browser.send(
        "/intake",
        need="Help, please",
        fields={"address": "Lane 5", "only_needed": "y", "email": ADDRESS},
        category_id=category.id,
        reachable_by="email",
    )
    made = db.session.scalars(select(ServiceRequest)).one()

    page = browser.open(f"/requests/{made.id}")

    assert "Only when they are needed or must know something" in page.text


def test_who_is_called_is_asked_nothing_about_how_often_we_write(
    a: Builders, browser: Browser
) -> None:
    made = a.service_request(reachable_by=ReachableBy.PHONE)

    assert (
        "How often we write"
        not in browser.sign_in(a.coordinator()).open(f"/requests/{made.id}").text
    )


def test_a_need_that_a_visit_found_is_told_of_as_often_as_its_requester_wished(
    a: Builders, browser: Browser
) -> None:
    made = by_mail(a, Status.IN_PROGRESS, only_needed=True)
    leads = a.worker_on(made)
    visit = a.visit(made, by=leads, needs_found="A ramp at the door")
    browser.sign_in(leads).open(f"/requests/{made.id}/visits/{visit.id}")

    browser.click("Make a new request of it")

    wishes = db.session.scalars(select(Requester.only_needed).order_by(Requester.id)).all()
    assert wishes == [True, True]
