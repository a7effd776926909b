"""The trail of administration: who changed what, written with the change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tracker.accounts.models import AuditEntry
from tracker.database import Model, db
from tracker.permissions import Actor

UNRECORDED = frozenset({"password_hash", "session_token", "version"})


def record(
    action: str,
    thing: Model,
    changes: Mapping[str, Any] | None = None,
    *,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Write one entry about `thing`, which is flushed first so that it has its id.

    `changes` is `{"field": [before, after]}`. Secrets never belong there.
    """
    db.session.flush()
    db.session.add(
        AuditEntry(
            at=now,
            actor_id=actor.person_id,
            action=action,
            subject=thing.__tablename__,
            subject_id=getattr(thing, "id", None),
            changes=dict(changes or {}),
            note=note,
        )
    )


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
