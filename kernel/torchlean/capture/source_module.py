"""One parsed file: its tree, the places of its nodes, and whether it is a user's or one of TorchLean's stubs."""

from __future__ import annotations

import ast

from torchlean.source import Span

LABEL_LENGTH = 60
"""Longer expressions are cut in the middle of messages: more does not fit on a hover's line."""

Corners = tuple[int, int, int, int]
"""A place in a file that is known: line, column, end line and end column of a `Span`."""


def corners_of(span: Span) -> Corners:
    """The same place without its file."""
    return span.line, span.column, span.end_line, span.end_column


class SourceModule:
    """A parsed file.

    Attributes:
        path: absolute path of the file.
        name: dotted name it was imported under, `__main__` for the analysed file.
        internal: a stub of TorchLean: its places are never shown.
        package: the dotted name that relative imports start from.
        analysed: the file that is being analysed; only its places are observed.
        doubtful: names that a part of the file may define that could not be parsed.
    """

    def __init__(
        self,
        path: str,
        text: str,
        tree: ast.Module,
        *,
        name: str = "__main__",
        package: str = "",
        internal: bool = False,
        analysed: bool = False,
    ) -> None:
        self.path = path
        self.text = text
        self.tree = tree
        self.name = name
        self.package = package
        self.internal = internal
        self.analysed = analysed
        self.doubtful: frozenset[str] = frozenset()
        self._ascii = text.isascii()
        self._lines: list[str] | None = None
        self._spans: dict[ast.AST, Span] = {}
        self._labels: dict[ast.AST, str] = {}

    @property
    def lines(self) -> list[str]:
        """The lines as Python counts them (form feeds and Unicode separators do not end one)."""
        if self._lines is None:
            self._lines = self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return self._lines

    def span(self, node: ast.AST) -> Span:
        """The place of an expression or statement."""
        span = self._spans.get(node)
        if span is None:
            span = self._spans[node] = Span(self.path, *self.corners(node))
        return span

    def name_span(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Span:
        """The place of the name in a `class` or `def` line."""
        line = node.lineno - 1
        text = self.lines[line] if line < len(self.lines) else ""
        start = self._column(line, node.col_offset)
        keyword = "class" if isinstance(node, ast.ClassDef) else "def"
        found = text.find(node.name, text.find(keyword, start) + len(keyword))
        if found < 0:
            return Span(self.path, line, start, line, len(text))
        return Span(self.path, line, found, line, found + len(node.name))

    def label(self, node: ast.AST) -> str:
        """The source text of a node on one line, shortened."""
        label = self._labels.get(node)
        if label is None:
            label = self._labels[node] = shorten(" ".join(self._text(self.span(node)).split()))
        return label

    def corners(self, node: ast.AST) -> Corners:
        """The place of an expression or statement, for who looks at many and keeps few."""
        line = getattr(node, "lineno", 1) - 1
        end_line = (getattr(node, "end_lineno", None) or line + 1) - 1
        column, end_column = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", None) or 0
        if not self._ascii:
            column, end_column = self._column(line, column), self._column(end_line, end_column)
        return line, column, end_line, end_column

    def _column(self, line: int, offset: int) -> int:
        """`ast` counts bytes of UTF-8; spans count code points."""
        if self._ascii or line >= len(self.lines):
            return offset
        return len(self.lines[line].encode()[:offset].decode(errors="ignore"))

    def _text(self, span: Span) -> str:
        lines = self.lines[span.line : span.end_line + 1]
        if not lines:
            return ""
        lines[-1] = lines[-1][: span.end_column]
        lines[0] = lines[0][span.column :]
        return "\n".join(lines)


def shorten(text: str) -> str:
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"
