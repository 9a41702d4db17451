"""Rules for ops on single elements: sums, products and quotients with one rounding each, and smooth functions.

For a function f of one operand, executed on x' with `|x' - x| <= e`:
`|fl f(x') - f(x)| <= |fl f(x') - f(x')| + |f(x') - f(x)|`, the first the kernel's own error, stated in ulps, the second
at most `sup |f'| e` over all that lies between (Higham, Accuracy and Stability, section 1.6), and never more than the
width of f's range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.noise import kernels
from torchlean.ops.noise.rule import Rule
from torchlean.ops.noise.values import Call, Noise, Noisy, added, infinite, times, width
from torchlean.ops.op import Attributes, UnsupportedError

Slope = Callable[[Interval, Attributes], Tensor]
"""The supremum of |f'| over an interval, in float64; infinite or NaN where there is none."""


def bounded_by_range(call: Call, passed: Tensor) -> Tensor:
    """What is passed on, at most the width of the op's range; asked only where the slope says nothing finite."""
    if bool(torch.isfinite(passed).all()) or any(
        not bool(torch.isfinite(x.error).all()) for x in call.operands if x.error is not None
    ):
        return torch.nan_to_num(passed, nan=math.inf, posinf=math.inf)
    range_ = call.over_reach()
    if range_.undefined:
        return torch.nan_to_num(passed, nan=math.inf, posinf=math.inf)
    return torch.fmin(passed, width(range_))


@dataclass(frozen=True)
class Sum(Rule):
    """`a + s b` with one rounding, or two where s is not 1 or -1.

    Subnormal numbers add up exactly, so sums have no underflow term. An operand that is infinite as a value (a mask)
    gives itself, exactly.
    """

    scale: Callable[[Attributes], float] = lambda attributes: 1.0
    sign: float = 1.0

    def noise(self, call: Call) -> Noise:
        a, b = call.operands
        factor = abs(self.scale(call.attributes))
        moved = None if b.error is None else b.error * factor
        passed = added(a.error, moved)
        if not call.floating:
            return Noise(passed=passed, parts=(a.error, moved))
        precision = call.precision
        local = call.result_magnitude(passed) * precision.unit + precision.tiny_sum
        peak, share = None, precision.unit
        if factor != 1.0:
            scaled = b.magnitude * factor
            local, peak = local + scaled * (2.0 * precision.unit) + 2.0 * precision.tiny, scaled
            share = 0.0
        if a.exact.infinite or b.exact.infinite:
            settled = (infinite(a.exact) & torch.isfinite(b.errors)) | (
                infinite(b.exact) & torch.isfinite(a.errors)
            )
            local = local.masked_fill(settled, 0.0)
            passed = None if passed is None else passed.expand(local.shape).masked_fill(settled, 0.0)
            share = 0.0
        least, greatest = self._limits(a, b, factor, precision.unit)
        return Noise(local, passed, (a.error, moved), peak, least, greatest, share=share)

    def _limits(self, a: Noisy, b: Noisy, factor: float, unit: float) -> tuple[float, float]:
        """Rounding is monotone: a sum of numbers within limits lies between the rounded sums of the limits."""
        if factor != 1.0:
            return -math.inf, math.inf
        low, high = (b.least, b.greatest) if self.sign > 0 else (-b.greatest, -b.least)
        ends = (a.least + low, a.greatest + high)
        least, greatest = (_rounded(end, unit, side) for end, side in zip(ends, (-1.0, 1.0), strict=True))
        return least, greatest


def _rounded(value: float, unit: float, side: float) -> float:
    """A bound on the rounded value, which zero and small integers are themselves."""
    if not math.isfinite(value):
        return side * math.inf
    if value == math.trunc(value) and abs(value) <= 1.0:
        return value
    return value + side * abs(value) * (2.0 * unit)


def product_passed(a: Noisy, b: Noisy) -> tuple[Tensor | None, Tensor | None]:
    """`|a' b' - a b| <= e_a |b'| + |a| e_b`, by operand."""
    return (
        None if a.error is None else times(a.error, b.magnitude),
        None if b.error is None else times(b.error, a.magnitude),
    )


@dataclass(frozen=True)
class Product(Rule):
    """`a b`, rounded once."""

    def noise(self, call: Call) -> Noise:
        a, b = call.operands
        parts = product_passed(a, b)
        passed = added(*parts)
        if not call.floating:
            return Noise(passed=passed, parts=parts)
        unit, tiny = call.precision.unit, call.precision.tiny
        local = call.result_magnitude(passed) * unit + tiny
        # Rounding keeps the sign: a product of numbers of known sign is never on the other side of zero.
        same = (a.least >= 0 and b.least >= 0) or (a.greatest <= 0 and b.greatest <= 0)
        return Noise(local, passed, parts, least=0.0 if same else -math.inf, share=unit)


@dataclass(frozen=True)
class Squared(Rule):
    """`x x` of one tensor: `|x'^2 - x^2| <= e (|x'| + |x|)`."""

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        passed = None if x.error is None else times(x.error, 2.0 * x.magnitude)
        if not call.floating:
            return Noise(passed=passed)
        unit, tiny = call.precision.unit, call.precision.tiny
        return Noise(call.result_magnitude(passed) * unit + tiny, passed, least=0.0, share=unit)


@dataclass(frozen=True)
class Quotient(Rule):
    """`a / b`, rounded once: `|a'/b' - a/b| <= (e_a + |a / b| e_b) / |b'|`."""

    def noise(self, call: Call) -> Noise:
        a, b = call.operands
        precision = call.precision
        nearest = distance_from_zero(b.reach)
        ratio = times(a.magnitude, 1.0 / distance_from_zero(b.exact))
        parts = (
            None if a.error is None else times(a.error, 1.0 / nearest),
            None if b.error is None else times(b.error, ratio / nearest),
        )
        passed = added(*parts)
        local = call.result_magnitude(passed) * precision.unit + precision.tiny
        local = torch.where(nearest > 0, local, math.inf)
        same = a.least >= 0 and b.least >= 0
        return Noise(local, passed, parts, least=0.0 if same else -math.inf)


def distance_from_zero(x: Interval) -> Tensor:
    """The least magnitude in the interval."""
    return torch.maximum(x.lower, -x.upper).clamp(min=0.0).abs()  # -0.0 is 0.0


@dataclass(frozen=True)
class Curve(Rule):
    """A function of one operand, computed by one kernel with an error stated in ulps.

    Attributes:
        slope: see `Slope`.
        least, greatest: bounds of the computed result.
        modulus: another bound of `|f(x) - f(y)|` by `|x - y|`, for slopes that are infinite somewhere.
        domain: where the function is defined, ends included.
    """

    slope: Slope
    least: float = -math.inf
    greatest: float = math.inf
    modulus: Callable[[Tensor], Tensor] | None = None
    domain: tuple[float, float] = (-math.inf, math.inf)

    def noise(self, call: Call) -> Noise:
        passed = curve_passed(call, self.slope, self.modulus, self.domain)
        size = call.result_magnitude(passed)
        local = kernels.error(call, size)
        return Noise(local, passed, peak=kernels.peak(call, size), least=self.least, greatest=self.greatest)


def curve_passed(
    call: Call,
    slope: Slope,
    modulus: Callable[[Tensor], Tensor] | None = None,
    domain: tuple[float, float] = (-math.inf, math.inf),
) -> Tensor | None:
    """How far a function of one operand moves; infinite where the executed operand may leave its domain, and where its
    own error is: it may be NaN then, which no bound of the function's range speaks of."""
    x = call.operands[0]
    if x.error is None:
        return None
    passed = times(x.error, slope(x.reach, call.attributes))
    if modulus is not None:
        passed = torch.where(x.error < math.inf, torch.minimum(passed, modulus(x.error)), math.inf)
    passed = bounded_by_range(call, passed)
    if domain == (-math.inf, math.inf):
        return passed
    return passed.masked_fill((x.reach.lower < domain[0]) | (x.reach.upper > domain[1]), math.inf)


@dataclass(frozen=True)
class Steps(Rule):
    """A function of one operand that a kernel composes of a few operations without cancellation.

    Attributes:
        slope: see `Slope`.
        roundings: the error, in units roundoff of the result.
    """

    slope: Slope
    roundings: float

    def noise(self, call: Call) -> Noise:
        passed = curve_passed(call, self.slope)
        precision = call.precision
        local = call.result_magnitude(passed) * (self.roundings * precision.unit) + precision.tiny
        return Noise(local, passed)


@dataclass(frozen=True)
class Softplus(Rule):
    """`log1p(e**(b x)) / b`, and x itself above a threshold, where the function jumps by `log1p(e**-threshold) / b`.

    Near the threshold the product `b x` may be rounded to the other side of it.
    """

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        beta, threshold = call.attributes["beta"], call.attributes["threshold"]
        assert isinstance(beta, int | float) and isinstance(threshold, int | float)
        if not beta > 0:
            raise UnsupportedError(f"`softplus` has error bounds for beta > 0, got {beta}")
        passed = curve_passed(call, steepest(1.0))
        precision = call.precision
        local = kernels.error(call, call.result_magnitude(passed))
        border = threshold / beta
        near = (x.reach.lower <= border * (1.0 + 4.0 * precision.unit)) & (
            x.reach.upper >= border * (1.0 - 4.0 * precision.unit)
        )
        jump = (max(-threshold, 0.0) + math.log1p(math.exp(-abs(threshold)))) / beta
        return Noise(
            torch.where(near, local + jump, local), passed, peak=x.magnitude * beta, least=min(0.0, border)
        )


def at_zero_most(slope: Callable[[Tensor], Tensor]) -> Slope:
    """For derivatives that fall with the distance from zero."""
    return lambda x, attributes: slope(distance_from_zero(x))


def at_far_end(slope: Callable[[Tensor], Tensor]) -> Slope:
    """For derivatives that rise with the distance from zero."""
    return lambda x, attributes: slope(torch.maximum(x.lower.abs(), x.upper.abs()))


def at_upper(slope: Callable[[Tensor], Tensor]) -> Slope:
    """For derivatives that rise."""
    return lambda x, attributes: slope(x.upper)


def at_lower(slope: Callable[[Tensor], Tensor]) -> Slope:
    """For derivatives that fall in magnitude."""
    return lambda x, attributes: slope(x.lower)


def steepest(limit: float) -> Slope:
    """For functions with a Lipschitz constant."""
    return lambda x, attributes: torch.full_like(x.lower, limit)


def from_attributes(limit: Callable[[Attributes], float]) -> Slope:
    """For functions whose Lipschitz constant depends on attributes."""
    return lambda x, attributes: torch.full_like(x.lower, limit(attributes))


@dataclass(frozen=True)
class Several(Rule):
    """A function of several operands by its partial derivatives.

    Attributes:
        slopes: of the operands, in order, to suprema of the partial derivatives' magnitudes over their reach.
        roundings: a bound of the kernel's error from the call and the largest magnitude of the result.
        peak: the largest magnitude of an intermediate result.
        laid: the operands as they broadcast to the result, where that is not torch's broadcasting.
    """

    slopes: Callable[[Sequence[Noisy], Attributes], Sequence[Tensor]]
    roundings: Callable[[Call, Tensor], Tensor]
    peak: Callable[[Call], Tensor] | None = None
    laid: Callable[[Sequence[Noisy]], Sequence[Noisy]] = lambda operands: operands

    def noise(self, call: Call) -> Noise:
        parts: list[Tensor | None] = [None] * len(call.operands)
        if call.noisy:
            operands = self.laid(call.operands)
            slopes = self.slopes(operands, call.attributes)
            for place, (x, slope) in enumerate(zip(operands, slopes, strict=True)):
                if x.error is not None:
                    parts[place] = times(x.error, slope)
        passed = added(*parts)
        if passed is not None:
            passed = bounded_by_range(call, passed)
        if not call.floating:
            return Noise(passed=passed, parts=parts)
        local = self.roundings(call, call.result_magnitude(passed))
        return Noise(local, passed, parts, None if self.peak is None else self.peak(call))


def rounded(roundings: float) -> Callable[[Call, Tensor], Tensor]:
    """For `Several`: so many units roundoff of the result, and what underflow may lose."""

    def error(call: Call, size: Tensor) -> Tensor:
        return size * (roundings * call.precision.unit) + kernels.LOST * call.precision.smallest_normal

    return error
