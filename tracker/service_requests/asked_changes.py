"""A wish to be told elsewhere that waits for its code: it travels sealed in the address of the page.

Nothing is kept of it here: what nobody confirms within the hour is gone by itself.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tracker.service_requests.actions.reaching import Reaching
from tracker.service_requests.models import ReachableBy
from tracker.web.sealing import seal, unseal

HOLDS: Final = timedelta(hours=1)
_PURPOSE: Final = "address to confirm"


@dataclass(frozen=True, slots=True)
class AskedChange:
    """What is wished, the key of the form that said so, and how they were told as it was opened."""

    wished: Reaching
    key: str
    stood: str

    @property
    def words(self) -> str:
        """Return what its code is made of."""
        return f"{self.key}\0{self.wished.way}\0{self.wished.address}"


def sealed(asked: AskedChange, *, now: datetime) -> str:
    """Return it as letters and digits that nobody can read or make."""
    wished = asked.wished
    until = (now + HOLDS).isoformat()
    told = [wished.way, wished.address, wished.only_needed, asked.key, asked.stood, until]
    return seal(json.dumps(told), purpose=_PURPOSE)


def unsealed(text: str, *, now: datetime) -> AskedChange | None:
    """Return what was sealed; None for anything else, and when its hour has passed."""
    opened = unseal(text, purpose=_PURPOSE)
    if opened is None:
        return None
    way, address, only_needed, key, stood, until = json.loads(opened)
    if datetime.fromisoformat(until) <= now:
        return None
    return AskedChange(Reaching(ReachableBy(way), address, only_needed), key, stood)
