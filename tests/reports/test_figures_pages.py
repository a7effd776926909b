"""The page of figures, and the lists behind its numbers."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

import pytest
from flask import Flask
from openpyxl import load_workbook
from playwright.sync_api import Page as Window
from sqlalchemy import update

from tests.support.browser import CHINESE, ENGLISH, Browser
from tests.support.builders import Builders, at
from tests.support.chromium import Windows
from tracker.database import db, transaction
from tracker.permissions import Role, resident
from tracker.reports import exports, listing
from tracker.reports.definitions import Figure
from tracker.reports.formulas import safe
from tracker.service_requests.actions import answers
from tracker.service_requests.lifecycle import Solved, Status
from tracker.service_requests.models import ServiceRequest

pytestmark = pytest.mark.both_databases


def some_requests(a: Builders) -> None:
    """Make one request of most kinds."""
    for status in (Status.SUBMITTED, Status.IN_PROGRESS, Status.RESOLVED):
        a.service_request(status=status)
    a.service_request(status=Status.CLOSED, solved=Solved.YES, satisfaction=5)
    a.service_request(status=Status.CLOSED, solved=Solved.PARTLY, satisfaction=2)


def numbers(text: str) -> list[int]:
    """Return every whole number in a text."""
    return [int(one) for one in re.findall(r"\d+", text)]


def test_every_number_leads_to_its_list(a: Builders, browser: Browser) -> None:
    some_requests(a)
    browser.sign_in(a.supervisor())

    page = browser.open("/figures")
    assert "40.0%" in page.text
    addresses = {link.href for link in page.links if "figure=" in link.href}
    assert {figure for one in addresses for figure in Figure if f"figure={figure}&" in f"{one}&"}
    for address in addresses:
        parts = urlsplit(address)
        listed = browser.open(f"{parts.path}?{parts.query}")
        rows = listed.tables[0][1:] if listed.tables else []
        assert numbers(listed.text[listed.text.index("request") - 4 :])[0] == len(rows), address


def test_the_page_and_the_command_say_the_same(a: Builders, browser: Browser, app: Flask) -> None:
    some_requests(a)
    browser.sign_in(a.supervisor())

    result = app.test_cli_runner().invoke(args=["figures", "--json", "--by", "team"])
    figures = json.loads(result.stdout)
    page = browser.open("/figures?period=all&by=team")

    assert figures["received"] == 5
    assert f"{figures['closure_rate']:.1%}" in page.text
    assert f"{figures['handled_rate']:.1%}" in page.text
    assert [month["month"] for month in figures["monthly"]] == ["2026-03"]
    assert sorted(group["received"] for group in figures["by"]) == [1, 4]


@pytest.mark.parametrize("by", ["category", "leaf", "team", "unit", "area", "leader", "channel"])
@pytest.mark.parametrize("sort", ["name", "-received", "closure", "-on_time", "median", "nonsense"])
def test_every_breakdown_sorts(a: Builders, browser: Browser, by: str, sort: str) -> None:
    some_requests(a)
    browser.sign_in(a.supervisor())

    browser.open(f"/figures?by={by}&sort={sort}")


@pytest.mark.parametrize(
    "query",
    [
        "period=this_month",
        "period=custom",
        "from=2026-03-11&to=2026-03-01",
        "from=9999-12-31&to=0001-01-01",
        "period=2&unit=x&team=99999999999999&area=-1&category=1&kind=love&channel=%00",
        "blank=team,area,unit&exact=unit,nothing",
        "mark=broken&figure=everything",
    ],
)
def test_any_address_has_a_page(a: Builders, browser: Browser, query: str) -> None:
    some_requests(a)
    browser.sign_in(a.supervisor())

    for page in ("/figures", "/figures/list", "/figures/list.csv", "/figures/list.xlsx"):
        browser.open(f"{page}?{query}")


def test_figures_read_in_chinese(a: Builders, chinese_browser: Browser) -> None:
    some_requests(a)
    chinese_browser.sign_in(a.supervisor())

    page = chinese_browser.open("/figures")

    assert "销号率" in page.text
    assert "满意度" in page.text


def test_only_those_who_answer_for_figures_see_them(
    a: Builders, new_browser: Callable[[], Browser]
) -> None:
    for person in (a.volunteer(), a.team_leader(), a.administrator()):
        new_browser().sign_in(person).open("/figures", status=403)
        new_browser().sign_in(person).open("/figures/list.csv", status=403)
    for person in (a.leader(), a.coordinator(), a.auditor(), a.supervisor()):
        new_browser().sign_in(person).open("/figures")


def test_a_branch_sees_its_own_requests_only(a: Builders, browser: Browser) -> None:
    mine, other = a.unit(), a.unit()
    here, there = a.service_request(unit=mine), a.service_request(unit=other)
    reference_here, reference_there = here.reference, there.reference
    browser.sign_in(a.supervisor(mine))

    page = browser.open("/figures/list?period=all")
    lines = browser.open("/figures/list.csv?period=all").text

    assert reference_here[-4:] in page.text
    assert reference_there[-4:] not in page.text
    assert (reference_here[-4:] in lines, reference_there[-4:] in lines) == (True, False)


def test_the_list_is_taken_along_with_masked_contacts(a: Builders, browser: Browser) -> None:
    made = a.service_request(status=Status.CLOSED, address="=HYPERLINK(1)")
    assert made.requester is not None
    phone = made.requester.phone
    browser.sign_in(a.supervisor())

    text = browser.request("GET", "/figures/list.csv?figure=closed").get_data().decode("utf-8")
    with browser.request("GET", "/figures/list.xlsx?figure=closed") as answer:
        book = load_workbook(io.BytesIO(answer.get_data()))

    assert text.startswith("\ufeff")
    lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert book.active is not None
    rows = list(book.active.iter_rows())
    assert len(lines) == len(rows) == 2
    assert [cell.value for cell in rows[0]] == lines[0]
    if phone:
        assert phone not in text
    assert not [cell for line in lines for cell in line if cell.startswith(("=", "+", "@"))]
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "d"}


@pytest.mark.parametrize(
    ("seconds", "days"), [(86, 0.0), (43_200, 0.5), (432_432, 5.0), (95_000, 1.1)]
)
def test_days_are_taken_along_as_the_page_shows_them(
    a: Builders, browser: Browser, seconds: int, days: float
) -> None:
    made = a.service_request(status=Status.CLOSED)
    with transaction():
        db.session.execute(
            update(ServiceRequest)
            .where(ServiceRequest.id == made.id)
            .values(seconds_to_close=seconds)
        )
    browser.sign_in(a.supervisor())

    text = browser.request("GET", "/figures/list.csv?figure=closed").get_data().decode("utf-8-sig")
    with browser.request("GET", "/figures/list.xlsx?figure=closed") as answer:
        book = load_workbook(io.BytesIO(answer.get_data()))

    [line] = csv.DictReader(io.StringIO(text))
    assert float(line["Days to close"]) == days
    head, row = book.worksheets[0].iter_rows(values_only=True)
    assert dict(zip(head, row, strict=True))["Days to close"] == days


def test_a_sheet_is_called_after_what_it_lists(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.supervisor())
    for figure in Figure:
        for locale in (ENGLISH, CHINESE):
            address = f"/figures/list.xlsx?figure={figure}"
            with browser.speak(locale).request("GET", address) as answer:
                book = load_workbook(io.BytesIO(answer.get_data()))
            [name] = book.sheetnames
            assert name == str(book.properties.title)[:31].rstrip()


@pytest.mark.parametrize("title", ["[a]: b*c?/d\\e", "'quoted'", "x" * 40])
def test_a_sheet_may_be_called_after_anything(title: str) -> None:
    with exports.workbook(title, ["Head"], []) as file:
        assert load_workbook(file).sheetnames != ["Sheet1"]


def test_a_running_period_is_not_called_better_or_worse(a: Builders, browser: Browser) -> None:
    today = a.now.date()
    for month, how_many in ((1, 1), (2, 3), (3, 1)):
        for _ in range(how_many):
            a.service_request(status=Status.CLOSED, at=at(date(today.year, month, 2)))
    browser.sign_in(a.supervisor())
    still_runs = "This period still runs"

    page = browser.open("/figures?period=last_month")
    assert "better, before: 1" in page.text
    assert still_runs not in page.text
    page = browser.open("/figures?period=this_month")
    assert "before: 3" in page.text
    assert "worse," not in page.text
    assert "better," not in page.text
    assert still_runs in page.text


def test_more_than_nothing_is_not_called_better(a: Builders, browser: Browser) -> None:
    a.service_request(status=Status.CLOSED, at=at(date(a.now.year, 2, 2)))
    browser.sign_in(a.supervisor())

    page = browser.open("/figures?period=last_month")

    assert "before: 0" in page.text
    assert "better," not in page.text


def test_bars_stand_in_the_order_of_the_number_that_they_show(
    a: Builders, browser: Browser
) -> None:
    few, many = a.category(name_en="Few counted"), a.category(name_en="Many counted")
    for _ in range(3):
        taken_back = a.service_request(category=few)
        with transaction():
            answers.withdraw(taken_back, actor=resident(taken_back.id), now=a.now)
    a.service_request(category=few)
    for _ in range(2):
        a.service_request(category=many)
    browser.sign_in(a.supervisor())

    html = browser.open("/figures?by=leaf&sort=-received").html
    chart = html[html.index("Closure rate by") : html.index("Figures by")]

    assert chart.index("Many counted") < chart.index("Few counted")


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@sum", "\tx", "\rx", "＝1"])
def test_no_cell_becomes_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"
    assert safe("a=1") == "a=1"


def test_an_export_reads_further_than_one_turn(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "AT_ONCE", 2)
    for _number in range(5):
        a.service_request()
    browser.sign_in(a.supervisor())

    lines = browser.request("GET", "/figures/list.csv").get_data().decode().splitlines()

    assert len({line.split(",")[0] for line in lines}) == 6


def test_queries_do_not_grow_with_rows(
    a: Builders, browser: Browser, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    browser.sign_in(a.supervisor())
    a.service_request(status=Status.CLOSED)
    few = count_queries(lambda: browser.open("/figures"))
    few_listed = count_queries(lambda: browser.open("/figures/list"))
    for _number in range(6):
        a.service_request(status=Status.CLOSED, category=a.category(), area=a.area(), team=a.team())

    assert count_queries(lambda: browser.open("/figures")) == few
    assert count_queries(lambda: browser.open("/figures/list")) == few_listed


def test_spam_is_in_no_list(a: Builders, browser: Browser) -> None:
    made = a.service_request()
    with transaction():
        db.session.execute(
            update(ServiceRequest).where(ServiceRequest.id == made.id).values(is_spam=True)
        )
    browser.sign_in(a.holder(Role.AUDITOR))

    assert "No request is behind this figure" in browser.open("/figures/list").text


@pytest.mark.browser
def test_the_pages_of_figures_are_accessible(
    a: Builders, windows: Windows, assert_accessible: Callable[[Window], None]
) -> None:
    some_requests(a)
    person = a.supervisor()
    for width, locale in ((1280, ENGLISH), (390, CHINESE)):
        window = windows.sign_in(windows.open(width=width, locale=locale), person)
        for address in ("/figures", "/figures/list?figure=closed"):
            window.goto(address)
            assert_accessible(window)


def test_days_the_wrong_way_round_are_pointed_out(a: Builders, browser: Browser) -> None:
    a.service_request()
    browser.sign_in(a.supervisor())

    text = browser.open("/figures?from=2026-03-31&to=2026-03-01").text

    assert "The first day comes after the last day" in text
    assert "comes after" not in browser.open("/figures?from=2026-03-01&to=2026-03-01").text


def test_the_lists_of_a_group_are_its_own(a: Builders, browser: Browser) -> None:
    team, other = a.team(), a.team()
    for one in (team, other, other):
        a.service_request(team=one)
    browser.sign_in(a.supervisor())

    page = browser.open("/figures?period=all&by=team")

    for one in (team, other):
        assert f"period=all&amp;team={one.id}&amp;figure=received" in page.html


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_set_up_while_a_file_is_made_is_called_by_its_name(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    known = exports._read_names("en")
    monkeypatch.setattr(exports, "_names", lambda _locale: known)
    a.service_request(team=a.team(name_en="Later team"))
    browser.sign_in(a.supervisor())

    with browser.request("GET", f"/figures/list.{kind}?figure=received") as answer:
        if kind == "csv":
            cells = {
                cell
                for line in csv.reader(io.StringIO(answer.get_data(as_text=True)))
                for cell in line
            }
        else:
            sheet = load_workbook(io.BytesIO(answer.data)).active
            assert sheet is not None
            cells = {cell for line in sheet.values for cell in line if isinstance(cell, str)}

    assert "Later team" in cells


@pytest.mark.parametrize("page", ["/figures", "/figures/list"])
def test_what_a_link_filters_by_is_a_chip_even_where_the_reader_is_not_offered_it(
    a: Builders, browser: Browser, page: str
) -> None:
    branch = a.unit()
    team, leader = a.team(name_en="Repair Team"), a.leader(name="陈主任")
    a.service_request(unit=branch, team=team, leader=leader)
    browser.sign_in(a.supervisor(branch))

    for name, number in (("team", team.id), ("leader", 99999), ("unit", 99999), ("area", 99999)):
        shown = browser.open(f"{page}?period=all&{name}={number}").text
        assert "Another one" in shown, name
    browser.click("remove")
    assert "Another one" not in browser.page.text
