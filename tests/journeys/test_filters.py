"""Filters are fetched when they are unfolded; without a script, or a network, a link leads to them."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.builders import Builders
from tests.support.chromium import Windows
from tracker.service_requests.queue import COUNTED_AT_ONCE

pytestmark = pytest.mark.browser

LISTS = ["/queue?status=all", "/figures?period=all"]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("address", LISTS)
def test_who_unfolds_the_filters_chooses_one(
    a: Builders, windows: Windows, address: str, width: int
) -> None:
    wanted, other = a.team(name_en="Repair"), a.team(name_en="Elders")
    for team in (wanted, other):
        a.service_request(team=team)
    window = windows.open(width=width)
    windows.sign_in(window, a.coordinator()).goto(address)
    assert window.locator("#filter-team").count() == 0

    window.locator("details.filters__fold > summary").click()
    window.locator("#filter-team").select_option(str(wanted.id))
    window.locator(".filters__form button[type=submit]").click()

    expect(window.locator(".chips")).to_contain_text("Repair")
    assert f"team={wanted.id}" in window.url
    assert "filters=" not in window.url
    assert address.partition("?")[2] in window.url


@pytest.mark.parametrize("address", LISTS)
def test_without_a_script_a_link_leads_to_the_filters(
    a: Builders, windows: Windows, address: str
) -> None:
    team = a.team(name_en="Repair")
    a.service_request(team=team)
    window = windows.open(javascript=False)
    windows.sign_in(window, a.coordinator()).goto(address)

    window.locator("details.filters__fold > summary").click()
    window.get_by_role("link", name="Choose filters").click()
    window.locator("#filter-team").select_option(str(team.id))
    window.locator(".filters__form button[type=submit]").click()

    expect(window.locator(".chips")).to_contain_text("Repair")


def test_without_a_network_the_link_is_left(a: Builders, windows: Windows) -> None:
    window = windows.open()
    windows.sign_in(window, a.coordinator()).goto("/queue")
    fields = re.compile("filters=fields")
    window.route(fields, lambda route: route.abort())

    window.locator("details.filters__fold > summary").click()

    expect(window.get_by_role("link", name="Choose filters")).to_be_visible()
    expect(window.locator("[data-filters]")).not_to_have_attribute("aria-busy", "true")
    window.unroute(fields)
    window.get_by_role("link", name="Choose filters").click()
    expect(window.locator("#filter-kind")).to_be_visible()
    windows.complaints.clear()  # the browser's own, of the network that was not there


def test_who_waits_a_moment_reads_how_many_there_are(a: Builders, windows: Windows) -> None:
    for _ in range(COUNTED_AT_ONCE + 3):
        a.service_request()
    window = windows.open()
    alone = re.compile("counts=alone")
    window.route(alone, lambda route: route.abort())
    windows.sign_in(window, a.coordinator()).goto("/queue")
    tab = window.locator(".tabs__link[aria-current=page] .count")
    expect(tab).to_have_text(f"{COUNTED_AT_ONCE}+")

    window.unroute(alone)
    window.reload()

    expect(tab).to_have_text(str(COUNTED_AT_ONCE + 3))
    windows.complaints.clear()  # the browser's own, of what it was not let have
