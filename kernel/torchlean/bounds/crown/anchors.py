"""Where deviations are measured from (`steps`)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.rounding import UNIT_ROUNDOFF

TINY = 64 * 2.0**-1022
"""For the products of a loss that underflow."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the deviations of a node are measured from.

    Attributes:
        point: (boxes or 1, *node), finite.
        spread: (boxes or 1, *node): at least `|value - point|`; infinite where nothing is known.
        reach: (boxes or 1, *node): at least `|point| + spread`.
        total: at least the sum of a box's reaches.
    """

    point: Tensor
    spread: Tensor
    reach: Tensor
    total: float

    @staticmethod
    def around(point: Tensor, interval: Interval) -> Anchor:
        """For values inside an interval of shape (boxes or 1, *node)."""
        spread = torch.maximum(interval.upper - point, point - interval.lower)
        spread = spread.clamp_(min=TINY).mul_(1 + 8 * UNIT_ROUNDOFF)
        reach = spread + point.abs()
        # Crude, because it only weighs what underflows; it is off by far less than one part in a thousand.
        total = float(reach.amax()) * spread.numel() * 1.001 if spread.numel() else 0.0
        return Anchor(point, spread, reach, total)


@dataclass(frozen=True, slots=True)
class Constant:
    """An affine op's value where its unknown operands are zero, as `affine` needs it.

    Attributes:
        point: (1, *node), its lower end.
        size: (1, elements), at least its absolute value.
        slack: (1, elements), its width, never zero.
    """

    point: Tensor
    size: Tensor
    slack: Tensor

    @staticmethod
    def of(value: Interval) -> Constant:
        """From an interval of the node's shape."""
        lower, upper = value.lower.unsqueeze(0), value.upper.unsqueeze(0)
        return Constant(lower, flat(torch.maximum(lower.abs(), upper.abs())), flat(upper - lower) + TINY)


def flat(values: Tensor) -> Tensor:
    return values.reshape(values.shape[0], -1)


__all__ = ["TINY", "Anchor", "Constant", "flat"]
