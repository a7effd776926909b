"""The first administrator, from an empty database to signing in."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import PASSWORD, Builders
from tracker.accounts import actions as accounts
from tracker.accounts.models import Grant, Person
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.organisation.models import Organisation, Unit
from tracker.permissions import Role

NEW = "four quiet winter rivers"


def _create(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(
        args=["accounts", "create-administrator", "--name", "苏明远", *arguments]
    )
    assert result.exit_code == 0, result.output
    return re.search(r"/invitation/\S+", result.output)[0]  # type: ignore[index]


def test_a_new_organisation_begins_with_one_command(app: Flask, browser: Browser) -> None:
    link = _create(app, "--email", "Su@Example.org", "--organisation", "晴溪镇")

    page = browser.send(link, password=NEW, again=NEW)

    assert page.status == 200
    assert "missing" in browser.open("/admin/set-up").text
    assert db.session.get_one(Organisation, 1).name == "晴溪镇"
    assert db.session.scalars(select(Unit)).one().parent_id is None


def test_doing_it_again_gives_a_new_link_and_nothing_twice(app: Flask, browser: Browser) -> None:
    first = _create(app, "--email", "su@example.org", "--organisation", "晴溪镇")
    second = _create(app, "--email", "su@example.org")

    browser.open(first, status=410)
    browser.open(second)
    assert len(db.session.scalars(select(Person)).all()) == 1
    grants = db.session.scalars(select(Grant)).all()
    assert [grant.role for grant in grants] == [Role.ADMINISTRATOR]
    assert len(db.session.scalars(select(Unit)).all()) == 1


@pytest.mark.parametrize("was_ended", [True, False], ids=["was ended", "is of a branch"])
def test_who_becomes_an_administrator_signs_in_by_the_link_alone(
    app: Flask, a: Builders, new_browser: Callable[[], Browser], *, was_ended: bool
) -> None:
    person = a.coordinator(a.unit(), email="yu@example.org", password=PASSWORD)
    before = new_browser().sign_in(person)
    if was_ended:
        by, top = a.actor(a.administrator()), a.bureau.id
        with transaction():
            accounts.end_person(person, held_in=(), root_unit_id=top, actor=by, now=utc_now())

    link = _create(app, "--email", "yu@example.org", "--organisation", "晴溪镇")

    page = new_browser().send("/sign-in", name="yu@example.org", password=PASSWORD)
    assert page.path == "/sign-in"
    assert before.open("/me").path == "/sign-in"
    anew = new_browser()
    anew.send(link, password=NEW, again=NEW)
    assert anew.open("/admin/people/").status == 200


def test_a_new_link_leaves_an_administrator_their_password(
    app: Flask, a: Builders, browser: Browser
) -> None:
    a.administrator(email="su@example.org", password=PASSWORD)

    _create(app, "--email", "su@example.org", "--organisation", "晴溪镇")

    assert browser.send("/sign-in", name="su@example.org", password=PASSWORD).path != "/sign-in"


def test_nobody_real_begins_in_an_invented_town(app: Flask, a: Builders) -> None:
    a.administrator(is_demo=True)

    refused = app.test_cli_runner().invoke(
        args=[
            *("accounts", "create-administrator", "--organisation", "晴溪镇"),
            *("--name", "苏", "--email", "su@example.org"),
        ]
    )

    assert refused.exit_code == 1
    assert "Begin on an empty one" in refused.output
    assert "演示小镇" in refused.output
    assert len(db.session.scalars(select(Person)).all()) == 1


def test_who_was_made_by_a_command_signs_in_however_their_domain_is_spelt(
    app: Flask, browser: Browser
) -> None:
    link = _create(app, "--email", "Su@xn--fsqu00a.com", "--organisation", "晴溪镇")
    browser.send(link, password=NEW, again=NEW)

    for typed in ("su@例子.com", "su@xn--fsqu00a.com"):
        browser.open("/me")
        browser.click("Sign out")
        assert browser.send("/sign-in", name=typed, password=NEW).path != "/sign-in"


def test_what_is_no_address_begins_nothing(app: Flask) -> None:
    refused = app.test_cli_runner().invoke(
        args=["accounts", "create-administrator", "--name", "苏", "--email", "su@nowhere"]
    )

    assert refused.exit_code == 2
    assert "That is not an e-mail address." in refused.output
