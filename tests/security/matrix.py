"""Who gets in where, written down by hand and independent of the product's own code.

Each page stands here once, with those who are let in, as letters. Everybody else is refused: who
is not signed in is asked to, and who is signed in reads that there is nothing or that it is not
theirs. `test_matrix.py` tries every page with everybody, and fails for a page without an entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tracker.service_requests.lifecycle import Status

WHO: Final[Mapping[str, str]] = {
    "N": "is signed in and holds nothing",
    "V": "volunteer of our team",
    "T": "leader of our team",
    "L": "leader in our unit",
    "C": "coordinator of our unit",
    "S": "supervisor of our unit",
    "A": "administrator of our unit",
    "U": "auditor of our unit",
    "R": "administrator at the top",
}
EVERYBODY: Final = "".join(WHO)


class Relation(StrEnum):
    """What somebody has to do with a request, a person, a team or a thing of a tree."""

    MINE = "the volunteer's claim, with the leader who answers for it, of our team and unit"
    TEAMS = "our team's, somebody else's claim and leader"
    HELPED = "of the other unit, our team helps"
    UNITS = "our unit's, another team's"
    ELSEWHERE = "of the other unit"
    NONE = "there is no such thing"


@dataclass(frozen=True)
class Open:
    """For everybody, signed in or not."""

    answer: int = 200
    to_post: int | None = None


@dataclass(frozen=True)
class ByLink:
    """For whoever holds the link, and for nobody without it: `gone` is the answer then.

    `handlers_not`: who worked on the request and is signed in, and so neither judges it by its link
    nor speaks for its requester.
    """

    gone: int = 404
    handlers_not: str = ""


@dataclass(frozen=True)
class ForRoles:
    """For those who hold a role anywhere; about nothing in particular."""

    who: str


@dataclass(frozen=True)
class OnRequest:
    """About one request in one status: who gets in, by what they have to do with it."""

    status: Status
    mine: str = ""
    teams: str = ""
    helped: str = ""
    units: str = ""

    def who(self, relation: Relation) -> str:
        """Return who is let in; what is elsewhere is nobody's, and so is what is not there."""
        return {
            Relation.MINE: self.mine,
            Relation.TEAMS: self.teams,
            Relation.HELPED: self.helped,
            Relation.UNITS: self.units,
        }.get(relation, "")


@dataclass(frozen=True)
class OnThing:
    """About a person, a team, a unit…: who gets in to one of our unit, and to another's."""

    kind: str
    ours: str
    elsewhere: str = "R"
    known_to: str = ""
    """Who knows that it is there without being let in. To everybody else who is refused it answers
    exactly as what is not there."""


Entry = Open | ByLink | ForRoles | OnRequest | OnThing

_S = Status
_HANDLERS: Final = {"mine": "VTL", "teams": "T", "helped": "T"}
_READERS: Final = {"mine": "VTLCSU", "teams": "TCSU", "helped": "T", "units": "CSU"}
_LEADING: Final = {"mine": "T", "teams": "T", "helped": "T"}
_LEAD_TEAMS: Final = {"mine": "T", "teams": "T"}  # whose request it is: helping is not enough
_DESK: Final = {"mine": "C", "teams": "C", "units": "C"}

MATRIX: Final[Mapping[str, Entry]] = {
    # ------------------------------------------------------------ files, health, coming in
    "static": Open(),
    "vendor": Open(),
    "health.alive": Open(),
    "health.ready": Open(),
    "accounts.sign_in": Open(),
    "accounts.sign_out": Open(),
    "accounts.forgotten": Open(),
    "accounts.invitation": ByLink(gone=410),
    "accounts.reset": ByLink(gone=410),
    "locale.switch": Open(),
    "locale.text_size": Open(),
    # Of a demonstration. Here, as everywhere else, they are not there.
    "accounts.sign_in_demo": Open(answer=404),
    "demo_mail.index": Open(answer=404),
    # ------------------------------------------------------------ a resident
    "home.index": Open(),
    "ask.new": Open(),
    "ask.form": Open(),
    "ask.similar": Open(),
    "ask.edit": ByLink(),
    "ask.check": ByLink(),
    "ask.discard": ByLink(),  # only sent; another browser's: tests/service_requests/test_ask.py
    "photos.of_draft": ByLink(),
    "track.index": Open(),
    "track.show": ByLink(),
    "track.clock": ByLink(),
    "track.receipt": ByLink(),
    "track.slip": ByLink(),
    "track.qr": ByLink(),
    "track.word": ByLink(handlers_not="VTL"),
    "track.urge": ByLink(handlers_not="VTL"),
    "track.withdraw": ByLink(handlers_not="VTL"),
    "track.confirm": ByLink(handlers_not="VTL"),
    "track.dispute": ByLink(handlers_not="VTL"),
    "track.reaching": ByLink(handlers_not="VTL"),
    "track.reaching_code": ByLink(handlers_not="VTL"),
    "track.renew": ByLink(handlers_not="VTL"),
    "photos.of_request": ByLink(),
    # ------------------------------------------------------------ one's own
    "accounts.me": ForRoles(EVERYBODY),
    "accounts.password": ForRoles(EVERYBODY),
    "accounts.sign_out_everywhere": ForRoles(EVERYBODY),
    "notes.index": ForRoles(EVERYBODY),  # one's own typing, of requests within reach
    "notes.keep": ForRoles(EVERYBODY),  # one's own typing, shown to nobody else
    "inbox.index": ForRoles(EVERYBODY),
    "inbox.read_all": ForRoles(EVERYBODY),
    "inbox.read": OnThing("told", ours="V", elsewhere=""),  # whose message it is, and nobody else
    "wishes.edit": ForRoles(EVERYBODY),  # one's own
    "wishes.prove": ForRoles(
        EVERYBODY
    ),  # another's leads back: tests/notifications/test_own_texts.py
    "wishes.remove_number": ForRoles(EVERYBODY),
    "looking.look": ForRoles(EVERYBODY),  # it leads to a page, which asks
    "permissions.index": ForRoles("VTLCSAUR"),
    # ------------------------------------------------------------ lists
    "board.index": ForRoles("VT"),
    "board.mine": ForRoles("VT"),
    "own_team.index": ForRoles("T"),
    "own_team.parts_of_own": ForRoles("T"),
    "queue.index": ForRoles("TLCSU"),
    "call_backs.index": ForRoles("CS"),
    "call_backs.questions": ForRoles("CS"),
    "call_backs.news": ForRoles("CS"),
    "approvals.index": ForRoles("S"),
    "approvals.decide": ForRoles("S"),  # each of them: `test_only_who_may_decide_decides`
    "intake.new": ForRoles("C"),
    "intake.callers": ForRoles("C"),
    "figures.index": ForRoles("LCSU"),
    "figures.listed": ForRoles("LCSU"),
    "figures.list_csv": ForRoles("LCSU"),
    "figures.list_xlsx": ForRoles("LCSU"),
    "audit.index": ForRoles("AUR"),
    "audit.looks": ForRoles("AUR"),
    # ------------------------------------------------------------ one request
    "clock.show": OnRequest(_S.IN_PROGRESS, **_READERS),
    "clock.answer": OnRequest(_S.IN_PROGRESS, mine="S", teams="S", units="S"),
    "service_requests.show": OnRequest(_S.IN_PROGRESS, **_READERS),
    "service_requests.contact": OnRequest(
        _S.IN_PROGRESS, mine="VTLCS", teams="TCS", helped="T", units="CS"
    ),
    # A volunteer sees whom to ring, and changes nothing of it; nor does a team that only helps.
    "reaching.edit": OnRequest(_S.IN_PROGRESS, mine="TLCS", teams="TCS", units="CS"),
    "photos.show": OnRequest(_S.IN_PROGRESS, **_READERS),
    "visits.show": OnRequest(_S.IN_PROGRESS, **_READERS),
    "visits.met": OnRequest(_S.IN_PROGRESS, mine="VTLCS", teams="TCS", helped="T", units="CS"),
    "intake.receipt": OnRequest(
        _S.ACCEPTED
    ),  # whoever took it in: `test_the_code_is_read_out_once`
    "dispatch.accept": OnRequest(_S.SUBMITTED, units="C"),
    "dispatch.accept_by_rule": OnRequest(_S.SUBMITTED, units="C"),
    "dispatch.assign_by_rule": OnRequest(_S.ACCEPTED, units="C"),
    "dispatch.decline": OnRequest(_S.SUBMITTED, units="C"),
    "dispatch.merge": OnRequest(_S.IN_PROGRESS, **_DESK),
    "dispatch.assign": OnRequest(_S.ASSIGNED, mine="TC", teams="TC", units="C"),
    "dispatch.return_": OnRequest(_S.ASSIGNED, **_LEAD_TEAMS),
    "dispatch.sign_for": OnRequest(_S.ASSIGNED, **_LEAD_TEAMS),
    "parts.index": OnRequest(_S.IN_PROGRESS, mine="TC", teams="TC", units="C"),
    # Only who leads the very team whose part it is; of what our team leads, it is another's.
    "parts.end": OnRequest(_S.IN_PROGRESS, helped="T"),
    "parts.return_": OnRequest(_S.IN_PROGRESS, helped="T"),
    "board.claim": OnRequest(_S.IN_PROGRESS, mine="VT", teams="VT", helped="VT"),
    "board.release": OnRequest(_S.IN_PROGRESS, mine="VT", teams="T", helped="T"),
    "own_team.enter": OnRequest(_S.IN_PROGRESS, **_LEADING),
    "visits.plan": OnRequest(_S.IN_PROGRESS, **_HANDLERS),
    "visits.record": OnRequest(_S.IN_PROGRESS, **_HANDLERS),
    "visits.cancel": OnRequest(_S.IN_PROGRESS, **_HANDLERS),
    "visits.need": OnRequest(_S.IN_PROGRESS, **_HANDLERS),
    "handling.note": OnRequest(_S.IN_PROGRESS, mine="VTLCS", teams="TCS", helped="T", units="CS"),
    "handling.ask": OnRequest(_S.IN_PROGRESS, **_HANDLERS),
    "handling.resume": OnRequest(_S.WAITING, mine="VTLC", teams="TC", helped="T", units="C"),
    "handling.extension": OnRequest(_S.IN_PROGRESS, **_HANDLERS),
    "handling.parking": OnRequest(_S.IN_PROGRESS, **_HANDLERS),
    "handling.unpark": OnRequest(_S.PARKED, mine="TLC", teams="TC", helped="T", units="C"),
    "handling.refer": OnRequest(_S.IN_PROGRESS, **_DESK),
    "handling.resolve": OnRequest(_S.IN_PROGRESS, **_HANDLERS),
    "call_backs.tell": OnRequest(_S.IN_PROGRESS, mine="CS", teams="CS", units="CS"),
    "call_backs.call": OnRequest(_S.RESOLVED, mine="CS", teams="CS", units="CS"),
    # ------------------------------------------------------------ our team
    "own_team.check": OnThing("place", ours="T", elsewhere=""),
    "handing_over.show": OnThing("person", ours="TC", elsewhere=""),
    "handing_over.counts": OnThing("person", ours="AR"),
    # ------------------------------------------------------------ administration
    "people.index": ForRoles("AR"),
    "people.new": ForRoles("AR"),
    "people.show": OnThing("person", ours="AR"),
    "people.edit": OnThing("person", ours="AR"),
    "people.invite": OnThing("person", ours="AR"),
    "people.end": OnThing("person", ours="AR"),
    "people.take_up": OnThing("person", ours="AR"),
    "people.give_role": OnThing("person", ours="AR"),
    "people.end_role": OnThing("grant", ours="AR"),
    "teams.index": ForRoles("AR"),
    "teams.new": ForRoles("AR"),
    "teams.show": OnThing("team", ours="AR"),
    "teams.edit": OnThing("team", ours="AR"),
    "teams.end": OnThing("team", ours="AR"),
    "teams.take_up": OnThing("team", ours="AR"),
    "teams.join": OnThing("joining", ours="AR"),
    "teams.place": OnThing("place", ours="AR"),
    "teams.leave": OnThing("place", ours="AR"),
    # The trees are the house's own map: their names are no secret to an administrator.
    "units.index": ForRoles("AR"),
    "units.new": ForRoles("AR"),
    "units.edit": OnThing("unit", ours="AR", known_to="A"),
    "units.end": OnThing("unit", ours="AR", known_to="A"),
    "units.take_up": OnThing("unit", ours="AR", known_to="A"),
    "units.move": OnThing("unit", ours="R", known_to="A"),  # the order is the whole house's
    "areas.index": ForRoles("AR"),
    "areas.new": ForRoles("AR"),
    "areas.edit": OnThing("area", ours="AR", known_to="A"),
    "areas.end": OnThing("area", ours="AR", known_to="A"),
    "areas.take_up": OnThing("area", ours="AR", known_to="A"),
    "areas.move": OnThing("area", ours="R", known_to="A"),
    "categories.index": ForRoles("R"),
    "categories.new": ForRoles("R"),
    "categories.edit": OnThing("category", ours="R"),
    "categories.end": OnThing("category", ours="R"),
    "categories.take_up": OnThing("category", ours="R"),
    "categories.move": OnThing("category", ours="R"),
    "routing.index": ForRoles("CSUR"),
    "routing.try_out": ForRoles("CSUR"),
    "routing.put_in_force": ForRoles("R"),
    "routing.new": ForRoles("R"),
    "routing.edit": OnThing("rule", ours="R"),
    "routing.switch": OnThing("rule", ours="R"),
    "routing.move": OnThing("rule", ours="R"),
    "routing.end": OnThing("rule", ours="R"),
    "routing.take_up": OnThing("rule", ours="R"),
    "organisation.edit": ForRoles("R"),
    "organisation.calendar": ForRoles("R"),
    "limits.edit": ForRoles("R"),
    "background.index": ForRoles("R"),
    "limits.of_category": OnThing("category", ours="R"),
    "organisation.forget_day": OnThing("day", ours="R"),
    "setup.index": ForRoles("R"),
    "endpoints.index": ForRoles("R"),
    "endpoints.new": ForRoles("R"),
    "endpoints.edit": OnThing("endpoint", ours="R"),
    "endpoints.send_test": OnThing("endpoint", ours="R"),
    "endpoints.switch": OnThing("endpoint", ours="R"),
    "endpoints.delete": OnThing("endpoint", ours="R"),
    "texts.index": ForRoles("R"),
    "texts.edit": OnThing("text", ours="R"),
    "texts.reset": OnThing("text", ours="R"),
    "texts.undo": OnThing("text", ours="R"),
    "manual.show": ForRoles(EVERYBODY),
    "outbox.index": ForRoles("R"),
    "outbox.again": OnThing("message", ours="R"),
    "imports.index": ForRoles("AR"),
    "imports.new": ForRoles("AR"),
    "imports.show": OnThing("run", ours="AR"),
    "imports.rejects": OnThing("run", ours="AR"),
    "imports.run_for_real": OnThing("run", ours="AR"),
    "imports.go_on": OnThing("run", ours="AR"),
}
"""Every page, in the order of the navigation."""

ONLY_SENT: Final = frozenset({"service_requests.contact", "visits.met"})
"""Opened, they lead to a page that has a line of its own."""
