"""Products with weights that the graph computes: almost known is almost linear.

A weight such as `R^T R + 0.01 I` is known up to rounding only. Taken as an interval it makes a layer one of "two
unknown operands", whose rows go nowhere: what the layer's output owes to its input would be lost for the sake of 1e-16.
So the product is written as a sum,

    op(x, W) = op(x, M_1) + op(x, M_2) + op(x, W - M_1 - M_2),

of products with exactly known `M`, which are linear maps, and a rest that an interval bounds well.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from torchlean.intervals import Interval
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.op import Attributes

PRODUCTS = frozenset({"linear", "matmul", "conv"})
"""Ops that are linear in each of their first two operands; a third is added."""

CLOSE = 2.0**-44
"""Of the largest weight: what may be left for the rest. Below, it is of the size of the rounding of weights."""

MOST = 3
"""Known parts: float32 numbers hold 24 bits of a weight each."""


def varying(op: str, inputs: Sequence[Part]) -> int | None:
    """Which of the first two operands of a product varies, where the other is computed; None where nothing is to do."""
    if op not in PRODUCTS or any(part.varies for part in inputs[2:]):
        return None
    unknown = [index for index, part in enumerate(inputs[:2]) if part.varies]
    return unknown[0] if len(unknown) == 1 else None


def split(
    steps: Steps,
    op: str,
    inputs: Sequence[Part],
    attributes: Attributes,
    weight: Interval,
    place: int,
) -> tuple[Part, Part] | None:
    """The products with known weights, added up, and the rest of the weight.

    Args:
        weight: what is known of the operand that does not vary.
        place: of the operand that does.

    Returns:
        None where the weight is known exactly, or not at all.
    """
    other = inputs[1 - place]
    if weight.is_point or weight.undefined or not weight.bounded() or not other.floating:
        return None
    total: Part | None = None
    rest, left = other, weight.lower / 2 + weight.upper / 2
    limit = CLOSE * float(left.abs().max()) if left.numel() else 0.0
    for _ in range(MOST):
        known = left.to(other.type.dtype)
        if not bool(torch.isfinite(known).all()):
            return None
        part = steps.constant(known)
        product = steps.op(op, *_placed(inputs[place], part, place), **attributes)
        total = product if total is None else steps.op("add", total, product)
        rest = steps.op("sub", rest, part)
        left = left - known.to(torch.float64)
        if float(left.abs().max()) <= limit:
            break
    assert total is not None
    return total, rest


def _placed(x: Part, weight: Part, place: int) -> tuple[Part, Part]:
    return (x, weight) if place == 0 else (weight, x)


__all__ = ["split", "varying"]
