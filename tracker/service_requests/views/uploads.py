"""Photos that came with a form: kept before the transaction, thrown away when it fails."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import current_app
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import FileStorage

from tracker.config import Settings
from tracker.service_requests.photos import PhotoError, StoredPhoto, delete_photo, save_photo
from tracker.service_requests.words import photo_problem


@dataclass(frozen=True, slots=True)
class Uploads:
    """The photos that could be kept, and a sentence for each that could not."""

    stored: Sequence[StoredPhoto]
    problems: Sequence[str]


@contextmanager
def kept_uploads(files: Iterable[FileStorage | str | None]) -> Iterator[Uploads]:
    """Keep the photos among `files`; if what happens inside fails, their files are deleted.

    An empty file field sends an empty name, which is left out.
    """
    stored, problems = [], []
    for file in files:
        if not isinstance(file, FileStorage) or not file.filename:
            continue
        try:
            stored.append(save_photo(file.stream, file.filename, _folder()))
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


def _folder() -> Path:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.uploads_path
