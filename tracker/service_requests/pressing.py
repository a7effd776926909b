"""Who hears of a rung of the ladder, and the one mail that each of them gets of a run.

Named people: those who hold it, the team's leaders, the leader who answers for it, the nearest
supervisors. Where a rung would find nobody, the next one up the tree is told, the desk first.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import select

from tracker.accounts.models import Grant, Person
from tracker.bulk import update_many
from tracker.database import db
from tracker.notifications import wishes
from tracker.notifications.models import Channel, Message
from tracker.organisation import queries as organisation
from tracker.organisation.models import Category
from tracker.permissions import Role
from tracker.service_requests.ladder import Rung, Watched
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limits import Clock
from tracker.service_requests.models import Claim
from tracker.service_requests.news import names_of
from tracker.set_up import until_set_up_changes
from tracker.teams.models import Membership, Team

ITEMS_OF_A_MAIL: Final = 10
"""A mail names so many limits; the page of messages has them all."""


class Pressed(Protocol):
    """What is asked of a request."""

    id: int
    reference: str
    unit_id: int
    priority: Priority
    lead_team_id: int | None
    leader_id: int | None

    @property
    def category(self) -> Any: ...  # noqa: ANN401, D102 - its id


@dataclass(frozen=True, slots=True)
class News:
    """One rung that one request reached, or one part of it."""

    service_request: Pressed
    clock: Watched
    rung: Rung
    due_at: datetime
    team_id: int | None = None
    """The helping team, of its part."""


def told_as(clock: Watched, rung: Rung) -> str:
    """Return under which name an inbox entry tells of a rung."""
    return f"{clock}:{rung}"


@dataclass
class People:
    """Who stands where around some requests, read at once."""

    team_leaders: Mapping[int, Sequence[int]]
    """By team."""
    claimants: Mapping[int, Sequence[int]]
    """By request."""
    granted: Mapping[Role, Mapping[int, Sequence[int]]]
    """By role and unit."""

    @classmethod
    def around(cls, service_requests: Sequence[Pressed]) -> "People":
        """Return everybody who may have to hear of some requests. Nobody who has left."""
        claimants = grouped(
            select(Claim.service_request_id, Claim.person_id)
            .join(Person, Person.id == Claim.person_id)
            .where(
                Claim.service_request_id.in_([it.id for it in service_requests]),
                Claim.released_at.is_(None),
                Person.ended_at.is_(None),
            )
        )
        return cls(_team_leaders(), claimants, _granted())

    def to_tell_of_part(
        self, it: Pressed, team_id: int, rung: Rung, *, holders: Sequence[int], has_days: bool
    ) -> list[int]:
        """Return whose ids hear of a rung of a helping team's part, each once.

        `holders`: those of its team who work on it. `has_days`: of one that is due with its request,
        whoever handles that hears of the request itself.
        """
        leads = self.team_leaders.get(team_id, ())
        told = holders or leads or self._desk(it)
        if rung is not Rung.NEAR:
            told = [*told, *leads]
        if rung is not Rung.NEAR and has_days:
            others = [one for one in self.claimants.get(it.id, ()) if one not in holders]
            told = [*told, *(others or self._own_leads(it) or self._desk(it))]
        return list(dict.fromkeys(told))

    def to_tell(self, it: Pressed, clock: Watched, rung: Rung) -> list[int]:
        """Return whose ids hear of a rung, each once; nobody only where nobody is left."""
        leads = self._own_leads(it)
        holders = self.claimants.get(it.id, ()) or leads or self._desk(it)
        match rung:
            case Rung.NEAR:
                told = holders
            case Rung.OVERDUE:
                told = [*holders, *leads]
            case Rung.PRESSED if clock is Clock.ACCEPT:
                told = [*self._desk(it), *self._nearest(Role.SUPERVISOR, it.unit_id)]
            case Rung.PRESSED:
                told = self._leader(it) or self._nearest(Role.SUPERVISOR, it.unit_id)
            case _:
                told = self._nearest(Role.SUPERVISOR, it.unit_id)
        return list(dict.fromkeys(told or self._desk(it)))

    def _own_leads(self, it: Pressed) -> Sequence[int]:
        return self.team_leaders.get(it.lead_team_id or 0, ())

    def _desk(self, it: Pressed) -> Sequence[int]:
        return self._nearest(Role.COORDINATOR, it.unit_id)

    def _leader(self, it: Pressed) -> Sequence[int]:
        """Return the leader, if they still answer there: see `queries.answers_still`."""
        above = organisation.units_above(it.unit_id)
        granted = self.granted.get(Role.LEADER, {})
        answers = any(it.leader_id in granted.get(unit_id, ()) for unit_id in above)
        return [it.leader_id] if it.leader_id is not None and answers else []

    def _nearest(self, role: Role, unit_id: int) -> Sequence[int]:
        """Return who holds a role in the nearest unit in which anybody does."""
        granted = self.granted.get(role, {})
        return next(
            (granted[place] for place in organisation.unit_path(unit_id) if place in granted), ()
        )


@until_set_up_changes
def _team_leaders() -> Mapping[int, Sequence[int]]:
    """Return who leads each team; nobody who has left."""
    return grouped(
        select(Membership.team_id, Membership.person_id)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.leads, Membership.ended_at.is_(None), Person.ended_at.is_(None))
        .order_by(Membership.person_id)
    )


@until_set_up_changes
def _granted() -> Mapping[Role, Mapping[int, Sequence[int]]]:
    """Return who may have to hear of something by their role, by role and unit."""
    granted: dict[Role, dict[int, list[int]]] = {}
    for role, unit_id, person_id in db.session.execute(
        select(Grant.role, Grant.unit_id, Grant.person_id)
        .join(Person, Person.id == Grant.person_id)
        .where(
            Grant.role.in_((Role.COORDINATOR, Role.LEADER, Role.SUPERVISOR)),
            Grant.ended_at.is_(None),
            Person.ended_at.is_(None),
        )
        .order_by(Grant.person_id)
    ):
        granted.setdefault(role, {}).setdefault(unit_id, []).append(person_id)
    return granted


def write(
    news: Mapping[int, Sequence[News]],
    *,
    letters: MutableMapping[int, Mapping[Channel, int]],
    now: datetime,
) -> None:
    """Write one message to each of some people, of all that they must hear, in each way that they chose.

    `letters` remembers the messages of a run, by person and channel: what comes later in it goes into
    the same one, unless a worker has taken that up meanwhile.
    """
    names = _Names.of([one for held in news.values() for one in held])
    known = _known(news)
    begun = _still_here(
        [letter for person_id in news for letter in letters.get(person_id, {}).values()]
    )
    grown = []
    written: dict[int, dict[Channel, Message]] = {}
    for person_id, held in news.items():
        items = [_item(one, names) for one in held]
        open_ = {
            channel: letter
            for channel, letter in letters.get(person_id, {}).items()
            if letter in begun
        }
        grown += [
            {"id": letter, "payload": _payload(items, held, begun[letter])}
            for letter in open_.values()
        ]
        if open_ and len(open_) == len(letters[person_id]):
            continue
        is_urgent = any(one.service_request.priority is Priority.EMERGENCY for one in held)
        person = known[person_id]
        written[person_id] = {
            way.channel: wishes.write(person, way, "ladder", _payload(items, held), now=now)
            for way in wishes.ways_to(person, is_urgent=is_urgent, now=now)
            if way.channel not in open_
        }
    db.session.flush()
    update_many(Message.metadata.tables[Message.__tablename__], grown)
    for person_id, fresh in written.items():
        ids = {channel: message.id for channel, message in fresh.items()}
        letters[person_id] = {**letters.get(person_id, {}), **ids}


def _known(ids: Collection[int]) -> Mapping[int, Person]:
    known = db.session.scalars(select(Person).where(Person.id.in_(sorted(ids))))
    return {person.id: person for person in known}


def _still_here(ids: Collection[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return what those mails of this run say, by id, that nobody has taken up yet.

    They are held until the transaction ends.
    """
    if not ids:
        return {}
    rows = db.session.execute(
        select(Message.id, Message.payload)
        .where(Message.id.in_(sorted(ids)), Message.attempts == 0)
        .order_by(Message.id)
        .with_for_update()
    )
    return {row.id: row.payload for row in rows}


_NOTHING: Final[Mapping[str, Any]] = {"counts": {}, "total": 0, "items": ()}


def _payload(
    items: Sequence[dict[str, Any]], held: Sequence[News], so_far: Mapping[str, Any] = _NOTHING
) -> dict[str, Any]:
    """Return what a mail says: how many requests and parts, by the worst rung of each; the worst by name.

    `so_far`: what it says already, of others: a run takes each once. `total` counts limits.
    """
    worst: dict[tuple[int, int | None], Rung] = {}
    for one in sorted(held, key=lambda one: _RANK[one.rung]):
        worst[one.service_request.id, one.team_id] = one.rung
    counts = Counter(so_far["counts"])
    counts.update(rung.value for rung in worst.values())
    items = [*so_far["items"], *items]
    worst_first = sorted(items, key=lambda item: (-_RANK[Rung(item["rung"])], item["due_at"]))
    return {
        **so_far,
        "counts": dict(counts),
        "total": so_far["total"] + len(held),
        "items": worst_first[:ITEMS_OF_A_MAIL],
    }


_RANK: Final = {rung: rank for rank, rung in enumerate(Rung)}


@dataclass(frozen=True, slots=True)
class _Names:
    """What is named in a mail, by its id."""

    categories: Mapping[int, tuple[str, str | None]]
    teams: Mapping[int, tuple[str, str | None]]

    @classmethod
    def of(cls, news: Sequence[News]) -> "_Names":
        teams = {one.team_id for one in news if one.team_id is not None}
        return cls(
            names_of(Category, {one.service_request.category.id for one in news}),
            names_of(Team, teams) if teams else {},
        )


def _item(one: News, names: _Names) -> dict[str, Any]:
    it = one.service_request
    category, category_en = names.categories[it.category.id]
    team, team_en = names.teams.get(one.team_id or 0, (None, None))
    return {
        "rung": one.rung.value,
        "clock": one.clock.value,
        "reference": it.reference,
        "request_id": it.id,
        "category": category,
        "category_en": category_en,
        "team": team,
        "team_en": team_en,
        "due_at": one.due_at.isoformat(),
    }


def grouped(pairs: Any) -> Mapping[int, Sequence[int]]:  # noqa: ANN401 - a select of pairs
    """Return what stands second in the rows of a select, by what stands first."""
    found: dict[int, list[int]] = defaultdict(list)
    rows = db.session.execute(pairs)
    for key, value in rows:
        found[key].append(value)
    return found
