"""Hyperbolic functions and their inverses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval, derivatives
from torchlean.intervals.approximation import (
    Approximant,
    Approximation,
    computed,
    kernel,
    relative,
    vanishing,
)
from torchlean.intervals.rounding import TRANSCENDENTAL_ULPS, UNIT_ROUNDOFF
from torchlean.intervals.shapes import clipped, flagged, increasing, valley
from torchlean.ops.bent import Bent
from torchlean.ops.curves import Curved, between, curve
from torchlean.ops.elementwise import Elementwise, spell_unary
from torchlean.ops.linearization import Relaxation
from torchlean.ops.looked_up import Looked
from torchlean.ops.noise import elementwise as noise
from torchlean.ops.op import Attributes, Infinities, TensorType, register
from torchlean.ops.sigmoids import Sigmoidal

_LARGE = 700.0
"""Vectorised kernels of sinh and cosh overflow to infinity before the results do, at about 709.7 instead of
710.5.
"""


def _without_early_overflow(function: Callable[[Tensor], Tensor]) -> Approximant:
    """Beyond `_LARGE` both functions are `e**|x| / 2` to more than 600 digits, computed as `(e**(|x|/2) / 2)
    e**(|x|/2)`: two kernels and a product."""

    def approximant(points: Tensor) -> Approximation:
        root = torch.exp(points.abs() / 2)
        large = torch.copysign(root * 0.5 * root, function(points))
        value = torch.where(points.abs() > _LARGE, large, function(points))
        return relative(value, (4 * TRANSCENDENTAL_ULPS + 2) * UNIT_ROUNDOFF)

    return vanishing(approximant) if function is torch.sinh else approximant


@register
class Sinh(Looked, Elementwise):
    """`(e**x - e**-x) / 2`."""

    name = "sinh"
    function = staticmethod(torch.sinh)
    rounding = noise.Curve(noise.at_far_end(torch.cosh))
    planes = Bent(
        _without_early_overflow(torch.sinh), _without_early_overflow(torch.cosh), (0.0,), convex=False
    )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], _without_early_overflow(torch.sinh))


@register
class Cosh(Looked, Elementwise):
    """`(e**x + e**-x) / 2`."""

    name = "cosh"
    function = staticmethod(torch.cosh)
    rounding = noise.Curve(noise.at_far_end(torch.sinh), least=0.0)
    planes = Bent(_without_early_overflow(torch.cosh), _without_early_overflow(torch.sinh))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return valley(inputs[0], _without_early_overflow(torch.cosh), at=(0.0, 0.0), least=1.0)


@register
class Tanh(Looked, Elementwise):
    """`sinh(x) / cosh(x)`."""

    name = "tanh"
    function = staticmethod(torch.tanh)
    rounding = noise.Curve(noise.at_zero_most(derivatives.square_hyperbolic_secant), -1.0, 1.0)
    planes = Sigmoidal(
        computed(torch.tanh), derivatives.accurate(derivatives.square_hyperbolic_secant, bounded=True)
    )
    infinities = Infinities.SETTLED

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], kernel(torch.tanh), -1.0, 1.0)


@register
class Asinh(Looked, Elementwise):
    """The inverse of sinh."""

    name = "asinh"
    function = staticmethod(torch.asinh)
    rounding = noise.Curve(noise.at_zero_most(lambda x: torch.rsqrt(1.0 + x.square())))
    planes = Sigmoidal(
        computed(torch.asinh), derivatives.accurate(lambda x: 1.0 / torch.hypot(x, torch.ones_like(x)))
    )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], kernel(torch.asinh))


@register
class Acosh(Curved, Elementwise):
    """The inverse of cosh on `x >= 1`, undefined below."""

    name = "acosh"
    function = staticmethod(torch.acosh)
    rounding = noise.Curve(
        noise.at_lower(lambda x: torch.rsqrt((x - 1.0) * (x + 1.0))),
        least=0.0,
        modulus=lambda e: torch.log1p(e + torch.sqrt(2.0 * e + e.square())),
        domain=(1.0, math.inf),
    )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        bounds = increasing(clipped(x, 1.0, math.inf), kernel(torch.acosh), least=0.0)
        return flagged(bounds, x.lower < 1)

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        slope = derivatives.accurate(lambda x: 1.0 / (torch.sqrt(x - 1.0) * torch.sqrt(x + 1.0)))
        return between(self, inputs[0], attributes, [curve(kernel(torch.acosh), slope, convex=False)], at=at)


@register
class Atanh(Curved, Elementwise):
    """The inverse of tanh, undefined from -1 and 1 outward, where torch gives infinities or NaN."""

    name = "atanh"
    function = staticmethod(torch.atanh)
    rounding = noise.Curve(noise.at_far_end(lambda x: 1.0 / ((1.0 - x) * (1.0 + x))), domain=(-1.0, 1.0))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        bounds = increasing(clipped(x, -1.0, 1.0), kernel(torch.atanh))
        return flagged(bounds, (x.lower <= -1) | (x.upper >= 1))

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        slope = derivatives.accurate(lambda x: 1.0 / ((1.0 - x) * (1.0 + x)))
        return between(
            self, inputs[0], attributes, [curve(kernel(torch.atanh), slope, (0.0,), convex=False)], at=at
        )


for _op in ("sinh", "cosh"):
    spell_unary(_op)
spell_unary("tanh", also=["torch.nn.functional.tanh"])
for _op in ("asinh", "acosh", "atanh"):
    spell_unary(_op, f"arc{_op[1:]}")
