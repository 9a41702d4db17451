"""Whether a program asks how many elements a mask selects, before it takes their mean.

`x[mask].mean()` is NaN where the mask is false everywhere. Who thought of it writes `if mask.any():`, or leaves early
where `mask.sum() == 0`. Any such question in the function counts, wherever it stands: what is meant here is code that
never asks.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlean.hazards.syntax import walked

COUNTING = frozenset(
    {"any", "count_nonzero", "isnan", "len", "ndim", "nelement", "nonzero", "numel", "shape", "size", "sum"}
)
"""Functions, methods and attributes that tell how many there are, or whether the mean became NaN."""

ROUNDS = 4
"""Names that stand for one another, one after the other: the mask, its number, that number as an integer."""


class Selections:
    """The selections of one file; each is looked at once."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._functions = walked(tree).of(ast.FunctionDef, ast.AsyncFunctionDef)
        self._known: dict[ast.Subscript, bool] = {}

    def asked(self, selection: ast.Subscript) -> bool:
        """Whether the function around `x[mask]` has a condition on how much is selected."""
        if selection not in self._known:
            self._known[selection] = _asks(self._scope(selection), selection)
        return self._known[selection]

    def _scope(self, node: ast.Subscript) -> ast.AST:
        """The innermost function around the node, or the module."""
        scope: ast.AST = self._tree
        for function in self._functions:  # from the outside inwards, as `ast.walk` goes
            if function.lineno <= node.lineno <= (function.end_lineno or function.lineno):
                scope = function
        return scope


def _asks(scope: ast.AST, selection: ast.Subscript) -> bool:
    about = _names(selection.slice) | _targets_of(scope, selection)
    for _ in range(ROUNDS):
        about |= {name for names, value in _assignments(scope) if _counts(value, about) for name in names}
    return any(_counts(test, about) or _compares_count(test, about) for test in _conditions(scope))


def _targets_of(scope: ast.AST, selection: ast.Subscript) -> set[str]:
    """The names that are given what is selected."""
    return {name for names, value in _assignments(scope) if value is selection for name in names}


def _assignments(scope: ast.AST) -> Iterator[tuple[set[str], ast.expr]]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            yield {name for target in node.targets for name in _names(target)}, node.value


def _conditions(scope: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(scope):
        if isinstance(node, (ast.If, ast.IfExp, ast.While, ast.Assert)):
            yield node.test
        elif isinstance(node, ast.comprehension):
            yield from node.ifs


def _counts(expression: ast.expr, about: set[str]) -> bool:
    """Whether it counts something of what these names stand for."""
    words = {node.attr for node in ast.walk(expression) if isinstance(node, ast.Attribute)}
    return bool((words | _names(expression)) & COUNTING and _names(expression) & about)


def _compares_count(test: ast.expr, about: set[str]) -> bool:
    """`if n > 0:`, `if not n:` for a number that was counted before."""
    if isinstance(test, ast.BoolOp):
        return any(_compares_count(part, about) for part in test.values)
    if isinstance(test, ast.UnaryOp):
        return _compares_count(test.operand, about)
    left = test.left if isinstance(test, ast.Compare) else test
    return isinstance(left, ast.Name) and left.id in about


def is_standardisation(node: ast.AST) -> bool:
    """`(x - x.mean()) / x.std()`: numbers that this is done to have a deviation, of whatever kind they are."""
    if not (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.left, ast.BinOp)
    ):
        return False
    difference, deviation = node.left, node.right
    if not (isinstance(difference.op, ast.Sub) and isinstance(deviation, ast.Call)):
        return False
    x, function = ast.dump(difference.left), deviation.func
    return _is_of(x, "std", function) and (
        isinstance(difference.right, ast.Call) and _is_of(x, "mean", difference.right.func)
    )


def _is_of(x: str, method: str, function: ast.expr) -> bool:
    """Whether a function is this method of `x`."""
    return isinstance(function, ast.Attribute) and function.attr == method and ast.dump(function.value) == x


def _names(expression: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
