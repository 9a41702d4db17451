"""Places in source files, as plain data that every layer may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of a file. Lines and columns are zero-based; columns count Unicode code points.

    Only the server's `convert` module knows about UTF-16 or UTF-8 columns, and only the printers know about lines
    that start at one.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def contains(self, line: int, column: int) -> bool:
        return (self.line, self.column) <= (line, column) <= (self.end_line, self.end_column)

    def __str__(self) -> str:
        return f"{self.path}:{self.line + 1}:{self.column + 1}"
