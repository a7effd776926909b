"""The ladder's run: what reached a rung is written down, and who must hear of it is told.

Requests first, then the parts of helping teams (`climbing_parts`), whose news goes in the same mails.

Every few minutes, in batches that hold few requests for a moment each. Nobody is told at night or on
a day of rest but of an emergency: what was reached then is found when work begins. A second run at
the same time takes other requests; after it there is nothing left to do.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final

from flask import current_app
from sqlalchemy import ColumnElement, or_, select, tuple_

from tracker.bulk import insert_many, update_many
from tracker.database import db, transaction
from tracker.notifications import inbox
from tracker.notifications.models import Channel
from tracker.organisation import queries as organisation
from tracker.organisation.models import Category, Unit
from tracker.service_requests import climbing_parts, clocks, ladder, news as outgoing, pressing
from tracker.service_requests.ladder import Rung, Watched
from tracker.service_requests.lifecycle import Priority, Status
from tracker.service_requests.limits import Stops
from tracker.service_requests.models import ClockStop, ServiceRequest

_TABLES: Final = ServiceRequest.metadata.tables
AT_ONCE: Final = 2000
"""So many requests are held at a time."""
HANDS: Final = 2
"""How many batches of one run are under way at the same time, where the database lets them be."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Of a category, what its limits are found by."""

    id: int
    parent_id: int | None


@dataclass(slots=True)
class Climber:
    """A request as the ladder sees it: `ServiceRequest` in plain values."""

    id: int
    reference: str
    category: _Kind
    unit_id: int
    priority: Priority
    status: Status
    import_id: int | None
    lead_team_id: int | None
    leader_id: int | None
    submitted_at: datetime
    accepted_at: datetime | None
    assigned_at: datetime | None
    signed_for_at: datetime | None
    first_response_at: datetime | None
    resolved_at: datetime | None
    due_at: datetime | None
    near_at: datetime | None
    supervised_at: datetime | None
    ladder_at: datetime | None
    rungs_reached: int
    ladder_round: int
    stopped: Stops = field(default_factory=list)


_COLUMNS: Final = tuple(
    name for name in Climber.__dataclass_fields__ if name not in {"category", "stopped"}
)


@dataclass
class Climb:
    """What one run did."""

    requests: int = 0
    parts: int = 0
    rungs: int = 0
    told: set[int] = field(default_factory=set)
    letters: dict[int, Mapping[Channel, int]] = field(default_factory=dict)
    """The mail of each person. Another hand writes its own: they are sent as one."""
    passed: tuple[datetime, int] | None = None
    """The last request seen, as they come: what this run moved on is not looked through again."""

    def add(self, other: "Climb") -> None:
        """Count what another thread of the same run did."""
        self.requests += other.requests
        self.rungs += other.rungs
        self.told |= other.told

    def __str__(self) -> str:
        """Return it in words, for the list of jobs."""
        return (
            f"{self.requests} requests moved on, {self.parts} parts moved on,"
            f" {self.rungs} rungs reached, {len(self.told)} people told"
        )


def climb(now: datetime) -> Climb:
    """Write down every rung that was reached by `now`, and tell who must hear of it.

    Opens transactions, one a batch: what is written down and who is told are one.
    """
    may_be_told_of = _may_be_told_of(now)
    db.session.rollback()
    done = Climb()
    _climb_requests([ServiceRequest.ladder_at < now, *may_be_told_of], done, now)
    parts = climbing_parts.climb(may_be_told_of, letters=done.letters, now=now)
    done.parts += parts.parts
    done.rungs += parts.rungs
    done.told |= parts.told
    return done


def _climb_requests(due: Sequence[ColumnElement[bool]], done: Climb, now: datetime) -> None:
    if not _climb_on(due, done, now, batches=1):
        return
    # While PostgreSQL writes one batch, the next is thought through. SQLite has one writer.
    others = 0 if db.engine.dialect.name == "sqlite" else HANDS - 1
    app = current_app._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001 - threads know no proxy

    def lend_a_hand() -> Climb:
        with app.app_context():
            mine = Climb()
            _climb_on(due, mine, now)
            return mine

    with ThreadPoolExecutor(max(others, 1), thread_name_prefix="ladder") as pool:
        lent = [pool.submit(lend_a_hand) for _other in range(others)]
        _climb_on(due, done, now)
        for one in lent:
            done.add(one.result())


def _climb_on(
    due: Sequence[ColumnElement[bool]], done: Climb, now: datetime, *, batches: int | None = None
) -> bool:
    """Take batch after batch, or so many; tell whether there may be more."""
    for _batch in count() if batches is None else range(batches):
        with transaction():
            found = climb_batch(due, done, now)
        if found < AT_ONCE:
            return False
    return True


def _may_be_told_of(now: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions of what may be told of at this hour."""
    units = db.session.scalars(select(Unit.id)).all()
    at_work = [
        unit_id
        for unit_id in units
        if organisation.calendar(now, unit_id=unit_id).is_working_time(now)
    ]
    if len(at_work) == len(units):
        return []
    is_emergency = ServiceRequest.priority == Priority.EMERGENCY
    return [or_(is_emergency, ServiceRequest.unit_id.in_(at_work))]


def climb_batch(due: Sequence[ColumnElement[bool]], done: Climb, now: datetime) -> int:
    """Do that for the next of those that `due` finds, in the caller's transaction; return how many.

    Whether anybody may be told at this hour is the caller's to know.
    """
    climbers = _lock_some(due, after=done.passed)
    if not climbers:
        return 0
    last = climbers[-1]
    assert last.ladder_at is not None  # noqa: S101 - it is what they were found by
    done.passed = (last.ladder_at, last.id)
    people = pressing.People.around(climbers)
    rows: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    news: dict[int, list[pressing.News]] = defaultdict(list)
    reached: list[tuple[Climber, Sequence[Rung], datetime]] = []
    for it in climbers:
        running_clocks = list(clocks.running_clocks(it, it.stopped))
        calendar = clocks.ladder_calendar_of(it)
        for running, rungs in ladder.reached(calendar, running_clocks, it.rungs_reached, now=now):
            told = people.to_tell(it, running.clock, rungs[-1])
            for rung in rungs:
                it.rungs_reached |= ladder.bit_of(running.clock, rung)
                is_highest = rung is rungs[-1]
                rows.append(_row(it, running, rung, told if is_highest else [], now))
            if rungs[-1] is Rung.SUPERVISED:
                it.supervised_at = now
            reached.append((it, rungs, running.due_at))
            for person_id in told:
                news[person_id].append(pressing.News(it, running.clock, rungs[-1], running.due_at))
                entries.append(_entry(it, running.clock, rungs[-1], person_id, now))
        it.ladder_at = clocks.next_rung_at(it, running_clocks, calendar)
    insert_many(_TABLES["escalation"], rows)
    inbox.tell_many(entries)
    pressing.write(news, letters=done.letters, now=now)
    outgoing.tell_of_rungs(reached, now=now)
    _move_on(climbers)
    done.requests += len(climbers)
    done.rungs += len(rows)
    done.told |= news.keys()
    return len(climbers)


def _row(
    it: Climber, running: ladder.Running, rung: Rung, told: Sequence[int], now: datetime
) -> dict[str, Any]:
    return {
        "service_request_id": it.id,
        "round": it.ladder_round,
        "clock": running.clock,
        "rung": rung,
        "due_at": running.due_at,
        "reached_at": now,
        "told": list(told),
        "answer": "",
    }


def _entry(
    it: Climber, clock: Watched, rung: Rung, person_id: int, now: datetime
) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "service_request_id": it.id,
        "step": pressing.told_as(clock, rung),
        "created_at": now,
    }


def _lock_some(
    due: Sequence[ColumnElement[bool]], *, after: tuple[datetime, int] | None
) -> list[Climber]:
    """Return the next requests, held until the transaction ends; those held by others are passed over."""
    if after is not None:
        due = [*due, tuple_(ServiceRequest.ladder_at, ServiceRequest.id) > after]
    rows = db.session.execute(
        select(
            *(getattr(ServiceRequest, name) for name in _COLUMNS),
            Category.id.label("category_id"),
            Category.parent_id,
        )
        .join(Category, Category.id == ServiceRequest.category_id)
        .where(*due)
        .order_by(ServiceRequest.ladder_at, ServiceRequest.id)
        .limit(AT_ONCE)
        .with_for_update(of=ServiceRequest, key_share=True, skip_locked=True)
    ).all()
    stops = _stops_of([row.id for row in rows])
    return [
        Climber(
            category=_Kind(row.category_id, row.parent_id),
            stopped=stops.get(row.id, ()),
            **{name: getattr(row, name) for name in _COLUMNS},
        )
        for row in rows
    ]


def _stops_of(ids: Sequence[int]) -> Mapping[int, Stops]:
    stops: dict[int, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    columns = (ClockStop.service_request_id, ClockStop.stopped_at, ClockStop.resumed_at)
    for request_id, stopped_at, resumed_at in db.session.execute(
        select(*columns).where(ClockStop.service_request_id.in_(ids))
    ):
        stops[request_id].append((stopped_at, resumed_at))
    return stops


def _move_on(climbers: Sequence[Climber]) -> None:
    """Write when each reaches its next rung. Past the version: nobody typed anything of this."""
    update_many(
        _TABLES["service_request"],
        [
            {
                "id": it.id,
                "ladder_at": it.ladder_at,
                "rungs_reached": it.rungs_reached,
                "supervised_at": it.supervised_at,
            }
            for it in climbers
        ],
    )
