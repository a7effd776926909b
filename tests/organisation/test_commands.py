"""The first administrator, from an empty database to signing in."""

import re

from flask import Flask
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts.models import Grant, Person
from tracker.database import db
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
