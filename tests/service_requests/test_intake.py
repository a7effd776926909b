"""The desk takes in callers and visitors, and finds them again by their number."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from time_machine import Traveller

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.page import Page
from tracker.database import db, transaction
from tracker.permissions import Role, resident
from tracker.service_requests.actions import private_links
from tracker.service_requests.lifecycle import Priority, Status
from tracker.service_requests.models import ContactLook, ServiceRequest

TOLD = {
    "phone": "139 1234 5678",
    "requester_name": "王小明",
    "need": "水管爆了,厨房都是水",
    "address": "幸福路8号",
}


def count(model: type[ServiceRequest] | type[ContactLook]) -> int:
    """Return how many rows there are."""
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def the_one() -> ServiceRequest:
    """Return the only request there is."""
    return db.session.scalars(
        select(ServiceRequest).execution_options(populate_existing=True)
    ).one()


def take_in(a: Builders, browser: Browser, **more: object) -> Page:
    """Fill in the page for a caller and send it."""
    fields = {**TOLD, "category_id": a.any_category.id, **more}
    return browser.send("/intake", press="Take in", fields=fields)


def test_a_call_is_taken_in_and_accepted_in_the_same_breath(a: Builders, browser: Browser) -> None:
    person = a.coordinator()
    browser.sign_in(person)

    page = take_in(a, browser)

    made = the_one()
    assert page.path == f"/intake/{made.id}/receipt"
    assert made.status is Status.ACCEPTED
    assert made.accepted_at == a.now
    assert made.channel == "phone"
    assert made.requester is not None
    assert made.requester.phone == "+8613912345678"
    assert made.requester.locale == "zh_Hans_CN"
    assert page.text.count("read out") == 1


def test_code_and_reference_can_be_read_out_and_printed(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.coordinator())
    page = take_in(a, browser)

    code = page.find_all("dd", **{"class": "receipt__code"})[0].text or ""
    assert len(code.replace(" ", "")) == 6
    assert browser.click("Print the slip").status == 200
    assert code.strip() in browser.page.text


def test_who_took_it_in_reads_no_link_that_its_requester_made_since(
    a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.coordinator())
    receipt = take_in(a, browser).path
    browser.open(receipt)
    with transaction():
        made = the_one()
        private_links.renew(made, salt="another", actor=resident(made.id), now=made.submitted_at)

    browser.open(receipt, status=404)


def test_nobody_else_and_nobody_later_sees_the_code(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser], clock: Traveller
) -> None:
    browser.sign_in(a.coordinator())
    address = take_in(a, browser).path

    new_browser().sign_in(a.coordinator()).open(address, status=404)
    new_browser().sign_in(a.supervisor()).open(address, status=404)
    browser.open(address)
    clock.shift(timedelta(hours=2))
    browser.open(address, status=404)


def test_priority_follows_the_category_unless_the_desk_says_otherwise(
    a: Builders, browser: Browser
) -> None:
    urgent = a.category(default_priority="urgent")
    browser.sign_in(a.coordinator())

    take_in(a, browser, category_id=urgent.id)
    assert the_one().priority is Priority.URGENT


def test_the_desk_says_how_fast_it_must_move(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.coordinator())

    take_in(a, browser, priority="emergency", channel="counter")

    made = the_one()
    assert made.priority is Priority.EMERGENCY
    assert made.channel == "counter"
    assert made.due_at == a.now + timedelta(hours=2)


def test_sending_twice_makes_one(a: Builders, browser: Browser) -> None:
    told = {**TOLD, "category_id": a.any_category.id}
    browser.sign_in(a.coordinator())
    data = browser.open("/intake").form(press="Take in").filled(told, press="Take in")

    first = browser.request("POST", "/intake", data=data)
    second = browser.request("POST", "/intake", data=data)

    assert first.headers["Location"] == second.headers["Location"]
    assert count(ServiceRequest) == 1


@pytest.mark.parametrize("other", [{"need": "门铃坏了"}, {"phone": "13900139000"}])
def test_another_caller_is_not_read_the_code_of_the_one_before(
    a: Builders, browser: Browser, other: dict[str, str]
) -> None:
    told = {**TOLD, "category_id": a.any_category.id}
    browser.sign_in(a.coordinator())
    form = browser.open("/intake").form(press="Take in")
    browser.request("POST", "/intake", data=form.filled(told, press="Take in"))

    sent = form.filled({**told, **other}, press="Take in")
    answer = browser.request("POST", "/intake", data=sent)

    assert "This form was sent before" in answer.text
    assert count(ServiceRequest) == 1
    again = Page(answer).form(press="Take in").values()
    assert all(again[name] == [words] for name, words in other.items())
    browser.request("POST", "/intake", data={**sent, **again})
    assert count(ServiceRequest) == 2


@pytest.mark.parametrize("key", ["x" * 65, "visit-1", "x" * 32, "desk-", "a\x00b", ""])
def test_what_is_no_key_of_ours_is_a_new_one(a: Builders, browser: Browser, key: str) -> None:
    browser.sign_in(a.coordinator())
    told = {**TOLD, "category_id": a.any_category.id}
    sent = browser.open("/intake").form("need").filled(told)
    sent["submission_key"] = [key]

    answers = [browser.request("POST", "/intake", data=sent) for _once in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    keys = set(db.session.scalars(select(ServiceRequest.submission_key)))
    assert len(keys) == 2
    assert key not in keys


def test_the_address_of_a_caller_is_that_of_one_mailbox(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.coordinator())

    page = take_in(a, browser, reachable_by="email", email="root,postmaster,b@x.yz")

    assert set(page.errors) == {"email"}


def test_a_caller_is_found_again_and_nothing_typed_is_lost(a: Builders, browser: Browser) -> None:
    area = a.area()
    before = a.service_request(
        phone="+8613912345678", requester_name="王小明", address="幸福路8号", area=area
    )
    person = a.coordinator()
    browser.sign_in(person)

    page = browser.send(
        "/intake", press="Look up", fields={"phone": "139 1234 5678", "need": "这次是灯坏了"}
    )

    assert "1 person called from this number before" in page.text
    assert "王小明" in page.text
    assert f"/requests/{before.id}" in [link.href for link in page.links]
    assert page.form(press="Take in").values()["need"] == ["这次是灯坏了"]
    assert count(ContactLook) == 1

    page = browser.send(press="It is them: fill in")
    values = page.form(press="Take in").values()
    assert values["requester_name"] == ["王小明"]
    assert values["address"] == ["幸福路8号"]
    assert values["area_id"] == [str(area.id)]
    assert values["need"] == ["这次是灯坏了"]
    assert count(ServiceRequest) == 1


def test_one_number_may_be_a_whole_familys(a: Builders, browser: Browser) -> None:
    for name in ("王小明", "王奶奶", "王小明"):
        a.service_request(phone="+8613912345678", requester_name=name)
    browser.sign_in(a.coordinator())

    page = browser.send("/intake", press="Look up", fields={"phone": "13912345678"})

    assert "2 people called from this number before" in page.text


def test_a_new_number_and_no_number_are_told_apart(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.coordinator())

    page = browser.send("/intake", press="Look up", fields={"phone": "13912345678"})
    assert "Nobody has called from this number before." in page.text
    page = browser.send(press="Look up", fields={"phone": "12"})
    assert "This is no phone number yet." in page.text
    assert count(ContactLook) == 0


def test_a_desk_finds_only_callers_of_its_own_units(a: Builders, browser: Browser) -> None:
    here = a.unit()
    a.service_request(phone="+8613912345678", requester_name="外单位的人", unit=a.unit())
    browser.sign_in(a.coordinator(here))

    page = browser.send("/intake", press="Look up", fields={"phone": "13912345678"})

    assert "外单位的人" not in page.text
    assert "Nobody has called" in page.text


def test_the_script_gets_the_callers_alone(a: Builders, browser: Browser) -> None:
    a.service_request(phone="+8613912345678", requester_name="王小明")
    browser.sign_in(a.coordinator())
    token = browser.open("/intake").form(press="Take in").values()["csrf_token"][0]

    answer = browser.request(
        "POST", "/intake/callers", data={"csrf_token": token, "phone": "13912345678"}
    )

    assert "王小明" in answer.text
    assert "<html" not in answer.text
    assert browser.request("GET", "/intake/callers").status_code == 405


def test_another_desks_place_is_said_beside_the_field(a: Builders, browser: Browser) -> None:
    here = a.unit()
    there = a.area(unit=a.unit())
    browser.sign_in(a.coordinator(here))

    page = take_in(a, browser, area_id=there.id)

    assert "Another desk answers for this place." in page.text
    assert page.form(press="Take in").values()["need"] == [TOLD["need"]]
    assert count(ServiceRequest) == 0


def test_what_is_missing_is_said_and_nothing_typed_is_lost(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.coordinator())

    page = browser.send("/intake", press="Take in", fields={"requester_name": "王小明"})

    assert "Choose what it is about." in page.text
    assert page.form(press="Take in").values()["requester_name"] == ["王小明"]
    assert count(ServiceRequest) == 0


def test_an_anonymous_visitor_leaves_no_number(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.coordinator())

    take_in(a, browser, reachable_by="nobody", channel="counter")

    assert the_one().requester is None


@pytest.mark.parametrize("role", Role)
def test_only_a_desk_takes_calls(a: Builders, browser: Browser, role: Role) -> None:
    people = {Role.VOLUNTEER: a.volunteer, Role.TEAM_LEADER: a.team_leader}
    if role is Role.RESIDENT:
        assert browser.open("/intake").path == "/sign-in"
        return
    browser.sign_in(people[role]() if role in people else a.holder(role))

    browser.open("/intake", status=200 if role is Role.COORDINATOR else 403)
