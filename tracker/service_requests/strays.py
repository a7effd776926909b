"""Files of photos that no row knows: what a crash between writing a file and its row left behind."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import select

from tracker.database import db
from tracker.service_requests.models import Photo
from tracker.service_requests.photos import delete_photo, photo_path

SWEPT_AFTER: Final = timedelta(days=1)
"""Older than any upload that is under way, on whatever machine."""
BATCH: Final = 500
_SHARD: Final = "[0-9a-f][0-9a-f]"
_KEY_LENGTH: Final = 32


def sweep_strays(uploads: Path, *, now: datetime, older_than: timedelta = SWEPT_AFTER) -> int:
    """Delete the files that no photo knows and that are old enough; return how many keys went.

    A file is written before its row, and deleted after it: one that is old and has no row now
    never gets one.
    """
    swept = 0
    earliest = now - older_than
    keys = keys_of_files(uploads)
    while batch := list(islice(keys, BATCH)):
        old = [key for key in batch if (at := written_at(uploads, key)) and at <= earliest]
        known = set(db.session.scalars(select(Photo.key).where(Photo.key.in_(old))))
        db.session.rollback()
        for key in old:
            if key not in known:
                delete_photo(uploads, key)
                swept += 1
    for path in uploads.glob(f"{_SHARD}/{_SHARD}/.*.part"):
        with suppress(FileNotFoundError):
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) <= earliest:
                path.unlink()
    return swept


def keys_of_files(uploads: Path) -> Iterator[str]:
    """Return the keys that there are files for, in order, folder by folder."""
    for outer in sorted(uploads.glob(_SHARD)):
        for inner in sorted(outer.glob(_SHARD)):
            yield from sorted(
                {
                    key
                    for path in inner.glob("*.webp")
                    if len(key := path.name.partition(".")[0]) == _KEY_LENGTH
                }
            )


def written_at(uploads: Path, key: str) -> datetime | None:
    """Return when the last of a key's files was written; None when they are gone."""
    moments = []
    for thumbnail in (True, False):
        with suppress(FileNotFoundError):
            moments.append(photo_path(uploads, key, thumbnail=thumbnail).stat().st_mtime)
    return datetime.fromtimestamp(max(moments), UTC) if moments else None
