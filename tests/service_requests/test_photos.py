"""A photo is cleaned, made small and kept whole, or refused with a reason."""

import base64
import hashlib
import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image

from tracker.errors import NotFoundError
from tracker.service_requests import photos
from tracker.service_requests.photos import (
    MAX_BYTES,
    PhotoError,
    PhotoReason,
    StoredPhoto,
    delete_photo,
    photo_path,
    save_photo,
)

RED, BLUE = (200, 30, 30), (30, 60, 200)
ORIENTATION, MAKE, GPS = 0x0112, 0x010F, 0x8825
CAMERA = "Shishi test camera"

# 64 by 48 pixels, left half red, right half blue, with the camera and a place in its EXIF: made
# for this test, as nothing that is installed writes HEIC.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAb5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAA"
    "AAAAAAAAADRpbG9jAAAAAERAAAIAAQAAAAAB4gABAAAAAAAAACQAAgAAAAACBgABAAAAAAAAALYAAAA4aWluZgAAAAAA"
    "AgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADd"
    "aXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAq"
    "QgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQAN"
    "AAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBp"
    "eGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAA4m1kYXQA"
    "AAAgKAGvGYDvSaW//9/jH/X2r/imyF//SDnfM6Z/wtSNtbwAAAAGRXhpZgAATU0AKgAAAAgAAwEPAAIAAAATAAAAMgES"
    "AAMAAAABAAYAAIglAAQAAAABAAAARgAAAABTaGlzaGkgdGVzdCBjYW1lcmEAAAAEAAEAAgAAAAJOAAAAAAIABQAAAAMA"
    "AAB8AAMAAgAAAAJFAAAAAAQABQAAAAMAAACUAAAAAAAAABYAAAABAAAAKQAAAAEAAAAeAAAAAQAAAHIAAAABAAAAFAAA"
    "AAEAAAAvAAAAAQ=="
)


def picture(width: int = 640, height: int = 480, mode: str = "RGB") -> Image.Image:
    """Return a picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width // 2, height))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """Return the bytes of an image file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    """Return what a telephone writes into a photo: how it was held, and where it was taken."""
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    tags[MAKE] = CAMERA
    place = tags.get_ifd(GPS)
    place.update({1: "N", 2: (22.0, 41.0, 30.0), 3: "E", 4: (114.0, 20.0, 47.0)})
    return tags


def save(content: bytes, folder: Path, filename: str = "photo.jpg") -> StoredPhoto:
    return save_photo(io.BytesIO(content), filename, folder)


def opened(folder: Path, photo: StoredPhoto, *, thumbnail: bool = False) -> Image.Image:
    """Return the picture as it is kept."""
    with Image.open(photo_path(folder, photo.key, thumbnail=thumbnail)) as image:
        image.load()
        return image


def is_near(colour: object, expected: tuple[int, int, int]) -> bool:
    """Tell whether a colour is `expected`, but for what compression does to it."""
    assert isinstance(colour, tuple)
    return all(abs(is_ - was) < 40 for is_, was in zip(colour[:3], expected, strict=True))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# ---------------------------------------------------------------- what is kept


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_kept_as_webp_with_a_thumbnail(kind: str, tmp_path: Path) -> None:
    photo = save(encoded(picture(), kind), tmp_path)

    kept, small = opened(tmp_path, photo), opened(tmp_path, photo, thumbnail=True)
    assert (kept.format, small.format) == ("WEBP", "WEBP")
    assert kept.size == (photo.width, photo.height) == (640, 480)
    assert small.size == (320, 240)
    assert is_near(kept.getpixel((100, 100)), RED)
    assert is_near(small.getpixel((300, 100)), BLUE)
    assert photo.media_type == "image/webp"


def test_a_photo_of_an_apple_telephone_is_kept(tmp_path: Path) -> None:
    photo = save(HEIC, tmp_path, "IMG_0001.HEIC")

    kept = opened(tmp_path, photo)
    assert kept.size == (64, 48)
    assert is_near(kept.getpixel((10, 24)), RED)
    assert is_near(kept.getpixel((54, 24)), BLUE)


def test_size_and_hash_are_those_of_the_kept_file(tmp_path: Path) -> None:
    photo = save(encoded(picture()), tmp_path)

    content = photo_path(tmp_path, photo.key).read_bytes()
    assert photo.size_bytes == len(content)
    assert photo.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("size", "kept", "thumbnail"),
    [
        ((4000, 3000), (1600, 1200), (320, 240)),
        ((3000, 4000), (1200, 1600), (240, 320)),
        ((1600, 100), (1600, 100), (320, 20)),
        ((20, 10), (20, 10), (20, 10)),
        ((1, 1), (1, 1), (1, 1)),
        ((9000, 2), (1600, 1), (320, 1)),
    ],
)
def test_a_photo_is_made_small_and_never_larger(
    size: tuple[int, int], kept: tuple[int, int], thumbnail: tuple[int, int], tmp_path: Path
) -> None:
    photo = save(encoded(picture(*size)), tmp_path)
    assert opened(tmp_path, photo).size == kept
    assert opened(tmp_path, photo, thumbnail=True).size == thumbnail


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_turned_the_right_way_up(kind: str, tmp_path: Path) -> None:
    photo = save(encoded(picture(), kind, exif=exif(orientation=6)), tmp_path)

    kept = opened(tmp_path, photo)
    assert (photo.width, photo.height) == kept.size == (480, 640)
    assert is_near(kept.getpixel((240, 100)), RED)
    assert is_near(kept.getpixel((240, 540)), BLUE)


def with_everything(kind: str) -> bytes:
    """Return a file that tells more than it shows."""
    return encoded(
        picture(),
        kind,
        exif=exif(),
        icc_profile=b"p" * 200,
        xmp=b"<x>private</x>",
        comment=b"private",
    )


@pytest.mark.parametrize(
    "content",
    [with_everything("JPEG"), with_everything("PNG"), with_everything("WEBP"), HEIC],
    ids=["jpeg", "png", "webp", "heic"],
)
def test_nothing_but_the_picture_is_kept(content: bytes, tmp_path: Path) -> None:
    assert CAMERA.encode() in content, "the test has something to find"

    photo = save(content, tmp_path, "where I live.jpg")

    for path in files_in(tmp_path):
        kept = path.read_bytes()
        assert not any(secret in kept for secret in (b"EXIF", b"Exif", b"ICCP", b"XMP", b"private"))
        assert CAMERA.encode() not in kept
        assert "live" not in path.name
    kept_image = opened(tmp_path, photo)
    assert not kept_image.getexif()
    assert not {"exif", "icc_profile", "xmp", "comment"} & set(kept_image.info)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_png_is_understood(mode: str, tmp_path: Path) -> None:
    source = picture(mode="L").convert("I").point(lambda value: value * 257).convert(mode)
    image = source if mode == "I;16" else picture(mode="RGBA" if mode == "LA" else mode)
    photo = save(encoded(image.convert(mode), "PNG"), tmp_path)

    kept = opened(tmp_path, photo)
    assert kept.mode == "RGB"
    left, right = kept.getpixel((100, 100)), kept.getpixel((500, 100))
    assert left != right, "one can still see what it shows"


def test_a_print_shops_jpeg_is_understood(tmp_path: Path) -> None:
    photo = save(encoded(picture(mode="CMYK")), tmp_path)
    assert is_near(opened(tmp_path, photo).getpixel((100, 100)), RED)


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_what_is_transparent_becomes_white(mode: str, tmp_path: Path) -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 20, 40))
    content = encoded(image if mode == "RGBA" else image.quantize(), "PNG")

    kept = opened(tmp_path, save(content, tmp_path))
    assert is_near(kept.getpixel((10, 20)), RED)
    assert is_near(kept.getpixel((30, 20)), (255, 255, 255))


def test_of_an_animation_the_first_picture_is_kept(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in (RED, BLUE)]
    content = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])

    kept = opened(tmp_path, save(content, tmp_path))
    assert getattr(kept, "n_frames", 1) == 1
    assert is_near(kept.getpixel((20, 20)), RED)


# ---------------------------------------------------------------- what is refused


def reason_for(content: bytes, folder: Path, filename: str = "photo.jpg") -> PhotoReason:
    """Return why a photo is refused, and see that nothing of it is kept."""
    with pytest.raises(PhotoError) as refused:
        save(content, folder, filename)
    assert refused.value.filename == filename
    assert not files_in(folder)
    return refused.value.reason


def a_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7",
        a_zip(),
        encoded(picture(), "GIF"),
        encoded(picture(), "BMP"),
        encoded(picture(), "TIFF"),
        encoded(picture(), "AVIF"),
        b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom",
        b"GIF89a\xff\xd8\xff" + encoded(picture()),
    ],
)
def test_what_is_no_photo_is_refused_whatever_its_name(content: bytes, tmp_path: Path) -> None:
    assert reason_for(content, tmp_path, "photo.jpg") is PhotoReason.NOT_AN_IMAGE


@pytest.mark.parametrize(
    "content",
    [
        encoded(picture())[:2000],
        encoded(picture(), "PNG")[:-40],
        encoded(picture(), "WEBP")[:200],
        HEIC[:-100],
        b"\xff\xd8\xff",
        b"\xff\xd8\xff<svg onload=alert(1)>",
        b"\x89PNG\r\n\x1a\n" + a_zip(),
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    ],
)
def test_a_damaged_photo_is_refused(content: bytes, tmp_path: Path) -> None:
    assert reason_for(content, tmp_path) is PhotoReason.BROKEN


def test_ten_megabytes_are_taken_and_not_one_byte_more(tmp_path: Path) -> None:
    content = encoded(picture(20, 20))
    full = content + b"\0" * (MAX_BYTES - len(content))
    assert save(full, tmp_path).width == 20

    with pytest.raises(PhotoError) as refused:
        save(full + b"\0", tmp_path)
    assert refused.value.reason is PhotoReason.TOO_LARGE


class Endless:
    """A stream that never ends, and counts what was taken from it."""

    taken = 0

    def read(self, size: int, /) -> bytes:
        assert 0 < size <= 1024 * 1024, "never everything at once"
        self.taken += size
        return b"\xff" * size


def test_an_endless_upload_is_not_read_to_its_end(tmp_path: Path) -> None:
    stream = Endless()
    with pytest.raises(PhotoError) as refused:
        save_photo(stream, "photo.jpg", tmp_path)
    assert refused.value.reason is PhotoReason.TOO_LARGE
    assert stream.taken <= MAX_BYTES + 1


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few hundred bytes whose header promises a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [7072, 10_000, 14_000, 60_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_that_would_fill_the_memory_is_refused(side: int, tmp_path: Path) -> None:
    assert reason_for(bomb(side, side), tmp_path) is PhotoReason.TOO_MANY_PIXELS


def test_it_is_refused_too_where_warnings_are_errors(tmp_path: Path) -> None:
    assert reason_for(bomb(10_000, 10_000), tmp_path) is PhotoReason.TOO_MANY_PIXELS


def test_a_file_that_crashes_its_decoder_is_refused(tmp_path: Path) -> None:
    content = bytearray(HEIC)
    content[176] = 0xCD  # found by chance: where it says which item is the picture
    assert reason_for(bytes(content), tmp_path) is PhotoReason.BROKEN


def test_a_decoder_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "_PATIENCE_S", 0.01)
    assert reason_for(HEIC, tmp_path) is PhotoReason.BROKEN


SOURCES = {
    "jpeg": encoded(picture(24, 18), exif=exif(3)),
    "png": encoded(picture(24, 18), "PNG"),
    "webp": encoded(picture(24, 18), "WEBP"),
    "heic": HEIC,
}


@given(source=st.sampled_from(sorted(SOURCES)), data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damage_anywhere_is_refused_or_survived(
    source: str, data: st.DataObject, tmp_path: Path
) -> None:
    content = bytearray(SOURCES[source])
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        photo = save(bytes(content), tmp_path)
    except PhotoError:
        return
    assert opened(tmp_path, photo).size == (photo.width, photo.height)


# ---------------------------------------------------------------- files


def test_keys_cannot_be_guessed_and_files_are_spread_over_folders(tmp_path: Path) -> None:
    content = encoded(picture(20, 20))
    keys = {save(content, tmp_path).key for _ in range(5)}
    assert len(keys) == 5
    for key in keys:
        assert len(key) * 4 >= 128
        assert photo_path(tmp_path, key).relative_to(tmp_path).parts[:2] == (key[:2], key[2:4])


@pytest.mark.parametrize(
    "key",
    [
        "",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "a" * 31,
        "a" * 33,
        "A" * 32,
        "g" * 32,
        "a" * 32 + "\n",
        "..".ljust(32, "a"),
        "a" * 28 + "/../",
        "\0" * 32,
        "٣" * 32,
    ],
)
def test_no_key_reaches_another_file(key: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        photo_path(tmp_path, key)
    with pytest.raises(NotFoundError):
        delete_photo(tmp_path, key)


@given(st.text(max_size=40) | st.text("./0123456789abcdef", min_size=32, max_size=32))
def test_every_path_stays_in_the_folder(key: str) -> None:
    folder = Path("/uploads")
    try:
        path = photo_path(folder, key)
    except NotFoundError:
        return
    assert os.path.normpath(path).startswith("/uploads/")
    assert path.suffix == ".webp"


def test_deleting_takes_the_thumbnail_along_and_may_be_done_twice(tmp_path: Path) -> None:
    photo = save(encoded(picture()), tmp_path)
    other = save(encoded(picture()), tmp_path)

    delete_photo(tmp_path, photo.key)
    delete_photo(tmp_path, photo.key)

    assert len(files_in(tmp_path)) == 2
    assert photo_path(tmp_path, other.key).exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flush, flushed = os.fsync, []

    def full(descriptor: int) -> None:
        flushed.append(descriptor)
        if len(flushed) > 4:  # the thumbnail and its three folders are written, the photo is not
            raise OSError(28, "No space left on device")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save(encoded(picture()), tmp_path)
    assert not files_in(tmp_path)


def test_files_are_only_for_the_server_to_read(tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    photo = save(encoded(picture()), uploads)
    assert photo_path(uploads, photo.key).stat().st_mode & 0o077 == 0
    assert uploads.stat().st_mode & 0o077 == 0
