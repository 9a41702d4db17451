"""How often a statement adds to the same sum: `total += x` in `for step in range(20_000_000)`.

Capture follows a long loop once, for any of its iterations; the graph does not know how many there are. The text does,
where the numbers of the ranges around a statement stand in it.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping

from torchlean.hazards.syntax import Syntax, walked

Loop = (ast.For, ast.AsyncFor, ast.While)

OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}

LARGEST_POWER = 64.0
"""Exponents that are followed; more iterations than ten to this power are not meant."""


def additions(tree: ast.Module) -> Iterator[tuple[ast.AST, float]]:
    """Sums `x += y` and `x = x + y` of a name or an attribute with how often they are executed at least, if repeatedly.

    A loop counts as far as the name is changed by this statement alone in it: what is set anew, or decays, does not
    grow with the iterations.
    """
    numbers = module_numbers(tree)
    syntax = walked(tree)
    for node in syntax.of(ast.AugAssign, ast.Assign):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            name = _dotted(node.target)
            if name is not None:
                yield from _counted(node, node, name, syntax, numbers)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            name, value = _dotted(node.targets[0]), node.value
            if name is None or not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add)):
                continue
            if _dotted(value.left) == name:
                yield from _counted(node, value, name, syntax, numbers)


def _dotted(node: ast.AST) -> str | None:
    """`total`, or `self.total`; None for all other expressions."""
    if isinstance(node, ast.Name):
        return node.id
    if not isinstance(node, ast.Attribute):
        return None
    owner = _dotted(node.value)
    return None if owner is None else f"{owner}.{node.attr}"


def _counted(
    statement: ast.stmt,
    place: ast.AST,
    name: str,
    syntax: Syntax,
    numbers: Mapping[str, float],
) -> Iterator[tuple[ast.AST, float]]:
    count, here = 1.0, syntax.parents.get(statement)
    while here is not None and not isinstance(
        here, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
    ):
        if isinstance(here, Loop):
            if any(_changes(inner, name) for inner in ast.walk(here) if inner is not statement):
                break
            count *= _length(here, numbers)
        here = syntax.parents.get(here)
    if count > 1:
        yield place, count


def _changes(node: ast.AST, name: str) -> bool:
    """Whether a statement or a call sets the name anew, or changes it in place."""
    if isinstance(node, ast.Assign):
        return any(_dotted(part) == name for target in node.targets for part in ast.walk(target))
    if isinstance(node, ast.AugAssign):
        return _dotted(node.target) == name
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr.endswith("_") and _dotted(node.func.value) == name
    return False


def _length(loop: ast.AST, numbers: Mapping[str, float]) -> float:
    """The iterations of `for i in range(n)`, or 1 where they are not known."""
    if not isinstance(loop, ast.For) or not isinstance(loop.iter, ast.Call):
        return 1.0
    called = loop.iter
    if not (isinstance(called.func, ast.Name) and called.func.id in ("range", "trange")):
        return 1.0
    values = [number_of(argument, numbers) for argument in called.args]
    if not values or any(value is None for value in values):
        return 1.0
    start, stop, step = ([0.0, *values, 1.0] if len(values) == 1 else [*values, 1.0])[:3]
    assert start is not None and stop is not None and step is not None
    return max(1.0, math.ceil((stop - start) / step)) if step else 1.0


def module_numbers(tree: ast.Module) -> dict[str, float]:
    """Names that the file gives one number, once: `EPS = 1e-12`."""
    found: dict[str, float] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], number_of(statement.value, found)
            if isinstance(target, ast.Name) and value is not None:
                found[target.id] = value
    return found


def number_of(node: ast.expr, names: Mapping[str, float]) -> float | None:
    """The value of a number, a name of one, and what is computed of them: `int(1e7)`, `10 ** 7`, `EPOCHS * 1000`."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)  # type: ignore[arg-type] # a number, as just tested
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "int" and node.args:
        value = number_of(node.args[0], names)
        return None if value is None or not math.isfinite(value) else float(int(value))
    if not isinstance(node, ast.BinOp):
        return None
    left, right = number_of(node.left, names), number_of(node.right, names)
    if left is None or right is None:
        return None
    if isinstance(node.op, ast.Pow):
        return left**right if 1 <= left <= 10 and 0 <= right <= LARGEST_POWER else None
    operation = OPERATIONS.get(type(node.op))
    return (
        operation(left, right)
        if operation is not None and (right or operation is not operator.floordiv)
        else None
    )
