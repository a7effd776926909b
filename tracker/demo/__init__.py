"""The demonstration: a small invented town, made through the actions with a fixed seed.

It proves the actions as well: whatever they refuse, the town cannot do either.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import delete, select, text, update

from tracker.accounts.models import Person
from tracker.database import Model, db
from tracker.demo.life import REQUESTS, live
from tracker.demo.rules import make_rules
from tracker.demo.settling import settle
from tracker.demo.vigils import tales_that_sit
from tracker.notifications.models import InboxEntry, Message
from tracker.service_requests.models import CallReason, CallResult, CallTask, Photo

SEED: Final = 20261
RULES_KEPT: Final = timedelta(days=20)
"""Since when the town's rules are in force."""
MAIL_KEPT: Final = timedelta(days=2)
"""How much of the town's mail is kept: what the present could still be about."""
UNREAD_FOR: Final = timedelta(hours=30)
"""How long the town's people take to read what they are told, and to call those who read no mail."""


def is_empty() -> bool:
    """Tell whether nobody was ever entered: only then may the town be built."""
    return db.session.scalar(select(Person.id).limit(1)) is None


def build(
    *,
    password_hash: str,
    photos: Path,
    now: datetime,
    seed: int = SEED,
    requests: int = REQUESTS,
) -> None:
    """Build the town as it stands at `now`, in the caller's transaction.

    The same seed and the same `now` give the same town, but for references and photo keys,
    which nobody may guess.
    """
    town = settle(password_hash=password_hash, now=now)
    make_rules(town, now=now - RULES_KEPT)
    chance = Random(seed)  # noqa: S311 - a play, not a secret
    sitting = tales_that_sit(town, photos=photos, chance=chance, now=now)
    live(town, photos=photos, seed=seed, requests=requests, others=sitting, now=now)
    db.session.flush()
    db.session.execute(delete(Message).where(Message.created_at < now - MAIL_KEPT))
    db.session.execute(
        update(InboxEntry)
        .where(InboxEntry.created_at < now - UNREAD_FOR)
        .values(read_at=InboxEntry.created_at)
    )
    called = db.session.scalars(
        update(CallTask)
        .where(CallTask.opened_at < now - UNREAD_FOR, CallTask.done_at.is_(None))
        .values(done_at=CallTask.opened_at, result=CallResult.TOLD)
        .returning(CallTask.id)
    ).all()
    reasons = update(CallReason).where(CallReason.call_task_id.in_(called))
    db.session.execute(reasons.values(facts={}))


def forget_everything() -> Sequence[str]:
    """Empty every table, in the caller's transaction; return the keys of photos to delete."""
    photos = list(db.session.scalars(select(Photo.key)))
    connection = db.session.connection()
    tables = [table.name for table in Model.metadata.tables.values()]
    tables.append("service_request_search")
    if connection.dialect.name == "postgresql":
        names = ", ".join(f'"{name}"' for name in tables)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    else:
        # Tables refer to each other in circles: the keys are checked when all is done.
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        for name in tables:
            connection.execute(text(f'DELETE FROM "{name}"'))  # noqa: S608 - our own names
    db.session.expunge_all()
    return photos
