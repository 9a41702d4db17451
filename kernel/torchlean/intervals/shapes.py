"""Interval rules by the shape of a function's graph: increasing, decreasing, or one valley.

Each op names its shape and how its function is computed; the rule here bounds it over an interval from the
two ends. `exact_*` are for functions that float64 computes without error (`relu`, `floor`, comparisons):
there a point stays a point, and both ends share one tensor. `least` and `greatest` are bounds of the function
on its whole domain, in float64 rounded outward; they cut off what the error bound adds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from torchlean.intervals.approximation import Approximant, Approximation
from torchlean.intervals.interval import Interval


def exact_increasing(x: Interval, function: Callable[[Tensor], Tensor]) -> Interval:
    """`function` never decreases and maps float64 to float64 without rounding."""
    lower = function(x.lower)
    return Interval(lower, lower if x.is_point else function(x.upper))


def exact_decreasing(x: Interval, function: Callable[[Tensor], Tensor]) -> Interval:
    """`function` never increases and maps float64 to float64 without rounding."""
    lower = function(x.upper)
    return Interval(lower, lower if x.is_point else function(x.lower))


def increasing(
    x: Interval, function: Approximant, least: float = -math.inf, greatest: float = math.inf
) -> Interval:
    """`function` never decreases and stays in `[least, greatest]`."""
    low, high = at_ends(x, function)
    return _cut(low.below(), high.above(), least, greatest)


def decreasing(
    x: Interval, function: Approximant, least: float = -math.inf, greatest: float = math.inf
) -> Interval:
    """`function` never increases and stays in `[least, greatest]`."""
    high, low = at_ends(x, function)
    return _cut(low.below(), high.above(), least, greatest)


def valley(
    x: Interval, function: Approximant, at: tuple[float, float], least: float, greatest: float = math.inf
) -> Interval:
    """`function` falls until its minimum and rises from there on.

    Args:
        at: two float64 that enclose the place of the minimum.
        least: a lower bound of the minimum.
    """
    low, high = at_ends(x, function)
    touches = (x.lower <= at[1]) & (at[0] <= x.upper)
    lower = torch.where(touches, least, torch.minimum(low.below(), high.below()))
    return _cut(lower, torch.maximum(low.above(), high.above()), least, greatest)


def hull(first: Interval, second: Interval) -> Interval:
    """The least interval that contains both, element by element."""
    return Interval(
        torch.minimum(first.lower, second.lower),
        torch.maximum(first.upper, second.upper),
        first.undefined or second.undefined,
    )


def clipped(x: Interval, least: float, greatest: float) -> Interval:
    """The part of `x` inside a function's domain `[least, greatest]`; see `flagged` for the rest."""
    # Adding 0 turns -0.0, of which reciprocals have the wrong sign, into 0.0.
    return exact_increasing(x, lambda end: end.clamp(least, greatest) + 0.0)


def flagged(x: Interval, undefined: Tensor) -> Interval:
    """`x`, marked undefined when any element of the mask is set."""
    return replace(x, undefined=True) if bool(undefined.any()) else x


def at_ends(x: Interval, function: Approximant) -> tuple[Approximation, Approximation]:
    """`function` at the lower and the upper end, in one go: small tensors cost by the call, not by the element."""
    if x.is_point:
        point = function(x.lower)
        return point, point
    both = function(torch.stack((x.lower, x.upper)))
    parts = (both.value, both.error, both.exact, both.least, both.greatest)
    low, high = zip(*((None, None) if part is None else part.unbind() for part in parts), strict=True)
    return Approximation(*low), Approximation(*high)


def _cut(lower: Tensor, upper: Tensor, least: float, greatest: float) -> Interval:
    if least != -math.inf or greatest != math.inf:
        lower, upper = lower.clamp(least, greatest), upper.clamp(least, greatest)
    return Interval(lower, upper)
