"""Sine, cosine, tangent and their inverses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from torchlean.intervals import Interval
from torchlean.intervals.approximation import kernel, relative
from torchlean.intervals.periodic import cosine, sine, tangent
from torchlean.intervals.rounding import TRANSCENDENTAL_ULPS, UNIT_ROUNDOFF
from torchlean.intervals.shapes import clipped, decreasing, flagged, increasing
from torchlean.ops.elementwise import Elementwise, spell_binary, spell_unary
from torchlean.ops.op import Attributes, TensorType, register

PI_ABOVE = math.nextafter(math.pi, math.inf)
"""`math.pi` lies below pi, its successor above."""

HALF_PI_ABOVE = PI_ABOVE / 2


@register
class Sin(Elementwise):
    """The sine."""

    name = "sin"
    function = staticmethod(torch.sin)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return sine(*inputs)


@register
class Cos(Elementwise):
    """The cosine."""

    name = "cos"
    function = staticmethod(torch.cos)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return cosine(*inputs)


@register
class Tan(Elementwise):
    """The tangent; undefined across a pole."""

    name = "tan"
    function = staticmethod(torch.tan)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return tangent(*inputs)


@register
class Asin(Elementwise):
    """The inverse sine, undefined outside `[-1, 1]`."""

    name = "asin"
    function = staticmethod(torch.asin)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        bounds = increasing(clipped(x, -1.0, 1.0), kernel(torch.asin), -HALF_PI_ABOVE, HALF_PI_ABOVE)
        return flagged(bounds, (x.lower < -1) | (x.upper > 1))


@register
class Acos(Elementwise):
    """The inverse cosine, undefined outside `[-1, 1]`."""

    name = "acos"
    function = staticmethod(torch.acos)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        bounds = decreasing(clipped(x, -1.0, 1.0), kernel(torch.acos), 0.0, PI_ABOVE)
        return flagged(bounds, (x.lower < -1) | (x.upper > 1))


@register
class Atan(Elementwise):
    """The inverse tangent."""

    name = "atan"
    function = staticmethod(torch.atan)

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

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        y, x = inputs
        cut = (x.lower < 0) & (y.lower <= 0) & (y.upper >= 0)
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
