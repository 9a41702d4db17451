"""Sine, cosine, tangent and their inverses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval, derivatives
from torchlean.intervals.approximation import computed, kernel, relative
from torchlean.intervals.periodic import cosine, sine, tangent
from torchlean.intervals.rounding import TRANSCENDENTAL_ULPS, UNIT_ROUNDOFF
from torchlean.intervals.shapes import clipped, decreasing, flagged, increasing
from torchlean.ops import waves
from torchlean.ops.curves import ROUNDED_BENDS, Curve, Curved, Piece, between, curve
from torchlean.ops.elementwise import Elementwise, spell_binary, spell_unary
from torchlean.ops.linearization import Relaxation
from torchlean.ops.looked_up import Looked
from torchlean.ops.noise import elementwise as noise
from torchlean.ops.noise import partials
from torchlean.ops.noise.powers import Angle
from torchlean.ops.op import Attributes, TensorType, register
from torchlean.ops.planes import middle
from torchlean.ops.sigmoids import Sigmoidal

PI_ABOVE = math.nextafter(math.pi, math.inf)
"""`math.pi` lies below pi, its successor above."""

HALF_PI_ABOVE = PI_ABOVE / 2


@register
class Sin(Curved, Elementwise):
    """The sine."""

    name = "sin"
    function = staticmethod(torch.sin)
    wave = waves.wave(torch.sin, derivatives.sine, 0.0)
    rounding = noise.Curve(noise.steepest(1.0))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return sine(*inputs)

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        return waves.relax(self.wave, self, inputs[0], attributes, at)


@register
class Cos(Curved, Elementwise):
    """The cosine."""

    name = "cos"
    function = staticmethod(torch.cos)
    wave = waves.wave(torch.cos, derivatives.cosine, -0.5)
    rounding = noise.Curve(noise.steepest(1.0))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return cosine(*inputs)

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        return waves.relax(self.wave, self, inputs[0], attributes, at)


@register
class Tan(Curved, Elementwise):
    """The tangent; undefined across a pole."""

    name = "tan"
    function = staticmethod(torch.tan)
    rounding = noise.Curve(partials.tan)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return tangent(*inputs)

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        """Concave on the left of a multiple of pi, convex on the right; an interval has no pole inside."""
        value, slope = kernel(torch.tan), derivatives.accurate(derivatives.tangent)
        pieces = (Piece(value, slope, convex=False), Piece(value, slope, convex=True))
        branch = Curve(
            pieces, lambda x: [torch.round(middle(x) / math.pi) * math.pi], ROUNDED_BENDS, applies=waves.near
        )
        return between(self, inputs[0], attributes, [branch], at=at)


@register
class Asin(Curved, Elementwise):
    """The inverse sine, undefined outside `[-1, 1]`."""

    name = "asin"
    function = staticmethod(torch.asin)
    rounding = noise.Curve(noise.at_far_end(partials.arc), modulus=partials.arc_modulus, domain=(-1.0, 1.0))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        bounds = increasing(clipped(x, -1.0, 1.0), kernel(torch.asin), -HALF_PI_ABOVE, HALF_PI_ABOVE)
        return flagged(bounds, (x.lower < -1) | (x.upper > 1))

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        slope = derivatives.accurate(lambda x: 1.0 / torch.sqrt((1.0 - x) * (1.0 + x)))
        return between(
            self, inputs[0], attributes, [curve(kernel(torch.asin), slope, (0.0,), convex=False)], at=at
        )


@register
class Acos(Curved, Elementwise):
    """The inverse cosine, undefined outside `[-1, 1]`."""

    name = "acos"
    function = staticmethod(torch.acos)
    rounding = noise.Curve(noise.at_far_end(partials.arc), modulus=partials.arc_modulus, domain=(-1.0, 1.0))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        bounds = decreasing(clipped(x, -1.0, 1.0), kernel(torch.acos), 0.0, PI_ABOVE)
        return flagged(bounds, (x.lower < -1) | (x.upper > 1))

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        slope = derivatives.accurate(lambda x: -1.0 / torch.sqrt((1.0 - x) * (1.0 + x)))
        return between(
            self, inputs[0], attributes, [curve(kernel(torch.acos), slope, (0.0,), convex=True)], at=at
        )


@register
class Atan(Looked, Elementwise):
    """The inverse tangent."""

    name = "atan"
    function = staticmethod(torch.atan)
    rounding = noise.Curve(noise.at_zero_most(derivatives.cauchy_density))
    planes = Sigmoidal(computed(torch.atan), derivatives.accurate(derivatives.cauchy_density, bounded=True))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], kernel(torch.atan), -HALF_PI_ABOVE, HALF_PI_ABOVE)


@register
class Atan2(Elementwise):
    """The angle of the point `(x, y)`, given as `atan2(y, x)`; 0 at the origin.

    On a box away from the cut (the negative x axis, with the origin where the box goes left of it) the angle
    is extreme at corners: it has no critical point, and along an edge it is monotone.
    """

    name = "atan2"
    function = staticmethod(torch.atan2)
    rounding = Angle()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        y, x = (Interval(v.lower + 0.0, v.upper + 0.0, v.undefined) for v in inputs)  # -0.0 is 0.0
        # For torch it is left of the cut; where an end is known to be -0.0, that result is inside, too.
        left = (x.lower < 0) | ((x.lower == 0) & inputs[1].lower.signbit())
        cut = left & (y.lower <= 0) & (y.upper >= 0)
        corners = torch.stack([torch.atan2(a, b) for a in (y.lower, y.upper) for b in (x.lower, x.upper)])
        angles = relative(corners, 2 * TRANSCENDENTAL_ULPS * UNIT_ROUNDOFF)
        lower = angles.below().amin(0).clamp(min=-PI_ABOVE)
        upper = angles.above().amax(0).clamp(max=PI_ABOVE)
        return Interval(torch.where(cut, -PI_ABOVE, lower), torch.where(cut, PI_ABOVE, upper))


for _op in ("sin", "cos", "tan"):
    spell_unary(_op)
for _op in ("asin", "acos", "atan"):
    spell_unary(_op, f"arc{_op[1:]}")
spell_binary("atan2", "arctan2")
