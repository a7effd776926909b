"""An administrator sets the organisation up; others don't get in."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts.models import AuditEntry
from tracker.database import db, transaction
from tracker.errors import StaleError
from tracker.organisation import actions, queries
from tracker.organisation.forms import WEEKDAYS
from tracker.organisation.models import Area, CalendarDay, Category, Organisation, Unit
from tracker.permissions import Role

PAGES = (
    "/admin/units/",
    "/admin/units/new",
    "/admin/areas/",
    "/admin/areas/new",
    "/admin/categories/",
    "/admin/categories/new",
    "/admin/organisation",
    "/admin/calendar",
)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.SUPERVISOR, Role.AUDITOR])
def test_only_administrators_get_in(a: Builders, browser: Browser, page: str, role: Role) -> None:
    browser.sign_in(a.holder(role)).open(page, status=403)
    browser.sign_in(a.administrator()).open(page)


def test_a_unit_is_added_below_another_and_moved(a: Builders, browser: Browser) -> None:
    north, south = a.unit(name="溪北"), a.unit(name="溪南")
    browser.sign_in(a.administrator())

    browser.send(
        "/admin/units/new", name="柳桥站", name_en="Willow", kind="station", parent_id=north.id
    )
    station = db.session.scalars(select(Unit).where(Unit.name == "柳桥站")).one()
    assert station.parent_id == north.id

    browser.send(f"/admin/units/{station.id}", parent_id=south.id)
    assert station.parent_id == south.id

    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == ["unit:add", "unit:edit"]
    assert entries[1].changes == {"parent_id": [north.id, south.id]}


@pytest.mark.parametrize("ends", [True, False])
def test_what_hangs_below_something_ended_stays_there_when_its_name_is_corrected(
    a: Builders, browser: Browser, *, ends: bool
) -> None:
    a.unit()
    branch = a.unit()
    station = a.unit(parent=branch)
    district = a.area()
    street = a.area(parent=district)
    kind = a.category()
    assert kind.parent is not None
    for pages, thing in (("units", station), ("areas", street), ("categories", kind)):
        above = thing.parent_id
        with transaction():
            parent = db.session.merge(thing).parent
            assert parent is not None
            parent.ended_at = a.now if ends else None
        browser.sign_in(a.administrator()).open(f"/admin/{pages}/{thing.id}")
        browser.send(name="改了名")
        assert browser.page.path == f"/admin/{pages}/"
        db.session.expire_all()
        assert (thing.name, thing.parent_id) == ("改了名", above)


def test_who_manages_a_branch_corrects_its_name_and_it_stays_where_it_hangs(
    a: Builders, browser: Browser
) -> None:
    branch = a.unit()
    a.unit(parent=branch)
    browser.sign_in(a.administrator(branch)).open(f"/admin/units/{branch.id}")

    browser.send(name="改了名")

    db.session.expire_all()
    assert (branch.name, branch.parent_id) == ("改了名", a.bureau.id)


def test_a_unit_cannot_hang_below_itself(a: Builders, browser: Browser) -> None:
    north = a.unit()
    station = a.unit(parent=north)

    page = browser.sign_in(a.administrator()).open(f"/admin/units/{north.id}")

    offered = page.form("parent_id").options("parent_id")
    assert str(north.id) not in offered
    assert str(station.id) not in offered
    assert str(a.bureau.id) in offered


def test_a_unit_in_use_is_not_ended(a: Builders, browser: Browser) -> None:
    unit = a.unit(name_en="North")
    a.team(unit=unit)
    browser.sign_in(a.administrator()).open("/admin/units/")

    page = browser.click("End it: North")

    assert "It is still in use." in page.text
    assert unit.ended_at is None


def test_what_is_ended_vanishes_from_choices_and_can_be_taken_up_again(
    a: Builders, browser: Browser
) -> None:
    unit = a.unit(name_en="North")
    browser.sign_in(a.administrator()).open("/admin/units/")

    page = browser.click("End it: North")
    assert "North" not in page.text
    assert unit.id not in {node.thing.id for node in queries.unit_tree()}

    browser.open("/admin/units/?ended=1")
    browser.click("Take up again: North")
    assert unit.id in {node.thing.id for node in queries.unit_tree()}


def test_nobody_puts_an_area_at_the_top_or_below_another_branch_s(
    a: Builders, browser: Browser
) -> None:
    north, south = a.unit(), a.unit()
    theirs, ours = a.area(unit=south), a.area(unit=north)
    below = a.area(parent=ours)
    browser.sign_in(a.administrator(north))

    page = browser.open("/admin/areas/new")
    offered = page.form("name").values()
    assert offered["parent_id"] == [str(ours.id)]
    for parent in (theirs.id, ""):
        for address in ("/admin/areas/new", f"/admin/areas/{below.id}"):
            sent = {**offered, "name": "柳桥", "kind": "community", "parent_id": parent}
            answer = browser.request(
                "POST", address, data={**sent, "unit_id": north.id}, headers={"Referer": page.url}
            )
            assert answer.status_code != 303
    assert {area.parent_id for area in db.session.scalars(select(Area))} == {None, ours.id}
    # At the top it stays with whoever has it.
    browser.send(f"/admin/areas/{ours.id}", name="改名")
    assert ours.name == "改名"


def test_an_area_belongs_to_a_desk(a: Builders, browser: Browser) -> None:
    unit = a.unit()
    browser.sign_in(a.administrator())

    browser.send("/admin/areas/new", name="柳桥社区", kind="community", unit_id=unit.id)

    area = db.session.scalars(select(Area)).one()
    assert queries.unit_for_area(area.id) == unit.id


def test_an_administrator_of_a_branch_changes_only_what_is_there(
    a: Builders, browser: Browser
) -> None:
    own, other = a.unit(), a.unit()
    browser.sign_in(a.administrator(own))

    page = browser.open("/admin/units/new")
    assert page.form("parent_id").options("parent_id") == [str(own.id)]
    browser.open(f"/admin/units/{own.id}", status=200)
    browser.open(f"/admin/units/{other.id}", status=403)
    rows = browser.open("/admin/units/").text
    assert rows.count("For others to change") == 2  # the other branch, and the bureau above both
    for address in (
        "/admin/organisation",
        "/admin/calendar",
        "/admin/categories/",
        "/admin/outbox",
    ):
        browser.open(address, status=403)
        assert address not in [link.href for link in browser.open("/me").links]


def test_a_branch_changes_neither_the_order_of_branches_nor_the_areas_of_others(
    a: Builders, browser: Browser
) -> None:
    own, other = a.unit(), a.unit()
    mine, others = a.area(unit=own), a.area(unit=other)
    below_mine = a.area(parent=mine)
    a.area(parent=mine)
    browser.sign_in(a.administrator(own))

    page = browser.open("/admin/areas/")
    token = page.form("way").values()["csrf_token"][0]
    for thing, status in ((below_mine, 303), (mine, 403), (others, 403)):
        answer = browser.request(
            "POST", f"/admin/areas/{thing.id}/move", data={"way": "up", "csrf_token": token}
        )
        assert answer.status_code == status
    answer = browser.request(
        "POST", f"/admin/units/{own.id}/move", data={"way": "up", "csrf_token": token}
    )
    assert answer.status_code == 403
    browser.open(f"/admin/areas/{others.id}", status=403)
    browser.open(f"/admin/areas/{below_mine.id}")


def test_categories_have_two_levels(a: Builders, browser: Browser) -> None:
    group = a.top_category(name="家庭小修")
    browser.sign_in(a.administrator())

    browser.send(
        "/admin/categories/new",
        name="水管漏水",
        name_en="Leak",
        parent_id=group.id,
        needs_evidence="y",
    )

    leaf = db.session.scalars(select(Category).where(Category.name == "水管漏水")).one()
    assert (leaf.parent_id, leaf.needs_evidence) == (group.id, True)
    assert leaf.is_offered
    page = browser.open("/admin/categories/new")
    assert str(leaf.id) not in page.form("parent_id").options("parent_id")


def test_things_change_places(a: Builders, browser: Browser) -> None:
    first = a.top_category(name_en="First", position=0)
    second = a.top_category(name_en="Second", position=1)
    browser.sign_in(a.administrator()).open("/admin/categories/")

    browser.click("Up: Second")

    assert [node.thing.id for node in queries.category_tree()] == [second.id, first.id]


def test_the_settings_are_changed_and_checked(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())

    page = browser.send("/admin/organisation", name="晴溪镇", friday="14-12", country="FR")
    assert "14-12 ends before it begins." in page.errors["friday"]
    assert page.form("country").values()["country"] == ["FR"]

    page = browser.send(name="晴溪镇", friday="9-12 14:00至17:30", claim_limit=3)
    assert page.flashes == ["Saved."]
    settings = db.session.get_one(Organisation, 1)
    assert (settings.name, settings.claim_limit, settings.country) == ("晴溪镇", 3, "FR")
    assert settings.working_week[4] == [["09:00", "12:00"], ["14:00", "17:30"]]


def test_a_number_of_the_desk_that_cannot_be_dialled_is_refused_beside_the_field(
    a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.administrator())

    page = browser.send("/admin/organisation", phone="ask at the gate")
    assert "This cannot be dialled." in page.errors["phone"]
    assert page.form("country").values()["phone"] == ["ask at the gate"]

    browser.send(phone="0571-8555 1234 转 801")
    page = browser.sign_out().open("/")
    assert 'href="tel:057185551234;ext=801"' in page.html


def test_a_number_of_before_that_cannot_be_dialled_is_no_link(
    a: Builders, browser: Browser
) -> None:
    a.organisation()
    with transaction():
        db.session.get_one(Organisation, 1).phone = "ask at the gate"

    page = browser.open("/")

    assert "ask at the gate" in page.text
    assert "tel:" not in page.html


def test_countries_and_time_zones_have_names_in_the_readers_language(
    a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.administrator())
    for language, china, shanghai, in_order in (
        ("en", "China (CN)", "China (Shanghai) Time (Asia/Shanghai)", ["AL", "FR", "VN"]),
        ("zh_Hans_CN", "中国（CN）", "中国（上海）时间（Asia/Shanghai）", ["AL", "FR", "VN"]),
    ):
        html = browser.speak(language).open("/admin/organisation").html
        offered = dict(re.findall(r'<option[^>]* value="([^"]+)">([^<]+)</option>', html))
        assert (offered["CN"], offered["Asia/Shanghai"]) == (china, shanghai)
        # 阿尔巴尼亚, 法国, 越南: by their sound.
        assert [code for code in offered if code in in_order] == in_order
        assert offered["Etc/UTC"] == "Etc/UTC"


def test_nobody_is_moved_to_the_first_country_of_the_list(a: Builders, browser: Browser) -> None:
    a.organisation(country="")
    browser.sign_in(a.administrator())

    page = browser.send("/admin/organisation", claim_limit=4)

    assert page.errors == {"country": "Choose one."}
    assert page.form("claim_limit").values()["claim_limit"] == ["4"]


def test_a_week_in_which_nobody_works_is_refused(a: Builders, browser: Browser) -> None:
    a.organisation()
    browser.sign_in(a.administrator())

    page = browser.send("/admin/organisation", fields=dict.fromkeys(WEEKDAYS, ""))

    assert page.errors["sunday"] == "At least one day of the week must be worked."


def test_the_front_page_says_when_somebody_is_there(a: Builders, browser: Browser) -> None:
    a.organisation(working_week=[[["08:30", "12:00"]]] * 2 + [[["08:00", "00:00"]]] + [[]] * 4)

    page = browser.open("/")

    assert "Monday to Tuesday 08:30–12:00; Wednesday 08:00–24:00" in page.text


def test_a_day_of_one_unit_is_said_of_it_alone(a: Builders, browser: Browser) -> None:
    branch = a.unit(name_en="West")
    browser.sign_in(a.administrator())
    browser.send("/admin/calendar", day="2026-03-13", is_working="no", unit_id=branch.id)
    page = browser.send("/admin/calendar", day="2026-03-13", is_working="yes", name="开放日")

    around = datetime(2026, 3, 11, tzinfo=UTC)
    assert not queries.calendar(around, unit_id=branch.id).is_working_day(date(2026, 3, 13))
    assert queries.calendar(around).is_working_day(date(2026, 3, 13))
    assert "West" in page.text
    assert "Everywhere" in page.text


def test_holidays_that_were_only_reckoned_so_far_say_so(a: Builders, browser: Browser) -> None:
    page = browser.sign_in(a.administrator()).open("/admin/calendar")

    assert "announced until Thu 31 Dec 2026" in page.text
    announced, reckoned = page.text.split("Fri 1 Jan 2027", 1)
    assert "not announced yet" not in announced
    assert "not announced yet" in reckoned


def test_the_organisation_adds_days_of_its_own(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())

    page = browser.send("/admin/calendar", day="2026-03-14", is_working="yes", name="补班")
    assert "补班" in page.text
    entry = db.session.scalars(select(CalendarDay)).one()
    assert (entry.day, entry.is_working) == (date(2026, 3, 14), True)

    browser.click("Remove")
    assert db.session.scalars(select(CalendarDay)).all() == []


def test_an_area_is_renamed_moved_ended_and_taken_up(a: Builders, browser: Browser) -> None:
    first = a.area(name="河东", name_en="East", position=0)
    second = a.area(name="河西", name_en="West", position=1)
    browser.sign_in(a.administrator())

    browser.send(f"/admin/areas/{second.id}", name="河西社区")
    assert second.name == "河西社区"
    browser.open("/admin/areas/")
    browser.click("Up: West")
    assert [node.thing.id for node in queries.area_tree()] == [second.id, first.id]

    browser.click("End it: East")
    assert [node.thing.id for node in queries.area_tree()] == [second.id]
    browser.open("/admin/areas/?ended=1")
    browser.click("Take up again: East")
    assert {node.thing.id for node in queries.area_tree()} == {first.id, second.id}


def test_a_category_is_changed_ended_and_taken_up(a: Builders, browser: Browser) -> None:
    leaf = a.category(name="水管漏水", name_en="Leak")
    browser.sign_in(a.administrator())

    browser.send(f"/admin/categories/{leaf.id}", keywords="水龙头 tap", volunteers_needed=2)
    assert (leaf.keywords, leaf.volunteers_needed) == ("水龙头 tap", 2)

    browser.open("/admin/categories/")
    browser.click("End it: Leak")
    assert leaf.id not in {node.thing.id for node in queries.category_tree()}
    browser.open("/admin/categories/?ended=1")
    browser.click("Take up again: Leak")
    assert leaf.id in {node.thing.id for node in queries.category_tree()}


def test_units_change_places(a: Builders, browser: Browser) -> None:
    first = a.unit(name_en="First", position=0)
    second = a.unit(name_en="Second", position=1)
    browser.sign_in(a.administrator()).open("/admin/units/")

    browser.click("Down: First")

    order = [node.thing.id for node in queries.unit_tree()]
    assert order.index(second.id) < order.index(first.id)


def test_what_stands_first_or_last_has_no_button_that_would_do_nothing(
    a: Builders, browser: Browser
) -> None:
    for position, name in enumerate(("First", "Middle", "Last")):
        a.unit(name_en=name, position=position)
    page = browser.sign_in(a.administrator()).open("/admin/units/")

    moves = {name for name in page.buttons if name.startswith(("Up", "Down"))}

    assert moves == {"Down: First", "Up: Middle", "Down: Middle", "Up: Last"}


def test_settings_that_changed_while_they_were_saved_are_refused(a: Builders) -> None:
    read = a.organisation().version
    actor = a.actor(a.administrator())
    with transaction():
        actions.edit_organisation({"name": "新名一"}, version=read, actor=actor, now=a.now)

    with pytest.raises(StaleError), transaction():
        actions.edit_organisation({"name": "新名二"}, version=read, actor=actor, now=a.now)


def test_hours_that_somebody_changed_meanwhile_are_not_put_back(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    other = new_browser().sign_in(a.administrator())
    browser.sign_in(a.administrator()).open("/admin/organisation")
    other.open("/admin/organisation")
    other.send(press="Save", tuesday="08:00-12:00")

    page = browser.send(press="Save", phone="0571 1234")

    assert "Somebody changed this since you opened it: Tuesday: 08:00–12:00." in page.text
    assert page.form("tuesday").values()["tuesday"] == ["08:00–12:00"]
    browser.send(press="Save")
    assert queries.organisation().working_week[1] == [["08:00", "12:00"]]
    assert queries.organisation().phone == "0571 1234"


def test_what_is_said_of_a_day_is_not_replaced_unseen(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())
    browser.send("/admin/calendar", day="2026-12-05", is_working="yes", name="补班")

    page = browser.send("/admin/calendar", day="2026-12-05", is_working="no", name="又放假")

    told = "This day is in the list already: is worked (补班). Remove it there first."
    assert page.errors["day"] == told
    assert page.form("name").values()["name"] == ["又放假"]
    assert queries.calendar(datetime(2026, 12, 1, tzinfo=UTC)).is_working_day(date(2026, 12, 5))
    # Of another place something else may be said.
    west = a.unit(name_en="West")
    page = browser.send("/admin/calendar", day="2026-12-05", is_working="no", unit_id=west.id)
    assert "Saved." in page.text


def test_who_is_second_of_two_that_enter_a_day_does_not_replace_it(a: Builders) -> None:
    actor = a.actor(a.administrator())
    day = date(2026, 12, 5)
    with transaction():
        actions.set_calendar_day(day, is_working=True, name="补班", actor=actor, now=a.now)

    with pytest.raises(StaleError), transaction():
        actions.set_calendar_day(day, is_working=False, name="", actor=actor, now=a.now)

    assert db.session.scalars(select(CalendarDay.is_working)).all() == [True]
    written = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "calendar-day:set"))
    assert written.one().changes == {
        "day": [None, "2026-12-05"],
        "is_working": [None, True],
        "name": [None, "补班"],
    }


@pytest.mark.parametrize("day", ["2024-12-31", "0001-01-01", "2032-01-01", "9999-12-31"])
def test_a_day_of_a_mistyped_year_is_refused(a: Builders, browser: Browser, day: str) -> None:
    browser.sign_in(a.administrator())

    page = browser.send("/admin/calendar", day=day, is_working="yes", name="补班")

    told = "Enter a day from Wed 1 Jan 2025 to Wed 31 Dec 2031."
    assert page.errors["day"] == told
    assert db.session.scalars(select(CalendarDay)).all() == []


def test_a_day_of_last_year_is_listed_and_can_be_removed(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())

    page = browser.send("/admin/calendar", day="2025-11-22", is_working="yes", name="补班")

    assert "Sat 22 Nov 2025" in page.text
