"""Writing one batch of imported rows, in the caller's transaction.

What a row's source said is remembered as a digest in the history row of its import. So a file
can be read again: what it says unchanged is left alone, even where people have worked on the
request since; what it says anew is taken over, unless somebody has.
"""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, func, insert, select, text, update

from tracker.database import db
from tracker.permissions import Actor
from tracker.reports.importing.names import Names, Placed
from tracker.reports.importing.rows import ImportedRow, Problem, Reason
from tracker.service_requests import search
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import HistoryEntry, ServiceRequest
from tracker.service_requests.reference import new_reference

NEAR_SHARE: Final = 0.8
# The tables, not the classes: rows go in by the thousand, without objects.
REQUESTS: Final = cast("Table", ServiceRequest.__table__)
HISTORY: Final = cast("Table", HistoryEntry.__table__)
_CHANCE: Final = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of the rows of one batch. `rejected` maps a source id to its problems."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: Mapping[str, list[Problem]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Known:
    """A request that came in earlier."""

    id: int
    reference: str
    status: Status
    unit_id: int
    digest: str
    is_worked_on: bool


class _LeftAlone(Enum):
    """Why what came in earlier stays as it is."""

    UNCHANGED = auto()
    WORKED_ON = auto()
    ELSEWHERE = auto()


_REJECTED_AS: Final = {
    _LeftAlone.WORKED_ON: Reason.WORKED_ON_HERE,
    _LeftAlone.ELSEWHERE: Reason.ANOTHER_UNITS_NUMBER,
}


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes batches for one run. `run_id` is None in a dry run: then nothing is written."""

    names: Names
    source: str
    run_id: int | None
    actor: Actor
    now: datetime

    def write(self, rows: Sequence[ImportedRow]) -> Batch:
        """Create, update or leave alone each row. No source id comes twice in a run."""
        known = self._known([row.source_id for row in rows])
        if self.run_id is not None:
            known |= self._known(self._to_change(rows, known), holds=True)
        new: list[tuple[ImportedRow, Placed]] = []
        changed: list[tuple[ImportedRow, Placed]] = []
        rejected: dict[str, list[Problem]] = {}
        unchanged = 0
        for row in rows:
            before = known.get(row.source_id)
            if (why := self._is_left_alone(row, before)) is not None:
                unchanged += why is _LeftAlone.UNCHANGED
                if why in _REJECTED_AS:
                    column = self.names.mapping.columns.source_id
                    problem = Problem(column, _REJECTED_AS[why], row.source_id)
                    rejected[row.source_id] = [problem]
                continue
            placed = self.names.place(row)
            if not isinstance(placed, Placed):
                rejected[row.source_id] = placed
                continue
            (new if before is None else changed).append((row, placed))
        if self.run_id is not None:
            self._insert(new)
            self._update(changed, known)
        return Batch(len(new), len(changed), unchanged, rejected)

    def _to_change(self, rows: Sequence[ImportedRow], known: Mapping[str, _Known]) -> list[str]:
        """Return the source ids of what came in earlier and is to be changed as far as is known."""
        return [
            row.source_id
            for row in rows
            if (before := known.get(row.source_id)) and self._is_left_alone(row, before) is None
        ]

    def _is_left_alone(self, row: ImportedRow, before: _Known | None) -> "_LeftAlone | None":
        if before is None:
            return None
        if not self.names.may_import_into(before.unit_id):
            # The number alone is told of what belongs to others: not what it says, nor what was done.
            return _LeftAlone.ELSEWHERE
        if before.digest == row.digest:
            return _LeftAlone.UNCHANGED
        return _LeftAlone.WORKED_ON if before.is_worked_on else None

    def _known(self, source_ids: Collection[str], *, holds: bool = False) -> dict[str, _Known]:
        """Return what came in earlier; what it `holds` nobody works on until all is written.

        Held in the order of ids, as others hold several: nobody waits for each other in a ring.
        """
        if not source_ids:
            return {}
        query = (
            select(
                ServiceRequest.id,
                ServiceRequest.source_id,
                ServiceRequest.reference,
                ServiceRequest.status,
                ServiceRequest.unit_id,
            )
            .where(
                ServiceRequest.import_source == self.source,
                ServiceRequest.source_id.in_(source_ids),
            )
            .order_by(ServiceRequest.id)
        )
        if holds:
            query = query.with_for_update(of=ServiceRequest, key_share=True)
        found = db.session.execute(query).all()
        digests: dict[int, str] = {}
        worked_on: set[int] = set()
        steps = db.session.execute(
            select(HistoryEntry.service_request_id, HistoryEntry.step, HistoryEntry.detail)
            .where(HistoryEntry.service_request_id.in_([row.id for row in found]))
            .order_by(HistoryEntry.id)
        )
        for request_id, step, detail in steps if found else ():
            if step is Step.IMPORT:
                digests[request_id] = detail.get("digest", "")
            else:
                worked_on.add(request_id)
        return {
            row.source_id: _Known(
                id=row.id,
                reference=row.reference,
                status=row.status,
                unit_id=row.unit_id,
                digest=digests.get(row.id, ""),
                is_worked_on=row.id in worked_on,
            )
            for row in found
            if row.source_id is not None
        }

    def _insert(self, rows: Sequence[tuple[ImportedRow, Placed]]) -> None:
        if not rows:
            return
        ids = _new_ids(len(rows))
        references = _new_references(len(rows))
        values = [
            {
                "id": request_id,
                "reference": reference,
                "import_id": self.run_id,
                "import_source": self.source,
                "source_id": row.source_id,
                **_values(row, placed),
            }
            for (row, placed), request_id, reference in zip(rows, ids, references, strict=True)
        ]
        db.session.execute(insert(REQUESTS), values)
        self._remember(
            (request_id, row, placed, None)
            for (row, placed), request_id in zip(rows, ids, strict=True)
        )
        search.add_many({each["id"]: _findable(each) for each in values})

    def _update(
        self, rows: Sequence[tuple[ImportedRow, Placed]], known: Mapping[str, _Known]
    ) -> None:
        if not rows:
            return
        values = [_values(row, placed) for row, placed in rows]
        befores = [known[row.source_id] for row, _placed in rows]
        db.session.execute(
            update(REQUESTS)
            .where(REQUESTS.c.id == bindparam("which"))
            .values(
                {name: bindparam(f"new_{name}") for name in values[0]}
                | {"version": REQUESTS.c.version + 1}
            ),
            [
                {"which": before.id, **{f"new_{name}": value for name, value in each.items()}}
                for before, each in zip(befores, values, strict=True)
            ],
        )
        self._remember(
            (before.id, row, placed, before.status)
            for (row, placed), before in zip(rows, befores, strict=True)
        )
        search.remove_many(before.id for before in befores)
        search.add_many(
            {
                before.id: _findable(
                    {"reference": before.reference, "source_id": row.source_id, **each}
                )
                for before, each, (row, _placed) in zip(befores, values, rows, strict=True)
            }
        )

    def _remember(self, rows: Iterable[tuple[int, ImportedRow, Placed, Status | None]]) -> None:
        """Write one row of history for each: at its beginning, or now for a change."""
        db.session.execute(
            insert(HISTORY),
            [
                {
                    "service_request_id": request_id,
                    "taken_at": row.submitted_at if before is None else self.now,
                    "step": Step.IMPORT,
                    "from_status": before,
                    "to_status": row.status,
                    "actor_id": self.actor.person_id,
                    "team_id": placed.team_id,
                    "detail": {"source": self.source, "digest": row.digest},
                }
                for request_id, row, placed, before in rows
            ],
        )


def _values(row: ImportedRow, placed: Placed) -> dict[str, Any]:
    due_at, submitted_at = row.due_at, row.submitted_at
    seconds = row.closed_at - submitted_at if row.closed_at else None
    return {
        "kind": row.kind,
        "category_id": placed.category_id,
        "unit_id": placed.unit_id,
        "area_id": placed.area_id,
        "lead_team_id": placed.team_id,
        "address": row.address,
        "need": row.need,
        "channel": row.channel,
        "status": row.status,
        "outcome": row.outcome,
        "submitted_at": submitted_at,
        "accepted_at": row.accepted_at,
        "assigned_at": row.assigned_at,
        "first_response_at": row.first_response_at,
        "due_at": due_at,
        "near_at": submitted_at + (due_at - submitted_at) * NEAR_SHARE if due_at else None,
        "resolved_at": row.resolved_at,
        "closed_at": row.closed_at,
        "seconds_to_close": int(seconds.total_seconds()) if seconds is not None else None,
        "resolved_on_time": row.resolved_on_time,
        "public_answer": row.answer,
    }


def _findable(values: Mapping[str, Any]) -> str:
    names = ("reference", "source_id", "need", "address")
    transient = ServiceRequest(beneficiary_name="", **{name: values[name] for name in names})
    return search.searchable_text(transient, None)


def _new_ids(how_many: int) -> Sequence[int]:
    """Return ids that nobody else gets, so that history can be written without reading back."""
    if db.session.connection().dialect.name == "postgresql":
        return db.session.scalars(
            text(
                "SELECT nextval(pg_get_serial_sequence('service_request', 'id'))"
                " FROM generate_series(1, :how_many)"
            ),
            {"how_many": how_many},
        ).all()
    # The transaction holds the only write lock.
    last = db.session.scalar(select(func.max(ServiceRequest.id))) or 0
    return range(last + 1, last + 1 + how_many)


def _new_references(how_many: int) -> Sequence[str]:
    fresh: set[str] = set()
    while len(fresh) < how_many:
        drawn = {new_reference(_CHANCE) for _ in range(how_many - len(fresh))} - fresh
        taken = db.session.scalars(
            select(ServiceRequest.reference).where(ServiceRequest.reference.in_(drawn))
        )
        fresh |= drawn - set(taken)
    return list(fresh)
