"""A page of monospaced text with marks as SVG: runs of styled text, chips behind them, frames and wavy underlines.

Written out by hand, since every run of text must stand at its own column whatever font a reader's machine has
(`textLength`), and a picture in a page may load nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.style import Style
from rich.text import Text

PAGE, RAISED, FRAME = "#1e2030", "#2a2e45", "#545b85"
INK, FAINT = "#cad3f5", "#8b92b3"

COLUMN, LINE = 9.0, 24.0
"""Pixels of a character and a row."""

MARGIN, BAR = 20.0, 40.0
"""Pixels around the text, and of the bar with the title."""

_PAGE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">
<title>{description}</title>
<style>
  text {{ font: 15px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
  .title {{ font: 14px system-ui, "DejaVu Sans", sans-serif; }}
</style>
<rect x="0.5" y="0.5" width="{inner_width:g}" height="{inner_height:g}" rx="10" fill="{page}" stroke="{frame}"/>
<circle cx="24" cy="22" r="6" fill="#ed8796"/>
<circle cx="44" cy="22" r="6" fill="#eed49f"/>
<circle cx="64" cy="22" r="6" fill="#a6da95"/>
<text class="title" x="{middle:g}" y="27" text-anchor="middle" fill="{faint}">{title}</text>
{marks}
{words}
</svg>
"""


@dataclass
class Drawing:
    """Rows of text with what is drawn around them. Rows and columns count from 0.

    Attributes:
        frames: (top, bottom, first column, last column) with a raised ground behind the text, in rows from the top.
        chips: (row, first column, last column, colour) of a ground behind words.
        waves: (row, first column, last column, colour) underlined as editors underline problems.
    """

    rows: list[Text] = field(default_factory=list)
    frames: list[tuple[float, float, int, int]] = field(default_factory=list)
    chips: list[tuple[int, int, int, str]] = field(default_factory=list)
    waves: list[tuple[int, int, int, str]] = field(default_factory=list)

    def svg(self, columns: int, title: str, description: str) -> str:
        """The drawing, `columns` characters wide."""
        width, height = columns * COLUMN + 2 * MARGIN, len(self.rows) * LINE + BAR + MARGIN
        marks = [*map(_frame, self.frames), *(_chip(*chip) for chip in self.chips)]
        marks += [_wave(*wave) for wave in self.waves]
        words: list[str] = []
        for number, row in enumerate(self.rows):
            for column, text, style in _runs(row):
                if text.strip():
                    words.append(_word(number, column, text, style))
        return _PAGE.format(
            width=width, height=height, inner_width=width - 1, inner_height=height - 1, middle=width / 2,
            page=PAGE, frame=FRAME, faint=FAINT, title=html.escape(title), description=html.escape(description),
            marks="\n".join(marks), words="\n".join(words),
        )  # fmt: skip


def text_of(svg: str) -> list[str]:
    """What is written in a drawing, row by row, each run of text at its column."""
    rows: dict[int, str] = {}
    for x, y, escaped in re.findall(r'<text x="([\d.]+)" y="([\d.]+)" textLength[^>]*>([^<]*)</text>', svg):
        row, column = int((float(y) - BAR) // LINE), round((float(x) - MARGIN) / COLUMN)
        rows[row] = rows.get(row, "").ljust(column) + html.unescape(escaped).replace("\xa0", " ")
    return [rows.get(row, "") for row in range(max(rows) + 1)]


def _runs(row: Text) -> Iterator[tuple[int, str, Style]]:
    """(column, text, style) of each piece of one style."""
    column = 0
    # A style of the whole row counts only as part of another text.
    for text, style, _ in (Text() + row).render(Console(color_system="truecolor")):
        text = text.rstrip("\n")
        yield column, text, style or Style.null()
        column += len(text)


def _word(row: int, column: int, text: str, style: Style) -> str:
    stripped = text.strip()
    x = MARGIN + (column + len(text) - len(text.lstrip())) * COLUMN
    y = BAR + row * LINE + 0.7 * LINE
    look = f'fill="{style.color.get_truecolor().hex if style.color else INK}"'
    look += ' font-weight="bold"' if style.bold else ""
    look += ' font-style="italic"' if style.italic else ""
    escaped = html.escape(stripped, quote=False).replace(" ", "&#160;")
    return f'<text x="{x:g}" y="{y:g}" textLength="{len(stripped) * COLUMN:g}" {look}>{escaped}</text>'


def _chip(row: int, first: int, last: int, color: str) -> str:
    x, y, width = MARGIN + first * COLUMN, BAR + row * LINE + 2, (last - first) * COLUMN
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{LINE - 4:g}" rx="4" fill="{color}"/>'


def _frame(frame: tuple[float, float, int, int]) -> str:
    top, bottom, left, right = frame
    x, y = MARGIN + left * COLUMN, BAR + top * LINE
    width, height = (right - left) * COLUMN, (bottom - top) * LINE
    size = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {size} rx="6" fill="{RAISED}" stroke="{FRAME}"/>'


def _wave(row: int, first: int, last: int, color: str) -> str:
    x, y = MARGIN + first * COLUMN, BAR + row * LINE + 0.88 * LINE
    waves = "q 1.5 -3 3 0 t 3 0 " * round((last - first) * COLUMN / 6)
    return f'<path d="M {x:g} {y:g} {waves.strip()}" fill="none" stroke="{color}" stroke-width="1.3"/>'
