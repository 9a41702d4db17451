"""Planes around quotients `start + scale * a / b`, for a divisor of one sign.

For a fixed divisor the quotient is affine in `a`, so `scale * a / b - s a - t b` is extreme where `a` is at an end `A`.
There it is a function of `b` alone, `scale * A / b - t b`: convex where `scale * A / b` is positive, else concave. A
concave one is least at an end; a convex one lies above its tangents, and is least where `b**2 = -scale * A / t`.

The slopes tried are those of McCormick's planes around the product of `a` and `1 / b`, with `1 / b` replaced by its
tangent in the middle or by its chord.
"""

from __future__ import annotations

import torch
from torch import Tensor

from torchlean.intervals import Interval, derivatives
from torchlean.intervals.approximation import Approximant, Approximation
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, up
from torchlean.ops.corners import Slopes, best_plane, corner_pairs, stacked
from torchlean.ops.curves import Piece, hanging, touching
from torchlean.ops.linearization import Relaxation
from torchlean.ops.planes import middle, negated, under


def quotient(
    bounds: Interval, a: Interval, b: Interval, start: Interval | None = None, scale: float = 1.0
) -> Relaxation:
    """The planes of `start + scale * a / b`; operands of the same shape, without 0 in the divisor.

    Args:
        bounds: of the result.
        start: None where there is no such operand. It has the slope 1, exactly, and takes no part in the intercept.
    """
    candidates = _slopes(a, b, scale)
    operands = [a, b]
    if start is not None:
        candidates = [(torch.ones_like(a.lower), *pair) for pair in candidates]
        operands = [start, a, b]
    slopes = stacked(candidates)
    opposite = [-slope for slope in slopes]
    below = best_plane(operands, slopes, _floor(a, b, scale, slopes), bounds.lower)
    above = best_plane(operands, opposite, _floor(a, b, -scale, opposite), -bounds.upper)
    return Relaxation(below, negated(above))


def _slopes(a: Interval, b: Interval, scale: float) -> list[Slopes]:
    """Those of `scale * (q * a + p / b)` for the pairs `(p, q)` of McCormick's planes."""
    centre = middle(b)
    inverse = Interval(1.0 / b.upper, 1.0 / b.lower)
    falls = [-1.0 / (end * other) for end, other in ((centre, centre), (b.lower, b.upper))]
    return [(scale * q, scale * p * fall) for p, q in corner_pairs(a, inverse) for fall in falls]


def _floor(a: Interval, b: Interval, scale: float, slopes: Slopes) -> Tensor:
    """Lower bounds of `scale * a / b - s a - t b` on the box for the last two slopes `s`, `t` of each candidate."""
    *_, s, t = slopes
    return torch.minimum(*(under(_along_divisor(end, b, scale, t), s, end) for end in (a.lower, a.upper)))


def _fall(end: Tensor, scale: float) -> Approximant:
    """The derivative `-scale * end / x**2`: where the first quotient underflows, the second enlarges its error."""
    slope = derivatives.accurate(lambda x: -(end / x) / x * scale, factor=scale)

    def approximant(points: Tensor) -> Approximation:
        found = slope(points)
        lost = (4 * SMALLEST_SUBNORMAL * abs(scale)) / points.abs()
        return Approximation(found.value, up(found.error + up(lost)))

    return approximant


def _along_divisor(end: Tensor, b: Interval, scale: float, t: Tensor) -> Tensor:
    """Lower bounds of `scale * end / b - t b` for all `b`."""
    piece = Piece(
        derivatives.accurate(lambda x: end / x * scale, factor=scale), _fall(end, scale), convex=True
    )
    root = torch.copysign(torch.sqrt(-(end / t) * scale), b.lower)
    nearest = torch.where(torch.isnan(root), middle(b), root)
    nearest = torch.minimum(torch.maximum(nearest, b.lower), b.upper)
    convex = end * scale * torch.sign(b.lower) >= 0
    return torch.where(convex, touching(piece, t, nearest, b), hanging(piece, t, b))
