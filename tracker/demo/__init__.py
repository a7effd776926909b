"""The demonstration: a small invented town, made through the actions with a fixed seed.

It proves the actions as well: whatever they refuse, the town cannot do either.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import delete, select

from tracker.accounts.models import Person
from tracker.database import db
from tracker.demo.life import live
from tracker.demo.settling import settle
from tracker.notifications.models import Message

SEED: Final = 20261
MAIL_KEPT: Final = timedelta(days=2)
"""How much of the town's mail is kept: what the present could still be about."""


def is_empty() -> bool:
    """Tell whether nobody was ever entered: only then may the town be built."""
    return db.session.scalar(select(Person.id).limit(1)) is None


def build(*, password_hash: str, photos: Path, now: datetime, seed: int = SEED) -> None:
    """Build the town as it stands at `now`, in the caller's transaction.

    The same seed and the same `now` give the same town, but for references and photo keys,
    which nobody may guess.
    """
    town = settle(password_hash=password_hash, now=now)
    live(town, photos=photos, seed=seed, now=now)
    db.session.flush()
    db.session.execute(delete(Message).where(Message.created_at < now - MAIL_KEPT))
