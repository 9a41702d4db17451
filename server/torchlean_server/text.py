"""The text of a document with its lines: offsets and (line, column) positions, both in Unicode code points.

Lines end with `\\n`, `\\r\\n` or `\\r` and nothing else, as in LSP and in Python's own tokenizer. (`str.splitlines`
also breaks at form feeds and U+2028, which would shift every position behind them.)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from torchlean.source import Span

_LINE_END = re.compile(r"\r\n|\n|\r")


class Text:
    """An immutable text."""

    def __init__(self, string: str) -> None:
        self.string = string

    @cached_property
    def starts(self) -> list[int]:
        """Offset of the first character of every line; there is always at least one line."""
        return [0, *(match.end() for match in _LINE_END.finditer(self.string))]

    def line(self, number: int) -> str:
        """A line without its end; empty beyond the last."""
        if not 0 <= number < len(self.starts):
            return ""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.string)
        return self.string[self.starts[number] : end].rstrip("\r\n")

    def offset(self, line: int, column: int) -> int:
        """The offset of a position. Columns behind a line's end mean its end, lines behind the last the text's end."""
        if line >= len(self.starts):
            return len(self.string)
        return self.starts[line] + min(column, len(self.line(line)))

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset."""
        line = bisect_right(self.starts, offset) - 1
        return line, offset - self.starts[line]

    def span(self, path: str, start: int, end: int) -> Span:
        """The span between two offsets."""
        return Span(path, *self.position(start), *self.position(end))

    def offsets(self, span: Span) -> tuple[int, int]:
        """The offsets of a span's ends."""
        return self.offset(span.line, span.column), self.offset(span.end_line, span.end_column)
