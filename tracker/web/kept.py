"""What was typed into a form is never lost to a sign-out: it travels on in the page itself.

When a form arrives after the session ended, or with a token that is too old, the answer is a
page that holds everything that was typed (files apart, which browsers do not send back). After
signing in, one button sends it again. Nothing is stored on the server.

What travels through a sign-in is sealed: whoever else sits at the same device reads nothing of it in
the page's source, and cannot make it theirs.

Forms that ask for a password are not kept, nor is anything of them printed.

Only forms of our own pages are kept: a form that another site made the browser send must never
be offered as if the reader had written it.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import render_template, request
from flask_login import current_user
from werkzeug.exceptions import RequestEntityTooLarge

from tracker.web.addresses import printable
from tracker.web.sealing import seal, secrets, unseal

NOT_KEPT = frozenset({"csrf_token", "kept", "author", "resume"})
ONCE_KEY = "once_key"
"""The field of `tracker.web.once`: kept, but nothing that anybody typed."""
SECRETS: set[str] = set()
"""Names of password fields, filled in by `tracker.web.forms` as forms are defined: a form that
has one is not kept at all, so that no page ever shows a password."""
WRITTEN: set[str] = set()
"""Names of the fields that somebody writes into, filled in likewise."""
_MACHINE_WORD = re.compile(r"[!-~]*")
"""Choices, keys, numbers and times: what nobody wrote, and nobody can read."""
LARGEST = 2_000_000
_PURPOSE = "kept"
_SAFE = re.compile(r"/(?![/\\])[^\\]*")
"""A path of this site."""


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form that arrived and could not be taken: where it was going, and its fields."""

    path: str
    fields: tuple[tuple[str, str], ...]
    had_files: bool = False
    author: str = ""
    """Whose page it came from (see `author_mark`); "" for a visitor's."""
    was_carried: bool = False
    """It was sealed: whoever sends it to us now may be anybody, and reads nothing of it here."""

    @property
    def is_of_another(self) -> bool:
        """Tell whether somebody else wrote it than who is signed in."""
        own = (mark.encode() for mark in _author_marks())
        is_own = any(hmac.compare_digest(self.author.encode(), mark) for mark in own)
        return bool(self.author) and not is_own

    @property
    def words(self) -> list[str]:
        """Return what somebody wrote, without choices and keys."""
        return [
            value
            for name, value in self.fields
            if value.strip() and (name in WRITTEN or not _MACHINE_WORD.fullmatch(value.strip()))
        ]

    def to_text(self) -> str:
        """Return it as text for a hidden field, which nobody but this installation can read."""
        plain = {
            "path": self.path,
            "fields": self.fields,
            "files": self.had_files,
            "author": self.author,
        }
        return seal(json.dumps(plain), purpose=_PURPOSE)


def author_mark() -> str:
    """Return the mark of who is signed in, for every form that they open; "" for a visitor.

    It tells nobody who that is, and nobody can make another's.
    """
    return next(_author_marks(), "")


def _author_marks() -> Iterator[str]:
    """Yield the mark of who is signed in, and those that they had under earlier secrets."""
    if not current_user.is_authenticated:
        return
    author = f"author {current_user.actor.person_id}".encode()
    for secret in secrets():
        yield hmac.new(secret.encode(), author, hashlib.sha256).hexdigest()[:32]


def kept_from_request() -> KeptForm | None:
    """Return what this request's form holds; None when it is not one of ours, or empty.

    Of a form with a password only what it carried on is kept: the form of before a sign-out.
    """
    if request.method != "POST" or not _comes_from_here():
        return None
    try:
        form = request.form
    except RequestEntityTooLarge:
        return None  # it was not read
    if not SECRETS.isdisjoint(form):
        return kept_from_text(form.get("kept"))
    fields = tuple((name, value) for name, value in form.items(multi=True) if name not in NOT_KEPT)
    if not any(value.strip() for name, value in fields if name != ONCE_KEY):
        return None
    return KeptForm(
        path=request.full_path.rstrip("?"),
        fields=fields,
        had_files=any(file.filename for file in request.files.values()),
        author=form.get("author", ""),
    )


def kept_from_text(text: str | None) -> KeptForm | None:
    """Return what `to_text` wrote; None for anything else.

    A form without its writer's mark is nobody's, and is carried to nobody.
    """
    if not text or len(text) > LARGEST:
        return None
    try:
        found = json.loads(unseal(text, purpose=_PURPOSE) or "")
        path, fields = found["path"], found["fields"]
        pairs = tuple((printable(str(name)), printable(str(value))) for name, value in fields)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_ours = isinstance(path, str) and path.isprintable() and _SAFE.fullmatch(path) is not None
    author = printable(str(found.get("author", "")))
    if not is_ours or not author:
        return None
    return KeptForm(path, pairs, bool(found.get("files")), author, was_carried=True)


def kept_page(kept: KeptForm, *, is_signed_in: bool) -> str:
    """Return the page that holds it: sign in, or send it again.

    Somebody else than its author, on the same phone, neither reads it nor can send it.
    """
    if is_signed_in and kept.is_of_another:
        return render_template("errors/kept_of_another.html", kept=kept)
    return render_template("errors/kept.html", kept=kept, is_signed_in=is_signed_in)


def _comes_from_here() -> bool:
    """Tell whether the browser says that one of our own pages sent the form."""
    said = request.headers.get("Origin") or request.headers.get("Referer") or ""
    here = urlsplit(request.host_url)
    try:
        there = urlsplit(said)
    except ValueError:  # no address at all, such as http://[::1
        return False
    return bool(there.netloc) and (there.scheme, there.netloc) == (here.scheme, here.netloc)
