"""Which tensors have no negative number, as far as that follows from how they are computed.

What a loop adds up (squares, counts, losses, absolute values) grows without a limit that anybody could name, but from
zero upwards: a root of it is a root of nothing negative. Roundings keep signs, so no error is to be added anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlean.capture.tables import words
from torchlean.graph.origin import Certainty, region_of

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter
    from torchlean.graph import Node

NODES = 256
"""Nodes that one question looks at: the body of a loop, not a network."""

NEVER_NEGATIVE = words(
    """abs square exp exp2 sigmoid softmax relu relu6 sqrt softplus hardsigmoid lt le gt ge eq ne any all count_nonzero
    argmax argmin hypot vector_norm var std"""
)
"""Whatever their operands; a root of a negative number is NaN, which no comparison with zero is about."""

KEEPING = words(
    """add mul div sum mean cumsum prod cumprod amax amin minimum fmin clone cast contiguous reshape permute expand cat
    stack repeat slice index select gather flip where pow_tensor maximum fmax clamp"""
)
"""Not negative where no operand is."""

INTEGERS = words("cast")


def nonnegative(run: Interpreter, id: int) -> bool:
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
        decided = _at_once(node)
        if decided is None:
            missing = [operand for operand in node.inputs if operand not in known]
            if missing:
                pending += missing
                continue
            decided = all(known[operand] for operand in node.inputs)
        known[node.id] = decided
    return known[id]


def _at_once(node: Node) -> bool | None:
    """The answer where it needs no operand's; None where every operand must be looked at."""
    if not node.inputs:
        region = region_of(node)
        return region.certainty is not Certainty.LIKELY and region.lower >= 0
    if node.op in NEVER_NEGATIVE:
        return True
    if node.op == "mul" and node.inputs[0] == node.inputs[1]:
        return True
    if node.op in ("clamp", "pow"):
        return _limited(node)
    return None if node.op in KEEPING else False


def _limited(node: Node) -> bool | None:
    """A power with an even exponent, a clamp from below."""
    if node.op == "pow":
        exponent = node.attributes.get("exponent")
        return True if isinstance(exponent, (int, float)) and exponent % 2 == 0 else None
    low = node.attributes.get("min")
    return True if isinstance(low, (int, float)) and low >= 0 else None
