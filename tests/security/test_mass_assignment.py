"""A form carries what it shows, and nothing else that is sent along changes anything.

Every page that takes a form is sent what somebody fills in; then the same with every column of
every table beside it. The database must be the same, but for the words of the form.
"""

import random
import secrets
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest
from flask import Flask, current_app
from sqlalchemy import Boolean, Date, DateTime, Enum, Integer
from werkzeug.routing import Rule

from tests.security.matrix import MATRIX, ByLink, ForRoles, OnRequest, OnThing, Relation
from tests.security.neighbours import Neighbours, as_it_was, filled_in, sign_in_all
from tests.security.test_matrix import BROWSER, Things
from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.page import FormOnPage, Page
from tracker.accounts import links as one_time_links
from tracker.accounts.models import LinkPurpose
from tracker.database import Model, UtcDateTime, transaction
from tracker.notifications.actions import reword
from tracker.notifications.texts import queries as texts
from tracker.notifications.texts.occasions import occasion
from tracker.notifications.texts.wording import Words
from tracker.permissions import resident
from tracker.reports.importing import background
from tracker.service_requests import links
from tracker.service_requests.actions import drafts
from tracker.service_requests.climbing import climb
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.views import draft_keys

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

DAYS: Final = "2020-01-02"
ITS_OWN: Final = frozenset({"csrf_token", "author", "kept", "resume", "remove_photo", "key"})
"""What any form may carry."""
ON_ANOTHER_PAGE: Final = {
    "dispatch.merge": {"survivor_id"},  # chosen in the step before
    "people.give_role": {"role", "unit_id"},
    "notes.keep": {"form_key", "content"},  # sent by the script
}
"""Fields of forms that the page itself does not show."""
TAKEN: Final[dict[str, dict[str, str]]] = {
    "reaching.edit": {"way": "email", "email": "somebody@example.org", "phone": ""},
    "track.reaching": {"way": "phone", "phone": "13800138000", "email": ""},
    "texts.edit": {},
    "texts.reset": {},
    "texts.undo": {},
}
"""What some forms are filled in with, so that they are taken and not only looked at."""
TAKEN_BACK: Final = frozenset({"texts.reset", "texts.undo"})
"""They take back what was entered, in the version that its page showed."""
WITHOUT_FORM: Final = frozenset({"accounts.sign_out_everywhere"})
ENTRIES: Final = sorted(
    endpoint
    for endpoint, entry in MATRIX.items()
    if (isinstance(entry, ForRoles | OnRequest | ByLink) and endpoint not in WITHOUT_FORM)
    or (
        isinstance(entry, OnThing)
        and entry.kind in ("person", "team", "unit", "area", "category", "text")
    )
)


def everything_else(sent: set[str]) -> dict[str, str]:
    """Return a value for each column of each table that the form has no field for."""
    values: dict[str, str] = {}
    for table in Model.metadata.tables.values():
        for column in table.columns:
            match column.type:
                case Enum(enums=names):
                    value = str(names[-1])
                case UtcDateTime() | DateTime():
                    value = f"{DAYS}T00:00"
                case Date():
                    value = DAYS
                case Boolean():
                    value = "y"
                case Integer():
                    value = "1"
                case _:
                    value = "smuggled"
            values[column.name] = value
    return {name: value for name, value in values.items() if name not in sent | ITS_OWN}


def test_columns_are_known(app: Flask) -> None:
    named = everything_else(set())
    assert {"status", "unit_id", "password_hash", "is_demo", "role", "lead_team_id"} <= set(named)


@pytest.mark.parametrize("group", sorted({name.partition(".")[0] for name in ENTRIES}))
def test_what_a_form_does_not_show_changes_nothing(
    group: str, app: Flask, a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", value=False)
    monkeypatch.setattr(background, "start", lambda *_: None)
    sender = Sender(app, Neighbours(a), monkeypatch)
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] == group and "POST" in (rule.methods or ()):
            sender.try_at(rule)
    assert sender.wrong == []


class Sender:
    """Sends forms with and without what they do not show."""

    def __init__(self, app: Flask, world: Neighbours, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app = app
        self.world = world
        self.monkeypatch = monkeypatch
        self.browsers = {**sign_in_all(app, world), "-": Browser(app)}
        self.things = Things(world)
        self.wrong: list[str] = []

    def try_at(self, rule: Rule) -> None:
        """Send the form of one page both ways, and note when that makes a difference."""
        if rule.endpoint not in ENTRIES:
            return
        browser, path, data, shown = self.form_of(rule)
        plain = self._sent(browser, path, data)
        more = self._sent(browser, path, {**everything_else(shown | set(data)), **data})
        if rule.endpoint in TAKEN and plain[0] != 303:
            self.wrong.append(f"{rule.endpoint}: {plain[0]}, it was not taken")
        if plain != more:
            rows = sorted(set(more[1]) ^ set(plain[1]))[:6]
            self.wrong.append(f"{rule.endpoint}: {plain[0]} and {more[0]}, {rows}")

    def form_of(self, rule: Rule) -> tuple[Browser, str, dict[str, Any], set[str]]:
        """Return who may send a form where, what they fill in, and what its fields are."""
        who, arguments = self._who_and_where(rule)
        built = rule.build(arguments, append_unknown=False)
        assert built is not None
        path, browser = built[1], self.browsers[who]
        return browser, path, *self._form(rule, path, browser)

    def _who_and_where(self, rule: Rule) -> tuple[str, dict[str, Any]]:
        entry = MATRIX[rule.endpoint]
        match entry:
            case ForRoles(who=who):
                return who[-1], {}
            case OnThing(ours=who):
                return who[-1], self.things.arguments(rule, entry, Relation.UNITS)
            case OnRequest():
                relation = next(each for each in Relation if entry.who(each))
                arguments = self.things.arguments(rule, entry, relation)
                if rule.endpoint == "clock.answer":  # only what sits is answered for
                    climb(self.world.a.now + timedelta(days=30))
                return entry.who(relation)[-1], arguments
            case _:
                return "-", self._link(rule)

    def _link(self, rule: Rule) -> dict[str, Any]:
        a = self.world.a
        if rule.endpoint.startswith("accounts."):
            purpose = LinkPurpose(rule.endpoint.partition(".")[2])
            with transaction():
                token, _ = one_time_links.new_link(self.world.person("N"), purpose, now=a.now)
            return {"token": token}
        if rule.endpoint.startswith("ask."):
            words = {"category_id": str(a.any_category.id), "need": "A tap drips"}
            content = {**words, "for_whom": "self", "reachable_by": "nobody", "address": "Here 1"}
            with transaction():
                key = drafts.new_key(BROWSER, current_app.config["SECRET_KEY"])
                drafts.save(key, content, actor=resident(), now=a.now)
            self.browsers["-"].client.set_cookie(draft_keys.COOKIE, BROWSER)
            return {"key": key}
        it: ServiceRequest = self.world.request(
            Status.RESOLVED
            if rule.endpoint in ("track.confirm", "track.dispute")
            else Status.ASSIGNED,
            Relation.MINE,
        )
        return {"token": links.token_for(it.id, it.link_salt)}

    def _form(self, rule: Rule, path: str, browser: Browser) -> tuple[dict[str, Any], set[str]]:
        """Return the form filled in, and the names of everything that the page's forms have."""
        elsewhere = ON_ANOTHER_PAGE.get(rule.endpoint, set())
        if rule.endpoint in TAKEN_BACK:
            return {"version": str(self._reworded())}, elsewhere
        if "GET" not in (rule.methods or ()):
            return self.things.filled.get(rule.endpoint, {}), elsewhere
        with as_it_was(self.app):
            answer = browser.request("GET", path)
        if answer.mimetype != "text/html":
            return {}, elsewhere
        page = Page(answer)
        forms = [FormOnPage(page, element) for element in page.root.iter("form")]
        buttons = {each.get("name", "") for each in page.root.iter("button")}
        names = {name for form in forms for name in form.names}
        filled = filled_in(page, path) | TAKEN.get(rule.endpoint, {})
        return filled, names | buttons | elsewhere

    def _reworded(self) -> int:
        """Let a message go in an administrator's words; return the version of them."""
        about = occasion("requester_step", "accept")
        with transaction():
            text = texts.text(about, "en")
            if text is None:
                head, words = self.world.a.actor(self.world.person("R")), Words(subject="Accepted")
                reword(None, about, "en", words, actor=head, now=self.world.a.now)
                text = texts.text(about, "en")
            assert text is not None
            return text.version

    def _sent(
        self, browser: Browser, path: str, data: dict[str, Any]
    ) -> tuple[int, tuple[str, ...]]:
        """Return the answer's number, and what the database holds afterwards."""
        with as_it_was(self.app) as file, self.monkeypatch.context() as patch:
            numbers: Iterator[int] = count(1)
            patch.setattr(secrets, "token_hex", lambda n=32: f"{next(numbers):0{n * 2}x}")
            patch.setattr(secrets, "token_urlsafe", lambda _n=32: f"{next(numbers):043}")
            patch.setattr(random, "SystemRandom", lambda: random.Random(1))  # noqa: S311 - a test
            status = browser.request("POST", path, data=data).status_code
            # A mark tells every sending from every other, with whatever else it brought.
            by_chance = ("$argon2", '"set_up_stamp"', '"taken_form"')
            rows = tuple(
                line for line in file.iterdump() if not any(one in line for one in by_chance)
            )
        return status, rows
