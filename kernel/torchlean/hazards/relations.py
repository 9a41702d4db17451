"""Relations between nodes that intervals forget, put back where a false alarm would follow from forgetting them.

Interval arithmetic treats the two operands of `x - x.max()` as independent. Each rule here looks at the graph below one
node and narrows its interval; every rule is a fact of real arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from torchlean.bounds.cache import Bound
from torchlean.bounds.ibp import bound_node
from torchlean.capture.signs import is_welfords
from torchlean.graph import Graph, Node
from torchlean.hazards.directions import (
    UNIT_SLACK,
    Ends,
    cosines_of_linear,
    cosines_of_matmul,
    distance,
    least,
    unit_dims,
)
from torchlean.hazards.entropies import least_of_product, total
from torchlean.hazards.integrality import is_integral
from torchlean.hazards.orders import WHOLE, dims_of, never_below, same_values
from torchlean.hazards.patterns import COPIES, ELEMENTWISE, number, same, scaled, strip, terms
from torchlean.hazards.rows import least_share_kept
from torchlean.hazards.shares import least_of_sum
from torchlean.hazards.streaming import least_total
from torchlean.intervals import Interval
from torchlean.intervals.repetition import by_slices, one_of_each


def related(node: Node, graph: Graph, ranges: Sequence[Interval], interval: Interval) -> Interval:
    """`interval` of the node, narrowed by what is known of its operands together."""
    rule = RULES.get(node.op)
    ends = rule(graph, node, ranges) if rule is not None else None
    if ends is None:
        return interval
    lower, upper = ends
    low, high = (
        by_slices(lambda end: end.clamp(lower, upper), end) for end in (interval.lower, interval.upper)
    )
    return Interval(low, high, interval.undefined, interval.infinite)


def _sub(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    left, right = node.inputs
    return _difference(graph, left, right, ranges)


def _difference(graph: Graph, left: int, right: int, ranges: Sequence[Interval]) -> Ends:
    if same(graph, left, right):
        return 0.0, 0.0
    if never_below(graph, right, left):
        return -math.inf, 0.0
    if never_below(graph, left, right) or _spread(graph, left, right):
        return 0.0, math.inf
    if _exceeds_share(graph, left, right, ranges) or _union(graph, left, right, ranges):
        return 0.0, math.inf
    return None


def _union(graph: Graph, left: int, right: int, ranges: Sequence[Interval]) -> bool:
    """`a.sum() + b.sum() - (a * b).sum()` for masks a and b: an overlap is at most each of the two."""
    overlap = strip(graph, right)
    product = strip(graph, overlap.inputs[0]) if overlap.op == "sum" else overlap
    if product.op != "mul":
        return False
    parts = list(terms(graph, strip(graph, left).id))
    if any(sign < 0 or least(ranges[part]) < 0 for part, sign in parts):
        return False
    wholes = {_summand(graph, part, overlap) for part, _ in parts}
    for whole, share in (product.inputs, product.inputs[::-1]):
        low, high = _extent(ranges[share])
        if low >= 0 and high <= 1 and least(ranges[whole]) >= 0 and strip(graph, whole).digest in wholes:
            return True
    return False


def _summand(graph: Graph, id: int, like: Node) -> bytes:
    """What is summed by a sum over the same dimensions as `like`; the node itself where `like` is no sum."""
    node = strip(graph, id)
    if like.op != "sum":
        return node.digest
    same_dims = node.op == "sum" and node.attributes.get("dim") == like.attributes.get("dim")
    return strip(graph, node.inputs[0]).digest if same_dims else b""


def _spread(graph: Graph, high: int, low: int) -> bool:
    """`x.max() - x.min()` over the same dimensions."""
    top, bottom = strip(graph, high), strip(graph, low)
    if top.op != "amax" or bottom.op != "amin":
        return False
    return top.attributes == bottom.attributes and same_values(graph, top.inputs[0], bottom.inputs[0])


def _exceeds_share(graph: Graph, left: int, right: int, ranges: Sequence[Interval]) -> bool:
    """`relu(x) - t * x` and `t * x - logsigmoid(x)` for t in [0, 1]: the cross entropies of a logit.

    A share of x lies between 0 and x, so what is at least both is at least it, and what is at most both is at most it.
    Roundings do not change that: those of `t * x` and of the difference are monotone, and x and 0 are numbers.
    """
    if least(ranges[left]) >= 0 and any(never_below(graph, left, x) for x in _shared(graph, right, ranges)):
        return True
    return _extent(ranges[right])[1] <= 0 and any(
        never_below(graph, x, right) for x in _shared(graph, left, ranges)
    )


def _shared(graph: Graph, id: int, ranges: Sequence[Interval]) -> list[int]:
    """The numbers x of which the node is a share, `t * x` for t in [0, 1]."""
    node = graph[id]
    if node.op != "mul":
        return []
    pairs = (node.inputs, node.inputs[::-1])
    return [x for share, x in pairs if least(ranges[share]) >= 0 and _extent(ranges[share])[1] <= 1]


def _sum(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    inner = strip(graph, node.inputs[0], WHOLE)
    entropy = total(graph, node, ranges)
    if entropy is not None:
        return entropy
    if _has_a_one(graph, inner, dims_of(node)):
        return 1.0, math.inf
    least_sum = least_of_sum(graph, inner, node)
    if least_sum is not None:
        return least_sum, math.inf
    kept = least_share_kept(graph, inner, dims_of(node), ranges)
    if kept is not None:
        return kept * (1.0 - UNIT_SLACK), math.inf
    if inner.op == "mul" and all(dims_of(node) & unit_dims(graph, id) for id in inner.inputs):
        return -1.0 - UNIT_SLACK, 1.0 + UNIT_SLACK
    return None


def _mean(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    inner = strip(graph, node.inputs[0], WHOLE)
    count = inner.type.numel // max(node.type.numel, 1)
    if _has_a_one(graph, inner, dims_of(node)):
        return _below(1.0 / count, node), math.inf
    least_sum = least_of_sum(graph, inner, node)
    return None if least_sum is None else (_below(least_sum / count, node), math.inf)


def _below(value: float, like: Node) -> float:
    """A number that roundings of `value` to the node's type do not fall below."""
    return value * (1 - float(torch.finfo(like.type.dtype).eps))


def _has_a_one(graph: Graph, exponential: Node, dims: set[int]) -> bool:
    """`exp(x - x.max())`: one of the exponents is exactly zero, if all elements of some maximum are taken together."""
    shifted = strip(graph, exponential.inputs[0], WHOLE) if exponential.op == "exp" else exponential
    if shifted.op != "sub":
        return False
    top = strip(graph, shifted.inputs[1])
    return (
        top.op == "amax" and dims_of(top) <= dims and never_below(graph, shifted.inputs[1], shifted.inputs[0])
    )


def _div(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    """A share, `a / a.sum()` or `a / (a + b)`; or else the sign of a quotient whose divisor reaches zero."""
    top, bottom = node.inputs
    if float(least(ranges[top])) < 0:
        return None
    share = _share(graph, top, bottom, ranges)
    if share is not None or least(ranges[bottom]) < 0:
        return share
    greatest = _extent(ranges[bottom])[1]
    return (least(ranges[top]) / greatest if greatest > 0 else 0.0), math.inf


def _reciprocal(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    """The sign of `1 / b` where b reaches zero from above."""
    low, high = _extent(ranges[node.inputs[0]])
    return ((1 / high if high > 0 else 0.0), math.inf) if low >= 0 else None


def _share(graph: Graph, top: int, bottom: int, ranges: Sequence[Interval]) -> Ends:
    whole = strip(graph, bottom)
    if whole.op in ("clamp", "maximum"):
        whole = strip(graph, whole.inputs[0])
    parts = [strip(graph, id) for id in whole.inputs] if whole.op == "add" else [whole]
    if any(float(least(ranges[part.id])) < 0 for part in parts):
        return None
    mine = strip(graph, top)
    for part in parts:
        summed = strip(graph, part.inputs[0]) if part.op == "sum" else part
        if summed.digest == mine.digest:
            return 0.0, 1.0
    return None


def _positive_root(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    """`1 / sqrt(b)` is positive wherever it has a value."""
    return 0.0, math.inf


def _add(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    """`exp(a) + exp(-a)` is at least 2, `x + (x == 0)` avoids zero, and `a + -b` is a difference."""
    for a, b in (node.inputs, node.inputs[::-1]):
        if graph[b].op == "neg":
            return _difference(graph, a, graph[b].inputs[0], ranges)
    total = least_total(graph, node, ranges)
    if total is not None:
        return total, math.inf
    left, right = (strip(graph, id) for id in node.inputs)
    if left.op == right.op == "exp":
        exponents = strip(graph, left.inputs[0]), strip(graph, right.inputs[0])
        for first, second in (exponents, exponents[::-1]):
            if second.op == "neg" and strip(graph, second.inputs[0]).digest == first.digest:
                return 2.0, math.inf
    for x, flag in ((left, right), (right, left)):
        if flag.op == "eq" and _compares(graph, flag, x, 0.0) and least(ranges[x.id]) >= 0:
            return _positive(graph, x, node), math.inf
    return None


def _compares(graph: Graph, flag: Node, x: Node, value: float) -> bool:
    a, b = (strip(graph, id) for id in flag.inputs)
    return (a.digest == x.digest and number(b) == value) or (b.digest == x.digest and number(a) == value)


def _positive(graph: Graph, x: Node, like: Node) -> float:
    """The least positive number that `x` may have: 1 for a count."""
    return 1.0 if is_integral(graph, x.id) else _smallest(like)


def _smallest(node: Node) -> float:
    dtype = node.type.dtype
    return float(torch.finfo(dtype).smallest_normal) if dtype.is_floating_point else 1.0


def _mul(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    """`x * x`, and `-x * x` or `0.5 * x * x`, which parse as a product of a multiple of x with x; what a number adds to
    a running sum of squares."""
    for a, b in (node.inputs, node.inputs[::-1]):
        if is_welfords(graph.nodes, a, b, lambda id: least(ranges[id])):
            return 0.0, math.inf
    entropy = least_of_product(graph, node, ranges)
    if entropy is not None:
        return entropy, math.inf
    (left, left_factor), (right, right_factor) = (scaled(graph, id) for id in node.inputs)
    if left.digest != right.digest or left.data is not None:
        return None
    return (0.0, math.inf) if left_factor * right_factor >= 0 else (-math.inf, 0.0)


def _where(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    """`where(x > 0, x, exp(x))`: each branch keeps to the condition as far as it is made of what that compares."""
    condition, chosen, other = node.inputs
    low, high = _extent(_under(graph, ranges, condition, chosen, holds=True))
    low2, high2 = _extent(_under(graph, ranges, condition, other, holds=False))
    return min(low, low2), max(high, high2)


FOLLOWED = 6
"""Operations between what a condition compares and the branch: as many as a person sees through."""


def _under(
    graph: Graph, ranges: Sequence[Interval], condition: int, id: int, *, holds: bool, depth: int = FOLLOWED
) -> Interval:
    """The node's range where the condition holds (or where it does not)."""
    own = ranges[id]
    kept = kept_by(graph, condition, id, holds=holds)
    if kept is not None:
        low, high = (by_slices(lambda end: end.clamp(*kept), end) for end in (own.lower, own.upper))
        return Interval(low, high)
    node = graph[id]
    if depth == 0 or node.op not in ELEMENTWISE | COPIES:
        return own
    operands = [
        _under(graph, ranges, condition, operand, holds=holds, depth=depth - 1) for operand in node.inputs
    ]
    if all(operand is ranges[id] for operand, id in zip(operands, node.inputs, strict=True)):
        return own
    under = bound_node(node, [Bound(operand) for operand in operands], graph, {}).interval
    if under.undefined or under.infinite:
        return own
    return Interval(
        by_slices(torch.maximum, under.lower, own.lower), by_slices(torch.minimum, under.upper, own.upper)
    )


def _extent(interval: Interval) -> tuple[float, float]:
    if not interval.lower.numel():
        return 0.0, 0.0
    return float(one_of_each(interval.lower).min()), float(one_of_each(interval.upper).max())


def kept_by(graph: Graph, condition: int, x: int, *, holds: bool) -> Ends:
    """The range that a comparison with a number leaves to `x` where it holds (or where it does not)."""
    test = strip(graph, condition, frozenset({"clone", "contiguous", "expand", "reshape"}))
    if test.op in ("logical_not", "bitwise_not"):
        return kept_by(graph, test.inputs[0], x, holds=not holds)
    if test.op in (("logical_and", "bitwise_and") if holds else ("logical_or", "bitwise_or")):
        parts = [kept for part in test.inputs if (kept := kept_by(graph, part, x, holds=holds)) is not None]
        return (max(low for low, _ in parts), min(high for _, high in parts)) if parts else None
    if test.op not in _OPPOSITE:
        return None
    own, limit = test.inputs
    op = test.op
    if number(strip(graph, limit)) is None:
        own, limit, op = limit, own, _MIRRORED[op]
    value = number(strip(graph, limit))
    size = strip(graph, own)
    if value is not None and size.op == "abs" and same_values(graph, size.inputs[0], x):
        within = (op if holds else _OPPOSITE[op]) in ("lt", "le")
        return (-value, value) if within else None
    if value is None or not same_values(graph, own, x):
        return None
    op = op if holds else _OPPOSITE[op]
    above = math.nextafter(value, math.inf) if value else _smallest(graph[x])
    below = math.nextafter(value, -math.inf) if value else -_smallest(graph[x])
    return {
        "gt": (above, math.inf),
        "ge": (value, math.inf),
        "lt": (-math.inf, below),
        "le": (-math.inf, value),
    }.get(op)


_OPPOSITE = {"gt": "le", "ge": "lt", "lt": "ge", "le": "gt"}
_MIRRORED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}


def _addcmul(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    """`v.addcmul_(g, g, value=0.001)` is at least v."""
    start, a, b = node.inputs
    value = node.attributes.get("value", 1.0)
    if not (isinstance(value, (int, float)) and value >= 0 and same_values(graph, a, b)):
        return None
    return least(ranges[start]), math.inf


def _diagonal(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    """The diagonal of a Cholesky factor is positive: `torch.linalg.cholesky` takes roots of its squares in turn, and
    raises at one that is not positive. (`cholesky_ex` does not raise, and gives whatever it has then.)"""
    factor = strip(graph, node.inputs[0], WHOLE)
    last = len(factor.type.shape)
    dims = {node.attributes.get("dim1"), node.attributes.get("dim2")}
    main = node.attributes.get("offset") == 0 and dims == {last - 2, last - 1}
    return (_smallest(node), math.inf) if main and factor.label == CHOLESKY else None


CHOLESKY = "result of cholesky"
"""The label of a leaf that stands for a Cholesky factor, as capture gives it."""

RULES = {
    "add": _add,
    "addcmul": _addcmul,
    "diagonal": _diagonal,
    "div": _div,
    "linear": cosines_of_linear,
    "matmul": cosines_of_matmul,
    "mean": _mean,
    "mul": _mul,
    "reciprocal": _reciprocal,
    "rsqrt": _positive_root,
    "sub": _sub,
    "vector_norm": distance,
    "sum": _sum,
    "where": _where,
}
