"""A new address is proven before anything goes there: six digits are written to it, and typed back.

For requesters, on their private page, and for the staff, on their own. What is wished travels sealed
in the address of the page that asks for the code: nothing of it is kept here, and what nobody
confirms within the hour is gone by itself.
"""

import hmac
import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Any, Final

from flask_babel import gettext, lazy_pgettext
from wtforms import StringField
from wtforms.validators import Length

from tracker.database import transaction
from tracker.web import once
from tracker.web.forms import Form, Says
from tracker.web.sealing import seal, secrets, unseal
from tracker.web.throttle import Limit, spent_of, take_back

HOLDS: Final = timedelta(hours=1)
CODES_AN_HOUR: Final = 3
"""For one who asks, to new addresses."""
CODES_OF_AN_ADDRESS: Final = 3
"""In a day, whoever asks: a stranger may own it."""
TRIES_AN_HOUR: Final = 5
"""For one who asks. A code has a million values."""
_DIGITS: Final = 6
_SIX_DIGITS: Final = lazy_pgettext("sent to an address", "Enter the code: six digits.")


class Codes(Enum):
    """What became of a code that was asked for."""

    WRITTEN = "written"
    TOO_MANY_THIS_HOUR = "too many this hour"
    TOO_MANY_TODAY = "too many today"


@dataclass(frozen=True, slots=True)
class Proof:
    """Whose wish it is that messages go to an address, and from which form.

    A new `salt` makes codes that were sent worth nothing.
    """

    by: str
    """Such as `request 17`."""
    salt: str
    way: str
    address: str
    form_key: str

    @property
    def code(self) -> str:
        """Return the six digits. They can be tried out: `is_typed_right` counts."""
        said = json.dumps([self.by, self.salt, self.way, self.address, self.form_key])
        mac = hmac.digest(secrets()[0].encode(), f"shishi/proof/1\0{said}".encode(), sha256)
        return f"{int.from_bytes(mac, 'big') % 10**_DIGITS:0{_DIGITS}}"


class CodeForm(Form):
    """What was written to the new address."""

    code = StringField(
        lazy_pgettext("sent to an address", "Code"),
        [
            Says(_SIX_DIGITS),
            Length(max=20),
        ],
    )


def sealed(wished: Sequence[object], *, purpose: str, now: datetime) -> str:
    """Return what is wished as letters and digits that nobody can read or make."""
    return seal(json.dumps([(now + HOLDS).isoformat(), *wished]), purpose=purpose)


def unsealed(text: str, *, purpose: str, now: datetime) -> list[Any] | None:
    """Return what was sealed; None for anything else, and when its hour has passed."""
    opened = unseal(text, purpose=purpose)
    if opened is None:
        return None
    until, *wished = json.loads(opened)
    return wished if datetime.fromisoformat(until) > now else None


def send_code(proof: Proof, write: Callable[[str], None], *, now: datetime) -> Codes:
    """Let the code be written, once for each form, unless there were too many already.

    Part of the transaction that writes it.
    """
    if once.was_taken():
        return Codes.WRITTEN
    of_the_day = Limit("address-codes", proof.address, CODES_OF_AN_ADDRESS, timedelta(days=1))
    limits = (of_the_day, Limit("address-request", proof.by, CODES_AN_HOUR, HOLDS))
    spent = spent_of(limits, secret=secrets()[0], now=now)
    if spent is not None:
        return Codes.TOO_MANY_TODAY if spent is of_the_day else Codes.TOO_MANY_THIS_HOUR
    once.require_first()
    write(proof.code)
    return Codes.WRITTEN


def is_typed_right(form: CodeForm, proof: Proof, *, too_often: object, now: datetime) -> bool:
    """Tell whether the code was right; the form says why it was not, `too_often` after many tries.

    Wrong ones are counted; what is no six digits is none yet.
    """
    plain = unicodedata.normalize("NFKC", form.code.data or "")  # typed by an input method
    typed = "".join(filter(str.isdecimal, plain))
    if len(typed) != _DIGITS:
        form.complain(form.code, _SIX_DIGITS)
        return False
    limit = Limit("address-code", proof.by, TRIES_AN_HOUR, HOLDS)
    with transaction():
        if spent_of((limit,), secret=secrets()[0], now=now):
            form.form_errors.append(str(too_often))
            return False
        is_right = hmac.compare_digest(typed.encode(), proof.code.encode())
        if is_right:
            take_back(limit.scope, limit.key, secret=secrets()[0])
    if not is_right:
        form.complain(form.code, gettext("This is not the code that we sent."))
    return is_right
