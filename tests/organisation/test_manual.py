"""The manual that the product serves: the same pages in each language, printed as plain words."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.organisation.manual import TITLES, Node, page
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Status
from tracker.web.locale import CHINESE, ENGLISH


def nodes_of(nodes: Iterator[Node] | tuple[Node, ...]) -> Iterator[Node]:
    """Give every node of a page."""
    for node in nodes:
        yield node
        yield from nodes_of(node.children)


@pytest.mark.parametrize("name", list(TITLES))
def test_each_page_is_there_in_both_languages_with_the_same_parts(name: str) -> None:
    made_of = [
        Counter(
            node.kind
            for node in nodes_of(tuple(page(name, locale).nodes))
            if node.kind in ("h2", "h3", "table", "tr", "td", "th", "list_item")
        )
        for locale in (ENGLISH, CHINESE)
    ]

    assert made_of[0] == made_of[1]
    assert page(name, ENGLISH).title != page(name, CHINESE).title


@pytest.mark.parametrize("locale", [ENGLISH, CHINESE])
@pytest.mark.parametrize("name", list(TITLES))
def test_the_pages_hold_nothing_that_the_template_does_not_print(name: str, locale: str) -> None:
    known = {
        *("h2", "h3", "paragraph", "bullet_list", "ordered_list", "list_item", "table", "thead"),
        *("tbody", "tr", "th", "td", "inline", "text", "strong", "em", "code_inline", "link"),
        *("softbreak", "fence"),
    }
    assert {node.kind for node in nodes_of(tuple(page(name, locale).nodes))} <= known


@pytest.mark.parametrize("name", list(TITLES))
def test_everybody_who_signs_in_reads_it_in_their_language(
    a: Builders, browser: Browser, chinese_browser: Browser, name: str
) -> None:
    reader = a.volunteer(a.team())
    english = browser.sign_in(reader).open(f"/help/{name}")
    chinese = chinese_browser.sign_in(reader).open(f"/help/{name}")

    assert page(name, ENGLISH).title in english.text
    assert page(name, CHINESE).title in chinese.text
    for shown in (english, chinese):
        assert "**" not in shown.text
        assert "](" not in shown.text
        assert "|" not in shown.text


def test_a_link_leads_to_another_page_of_it_or_nowhere(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())

    assert browser.open("/help/messages").link("how time is counted") == "/help/clocks"
    assert "domain.md" not in browser.open("/help/clocks").html


@pytest.mark.parametrize("name", ["security", "README", "messages.md", "..", "decisions"])
def test_nothing_else_of_the_documents_is_served(a: Builders, browser: Browser, name: str) -> None:
    browser.sign_in(a.administrator()).open(f"/help/{name}", status=404)


@pytest.mark.parametrize(
    ("path", "words", "name"),
    [
        ("/admin/outbox", "Help: messages", "messages"),
        ("/me/messages", "Help: messages", "messages"),
        ("/admin/limits", "Help: time limits", "clocks"),
        ("/admin/calendar", "Help: time limits", "clocks"),
        ("/admin/routing/", "Help: dispatch rules", "routing"),
        ("/admin/routing/trial", "Help: dispatch rules", "routing"),
    ],
)
def test_the_pages_that_it_explains_lead_to_it(
    a: Builders, browser: Browser, path: str, words: str, name: str
) -> None:
    a.organisation()

    shown = browser.sign_in(a.administrator()).open(path)

    assert shown.link(words) == f"/help/{name}"


def test_how_a_requests_time_is_counted_leads_to_it(a: Builders, browser: Browser) -> None:
    team = a.team()
    it = a.service_request(team=team, status=Status.IN_PROGRESS)

    shown = browser.sign_in(a.holder(Role.COORDINATOR)).open(f"/requests/{it.id}/clock")

    assert shown.link("Help: time limits") == "/help/clocks"
