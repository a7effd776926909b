"""The desk finds its forms filled in by the first rule that fits, is told so, and decides."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.service_requests.actions import routing
from tracker.service_requests.lifecycle import Priority, Status, Step
from tracker.service_requests.models import HistoryEntry, ServiceRequest
from tracker.service_requests.queries import history_of
from tracker.service_requests.routing.models import RoutingRule
from tracker.teams.models import Team


def now_of(service_request: ServiceRequest) -> ServiceRequest:
    db.session.expire_all()
    return db.session.get_one(ServiceRequest, service_request.id)


def rule_kept(service_request: ServiceRequest, step: Step) -> Any:  # noqa: ANN401 - JSON
    """Return what history keeps of the rule with a step; None for nothing."""
    of_it = HistoryEntry.service_request_id == service_request.id
    detail = db.session.scalars(
        select(HistoryEntry.detail).where(of_it, HistoryEntry.step == step)
    ).one()
    return detail.get("rule")


def test_the_desk_reads_which_rule_filled_in_its_forms(a: Builders, browser: Browser) -> None:
    team, leader = a.team(name_en="North Youth"), a.leader(name="王建平")
    other = a.team()
    rule = a.routing_rule(
        name_en="Elders in the north",
        lead_team_id=team.id,
        leader_id=leader.id,
        priority=Priority.URGENT,
    )
    edition = a.rules_in_force()
    a.leader()
    it = a.service_request()
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{it.id}/acceptance")
    words = "By rule 1: Elders in the north → North Youth · 王建平 · Urgent"
    assert words in page.text
    page = browser.send(press="Accept and assign", category_id=it.category_id)
    assert now_of(it).priority is Priority.URGENT
    assert words in page.text
    page = browser.send(lead_team_id=other.id)

    after = now_of(it)
    assert (after.lead_team_id, after.leader_id) == (other.id, leader.id)
    kept = {"id": rule.id, "edition": edition.id, "number": 1, "name": rule.name}
    kept["name_en"] = "Elders in the north"
    assert rule_kept(it, Step.ACCEPT) == rule_kept(it, Step.ASSIGN) == kept
    assert "Proposed by rule 1: Elders in the north" in page.text


def test_one_tap_accepts_and_assigns_as_the_rule_says(a: Builders, browser: Browser) -> None:
    team, leader = a.team(), a.leader()
    rule = a.routing_rule(lead_team_id=team.id, leader_id=leader.id, priority=Priority.COMPLEX)
    a.rules_in_force()
    it = a.service_request()
    browser.sign_in(a.coordinator())

    page = browser.send(f"/requests/{it.id}/acceptance", press="Accept and assign by the rule")

    assert "Accepted and assigned by the rule." in page.text
    after = now_of(it)
    assert after.status is Status.ASSIGNED
    assert (after.lead_team_id, after.leader_id) == (team.id, leader.id)
    assert after.priority is Priority.COMPLEX
    assert rule_kept(it, Step.ASSIGN)["id"] == rule.id


def test_one_tap_is_offered_only_where_nothing_is_left_to_choose(
    a: Builders, browser: Browser
) -> None:
    a.routing_rule(lead_team_id=a.team().id)
    a.rules_in_force()
    it = a.service_request()
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{it.id}/acceptance")

    assert "By rule 1" in page.text
    assert "Accept and assign by the rule" not in page.buttons


def test_one_tap_takes_nothing_that_the_desk_has_not_read(a: Builders, browser: Browser) -> None:
    team, leader = a.team(), a.leader()
    a.routing_rule(name_en="Old", lead_team_id=team.id, leader_id=leader.id)
    a.rules_in_force()
    it = a.service_request()
    browser.sign_in(a.coordinator())
    browser.open(f"/requests/{it.id}/acceptance")
    a.routing_rule()
    a.rules_in_force()

    page = browser.send(press="Accept and assign by the rule")

    assert "The rules have changed meanwhile." in page.text
    assert page.path == f"/requests/{it.id}/acceptance"
    assert now_of(it).status is Status.SUBMITTED


def test_one_tap_on_the_page_of_a_request_assigns_what_was_accepted(
    a: Builders, browser: Browser
) -> None:
    team, leader, category = a.team(), a.leader(name="王建平"), a.category(name_en="Lamps")
    rule = a.routing_rule(
        name_en="Lamps at home",
        category_id=category.id,
        lead_team_id=team.id,
        leader_id=leader.id,
    )
    a.rules_in_force()
    it = a.service_request(status=Status.ACCEPTED, category=category, volunteers_needed=2)
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{it.id}")
    assert "By rule 1: Lamps at home" in page.text
    assert "It fits because of: Lamps." in page.text
    page = browser.send(press="Assign by the rule")

    assert page.path == f"/requests/{it.id}"
    assert "Assigned by the rule. The team has been told." in page.text
    assert "Assign by the rule" not in page.buttons
    after = now_of(it)
    assert (after.status, after.lead_team_id, after.leader_id) == (
        Status.ASSIGNED,
        team.id,
        leader.id,
    )
    assert rule_kept(it, Step.ASSIGN)["id"] == rule.id


def test_one_tap_on_the_page_is_for_a_desk_and_for_rules_that_leave_nothing_open(
    a: Builders, browser: Browser
) -> None:
    a.routing_rule(lead_team_id=a.team().id)
    a.rules_in_force()
    it = a.service_request(status=Status.ACCEPTED)
    tap = "Assign by the rule"

    assert tap not in browser.sign_in(a.coordinator()).open(f"/requests/{it.id}").buttons
    a.routing_rule(lead_team_id=a.team().id, leader_id=a.leader().id)
    with transaction():
        for rule in db.session.scalars(select(RoutingRule).where(RoutingRule.leader_id.is_(None))):
            routing.switch_rule(rule, on=False, actor=a.actor(a.administrator()), now=a.now)
    a.rules_in_force()
    assert tap in browser.open(f"/requests/{it.id}").buttons
    assert tap not in browser.sign_in(a.supervisor()).open(f"/requests/{it.id}").buttons


def test_of_two_taps_at_once_the_second_reads_that_it_was_assigned(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    team, leader = a.team(), a.leader()
    a.routing_rule(lead_team_id=team.id, leader_id=leader.id)
    a.rules_in_force()
    it = a.service_request(status=Status.ACCEPTED)
    first, second = browser.sign_in(a.coordinator()), new_browser().sign_in(a.coordinator())
    first.open(f"/requests/{it.id}")
    sent = second.open(f"/requests/{it.id}").form(press="Assign by the rule").values()
    first.send(press="Assign by the rule")

    page = second.send(press="Assign by the rule")
    assert "It is not as you read it any more." in page.text
    answer = second.request("POST", f"/requests/{it.id}/assignment-by-rule", data=sent)

    assert answer.status_code == 303
    assert [entry.step for entry in history_of(now_of(it))].count(Step.ASSIGN) == 1


def test_one_tap_on_the_page_takes_no_rule_that_the_desk_has_not_read(
    a: Builders, browser: Browser
) -> None:
    a.routing_rule(lead_team_id=a.team().id, leader_id=a.leader().id)
    a.rules_in_force()
    it = a.service_request(status=Status.ACCEPTED)
    browser.sign_in(a.coordinator()).open(f"/requests/{it.id}")
    a.routing_rule()
    a.rules_in_force()

    page = browser.send(press="Assign by the rule")

    assert "It is not as you read it any more." in page.text
    assert now_of(it).status is Status.ACCEPTED


def test_a_broken_rule_fills_in_nothing_and_is_named(a: Builders, browser: Browser) -> None:
    team = a.team()
    a.routing_rule(name_en="Broken", lead_team_id=team.id, priority=Priority.EMERGENCY)
    a.routing_rule(name_en="Sound", priority=Priority.URGENT)
    a.rules_in_force()
    with transaction():
        db.session.get_one(Team, team.id).ended_at = a.now
    it = a.service_request()
    browser.sign_in(a.coordinator())

    page = browser.open(f"/requests/{it.id}/acceptance")

    assert "By rule 2: Sound → Urgent" in page.text
    assert "Rule 1 fits too, but is passed over: Broken Its team has ended." in page.text
    browser.send(press="Only accept")
    assert now_of(it).priority is Priority.URGENT


def test_a_draft_and_a_rule_that_does_not_fit_propose_nothing(
    a: Builders, browser: Browser
) -> None:
    a.routing_rule(name_en="Elsewhere", area_id=a.area().id)
    a.rules_in_force()
    a.routing_rule(name_en="A draft")
    it = a.service_request()
    browser.sign_in(a.coordinator())

    page = browser.send(f"/requests/{it.id}/acceptance", press="Accept and assign")

    assert "By rule" not in page.text
    assert rule_kept(it, Step.ACCEPT) is None


def test_history_names_no_rule_that_the_form_did_not_show(a: Builders, browser: Browser) -> None:
    it = a.service_request()
    browser.sign_in(a.coordinator())
    browser.open(f"/requests/{it.id}/acceptance")
    a.routing_rule()
    a.rules_in_force()

    browser.send(press="Only accept")

    assert rule_kept(it, Step.ACCEPT) is None


@pytest.mark.parametrize("who", ["desk", "team leader"])
def test_what_somebody_decided_already_is_not_proposed_anew(
    a: Builders, browser: Browser, who: str
) -> None:
    a.routing_rule(lead_team_id=a.team().id, leader_id=a.leader().id)
    a.rules_in_force()
    team = a.team()
    it = a.service_request(team=team)
    browser.sign_in(a.coordinator() if who == "desk" else a.team_leader(team))

    page = browser.send(f"/requests/{it.id}/assignment", volunteers_needed=2)

    assert "By rule" not in page.text
    after = now_of(it)
    assert (after.lead_team_id, after.volunteers_needed) == (team.id, 2)
