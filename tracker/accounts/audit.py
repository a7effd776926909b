"""The trail of administration: who changed what, written with the change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, true

from tracker.accounts.models import AuditEntry
from tracker.database import Model, db
from tracker.permissions import Action, Actor

UNRECORDED = frozenset({"password_hash", "sealed", "version"})


def record(
    action: str,
    thing: Model,
    changes: Mapping[str, Any] | None = None,
    *,
    unit_id: int | None = None,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Write one entry about `thing`, which is flushed first so that it has its id.

    `changes` is `{"field": [before, after]}`. Secrets never belong there. `unit_id` is where it
    was done; without it, the unit that the thing belongs to, or else the whole organisation.
    """
    db.session.flush()
    db.session.add(
        AuditEntry(
            at=now,
            actor_id=actor.person_id,
            unit_id=unit_id if unit_id is not None else _home_of(thing),
            action=action,
            subject=thing.__tablename__,
            subject_id=getattr(thing, "id", None),
            changes=dict(changes or {}),
            note=note,
        )
    )


def within_sight(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that `actor` may read an entry: their units', and their own doings.

    Those who hold the right at the top read everything.
    """
    if actor.may_for_all(Action.VIEW_AUDIT_TRAIL):
        return true()
    return or_(
        AuditEntry.unit_id.in_(sorted(actor.units_where(Action.VIEW_AUDIT_TRAIL))),
        and_(AuditEntry.actor_id.is_not(None), AuditEntry.actor_id == actor.person_id),
    )


def _home_of(thing: Model) -> int | None:
    unit_id = getattr(thing, "id" if thing.__tablename__ == "unit" else "unit_id", None)
    return unit_id if isinstance(unit_id, int) else None


def apply(thing: Model, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Set attributes; return what really changed, as `record` wants it."""
    changes: dict[str, list[Any]] = {}
    for name, after in values.items():
        before = getattr(thing, name)
        if before != after:
            setattr(thing, name, after)
            if name not in UNRECORDED:
                changes[name] = [_plain(before), _plain(after)]
    return changes


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    return value if value is None or isinstance(value, bool | int | str) else str(value)
