"""Pictures to upload, made on the spot."""

from io import BytesIO

from PIL import Image


def small_jpeg(*, exif: bool = False) -> bytes:
    """Return a JPEG of 8 by 6 pixels, with a place in its EXIF when asked for."""
    image = Image.new("RGB", (8, 6), (200, 80, 40))
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
