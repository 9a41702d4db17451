"""Exponentials: cancellation against one, and hand-made sigmoids and softmaxes that overflow.

Softmax is unchanged when a number is added to all logits of a row; with the maximum subtracted every exponent is at
most zero (Blanchard, Higham, Higham: Accurately computing the log-sum-exp and softmax functions, 2021).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlean.fixes.definitions import resolved, uses
from torchlean.fixes.matching import Call, Matcher, is_number, negated
from torchlean.fixes.rewrite import Rewrite


def expm1(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`exp(x) - 1` and `1 - exp(x)`."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)):
        return
    torch, source = match.file.torch, match.source
    x = match.plain(node.left, "exp") if is_number(node.right, 1) else None
    if x is not None:
        yield Rewrite(node, f"{torch}.expm1({source(x)})", "Use expm1")
    x = match.plain(node.right, "exp") if is_number(node.left, 1) else None
    if x is not None:
        yield Rewrite(node, f"(-{torch}.expm1({source(x)}))", "Use expm1")


def one_minus_cosine(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`1 - cos(x)`, which is `2 * sin(x / 2) ** 2`."""
    other = match.complement(node) if isinstance(node, ast.BinOp) else None
    x = None if other is None else match.plain(other, "cos")
    if x is not None:
        halved = f"{match.file.torch}.sin({match.operand(x)} / 2)"
        yield Rewrite(node, f"(2 * {halved} ** 2)", "Use 2 sin² of half the angle")


def sigmoid(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`1 / (1 + exp(-x))` and `exp(x) / (1 + exp(x))`."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
        return
    exponential = match.one_plus(node.right)
    exponent = None if exponential is None else match.plain(exponential, "exp")
    if exponential is None or exponent is None:
        return
    x = exponent if match.same(node.left, exponential) else None
    if is_number(node.left, 1):
        x = negated(exponent)
    if x is not None:
        yield Rewrite(node, f"{match.file.torch}.sigmoid({match.source(x)})", "Use sigmoid")


def tanh(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`(exp(x) - exp(-x)) / (exp(x) + exp(-x))`."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
        return
    above, below = match.resolve(node.left), match.resolve(node.right)
    if not (isinstance(above, ast.BinOp) and isinstance(above.op, ast.Sub)):
        return
    if not (isinstance(below, ast.BinOp) and isinstance(below.op, ast.Add)):
        return
    x, other = match.plain(above.left, "exp"), match.plain(above.right, "exp")
    opposite = None if other is None else negated(other)
    again = [match.plain(part, "exp") for part in (below.left, below.right)]
    if x is None or opposite is None or other is None or not match.same(x, opposite):
        return
    if all(a is not None and match.same(a, b) for a, b in zip(again, (x, other), strict=True)):
        yield Rewrite(node, f"{match.file.torch}.tanh({match.source(x)})", "Use tanh")


def softmax(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`exp(x) / exp(x).sum(dim, keepdim=True)` in one expression."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
        return
    x, total = match.plain(node.left, "exp"), _row_sum(match, node.right)
    if x is None or total is None or not match.same(node.left, total.operand):
        return
    dim = total.argument(0, "dim", "axis")
    assert dim is not None
    source = match.source
    yield Rewrite(node, f"{match.file.functional}.softmax({source(x)}, dim={source(dim)})", "Use softmax")


def shifted_exponent(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`e = exp(x)` of which only `e / e.sum(dim, keepdim=True)` is used: subtract the maximum of the row."""
    x = match.plain(node, "exp")
    file = match.file
    statement = file.parents.get(node)
    if x is None or not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return
    target = statement.targets[0]
    if not isinstance(target, ast.Name):
        return
    dims = {_normalising_dim(match, use) for use in uses(file, target)}
    if len(dims) != 1 or None in dims:
        return
    tensor, term = match.operand(x), match.term(x)
    (dim,) = dims
    shifted = f"{file.torch}.exp({term} - {tensor}.amax(dim={dim}, keepdim=True))"
    yield Rewrite(node, shifted, "Subtract the maximum")


def _row_sum(match: Matcher, node: ast.expr) -> Call | None:
    """A sum over a dimension that is kept."""
    total = match.call(node, "sum")
    if total is None or set(total.keywords) - {"dim", "axis", "keepdim"}:
        return None
    keep = total.argument(1, "keepdim")
    kept = isinstance(keep, ast.Constant) and keep.value is True
    return total if kept and total.argument(0, "dim", "axis") is not None else None


def _normalising_dim(match: Matcher, use: ast.Name) -> str | None:
    """The dimension if the use is part of `e / e.sum(dim, keepdim=True)`, or of `e.diag() / e.sum(dim=1)`; None
    otherwise."""
    for around in match.file.enclosing(use):
        if isinstance(around, ast.BinOp) and isinstance(around.op, ast.Div):
            if _is_diagonal_share(match, around, use.id):
                return "1"
            total = _row_sum(match, around.right)
            if total is None or not isinstance(total.operand, ast.Name) or total.operand.id != use.id:
                return None
            if not (isinstance(around.left, ast.Name) and around.left.id == use.id):
                return None
            dim = total.argument(0, "dim", "axis")
            return None if dim is None else match.source(dim)
    return _dim_of_assigned_sum(match, use)


def _is_diagonal_share(match: Matcher, quotient: ast.BinOp, name: str) -> bool:
    """`e.diag() / e.sum(1)` of a matrix: each element of the diagonal by the sum of its own row."""
    diagonal, total = match.call(quotient.left, "diag", "diagonal"), match.call(quotient.right, "sum")
    if diagonal is None or total is None or not diagonal.plain:
        return False
    dim = total.argument(0, "dim", "axis")
    one = len(total.rest) + len(total.keywords) == 1 and dim is not None and is_number(dim, 1)
    return one and all(isinstance(x, ast.Name) and x.id == name for x in (diagonal.operand, total.operand))


def _dim_of_assigned_sum(match: Matcher, use: ast.Name) -> str | None:
    """The dimension if the use is in `total = e.sum(dim, keepdim=True)`, whose own uses divide `e`."""
    statement = match.file.statement(use)
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return None
    total = _row_sum(match, statement.value)
    if total is None or not isinstance(total.operand, ast.Name) or total.operand.id != use.id:
        return None
    for reading in uses(match.file, statement.targets[0]):
        around = match.file.parents.get(reading)
        divides = isinstance(around, ast.BinOp) and isinstance(around.op, ast.Div) and around.right is reading
        if not divides or resolved(match.file, reading) is not statement.value:
            return None
    dim = total.argument(0, "dim", "axis")
    return None if dim is None else match.source(dim)
