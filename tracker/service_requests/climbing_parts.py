"""The ladder's run over the parts of helping teams: near, and overdue.

As `climbing` does with requests: in batches, held for a moment each, of which another run at the same
time takes others. Holders of a part hear that it is near; its team's leaders, and whoever handles the
request, that it is overdue.
"""

from collections import defaultdict
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, select

from tracker.bulk import insert_many, update_many
from tracker.database import db, transaction
from tracker.notifications import inbox
from tracker.notifications.models import Channel
from tracker.organisation import queries as organisation
from tracker.service_requests import ladder, parts, pressing
from tracker.service_requests.ladder import Rung, Running
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.models import Part, PartEscalation, ServiceRequest

_TABLES: Final = Part.metadata.tables
AT_ONCE: Final = 1000
"""So many parts are held at a time."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Of a category, its id."""

    id: int


@dataclass(slots=True)
class _Request:
    """What is told of the request that a part is of."""

    id: int
    reference: str
    category: _Kind
    unit_id: int
    priority: Priority
    lead_team_id: int | None
    leader_id: int | None


@dataclass(slots=True)
class PartClimber:
    """A part as the ladder sees it: `Part` in plain values."""

    id: int
    team_id: int
    has_days: bool
    clock: parts.PartClock
    rungs_reached: int
    ladder_round: int
    service_request: _Request
    ladder_at: datetime | None = None
    """When it reaches its next rung after this one."""


@dataclass
class PartClimb:
    """What one run did."""

    parts: int = 0
    rungs: int = 0
    told: set[int] = field(default_factory=set)


def climb(
    may_be_told_of: Sequence[ColumnElement[bool]],
    *,
    letters: MutableMapping[int, Mapping[Channel, int]],
    now: datetime,
) -> PartClimb:
    """Write down every rung that a part reached by `now`, and tell who must hear of it.

    `may_be_told_of`: the conditions of which requests anybody hears at this hour. `letters`: the mails
    that the run has begun, as `pressing.write` keeps them. Opens transactions, one a batch.
    """
    due, done = [Part.ladder_at < now, *may_be_told_of], PartClimb()
    found = AT_ONCE
    while found == AT_ONCE:
        with transaction():
            found = climb_batch(due, done, letters, now)
    return done


def climb_batch(
    due: Sequence[ColumnElement[bool]],
    done: PartClimb,
    letters: MutableMapping[int, Mapping[Channel, int]],
    now: datetime,
) -> int:
    """Do that for the next of those that `due` finds, in the caller's transaction; return how many."""
    climbers = _lock_some(due)
    if not climbers:
        return 0
    people = pressing.People.around([each.service_request for each in climbers])
    holders = _holders_of(climbers)
    found = _Found(now)
    for each in climbers:
        it, running = each.service_request, parts.running_clock(each.clock)
        calendar = organisation.calendar(now, unit_id=it.unit_id)
        for clock, rungs in ladder.reached(calendar, running, each.rungs_reached, now=now):
            told = people.to_tell_of_part(
                it,
                each.team_id,
                rungs[-1],
                holders=holders.get(each.id, ()),
                has_days=each.has_days,
            )
            found.add(each, clock, rungs, told)
        each.ladder_at = ladder.next_at(calendar, running, each.rungs_reached)
    insert_many(_TABLES[PartEscalation.__tablename__], found.rows)
    inbox.tell_many(found.entries)
    pressing.write(found.news, letters=letters, now=now)
    _move_on(climbers)
    done.parts += len(climbers)
    done.rungs += len(found.rows)
    done.told |= found.news.keys()
    return len(climbers)


@dataclass
class _Found:
    """What a batch writes down, and whom it tells of what."""

    now: datetime
    rows: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    news: dict[int, list[pressing.News]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, each: PartClimber, clock: Running, rungs: Sequence[Rung], told: Sequence[int]
    ) -> None:
        """Write down the rungs that a part reached at once; only the highest is told."""
        it, highest = each.service_request, rungs[-1]
        for rung in rungs:
            each.rungs_reached |= ladder.bit_of(clock.clock, rung)
            self.rows.append(_row(each, clock, rung, told if rung is highest else [], self.now))
        one = pressing.News(it, clock.clock, highest, clock.due_at, each.team_id)
        for person_id in told:
            self.news[person_id].append(one)
            self.entries.append(
                {
                    "person_id": person_id,
                    "service_request_id": it.id,
                    "step": pressing.told_as(clock.clock, highest),
                    "created_at": self.now,
                }
            )


def _row(
    each: PartClimber, clock: Running, rung: Rung, told: Sequence[int], now: datetime
) -> dict[str, Any]:
    return {
        "part_id": each.id,
        "round": each.ladder_round,
        "rung": rung,
        "due_at": clock.due_at,
        "reached_at": now,
        "told": list(told),
    }


def _lock_some(due: Sequence[ColumnElement[bool]]) -> list[PartClimber]:
    """Return the next parts, held until the transaction ends; those held by others are passed over."""
    it = ServiceRequest
    rows = db.session.execute(
        select(
            Part.id,
            Part.team_id,
            Part.working_days,
            Part.due_at,
            Part.near_at,
            Part.rungs_reached,
            Part.ladder_round,
            it.id.label("request_id"),
            it.reference,
            it.category_id,
            it.unit_id,
            it.priority,
            it.status,
            it.lead_team_id,
            it.leader_id,
            it.due_at.label("request_due_at"),
            it.near_at.label("request_near_at"),
        )
        .join(it, it.id == Part.service_request_id)
        .where(*due)
        .order_by(Part.ladder_at, Part.id)
        .limit(AT_ONCE)
        .with_for_update(of=Part, key_share=True, skip_locked=True)
    )
    return [
        PartClimber(
            id=row.id,
            team_id=row.team_id,
            has_days=row.working_days is not None,
            clock=_clock_of(row),
            rungs_reached=row.rungs_reached,
            ladder_round=row.ladder_round,
            service_request=_Request(
                row.request_id,
                row.reference,
                _Kind(row.category_id),
                row.unit_id,
                row.priority,
                row.lead_team_id,
                row.leader_id,
            ),
        )
        for row in rows
    ]


def _clock_of(row: Any) -> parts.PartClock:  # noqa: ANN401 - a row
    """Return what `parts.clock_of` says of it."""
    if row.working_days is None:
        return parts.PartClock(row.status, None, row.request_due_at, row.request_near_at)
    return parts.PartClock(row.status, None, row.due_at, row.near_at)


def _holders_of(climbers: Sequence[PartClimber]) -> Mapping[int, Sequence[int]]:
    return pressing.grouped(parts.holders_of(Part.id.in_([each.id for each in climbers])))


def _move_on(climbers: Sequence[PartClimber]) -> None:
    update_many(
        _TABLES[Part.__tablename__],
        [
            {"id": each.id, "ladder_at": each.ladder_at, "rungs_reached": each.rungs_reached}
            for each in climbers
        ],
    )
