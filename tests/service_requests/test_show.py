"""One request, as each role reads it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.permissions import Role, resident
from tracker.service_requests.actions import answers, dispatch, handling
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind, ContactLook, ServiceRequest
from tracker.service_requests.reference import format_reference


def address_of(service_request: ServiceRequest) -> str:
    """Return where the request is shown."""
    return f"/requests/{service_request.id}"


def happened(browser: Browser, service_request: ServiceRequest) -> str:
    """Return the part of the request's page that tells what happened."""
    return browser.open(address_of(service_request)).html.split("What happened</h2>")[1]


def link_to(other: ServiceRequest) -> str:
    """Return how a page leads to another request by its reference."""
    return f'<a href="{address_of(other)}">{format_reference(other.reference)}</a>'


def now_of(service_request: ServiceRequest) -> ServiceRequest:
    """Return the request as it is now."""
    return db.session.get_one(ServiceRequest, service_request.id, populate_existing=True)


def looks() -> list[tuple[int, int]]:
    """Return every logged look: request and person."""
    rows = db.session.execute(select(ContactLook.service_request_id, ContactLook.person_id))
    return [(row[0], row[1]) for row in rows]


def test_it_tells_what_happened_and_keeps_internal_notes_apart(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    leads = a.team_leader(team)
    made = a.service_request(status=Status.IN_PROGRESS, team=team, need="厨房水龙头滴水")
    with transaction():
        handling.add_note(
            made,
            public_note="明天上门",
            internal_note="带上大号扳手",
            actor=a.actor(leads),
            now=a.now,
        )
    browser.sign_in(a.coordinator())

    page = browser.open(address_of(made))

    assert "厨房水龙头滴水" in page.text
    assert "In progress" in page.text
    assert "明天上门" in page.text
    assert "Internal note 带上大号扳手" in page.text.replace("  ", " ")


@pytest.mark.parametrize("status", Status)
def test_it_shows_a_request_in_every_status(
    a: Builders, browser: Browser, chinese_browser: Browser, status: Status
) -> None:
    made = a.service_request(status=status)
    a.photo(made)
    person = a.coordinator()

    for one in (browser, chinese_browser):
        assert one.sign_in(person).open(address_of(made)).status == 200


def test_photos_of_the_result_stand_with_the_result_not_with_the_need(
    a: Builders, browser: Browser
) -> None:
    made = a.service_request(status=Status.RESOLVED)
    need, result = a.photo(made), a.photo(made, is_evidence=True)
    browser.sign_in(a.coordinator())

    html = browser.open(address_of(made)).html

    assert html.index("The need") < html.index(need.key) < html.index("The result")
    assert html.index("The result") < html.index(result.key) < html.index("What happened")


def test_photos_of_a_visit_stand_with_that_visit_not_with_the_need(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    goes = a.volunteer(team)
    made = a.service_request(team=team, claimed_by=[goes])
    first = a.visit(made, by=goes, findings="龙头松了")
    second = a.visit(made, by=goes, findings="换了垫片")
    need = a.photo(made)
    earlier, later = a.photo(made, visit_id=first.id), a.photo(made, visit_id=second.id)
    browser.sign_in(a.coordinator())

    html = browser.open(address_of(made)).html

    assert html.index("The need") < html.index(need.key) < html.index("Visits</h2>")
    assert html.index("换了垫片") < html.index(later.key) < html.index("龙头松了")
    assert html.index("龙头松了") < html.index(earlier.key) < html.index("What happened")
    assert html.count("Photo of the visit, 1") == 2
    assert "Photo 2" not in html


def test_what_was_reported_before_it_was_taken_up_again_is_called_an_earlier_result(
    a: Builders, browser: Browser
) -> None:
    made = a.service_request(status=Status.RESOLVED)
    a.photo(made, is_evidence=True)
    with transaction():
        answers.dispute(made, reason="还在漏水", actor=resident(made.id), now=a.now)
    browser.sign_in(a.coordinator())

    assert "An earlier result" in browser.open(address_of(made)).text


def test_contact_data_is_masked_until_asked_for_and_the_look_is_logged(
    a: Builders, browser: Browser
) -> None:
    made = a.service_request(
        requester_name="王小明", phone="+8613912345678", address="幸福路8号3单元"
    )
    person = a.coordinator()
    browser.sign_in(person)

    masked = browser.open(address_of(made)).text
    assert "王小明" not in masked
    assert "3单元" not in masked
    assert "王**" in masked
    assert looks() == []

    full = browser.click("Show contact").text

    assert "王小明" in full
    assert "139 1234 5678" in full
    assert "幸福路8号3单元" in full
    assert looks() == [(made.id, person.id)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_only_the_button_looks_at_contact_data(a: Builders, browser: Browser, method: str) -> None:
    made = a.service_request(requester_name="王小明")
    browser.sign_in(a.coordinator())

    answer = browser.request(method, address_of(made) + "/contact")

    assert answer.status_code in (200, 303)
    assert "王小明" not in answer.text
    assert looks() == []


def test_who_may_not_see_contact_data_has_no_button(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    made = a.service_request(requester_name="王小明")
    auditor = browser.sign_in(a.auditor())

    assert "Show contact" not in auditor.open(address_of(made)).buttons
    coordinator = new_browser().sign_in(a.coordinator())
    token = coordinator.open(address_of(made)).form(press="Show contact").filled({})["csrf_token"]
    answer = auditor.request("POST", address_of(made) + "/contact", data={"csrf_token": token})

    assert answer.status_code in (400, 404)
    assert looks() == []


def test_a_volunteer_sees_contact_data_from_claiming_until_closing(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    person = a.volunteer(team)
    made = a.service_request(team=team)
    browser.sign_in(person)
    browser.open(address_of(made), status=404)

    a.claim(made, person)
    assert "Show contact" in browser.open(address_of(made)).buttons

    closed = a.service_request(team=team, status=Status.CLOSED, claimed_by=[person])
    assert "Show contact" not in browser.open(address_of(closed), status=None).buttons


@pytest.mark.parametrize("role", Role)
def test_what_one_may_not_see_answers_404(a: Builders, browser: Browser, role: Role) -> None:
    made = a.service_request(team=a.team(), leader=a.leader())
    sees = role in (Role.COORDINATOR, Role.SUPERVISOR, Role.AUDITOR)
    strangers = {Role.VOLUNTEER: a.volunteer, Role.TEAM_LEADER: a.team_leader}
    if role is Role.RESIDENT:
        assert browser.open(address_of(made)).path == "/sign-in"
        return
    browser.sign_in(strangers[role]() if role in strangers else a.holder(role))

    browser.open(address_of(made), status=200 if sees else 404)
    browser.open("/requests/424242", status=404)


def test_a_request_that_was_taken_over_cannot_be_returned(a: Builders, browser: Browser) -> None:
    team = a.team()
    made = a.service_request(team=team, status=Status.ASSIGNED)
    late = a.service_request(team=team, status=Status.ASSIGNED, at=a.now - timedelta(days=9))
    browser.sign_in(a.team_leader(team))

    assert any(link.text == "Return to the desk" for link in browser.open(address_of(made)).links)
    assert all(link.text != "Return to the desk" for link in browser.open(address_of(late)).links)


def test_history_says_with_which_request_it_was_merged_and_when_it_stands_alone_again(
    a: Builders, browser: Browser
) -> None:
    first, survivor = a.service_request(), a.service_request()
    desk = a.coordinator()
    with transaction():
        dispatch.merge(first, survivor, actor=a.actor(desk), now=a.now)
    browser.sign_in(desk)
    assert link_to(survivor) in happened(browser, first)
    assert "Another request was merged into this one" in happened(browser, survivor)
    assert link_to(first) in happened(browser, survivor)
    with transaction():
        answers.withdraw(now_of(survivor), actor=resident(survivor.id), now=a.now)

    since = happened(browser, first)

    assert "To be read anew: what it was merged into was taken back" in since
    assert "Another request was merged into this one" not in since
    assert since.count(link_to(survivor)) == 2


def test_history_names_no_request_of_a_merge_that_its_reader_may_not_see(
    a: Builders, browser: Browser
) -> None:
    unit = a.unit()
    own, foreign = a.service_request(unit=unit), a.service_request()
    with transaction():
        dispatch.merge(own, foreign, actor=a.actor(a.coordinator()), now=a.now)
    browser.sign_in(a.coordinator(unit))

    page = browser.open(address_of(own))

    assert "Merged into another request" in page.text
    assert format_reference(foreign.reference) not in page.text
    assert foreign.reference not in page.html


def test_it_says_what_waits_for_a_decision_and_what_was_merged(
    a: Builders, browser: Browser
) -> None:
    made = a.service_request(status=Status.IN_PROGRESS)
    duplicate = a.service_request()
    a.approval(made, ApprovalKind.EXTENSION)
    with transaction():
        dispatch.merge(duplicate, made, actor=a.actor(a.coordinator()), now=a.now)
    browser.sign_in(a.supervisor())

    page = browser.open(address_of(made))
    assert "等待配件到货" in page.text
    assert "Merged into this one" in page.text

    assert "Go to" in browser.open(address_of(duplicate)).text
    browser.click("where it goes on")
    assert browser.page.path == address_of(made)


def test_a_request_said_to_be_the_same_is_shown_to_the_desk(a: Builders, browser: Browser) -> None:
    first = a.service_request()
    second = a.service_request(same_as_id=first.id)
    browser.sign_in(a.coordinator())

    page = browser.open(address_of(second))

    assert "The requester says this is about the same" in page.text
    assert any(link.href.endswith(address_of(first)) for link in page.links)


def test_longer_histories_take_no_more_queries(
    a: Builders, browser: Browser, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    team = a.team()
    leads = a.team_leader(team)
    made = a.service_request(team=team, status=Status.IN_PROGRESS)
    a.visit(made, by=leads)
    a.planned_visit(made, by=leads)
    a.photo(made)
    browser.sign_in(a.coordinator())

    def opening() -> int:
        browser.open(address_of(made))  # so that the set-up is known
        return count_queries(lambda: browser.open(address_of(made)))

    few = opening()

    for _ in range(5):
        other = a.team_leader(team)
        a.visit(made, by=other)
        a.photo(made)
        with transaction():
            handling.add_note(made, internal_note="记一笔", actor=a.actor(other), now=a.now)

    assert opening() == few


def test_the_address_of_a_look_opened_anew_leads_back_to_the_masked_page(
    a: Builders, browser: Browser
) -> None:
    made = a.service_request(phone="+8613800138000")
    browser.sign_in(a.coordinator())

    page = browser.open(address_of(made) + "/contact")

    assert page.path == address_of(made)
    assert "0013" not in page.text


@pytest.mark.parametrize("is_alone", [True, False])
def test_who_may_decide_on_their_own_wish_is_led_there(
    a: Builders, browser: Browser, *, is_alone: bool
) -> None:
    me = a.supervisor()
    if not is_alone:
        a.supervisor()
    it = a.service_request(status=Status.CLOSED)
    a.approval(it, ApprovalKind.REOPENING, by=me)

    page = browser.sign_in(me).open(f"/requests/{it.id}")

    assert "Waits for a supervisor's decision" in page.text
    assert ("Decide" in page.text) is is_alone
