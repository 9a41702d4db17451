"""Lines and planes around functions: what all linear relaxations have in common.

A relaxation is found in two steps that have nothing to do with each other. *Slopes* may come from anywhere (a chord, a
tangent, an iteration that did or did not converge, an optimiser): they decide how tight the planes are. The
*intercept* then belongs to the slopes exactly as stored, `inf (f(x) - slope * x)` over the interval, and is
rounded down from a rigorous bound: it alone makes the plane sound.

Only lower planes are computed: the upper plane of `f` is minus the lower plane of `-f`. Which of several sound planes
is best is judged in the middle of the interval: the area between a function and a line below it is least where the
line is highest there, so the best line supports the function's convex envelope at the middle.

Rules with one operand live in `polygons` (straight pieces), `sigmoids` and `bent` (smooth functions whose best line is
looked up) and `curves` (those whose best line is searched), those with several in `corners`. Sources: Zhang et al. 2018
(arXiv:1811.00866), Singh et al. 2019 (DeepPoly, POPL), Xu et al. 2020 (arXiv:2002.12920).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.broadcasting import broadcast_shapes
from torchlean.intervals.directed import round_down, round_up, two_product, two_sum
from torchlean.intervals.rounding import down
from torchlean.ops.linearization import Plane, Relaxation
from torchlean.ops.op import Attributes, Op, TensorType, UnsupportedError


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """`intercept + slope * x` below a function on an interval, element by element."""

    slope: Tensor
    intercept: Tensor

    def at(self, x: Tensor) -> Tensor:
        """Its value, rounded somehow: good for comparing lines, not for bounds."""
        return self.intercept + self.slope * x


def operands_of(inputs: Sequence[Interval]) -> list[Interval]:
    """The operands with the same number of dimensions, broadcast to the same shape (the batch comes first)."""
    rank = max(x.lower.dim() for x in inputs)
    padded = [_aligned(x, rank) for x in inputs]
    if len(padded) == 1:
        return padded
    shape = broadcast_shapes(*(x.shape for x in padded))
    return [_ends(x, lambda end: end.expand(shape)) for x in padded]


def bounds_of(op: Op, inputs: Sequence[Interval], attributes: Attributes) -> Interval:
    """The op's own interval, which gives the planes of slope 0.

    Raises:
        UnsupportedError: the op is undefined somewhere on the operands' intervals.
    """
    shape = broadcast_shapes(*(x.shape for x in inputs))
    bounds = op.interval(inputs, attributes, TensorType(shape, torch.float64))
    if bounds.undefined:
        raise undefined(op)
    return bounds


def undefined(op: Op) -> UnsupportedError:
    """No planes, because the op has no value somewhere."""
    return UnsupportedError(f"`{op.name}` is undefined somewhere on these intervals")


def under(value: Tensor, slope: Tensor, x: Tensor) -> Tensor:
    """A lower bound of `v - slope * x` for all `v >= value`; exact where float64 can hold the result.

    Both steps are error-free transformations followed by a step outward where something was lost.
    """
    product = round_up(*two_product(slope, x))
    return round_down(*two_sum(value, -product))


def middle(x: Interval) -> Tensor:
    """About halfway, without overflow, and never outside."""
    return torch.minimum(torch.maximum(x.lower / 2 + x.upper / 2, x.lower), x.upper)


def between_ends(x: Interval, share: Tensor) -> Tensor:
    """About `share` of the way from the lower to the upper end, without overflow, and never outside."""
    return torch.minimum(torch.maximum(x.lower * (1.0 - share) + x.upper * share, x.lower), x.upper)


def finite(slope: Tensor) -> Tensor:
    """Slopes that are not numbers become 0, which is as good a slope as any other."""
    return torch.where(torch.isfinite(slope), slope, 0.0)


def chord(low: Tensor, high: Tensor, x: Interval) -> Tensor:
    """About the slope from `(lower, low)` to `(upper, high)`; 0 for a point.

    Zhang et al. 2018, section 3.2. On a concave piece the line through both ends is the best from below.
    """
    return finite((high - low) / (x.upper - x.lower))


def best(lines: Sequence[Line], x: Interval, centre: Tensor | None = None) -> Line:
    """Per element the line that is highest at `centre`, the middle of the interval by default; of equals the first.

    An infinite or undefined intercept never wins against a finite one.
    """
    centre = middle(x) if centre is None else centre
    chosen, score = lines[0], _score(lines[0], centre)
    for line in lines[1:]:
        rival = _score(line, centre)
        better = rival > score
        chosen = Line(
            torch.where(better, line.slope, chosen.slope),
            torch.where(better, line.intercept, chosen.intercept),
        )
        score = torch.where(better, rival, score)
    return chosen


def flat(lower: Tensor) -> Line:
    """The horizontal line at a lower bound."""
    return Line(torch.zeros_like(lower), lower)


def relaxation(below: Line, minus_above: Line) -> Relaxation:
    """The planes of an op with one operand, from lines below `f` and below `-f`."""
    return Relaxation(
        plane((below.slope,), below.intercept), plane((-minus_above.slope,), -minus_above.intercept)
    )


def plane(slopes: Sequence[Tensor], intercept: Tensor) -> Plane:
    """A plane, without an intercept where it is zero everywhere."""
    return Plane(tuple(slopes), intercept if bool(intercept.any()) else None)


def negated(plane: Plane) -> Plane:
    """Minus the plane."""
    return Plane(
        tuple(-slope for slope in plane.slopes), None if plane.intercept is None else -plane.intercept
    )


def beside(planes: Relaxation, before: int = 0, after: int = 0) -> Relaxation:
    """The planes of an op of which only one operand varies, with slopes 0 for the known ones before and after it."""

    def padded(plane: Plane) -> Plane:
        still = torch.zeros_like(plane.slopes[0])
        return Plane((*[still] * before, *plane.slopes, *[still] * after), plane.intercept)

    return Relaxation(padded(planes.lower), padded(planes.upper))


def lowest(values: Sequence[Tensor]) -> Tensor:
    """The least of several bounds; one that is not a number is no bound."""
    result = down(values[0], 0)
    for value in values[1:]:
        result = torch.minimum(result, down(value, 0))
    return result


def _score(line: Line, centre: Tensor) -> Tensor:
    return torch.nan_to_num(line.at(centre), nan=-math.inf, posinf=math.inf, neginf=-math.inf)


def _aligned(x: Interval, rank: int) -> Interval:
    """Ones between the batch dimension and the operand's own, as torch broadcasts it without the batch."""
    missing = rank - x.lower.dim()
    if not missing:
        return x
    shape = (x.shape[0], *(1,) * missing, *x.shape[1:])
    return _ends(x, lambda end: end.reshape(shape))


def _ends(x: Interval, function: Callable[[Tensor], Tensor]) -> Interval:
    lower = function(x.lower)
    return Interval(lower, lower if x.is_point else function(x.upper), x.undefined)
