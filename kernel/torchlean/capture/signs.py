"""Which tensors have no negative number, as far as that follows from how they are computed.

What a loop adds up (squares, counts, losses, absolute values) grows without a limit that anybody could name, but from
zero upwards: a root of it is a root of nothing negative. Roundings keep signs, so no error is to be added anywhere.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import torch

from torchlean.capture.tables import words
from torchlean.graph.origin import Certainty, region_of
from torchlean.ops.fused import FUSED

if TYPE_CHECKING:
    from torchlean.graph import GraphBuilder, Node

NODES = 2**12
"""Nodes that one question looks at: a loop's body as often as it was followed before it was widened, not a network."""

NEVER_NEGATIVE = words(
    """abs square exp exp2 sigmoid softmax relu relu6 sqrt softplus hardsigmoid lt le gt ge eq ne any all count_nonzero
    argmax argmin hypot vector_norm var std rsqrt"""
)
"""Floating-point functions and truth values, whatever their operands. (The root of a negative number is NaN, of which a
range says nothing.)"""

GROWING = words(
    """add mul sum mean cumsum prod cumprod square abs pow_tensor div matmul linear einsum avg_pool reciprocal log1p
    expm1 tanh"""
)
"""Not negative where no operand is; integers may wrap around."""

MOVING = (
    words(
        """amax amin minimum maximum fmin fmax clone contiguous reshape permute expand cat stack repeat slice index
        gather flip where slice_update index_update"""
    )
    | FUSED
)
"""Give back some of their operands' numbers."""


class Building(Protocol):
    """Whoever follows a program: an interpreter, with shapes or without."""

    builder: GraphBuilder


def nonnegative(run: Building, id: int) -> bool:
    """Whether no number of a node can be negative."""
    known: dict[int, bool] = {}
    pending = [id]
    while pending:
        node = run.builder.nodes[pending[-1]]
        if node.id in known:
            pending.pop()
            continue
        if len(known) > NODES:
            return False
        decided = _at_once(run, node)
        if decided is None:
            numbers = _numbers(run, node)
            missing = [operand for operand in numbers if operand not in known]
            if missing:
                pending += missing
                continue
            decided = all(known[operand] for operand in numbers)
        known[node.id] = decided
    return known[id]


def _numbers(run: Building, node: Node) -> tuple[int, ...]:
    """The operands of which a result has numbers; others only say which."""
    if node.op in ("index", "gather") or node.op in FUSED:
        return node.inputs[:1]
    if node.op == "where":
        return node.inputs[1:]
    if node.op == "addcmul" and _is_square(run, *node.inputs[1:]):
        return node.inputs[:1]
    if node.op == "mul":
        return _multiples(run, *node.inputs) or _multiples(run, *reversed(node.inputs)) or node.inputs
    return node.inputs[:2] if node.op == "index_update" else node.inputs


def _multiples(run: Building, product: int, factor: int) -> tuple[int, ...]:
    """What multiplies the square in `0.1 * g * g`, which parses as `(0.1 * g) * g`; nothing of other products."""
    inner = run.builder.nodes[product]
    if inner.op != "mul":
        return ()
    a, b = inner.inputs
    return (a,) if _is_square(run, b, factor) else (b,) if _is_square(run, a, factor) else ()


def _at_once(run: Building, node: Node) -> bool | None:
    """The answer where it needs no operand's; None where every operand must be looked at."""
    if not node.inputs:
        region = region_of(node)
        return region.certainty is not Certainty.LIKELY and region.lower >= 0
    operand = run.builder.nodes[node.inputs[0]].type.dtype
    floating = node.type.dtype.is_floating_point
    if node.op in GROWING and not floating:
        # A sum of truth values is a count, which no memory is large enough to make wrap around.
        return node.op == "sum" and operand is torch.bool
    if node.op in NEVER_NEGATIVE or (node.op == "mul" and _is_square(run, *node.inputs)):
        return True
    if node.op == "mul" and floating and _is_welfords(run, *node.inputs):
        return True
    if node.op == "cast":
        return None if floating or not operand.is_floating_point else False
    if node.op == "pow":
        exponent = node.attributes.get("exponent")
        even = isinstance(exponent, (int, float)) and exponent % 2 == 0
        return floating and (True if even else None)
    if node.op == "clamp":
        return _clamped(node)
    if node.op == "addcmul":
        value = node.attributes.get("value")
        return None if isinstance(value, (int, float)) and value >= 0 else False
    return None if node.op in GROWING or node.op in MOVING else False


def is_welfords(nodes: Sequence[Node], a: int, b: int, least: Callable[[int], float]) -> bool:
    """Whether `a * b` is `(x - m) * (x - new)` for the mean `new = m + (x - m) / n` after n numbers, x the last.

    The new mean is between m and x, so that both differences have one sign, roundings included: from n = 2 on half of
    `x - m` is added at most, which leaves x on the same side; the first number is its own mean exactly, if m was 0.

    Args:
        least: a lower bound of a node's numbers.
    """
    before, after = nodes[a], nodes[b]
    if before.op != "sub" or after.op != "sub" or not _alike(nodes, before.inputs[0], after.inputs[0]):
        return False
    mean, new = before.inputs[1], nodes[after.inputs[1]]
    if new.op != "add":
        return False
    for old, step in (new.inputs, new.inputs[::-1]):
        share = nodes[step]
        if share.op == "div" and _alike(nodes, old, mean) and _alike(nodes, share.inputs[0], a):
            count = least(share.inputs[1])
            return count >= 2 or (count >= 1 and _is_zero(nodes[mean]))
    return False


def _is_welfords(run: Building, a: int, b: int) -> bool:
    nodes = run.builder.nodes
    ends = functools.partial(_lower_end, nodes)
    return is_welfords(nodes, a, b, ends) or is_welfords(nodes, b, a, ends)


def _alike(nodes: Sequence[Node], a: int, b: int) -> bool:
    return nodes[a].digest == nodes[b].digest


def _is_zero(node: Node) -> bool:
    return node.op == "constant" and node.data is not None and not bool(node.data.any())


def _lower_end(nodes: Sequence[Node], id: int) -> float:
    """The least number of a leaf, or of a conversion of one."""
    node = nodes[id]
    while node.op == "cast":
        node = nodes[node.inputs[0]]
    if node.op == "random":
        return region_of(node).lower
    known = (
        node.op == "constant" and node.data is not None and node.data.numel() and not node.data.is_complex()
    )
    return float(node.data.min()) if known and node.data is not None else -math.inf


def _is_square(run: Building, a: int, b: int) -> bool:
    """Whether two factors are the same number, if it was computed twice."""
    return run.builder.nodes[a].digest == run.builder.nodes[b].digest


def _clamped(node: Node) -> bool | None:
    low, high = node.attributes.get("min"), node.attributes.get("max")
    if isinstance(high, (int, float)) and high < 0:
        return False
    return True if isinstance(low, (int, float)) and low >= 0 else None
