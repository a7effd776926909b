"""A form that is sent twice is taken once: by a double tap, a reload, or a page gone back to.

Each form carries the key of the page that it was printed on. Whoever takes a form asks in the same
transaction whether it is the first time, so that what was done and what is remembered of it are
there together, or neither. The mark tells forms apart by the key, who sent it, the address, every
field and every file: other words from the same page are another form, and so are the same words
from a page opened anew. See docs/decisions/0014-a-form-is-taken-once.md.
"""

import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, cast

from flask import request
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import String, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from tracker.clock import utc_now
from tracker.database import Model, db
from tracker.errors import StaleError
from tracker.web.kept import NOT_KEPT, ONCE_KEY

KEPT: Final = timedelta(days=1)
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{32}")
_CHANCE_BYTES: Final = 24
_READ: Final = "shishi.once"
_TAKEN_BEFORE: Final = "The form was taken before."
_AGAIN: Final = "shishi.once_again"
AGAIN: Final = _l(
    "This form had arrived already, and was done once. To do it once more, open it anew."
)


class TakenForm(Model):
    """A form that was taken: what it was cannot be told from its mark."""

    __tablename__ = "taken_form"

    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(index=True)


def page_key() -> str:
    """Return the key of the page that is being printed, new for each."""
    key: str = request.environ.setdefault("shishi.page_key", new_key())
    return key


def new_key() -> str:
    """Return a key that nobody guesses."""
    return secrets.token_urlsafe(_CHANCE_BYTES)


def is_key(text: str) -> bool:
    """Tell whether `new_key` may have made it."""
    return _KEY.fullmatch(text) is not None


def was_taken() -> bool:
    """Tell whether the form of this request was taken before, with all that it says."""
    mark = _mark()
    known = select(TakenForm.mark).where(TakenForm.mark == mark)
    request.environ[_AGAIN] = mark is not None and db.session.scalar(known) is not None
    return bool(request.environ[_AGAIN])


def is_first() -> bool:
    """Tell whether the form of this request was not taken yet, and remember that it is.

    Runs inside the transaction that takes it, after what it changes is locked: of two at the same
    moment the second then finds the first. A form without a key, such as a program's, is always
    the first.
    """
    if was_taken():
        return False
    mark = _mark()
    if mark is not None:
        db.session.execute(insert(TakenForm).values(mark=mark, taken_at=utc_now()))
    return True


def is_first_with(key: str) -> bool:
    """Tell the same of what travels sealed in an address, by the key that stands in it."""
    mark = sha256(repr(["sealed", key]).encode()).hexdigest()
    if db.session.scalar(select(TakenForm.mark).where(TakenForm.mark == mark)) is not None:
        return False
    db.session.execute(insert(TakenForm).values(mark=mark, taken_at=utc_now()))
    return True


def sent_from() -> str:
    """Return the key of the page that this request's form was printed on; "" if it says none of ours."""
    key = request.form.get(ONCE_KEY, "")
    return key if is_key(key) else ""


def told(done: object) -> str:
    """Return the words for what was done; for a form that was taken before, that it was.

    Somebody may have changed it since: what a page says then must not sound as if it had just been done.
    """
    return str(AGAIN if request.environ.get(_AGAIN) else done)


def require_first() -> None:
    """Raise `StaleError` unless `is_first`: `web.errors` answers that it was done, and leads up."""
    if not is_first():
        raise StaleError(_TAKEN_BEFORE)


def refuse_second() -> None:
    """Raise `StaleError` as `require_first` does, before a page asks whether it can be done at all."""
    if was_taken():
        raise StaleError(_TAKEN_BEFORE)


def forget_old(*, now: datetime) -> int:
    """Forget the forms that were taken more than a day before `now`; return how many these were."""
    old = delete(TakenForm).where(TakenForm.taken_at < now - KEPT)
    return int(db.session.execute(old).rowcount)  # type: ignore[attr-defined] # a DELETE has one


def _mark() -> str | None:
    """Return what is the same when a form is sent again and not otherwise; None without a key.

    Read once for each request: whoever works on the photos afterwards uses them up.
    """
    if _READ not in request.environ:
        is_one_of_ours = request.method == "POST" and sent_from()
        mark = sha256(repr([*_told()]).encode()).hexdigest() if is_one_of_ours else None
        request.environ[_READ] = mark
    return cast("str | None", request.environ[_READ])


def _told() -> Iterator[object]:
    yield request.path
    yield current_user.actor.person_id if current_user.is_authenticated else None
    for name, values in sorted(request.form.lists()):
        if name not in NOT_KEPT:
            yield name, values
    for name, files in sorted(request.files.lists()):
        for file in files:
            if not file.filename:
                continue  # nothing was chosen; a form that was kept comes without it
            file.stream.seek(0)
            content = sha256()
            while piece := file.stream.read(1 << 20):
                content.update(piece)
            file.stream.seek(0)
            yield name, file.filename, content.hexdigest()
