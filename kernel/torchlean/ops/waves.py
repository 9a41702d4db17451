"""Lines around sine and cosine.

An interval shorter than half a period lies inside of `[c - pi, c + pi]`, where `c` is the zero of the function that is
nearest to the interval's middle. There the function, or minus it where it falls through `c`, is a sine of `x - c`:
convex on the left of `c` and concave on its right (`bent`). Longer intervals are left to `curves`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from torchlean.intervals import Interval, derivatives
from torchlean.intervals.approximation import Approximant, kernel
from torchlean.intervals.arrays import Array, asked
from torchlean.intervals.periodic import LARGEST_ARGUMENT
from torchlean.ops.bent import Bent
from torchlean.ops.curves import ROUNDED_BENDS, Curve, Piece, between
from torchlean.ops.linearization import Plane, Relaxation
from torchlean.ops.op import Attributes, Op

LONGEST = 3.14
"""Of the intervals that are looked up: less than pi, so that no rounding leads out of what is convex and concave."""


@dataclass(eq=False, kw_only=True)
class Wave(Bent):
    """A sine with another origin; what it inherits is that of the sine between `-pi` and `pi`.

    Attributes:
        function, derivative: of the wave.
        start: where it rises from zero, over pi.
    """

    function: Approximant
    derivative: Approximant
    start: float

    def lines(self, xp: ModuleType, lower: Array, upper: Array, share: Array | float) -> Sequence[Array]:
        turns = xp.round((lower / 2 + upper / 2) / math.pi - self.start)
        zero = (turns + self.start) * math.pi
        rises = turns % 2 == 0
        sign = xp.where(rises, 1.0, -1.0)
        pieces = self.parts(xp, lower, upper, share, zero)
        points = [piece.point for piece in pieces]
        slopes, off_slopes = asked(xp, self.derivative, xp.concatenate(points))
        values, errors = asked(xp, self.function, xp.concatenate((*points, lower, upper)))
        found = self.around(
            xp,
            pieces,
            (lower, upper),
            (slopes * xp.concatenate([sign] * 2), off_slopes),
            (values * xp.concatenate([sign] * 4), errors),
        )
        turned = (-found[2], -found[3], -found[0], -found[1])
        return [xp.where(rises, line, other) for line, other in zip(found, turned, strict=True)]


def wave(function: Callable[[Tensor], Tensor], derivative: Approximant, start: float) -> Wave:
    """Of torch's sine or cosine."""
    return Wave(
        kernel(torch.sin),
        derivatives.sine,
        (0.0,),
        convex=True,
        slack=ROUNDED_BENDS,
        reach=math.pi,
        function=kernel(function),
        derivative=derivative,
        start=start,
    )


def relax(wave: Wave, op: Op, x: Interval, attributes: Attributes, at: Tensor | None) -> Relaxation:
    """The planes of a sine or cosine on bounded intervals, shape (boxes, *node).

    Args:
        at: where they shall be close, as for `curves.between`.
    """
    short = near(x) & (x.upper - x.lower <= LONGEST)
    if bool(short.all()):
        return wave.relax(op, [x], attributes, at)
    if not bool(short.any()):
        return between(op, x, attributes, [_curve(wave)], at=at)
    at = None if at is None else at.expand(x.shape)
    found = []
    for chosen in (short, ~short):
        part = Interval(x.lower[chosen], x.upper[chosen])
        found.append(relax(wave, op, part, attributes, None if at is None else at[chosen]))
    return Relaxation(
        _merged(short, found[0].lower, found[1].lower), _merged(short, found[0].upper, found[1].upper)
    )


def _merged(chosen: Tensor, first: Plane, second: Plane) -> Plane:
    """The planes of the chosen elements and of the others, (elements,) each, in their places."""
    slope = torch.zeros(chosen.shape, dtype=torch.float64, device=chosen.device)
    intercept = torch.zeros_like(slope)
    for where, plane in ((chosen, first), (~chosen, second)):
        slope[where] = plane.slopes[0]
        if plane.intercept is not None:
            intercept[where] = plane.intercept
    return Plane((slope,), intercept)


def _curve(wave: Wave) -> Curve:
    """Concave for half a period from where it rises from zero, convex for the next.

    The pieces begin with the period in which the interval does, and reach two periods beyond its lower end. On longer
    intervals, whose middle lies between two minima and between two maxima, the best lines are horizontal.
    """

    def bends(x: Interval) -> list[Tensor]:
        period = 2.0 * torch.floor((x.lower / math.pi - wave.start) / 2.0) + wave.start
        return [(period + half) * math.pi for half in (1.0, 2.0, 3.0, 4.0, 5.0)]

    pieces = tuple(Piece(wave.function, wave.derivative, convex) for convex in (False, True) * 3)
    return Curve(
        pieces, bends, ROUNDED_BENDS, applies=lambda x: near(x) & (x.upper - x.lower < 4.0 * math.pi)
    )


def near(x: Interval) -> Tensor:
    """Where the bends are known well enough."""
    return (x.lower >= -LARGEST_ARGUMENT) & (x.upper <= LARGEST_ARGUMENT)


__all__ = ["Wave", "near", "relax", "wave"]
