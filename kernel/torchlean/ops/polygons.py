"""Lines around functions of straight pieces: relu and its kin, clamping, shrinking, signs.

On each piece `f(x) - slope * x` is straight, so its minimum over an interval lies at an end or at a knot, where the
pieces meet (or where the function jumps: then at the lower of its limits). The intercept is therefore exact for
every slope, and the best line runs through two of these points: the convex envelope has no other edges.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.directed import round_up, two_product
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF
from torchlean.ops.linearization import Plane, Relaxation
from torchlean.ops.op import Attributes, Op
from torchlean.ops.planes import Line, best, bounds_of, chord, flat, negated, plane, relaxation, under


@dataclass(frozen=True, slots=True)
class Knot:
    """Where pieces meet: the place, and the least and greatest of the function's value and its limits there.

    Tensors where they depend on the interval; a place that is not a number is nowhere.
    """

    place: float | Tensor
    least: float | Tensor
    greatest: float | Tensor

    @staticmethod
    def at(place: float, value: float) -> Knot:
        """A knot of a continuous function."""
        return Knot(place, value, value)


def polygon(
    op: Op, x: Interval, attributes: Attributes, knots: Sequence[Knot], steepest: float = 2.0**20
) -> Relaxation:
    """The planes of an op whose graph consists of straight pieces between `knots`.

    Args:
        steepest: limit of the slopes' magnitude. A chord of a tiny interval may come out steeper than any piece, by the
            rounding of its ends. At a jump no slope is too steep in theory, but what multiplies the operand multiplies
            the looseness of the operand's own bounds too, hence the default.
    """
    bounds = bounds_of(op, [x], attributes)
    ends = [bounds_of(op, [Interval.point(end)], attributes) for end in (x.lower, x.upper)]
    low = [(knot.place, knot.least) for knot in knots]
    minus_high = [(knot.place, -knot.greatest) for knot in knots]
    return relaxation(
        _line(x, [end.lower for end in ends], low, bounds.lower, steepest),
        _line(x, [-end.upper for end in ends], minus_high, -bounds.upper, steepest),
    )


def kinked(
    x: Interval, left: float | Tensor, right: float | Tensor, alpha: Tensor | None = None
) -> tuple[Plane, Plane]:
    """Planes of `left * x` for `x < 0`, `right * x` for `x > 0`: relu, leaky relu, the absolute value.

    Where `left <= right` the function is convex. Below it lies every line through the origin with a slope between the
    two; above it, one that is above at both ends. Where the sign is known both planes are the function itself. Else the
    chord is the best above, and below by default the slope with less area: `right` where `upper > -lower` (Zhang et
    al. 2018, section 3.3, "adaptive").

    Args:
        left, right: numbers, or tensors of the shape of `x` after broadcasting.
        alpha: in [0, 1]; where the sign is not known, the slope `left + alpha * (right - left)` instead.

    Returns:
        The lower and the upper plane; for `left > right` (a concave function) by way of `-f`.
    """
    if alpha is None and isinstance(left, float) and (left, right) == (0.0, 1.0):
        found = _relu(x)
        if found is not None:
            return found
    zero = torch.zeros_like(x.lower)
    a, b = zero + left, zero + right
    concave = a > b
    if not bool(concave.any()):
        return _convex_kink(x, a, b, alpha)
    sign = torch.where(concave, -1.0, 1.0)
    low, high = _convex_kink(x, a * sign, b * sign, alpha)
    return _swapped(low, high, concave), _swapped(high, low, concave)


def _relu(x: Interval) -> tuple[Plane, Plane] | None:
    """`kinked` for relu in few passes: networks spend much of their time here. None on intervals too wide for float64.

    Above, any line through the point `(lower, 0)` with a slope of at least `upper / (upper - lower)` will do. The
    quotient is off by two roundings, or half a subnormal, and so is the intercept. What is added for that is zero where
    the sign is known, so that both planes are the function itself there.
    """
    below, above = x.lower.clamp(max=0.0).neg_(), x.upper.clamp(min=0.0)
    width = above + below
    if width.numel() and not math.isfinite(float(width.amax())):
        return None
    open = torch.minimum(below, above).clamp_(max=_TINY)
    quotient = above / width.clamp_(min=SMALLEST_SUBNORMAL)
    slope = torch.add(open, quotient, alpha=1 + 8 * UNIT_ROUNDOFF).clamp_(max=1.0)
    intercept = torch.add(open, slope * below, alpha=1 + 8 * UNIT_ROUNDOFF)
    chosen = (above > below).to(torch.float64)
    return Plane((chosen,)), Plane((slope,), intercept)


_TINY = 2.0**-1000
"""More than half a subnormal, and no more than nothing beside any other number."""


def staircase(
    op: Op,
    x: Interval,
    attributes: Attributes,
    least: float | Tensor,
    greatest: float | Tensor,
    jumps: Sequence[Knot] = (),
) -> Relaxation:
    """The planes of an op that rounds to integers, `least <= f(x) - x <= greatest`.

    Args:
        jumps: the first and the last inside the interval: the corners of the steps in between lie on the lines between
            theirs. Not used where float64 has no halves any more.
    """
    steps = polygon(op, x, attributes, jumps) if jumps else None
    bounds = bounds_of(op, [x], attributes)
    one, zero = torch.ones_like(x.lower), torch.zeros_like(x.lower)
    below = [flat(bounds.lower), Line(one, zero + least)]
    above = [flat(-bounds.upper), Line(-one, zero - greatest)]
    if steps is not None:
        near = (x.lower.abs() < _HALVES) & (x.upper.abs() < _HALVES)
        below.append(_line_of(steps.lower, near))
        above.append(_line_of(negated(steps.upper), near))
    return relaxation(best(below, x), best(above, x))


_HALVES = 2.0**51
"""Below this, numbers half-way between integers are float64, and so is every number of `Knot`s made from them."""


def _line_of(plane: Plane, where: Tensor) -> Line:
    """A plane of one operand as a line, and no line elsewhere."""
    intercept = torch.zeros_like(plane.slopes[0]) if plane.intercept is None else plane.intercept
    return Line(plane.slopes[0], torch.where(where, intercept, -math.inf))


def _convex_kink(x: Interval, left: Tensor, right: Tensor, alpha: Tensor | None) -> tuple[Plane, Plane]:
    lower, upper = x.lower, x.upper
    open = (lower < 0) & (upper > 0)
    known = torch.where(lower >= 0, right, left)
    # Exact where a slope is 0 or 1; else a step above.
    low_end, high_end = (round_up(*two_product(slope, end)) for slope, end in ((left, lower), (right, upper)))
    steepness = chord(low_end, high_end, x)
    steepness = torch.where(open, torch.minimum(torch.maximum(steepness, left), right), known)
    excess = torch.maximum(-under(-low_end, -steepness, lower), -under(-high_end, -steepness, upper))
    if alpha is None:
        chosen = torch.where(upper > -lower, right, left)
    else:
        # The clamp undoes what rounding may add.
        chosen = torch.minimum(torch.maximum(left + alpha * (right - left), left), right)
    return Plane((torch.where(open, chosen, known),)), plane((steepness,), torch.where(open, excess, 0.0))


def _swapped(plane: Plane, other: Plane, where: Tensor) -> Plane:
    """`-other` where asked for, else `plane`."""
    zero = torch.zeros(())
    ours, theirs = plane.intercept, other.intercept
    intercept = torch.where(where, -(zero if theirs is None else theirs), zero if ours is None else ours)
    return Plane((torch.where(where, -other.slopes[0], plane.slopes[0]),), intercept.to(torch.float64))


def _line(
    x: Interval,
    ends: Sequence[Tensor],
    knots: Sequence[tuple[float | Tensor, float | Tensor]],
    bound: Tensor,
    steepest: float,
) -> Line:
    """The best line below the points at the ends and at the knots inside."""
    places, values = [x.lower], [ends[0]]
    for place, value in knots:
        inside = (x.lower <= place) & (place <= x.upper)
        # A knot elsewhere is replaced by an end, which is there anyway.
        places.append(torch.where(inside, place, x.lower))
        values.append(torch.where(inside, value, ends[0]))
    place, value = torch.stack([*places, x.upper]), torch.stack([*values, ends[1]])
    first, second = zip(*itertools.combinations(range(len(place)), 2), strict=True)
    left, right = list(first), list(second)
    slopes = chord(value[left], value[right], Interval(place[left], place[right])).clamp(-steepest, steepest)
    intercepts = under(value, slopes.unsqueeze(1), place).amin(1)
    return best([flat(bound), *map(Line, slopes, intercepts)], x)


__all__ = ["Knot", "kinked", "polygon", "staircase"]
