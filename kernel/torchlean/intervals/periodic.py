"""Bounds of sine, cosine and tangent over an interval, without reducing any argument.

Where a periodic function turns is read off the sign of its derivative at the two ends, which the platform's
`sin` and `cos` give reliably: no float64 but 0 is a multiple of pi/2, and the closest ones are off by far
more than an ulp of the result (Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed., section 10.2).
With the width of the interval the two signs determine how many extrema lie inside:

    width < pi:       same signs: none;   different signs: one
    width < 2 pi:     same signs: two;    different signs: one
    otherwise:        at least two
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchlean.intervals.approximation import Approximant, kernel
from torchlean.intervals.interval import Interval
from torchlean.intervals.rounding import up
from torchlean.intervals.shapes import at_ends, clipped

_PI_BELOW = math.pi
"""`math.pi` is 1.2e-16 below pi: a width up to it is certainly less than pi."""

LARGEST_ARGUMENT = 2.0**20
"""Beyond it only `[-1, 1]` is claimed: the platform's reduction of huge arguments is not tested here."""


def sine(x: Interval) -> Interval:
    """`sin(x)`."""
    near = clipped(x, -LARGEST_ARGUMENT, LARGEST_ARGUMENT)
    return _wave(x, near, kernel(torch.sin), torch.cos(near.lower) > 0, torch.cos(near.upper) > 0)


def cosine(x: Interval) -> Interval:
    """`cos(x)`. At 0 the derivative is 0: what counts is its sign on the inner side of the end."""
    near = clipped(x, -LARGEST_ARGUMENT, LARGEST_ARGUMENT)
    return _wave(x, near, kernel(torch.cos), torch.sin(near.lower) < 0, torch.sin(near.upper) <= 0)


def tangent(x: Interval) -> Interval:
    """`tan(x)`: unbounded and undefined across a pole, that is when the cosine changes sign or the width
    reaches pi.
    """
    near = clipped(x, -LARGEST_ARGUMENT, LARGEST_ARGUMENT)
    tan = kernel(torch.tan)
    pole = (torch.cos(near.lower) > 0) != (torch.cos(near.upper) > 0)
    pole |= (up(near.upper - near.lower) > _PI_BELOW) & (near.lower < near.upper) | _far(x)
    lower = tan(near.lower).below().masked_fill(pole, -math.inf)
    upper = tan(near.upper).above().masked_fill(pole, math.inf)
    return Interval(lower, upper, undefined=bool(pole.any()))


def _wave(x: Interval, near: Interval, function: Approximant, rises: Tensor, rises_after: Tensor) -> Interval:
    """A function with values in `[-1, 1]`, from whether it rises just inside each end."""
    low, high = at_ends(near, function)
    width = up(near.upper - near.lower)
    turns = rises != rises_after
    full = (width > 2 * _PI_BELOW) | (width > _PI_BELOW) & ~turns | _far(x)
    lower = torch.minimum(low.below(), high.below()).clamp(min=-1.0)
    upper = torch.maximum(low.above(), high.above()).clamp(max=1.0)
    return Interval(
        torch.where(full | turns & ~rises, -1.0, lower), torch.where(full | turns & rises, 1.0, upper)
    )


def _far(x: Interval) -> Tensor:
    return (x.lower < -LARGEST_ARGUMENT) | (x.upper > LARGEST_ARGUMENT)
