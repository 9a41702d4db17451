"""Logarithms whose argument is a formula: each pair has a function that never forms the dangerous intermediate value.

Identities (exact arithmetic): log softmax(x) = x - logsumexp(x); log sigmoid(x) = -softplus(-x) and
1 - sigmoid(x) = sigmoid(-x); log(1 + x) = log1p(x); log((1 + x) / (1 - x)) = 2 atanh(x).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlean.fixes.matching import Matcher, is_number
from torchlean.fixes.rewrite import Rewrite

SELECTING = (
    "gather",
    "squeeze",
    "unsqueeze",
    "view",
    "reshape",
    "flatten",
    "t",
    "transpose",
    "permute",
    "index_select",
)
"""Methods that only move elements: a logarithm may be taken before or after."""


def log_of_softmax(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`log(softmax(x))`, also with the elements chosen in between: `log(softmax(x)[i])`."""
    call = match.call(node, "log")
    if call is None or not call.plain:
        return
    base, suffix = _chosen(match, match.without_epsilon(call.operand))
    logits = log_softmax_text(match, base)
    if logits is not None:
        yield Rewrite(node, logits + suffix, "Use log_softmax")


def log_softmax_text(match: Matcher, node: ast.expr) -> str | None:
    """The logarithm of a softmax call as text."""
    call = match.call(node, "softmax")
    if call is None or set(call.keywords) - {"dim"} or len(call.rest) > 1:
        return None
    dim = call.argument(0, "dim")
    if dim is None:
        return None
    source = match.source
    return f"{match.file.functional}.log_softmax({source(call.operand)}, dim={source(dim)})"


def _chosen(match: Matcher, node: ast.expr) -> tuple[ast.expr, str]:
    """The tensor of which elements are chosen, and the text that chooses."""
    suffix = ""
    while True:
        node = match.resolve(node)
        inner: ast.expr
        if isinstance(node, ast.Subscript):
            inner = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in SELECTING
        ):
            inner = node.func.value
        else:
            return node, suffix
        suffix = match.behind(node, inner) + suffix
        node = inner


def log_of_sigmoid(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`log(sigmoid(x))` and `log(1 - sigmoid(x))`."""
    call = match.call(node, "log")
    if call is None or not call.plain:
        return
    inside = match.without_epsilon(call.operand)
    functional = match.file.functional
    logit = match.plain(inside, "sigmoid")
    if logit is not None:
        yield Rewrite(node, f"{functional}.logsigmoid({match.source(logit)})", "Use logsigmoid")
    other = match.complement(inside)
    logit = None if other is None else match.plain(other, "sigmoid")
    if logit is not None:
        yield Rewrite(node, f"{functional}.logsigmoid(-{match.operand(logit)})", "Use logsigmoid")


def softplus(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`log(1 + exp(x))`."""
    call = match.call(node, "log", "log1p")
    if call is None or not call.plain:
        return
    exponential = match.one_plus(call.operand) if call.name == "log" else call.operand
    x = None if exponential is None else match.plain(exponential, "exp")
    if x is not None:
        yield Rewrite(node, f"{match.file.functional}.softplus({match.source(x)})", "Use softplus")


def log_sum_exp(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`log(sum(exp(x)))`, over given dimensions or over all elements."""
    call = match.call(node, "log")
    if call is None or not call.plain:
        return
    total = match.call(match.without_epsilon(call.operand), "sum")
    if total is None or set(total.keywords) - {"dim", "axis", "keepdim"} or len(total.rest) > 2:
        return
    x = match.plain(total.operand, "exp")
    if x is None:
        return
    source, torch = match.source, match.file.torch
    dim, keepdim = total.argument(0, "dim", "axis"), total.argument(1, "keepdim")
    if dim is None:
        yield Rewrite(node, f"{torch}.logsumexp({match.operand(x)}.flatten(), dim=0)", "Use logsumexp")
        return
    kept = "" if keepdim is None else f", keepdim={source(keepdim)}"
    yield Rewrite(node, f"{torch}.logsumexp({source(x)}, dim={source(dim)}{kept})", "Use logsumexp")


def log_cumulative_sum_exp(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`log(cumsum(exp(x), dim))`."""
    call = match.call(node, "log")
    if call is None or not call.plain:
        return
    sums = match.call(match.without_epsilon(call.operand), "cumsum")
    dim = None if sums is None else sums.argument(0, "dim", "axis")
    x = None if sums is None or dim is None else match.plain(sums.operand, "exp")
    if sums is None or x is None or dim is None or len(sums.rest) + len(sums.keywords) != 1:
        return
    text = f"{match.file.torch}.logcumsumexp({match.source(x)}, dim={match.source(dim)})"
    yield Rewrite(node, text, "Use logcumsumexp")


def log_of_ratio(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`log(softmax(a) / softmax(b))`, and the logit `log(p / (1 - p))`."""
    call = match.call(node, "log")
    ratio = None if call is None or not call.plain else match.resolve(call.operand)
    if not (isinstance(ratio, ast.BinOp) and isinstance(ratio.op, ast.Div)):
        return
    above, below = log_softmax_text(match, ratio.left), log_softmax_text(match, ratio.right)
    if above is not None and below is not None:
        yield Rewrite(node, f"({above} - {below})", "Use log_softmax of both")
    p = match.complement(ratio.right)
    if p is not None and match.same(p, ratio.left):
        yield Rewrite(
            node,
            f"{match.file.torch}.logit({match.source(p)}, eps={LOGIT_EPSILON})",
            f"Use logit with the argument at least {LOGIT_EPSILON} away from 0 and 1",
        )


LOGIT_EPSILON = "1e-6"
"""Far enough from one that float32 still tells the difference: the numbers next to one are 6e-8 apart."""


def log1p(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`log(1 + x)` and `log(1 - x)`."""
    call = match.call(node, "log")
    if call is None or not call.plain:
        return
    x = match.one_plus(call.operand)
    if x is not None:
        yield Rewrite(node, f"{match.file.torch}.log1p({match.source(x)})", "Use log1p")
    x = match.complement(call.operand)
    if x is not None:
        yield Rewrite(node, f"{match.file.torch}.log1p(-{match.operand(x)})", "Use log1p")


def inverse_tangent(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`0.5 * log((1 + x) / (1 - x))`, `log(1 + x) - log(1 - x)`: near zero they lose x, at one they are infinite."""
    x, factor = _by_halves(match, node)
    if x is None:
        return
    torch, words = match.file.torch, "Use atanh"
    limits = f"-1 + {LOGIT_EPSILON}, 1 - {LOGIT_EPSILON}"
    yield Rewrite(node, f"{factor}{torch}.atanh({match.source(x)})", words)
    text = f"{factor}{torch}.atanh({match.operand(x)}.clamp({limits}))"
    yield Rewrite(node, text, f"{words} with the argument at least {LOGIT_EPSILON} away from -1 and 1")


def _by_halves(match: Matcher, node: ast.expr) -> tuple[ast.expr | None, str]:
    """`x` where the node is a multiple of `atanh(x)` as a logarithm, and the text that multiplies it."""
    x = _twice_inverse_tangent(match, node)
    if x is not None:
        return x, "2 * "
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for half, other in ((node.left, node.right), (node.right, node.left)):
            if is_number(half, 0.5):
                return _twice_inverse_tangent(match, other), ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and is_number(node.right, 2):
        return _twice_inverse_tangent(match, node.left), ""
    return None, ""


def _twice_inverse_tangent(match: Matcher, node: ast.expr) -> ast.expr | None:
    """`x` of `log((1 + x) / (1 - x))` and `log(1 + x) - log(1 - x)`."""
    node = match.resolve(node)
    call = match.call(node, "log")
    if call is not None and call.plain:
        ratio = match.resolve(call.operand)
        if isinstance(ratio, ast.BinOp) and isinstance(ratio.op, ast.Div):
            above, below = match.one_plus(ratio.left), match.complement(ratio.right)
            return above if above is not None and below is not None and match.same(above, below) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        left, right = match.call(node.left, "log"), match.call(node.right, "log")
        if left is not None and right is not None and left.plain and right.plain:
            above, below = match.one_plus(left.operand), match.complement(right.operand)
            return above if above is not None and below is not None and match.same(above, below) else None
    return None


def log_of_product(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`log(prod(x))`: a sum of logarithms does not underflow."""
    call = match.call(node, "log")
    product = None if call is None or not call.plain else match.call(call.operand, "prod")
    if product is None or set(product.keywords) - {"dim", "keepdim"}:
        return
    tensor = match.operand(product.operand)
    arguments = _arguments(match, product.rest, product.keywords)
    yield Rewrite(node, f"{tensor}.log().sum({arguments})", "Add up logarithms")


def _arguments(match: Matcher, rest: tuple[ast.expr, ...], keywords: dict[str, ast.expr]) -> str:
    given = [match.source(a) for a in rest]
    return ", ".join([*given, *(f"{name}={match.source(a)}" for name, a in keywords.items())])
