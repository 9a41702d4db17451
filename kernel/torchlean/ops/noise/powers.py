"""Rules for powers, products of many factors, and a few functions of two operands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torchlean.ops.noise import kernels
from torchlean.ops.noise.choices import Decided
from torchlean.ops.noise.elementwise import (
    bounded_by_range,
    distance_from_zero,
)
from torchlean.ops.noise.rule import Rule
from torchlean.ops.noise.values import Call, Noise, Noisy, added, growth, times
from torchlean.ops.op import Attributes, UnsupportedError


@dataclass(frozen=True)
class ConstantPower(Rule):
    """`x ** p`: the derivative is `p x**(p - 1)`, monotone in the magnitude of x."""

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        if not call.floating:
            return Decided().noise(call)
        exponent: Any = call.attributes["exponent"]
        p = float(exponent)
        if not math.isfinite(p):
            raise UnsupportedError(f"no error bound for powers with exponent {p}")
        passed: Tensor | None = None
        if x.error is not None and p != 0.0:
            ends = (distance_from_zero(x.reach), x.magnitude)
            slopes = [abs(p) * torch.pow(end, p - 1.0) for end in ends]
            steepest = torch.nan_to_num(torch.maximum(*slopes), nan=math.inf, posinf=math.inf)
            passed = bounded_by_range(call, times(x.error, steepest))
            if p != math.floor(p):
                passed = passed.masked_fill(x.reach.lower < 0, math.inf)
        if p in (0.0, 1.0):
            return Noise(passed=passed)
        # Vector kernels round the exponent, which weighs |log x| times it.
        weight = self._logarithm(x) * (abs(p) * call.precision.unit) if p != math.floor(p) else 0.0
        size = call.result_magnitude(passed)
        local = torch.nan_to_num(kernels.error(call, size) + size * weight, nan=math.inf)
        # 1 / (x * x) divides by zero where the square is flushed: where its own size is a quarter of the largest.
        peak = 4.0 * size if p == -2.0 and call.precision.flushed else None
        return Noise(local, passed, peak=peak, least=0.0 if p % 2.0 == 0.0 else -math.inf)

    @staticmethod
    def _logarithm(x: Noisy) -> Tensor:
        low, high = distance_from_zero(x.reach).clamp(min=2.0**-1022), x.magnitude.clamp(min=2.0**-1022)
        return torch.maximum(low.log().abs(), high.log().abs())


@dataclass(frozen=True)
class TensorPower(Rule):
    """`a ** b` for `a > 0`: the derivatives are `b a**b / a` and `a**b log a`."""

    def noise(self, call: Call) -> Noise:
        a, b = call.operands
        if not call.floating:
            return Decided().noise(call)
        positive = bool((a.reach.lower > 0).all())
        parts: tuple[Tensor | None, Tensor | None] = (None, None)
        passed: Tensor | None = None
        if call.noisy and positive:
            range_ = call.over_reach()
            size = range_.upper.abs()
            logarithm = torch.maximum(a.reach.lower.log().abs(), a.reach.upper.log().abs())
            parts = (
                None if a.error is None else times(a.error, b.magnitude * size / a.reach.lower),
                None if b.error is None else times(b.error, size * logarithm),
            )
            passed = bounded_by_range(call, torch.nan_to_num(_sum(parts), nan=math.inf))
        elif call.noisy:
            passed = Decided().noise(call).passed
        local = kernels.error(call, call.result_magnitude(passed))
        return Noise(local, passed, parts if positive else None)


def _sum(parts: Sequence[Tensor | None]) -> Tensor:
    total = added(*parts)
    assert total is not None, "some operand is noisy"
    return total


@dataclass(frozen=True)
class Angle(Rule):
    """`atan2(y, x)`: the gradient has length `1 / r`; across the cut it jumps.

    On the cut itself the sign of a zero decides, which numbers do not have: for `y = -0.0` torch gives -pi.
    """

    def noise(self, call: Call) -> Noise:
        y, x = call.operands
        parts: tuple[Tensor | None, Tensor | None] = (None, None)
        passed: Tensor | None = None
        cut = (x.reach.lower <= 0) & (y.reach.lower <= 0) & (y.reach.upper >= 0)
        if call.noisy:
            nearest = torch.hypot(distance_from_zero(y.reach), distance_from_zero(x.reach))
            slope = torch.where(cut, math.inf, 1.0 / nearest)
            parts = (
                None if y.error is None else times(y.error, slope),
                None if x.error is None else times(x.error, slope),
            )
            passed = bounded_by_range(call, _sum(parts))
        local = kernels.error(call, call.result_magnitude(passed))
        return Noise(torch.where(cut, 2.0 * math.pi + local, local), passed, parts)


@dataclass(frozen=True)
class Multiplied(Rule):
    """prod and cumprod, in any order: n - 1 roundings of the product, and what underflows on the way times all factors
    that are larger than 1."""

    terms: Callable[[Sequence[tuple[int, ...]], Attributes], int]

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        if not call.floating:
            return Decided().noise(call)
        attributes = call.attributes
        if isinstance(attributes.get("dtype"), torch.dtype):
            attributes = {**attributes, "dtype": torch.float64}
        terms = self.terms([x.exact.shape], attributes)
        inflate = 1.0 + 2.0 * growth(terms + 8, 2.0**-53)
        size = call.op.evaluate([x.magnitude], attributes) * inflate
        passed: Tensor | None = None
        if x.error is not None:
            # |prod x' - prod x| <= prod (|x| + e) - prod |x|, up to the rounding of this difference itself.
            smaller = torch.maximum(x.exact.lower.abs(), x.exact.upper.abs())
            wider = call.op.evaluate([smaller + x.error], attributes)
            passed = (wider - call.op.evaluate([smaller], attributes)).clamp(min=0.0)
            passed = torch.nan_to_num(passed + wider * (inflate - 1.0), nan=math.inf) * 2.0
        largest = call.op.evaluate([x.magnitude.clamp(min=1.0)], attributes) * inflate
        precision = call.precision
        local = size * growth(terms, precision.unit) + largest * (terms * precision.tiny * 2.0)
        if terms <= 1:
            local = torch.zeros_like(local)
        return Noise(local, passed, peak=largest)


@dataclass(frozen=True)
class Differences(Rule):
    """diff: one subtraction of neighbours."""

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        dim: Any = call.attributes["dim"]
        if call.out.dtype == torch.bool:
            return Decided().noise(call)
        passed: Tensor | None = None
        if x.error is not None:
            length = max(x.error.shape[dim] - 1, 0)
            passed = x.error.narrow(dim, min(1, x.error.shape[dim]), length) + x.error.narrow(dim, 0, length)
        if not call.floating:
            return Noise(passed=passed)
        precision = call.precision
        return Noise(call.result_magnitude(passed) * precision.unit + precision.tiny_sum, passed)
