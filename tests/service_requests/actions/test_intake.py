"""A request comes in: once, with everything that was said, before the right desk."""

import pytest
from sqlalchemy import func, select

from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.errors import NotPermittedError
from tracker.permissions import Actor, Role, resident
from tracker.service_requests import queries
from tracker.service_requests.actions import intake
from tracker.service_requests.lifecycle import Priority, Status, Step
from tracker.service_requests.models import ForWhom, ReachableBy, Requester, ServiceRequest


def new_request(a: Builders, **more: object) -> intake.NewRequest:
    """Return what somebody brings."""
    fields = {
        "category_id": a.any_category.id,
        "need": "厨房水龙头滴水",
        "requester_name": "王小明",
        "reachable_by": ReachableBy.PHONE,
        "phone": "+8613912345678",
        **more,
    }
    return intake.NewRequest(**fields)  # type: ignore[arg-type]


def submit(a: Builders, key: str = "one", **more: object) -> ServiceRequest:
    """Submit as a resident."""
    _ = a.bureau
    content = new_request(a, **more)
    with transaction():
        return intake.submit(content, submission_key=key, actor=resident(), now=a.now)


def take_in(a: Builders, actor: Actor, key: str = "one", **more: object) -> ServiceRequest:
    """Take in as a desk."""
    content = new_request(a, channel="phone", **more)
    with transaction():
        return intake.take_in(content, submission_key=key, actor=actor, now=a.now)


def count(model: type[ServiceRequest] | type[Requester]) -> int:
    """Return how many rows there are."""
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_request_waits_for_the_desk_of_its_area(a: Builders) -> None:
    branch = a.unit()
    street = a.area(unit=branch)

    made = submit(a, area_id=a.area(parent=street).id, need="  灯不亮  ")

    assert made.status is Status.SUBMITTED
    assert made.unit_id == branch.id
    assert made.need == "灯不亮"
    assert made.due_at is None
    assert [entry.step for entry in queries.history_of(made)] == [Step.SUBMIT]


def test_without_an_area_the_root_desk_reads_it(a: Builders) -> None:
    assert submit(a).unit_id == a.bureau.id


def test_the_same_key_makes_one_request(a: Builders) -> None:
    first, second, other = submit(a), submit(a, need="又点了一次"), submit(a, key="two")

    assert first.id == second.id != other.id
    assert count(ServiceRequest) == 2
    assert count(Requester) == 2


def test_whoever_stays_anonymous_leaves_no_row(a: Builders) -> None:
    made = submit(a, reachable_by=ReachableBy.NOBODY, requester_name="", phone=None)

    assert made.requester is None
    assert count(Requester) == 0


def test_references_are_ten_digits_and_differ(a: Builders) -> None:
    references = {submit(a, key=str(number)).reference for number in range(20)}

    assert len(references) == 20
    assert all(len(each) == 10 and each.isdecimal() for each in references)


def test_a_category_brings_its_priority(a: Builders) -> None:
    urgent = a.category(default_priority="urgent")

    assert submit(a, category_id=urgent.id).priority is Priority.URGENT


def test_who_asks_for_another_is_told_apart_from_who_needs_it(a: Builders) -> None:
    made = submit(
        a,
        for_whom=ForWhom.SOMEONE_ELSE,
        beneficiary_name="李奶奶",
        beneficiary_relation="邻居",
        beneficiary_consents=False,
    )

    assert made.requester is not None
    assert (made.requester.name, made.beneficiary_name) == ("王小明", "李奶奶")
    assert made.beneficiary_consents is False


def test_a_desk_takes_in_and_accepts_at_once(a: Builders) -> None:
    person = a.coordinator()

    made = take_in(a, a.actor(person))

    assert made.status is Status.ACCEPTED
    assert made.accepted_at == made.submitted_at == a.now
    assert made.due_at is not None
    history = queries.history_of(made)
    assert [entry.step for entry in history] == [Step.SUBMIT, Step.ACCEPT]
    assert {entry.actor_id for entry in history} == {person.id}


def test_taking_in_twice_makes_one(a: Builders) -> None:
    actor = a.actor(a.coordinator())

    assert take_in(a, actor).id == take_in(a, actor).id
    assert count(ServiceRequest) == 1


def test_another_units_place_is_refused_and_leaves_nothing(a: Builders) -> None:
    actor = a.actor(a.coordinator(a.unit()))
    there = a.area(unit=a.unit())

    with pytest.raises(NotPermittedError):
        take_in(a, actor, area_id=there.id)

    assert count(ServiceRequest) == 0


@pytest.mark.parametrize("role", [Role.LEADER, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR])
def test_only_a_desk_takes_in(a: Builders, role: Role) -> None:
    with pytest.raises(NotPermittedError):
        take_in(a, a.actor(a.holder(role)))
