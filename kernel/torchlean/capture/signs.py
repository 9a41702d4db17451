"""Which tensors have no negative number, as far as that follows from how they are computed.

What a loop adds up (squares, counts, losses, absolute values) grows without a limit that anybody could name, but from
zero upwards: a root of it is a root of nothing negative. Roundings keep signs, so no error is to be added anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

from torchlean.capture.tables import words
from torchlean.graph.origin import Certainty, region_of

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

MOVING = words(
    """amax amin minimum maximum fmin fmax clone contiguous reshape permute expand cat stack repeat slice index gather
    flip where slice_update index_update"""
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
    if node.op in ("index", "gather"):
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


def _is_square(run: Building, a: int, b: int) -> bool:
    """Whether two factors are the same number, if it was computed twice."""
    return run.builder.nodes[a].digest == run.builder.nodes[b].digest


def _clamped(node: Node) -> bool | None:
    low, high = node.attributes.get("min"), node.attributes.get("max")
    if isinstance(high, (int, float)) and high < 0:
        return False
    return True if isinstance(low, (int, float)) and low >= 0 else None
