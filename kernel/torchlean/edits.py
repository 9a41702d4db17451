"""Changes of a source file as plain data: what a quick fix proposes, for whoever shows and applies it.

An edit touches exactly its span; everything else of the file stays as it is, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from torchlean.source import Span

_LINE_END = re.compile(r"\r\n|\n|\r")
"""Where lines end in Python and in LSP (and not where `str.splitlines` also breaks: form feeds and the like)."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace what stands at `span` by `text`. An empty span inserts."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A proposal that was analysed before it is shown.

    Attributes:
        title: one line for people: what is done, and the bound of the new expression.
        code, span: of the diagnostic that goes away.
        edits: they do not overlap; together they are the fix.
    """

    title: str
    code: str
    span: Span
    edits: tuple[Edit, ...]


def line_starts(text: str) -> list[int]:
    """Offset of the first character of every line."""
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made.

    Raises:
        ValueError: two edits overlap.
    """
    starts = line_starts(text)
    places = sorted(
        (starts[e.span.line] + e.span.column, starts[e.span.end_line] + e.span.end_column, e.text)
        for e in edits
    )
    parts: list[str] = []
    reached = 0
    for start, end, new in places:
        if start < reached:
            raise ValueError(f"edits overlap at offset {start}")
        parts += [text[reached:start], new]
        reached = end
    return "".join([*parts, text[reached:]])
