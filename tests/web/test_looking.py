"""What is looked for stands in no address in plain words, and a sealed address finds it."""

import pytest

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.service_requests.reference import format_reference


@pytest.mark.parametrize("words", ["138 0013 8000", "刘桂兰", "站前大道136号"])
def test_the_queue_is_searched_without_a_word_in_the_address(
    a: Builders, browser: Browser, words: str
) -> None:
    it = a.service_request(requester_name="刘桂兰", phone="+8613800138000", address="站前大道136号")
    other = a.service_request(requester_name="王秀兰")
    browser.sign_in(a.coordinator()).open("/queue?kind=help&from=2026-01-01&to=2026-12-31")

    page = browser.send(q=words)

    assert words not in page.url
    assert "kind=help&from=2026-01-01&to=2026-12-31" in page.url
    assert format_reference(it.reference) in page.text
    assert format_reference(other.reference) not in page.text
    assert page.form("q").values()["q"] == [words]
    for link in page.links:
        assert words.replace(" ", "") not in link.href.replace("+", "").replace("%20", "")
    again = browser.open(page.url)
    assert format_reference(it.reference) in again.text


@pytest.mark.parametrize(
    "query",
    ["q=139%201234%205678&kind=help&to=2026-12-31", "kind=help&to=2026-12-31&q=139-1234-5678"],
)
def test_words_written_into_the_address_by_hand_are_sealed_before_a_page_repeats_them(
    a: Builders, browser: Browser, query: str
) -> None:
    it = a.service_request(requester_name="刘桂兰", phone="+8613912345678")
    browser.sign_in(a.coordinator())

    page = browser.open(f"/queue?{query}")

    assert "5678" not in page.url
    assert "kind=help&to=2026-12-31" in page.url
    assert format_reference(it.reference) in page.text
    assert not [link.href for link in page.links if "5678" in link.href]


@pytest.mark.parametrize("address", ["/admin/people/", "/admin/teams/{team}"])
def test_people_are_searched_without_a_word_in_the_address(
    a: Builders, browser: Browser, address: str
) -> None:
    team = a.team()
    a.person("林小雨", email="lin@example.org")
    browser.sign_in(a.administrator()).open(address.format(team=team.id))

    page = browser.send(q="林小雨")

    assert "林小雨" in page.text
    assert page.url.isascii()
    assert "%" not in page.url.partition("?")[2].replace("%7E", "").replace("%3D", "")


@pytest.mark.parametrize("broken", ["~", "~x", "~é", "~" + "A" * 3000, "~gAAAAA=="])
def test_a_broken_seal_asks_for_nothing(a: Builders, browser: Browser, broken: str) -> None:
    it = a.service_request()
    page = browser.sign_in(a.coordinator()).open(f"/queue?q={broken}")
    assert format_reference(it.reference) in page.text


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "queue"]
)
def test_it_leads_nowhere_else(a: Builders, browser: Browser, to: str) -> None:
    page = browser.sign_in(a.coordinator()).open("/queue")
    sent = page.form("q").values() | {"q": ["x"], "path": [to]}
    answer = browser.request("POST", "/look", data=sent)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/?q=")


def test_what_is_not_found_is_looked_for_elsewhere_without_a_word_in_the_address(
    a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.coordinator()).open("/queue?status=submitted")
    page = browser.send(q="不存在的人名")
    assert "Nothing was found" in page.text

    page = browser.click("Look in all requests")

    assert page.form("q").values()["q"] == ["不存在的人名"]
    assert page.url.isascii()
    assert "status=all" in page.url
    assert "%E4" not in page.url


def test_the_address_of_a_search_says_nothing_to_anybody_else(
    a: Builders, browser: Browser
) -> None:
    """They found it in the history of a shared browser, or in a proxy's log."""
    browser.sign_in(a.coordinator()).open("/queue")
    address = browser.send(q="刘桂兰").url
    other = browser.sign_out().sign_in(a.auditor())

    page = other.open(address)

    assert page.form("q").values()["q"] == [""]
    assert "刘桂兰" not in page.html
    assert page.text.count("open only for whoever typed them") == 1
    assert "open only for whoever" not in other.open("/queue").text
