"""What nobody sent: drafts older than a day, with the files of their photos."""

from datetime import datetime
from pathlib import Path

from tracker.database import transaction
from tracker.service_requests.actions import drafts
from tracker.service_requests.photos import delete_photo

BATCH = 200


def clear_old_drafts(uploads: Path, *, now: datetime) -> int:
    """Remove drafts older than a day, batch by batch; return how many photos went with them.

    The files go after the rows: a photo that is still in the database never lacks its file.
    """
    photos = 0
    while True:
        with transaction():
            removed = drafts.remove_old(now=now, limit=BATCH)
        for key in removed.photo_keys:
            delete_photo(uploads, key)
        photos += len(removed.photo_keys)
        if removed.drafts < BATCH:
            return photos
