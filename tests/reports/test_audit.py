"""What administrators changed, and who looked at contact data."""

import pytest
from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts.models import AuditEntry
from tracker.database import db, transaction
from tracker.organisation.models import UnitKind
from tracker.permissions import Role
from tracker.reports.trail_values import value_in_words
from tracker.service_requests import recounting
from tracker.service_requests.contact import look_at_contact
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.reference import format_reference
from tracker.web.locale import in_locale

PAGES = ("/admin/audit", "/admin/audit/looks")


@pytest.mark.parametrize("page", PAGES)
def test_administrators_and_auditors_read_the_trail(
    a: Builders, browser: Browser, page: str
) -> None:
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        browser.sign_in(a.holder(role)).open(page)
    for role in (Role.COORDINATOR, Role.SUPERVISOR, Role.LEADER):
        browser.sign_in(a.holder(role)).open(page, status=403)


def test_a_change_is_in_the_trail_with_who_and_what(a: Builders, browser: Browser) -> None:
    unit = a.unit(name="旧名")
    browser.sign_in(a.administrator(name="苏明远"))
    browser.send(f"/admin/units/{unit.id}", name="新名")

    page = browser.open("/admin/audit")

    assert "苏明远" in page.text
    assert "旧名 → 新名" in page.text


def test_when_something_was_done_is_no_condition_in_chinese(
    a: Builders, chinese_browser: Browser
) -> None:
    reader = a.administrator()
    with transaction():
        look_at_contact(
            db.session.merge(a.service_request()),
            where="visit",
            actor=a.actor(a.coordinator()),
            now=a.now,
        )
    chinese_browser.sign_in(reader).send(f"/admin/units/{a.unit().id}", name="新名")

    for page in PAGES:
        [headings, *_lines] = chinese_browser.open(page).tables[0]
        assert headings[0] == "时间"


def test_a_look_is_listed_with_who_and_where_but_not_what(a: Builders, browser: Browser) -> None:
    coordinator = a.coordinator(name="周晓雯")
    service_request = a.service_request(phone="+8613800138000", reachable_by="phone")
    with transaction():
        look_at_contact(
            db.session.merge(service_request),
            where="request page",
            actor=a.actor(coordinator),
            now=a.now,
        )

    page = browser.sign_in(a.holder(Role.AUDITOR)).open("/admin/audit/looks")

    assert "周晓雯" in page.text
    assert "Page of the request" in page.text
    assert "13800138000" not in page.text
    assert "Nobody looked" in browser.open("/admin/audit/looks?q=1").text


def test_an_auditor_of_a_branch_sees_looks_at_its_requests_only(
    a: Builders, browser: Browser
) -> None:
    own, other = a.unit(), a.unit()
    service_request = a.service_request(unit=other)
    with transaction():
        look_at_contact(
            db.session.merge(service_request),
            where="intake",
            actor=a.actor(a.coordinator(name="周晓雯")),
            now=a.now,
        )

    page = browser.sign_in(a.holder(Role.AUDITOR, own)).open("/admin/audit/looks")

    assert "周晓雯" not in page.text


def test_an_id_names_nobody_whose_looks_are_out_of_sight(a: Builders, browser: Browser) -> None:
    own, other = a.unit(), a.unit()
    here, there = a.service_request(unit=own), a.service_request(unit=other)
    looker, stranger = a.coordinator(name="周晓雯"), a.coordinator(other, name="何静")
    for person, service_request in ((looker, here), (looker, there), (stranger, there)):
        with transaction():
            look_at_contact(
                db.session.merge(service_request), where="intake", actor=a.actor(person), now=a.now
            )

    browser.sign_in(a.holder(Role.AUDITOR, own))
    assert "Only looks by 周晓雯." in browser.open(f"/admin/audit/looks?person={looker.id}").text
    for nobody in (stranger.id, 999_999):
        page = browser.open(f"/admin/audit/looks?person={nobody}")
        assert "何静" not in page.text
        assert "Nobody looked" in page.text
        assert "Everybody's" in page.text


@pytest.mark.parametrize("person", ["99999999999999999999", "-1", "x", "%00", "2147483648"])
def test_a_person_that_cannot_be_is_nobody(a: Builders, browser: Browser, person: str) -> None:
    browser.sign_in(a.auditor()).open(f"/admin/audit/looks?person={person}")


def test_a_branch_reads_its_own_part_of_the_trail(a: Builders, browser: Browser) -> None:
    own, other = a.unit(name="东分局"), a.unit(name="西分局")
    at_the_top, of_the_branch = a.administrator(), a.holder(Role.ADMINISTRATOR, own)
    browser.sign_in(at_the_top)
    browser.send(f"/admin/units/{own.id}", name="东一分局")
    browser.send(f"/admin/units/{other.id}", name="西一分局")
    browser.send("/admin/categories/new", name="新的大类")

    everything = browser.open("/admin/audit").text
    browser.sign_in(of_the_branch)
    browser.send("/admin/people/new", name="新人", email="new@example.org")
    part = browser.open("/admin/audit").text

    for name in ("东一分局", "西一分局", "新的大类"):
        assert name in everything
    assert "东一分局" in part
    assert "Person entered" in part
    assert "西一分局" not in part
    assert "新的大类" not in part


def test_the_trail_speaks_in_names(a: Builders, browser: Browser) -> None:
    team, person = a.team(name_en="Watermill"), a.person("马晓东")
    browser.sign_in(a.administrator()).open(f"/admin/people/{person.id}")
    browser.send(role="coordinator", unit_id=a.bureau.id, press="Give")
    browser.open(f"/admin/teams/{team.id}?q=马晓东")
    browser.click("Add: 马晓东")

    text = browser.open("/admin/audit").text

    assert "Role given · 马晓东" in text
    assert "Role: nothing → Coordinator" in text
    assert "Joined a team · Watermill" in text
    assert "Person: nothing → 马晓东" in text
    assert "Leads the team: nothing → No" in text
    for machine_word in ("person_id", "is_vetted", "None", "False", "coordinator"):
        assert machine_word not in text, machine_word


def test_a_changed_working_week_reads_as_a_week(a: Builders, browser: Browser) -> None:
    a.organisation()
    browser.sign_in(a.administrator())
    days = {"friday": "08:30-12:00 13:00-24:00", "saturday": "09:00-12:00"}
    browser.send("/admin/organisation", fields=days, country="FR", phone="12345")

    text = browser.open("/admin/audit").text

    before = "Monday to Friday 09:00–12:00, 14:00–18:00"
    after = (
        "Monday to Thursday 09:00–12:00, 14:00–18:00; Friday 08:30–12:00, 13:00–24:00;"
        " Saturday 09:00–12:00"
    )
    assert f"When we work: {before} → {after}" in text
    assert "Country of the public holidays: China (CN) → France (FR)" in text
    assert "Phone number of the desk: nothing → 12345" in text
    assert "['" not in text


def test_times_stand_on_the_organisations_clock_and_requests_have_their_reference(
    a: Builders, browser: Browser
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    browser.sign_in(a.administrator())
    browser.send("/admin/limits", resolve_normal_amount="9", resolve_normal_unit="working_days")
    recounting.go_on(now=a.now)

    page = browser.open("/admin/audit")
    text = page.text

    assert page.tables[0][1][1:3] == ["Due times counted anew", "System"]
    assert "command line" not in text
    reference = format_reference(it.reference)
    assert f"{reference}: Wed 18 Mar 2026, 18:00 → Tue 24 Mar 2026, 18:00" in text
    assert "Result · Normal: nothing → 9 working days" in text
    assert "+00:00" not in text


def test_days_and_codes_are_words(a: Builders, chinese_browser: Browser) -> None:
    unit = a.unit(kind=UnitKind.STATION)
    browser = chinese_browser.sign_in(a.administrator())
    browser.send("/admin/calendar", day="2026-03-13", is_working="no", name="停水")
    browser.send(f"/admin/units/{unit.id}", kind="office")

    text = browser.open("/admin/audit").text

    assert "无 → 2026年3月13日 周五" in text
    assert "station" not in text
    assert "2026-03-13" not in text


def test_what_the_trail_keeps_of_every_column_is_read(app: Flask) -> None:
    """Whatever an entry holds, its page can be opened."""
    entry = AuditEntry(action="organisation:edit", subject="organisation", changes={})
    with app.test_request_context(), in_locale("en"):
        assert value_in_words(entry, "privacy_note", "[1, 2]") == "[1, 2]"
        assert value_in_words(entry, "names", ["a", "b", None]) == "a, b, nothing"
        assert value_in_words(entry, "country", "XX") == "XX"
        assert value_in_words(entry, "channel", "热线") == "热线"


def test_what_was_said_of_a_day_is_told_as_the_calendar_says_it(
    a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.administrator())
    browser.send("/admin/calendar", day="2026-12-05", is_working="yes", name="补班")

    page = browser.sign_in(a.auditor()).open("/admin/audit")

    assert "Day: nothing → Sat 5 Dec 2026 That day: nothing → is worked" in page.text
