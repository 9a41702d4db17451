"""Entropies of shares: what `p * log(p)` and its sum can be, where intervals forget that both are of one p.

One product is at least -1/e, whatever p is. Shares that add up to one have an entropy of at most `log(n)`: the
perplexity of a codebook, `exp(-(p * log(p + 1e-10)).sum())`, is at most the number of its codes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torchlean.graph import Graph, Node
from torchlean.hazards.directions import UNIT_SLACK, Ends, least
from torchlean.hazards.orders import WHOLE, dims_of, same_values
from torchlean.hazards.patterns import strip
from torchlean.intervals import Interval

LEAST_ENTROPY = {"log": -0.36788, "log2": -0.53074, "log10": -0.15978}
"""The least number of `x * log(x)`, at x = 1/e, rounded down."""

BASES = {"log": math.e, "log2": 2.0, "log10": 10.0}

CASTS = WHOLE | {"cast"}


def least_of_product(graph: Graph, node: Node, ranges: Sequence[Interval]) -> float | None:
    """`p * log(p + eps)` for p >= 0: an epsilon only makes it larger."""
    found = _factors(graph, [strip(graph, id, WHOLE) for id in node.inputs], ranges)
    return None if found is None else LEAST_ENTROPY[found[1]]


def total(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    """The sum of such products over the dimensions along which their p add up to one.

    For s = sum(p) <= 1 it is at least `s * log(s / n)`, which falls until s = n / e: at n >= 3 that is `-log(n)`, and
    -1/e per product before.
    """
    inner, sign = strip(graph, node.inputs[0], WHOLE), 1.0
    while inner.op == "neg":
        inner, sign = strip(graph, inner.inputs[0], WHOLE), -sign
    if inner.op != "mul":
        return None
    operands = [strip(graph, id, WHOLE) for id in inner.inputs]
    for place, operand in enumerate(operands):
        if operand.op == "neg":
            operands[place], sign = strip(graph, operand.inputs[0], WHOLE), -sign
    found = _factors(graph, operands, ranges)
    if found is None:
        return None
    p, kind = found
    along = dims_of(node) & _dims_of_one(graph, p)
    if not along:
        return None
    size = math.prod(p.type.shape[d] for d in along)
    rows = math.prod(p.type.shape[d] for d in dims_of(node) - along)
    each = min(-math.log(max(size, 1), BASES[kind]), LEAST_ENTROPY[kind] * min(size, 2))
    lower = rows * each * (1 + UNIT_SLACK) - UNIT_SLACK
    return (lower, math.inf) if sign > 0 else (-math.inf, -lower)


def _factors(graph: Graph, operands: Sequence[Node], ranges: Sequence[Interval]) -> tuple[Node, str] | None:
    """Of the factors of a product, numbers and their logarithms, the numbers, and which logarithm it is."""
    for p, logarithm in (operands, operands[::-1]):
        kind = _logarithm_of(graph, p, logarithm, ranges)
        if kind is not None:
            return p, kind
    return None


def _logarithm_of(graph: Graph, p: Node, log: Node, ranges: Sequence[Interval]) -> str | None:
    """Which logarithm of p, or of something larger, a node is; p has no negative numbers."""
    if log.op == "log_softmax":
        same = (
            p.op == "softmax"
            and p.attributes == log.attributes
            and same_values(graph, p.inputs[0], log.inputs[0])
        )
        power = p.op == "exp" and same_values(graph, p.inputs[0], log.id)
        return "log" if same or power else None
    if log.op not in LEAST_ENTROPY or least(ranges[p.id]) < 0:
        return None
    inside = strip(graph, log.inputs[0], WHOLE)
    if inside.op == "clamp" and inside.attributes.get("max") is None:
        inside = strip(graph, inside.inputs[0], WHOLE)
    parts = inside.inputs if inside.op == "add" else (inside.id,)
    rest = [part for part in parts if not same_values(graph, part, p.id)]
    return log.op if len(rest) == len(parts) - 1 and all(least(ranges[part]) >= 0 for part in rest) else None


def _dims_of_one(graph: Graph, p: Node) -> set[int]:
    """The dimensions along each of which numbers that are not negative add up to one (or to none)."""
    p = strip(graph, p.id, CASTS)
    if p.op == "softmax":
        return dims_of(p)
    if p.op == "exp":
        below = strip(graph, p.inputs[0], WHOLE)
        return dims_of(below) if below.op == "log_softmax" else set()
    if p.op == "eq":
        return _dims_of_a_hit(graph, p)
    if p.op == "mean":
        shares = strip(graph, p.inputs[0], CASTS)
        kept = _dims_of_one(graph, shares) - dims_of(p)
        if p.attributes.get("keepdim"):
            return kept
        return {d - sum(gone < d for gone in dims_of(p)) for d in kept}
    if p.op == "div":
        whole = strip(graph, p.inputs[1], WHOLE | {"expand", "reshape", "clamp", "add"})
        mine = whole.op == "sum" and same_values(graph, whole.inputs[0], p.inputs[0])
        return dims_of(whole) if mine and len(dims_of(whole)) == 1 else set()
    return set()


def _dims_of_a_hit(graph: Graph, comparison: Node) -> set[int]:
    """`indices.unsqueeze(-1) == torch.arange(n)`, which is `F.one_hot`: an index is equal to one place at most."""
    for id in comparison.inputs:
        places = graph[id]
        if (
            places.data is None
            or places.data.dim() != 1
            or places.data.unique().numel() != places.data.numel()
        ):
            continue
        (index,) = (other for other in comparison.inputs if other != id)
        shape = graph[index].type.shape
        if shape and shape[-1] == 1:
            return {len(comparison.type.shape) - 1}
    return set()
