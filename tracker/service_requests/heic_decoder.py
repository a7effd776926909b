"""A program that turns a HEIC picture into a small PNG, upright; apart from the server.

A damaged HEIC file can crash what decodes it, memory and all. So it happens in a process of its
own, with bounds on memory and time, that has nothing to lose. Run by its path, it imports nothing
of ours: `python -I heic_decoder.py MOST_PIXELS LONGEST_SIDE < picture.heic > picture.png`.

Exits 0 with the picture, 3 when the picture has more pixels than it may, and in any other way
when it is damaged.
"""

import resource
import sys
from io import BytesIO
from typing import Final

from pi_heif import register_heif_opener
from PIL import Image, ImageOps

TOO_MANY_PIXELS: Final = 3
MOST_MEMORY_BYTES: Final = 1536 * 1024 * 1024
MOST_SECONDS: Final = 20


def main(most_pixels: int, longest_side: int) -> int:
    """Read a picture from standard input and write it to standard output; return the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    register_heif_opener()
    with Image.open(BytesIO(sys.stdin.buffer.read()), formats=("HEIF",)) as image:
        if image.width * image.height > most_pixels:
            return TOO_MANY_PIXELS
        image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
        upright = ImageOps.exif_transpose(image)
        plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    plain.info.clear()  # no EXIF, no profile
    plain.save(sys.stdout.buffer, "PNG", compress_level=1)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
