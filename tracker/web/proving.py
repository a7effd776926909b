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
from hashlib import sha256
from typing import Any, Final

from flask_babel import gettext, lazy_pgettext
from wtforms import StringField
from wtforms.validators import Length

from tracker.database import transaction
from tracker.web import once
from tracker.web.forms import Form, Says
from tracker.web.sealing import seal, secrets, unseal
from tracker.web.throttle import Limit, is_one_too_many

HOLDS: Final = timedelta(hours=1)
CODES_AN_HOUR: Final = 3
"""For one who asks, to new addresses."""
CODES_OF_AN_ADDRESS: Final = 3
"""In a day, whoever asks: a stranger may own it."""
TRIES_AN_HOUR: Final = 5
"""For one who asks. A code has a million values."""
_DIGITS: Final = 6


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
            Says(lazy_pgettext("sent to an address", "Enter the code: six digits.")),
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


def sends_code(proof: Proof, write: Callable[[str], None], *, now: datetime) -> bool:
    """Let the code be written, once for each form; tell whether there were not too many already.

    Part of the transaction that writes it.
    """
    if once.was_taken():
        return True
    limits = (
        Limit("address-request", proof.by, CODES_AN_HOUR, HOLDS),
        Limit("address-codes", proof.address, CODES_OF_AN_ADDRESS, timedelta(days=1)),
    )
    if is_one_too_many(limits, secret=secrets()[0], now=now):
        return False
    once.require_first()
    write(proof.code)
    return True


def is_typed_right(form: CodeForm, proof: Proof, *, now: datetime) -> bool:
    """Count a try, and tell whether it was right; the form says why it was not."""
    plain = unicodedata.normalize("NFKC", form.code.data or "")  # typed by an input method
    typed = "".join(filter(str.isdecimal, plain))
    with transaction():
        limit = Limit("address-code", proof.by, TRIES_AN_HOUR, HOLDS)
        is_too_often = is_one_too_many((limit,), secret=secrets()[0], now=now)
    if is_too_often:
        form.form_errors.append(gettext("Too many tries. Please wait an hour, or call us."))
        return False
    if not hmac.compare_digest(typed.encode(), proof.code.encode()):
        form.complain(form.code, gettext("This is not the code that we sent."))
        return False
    return True
