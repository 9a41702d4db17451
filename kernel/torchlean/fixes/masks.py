"""A selection's mask, put before the function as well: the derivative of what is selected away is then a number."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from torchlean.fixes.matching import Matcher
from torchlean.fixes.rewrite import Rewrite

STAND_INS = {"acos": "0.0", "asin": "0.0", "exp": "0.0", "exp2": "0.0", "expm1": "0.0"}
"""What an argument is replaced by where it is not used."""

STAND_IN = "1.0"
"""For roots, logarithms, powers and divisors."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A `where` or `masked_fill` around an expression, which is used where the condition holds, or where not."""

    condition: ast.expr
    holds: bool


def mask_before(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`where(mask, sqrt(x), 0)`: `where(mask, sqrt(where(mask, x, 1)), 0)`."""
    found = _argument(match, node)
    selection = _around(match, node)
    if found is None or selection is None:
        return
    argument, stand_in = found
    condition, x = match.source(selection.condition), match.source(argument)
    chosen = f"{x}, {stand_in}" if selection.holds else f"{stand_in}, {x}"
    text = f"{match.file.torch}.where({condition}, {chosen})"
    yield Rewrite(argument, text, f"Replace masked arguments by {stand_in} as well")


def _argument(match: Matcher, node: ast.expr) -> tuple[ast.expr, str] | None:
    """What the function is applied to, and its stand-in. A name is not followed: it may be used elsewhere."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Div):
            return node.right, STAND_IN
        return (node.left, STAND_IN) if isinstance(node.op, ast.Pow) else None
    call = match.call(node, *FUNCTIONS) if isinstance(node, ast.Call) else None
    if call is None:
        return None
    if call.name in ("div", "divide", "true_divide"):
        return (call.rest[0], STAND_IN) if call.rest else None
    return call.operand, STAND_INS.get(call.name, STAND_IN)


FUNCTIONS = (
    *("acos", "asin", "div", "divide", "exp", "exp2", "expm1", "log", "log10", "log2", "pow", "reciprocal"),
    *("rsqrt", "sqrt", "true_divide"),
)


def _around(match: Matcher, node: ast.expr) -> Selection | None:
    """The innermost selection that the expression is an alternative of."""
    inner = node
    for outer in match.file.enclosing(node):
        call = match.call(outer, "where", "masked_fill") if isinstance(outer, ast.Call) else None
        if call is not None and call.name == "masked_fill" and inner in (call.operand, call.node.func):
            mask = call.argument(0, "mask")
            return None if mask is None else Selection(mask, holds=False)
        if call is not None and call.name == "where":
            selection = _of_where(match, outer, inner)
            if selection is not None:
                return selection
        inner = outer
    return None


def _of_where(match: Matcher, where: ast.expr, inner: ast.expr) -> Selection | None:
    """`torch.where(condition, chosen, other)` and `chosen.where(condition, other)`."""
    assert isinstance(where, ast.Call)
    if where.keywords or len(where.args) not in (2, 3):
        return None
    if len(where.args) == 3:
        condition, chosen, other = where.args
        return Selection(condition, inner is chosen) if inner in (chosen, other) else None
    condition, other = where.args
    return Selection(condition, inner is where.func) if inner in (where.func, other) else None
