"""What somebody looks for, without its words in the address.

They may be a name or a number, and addresses stay in histories and in the logs of proxies. So a
search box sends its words in a form, and they come back in the address sealed, for who typed them
alone: whoever else opens such an address looks for nothing, and is told so.
"""

from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from tracker.web.access import actor_or_none, safe_path
from tracker.web.sealing import seal, unseal

blueprint = Blueprint("looking", __name__)

LONGEST: Final = 200
_SEALED: Final = "~"
_LONGEST_SEALED: Final = 2000
_PURPOSE: Final = "looking"


@blueprint.post("/look")
def look() -> ResponseReturnValue:
    """Lead to the page `path` with the other fields, and with the words `q` sealed."""
    path = (safe_path(request.form.get("path")) or "/").partition("?")[0]
    return _closed(path, request.form)


def _closed(path: str, asked: MultiDict[str, str]) -> Response:
    """Lead to `path` with what is asked for, and its words sealed."""
    words = asked.get("q", "").strip()[:LONGEST]
    sent = [
        (name, value)
        for name, value in asked.items(multi=True)
        if name not in ("q", "path", "csrf_token", "author")
    ]
    if words:
        sent.append(("q", _SEALED + seal(_by_reader() + words, purpose=_PURPOSE)))
    return redirect(f"{path}?{urlencode(sent)}" if sent else path, 303)


def words_for(argument: str | None) -> str:
    """Return what the argument `q` of this page's address asks for.

    "" for a broken seal, and for what somebody else typed. Plain words, which somebody wrote into the
    address by hand, are answered by the same address with the words sealed: all links of a page repeat them.
    """
    argument = (argument or "").strip()
    if not argument:
        return ""
    if not argument.startswith(_SEALED):
        abort(_closed(request.script_root + request.path, request.args))
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
