"""Two people edit the same thing: neither overwrites the other unseen."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.page import Page
from tests.support.together import at_once
from tracker.database import db

THINGS: Final = ("person", "team", "unit", "area", "category", "organisation", "rule")


def addresses(a: Builders) -> dict[str, tuple[str, str, str]]:
    """Return, of each thing, the page to edit it and two fields."""
    return {
        "person": (f"/admin/people/{a.coordinator().id}/edit", "name", "title_en"),
        "team": (f"/admin/teams/{a.team().id}/edit", "name", "name_en"),
        "unit": (f"/admin/units/{a.unit().id}", "name", "name_en"),
        "area": (f"/admin/areas/{a.area().id}", "name", "name_en"),
        "category": (f"/admin/categories/{a.category().id}", "name", "name_en"),
        "organisation": ("/admin/organisation", "name", "name_en"),
        "rule": (f"/admin/routing/{a.routing_rule().id}", "name", "name_en"),
    }


def change(browser: Browser, field: str, value: str) -> Page:
    """Fill in one field of the page that is open, and save."""
    fields: dict[str, Any] = {field: value}
    return browser.send(press="Save", **fields)


@pytest.mark.parametrize("thing", THINGS)
def test_who_saves_second_is_told_and_chooses(
    a: Builders, new_browser: Callable[[], Browser], thing: str
) -> None:
    address, first_field, second_field = addresses(a)[thing]
    a.organisation()
    head = a.administrator()
    one, two = new_browser().sign_in(head), new_browser().sign_in(head)
    one.open(address)
    two.open(address)

    change(one, first_field, "Theirs")
    refused = change(two, second_field, "Mine")

    assert "Somebody changed this since you opened it" in refused.text
    assert "Theirs" in refused.text
    two.send(press="Save")
    db.session.expire_all()
    shown = two.open(address).html
    assert 'value="Theirs"' in shown
    assert 'value="Mine"' in shown


@pytest.mark.parametrize("thing", THINGS)
def test_of_two_at_the_same_moment_one_is_taken(
    app: Flask, a: Builders, new_browser: Callable[[], Browser], thing: str
) -> None:
    a.organisation()
    address, field, _second = addresses(a)[thing]
    head = a.administrator()
    acts = []
    for name in ("One", "Two"):
        browser = new_browser().sign_in(head)
        page = browser.open(address)
        fields: dict[str, Any] = {field: name}
        data = page.form("seen").filled(fields)
        acts.append(partial(browser.client.post, page.path, data=data))

    answers = at_once(app, acts)

    assert sorted(answer.status_code for answer in answers) in ([200, 303], [303, 409])


def test_who_edits_alone_is_not_asked(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())

    for address, first_field, second_field in addresses(a).values():
        for field in (first_field, second_field):
            browser.open(address)
            page = change(browser, field, "New")
            assert "Somebody changed" not in page.text


def test_a_number_that_only_the_other_touched_stays_as_they_set_it(
    a: Builders, new_browser: Callable[[], Browser]
) -> None:
    a.organisation()
    head = a.administrator()
    one, two = new_browser().sign_in(head), new_browser().sign_in(head)
    one.open("/admin/organisation")
    two.open("/admin/organisation")

    change(one, "reminder_days", "6")
    refused = change(two, "question_days", "9")

    assert "Days until a reminder, and from one to the next: 6." in refused.text
    assert refused.form("reminder_days").values()["reminder_days"] == ["6"]
    two.send(press="Save")
    saved = two.open("/admin/organisation").form("reminder_days").values()
    assert (saved["reminder_days"], saved["question_days"]) == (["6"], ["9"])


def test_what_is_chosen_is_told_in_its_words(
    a: Builders, new_browser: Callable[[], Browser]
) -> None:
    address = addresses(a)["category"][0]
    head = a.administrator()
    one, two = new_browser().sign_in(head), new_browser().sign_in(head)
    one.open(address)
    two.open(address)

    change(one, "default_priority", "urgent")
    refused = change(two, "name_en", "Mine")

    assert "since you opened it: Priority: Urgent." in refused.text
    assert refused.form("default_priority").values()["default_priority"] == ["urgent"]
