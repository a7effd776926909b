"""Photos that residents and volunteers send: checked, cleaned, made small, and kept as files.

Nothing of an upload is kept but its pixels. What a file is, its content says; its name and the
media type that a browser claims are not asked. A photo is written whole or not at all, and found
only by a key that nobody guesses. Pure: knows files, not the database.
"""

import os
import re
import secrets
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol

from PIL import Image, ImageOps

from tracker import private_files
from tracker.errors import NotFoundError, ShishiError
from tracker.service_requests import heic_decoder

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000
PHOTO_SIDE: Final = 1600
"""The longest side of a kept photo, in pixels. Smaller photos stay as they are."""
THUMBNAIL_SIDE: Final = 320
MEDIA_TYPE: Final = "image/webp"

_CHUNK_BYTES: Final = 64 * 1024
_QUALITY: Final = 80
_PATIENCE_S: Final = 30
_WHITE: Final = (255, 255, 255)
_KEY: Final = re.compile(r"[0-9a-f]{32}")
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})


class ByteStream(Protocol):
    """What an upload is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none at the end."""
        ...


class PhotoReason(StrEnum):
    """Why a photo was refused. Shown to people, in their language."""

    TOO_LARGE = "too_large"
    NOT_AN_IMAGE = "not_an_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    BROKEN = "broken"


class PhotoError(ShishiError):
    """A photo that cannot be kept. `filename` is the sender's own, to say which one."""

    def __init__(self, reason: PhotoReason, filename: str = "") -> None:
        super().__init__(f"{reason}: {filename}" if filename else str(reason))
        self.reason = reason
        self.filename = filename


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """What is known of a kept photo. Size and hash are those of the file kept, not of the upload."""

    key: str
    """Names the files; 128 random bits as 32 lower-case hexadecimal digits."""
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str


def save_photo(stream: ByteStream, filename: str, folder: Path) -> StoredPhoto:
    """Keep the photo in `stream` under `folder`, with a thumbnail beside it, and describe it.

    JPEG, PNG, WebP and HEIC of at most 10 MB and 50 megapixels are taken. The photo is turned
    the right way up, made small, put on white where it is transparent, and encoded anew as WebP
    without EXIF, place, profile or comment; of an animation the first picture is kept. Both
    files are on the disk, flushed, when this returns.

    Raises `PhotoError` when the photo is refused; then nothing is kept.
    """
    try:
        photo = _decoded(_content(stream))
    except PhotoError as error:
        raise PhotoError(error.reason, filename) from error
    key = secrets.token_hex(16)
    thumbnail = photo.copy()
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    content = _encoded(photo)
    try:
        _write(photo_path(folder, key, thumbnail=True), _encoded(thumbnail))
        _write(photo_path(folder, key), content)
    except BaseException:
        delete_photo(folder, key)
        raise
    return StoredPhoto(
        key=key,
        media_type=MEDIA_TYPE,
        width=photo.width,
        height=photo.height,
        size_bytes=len(content),
        sha256=sha256(content).hexdigest(),
    )


def is_photo_key(text: str) -> bool:
    """Tell whether `text` can be the key of a photo: a database may refuse to look for others."""
    return _KEY.fullmatch(text) is not None


def photo_path(folder: Path, key: str, *, thumbnail: bool = False) -> Path:
    """Return where the photo with `key`, or its thumbnail, is kept under `folder`.

    Raises `NotFoundError` for a key that no photo can have, so that no address reaches another
    file. Whether there is such a file is not looked at.
    """
    if not is_photo_key(key):
        message = "There is no such photo."
        raise NotFoundError(message)
    return folder / key[:2] / key[2:4] / f"{key}{'.small' if thumbnail else ''}.webp"


def delete_photo(folder: Path, key: str) -> None:
    """Delete the photo with `key` and its thumbnail. One that is gone already is no error.

    Raises `NotFoundError` for a key that no photo can have.
    """
    photo_path(folder, key).unlink(missing_ok=True)
    photo_path(folder, key, thumbnail=True).unlink(missing_ok=True)


def _content(stream: ByteStream) -> bytes:
    """Read the upload, but hardly more than may be kept: one byte tells that there is more."""
    content = bytearray()
    while len(content) <= MAX_BYTES:
        chunk = stream.read(min(_CHUNK_BYTES, MAX_BYTES + 1 - len(content)))
        if not chunk:
            return bytes(content)
        content += chunk
    raise PhotoError(PhotoReason.TOO_LARGE)


def _format(content: bytes) -> str:
    """Return Pillow's name of the format, by the first bytes; raise `PhotoError` for others."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp":
        # The box lists the major brand, a version, and every brand the file agrees with.
        brands = content[8 : min(int.from_bytes(content[:4], "big"), 256)]
        if _HEIC_BRANDS & {brands[at : at + 4] for at in range(0, len(brands), 4)}:
            return "HEIF"
    raise PhotoError(PhotoReason.NOT_AN_IMAGE)


def _decoded(content: bytes) -> Image.Image:
    """Return the picture upright, small, opaque, and with nothing attached to it."""
    kind = _format(content)
    if kind == "HEIF":
        kind, content = "PNG", _png_of_heic(content)
    try:
        with Image.open(BytesIO(content), formats=(kind,)) as image:
            _check_pixels(image)
            # A palette can't be scaled smoothly.
            small = image.convert("RGBA") if image.mode in {"P", "PA"} else image
            # First small, then upright: turning twelve megapixels costs more than scaling them.
            small.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.LANCZOS)
            return _clean(ImageOps.exif_transpose(small))
    except PhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError(PhotoReason.TOO_MANY_PIXELS) from error
    except Exception as error:
        # Decoders raise whatever they like on hostile or damaged bytes.
        raise PhotoError(PhotoReason.BROKEN) from error


def _png_of_heic(content: bytes) -> bytes:
    """Decode in another process, as damaged files crash the one that tries; raise `PhotoError`."""
    command = (sys.executable, "-I", heic_decoder.__file__, str(MAX_PIXELS), str(PHOTO_SIDE))
    try:
        done = subprocess.run(  # noqa: S603 - our own program, numbers
            command, input=content, capture_output=True, timeout=_PATIENCE_S, check=False, env={}
        )
    except subprocess.TimeoutExpired as error:
        raise PhotoError(PhotoReason.BROKEN) from error
    if done.returncode == heic_decoder.TOO_MANY_PIXELS:
        raise PhotoError(PhotoReason.TOO_MANY_PIXELS)
    if done.returncode != 0:
        raise PhotoError(PhotoReason.BROKEN)
    return done.stdout


def _check_pixels(image: Image.Image) -> None:
    """Refuse by what the header says, before the memory is taken."""
    if image.width * image.height > MAX_PIXELS:
        raise PhotoError(PhotoReason.TOO_MANY_PIXELS)


def _clean(image: Image.Image) -> Image.Image:
    """Return the pixels alone: a new picture has no metadata that could be saved along."""
    if image.mode.startswith(("I", "F")):  # 16 bits and more of grey
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    clean = Image.new("RGB", image.size, _WHITE)
    if image.has_transparency_data:
        transparent = image.convert("RGBA")
        clean.paste(transparent, mask=transparent)
    else:
        clean.paste(image.convert("RGB"))
    return clean


def _encoded(image: Image.Image) -> bytes:
    encoded = BytesIO()
    image.save(encoded, "WEBP", quality=_QUALITY)
    return encoded.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and durably: it survives a crash right after."""
    private_files.folder(path.parents[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
    for changed in (path.parent, path.parent.parent, path.parent.parent.parent):
        _flush_folder(changed)


def _flush_folder(folder: Path) -> None:
    """Make the names in a folder durable, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
