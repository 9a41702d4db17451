"""Roots of many increasing functions at once, in a fixed number of steps.

What is found here decides how tight a line is, never whether it is sound, so nothing is guaranteed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from torchlean.intervals import Interval

BISECTIONS = 10
"""Halvings of the bracket on a scale that is linear near zero and logarithmic far out (asinh): a thousandth is left."""

SECANTS = 3
"""Steps of false position on what is left, where the function is nearly straight: each gains about three digits."""


def increasing_root(function: Callable[[Tensor], Tensor], x: Interval) -> Tensor:
    """About where `function`, which does not fall on `x`, passes zero; the end it comes closest at if it does not."""
    low, high = x.lower, x.upper
    scaled_low, scaled_high = torch.asinh(low), torch.asinh(high)
    for _ in range(BISECTIONS):
        scaled = (scaled_low + scaled_high) / 2
        centre = torch.minimum(torch.maximum(torch.sinh(scaled), low), high)
        below = function(centre) < 0
        low, high = torch.where(below, centre, low), torch.where(below, high, centre)
        scaled_low, scaled_high = (
            torch.where(below, scaled, scaled_low),
            torch.where(below, scaled_high, scaled),
        )
    at_low, at_high = function(low), function(high)
    for _ in range(SECANTS):
        share = (-at_low / (at_high - at_low)).nan_to_num(nan=0.5).clamp(0.0, 1.0)
        centre = torch.minimum(torch.maximum(low + share * (high - low), low), high)
        found = function(centre)
        below = found < 0
        low, high = torch.where(below, centre, low), torch.where(below, high, centre)
        at_low, at_high = torch.where(below, found, at_low), torch.where(below, at_high, found)
    return torch.where(at_low.abs() < at_high.abs(), low, high)
