"""A source file as rewriting needs it: its tree with parents, exact places, how torch is spelled.

Trees give columns in UTF-8 bytes; spans count code points. New text is made of slices of the old, so that comments,
line breaks and spelling inside an operand survive.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property

from torchlean.capture.parsing import syntax_tree
from torchlean.edits import Edit, line_starts
from torchlean.hazards.written import imported
from torchlean.source import Span

FUNCTIONAL = "torch.nn.functional"

TORCH_PREFIXES = (f"{FUNCTIONAL}.", "torch.special.", "torch.linalg.", "torch.")
"""Where torch keeps its functions; the longest first."""


_REST_OF_LINE = re.compile(r"[ \t]*(#[^\r\n]*)?(?=[\r\n]|$)")
"""White space and a comment up to the end of a line."""


class SourceFile:
    """One text.

    Raises:
        SyntaxError: the text is no Python: there is nothing to rewrite safely.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.tree = syntax_tree(text)
        self.parents = {
            child: parent for parent in ast.walk(self.tree) for child in ast.iter_child_nodes(parent)
        }
        self._starts = line_starts(text)

    # Places

    def offsets(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where the node's text begins and ends, in code points."""
        assert node.end_lineno is not None and node.end_col_offset is not None  # parsed from text
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        row = self.text[start:end]
        if row.isascii():
            return start + column
        return start + len(row.encode("utf-8")[:column].decode("utf-8"))

    def span(self, start: int, end: int) -> Span:
        """The span between two offsets."""
        return Span(self.path, *self._position(start), *self._position(end))

    def _position(self, offset: int) -> tuple[int, int]:
        line = max(i for i, start in enumerate(self._starts) if start <= offset)
        return line, offset - self._starts[line]

    def place(self, node: ast.expr | ast.stmt) -> Span:
        return self.span(*self.offsets(node))

    def edit(self, node: ast.expr, text: str) -> Edit:
        return Edit(self.span(*self.offsets(node)), text)

    def source(self, node: ast.expr) -> str:
        """The text of an expression, as it may stand between commas."""
        start, end = self.offsets(node)
        text = self.text[start:end]
        if isinstance(node, ast.Tuple | ast.NamedExpr | ast.GeneratorExp | ast.Starred):
            return text if text.startswith("(") else f"({text})"
        return text

    def operand(self, node: ast.expr) -> str:
        """The text of an expression, as an attribute or an operator with higher precedence may follow or precede it."""
        text = self.source(node)
        simple = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        return text if simple else f"({text})"

    def term(self, node: ast.expr) -> str:
        """The text of an expression, as `+` or `-` may follow it."""
        sums = ast.Add | ast.Sub | ast.Mult | ast.Div | ast.FloorDiv | ast.Mod | ast.Pow | ast.MatMult
        if isinstance(node, ast.BinOp) and isinstance(node.op, sums):
            return self.source(node)
        return self.operand(node)

    def at(self, span: Span) -> ast.expr | None:
        """The outermost expression that is exactly at the span, else the innermost around it."""
        start = self._starts[span.line] + span.column
        end = self._starts[span.end_line] + span.end_column
        best: tuple[int, ast.expr] | None = None
        for node in ast.walk(self.tree):  # parents come before their children
            if not isinstance(node, ast.expr):
                continue
            low, high = self.offsets(node)
            if low <= start and end <= high and (best is None or high - low < best[0]):
                best = (high - low, node)
        return None if best is None else best[1]

    def enclosing(self, node: ast.AST) -> Iterator[ast.expr]:
        """The expressions around a node inside its statement, innermost first, without the node."""
        parent = self.parents.get(node)
        while parent is not None and not isinstance(parent, ast.stmt | ast.Lambda):
            if isinstance(parent, ast.expr):
                yield parent
            parent = self.parents.get(parent)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that holds a node."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    # Names of torch

    @cached_property
    def _modules(self) -> dict[str, str]:
        """What the file's imports bind: local name -> dotted path."""
        return imported(self.tree)

    @cached_property
    def _assigned(self) -> set[str]:
        """Every name that is bound anywhere other than by an import."""
        names = {
            n.id for n in ast.walk(self.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        names |= {n.arg for n in ast.walk(self.tree) if isinstance(n, ast.arg)}
        kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
        return names | {n.name for n in ast.walk(self.tree) if isinstance(n, kinds)}

    def path_of(self, node: ast.expr) -> str | None:
        """The dotted path that a name or attribute means by the imports: `F.softmax` is
        `torch.nn.functional.softmax`."""
        if isinstance(node, ast.Name):
            return None if node.id in self._assigned else self._modules.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self.path_of(node.value)
            return None if base is None else f"{base}.{node.attr}"
        return None

    def torch_name(self, node: ast.expr) -> str | None:
        """`softmax` for `torch.softmax`, `F.softmax` and the like; None for everything that is not of torch."""
        path = self.path_of(node)
        if path is None:
            return None
        return next((path[len(p) :] for p in TORCH_PREFIXES if path.startswith(p)), None)

    def _bound_to(self, path: str) -> str | None:
        """The name by which the file reaches a module."""
        names = [
            name for name, bound in self._modules.items() if bound == path and name not in self._assigned
        ]
        return names[0] if names else None

    @cached_property
    def torch(self) -> str:
        """How `torch` is to be written."""
        return self._bound_to("torch") or "torch"

    @cached_property
    def functional(self) -> str:
        """How `torch.nn.functional` is to be written: as the file does, else `F` where that name is free."""
        known = self._bound_to(FUNCTIONAL)
        if known is not None:
            return known
        free = "F" not in self._assigned and "F" not in self._modules
        return "F" if free else f"{self.torch}.nn.functional"

    def imports(self, text: str) -> list[Edit]:
        """The import statements that new text needs and the file lacks, as insertions behind its first imports."""
        used = {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}
        lines = []
        if self.torch in used and self._bound_to("torch") is None:
            lines.append("import torch")
        if self.functional in used and self._bound_to(FUNCTIONAL) is None:
            lines.append(f"import {FUNCTIONAL} as {self.functional}")
        if not lines:
            return []
        after, place = self._import_place()
        ending = "\r\n" if "\r\n" in self.text else "\n"
        block = ending.join(lines)
        new = f"{ending}{block}" if after else f"{block}{ending}"
        return [Edit(self.span(place, place), new)]

    def _import_place(self) -> tuple[bool, int]:
        """(whether behind something, offset): behind the line of the first import of torch, else of the last import,
        else of the docstring; else at the very beginning. Lines that hold more than that are passed over."""
        body = self.tree.body
        found = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        of_torch = [node for node in found if "torch" in ast.unparse(node)]
        docstring = body[:1] if ast.get_docstring(self.tree) is not None else []
        for node in (*of_torch[:1], *reversed(found), *docstring):
            rest = _REST_OF_LINE.match(self.text, self.offsets(node)[1])
            if rest is not None:
                return True, rest.end()
        return False, 0
