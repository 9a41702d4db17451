"""The planes around a nonlinear op, where it has any."""

from __future__ import annotations

from collections.abc import Sequence

from torchlean.graph import Node
from torchlean.intervals import Interval
from torchlean.ops import OPS, UnsupportedError
from torchlean.ops.linearization import Relaxation


def planes_of(node: Node, operands: Sequence[Interval]) -> Relaxation | None:
    """Two planes around an op.

    Args:
        operands: intervals of shape (boxes or 1, *operand).

    Returns:
        None where the operands are not bounded, or the op has no planes for them.
    """
    if any(operand.undefined for operand in operands) or not all(x.bounded() for x in operands):
        return None
    return planes_of_bounded(node, operands)


def planes_of_bounded(node: Node, operands: Sequence[Interval]) -> Relaxation | None:
    """The same for operands that are known to be bounded."""
    try:
        return OPS[node.op].relax(operands, node.attributes)
    except UnsupportedError:
        return None


__all__ = ["planes_of", "planes_of_bounded"]
