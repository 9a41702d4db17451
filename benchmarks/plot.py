"""Log-log line plots as small SVG files, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 34, 46

STROKES = (("#0072b2", ""), ("#d55e00", "6 3"), ("#009e73", "2 3"), ("#cc79a7", "8 3 2 3"))
"""Colours that people with any colour vision tell apart (Okabe and Ito 2008), and dashes for print."""


@dataclass(frozen=True, slots=True)
class Line:
    """A named series of points, all coordinates above zero."""

    name: str
    points: Sequence[tuple[float, float]]


def loglog(title: str, x_name: str, y_name: str, lines: Sequence[Line]) -> str:
    """The plot as SVG text."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    across = _Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT)
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    up = _Axis(10.0**low, 10.0 ** max(high, low + 1), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="11" role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="18" font-size="13" font-weight="bold">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_name)}</text>',
        f'<text transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_name)}</text>",
    ]
    for x in sorted(set(xs)):
        place = across.place(x)
        parts.append(f'<path d="M{place:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e0e0e0"/>')
        parts.append(f'<text x="{place:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{x:g}</text>')
    for power in range(round(math.log10(up.low)), round(math.log10(up.high)) + 1):
        place = up.place(10.0**power)
        parts.append(f'<path d="M{LEFT} {place:.1f}H{WIDTH - RIGHT}" stroke="#e0e0e0"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{place + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for line, (colour, dash) in zip(lines, STROKES, strict=False):
        path = " ".join(
            f"{'M' if i == 0 else 'L'}{across.place(x):.1f} {up.place(y):.1f}"
            for i, (x, y) in enumerate(line.points)
        )
        parts.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        x, y = line.points[-1]
        parts.append(
            f'<text x="{across.place(x) + 6:.1f}" y="{up.place(y) + 4:.1f}" fill="{colour}">{escape(line.name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis from `low` to `high`, drawn from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)
