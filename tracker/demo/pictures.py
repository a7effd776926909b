"""Simple drawings in place of photos: a street, a lamp, a pipe, a lift, a plate of dumplings."""

import random
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Final, TypeAlias

from PIL import Image, ImageDraw

Size: TypeAlias = tuple[int, int]
Canvas: TypeAlias = ImageDraw.ImageDraw

SIZE: Final = (960, 720)
SKIES: Final = ("#dfe9ec", "#e9e2d3", "#d9e4da", "#ece6ef", "#f0e4da")
GROUNDS: Final = ("#b8b1a2", "#a7b09a", "#c3b59b", "#9fa8ac")
WALLS: Final = ("#d8c3a5", "#cbb8a9", "#c9d1c8", "#e0cdb8")


def picture(leaf: str, chance: random.Random, *, mended: bool) -> BytesIO:
    """Return a PNG for a kind of request, before or after it was mended."""
    image = Image.new("RGB", SIZE, chance.choice(SKIES))
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 500, *SIZE), fill=chance.choice(GROUNDS))
    _DRAWINGS.get(leaf, _house)(canvas, chance, mended)
    if mended:
        canvas.ellipse((820, 40, 920, 140), fill="#2f7d5b")
        canvas.line((845, 92, 865, 112, 898, 70), fill="white", width=12, joint="curve")
    content = BytesIO()
    image.save(content, "PNG", compress_level=1)
    content.seek(0)
    return content


def _house(canvas: Canvas, chance: random.Random, mended: bool) -> None:  # noqa: FBT001 - one shape for all drawings
    left = chance.randrange(120, 320)
    canvas.rectangle((left, 250, left + 420, 560), fill=chance.choice(WALLS))
    canvas.polygon([(left - 40, 250), (left + 210, 110), (left + 460, 250)], fill="#7d4b3a")
    canvas.rectangle((left + 160, 400, left + 250, 560), fill="#5c4a3d")
    for x in (left + 50, left + 300):
        canvas.rectangle((x, 310, x + 80, 380), fill="#fff3c4" if mended else "#56616b")


def _lamp(canvas: Canvas, chance: random.Random, mended: bool) -> None:  # noqa: FBT001
    canvas.rectangle((0, 0, *SIZE), fill="#2b3442")
    canvas.rectangle((0, 560, *SIZE), fill="#39424e")
    for x in (200, 480, 760):
        canvas.rectangle((x, 180, x + 14, 580), fill="#8b95a1")
        canvas.line((x + 7, 180, x + 90, 160), fill="#8b95a1", width=12)
        lit = mended or (x == 200 and chance.random() < 0.5)
        canvas.ellipse((x + 70, 150, x + 130, 186), fill="#ffe08a" if lit else "#4b5563")
        if lit:
            canvas.polygon(
                [(x + 76, 186), (x + 124, 186), (x + 190, 575), (x + 10, 575)], fill="#514d43"
            )


def _pipe(canvas: Canvas, chance: random.Random, mended: bool) -> None:  # noqa: FBT001
    canvas.rectangle((0, 0, *SIZE), fill="#eef1f0")
    for x in range(0, SIZE[0], 120):
        canvas.line((x, 0, x, SIZE[1]), fill="#d5dbd9", width=3)
    for y in range(0, SIZE[1], 120):
        canvas.line((0, y, SIZE[0], y), fill="#d5dbd9", width=3)
    canvas.rectangle((80, 300, 880, 350), fill="#9aa5ad")
    canvas.rectangle((450, 260, 520, 390), fill="#b3742f" if mended else "#7b848b")
    if not mended:
        for _ in range(14):
            x, y = chance.randrange(420, 560), chance.randrange(400, 640)
            canvas.ellipse((x, y, x + 18, y + 28), fill="#4f8fc0")
        canvas.ellipse((330, 630, 650, 700), fill="#8fbad8")


def _road(canvas: Canvas, chance: random.Random, mended: bool) -> None:  # noqa: FBT001
    canvas.polygon([(380, 260), (580, 260), (960, 720), (0, 720)], fill="#777b80")
    for y in range(290, 720, 90):
        canvas.rectangle((472, y, 488, y + 45), fill="#e9e4d4")
    x = chance.randrange(330, 560)
    canvas.ellipse((x, 540, x + 190, 620), fill="#83868a" if mended else "#3c3a38")
    if not mended:
        canvas.ellipse((x + 30, 556, x + 150, 606), fill="#6f8ea3")


def _heap(canvas: Canvas, chance: random.Random, mended: bool) -> None:  # noqa: FBT001
    _house(canvas, chance, mended)
    if mended:
        return
    for _ in range(26):
        x, y = chance.randrange(480, 860), chance.randrange(470, 640)
        w, h = chance.randrange(30, 100), chance.randrange(24, 70)
        canvas.rectangle(
            (x, y, x + w, y + h),
            fill=chance.choice(("#8c6d46", "#5f6b52", "#9a4d3c", "#3f5a73", "#d0c7b4")),
        )


def _stairs(canvas: Canvas, chance: random.Random, mended: bool) -> None:  # noqa: FBT001
    canvas.rectangle((0, 0, *SIZE), fill=chance.choice(WALLS))
    for step in range(6):
        canvas.rectangle(
            (120 + step * 120, 600 - step * 70, 960, 720), fill=("#8f8a83", "#a39d95")[step % 2]
        )
    if mended:
        canvas.line((120, 500, 860, 70), fill="#2f5d62", width=18)
    else:
        canvas.ellipse((220, 520, 330, 630), outline="#333333", width=12)
        canvas.ellipse((400, 520, 510, 630), outline="#333333", width=12)
        canvas.line((275, 575, 340, 470, 455, 575, 430, 450), fill="#a3342c", width=14)


def _water(canvas: Canvas, chance: random.Random, mended: bool) -> None:  # noqa: FBT001
    canvas.rectangle((0, 380, *SIZE), fill="#7ea9a4" if mended else "#71806b")
    canvas.arc((180, 240, 780, 640), 180, 360, fill="#8d8577", width=40)
    if not mended:
        for _ in range(30):
            x, y = chance.randrange(40, 900), chance.randrange(420, 690)
            canvas.ellipse(
                (x, y, x + 34, y + 16), fill=chance.choice(("#f3f1ea", "#c94f3d", "#4a77a8"))
            )


_DRAWINGS: Final[Mapping[str, Callable[[Canvas, random.Random, bool], None]]] = {
    "street-light": _lamp,
    "doors": _house,
    "leak": _pipe,
    "gas": _pipe,
    "electricity": _pipe,
    "pothole": _road,
    "parking": _road,
    "rubbish": _heap,
    "clean-up": _heap,
    "ramp": _stairs,
    "fire-safety": _stairs,
    "stream": _water,
    "ditch": _water,
}
