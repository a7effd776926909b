"""What somebody looks for, without its words in the address.

They may be a name or a number, and addresses stay in histories and in the logs of proxies. So a
search box sends its words in a form, and they come back in the address sealed, for who typed them
alone: whoever else opens such an address looks for nothing, and is told so.
"""

from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.web.access import actor_or_none, safe_path
from tracker.web.sealing import seal, unseal

blueprint = Blueprint("looking", __name__)

LONGEST: Final = 200
_SEALED: Final = "~"
_LONGEST_SEALED: Final = 2000
_PURPOSE: Final = "looking"


@blueprint.post("/look")
def look() -> ResponseReturnValue:
    """Lead to the page `to` with the other fields, and with the words `q` sealed."""
    words = request.form.get("q", "").strip()[:LONGEST]
    asked = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in ("q", "to", "csrf_token", "author")
    ]
    if words:
        asked.append(("q", _SEALED + seal(_by_reader() + words, purpose=_PURPOSE)))
    path = (safe_path(request.form.get("to")) or "/").partition("?")[0]
    return redirect(f"{path}?{urlencode(asked)}" if asked else path, 303)


def words_for(argument: str | None) -> str:
    """Return what the argument `q` of an address asks for, sealed or plain.

    "" for a broken seal, and for what somebody else typed.
    """
    argument = (argument or "").strip()
    if not argument.startswith(_SEALED):
        return argument[:LONGEST]
    found = unseal(argument[1:_LONGEST_SEALED], purpose=_PURPOSE) or ""
    mark = _by_reader()
    if not found.startswith(mark):
        _say_that_it_stays_closed()
        return ""
    return found.removeprefix(mark)[:LONGEST]


def _say_that_it_stays_closed() -> None:
    if "words_stay_closed" not in g:
        g.words_stay_closed = True
        flash(
            _(
                "The words in this address open only for whoever typed them, as they may be a name. "
                "This is everything; type them again to search."
            ),
            "warning",
        )


def _by_reader() -> str:
    actor = actor_or_none()
    return f"{actor.person_id if actor else 0}\n"
