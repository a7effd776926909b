"""The invented town: made through the actions, whole, and no trace of it after a reset."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker import demo
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.demo.categories import CATEGORIES
from tracker.demo.commands import NotADemonstrationError, build_town, reset_town
from tracker.demo.stories import STORIES
from tracker.demo.town import PASSWORD, PEOPLE
from tracker.organisation.forms import ICONS
from tracker.permissions import Role
from tracker.service_requests.ladder import Rung
from tracker.service_requests.lifecycle import Outcome, Priority, Status
from tracker.service_requests.models import (
    Approval,
    Escalation,
    HistoryEntry,
    PartEscalation,
    Photo,
    ServiceRequest,
)
from tracker.teams.actors import actor_for
from tracker.web.templating import icon


def _count(model: type, *conditions: object) -> int:
    query = select(func.count()).select_from(model)
    return db.session.scalar(query.where(*conditions)) or 0  # type: ignore[arg-type]


def _build_small(app: Flask, a: Builders) -> None:
    demo.build(
        password_hash="x",
        photos=app.config["SETTINGS"].uploads_path,
        now=a.now,
        requests=30,
    )


def test_the_town_has_everything_that_a_visitor_looks_for(
    app: Flask, clock: object, a: Builders, browser: Browser
) -> None:
    assert build_town()
    statuses = set(db.session.scalars(select(ServiceRequest.status)))
    outcomes = set(db.session.scalars(select(ServiceRequest.outcome)))

    assert statuses >= set(Status) - {Status.ASSIGNED}
    assert outcomes >= set(Outcome) - {Outcome.NO_CONTACT}
    assert _count(ServiceRequest) >= 140
    assert _count(Photo) > 10
    assert _count(Approval, Approval.decided_at.is_(None)) >= 2
    assert (
        _count(
            ServiceRequest,
            ServiceRequest.due_at < a.now,
            ServiceRequest.status == Status.IN_PROGRESS,
        )
        >= 2
    )
    assert set(db.session.scalars(select(Escalation.rung))) == set(Rung)
    assert _count(ServiceRequest, ServiceRequest.supervised_at.is_not(None)) >= 1
    assert _count(Escalation, Escalation.answered_at.is_not(None)) >= 1
    assert _count(PartEscalation, PartEscalation.rung == Rung.OVERDUE) >= 1
    parked = select(ServiceRequest.priority).where(ServiceRequest.status == Status.PARKED)
    assert set(db.session.scalars(parked)) <= {Priority.NORMAL, Priority.COMPLEX}
    assert _count(Escalation, Escalation.reached_at >= a.now) == 0
    # A step in the future would be a lie.
    assert _count(HistoryEntry, HistoryEntry.taken_at > a.now) == 0
    assert _count(ServiceRequest, ServiceRequest.submitted_at < a.now - timedelta(days=122)) == 0

    people = db.session.scalars(select(Person).order_by(Person.id)).all()
    held = {role for person in people for role in actor_for(person).roles}
    assert held == set(Role) - {Role.RESIDENT}
    assert all(person.is_demo for person in people)
    assert len(people) == len(PEOPLE)
    page = browser.send("/sign-in", name=people[0].email, password=PASSWORD)
    assert page.path != "/sign-in"


def test_the_same_seed_gives_the_same_town_also_after_a_reset(
    app: Flask, clock: object, a: Builders
) -> None:
    towns = []
    for _turn in range(2):
        with transaction():
            demo.forget_everything()
            _build_small(app, a)
        query = select(ServiceRequest.need, ServiceRequest.status).order_by(ServiceRequest.id)
        towns.append(list(db.session.execute(query).all()))

    assert len(towns[0]) >= 30
    assert towns[0] == towns[1]


def test_where_somebody_is_real_nothing_is_built_or_emptied(app: Flask, a: Builders) -> None:
    a.person("王真")

    assert not build_town()
    with pytest.raises(NotADemonstrationError):
        reset_town()
    assert _count(Person) == 1


def test_a_town_that_fails_half_way_leaves_nothing(app: Flask, a: Builders) -> None:
    def build_and_fail() -> None:
        with transaction():
            _build_small(app, a)
            message = "half way"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError):
        build_and_fail()

    assert demo.is_empty()


def test_every_kind_of_request_has_its_story_and_a_known_icon(app: Flask) -> None:
    leaves = {leaf.key for top in CATEGORIES for leaf in top.leaves}

    assert {story.leaf for story in STORIES} == leaves
    for name in (*ICONS, *(top.icon for top in CATEGORIES)):
        assert icon(name)
    assert {top.icon for top in CATEGORIES} <= set(ICONS)


def test_what_tells_of_somebody_alone_or_ill_is_sensitive() -> None:
    marks = {leaf.name: leaf.marks for top in CATEGORIES for leaf in top.leaves}

    for name in ("独居老人探访", "紧急呼叫器安装", "送药上门", "慢病随访"):
        assert "sensitive" in marks[name], name
