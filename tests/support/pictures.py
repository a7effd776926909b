"""Pictures to upload, made on the spot."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tracker.service_requests.photos import ByteStream, StoredPhoto, save_photo
from tracker.service_requests.views import uploads


def photos_worked_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the photos that a page works on from now on, which takes its time."""
    names: list[str] = []

    def save(stream: ByteStream, filename: str, folder: Path) -> StoredPhoto:
        names.append(filename)
        return save_photo(stream, filename, folder)

    monkeypatch.setattr(uploads, "save_photo", save)
    return names


def small_jpeg(colour: str = "chocolate", *, exif: bool = False) -> bytes:
    """Return a JPEG of 8 by 6 pixels, with a place in its EXIF when asked for."""
    image = Image.new("RGB", (8, 6), colour)
    buffer = BytesIO()
    if exif:
        data = Image.Exif()
        data[0x0110] = "A telephone"
        data.get_ifd(0x8825)[1] = "N"
        image.save(buffer, "JPEG", exif=data)
    else:
        image.save(buffer, "JPEG")
    return buffer.getvalue()


def small_png() -> bytes:
    """Return a PNG of 8 by 6 pixels."""
    buffer = BytesIO()
    Image.new("RGB", (8, 6), (40, 80, 200)).save(buffer, "PNG")
    return buffer.getvalue()
