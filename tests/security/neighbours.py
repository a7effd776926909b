"""Two units that have nothing to do with each other, and somebody of every role in one of them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from sqlite3 import Connection, connect
from typing import Any, Final

from flask import Flask

from tests.security.matrix import Relation
from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.page import FormOnPage, Page
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.notifications import inbox
from tracker.notifications.endpoints.models import Endpoint, EndpointKind
from tracker.notifications.models import InboxEntry
from tracker.notifications.outbox import enqueue
from tracker.organisation.models import Unit
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Outcome, Solved, Status
from tracker.service_requests.models import ServiceRequest
from tracker.teams.models import Team

NO_SUCH_ID: Final = 2**30
WITH_CLAIMS: Final = frozenset({Status.IN_PROGRESS, Status.WAITING, Status.PARKED, Status.RESOLVED})
WITHOUT_TEAM: Final = frozenset({Status.SUBMITTED, Status.ACCEPTED})
ROLES: Final = {
    "L": Role.LEADER,
    "C": Role.COORDINATOR,
    "S": Role.SUPERVISOR,
    "A": Role.ADMINISTRATOR,
    "U": Role.AUDITOR,
}


@dataclass
class Neighbours:
    """Our unit with our team and a second one, the other unit with its team; who works there."""

    a: Builders
    people: dict[str, int] = field(default_factory=dict)
    """By the letter of `matrix.WHO`."""
    _requests: dict[tuple[Status, Relation], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make them."""
        a = self.a
        a.organisation(claim_limit=100)
        self.our_unit, self.other_unit = a.unit(name_en="Ours"), a.unit(name_en="Theirs")
        self.our_team = a.team(self.our_unit)
        self.second_team = a.team(self.our_unit)
        self.their_team = a.team(self.other_unit)
        made = {letter: a.holder(role, self.our_unit) for letter, role in ROLES.items()}
        made["N"] = a.person()
        made["V"] = a.volunteer(self.our_team)
        made["T"] = a.team_leader(self.our_team)
        made["R"] = a.administrator()
        self.people = {letter: person.id for letter, person in made.items()}
        self.boss, self.their_boss = a.leader(self.our_unit), a.leader(self.other_unit)
        self.mate = a.volunteer(self.our_team)
        self.second, self.theirs = a.volunteer(self.second_team), a.volunteer(self.their_team)
        a.team_leader(self.second_team)
        a.team_leader(self.their_team)

    def person(self, letter: str) -> Person:
        """Return who goes by that letter."""
        return db.session.get_one(Person, self.people[letter])

    def request(self, status: Status, relation: Relation, **content: Any) -> ServiceRequest:  # noqa: ANN401
        """Return the request in that status and relation; made when it is first asked for."""
        if (status, relation) not in self._requests:
            self._requests[status, relation] = self.new_request(status, relation, **content).id
        return db.session.get_one(ServiceRequest, self._requests[status, relation])

    def new_request(self, status: Status, relation: Relation, **content: Any) -> ServiceRequest:  # noqa: ANN401
        """Make one."""
        team, unit, leader, volunteer = self._home(relation)
        if status in WITHOUT_TEAM:
            return self.a.service_request(status=status, unit=unit, **content)
        made = self.a.service_request(
            status=Status.ASSIGNED if status in WITH_CLAIMS else status,
            unit=unit,
            team=team,
            helping_teams=[self.our_team] if relation is Relation.HELPED else (),
            leader=leader,
            volunteers_needed=4,
            **content,
        )
        if status in WITH_CLAIMS:
            self.a.claim(made, volunteer)
            self.a._take_on_to(made, status, self.a.now, Outcome.SOLVED, Solved.YES, 5)
        return made

    def volunteer_of(self, relation: Relation) -> Person:
        """Return who has a claim on requests in that relation."""
        return self._home(relation)[3]

    def _home(self, relation: Relation) -> tuple[Team, Unit, Person, Person]:
        ours, theirs = self.our_unit, self.other_unit
        match relation:
            case Relation.MINE:
                return self.our_team, ours, self.person("L"), self.person("V")
            case Relation.TEAMS:
                return self.our_team, ours, self.boss, self.mate
            case Relation.UNITS:
                return self.second_team, ours, self.boss, self.second
            case _:
                return self.their_team, theirs, self.their_boss, self.theirs

    def message(self) -> int:
        """Put a message into the outbox that was given up; return its id."""
        with transaction():
            made = enqueue(
                "invitation", address="who@example.org", locale="en", payload={}, now=self.a.now
            )
            made.failed_at = self.a.now
            db.session.flush()
            return made.id

    def endpoint(self) -> int:
        """Set up a webhook; return its id."""
        with transaction():
            made = Endpoint(
                kind=EndpointKind.WEBHOOK,
                name="There",
                locale="en",
                news=[],
                address_shown="https://hooks.example.org",
                sealed="",
                created_at=self.a.now,
            )
            db.session.add(made)
            db.session.flush()
            return made.id

    def told(self, person: Person) -> int:
        """Tell somebody of a step of a request of our team; return the message's id."""
        about = self.request(Status.IN_PROGRESS, Relation.MINE)
        with transaction():
            inbox.tell(person.id, service_request_id=about.id, step="urge", now=self.a.now)
            db.session.flush()
            newest = inbox.entries(person.id).order_by(InboxEntry.id.desc())
            return db.session.scalars(newest).first().id  # type: ignore[union-attr] # just written


@contextmanager
def as_it_was(app: Flask) -> Iterator[Connection]:
    """Put the (SQLite) database back afterwards, as it is now, and the files of imports."""
    path = str(app.config["SETTINGS"].database_url).removeprefix("sqlite:///")
    imports = app.config["SETTINGS"].instance_path / "imports"
    files = {each: each.read_bytes() for each in imports.rglob("*") if each.is_file()}
    db.session.rollback()
    with closing(connect(path)) as file, closing(connect(":memory:")) as kept:
        file.backup(kept)
        yield file
        db.session.rollback()
        kept.backup(file)
        db.session.expire_all()
    for each in imports.rglob("*"):
        if each.is_file() and each not in files:
            each.unlink()
    for each, content in files.items():
        each.write_bytes(content)


def filled_in(page: Page, path: str) -> dict[str, Any]:
    """Return what somebody sends who fills in everything that the form of `path` asks for."""
    forms = [
        form
        for form in (FormOnPage(page, element) for element in page.root.iter("form"))
        if form.method == "post" and form.action.partition("?")[0].endswith(path)
    ]
    if not forms:
        return {}
    form = max(forms, key=lambda each: len(each.names))
    given: dict[str, Any] = {name: list(values) for name, values in form.values().items()}
    for name in form.names:
        element = form._by_name[name][0]
        if offered := [each for each in form.options(name) if each]:
            if not any(given.get(name, [])):
                given[name] = [offered[-1]]
        elif not any(given.get(name, [])) and element.get("type") != "file":
            given[name] = [EXAMPLES.get(element.get("type", ""), "Some words about it")]
    given.pop("csrf_token", None)
    return given


EXAMPLES: Final = {
    "date": "2026-03-20",
    "datetime-local": "2026-03-12T10:00",
    "number": "1",
    "tel": "13800138000",
    "email": "somebody@example.org",
    "time": "10:00",
    "hidden": "",
}


def sign_in_all(app: Flask, world: Neighbours) -> dict[str, Browser]:
    """Return a browser for each letter, signed in."""
    return {letter: Browser(app).sign_in(world.person(letter)) for letter in world.people}
