"""`python -m bench.draw`: draws what each page costs against how many requests there are.

Reads bench/results/latest.json, writes docs/pictures/cost-by-size.svg.
"""

import json
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from tracker.config import ROOT

SOURCE: Final = ROOT / "bench" / "results" / "latest.json"
TARGET: Final = ROOT / "docs" / "pictures" / "cost-by-size.svg"
WIDTH, HEIGHT, MARGIN, LEGEND = 470, 420, 56, 210
COLOURS: Final = (
    *("#1b6b5a", "#b3541e", "#3d5a98", "#8a3b6b", "#6b7a1b", "#1b7f9c", "#a03030"),
    *("#5b4b9c", "#94762b", "#3f8f4f", "#c2527a", "#444444", "#2f6f8f"),
)


def main() -> int:
    """Draw; return the exit code."""
    pages = json.loads(SOURCE.read_text())
    kinds = sorted({each["database"] for each in pages})
    highest = max(each["times_floor"] for each in pages)
    panels = [
        _panel(kind, [each for each in pages if each["database"] == kind], number, highest)
        for number, kind in enumerate(kinds)
    ]
    names = [each["page"] for each in pages if each["page"] != "floor"]
    width = len(kinds) * WIDTH + LEGEND
    TARGET.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}"'
        f' viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" font-size="12">'
        "<title>What a page costs, by how many requests there are</title>"
        "<desc>Median answer in multiples of the bare page of the same run; both axes are"
        " logarithmic. Flat lines do not grow with the data.</desc>"
        f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>'
        + "".join(panels)
        + _legend(list(dict.fromkeys(names)), len(kinds) * WIDTH)
        + "</svg>\n"
    )
    print(TARGET.relative_to(ROOT))
    return 0


def _panel(kind: str, pages: Sequence[Mapping[str, Any]], number: int, highest: float) -> str:
    left, right = number * WIDTH + MARGIN, (number + 1) * WIDTH - 20
    top, bottom = 40, HEIGHT - 50

    def across(rows: int) -> float:
        return left + (math.log10(max(rows, 1_000)) - 3) / 3.01 * (right - left)

    def up(times: float) -> float:
        return bottom - math.log10(max(times, 1)) / math.log10(highest * 1.3) * (bottom - top)

    parts = [f'<text x="{left}" y="22" font-weight="bold">{escape(kind)}</text>']
    for exponent in range(3, 7):
        x = across(10**exponent)
        parts.append(
            f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{top}" y2="{bottom}" stroke="#ddd"/>'
            f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle">{10**exponent:,}</text>'
        )
    for times in (1, 3, 10, 30, 100):
        if times < highest * 1.3:
            y = up(times)
            parts.append(
                f'<line x1="{left}" x2="{right}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>'
                f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{times} ×</text>'
            )
    lines: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for each in pages:
        if each["page"] != "floor":
            lines[each["page"]].append((each["rows"], each["times_floor"]))
    for place, points in enumerate(lines.values()):
        path = " ".join(f"{across(rows):.1f},{up(times):.1f}" for rows, times in sorted(points))
        colour = COLOURS[place % len(COLOURS)]
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return "".join(parts)


def _legend(names: Sequence[str], left: int) -> str:
    return "".join(
        f'<rect x="{left}" y="{40 + place * 22}" width="14" height="4"'
        f' fill="{COLOURS[place % len(COLOURS)]}"/>'
        f'<text x="{left + 22}" y="{47 + place * 22}">{escape(name)}</text>'
        for place, name in enumerate(names)
    )


if __name__ == "__main__":
    sys.exit(main())
