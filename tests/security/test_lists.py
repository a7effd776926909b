"""Lists, counts, searches and exports: what somebody may not see changes nothing that they read.

Every page without an argument is opened by everybody, and what a list takes from its address;
then requests, people and what hangs on them are planted out of their reach, and all of it is
opened again. A row, a number or a suggestion that differs has told them something.

One page tells everybody of what is near, without anything personal: what others of the same place
and kind have asked (`tests/service_requests/test_ask.py`).
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import openpyxl
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.security.matrix import Relation
from tests.security.neighbours import Neighbours, sign_in_all
from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts import actions as accounts
from tracker.database import transaction
from tracker.organisation.models import Area
from tracker.permissions import Role
from tracker.service_requests.contact import look_at_contact
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind, ImportRun, ReachableBy, ServiceRequest
from tracker.service_requests.reference import format_reference
from tracker.teams import actions as teams

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

MARK: Final = "xenolithique"
PHONE: Final = "+8613987654321"
UNSEEN: Final[Mapping[Relation, str]] = {
    Relation.ELSEWHERE: "-NVTLCSAU",
    Relation.HELPED: "-NLCSAU",
    Relation.UNITS: "-NVTLA",
    Relation.TEAMS: "-NLA",
    Relation.MINE: "-NA",
}
"""By letters as in `matrix.WHO`: for whom a request is out of reach. "-" is a visitor."""
SEEN: Final[Mapping[Relation, str]] = {
    Relation.HELPED: "T",
    Relation.UNITS: "CSU",
    Relation.TEAMS: "TCSU",
    Relation.MINE: "TLCSU",
}
"""Who reads it in the queue: else the test would be blind."""
NOT_READ: Final = frozenset({"health.alive", "health.ready", "ask.form", "static", "vendor"})
QUERIES: Final = (
    "/queue?status=all",
    f"/queue?status=all&q={MARK}",
    f"/queue?status=all&q={quote(PHONE)}",
    "/queue?status=closed",
    "/queue?mine=1",
    "/queue?due=late",
    "/figures?period=all",
    *(f"/figures?period=all&by={by}" for by in ("category", "team", "unit", "area", "leader")),
    "/figures/list?period=all&figure=received",
    "/figures/list?period=all&figure=closed",
    "/figures/list.csv?period=all",
    "/figures/list.xlsx?period=all",
    "/admin/people/?ended=1",
    f"/admin/people/?q={MARK}",
    f"/admin/people/?q={quote(PHONE)}",
    f"/admin/people/?q={MARK}@example.org",
    "/admin/teams/?ended=1",
    "/admin/audit/looks?person=1",
    "/requests/new?q=" + MARK,
)
SEALED_WORDS: Final = re.compile(r"q=(%7E|~)[\w%-]+")
NO_WORDS: Final = re.compile(
    rf'value="[^"]{{16,}}"|name="csrf-token" content="[^"]*"|\?v=\w+|{SEALED_WORDS.pattern}'
)
"""What differs each time: tokens, keys."""


@dataclass
class Reader:
    """Reads everything that there is to read for one person."""

    app: Flask
    browser: Browser
    more: tuple[str, ...]

    def everything(self) -> dict[str, str]:
        """Return what each page says, by its address."""
        plain = [
            rule.rule
            for rule in self.app.url_map.iter_rules()
            if "GET" in (rule.methods or ())
            and not rule.arguments
            and rule.endpoint not in NOT_READ
        ]
        read = {path: self._read("GET", path) for path in (*plain, *QUERIES, *self.more)}
        return read | {"caller": self._read("POST", "/intake/callers", phone=PHONE)}

    def _read(self, method: str, path: str, **form: str) -> str:
        answer = self.browser.request(method, path, data=form or None)
        if SEALED_WORDS.search(answer.location or ""):
            answer = self.browser.request("GET", answer.location or "")
        assert answer.status_code in (200, 303, 401, 403, 404), (path, answer.status)
        return f"{answer.status_code} {_words(answer)}"


def _words(answer: TestResponse) -> str:
    if (answer.mimetype or "").endswith("sheet"):
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
        assert sheet is not None
        return str(list(sheet.values))
    return NO_WORDS.sub("", answer.text)


@pytest.mark.parametrize("relation", UNSEEN)
def test_what_is_out_of_reach_changes_nothing_that_one_reads(
    app: Flask, a: Builders, relation: Relation
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False  # what a coordinator asks about a caller, others ask too
    world = Neighbours(a)
    ours = [world.new_request(Status.IN_PROGRESS, each) for each in (Relation.MINE, Relation.UNITS)]
    near = a.area(unit=world.our_unit), a.area(unit=world.other_unit)
    pages = (
        f"/admin/teams/{world.our_team.id}?q={MARK}",
        *(f"/requests/{it.id}" for it in ours),
        *(f"/requests/{it.id}/merger" for it in ours),
        *(f"/requests/{it.id}/volunteers" for it in ours),
    )
    browsers = {**sign_in_all(app, world), "-": Browser(app)}
    readers = {who: Reader(app, browsers[who], pages) for who in UNSEEN[relation]}
    before = {who: reader.everything() for who, reader in readers.items()}

    planted = [plant(world, relation, status, near) for status in STATUSES]
    if relation is Relation.ELSEWHERE:
        plant_people(world)

    for who, reader in readers.items():
        after = reader.everything()
        told = [path for path in after if after[path] != before[who][path]]
        assert told == [], f"{who} learns of what is {relation.value}: {told}"
    for who in SEEN.get(relation, ""):
        words = browsers[who].request("GET", "/queue?status=all").text
        assert all(reference in words for reference in planted), f"{who} should see them"


STATUSES: Final = (Status.ASSIGNED, Status.IN_PROGRESS, Status.WAITING, Status.RESOLVED)


def plant(world: Neighbours, relation: Relation, status: Status, near: tuple[Area, Area]) -> str:
    """Make a request with what hangs on it; return its reference as it is printed."""
    a, is_theirs = world.a, relation in (Relation.ELSEWHERE, Relation.HELPED)
    it = world.new_request(
        status,
        relation,
        area=near[is_theirs],
        need=f"{MARK} {status}",
        address=f"{MARK} 5",
        requester_name=MARK,
        phone=PHONE,
        reachable_by=ReachableBy.PHONE,
    )
    reference = format_reference(it.reference)
    a.photo(it)
    if status is Status.IN_PROGRESS:
        visitor = world.volunteer_of(relation)
        a.visit(it, by=visitor, findings=MARK)
        for kind in (ApprovalKind.EXTENSION, ApprovalKind.PARKING):
            a.approval(it, kind, by=visitor)
    if is_theirs:
        look(world, it)
    return reference


def look(world: Neighbours, it: ServiceRequest) -> None:
    """Let somebody of the other unit look at the contact data."""
    actor = world.a.actor(world.a.coordinator(world.other_unit))
    with transaction():
        look_at_contact(it, where="request page", actor=actor, now=world.a.now)


def plant_people(world: Neighbours) -> None:
    """Enter people and teams of the other unit, with what was written down about it.

    Teams have other names than what is searched for: the search tells whether a team, a unit, an
    area or a leader of that name exists anywhere, as the desk's own pages do.
    """
    a = world.a
    ruler = a.administrator(world.other_unit)
    values = {"phone": PHONE, "email": f"{MARK}@example.org", "title": MARK}
    person = a.coordinator(world.other_unit, name="白远", sort_key="bai yuan", **values)
    ended = a.coordinator(world.other_unit, name=f"{MARK} gone", ended_at=a.now)
    team = a.team(world.other_unit, name="远方队", name_en="Far away")
    a.team(world.other_unit, name="旧队", name_en="Of old", ended_at=a.now)
    actor = a.actor(ruler)
    with transaction():
        accounts.give_role(
            person,
            Role.LEADER,
            unit_id=world.other_unit.id,
            held_in=frozenset(),
            actor=actor,
            now=a.now,
        )
        teams.join(team, person, actor=actor, now=a.now)
    assert ended.ended_at
    a._saved(
        ImportRun(file_name=f"{MARK}.csv", source=MARK, started_by_id=ruler.id, started_at=a.now)
    )


def test_a_number_finds_only_what_one_may_see_the_number_of(a: Builders, app: Flask) -> None:
    """Who audits one unit and leads in another reads no numbers in the first."""
    here, there = a.unit(), a.unit()
    somebody = a.auditor(here)
    a.grant(somebody, Role.LEADER, there)
    led = a.service_request(unit=there, team=a.team(there), leader=somebody, phone=PHONE)
    audited = a.service_request(unit=here, phone=PHONE)
    browser = Browser(app).sign_in(somebody)

    assert format_reference(audited.reference) in browser.open("/queue?status=all").text
    found = browser.open(f"/queue?status=all&q={quote(PHONE)}").text

    assert format_reference(led.reference) in found
    assert format_reference(audited.reference) not in found
