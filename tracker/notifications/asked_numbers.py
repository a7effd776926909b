"""What somebody wishes while the code for their new number is on its way: see `web.proving`."""

from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any, Final

from tracker.notifications.timing import Rhythm
from tracker.notifications.wishes import Chosen
from tracker.web import proving

_PURPOSE: Final = "number to confirm"
_SALT: Final = "number"
_TIMES: Final = ("quiet_from", "quiet_until")


@dataclass(frozen=True, slots=True)
class AskedNumber:
    """What is wished, by whom, the key of the form that said so, and what held as it was opened."""

    person_id: int
    wished: Chosen
    stood: Chosen
    key: str

    @property
    def number(self) -> str:
        """Return the new number."""
        return self.wished.text_number or ""

    @property
    def proof(self) -> proving.Proof:
        """Return what its code is made of."""
        return proving.Proof(
            by=f"person {self.person_id}",
            salt=_SALT,
            way="text_message",
            address=self.number,
            form_key=self.key,
        )


def sealed(asked: AskedNumber, *, now: datetime) -> str:
    """Return it as letters and digits that nobody can read or make."""
    told = [asked.person_id, _frozen(asked.wished), _frozen(asked.stood), asked.key]
    return proving.sealed(told, purpose=_PURPOSE, now=now)


def unsealed(text: str, *, person_id: int, now: datetime) -> AskedNumber | None:
    """Return what was sealed; None for anything else, for another's, and when its hour has passed."""
    told = proving.unsealed(text, purpose=_PURPOSE, now=now)
    if told is None or told[0] != person_id:
        return None
    _whose, wished, stood, key = told
    return AskedNumber(person_id, _thawed(wished), _thawed(stood), key)


def _frozen(chosen: Chosen) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, time) else value
        for name, value in asdict(chosen).items()
    }


def _thawed(kept: dict[str, Any]) -> Chosen:
    times = {name: time.fromisoformat(kept[name]) for name in _TIMES if kept[name]}
    return Chosen(**kept | times | {"rhythm": Rhythm(kept["rhythm"])})
