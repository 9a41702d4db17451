"""Exponentials, logarithms, roots and the error function."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval, derivatives, smooth
from torchlean.intervals import arithmetic as exact
from torchlean.intervals.approximation import Approximation, computed, kernel, relative
from torchlean.intervals.rounding import ERFC_ULPS, UNIT_ROUNDOFF
from torchlean.intervals.shapes import clipped, decreasing, flagged, increasing
from torchlean.ops.bent import Bent
from torchlean.ops.corners import plus_difference
from torchlean.ops.curves import between, curve
from torchlean.ops.elementwise import Elementwise, spell_binary, spell_unary
from torchlean.ops.linearization import Relaxation
from torchlean.ops.looked_up import Looked
from torchlean.ops.noise import elementwise as noise
from torchlean.ops.noise import kernels, partials
from torchlean.ops.op import Attributes, Infinities, TensorType, register
from torchlean.ops.planes import operands_of
from torchlean.ops.sigmoids import Sigmoidal


@register
class Exp(Looked, Elementwise):
    """`e**x`."""

    name = "exp"
    function = staticmethod(torch.exp)
    rounding = noise.Curve(noise.at_upper(torch.exp), least=0.0)
    infinities = Infinities.MOVED
    planes = Bent(computed(torch.exp), derivatives.accurate(torch.exp))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], kernel(torch.exp), least=0.0)


@register
class Exp2(Looked, Elementwise):
    """`2**x`."""

    name = "exp2"
    function = staticmethod(torch.exp2)
    rounding = noise.Curve(noise.at_upper(torch.exp2), least=0.0)
    planes = Bent(computed(torch.exp2), derivatives.accurate(lambda x: torch.exp2(x) * math.log(2.0)))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], kernel(torch.exp2), least=0.0)


@register
class Expm1(Looked, Elementwise):
    """`e**x - 1`, accurate near zero."""

    name = "expm1"
    function = staticmethod(torch.expm1)
    rounding = noise.Curve(noise.at_upper(torch.exp))
    planes = Bent(computed(torch.expm1), derivatives.accurate(torch.exp))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], kernel(torch.expm1), least=-1.0)


class _Logarithm(Looked, Elementwise):
    """Undefined up to and including the pole, where torch gives `-inf`; the upper bound is still of use."""

    pole = 0.0

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        bounds = increasing(clipped(x, self.pole, math.inf), kernel(self.function))
        return flagged(bounds, x.lower <= self.pole)


def _logarithm(function: Callable[[Tensor], Tensor], base: float = 1.0, pole: float = 0.0) -> Bent:
    """The planes of a logarithm; `base` is the natural logarithm of its base."""
    slope = derivatives.accurate(lambda x: 1.0 / (x - pole) / base)
    return Bent(computed(function), slope, convex=False, undefined=lambda x: x.lower <= pole)


@register
class Log(_Logarithm):
    """The natural logarithm."""

    name = "log"
    function = staticmethod(torch.log)
    rounding = noise.Curve(noise.at_lower(torch.reciprocal), domain=(0.0, math.inf))
    planes = _logarithm(torch.log)


@register
class Log2(_Logarithm):
    """The logarithm to base 2."""

    name = "log2"
    function = staticmethod(torch.log2)
    rounding = noise.Curve(noise.at_lower(lambda x: 1.4427 / x), domain=(0.0, math.inf))
    planes = _logarithm(torch.log2, math.log(2.0))


@register
class Log10(_Logarithm):
    """The logarithm to base 10."""

    name = "log10"
    function = staticmethod(torch.log10)
    rounding = noise.Curve(noise.at_lower(lambda x: 0.43430 / x), domain=(0.0, math.inf))
    planes = _logarithm(torch.log10, math.log(10.0))


@register
class Log1p(_Logarithm):
    """`log(1 + x)`, accurate near zero."""

    name = "log1p"
    function = staticmethod(torch.log1p)
    rounding = noise.Curve(noise.at_lower(lambda x: 1.0 / (1.0 + x)), domain=(-1.0, math.inf))
    planes = _logarithm(torch.log1p, pole=-1.0)
    pole = -1.0


@register
class Sqrt(Looked, Elementwise):
    """The square root."""

    name = "sqrt"
    function = staticmethod(torch.sqrt)
    rounding = noise.Curve(
        noise.at_lower(lambda x: 0.5 * torch.rsqrt(x)),
        0.0,
        modulus=torch.sqrt,
        domain=(0.0, math.inf),
    )
    planes = Bent(
        computed(torch.sqrt),
        derivatives.accurate(lambda x: 0.5 / torch.sqrt(x)),
        convex=False,
        undefined=lambda x: x.lower < 0,
    )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return exact.sqrt(*inputs)


@register
class Rsqrt(Looked, Elementwise):
    """`1 / sqrt(x)`."""

    name = "rsqrt"
    function = staticmethod(torch.rsqrt)
    rounding = noise.Curve(
        noise.at_lower(lambda x: 0.5 * torch.rsqrt(x) / x), least=0.0, domain=(0.0, math.inf)
    )
    planes = Bent(
        computed(torch.rsqrt),
        derivatives.accurate(lambda x: torch.rsqrt(x) / x * -0.5),
        undefined=lambda x: x.lower <= 0,
    )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        bounds = decreasing(clipped(x, 0.0, math.inf), kernel(torch.rsqrt), least=0.0)
        return flagged(bounds, x.lower <= 0)


@register
class Erf(Looked, Elementwise):
    """The error function."""

    name = "erf"
    function = staticmethod(torch.erf)
    rounding = noise.Curve(noise.at_zero_most(derivatives.gaussian))
    planes = Sigmoidal(
        computed(torch.erf), derivatives.accurate(derivatives.gaussian, torch.square, bounded=True)
    )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], kernel(torch.erf), -1.0, 1.0)


@register
class Erfc(Looked, Elementwise):
    """`1 - erf(x)`, accurate for large `x`."""

    name = "erfc"
    function = staticmethod(torch.erfc)
    rounding = noise.Curve(noise.at_zero_most(derivatives.gaussian), least=0.0)
    planes = Bent(
        computed(torch.erfc, ERFC_ULPS),
        derivatives.minus(derivatives.accurate(derivatives.gaussian, torch.square, bounded=True)),
        (0.0,),
        convex=False,
    )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return decreasing(inputs[0], kernel(torch.erfc, ERFC_ULPS), 0.0, 2.0)


@register
class Logaddexp(Elementwise):
    """`log(e**a + e**b)`: increasing in both."""

    name = "logaddexp"
    function = staticmethod(torch.logaddexp)
    rounding = noise.Several(partials.ones, kernels.error)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        a, b = inputs
        low = _log_of_sum(a.lower, b.lower)
        high = low if a.is_point and b.is_point else _log_of_sum(a.upper, b.upper)
        return Interval(low.below(), high.above())

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        """`b + softplus(a - b)`: the line around softplus becomes a plane."""
        a, b = operands_of(inputs)
        difference = exact.sub(a, b)
        bounds = increasing(difference, smooth.softplus(1.0), least=0.0)
        shape = curve(smooth.softplus(1.0), derivatives.softplus(1.0), convex=True)
        return plus_difference(b, between(self, difference, attributes, [shape], bounds))


@register
class Xlogy(Elementwise):
    """`x * log(y)`, and 0 where `x` is 0, whatever `y` is."""

    name = "xlogy"
    function = staticmethod(torch.xlogy)
    rounding = noise.Several(partials.xlogy, kernels.error)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        x, y = inputs
        logarithm = increasing(clipped(y, 0.0, math.inf), kernel(torch.log))
        undefined = (y.lower <= 0) & ((x.lower != 0) | (x.upper != 0))
        return flagged(exact.mul(x, logarithm), undefined)


def _log_of_sum(a: Tensor, b: Tensor) -> Approximation:
    """`max + log1p(e**-|a - b|)`.

    The logarithm lies in `[0, log 2]` and is off by less than 16 u with all that goes into it (the
    difference's rounding enters as `d e**-d u`); the sum adds one rounding of a number of at most `|max| +
    1`.
    """
    larger = torch.maximum(a, b)
    # Two infinite ends of the same sign are no distance apart.
    distance = torch.where(a == b, 0.0, (a - b).abs())
    value = larger + torch.log1p(torch.exp(-distance))
    error = relative(larger, 4 * UNIT_ROUNDOFF).error + 32 * UNIT_ROUNDOFF
    return Approximation(value, error)


for _op in ("exp", "log", "log2", "log10", "sqrt", "rsqrt"):
    spell_unary(_op)
for _op in ("exp2", "expm1", "log1p", "erf", "erfc"):
    spell_unary(_op, also=[f"torch.special.{_op}"])
spell_binary("logaddexp")
spell_binary("xlogy", also=["torch.special.xlogy"])
