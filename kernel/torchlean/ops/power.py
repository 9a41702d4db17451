"""Powers, and the length of a vector of two components.

`pow` has its exponent as a number, as torch reads `x ** 3`; `pow_tensor` has both as tensors (`2 ** x` among
them). For an integer exponent the base may be negative; for any other a negative base is undefined.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from torchlean.intervals import Interval, derivatives
from torchlean.intervals import arithmetic as exact
from torchlean.intervals.approximation import Approximant, Approximation, relative
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, TRANSCENDENTAL_ULPS, UNIT_ROUNDOFF
from torchlean.intervals.shapes import clipped, flagged
from torchlean.ops.bent import Bent
from torchlean.ops.curves import Curve, between, curve
from torchlean.ops.elementwise import Elementwise, computed, no_out, number, spell_binary
from torchlean.ops.linearization import Relaxation
from torchlean.ops.noise import elementwise as noise
from torchlean.ops.noise import kernels, partials
from torchlean.ops.noise.powers import ConstantPower, TensorPower
from torchlean.ops.op import Attributes, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.planes import beside, bounds_of, operands_of
from torchlean.ops.spelling import Emitter, Operand, TensorValue, spelled


@register
class Pow(Elementwise):
    """`x ** exponent` for a number `exponent`."""

    name = "pow"
    function = staticmethod(torch.pow)
    rounding = ConstantPower()

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        super().check(inputs, attributes)
        exponent = attributes["exponent"]
        if isinstance(exponent, int) and exponent < 0 and not inputs[0].dtype.is_floating_point:
            raise ShapeError(f"integers have no power with the negative integer exponent {exponent}")

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        exponent = number(attributes, "exponent")
        if not math.isfinite(exponent):
            raise UnsupportedError(f"no bounds for the exponent {exponent}")
        if exponent == 1.0:
            return x
        if exponent == 2.0:
            return exact.square(x)
        if exponent == 0.5:
            return exact.sqrt(x)
        if exponent == math.floor(exponent):
            return _whole(_integer_power(x, torch.tensor(exponent, dtype=torch.float64)), out)
        # The vectorised kernels of float32 round the exponent, the others do not: both powers are bounded.
        ends = sorted((exponent, computed(exponent, out.dtype)))
        power = Interval(*torch.tensor(ends, dtype=torch.float64))
        return _real_power(x, power, undefined=torch.ones((), dtype=torch.bool))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        (x,) = inputs
        exponent = number(attributes, "exponent")
        whole = exponent == math.floor(exponent)
        if whole and exponent > 1.0 and math.fmod(exponent, 2.0):
            return _odd_power(exponent).relax(self, inputs, attributes)
        # The type of the operand is not known here: where float32 rounds the exponent, both powers are bounded.
        exponents = [exponent] if whole else sorted({exponent, computed(exponent, torch.float32)})
        return between(self, x, attributes, [_power_curve(p) for p in exponents])


@register
class PowTensor(Elementwise):
    """`base ** exponent` of two tensors."""

    name = "pow_tensor"
    function = staticmethod(torch.pow)
    rounding = TensorPower()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        base, exponent = inputs
        if not out.dtype.is_floating_point:
            return _whole(_integer_tensor_power(base, exponent), out)
        n = exponent.lower
        whole = (n == exponent.upper) & (n == torch.round(n))
        if bool(whole.all()):
            return _integer_power(base, n)
        real = _real_power(base, exponent, undefined=~whole)
        integer = _integer_power(base, torch.where(whole, n, 1.0))
        return Interval(
            torch.where(whole, integer.lower, real.lower),
            torch.where(whole, integer.upper, real.upper),
            integer.undefined or real.undefined,
        )

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        """`b ** x` for a known base `b > 0`, which is convex."""
        base, exponent = operands_of(inputs)
        if not (torch.equal(base.lower, base.upper) and bool((base.lower > 0).all())):
            raise UnsupportedError("powers have planes for a known positive base, or a number as exponent")
        bounds = bounds_of(self, [base, exponent], attributes)
        slope = derivatives.accurate(lambda x: torch.pow(base.lower, x) * torch.log(base.lower))
        powers = curve(lambda x: _power(base.lower, x), slope, convex=True)
        return beside(between(self, exponent, attributes, [powers], bounds), before=1)


@register
class Hypot(Elementwise):
    """`sqrt(a**2 + b**2)`: increasing in both magnitudes."""

    name = "hypot"
    function = staticmethod(torch.hypot)
    rounding = noise.Several(partials.ones, kernels.error)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        near = [torch.maximum(x.lower, -x.upper).clamp(min=0.0) for x in inputs]
        far = [torch.maximum(-x.lower, x.upper) for x in inputs]
        low, high = _approximately(torch.hypot(*near)), _approximately(torch.hypot(*far))
        return Interval(low.below().clamp(min=0.0), high.above())


def _integer_power(x: Interval, n: Tensor) -> Interval:
    """`x ** n` for integers `n`, one for each element or one for all.

    Away from zero the power is monotone, so the extremes are at the ends. Across zero that also holds for odd
    `n > 0`; an even one has its minimum 0 there, and a negative one a pole.
    """
    low = _power(x.lower, n)
    high = low if x.is_point else _power(x.upper, n)
    zero = (x.lower <= 0) & (x.upper >= 0)
    even = torch.remainder(n, 2) == 0
    lower = torch.minimum(low.below(), high.below())
    upper = torch.maximum(low.above(), high.above())
    # Only the error bound goes below zero where no power does.
    lower = torch.where(even | (x.lower >= 0), lower.clamp(min=0.0), lower)
    lower = lower.masked_fill(zero & even & (n > 0), 0.0)
    pole = zero & (n < 0)
    return Interval(
        lower.masked_fill(pole, -math.inf), upper.masked_fill(pole, math.inf), undefined=bool(pole.any())
    )


def _integer_tensor_power(base: Interval, exponent: Interval) -> Interval:
    """Integer tensors. torch gives -1, 0 or 1 for a negative exponent, which is no power but has bounds."""
    positive = Interval(exponent.lower.clamp(min=0.0), exponent.upper.clamp(min=0.0))
    lowest, highest = _integer_power(base, positive.lower), _integer_power(base, positive.upper)
    largest = _power(torch.maximum(base.lower.abs(), base.upper.abs()).clamp(min=1.0), positive.upper).above()
    fixed = positive.lower == positive.upper
    lower = torch.where(fixed, torch.minimum(lowest.lower, highest.lower), -largest)
    lower = torch.where(~fixed & (base.lower >= 0), 0.0, lower)
    upper = torch.where(fixed, torch.maximum(lowest.upper, highest.upper), largest)
    negative = exponent.lower < 0
    return Interval(
        torch.where(negative, lower.clamp(max=-1.0), lower),
        torch.where(negative, upper.clamp(min=1.0), upper),
    )


def _real_power(base: Interval, exponent: Interval, undefined: Tensor) -> Interval:
    """`base ** exponent` where the exponent need not be an integer.

    For `base >= 0` the power is monotone in each operand for a fixed other one, so its extremes are at
    corners. A negative base has a power only where the exponent happens to be an integer; all that is claimed
    there is `|base ** exponent| = |base| ** exponent`.
    """
    integer_inside = torch.ceil(exponent.lower) <= torch.floor(exponent.upper)
    negative = (base.lower < 0) & integer_inside
    near = torch.where(negative, torch.maximum(-base.upper, base.lower), base.lower)
    far = torch.where(negative, torch.maximum(-base.lower, base.upper), base.upper)
    magnitude = clipped(Interval(near, far), 0.0, math.inf)
    corners = [
        _power(b, e) for b in (magnitude.lower, magnitude.upper) for e in (exponent.lower, exponent.upper)
    ]
    upper = torch.stack([corner.above() for corner in corners]).amax(0)
    lower = torch.stack([corner.below() for corner in corners]).amin(0).clamp(min=0.0)
    undefined = undefined & ((base.lower < 0) | (base.lower == 0) & (exponent.lower < 0))
    return flagged(Interval(torch.where(negative, -upper, lower), upper), undefined)


@lru_cache(32)
def _odd_power(exponent: float) -> Bent:
    """`x ** 3` and its like, concave on the left of 0 and convex on the right."""
    return Bent(*_power_and_slope(exponent), (0.0,), convex=False)


def _power_curve(exponent: float) -> Curve:
    """`x ** exponent`, but for odd powers; those with a pole at 0, which no interval contains, change there.

    `f'' = p (p - 1) x**(p - 2)`.
    """
    value, slope = _power_and_slope(exponent)
    if math.fmod(exponent, 2.0) == -1.0:
        return curve(value, slope, (0.0,), convex=False)
    return curve(value, slope, convex=exponent >= 1.0 or exponent <= 0.0)


def _power_and_slope(exponent: float) -> tuple[Approximant, Approximant]:
    """The derivative's exponent `p - 1` may be rounded, which weighs `|log x|`."""

    def value(x: Tensor) -> Approximation:
        return _power(x, torch.tensor(exponent, dtype=torch.float64))

    def condition(x: Tensor) -> Tensor:
        return x.abs().log().abs() * (abs(exponent) + 1.0)

    slope = derivatives.accurate(lambda x: exponent * torch.pow(x, exponent - 1.0), condition, exponent)
    return value, slope


def _power(base: Tensor, exponent: Tensor) -> Approximation:
    return _approximately(torch.pow(base, exponent))


def _approximately(value: Tensor) -> Approximation:
    """A result of the platform's pow or hypot, which are as accurate as its other functions."""
    bound = 2 * TRANSCENDENTAL_ULPS
    return relative(value, bound * UNIT_ROUNDOFF, bound * SMALLEST_SUBNORMAL)


def _whole(x: Interval, out: TensorType) -> Interval:
    """Bounds of an integer: the integers inside."""
    if out.dtype.is_floating_point:
        return x
    lower, upper = torch.ceil(x.lower), torch.floor(x.upper)
    return Interval(lower, lower if torch.equal(lower, upper) else upper, x.undefined)


@spelled("torch.pow", "torch.Tensor.pow")
def pow(emitter: Emitter, input: Operand, exponent: Operand, *, out: object = None) -> TensorValue:
    no_out(out)
    return _raised(emitter, input, exponent)


@spelled("torch.Tensor.__pow__")
def dunder_pow(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
    return _raised(emitter, input, other)


@spelled("torch.Tensor.__rpow__")
def dunder_rpow(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
    return _raised(emitter, other, input)


@spelled("torch.Tensor.pow_")
def pow_(emitter: Emitter, input: TensorValue, exponent: Operand) -> TensorValue:
    return emitter.overwrite(input, _raised(emitter, input, exponent))


@spelled("torch.Tensor.__ipow__")
def dunder_ipow(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
    return emitter.overwrite(input, _raised(emitter, input, other))


def _raised(emitter: Emitter, base: Operand, exponent: Operand) -> TensorValue:
    """A number as exponent becomes an attribute; `x ** 2` is a square, as torch computes it."""
    if isinstance(base, int | float) or not isinstance(exponent, int | float):
        return emitter.emit("pow_tensor", base, exponent)
    if exponent == 2 and base.dtype.is_floating_point:
        return emitter.emit("square", base)
    return emitter.emit("pow", base, exponent=exponent)


spell_binary("hypot")
