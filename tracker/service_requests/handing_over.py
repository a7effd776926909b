"""What one person holds, to whom it can go, and what would happen if it went there.

All that a page of it shows is read in a number of statements that does not grow with what is held:
the rules of a claim are asked of what was read once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, text
from sqlalchemy.orm import aliased, joinedload, selectinload

from tracker.accounts.models import Grant, Person
from tracker.database import db
from tracker.errors import NotFoundError, Refusal, StaleError
from tracker.organisation import queries as organisation
from tracker.organisation.models import Area
from tracker.permissions import Action, Actor, Role, may, require
from tracker.service_requests.actions import approvals, claims
from tracker.service_requests.actions.handing_over import Group, Move, hand_over
from tracker.service_requests.casework import CASEWORK, UNDER_WAY
from tracker.service_requests.lifecycle import OPEN_STATUSES, Status, Step
from tracker.service_requests.models import Approval, Claim, HistoryEntry, ServiceRequest
from tracker.teams import queries as teams
from tracker.teams.actors import actor_for
from tracker.teams.models import AT_WORK, Membership, Team
from tracker.visibility import within_reach
from tracker.visits.models import Visit, visit_visitor
from tracker.visits.queries import is_to_come

MOST: Final = 500
"""So much of each group is handed over at once; the rest is there when that is done."""
TO_DESK: Final = "desk"
"""The choice that gives it back: the team leader finds somebody."""
STAYS: Final = "stays"
"""The choice that leaves it where it is."""
_OPEN: Final = text("service_request.status <> 'closed'")  # in the very words of the index


class Fate(StrEnum):
    """What would become of one thing."""

    GOES = "goes"
    FALLS = "falls"
    """Back to the team leader's desk."""
    CANNOT = "cannot"
    STAYS = "stays"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could take something over, and how many open tasks they hold."""

    person: Person
    open_claims: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that somebody holds, and who can take it as things stand."""

    group: Group
    service_request: ServiceRequest
    visits: Sequence[Visit] = ()
    """The visits still to come that go with it."""
    able: Sequence[Candidate] = ()

    @property
    def name(self) -> str:
        """Return what tells it from all others, as fields are called."""
        return f"{self.group}-{self.service_request.id}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What cannot be handed over here, because somebody else has to settle it."""

    led_alone: Sequence[tuple[Team, int]]
    """Teams that nobody else leads, with how many open requests each has."""
    decisions: Sequence[Approval]
    """What was asked, and nobody else may decide."""
    questions: Sequence[ServiceRequest]
    """Requests that wait for the answer to a question of theirs."""


@dataclass(frozen=True)
class Holdings:
    """All that somebody holds, as far as the reader may hand it over."""

    person: Person
    items: Mapping[Group, Sequence[Item]]
    candidates: Mapping[Group, Sequence[Candidate]]
    waiting: Waiting
    standing: "Standing"

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to hand over."""
        return not any(self.items.values())

    @property
    def counts(self) -> Mapping[Group, int]:
        """Return how much of each group they hold."""
        return {group: len(items) for group, items in self.items.items()}


@dataclass(frozen=True, slots=True)
class Line:
    """What would become of one thing, and why it can't go where it was sent."""

    item: Item
    fate: Fate
    to: Person | None = None
    refusal: Refusal | None = None

    @property
    def mark(self) -> str:
        """Return it as a page remembers what it showed."""
        end = self.to.id if self.to is not None and self.fate is Fate.GOES else self.fate.value
        return f"{self.item.name}={end}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen, thing by thing."""

    lines: Sequence[Line]

    @property
    def moves(self) -> Sequence[Move]:
        """Return what is to be done."""
        return [
            Move(line.item.group, line.item.service_request, line.to)
            for line in self.lines
            if line.fate in (Fate.GOES, Fate.FALLS)
        ]

    @property
    def seen(self) -> str:
        """Return all its marks: the same plan, the same text."""
        return " ".join(line.mark for line in self.lines)

    @property
    def cannot(self) -> Mapping[tuple[Person, Refusal], Sequence[Line]]:
        """Return what cannot go where it was sent, by to whom and why."""
        found: defaultdict[tuple[Person, Refusal], list[Line]] = defaultdict(list)
        for line in self.lines:
            if line.to is not None and line.refusal is not None:
                found[line.to, line.refusal].append(line)
        return found

    def sums(self) -> Sequence[tuple[Group, Fate, Person | None, int]]:
        """Return how much of each group goes to whom, falls back or stays, in that order."""
        sums: defaultdict[tuple[Group, Fate, Person | None], int] = defaultdict(int)
        for line in self.lines:
            sums[line.item.group, line.fate, line.to if line.fate is Fate.GOES else None] += 1
        order = [*Fate]
        return sorted(
            ((*key, number) for key, number in sums.items()),
            key=lambda each: (order.index(each[1]), [*Group].index(each[0]), -each[3]),
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """How a plan differs from the one that a page showed."""

    new: Sequence[Line]
    otherwise: Sequence[Line]
    gone: int
    """How many things are no longer theirs."""


def find_person(actor: Actor, person_id: int, *, now: datetime) -> Person:
    """Return somebody whose things `actor` may hand over.

    As a team leader members of the own teams; as a coordinator who holds something in their units;
    and anybody who holds something on a request within reach. Raises `NotFoundError`.
    """
    require(actor, Action.HAND_OVER)
    led = sorted(actor.teams_where(Action.HAND_OVER))
    units = sorted(actor.units_where(Action.HAND_OVER))
    places = select(Membership.person_id).where(Membership.ended_at.is_(None))
    grants = select(Grant.person_id).where(Grant.ended_at.is_(None), Grant.unit_id.in_(units))
    known = or_(
        Person.id.in_(places.where(Membership.team_id.in_(led))),
        Person.id.in_(places.join(Membership.team).where(Team.unit_id.in_(units))),
        Person.id.in_(grants),
    )
    found = db.session.execute(select(Person, known).where(Person.id == person_id)).one_or_none()
    if found is not None and (found[1] or any(_held(actor, person_id, now=now).values())):
        person: Person = found[0]
        return person
    message = "There is nobody whose work the reader hands over."
    raise NotFoundError(message)


def givers_of(service_request: ServiceRequest, actor: Actor) -> frozenset[int]:
    """Return the people whose hold on an open request `actor` may hand over."""
    it = service_request
    if it.status is Status.CLOSED or not may(actor, Action.HAND_OVER, it):
        return frozenset()
    if it.unit_id in actor.units_where(Action.HAND_OVER):
        return frozenset(it.claimant_ids) | ({it.leader_id} if it.leader_id else set())
    return claims.may_free(it, actor)


def holdings_of(person: Person, *, actor: Actor, now: datetime) -> Holdings:
    """Return what somebody holds, within `actor`'s reach, and who could take it."""
    require(actor, Action.HAND_OVER)
    ids = _held(actor, person.id, now=now)
    requests = _read({each for found in ids.values() for each in found})
    visits = _visits_of(person.id, requests, now=now)
    standing = _standing(person, requests.values(), actor=actor, now=now)
    items = {
        group: [
            standing.with_able(Item(group, it, _going_with(group, it, person, visits)))
            for each in found
            if (it := requests.get(each)) is not None
        ]
        for group, found in ids.items()
    }
    return Holdings(
        person,
        items,
        {group: standing.candidates_for(group, found) for group, found in items.items()},
        _waiting(person, requests.values(), actor=actor),
        standing,
    )


def _going_with(
    group: Group, it: ServiceRequest, person: Person, visits: Mapping[int, Sequence[Visit]]
) -> Sequence[Visit]:
    """Return the visits that go with it: with a place, where there is one, they are a volunteer's."""
    if group is Group.ANSWERED_FOR and person.id in it.claimant_ids:
        return ()
    return visits.get(it.id, ())


def plan_of(holdings: Holdings, chosen: Mapping[str, str]) -> Plan:
    """Return what would happen if everything went where it was sent.

    `chosen` maps a group, or one item by its name, to a person's id, `TO_DESK` or `STAYS`; an item
    without a choice of its own goes where its group goes, and stays where that has none.
    """
    counted = holdings.standing.afresh()
    lines = []
    for group in Group:
        people = {each.person.id: each.person for each in holdings.candidates[group]}
        for item in holdings.items[group]:
            choice = chosen.get(item.name) or chosen.get(group.value) or STAYS
            lines.append(_line(item, choice, people, counted))
    return Plan(lines)


def changes_since(seen: str, plan: Plan) -> Changes:
    """Return how `plan` differs from the one whose marks a page carried."""
    before = dict(mark.rsplit("=", 1) for mark in seen.split() if "=" in mark)
    now = {line.item.name: line for line in plan.lines}
    return Changes(
        new=[line for name, line in now.items() if name not in before],
        otherwise=[
            line
            for name, line in now.items()
            if name in before and line.mark != f"{name}={before[name]}"
        ],
        gone=len(before.keys() - now.keys()),
    )


def hand_over_as_seen(
    person: Person,
    chosen: Mapping[str, str],
    *,
    seen: str,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> Plan:
    """Lock everything, plan it anew, and do it if that is still what the page showed.

    Raises `StaleError` when it is not, and `RefusedError` as the moves do. Runs in a transaction.
    """
    require(actor, Action.HAND_OVER)
    ids = {each for found in _held(actor, person.id, now=now).values() for each in found}
    # Requests first and in one order, then people: as whoever claims.
    _lock(ids)
    for person_id in sorted({person.id, *_people_named(chosen)}):
        claims.take_turns(person_id)
    holdings = holdings_of(person, actor=actor, now=now)
    plan = plan_of(holdings, chosen)
    named = {line.item.service_request.id for line in plan.lines}
    if plan.seen != seen or not named <= ids:
        message = "Something changed since the page was shown."
        raise StaleError(message)
    hand_over(plan.moves, person, held=holdings.counts, note=note, actor=actor, now=now)
    return plan


def counts_of(person_id: int, *, now: datetime) -> Mapping[Group, int]:
    """Return how much of each group somebody holds anywhere: a number, and nothing of what it is.

    The right to manage them was asked for by whoever shows it.
    """
    found = dict.fromkeys(Group, 0)
    for group, query in _queries(person_id, now=now).items():
        found[group] = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return found


def teams_led_alone(person_id: int, condition: ColumnElement[bool]) -> Sequence[tuple[Team, int]]:
    """Return the teams that nobody else leads, and that meet the condition, with their open requests."""
    other = aliased(Membership)
    another = exists().where(
        other.team_id == Membership.team_id,
        other.person_id != person_id,
        other.leads,
        other.ended_at.is_(None),
    )
    led = db.session.scalars(
        select(Team)
        .join(Membership, Membership.team_id == Team.id)
        .where(
            Membership.person_id == person_id,
            Membership.leads,
            Membership.ended_at.is_(None),
            Team.ended_at.is_(None),
            condition,
            ~another,
        )
        .order_by(Team.name, Team.id)
    ).all()
    open_now = dict(
        db.session.execute(
            select(ServiceRequest.lead_team_id, func.count())
            .where(
                ServiceRequest.lead_team_id.in_([team.id for team in led]),
                ServiceRequest.status.in_(OPEN_STATUSES),
            )
            .group_by(ServiceRequest.lead_team_id)
        ).all()
    )
    return [(team, open_now.get(team.id, 0)) for team in led]


def _queries(person_id: int, *, now: datetime) -> Mapping[Group, Select[int]]:
    """Return, for each group, the statement that selects the ids of what somebody holds."""
    ids = select(ServiceRequest.id)
    held = select(Claim.service_request_id).where(
        Claim.person_id == person_id, Claim.released_at.is_(None)
    )
    goes = (
        select(Visit.service_request_id)
        .join(visit_visitor, visit_visitor.c.visit_id == Visit.id)
        .where(visit_visitor.c.person_id == person_id, is_to_come(now))
    )
    return {
        Group.TASKS: ids.where(ServiceRequest.id.in_(held), _OPEN),
        Group.VISITS: ids.where(
            ServiceRequest.id.in_(goes),
            ServiceRequest.id.not_in(held),
            ServiceRequest.leader_id.is_distinct_from(person_id),
            _OPEN,
        ),
        Group.ANSWERED_FOR: ids.where(ServiceRequest.leader_id == person_id, _OPEN),
    }


def _held(actor: Actor, person_id: int, *, now: datetime) -> Mapping[Group, Sequence[int]]:
    """Return the ids of what somebody holds and `actor` may hand over, by group, oldest first.

    Of what a team only helps with its leader hands over what its own members hold, as they may free it.
    """
    within = within_reach(actor, Action.HAND_OVER, CASEWORK)
    by_desk = ServiceRequest.unit_id.in_(sorted(actor.units_where(Action.HAND_OVER)))
    led = actor.teams_where(Action.HAND_OVER)
    own = led & {place.team_id for place in teams.memberships_of(person_id)}
    in_team = or_(
        by_desk,
        ServiceRequest.lead_team_id.in_(sorted(led)),
        CASEWORK.in_teams(sorted(own)) if own else false(),
    )
    # Which leader answers for it only a desk says.
    reach = {Group.TASKS: in_team, Group.VISITS: in_team, Group.ANSWERED_FOR: by_desk}
    return {
        group: db.session.scalars(
            query.where(within, reach[group]).order_by(ServiceRequest.id).limit(MOST)
        ).all()
        for group, query in _queries(person_id, now=now).items()
    }


def _read(ids: Collection[int]) -> Mapping[int, ServiceRequest]:
    found = db.session.scalars(
        select(ServiceRequest)
        .where(ServiceRequest.id.in_(sorted(ids)))
        .options(
            joinedload(ServiceRequest.category),
            joinedload(ServiceRequest.area).joinedload(Area.parent),
            joinedload(ServiceRequest.lead_team),
            selectinload(ServiceRequest.helping_teams),
            selectinload(ServiceRequest.claims),
        )
        .execution_options(populate_existing=True)
    )
    return {each.id: each for each in found}


def _lock(ids: Collection[int]) -> None:
    db.session.execute(
        select(ServiceRequest.id)
        .where(ServiceRequest.id.in_(sorted(ids)))
        .order_by(ServiceRequest.id)
        .with_for_update(of=ServiceRequest, key_share=True)
    ).all()


def _visits_of(
    person_id: int, ids: Collection[int], *, now: datetime
) -> Mapping[int, Sequence[Visit]]:
    found: defaultdict[int, list[Visit]] = defaultdict(list)
    for visit in db.session.scalars(
        select(Visit)
        .join(visit_visitor, visit_visitor.c.visit_id == Visit.id)
        .where(
            visit_visitor.c.person_id == person_id,
            Visit.service_request_id.in_(sorted(ids)),
            is_to_come(now),
        )
        .order_by(Visit.planned_from, Visit.id)
    ):
        found[visit.service_request_id].append(visit)
    return found


@dataclass(frozen=True, slots=True)
class _Without:
    """A request as it is once the place that is handed over is free: what decides about a claim."""

    service_request: ServiceRequest
    person_id: int

    @property
    def id(self) -> int:
        return self.service_request.id

    @property
    def unit_id(self) -> int:
        return self.service_request.unit_id

    @property
    def leader_id(self) -> int | None:
        return self.service_request.leader_id

    @property
    def lead_team_id(self) -> int | None:
        return self.service_request.lead_team_id

    @property
    def team_ids(self) -> Collection[int]:
        return self.service_request.team_ids

    @property
    def claimant_ids(self) -> Collection[int]:
        return set(self.service_request.claimant_ids) - {self.person_id}

    @property
    def handler_ids(self) -> Collection[int]:
        return self.service_request.handler_ids

    @property
    def status(self) -> Status:
        return self.service_request.status

    @property
    def places_taken(self) -> int:
        return self.service_request.places_taken - 1

    @property
    def volunteers_needed(self) -> int:
        return self.service_request.volunteers_needed


@dataclass(frozen=True)
class Standing:
    """Where everybody stands who could take something over: read once, then counted on."""

    giver_id: int
    people: Mapping[int, Person]
    vetted_in: Mapping[int, frozenset[int]]
    at_work_in: Mapping[int, frozenset[int]]
    leads_in: Mapping[int, frozenset[int]]
    """The units, and those below them, in which somebody holds the role of leader."""
    claim_limit: int
    open_claims: dict[int, int]
    busy: dict[int, list[Visit]]
    """The visits still to come on which somebody goes."""

    def why_not(self, item: Item, person_id: int) -> Refusal | None:
        """Return why somebody can't take it over as things stand; None when they can."""
        it, refusal = item.service_request, None
        match item.group:
            case Group.TASKS:
                refusal = claims.why_not(
                    _Without(it, self.giver_id),
                    actor=Actor(person_id, teams={Role.VOLUNTEER: self.at_work_in[person_id]}),
                    standing=claims.Standing(
                        self.vetted_in[person_id], self.open_claims[person_id], self.claim_limit
                    ),
                )
            case Group.VISITS:
                is_in_it = not self.at_work_in[person_id].isdisjoint(it.team_ids)
                refusal = None if is_in_it else Refusal.NOT_A_MEMBER
            case Group.ANSWERED_FOR:
                answers = it.unit_id in self.leads_in[person_id]
                refusal = None if answers else Refusal.LEADER_ENDED
        return refusal or (Refusal.CLASH if self._clashes(item, person_id) else None)

    def give(self, item: Item, person_id: int) -> None:
        """Count on: somebody takes it over."""
        if item.group is Group.TASKS:
            self.open_claims[person_id] += 1
        self.busy[person_id] = [*self.busy[person_id], *item.visits]

    def afresh(self) -> "Standing":
        """Return it as it was read, to count on another time."""
        return replace(
            self,
            open_claims=defaultdict(int, self.open_claims),
            busy=defaultdict(list, self.busy),
        )

    def candidates_for(self, group: Group, items: Iterable[Item]) -> Sequence[Candidate]:
        """Return who may be thought of for a group, those with the least in hand first.

        Whoever is in one of its teams, though they may hold too much, or leads in one of its units.
        """
        known, there = self.at_work_in, {i for item in items for i in item.service_request.team_ids}
        if group is Group.ANSWERED_FOR:
            known, there = self.leads_in, {item.service_request.unit_id for item in items}
        found = [self._candidate(each) for each in self.people if not there.isdisjoint(known[each])]
        return sorted(found, key=lambda each: each.open_claims)

    def with_able(self, item: Item) -> Item:
        """Return it with those who can take it."""
        able = [each for each in self.people if self.why_not(item, each) is None]
        return replace(item, able=[self._candidate(each) for each in able])

    def _candidate(self, person_id: int) -> Candidate:
        return Candidate(self.people[person_id], self.open_claims[person_id])

    def _clashes(self, item: Item, person_id: int) -> bool:
        return any(
            mine.id != theirs.id and _overlap(mine, theirs)
            for mine in self.busy[person_id]
            for theirs in item.visits
        )


def _overlap(one: Visit, other: Visit) -> bool:
    windows = (one.planned_from, one.planned_to, other.planned_from, other.planned_to)
    if None in windows:
        return False
    return one.planned_from < other.planned_to and other.planned_from < one.planned_to  # type: ignore[operator]  # none is None


def _standing(
    giver: Person, requests: Collection[ServiceRequest], *, actor: Actor, now: datetime
) -> Standing:
    team_ids = {team_id for it in requests for team_id in it.team_ids}
    if not actor.units_where(Action.HAND_OVER):
        team_ids &= actor.teams_where(Action.HAND_OVER)
    places = db.session.execute(
        select(Membership.person_id, Membership.team_id, Membership.is_vetted).where(
            Membership.team_id.in_(sorted(team_ids)), AT_WORK, Membership.person_id != giver.id
        )
    ).all()
    leads_in = _leaders(actor, giver)
    ids = {place.person_id for place in places} | leads_in.keys()
    people = db.session.scalars(
        select(Person)
        .where(Person.id.in_(sorted(ids)), Person.ended_at.is_(None))
        .order_by(Person.sort_key, Person.id)
    )
    return Standing(
        giver_id=giver.id,
        people={person.id: person for person in people},
        vetted_in=_grouped((p.person_id, p.team_id) for p in places if p.is_vetted),
        at_work_in=_grouped((p.person_id, p.team_id) for p in places),
        leads_in=leads_in,
        claim_limit=claims.claim_limit(),
        open_claims=_open_claims(ids),
        busy=_busy(ids, now=now),
    )


def _leaders(actor: Actor, giver: Person) -> Mapping[int, frozenset[int]]:
    """Return, for those who hold the role of leader, the units of `actor`'s in which it reaches."""
    units = actor.units_where(Action.HAND_OVER)
    if not units:
        return defaultdict(frozenset)
    above = {unit_id: organisation.units_above(unit_id) for unit_id in units}
    grants = db.session.execute(
        select(Grant.person_id, Grant.unit_id).where(
            Grant.role == Role.LEADER,
            Grant.ended_at.is_(None),
            Grant.person_id != giver.id,
            Grant.unit_id.in_(sorted(frozenset().union(*above.values()))),
        )
    )
    return _grouped(
        (person_id, unit_id)
        for person_id, held_in in grants
        for unit_id in units
        if held_in in above[unit_id]
    )


def _grouped(pairs: Iterable[tuple[int, int]]) -> Mapping[int, frozenset[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return defaultdict(frozenset, {key: frozenset(values) for key, values in found.items()})


def _open_claims(person_ids: Collection[int]) -> dict[int, int]:
    rows = db.session.execute(
        select(Claim.person_id, func.count())
        .where(Claim.person_id.in_(sorted(person_ids)), UNDER_WAY)
        .group_by(Claim.person_id)
    )
    return defaultdict(int, dict(rows.all()))


def _busy(person_ids: Collection[int], *, now: datetime) -> dict[int, list[Visit]]:
    found: defaultdict[int, list[Visit]] = defaultdict(list)
    for person_id, visit in db.session.execute(
        select(visit_visitor.c.person_id, Visit)
        .join(Visit, Visit.id == visit_visitor.c.visit_id)
        .where(visit_visitor.c.person_id.in_(sorted(person_ids)), is_to_come(now))
    ):
        found[person_id].append(visit)
    return found


def _line(item: Item, choice: str, people: Mapping[int, Person], counted: Standing) -> Line:
    if choice == TO_DESK and item.group is not Group.ANSWERED_FOR:
        return Line(item, Fate.FALLS)
    person = people.get(int(choice)) if choice.isdecimal() else None
    if person is None:
        return Line(item, Fate.STAYS)
    if refusal := counted.why_not(item, person.id):
        return Line(item, Fate.CANNOT, person, refusal)
    counted.give(item, person.id)
    return Line(item, Fate.GOES, person)


def _people_named(chosen: Mapping[str, str]) -> Iterator[int]:
    for choice in chosen.values():
        if choice.isdecimal():
            yield int(choice)


def _waiting(person: Person, held: Iterable[ServiceRequest], *, actor: Actor) -> Waiting:
    theirs = actor_for(person)
    units = sorted(actor.units_where(Action.HAND_OVER))
    led = sorted(actor.teams_where(Action.HAND_OVER))
    return Waiting(
        teams_led_alone(person.id, or_(Team.unit_id.in_(units), Team.id.in_(led))),
        _decisions(person, theirs, actor),
        _questions(person, theirs, held, actor),
    )


def _decisions(person: Person, theirs: Actor, actor: Actor) -> Sequence[Approval]:
    """Return what waits for somebody's decision that nobody else may take."""
    if not any(may(theirs, right) for right in approvals.RIGHTS.values()):
        return []
    ways = [
        and_(Approval.kind == kind, within_reach(theirs, right, CASEWORK))
        for kind, right in approvals.RIGHTS.items()
    ]
    found = db.session.scalars(
        select(Approval)
        .join(Approval.service_request)
        .where(
            Approval.decided_at.is_(None),
            or_(*ways),
            within_reach(actor, Action.HAND_OVER, CASEWORK),
            ~approvals.somebody_decides(besides=person.id),
        )
        .options(joinedload(Approval.service_request).joinedload(ServiceRequest.category))
        .order_by(Approval.id)
        .limit(MOST)
    )
    return found.all()


def _questions(
    person: Person, theirs: Actor, held: Iterable[ServiceRequest], actor: Actor
) -> Sequence[ServiceRequest]:
    """Return what waits for the answer to a question that somebody asked last."""
    asked = aliased(HistoryEntry)
    last = (
        select(func.max(asked.id))
        .where(asked.service_request_id == ServiceRequest.id, asked.step == Step.WAIT)
        .scalar_subquery()
    )
    is_theirs = exists().where(HistoryEntry.id == last, HistoryEntry.actor_id == person.id)
    found = db.session.scalars(
        select(ServiceRequest)
        .where(
            ServiceRequest.status == Status.WAITING,
            or_(
                ServiceRequest.id.in_([it.id for it in held if it.status is Status.WAITING]),
                ServiceRequest.lead_team_id.in_(sorted(theirs.member_of)),
            ),
            within_reach(actor, Action.HAND_OVER, CASEWORK),
            is_theirs,
        )
        .options(joinedload(ServiceRequest.category))
        .order_by(ServiceRequest.id)
        .limit(MOST)
    )
    return found.all()
