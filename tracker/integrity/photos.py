"""Photos as rows and as files: the same ones, of the same size and content.

Both are walked in the order of their keys, side by side, so that memory stays small however many
there are. What is just being uploaded, and what a crash left behind and the daily job has not
swept yet, has a file and no row: only files that are old enough count.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tracker.clock import utc_now
from tracker.service_requests.models import Photo
from tracker.service_requests.photos import photo_path
from tracker.service_requests.strays import keys_of_files, written_at


def disagreements(
    rows: Callable[[Any], Iterator[Any]],
    uploads: Path,
    *,
    swept_after: timedelta,
    reads_content: bool,
    is_still_there: Callable[[str], bool],
) -> Iterator[str]:
    """Return in words where rows and files differ.

    `rows` runs a query. A photo without a file counts only if it `is_still_there`: a draft may
    have been thrown away since the rows were looked at.
    """
    earliest = utc_now() - swept_after
    files = keys_of_files(uploads)
    key = next(files, None)
    query = select(Photo.id, Photo.key, Photo.size_bytes, Photo.sha256).order_by(Photo.key)
    for photo in rows(query):
        while key is not None and key < photo.key:
            yield from _stray(uploads, key, earliest)
            key = next(files, None)
        if key == photo.key:
            key = next(files, None)
        for problem in _problems(photo, uploads, reads_content=reads_content):
            if is_still_there(photo.key):
                yield f"Photo {photo.id} {problem}."
    while key is not None:
        yield from _stray(uploads, key, earliest)
        key = next(files, None)


def _problems(photo: Any, uploads: Path, *, reads_content: bool) -> Iterator[str]:  # noqa: ANN401 - a row
    path = photo_path(uploads, photo.key)
    if not photo_path(uploads, photo.key, thumbnail=True).is_file():
        yield "has no small file"
    if not path.is_file():
        yield "has no file"
        return
    size = path.stat().st_size
    if size != photo.size_bytes:
        yield f"has a file of {size} bytes, not {photo.size_bytes}"
    elif reads_content:
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != photo.sha256:
                yield "has a file with another content"


def _stray(uploads: Path, key: str, earliest: Any) -> Iterator[str]:  # noqa: ANN401 - a moment
    moment = written_at(uploads, key)
    if moment is not None and moment <= earliest:
        yield f"A file of {moment:%Y-%m-%d} belongs to no photo ({key[:2]}/{key[2:4]})."
