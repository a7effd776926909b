"""Visits: planned, recorded and called off, each once; and what is being typed, kept."""

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.builders import Builders
from tests.support.steps import MAIL, steps_of
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.errors import (
    NotFoundError,
    NotPermittedError,
    RefusedError,
    StepNotAllowedError,
)
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications.models import Message
from tracker.permissions import Actor, Role, resident
from tracker.service_requests import following, queries
from tracker.service_requests.actions import dispatch, visiting
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import ServiceRequest
from tracker.teams.models import Team
from tracker.visits.models import ContactWay, Group, NoteDraft, Visit, VisitStatus

HOUR = timedelta(hours=1)


@pytest.fixture
def visitor(a: Builders, person: Person, it: ServiceRequest) -> Actor:
    """Return who claimed `it`, with what they hold."""
    return a.actor(person)


def report(a: Builders, *visitors: Person, **more: object) -> visiting.VisitReport:
    """Return what happened on a visit."""
    facts = {
        "started_at": a.now - HOUR,
        "ended_at": a.now,
        "visitors": visitors,
        "contact_made": True,
        "way": ContactWay.IN_PERSON,
        "findings": " 换了垫片 ",
        **more,
    }
    return visiting.VisitReport(**facts)  # type: ignore[arg-type]


def record(
    it: ServiceRequest,
    told: visiting.VisitReport,
    *,
    actor: Actor,
    now: datetime,
    visit: Visit | None = None,
    key: str = "one",
) -> Visit:
    """Record a visit."""
    with transaction():
        return visiting.record_visit(
            it, told, visit=visit, submission_key=key, actor=actor, now=now
        )


def visits() -> list[Visit]:
    """Return every visit, the oldest first."""
    return list(db.session.scalars(select(Visit).order_by(Visit.id)))


def told_of(step: Step) -> list[Message]:
    """Return the requester's mails about a step."""
    found = db.session.scalars(select(Message).where(Message.address == MAIL))
    return [message for message in found if message.payload["step"] == step]


# ---------------------------------------------------------------- planned


def test_the_requester_is_told_who_comes_when(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor
) -> None:
    begins = a.now + timedelta(days=1)
    with transaction():
        visit = visiting.plan_visit(
            it,
            planned_from=begins,
            planned_to=begins + HOUR,
            visitors=[person],
            place=" 幸福路5号 ",
            submission_key="one",
            actor=visitor,
            now=a.now,
        )

    assert (visit.status, visit.place) == (VisitStatus.PLANNED, "幸福路5号")
    assert [one.id for one in visit.visitors] == [person.id]
    assert steps_of(it)[-1] is Step.PLAN_VISIT
    assert len(told_of(Step.PLAN_VISIT)) == 1


def plan(
    it: ServiceRequest, begins: datetime, *visitors: Person, actor: Actor, now: datetime
) -> Visit:
    """Plan a visit of an hour, with the key of always the same form."""
    with transaction():
        return visiting.plan_visit(
            it,
            planned_from=begins,
            planned_to=begins + HOUR,
            visitors=visitors,
            submission_key="one",
            actor=actor,
            now=now,
        )


def test_planning_twice_with_one_key_plans_one(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor
) -> None:
    begins = a.now + timedelta(days=1)
    for _ in range(2):
        plan(it, begins, person, actor=visitor, now=a.now)

    assert len(visits()) == 1
    assert steps_of(it).count(Step.PLAN_VISIT) == 1
    assert len(told_of(Step.PLAN_VISIT)) == 1


def test_who_changes_a_plan_that_was_sent_and_taps_twice_plans_one_more(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor, team: Team
) -> None:
    begins, other = a.now + timedelta(days=1), a.volunteer(team)
    plan(it, begins, person, actor=visitor, now=a.now)
    for _ in range(2):
        plan(it, begins, person, other, actor=visitor, now=a.now)
    for _ in range(2):
        plan(it, begins + HOUR, person, actor=visitor, now=a.now)

    assert [len(visit.visitors) for visit in visits()] == [1, 2, 1]


def test_who_sends_a_plan_again_that_was_called_off_plans_another(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor
) -> None:
    begins = a.now + timedelta(days=1)
    planned = plan(it, begins, person, actor=visitor, now=a.now)
    with transaction():
        visiting.cancel_visit(it, planned, reason="下雨", actor=visitor, now=a.now)
    for _ in range(2):
        plan(it, begins, person, actor=visitor, now=a.now)

    assert [visit.status for visit in visits()] == [VisitStatus.CANCELLED, VisitStatus.PLANNED]


def test_whoever_is_planned_to_go_has_worked_on_it(
    a: Builders, it: ServiceRequest, team: Team
) -> None:
    other = a.volunteer(team)
    leader = a.actor(a.team_leader(team))
    plan(it, a.now + timedelta(days=1), other, actor=leader, now=a.now)

    db.session.expire_all()
    assert {other.id, leader.person_id}.issubset(it.handler_ids)


# ---------------------------------------------------------------- recorded


def test_everything_that_was_reported_is_kept(
    a: Builders, it: ServiceRequest, person: Person, team: Team, visitor: Actor
) -> None:
    other = a.volunteer(team)
    visit = record(
        it,
        report(
            a,
            person,
            other,
            place="幸福路5号",
            met="王奶奶和女儿",
            group=Group.ELDER_LIVING_ALONE,
            needs_found="想学用手机挂号",
            next_step="带新的垫片",
            next_step_on=date(2026, 3, 20),
            public_note="已经换好",
        ),
        actor=visitor,
        now=a.now,
    )

    assert (visit.status, visit.findings, visit.group) == (
        VisitStatus.DONE,
        "换了垫片",
        Group.ELDER_LIVING_ALONE,
    )
    assert (visit.met, visit.needs_found, visit.next_step_on) == (
        "王奶奶和女儿",
        "想学用手机挂号",
        date(2026, 3, 20),
    )
    assert {one.id for one in visit.visitors} == {person.id, other.id}
    last = queries.history_of(it)[-1]
    assert (last.step, last.public_note) == (Step.VISIT, "已经换好")
    assert last.detail == {"visit_id": visit.id, "contact_made": True}


def test_a_visit_is_a_first_response(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor
) -> None:
    when = a.now + HOUR
    record(it, report(a, person), actor=visitor, now=when)

    assert it.first_response_at == when


def test_a_planned_visit_becomes_the_recorded_one(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor
) -> None:
    planned = a.planned_visit(it, by=person)

    record(it, report(a, person), visit=planned, actor=visitor, now=a.now)

    [visit] = visits()
    assert (visit.id, visit.status) == (planned.id, VisitStatus.DONE)
    assert visit.planned_from == a.now + timedelta(days=1)


def test_the_same_report_twice_is_one_visit_and_one_row_of_history(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor
) -> None:
    first = record(it, report(a, person), actor=visitor, now=a.now)
    second = record(it, report(a, person), actor=visitor, now=a.now)

    assert first.id == second.id
    assert steps_of(it).count(Step.VISIT) == 1


def test_two_reports_are_two_visits(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor
) -> None:
    for key in ("one", "two"):
        record(it, report(a, person), actor=visitor, now=a.now, key=key)

    assert len(visits()) == 2


def test_a_visit_of_another_request_is_not_recorded_here(
    a: Builders, it: ServiceRequest, person: Person, team: Team, visitor: Actor
) -> None:
    other = a.service_request(team=team, claimed_by=[person])
    planned = a.planned_visit(other, by=person)

    with pytest.raises(NotFoundError):
        record(it, report(a, person), visit=planned, actor=visitor, now=a.now)

    assert planned.status is VisitStatus.PLANNED


@pytest.mark.parametrize("status", [Status.PARKED, Status.RESOLVED, Status.CLOSED])
def test_what_is_not_being_worked_on_takes_no_visits(
    a: Builders, team: Team, status: Status
) -> None:
    leads = a.team_leader(team)
    made = a.service_request(team=team, status=status)

    with pytest.raises(StepNotAllowedError):
        record(made, report(a, leads), actor=a.actor(leads), now=a.now)

    assert visits() == []


def test_only_those_who_handle_it_record_visits(
    a: Builders, it: ServiceRequest, person: Person, team: Team
) -> None:
    people = [
        a.volunteer(team),
        a.volunteer(),
        a.team_leader(),
        a.leader(),
        a.coordinator(),
        *(a.holder(role) for role in (Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR)),
    ]
    for actor in [*(a.actor(one) for one in people), resident(it.id)]:
        with pytest.raises(NotPermittedError):
            record(it, report(a, person), actor=actor, now=a.now)

    assert visits() == []


# ---------------------------------------------------------------- called off


def test_the_requester_is_told_why_nobody_comes(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor
) -> None:
    planned = a.planned_visit(it, by=person)
    with transaction():
        visiting.cancel_visit(it, planned, reason="下大雨", actor=visitor, now=a.now)

    assert planned.status is VisitStatus.CANCELLED
    assert queries.history_of(it)[-1].public_note == "下大雨"
    assert len(told_of(Step.NOTE)) == 1


def test_only_what_is_planned_is_called_off(
    a: Builders, it: ServiceRequest, person: Person, team: Team, visitor: Actor
) -> None:
    done = a.visit(it, by=person)
    elsewhere = a.planned_visit(a.service_request(team=team, claimed_by=[person]), by=person)

    for visit, error in ((done, RefusedError), (elsewhere, NotFoundError)):
        with pytest.raises(error), transaction():
            visiting.cancel_visit(it, visit, reason="x", actor=visitor, now=a.now)

    assert (done.status, elsewhere.status) == (VisitStatus.DONE, VisitStatus.PLANNED)


def test_who_went_though_it_was_called_off_made_a_visit_of_their_own(
    a: Builders, app: Flask, it: ServiceRequest, person: Person, visitor: Actor
) -> None:
    planned = a.planned_visit(it, by=person)
    with transaction():
        visiting.cancel_visit(it, planned, reason="下大雨", actor=visitor, now=a.now)
    done = record(it, report(a, person), visit=planned, actor=visitor, now=a.now)
    record(it, report(a, person), visit=planned, actor=visitor, now=a.now)

    assert done.id != planned.id
    assert (planned.status, done.status) == (VisitStatus.CANCELLED, VisitStatus.DONE)
    assert len(visits()) == 2
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(violations(snapshot)) == []


def test_a_plan_with_the_key_of_another_visit_is_a_plan_of_its_own(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor
) -> None:
    begins = a.now + timedelta(days=1)
    record(it, report(a, person), actor=visitor, now=a.now)
    for day in (1, 2):
        plan(it, begins + timedelta(days=day), person, actor=visitor, now=a.now)

    assert len(visits()) == 3


@pytest.mark.parametrize("hours_later", [0, 24.5, 26])
def test_who_expects_somebody_hears_that_nobody_comes_as_it_is_merged(
    a: Builders, it: ServiceRequest, person: Person, visitor: Actor, hours_later: float
) -> None:
    begins = a.now + timedelta(days=1)
    plan(it, begins, person, actor=visitor, now=a.now)
    other, when = a.service_request(), a.now + hours_later * HOUR
    to_come = when < begins  # who stands at the door by now has not stayed away
    with transaction():
        desk = a.actor(a.coordinator())
        dispatch.merge(db.session.merge(it), db.session.merge(other), actor=desk, now=when)

    assert [visit.status for visit in visits()] == [VisitStatus.CANCELLED]
    assert len(told_of(Step.NOTE)) == int(to_come)
    shown = following.public_history(it)
    assert [step.calls_off for step in shown].count(True) == int(to_come)


# ---------------------------------------------------------------- drafts


def keep(a: Builders, person: Person, key: str, typed: visiting.Typed) -> None:
    with transaction():
        visiting.keep_draft(person.id, key, typed, now=a.now)


def end(a: Builders, person: Person, key: str, *shown: tuple[str, int]) -> None:
    with transaction():
        visiting.end_drafts(person.id, key, shown, now=a.now)


def begun(person: Person, key: str = "visit:1:new") -> list[str]:
    """Return what that person typed into that form, the newest first."""
    return [it.content for it in visiting.drafts_of(person.id, key) if not it.is_over]


def test_the_newest_words_of_each_page_are_kept_for_each_person_and_form(
    a: Builders, person: Person
) -> None:
    other = a.person()
    for number, content in enumerate(("写到一", "写到一半"), start=1):
        keep(a, person, "visit:1:new", visiting.Typed(content, "page", number=number))
    keep(a, person, "visit:2:new", visiting.Typed("另一个"))
    keep(a, other, "visit:1:new", visiting.Typed("别人的"))

    assert begun(person) == ["写到一半"]
    assert begun(person, "visit:2:new") == ["另一个"]
    assert begun(other) == ["别人的"]


def test_no_page_overwrites_what_another_keeps_but_goes_on_with_what_it_showed(
    a: Builders, person: Person
) -> None:
    keep(a, person, "visit:1:new", visiting.Typed("一", "desk", number=1))
    keep(a, person, "visit:1:new", visiting.Typed("二", "phone", number=1))
    assert begun(person) == ["二", "一"]

    gone_on = visiting.Typed("一,再加三", "window", number=1, shown=[("desk", 1)])
    keep(a, person, "visit:1:new", gone_on)
    assert begun(person) == ["一,再加三", "二"]

    keep(a, person, "visit:1:new", visiting.Typed("一,又加四", "desk", number=2))
    assert set(begun(person)) == {"一,又加四", "一,再加三", "二"}, "that window was still open"


def test_what_comes_late_is_not_taken(a: Builders, person: Person) -> None:
    keep(a, person, "visit:1:new", visiting.Typed("第二次", "page", number=2))
    keep(a, person, "visit:1:new", visiting.Typed("第一次", "page", number=1))
    assert begun(person) == ["第二次"]

    end(a, person, "visit:1:new", ("page", 3))
    keep(a, person, "visit:1:new", visiting.Typed("第三次", "page", number=3))
    assert begun(person) == [], "it was on its way as the form was sent"

    end(a, person, "visit:1:new", ("another", 1))
    keep(a, person, "visit:1:new", visiting.Typed("还没到", "another", number=1))
    assert begun(person) == [], "nothing of that page had arrived"


def test_what_a_device_hands_over_later_is_as_old_as_it_is(a: Builders, person: Person) -> None:
    keep(a, person, "visit:1:new", visiting.Typed("刚才", "desk", number=1))
    on_the_train = visiting.Typed("车上", "phone", number=1, ago=timedelta(hours=2))
    keep(a, person, "visit:1:new", on_the_train)

    assert begun(person) == ["刚才", "车上"]
    older = visiting.drafts_of(person.id, "visit:1:new")[1]
    assert older.saved_at == a.now - timedelta(hours=2)


def test_of_all_that_somebody_began_the_newest_are_kept(a: Builders, person: Person) -> None:
    other = a.person()
    keep(a, other, "visit:0:new", visiting.Typed("别人的"))
    for number in range(visiting.MOST_DRAFTS + 5):
        at = a.now + timedelta(minutes=number)
        with transaction():
            typed = visiting.Typed("写到一半", "page", number=number)
            visiting.keep_draft(person.id, f"visit:{number}:new", typed, now=at)
            # The first is gone on with all the time: it never is among the oldest.
            gone_on = visiting.Typed(f"第{number}次", "page", number=number + 1)
            visiting.keep_draft(person.id, "visit:0:new", gone_on, now=at)

    keys = {
        draft.form_key
        for draft in db.session.scalars(select(NoteDraft).where(NoteDraft.person_id == person.id))
    }
    newest = range(6, visiting.MOST_DRAFTS + 5)
    assert keys == {"visit:0:new", *(f"visit:{number}:new" for number in newest)}
    assert begun(other, "visit:0:new") == ["别人的"]


def test_what_was_sent_is_forgotten(a: Builders, person: Person) -> None:
    keep(a, person, "visit:1:new", visiting.Typed("写到一半", "page", number=1))
    for _ in range(2):
        end(a, person, "visit:1:new", ("page", 1))

    assert begun(person) == []
    [draft] = visiting.drafts_of(person.id, "visit:1:new")
    assert (draft.content, draft.mark) == ("", "page:1")


def test_what_nobody_saw_is_not_thrown_away(a: Builders, person: Person) -> None:
    keep(a, person, "visit:1:new", visiting.Typed("写了一个钟头", "elsewhere", number=4))

    end(a, person, "visit:1:new", ("page", 1), ("elsewhere", 3))

    assert begun(person) == ["写了一个钟头"]


def test_what_is_over_is_not_remembered_without_end(
    a: Builders, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visiting, "MOST_DRAFTS", 4)
    keep(a, person, "visit:0:new", visiting.Typed("写到一半"))
    for number in range(9):
        end(a, person, f"visit:{number + 1}:new", ("page", 1))

    over = [draft.is_over for draft in db.session.scalars(select(NoteDraft))]
    assert (over.count(True), over.count(False)) == (4, 1)


def test_what_nobody_sent_is_forgotten_in_the_end(a: Builders, person: Person) -> None:
    keep(a, person, "visit:1:new", visiting.Typed("写到一半"))
    for days, left in ((30, 1), (31, 0)):
        with transaction():
            visiting.forget_old_drafts(now=a.now + timedelta(days=days))
        assert len(db.session.scalars(select(NoteDraft)).all()) == left
