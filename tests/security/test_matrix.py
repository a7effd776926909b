"""Every page, tried by everybody: nobody gets in but those whom the table names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Final

import pytest
from flask import Flask, current_app
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.reports.test_imports_pages import MAPPING, TABLE
from tests.security.matrix import (
    EVERYBODY,
    MATRIX,
    ONLY_SENT,
    WHO,
    ByLink,
    Entry,
    ForRoles,
    OnRequest,
    OnThing,
    Open,
    Relation,
)
from tests.security.neighbours import (
    NO_SUCH_ID,
    WITHOUT_TEAM,
    Neighbours,
    as_it_was,
    filled_in,
    sign_in_all,
)
from tests.support.browser import REDIRECTS, Browser
from tests.support.builders import Builders
from tests.support.page import Page
from tracker.accounts import links as one_time_links
from tracker.accounts.models import LinkPurpose, Person
from tracker.database import transaction
from tracker.permissions import Role, resident
from tracker.reports.importing import background, folders
from tracker.service_requests import links, parts
from tracker.service_requests.actions import drafts
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ImportRun, Part, ServiceRequest
from tracker.service_requests.views import draft_keys

pytestmark = pytest.mark.both_databases

on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

VISITOR: Final = "-"
BROWSER: Final = "b" * 32
"""What tells that everybody sits at the browser in which a draft was begun."""
LET_IN: Final = frozenset({200, 204, 409})
"""409: they may, but not now."""
REFUSED: Final = frozenset({403, 404})
ADVICE: Final = (
    "\nSay in tests/security/matrix.py who gets in there: one line in MATRIX, by hand, from what"
    "\nthe page is for and not from what its code does."
)


TRIED_ELSEWHERE: Final = frozenset(
    {
        "intake.receipt",  # whoever took it in, once: tests/service_requests/test_intake.py
        # They end the session that the other tries are made with: tests/accounts.
        "accounts.sign_out",
        "accounts.sign_out_everywhere",
        "notes.keep",  # one's own typing: tests/service_requests/test_visits.py
        "ask.discard",  # by its key, as what one's draft is
        "static",
        "vendor",
        "accounts.sign_in_demo",
    }
)


def groups() -> list[str]:
    """Return the features with pages, so that each is a test."""
    return sorted({endpoint.partition(".")[0] for endpoint in set(MATRIX) - TRIED_ELSEWHERE})


@on_sqlite
def test_every_page_is_in_the_table(app: Flask) -> None:
    known = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert sorted(known - set(MATRIX)) == [], "these pages have no entry." + ADVICE
    assert sorted(set(MATRIX) - known) == [], "these pages are no longer there: take them out"


def test_the_table_names_people_who_exist() -> None:
    for endpoint, entry in MATRIX.items():
        named = "".join(str(value) for value in vars(entry).values() if isinstance(value, str))
        letters = {letter for letter in named if letter.isupper()}
        assert letters <= set(WHO), endpoint


# -------------------------------------------------------------------- all pages, everybody


@on_sqlite
@pytest.mark.parametrize("group", groups())
def test_nobody_gets_in_but_those_named(
    group: str, app: Flask, a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "start", lambda *_: None)
    # The door, not the form's token, must refuse.
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", value=False)
    attempt = Attempt(app, Neighbours(a))
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] == group and rule.endpoint not in TRIED_ELSEWHERE:
            attempt.at(rule, MATRIX[rule.endpoint])
    assert attempt.tries
    assert attempt.wrong == [], "\n" + "\n".join(attempt.wrong)


@dataclass
class Answer:
    """What came of one try: at once, and in the end, after being led on."""

    at_once: int
    status: int
    asks_to_sign_in: bool
    text: str


@dataclass
class Attempt:
    """Tries pages as everybody, and notes who was let in or refused wrongly."""

    app: Flask
    world: Neighbours
    wrong: list[str] = field(default_factory=list)
    tries: int = 0

    def __post_init__(self) -> None:
        """Give everybody a browser."""
        self.browsers = sign_in_all(self.app, self.world) | {VISITOR: Browser(self.app)}
        for browser in self.browsers.values():  # a draft opens where it was begun
            browser.client.set_cookie(draft_keys.COOKIE, BROWSER)
        self.things = Things(self.world)

    def at(self, rule: Rule, entry: Entry) -> None:
        """Try one page with everybody, in every relation and by every method."""
        for relation in self._relations(entry):
            arguments = self.things.arguments(rule, entry, relation)
            built = rule.build(arguments, append_unknown=False)
            assert built is not None, (rule, arguments)
            methods = {"POST"} if rule.endpoint in ONLY_SENT else {"GET", "POST"}
            for method in sorted((rule.methods or set()) & methods):
                self._by_everybody(rule, entry, relation, method, built[1])

    def _relations(self, entry: Entry) -> list[Relation]:
        match entry:
            case OnRequest(status=status) if status in WITHOUT_TEAM:
                return [Relation.UNITS, Relation.ELSEWHERE, Relation.NONE]
            case OnRequest():
                return list(Relation)
            case OnThing():
                return [Relation.UNITS, Relation.ELSEWHERE, Relation.NONE]
            case ByLink():
                return [Relation.MINE, Relation.NONE]
            case _:
                return [Relation.NONE]

    def _by_everybody(
        self, rule: Rule, entry: Entry, relation: Relation, method: str, path: str
    ) -> None:
        expected = {who: self._expected(entry, relation, who) for who in (VISITOR, *EVERYBODY)}
        inside = [who for who in EVERYBODY if expected[who] == "in"]
        data = self._data(rule, method, path, inside)
        nothing: dict[str, str] = {}
        for who, browser in self.browsers.items():
            with as_it_was(self.app) as watched:
                before = watched.execute("PRAGMA data_version").fetchone()
                answer = self._answer(browser, method, path, data)
                after = watched.execute("PRAGMA data_version").fetchone()
            where = f"{method} {rule} ({relation.name.lower()}) as {self._name(who)}"
            if complaint := _complaint(expected[who], answer):
                self.wrong.append(f"{where}: {complaint}")
            elif expected[who] in ("out", "sign-in") and before != after:
                self.wrong.append(f"{where}: refused, and something was changed")
            if expected[who] == "out" and _hides(entry, relation, who):
                nothing[who] = answer.text
            self.tries += 1
        self._remember_refusals(rule, method, relation, nothing)

    def _remember_refusals(
        self, rule: Rule, method: str, relation: Relation, texts: Mapping[str, str]
    ) -> None:
        """Compare what is out of reach with what is not there: the answers must be the same."""
        seen: dict[tuple[str, str, str], str] = self.__dict__.setdefault("_seen", {})
        for who, text in texts.items():
            known = seen.setdefault((str(rule), method, who), text)
            if text != known:
                self.wrong.append(
                    f"{method} {rule} as {self._name(who)}: what is out of reach "
                    f"({relation.name.lower()}) answers otherwise than what is not there"
                )

    def _expected(self, entry: Entry, relation: Relation, who: str) -> str:
        match entry:
            case Open(answer=answer):
                return "in" if answer == 200 else str(answer)
            case ByLink(handlers_not=handlers) if who in handlers and relation is Relation.MINE:
                return "out"
            case ByLink(gone=gone):
                return "in" if relation is Relation.MINE else str(gone)
            case _ if who == VISITOR:
                return "sign-in"
            case ForRoles(who=named):
                return "in" if who in named else "out"
            case OnRequest():
                return "in" if who in entry.who(relation) else "out"
            case OnThing(ours=ours) if relation is Relation.UNITS:
                return "in" if who in ours else "out"
            case OnThing(elsewhere=elsewhere) if relation is Relation.ELSEWHERE:
                return "in" if who in elsewhere else "out"
            case _:
                return "out"

    def _data(self, rule: Rule, method: str, path: str, inside: list[str]) -> dict[str, Any]:
        """Return a form as somebody who may fills it in: others send the same."""
        if method != "POST":
            return {}
        special = self.things.filled.get(rule.endpoint)
        if special is not None:
            return special
        if "GET" not in (rule.methods or set()) or not inside:
            return {}
        with as_it_was(self.app):
            response = self.browsers[inside[0]].request("GET", path)
        return filled_in(Page(response), path) if response.status_code == 200 else {}

    def _answer(self, browser: Browser, method: str, path: str, data: Mapping[str, Any]) -> Answer:
        options: dict[str, Any] = {"data": dict(data)} if method == "POST" else {}
        response = browser.request(method, path, **options)
        at_once = response.status_code
        asked = response.status_code == 401 or "/sign-in" in response.headers.get("Location", "")
        for _turn in range(5):
            if response.status_code not in REDIRECTS:
                break
            response = browser.request("GET", response.headers["Location"])
        return Answer(at_once, response.status_code, asked, _text(response))

    def _name(self, who: str) -> str:
        return "a visitor" if who == VISITOR else f"{who}, who {WHO[who]}"


# -------------------------------------------------------------------- what is tried on


@dataclass
class Things:
    """What the pages are about, by relation; made when first asked for."""

    world: Neighbours

    filled: ClassVar[Mapping[str, dict[str, Any]]] = {
        "locale.switch": {"locale": "en", "next": "/"},
        "locale.text_size": {"size": "large", "next": "/"},
    }
    addressed: ClassVar[Mapping[str, dict[str, Any]]] = {"manual.show": {"name": "clocks"}}

    def arguments(self, rule: Rule, entry: Entry, relation: Relation) -> dict[str, Any]:
        """Return what the address of a page is made of."""
        match entry:
            case OnRequest(status=status):
                return self._of_request(rule, status, relation)
            case OnThing(kind=kind):
                given = dict.fromkeys(rule.arguments, self._thing(kind, relation))
                return {**given, **self._of_two(kind, relation)}
            case ByLink():
                return self._of_link(rule, relation)
            case _:
                return self.addressed.get(rule.endpoint, {})

    def _of_two(self, kind: str, relation: Relation) -> dict[str, Any]:
        """Return what is in the address beside the thing itself, or in its place."""
        if relation is Relation.NONE:
            return {}
        ours, a = relation is Relation.UNITS, self.world.a
        unit = self.world.our_unit if ours else self.world.other_unit
        team = self.world.our_team if ours else self.world.their_team
        match kind:
            case "place":
                mate = self.world.mate if ours else self.world.theirs
                return {"team_id": team.id, "person_id": mate.id}
            case "joining":
                return {"team_id": team.id, "person_id": a.volunteer(a.team(unit)).id}
            case "grant":
                grant = a.grant(a.person(), Role.COORDINATOR, unit)
                return {"person_id": grant.person_id, "grant_id": grant.id}
            case "text":
                return {"kind": "requester_step", "step": "accept", "locale": "en"}
            case "told":
                told = self.world.person("V") if ours else self.world.theirs
                return {"entry_id": self.world.told(told)}
            case _:
                return {}

    def _of_link(self, rule: Rule, relation: Relation) -> dict[str, Any]:
        """Return a link that leads somewhere, or one that was made up."""
        a, world = self.world.a, self.world
        if relation is Relation.NONE:
            # With a good key of one's own, one begins to write.
            return {"token": "0" * 40, "key": "no key", "photo_key": "0" * 32}
        if rule.endpoint.startswith("accounts."):
            purpose = LinkPurpose(rule.endpoint.partition(".")[2])
            with transaction():
                token, _ = one_time_links.new_link(world.mate, purpose, now=a.now)
            return {"token": token}
        it = world.request(Status.RESOLVED, Relation.MINE)
        photo = a.photo(it)
        found = {"token": links.token_for(it.id, it.link_salt), "photo_key": photo.key}
        if "token" not in rule.arguments:
            found["key"] = drafts.new_key(BROWSER, current_app.config["SECRET_KEY"])
            content = {"category_id": str(a.any_category.id), "need": "A tap", "for_whom": "self"}
            content |= {"reachable_by": "nobody", "address": "Here 1"}
            with transaction():
                draft = drafts.save(found["key"], content, actor=resident(), now=a.now)
                photo.service_request_id, photo.draft_id = None, draft.id
        return found

    def _of_request(self, rule: Rule, status: Status, relation: Relation) -> dict[str, Any]:
        if relation is Relation.NONE:
            return dict.fromkeys(rule.arguments, NO_SUCH_ID)
        made = self.world.request(status, relation)
        given: dict[str, Any] = {"service_request_id": made.id}
        if "visit_id" in rule.arguments:
            visitor = self.world.volunteer_of(relation)
            is_done = rule.endpoint == "visits.need"
            given["visit_id"] = (
                self.world.a.visit(made, by=visitor, needs_found="A ramp at the door").id
                if is_done
                else self.world.a.planned_visit(made, by=visitor).id
            )
        if "part_id" in rule.arguments:
            given["part_id"] = self._part(made, relation).id
        if "key" in rule.arguments:
            given["key"] = self.world.a.photo(made).key
        return {name: given[name] for name in rule.arguments}

    def _part(self, made: ServiceRequest, relation: Relation) -> Part:
        """Return the part of our team where it helps, else of a team that nobody here leads."""
        a, world = self.world.a, self.world
        helps = world.our_team if relation is Relation.HELPED else a.team(world.other_unit)
        known = parts.teams_with_open(made)
        return known[helps.id] if helps.id in known else a.part(made, helps)

    def _thing(self, kind: str, relation: Relation) -> int:
        ours = relation is Relation.UNITS
        if relation is Relation.NONE:
            return NO_SUCH_ID
        world, a = self.world, self.world.a
        unit = world.our_unit if ours else world.other_unit
        match kind:
            case "person":
                return (world.mate if ours else world.theirs).id
            case "team":
                return (world.our_team if ours else world.their_team).id
            case "unit":
                return unit.id
            case "area":
                return a.area(unit=unit).id
            case "run":
                return self._run(world.person("A") if ours else a.administrator(unit))
            case "message" | "endpoint":
                return world.message() if kind == "message" else world.endpoint()
            case "day":
                day = a.now.date() + timedelta(days=1 if ours else 2)
                return a.calendar_day(day, is_working=False).id
            case "place" | "joining" | "grant" | "told" | "text":
                return 0  # see _of_two
            case _:
                return a.routing_rule().id if kind == "rule" else a.category().id

    def _run(self, starter: Person) -> int:
        """Return an import that somebody tried, with its files."""
        a = self.world.a
        facts = {"started_by_id": starter.id, "started_at": a.now, "finished_at": a.now}
        facts["rows_created"] = 1
        run = a._saved(ImportRun(file_name="book.csv", source="old-book", is_dry=True, **facts))
        folder = folders.new_folder(current_app.config["SETTINGS"], run.id)
        folder.table.write_bytes(TABLE)
        folder.mapping.write_bytes(MAPPING)
        folder.rejects.write_bytes(TABLE)
        folder.note(folders.Details(self.world.our_unit.id, "en"))
        return run.id


def _complaint(expected: str, answer: Answer) -> str:
    """Return what is wrong with an answer, "" when nothing is."""
    match expected:
        case "in":
            is_right = answer.status < 500 and answer.status not in (401, 403, 404)
            is_right = is_right and not answer.asks_to_sign_in
        case "out":
            if answer.at_once in REDIRECTS:  # it is the next page that refuses, not this one
                return f"out was expected, {answer.at_once} came, which led to {answer.status}"
            is_right = answer.status in REFUSED
        case "sign-in":
            is_right = answer.asks_to_sign_in
        case status:
            is_right = answer.status == int(status)
    return "" if is_right else f"{expected} was expected, {answer.status} came"


def _hides(entry: Entry, relation: Relation, who: str) -> bool:
    match entry:
        case OnRequest():
            return relation is not Relation.MINE
        case OnThing(known_to=known_to):
            return who not in known_to
        case _:
            return False


def _text(response: TestResponse) -> str:
    """Return what a refusal says, without the numbers and tokens of its own."""
    return re.sub(r'value="[^"]*"|\d+', "…", response.get_data().decode(errors="replace"))
