"""Photos that came with a form: kept before the transaction, thrown away when it fails.

To work on one takes a second of the server. So those that cannot be taken are not worked on, and of
a visitor, whom nobody knows, only so many an hour.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import FileStorage

from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import transaction
from tracker.errors import Refusal
from tracker.service_requests.actions.photos import MOST_AT_ONCE
from tracker.service_requests.photos import PhotoError, StoredPhoto, delete_photo, save_photo
from tracker.service_requests.words import photo_problem
from tracker.web.errors import refusal_text
from tracker.web.throttle import Limit, callers_network, is_one_too_many

PHOTOS_OF_ONE: Final = 30
"""How many photos a visitor may send in an hour to one draft or request, those that were refused or
taken back again counted in."""
PHOTOS_OF_A_NETWORK: Final = 150
"""How many may come in an hour from one address: as many as all that it may send can hold."""
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Uploads:
    """The photos that could be kept, and a sentence for each that could not."""

    stored: Sequence[StoredPhoto]
    problems: Sequence[str]


@contextmanager
def kept_uploads(
    files: Iterable[FileStorage | str | None], *, most: int = MOST_AT_ONCE, visitor: str = ""
) -> Iterator[Uploads]:
    """Keep the photos among `files`; if what happens inside fails, their files are deleted.

    Of more than `most` none is kept, and none of more than a `visitor` may send, which names the
    draft or the request that they are for. An empty file field sends an empty name, which is left
    out. Runs outside of a transaction.
    """
    chosen = [file for file in files if isinstance(file, FileStorage) and file.filename]
    stored, problems = [], []
    if len(chosen) > most:
        problems.append(refusal_text(Refusal.TOO_MANY_PHOTOS))
    elif visitor and chosen and _are_too_many(len(chosen), visitor):
        problems.append(
            _(
                "Very many photos came in the last hour. Please wait a while, or go on without "
                "them. What you typed is still here."
            )
        )
    else:
        for file in chosen:
            try:
                stored.append(save_photo(file.stream, file.filename or "", _folder()))
            except PhotoError as error:
                problems.append(photo_problem(error))
    try:
        yield Uploads(stored, problems)
    except OperationalError:
        # The database was lost, perhaps after it had taken the photos: what it did not take is
        # swept a day later.
        raise
    except BaseException:
        delete_files(photo.key for photo in stored)
        raise


def delete_files(keys: Iterable[str]) -> None:
    """Delete the files of photos that the database no longer knows."""
    for key in keys:
        delete_photo(_folder(), key)


def _are_too_many(photos: int, visitor: str) -> bool:
    """Count the photos of a visitor, unless there are more than the last hour has left."""
    limits = (
        Limit("photos-of-one", visitor, PHOTOS_OF_ONE, HOUR),
        Limit("photos-network", callers_network(), PHOTOS_OF_A_NETWORK, HOUR),
    )
    with transaction():
        return is_one_too_many(limits, secret=_settings().secret_key, now=utc_now(), times=photos)


def _folder() -> Path:
    return _settings().uploads_path


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
