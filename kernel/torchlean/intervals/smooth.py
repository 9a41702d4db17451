"""Smooth activation functions at float64 points, with bounds on their errors.

Every function is written in a form without cancellation and with `e**-|x|` instead of powers that overflow,
so that a relative error bound holds everywhere. The bounds count roundings: a kernel of the platform is off
by `KERNEL` relative, one operation by `u`; `relative` takes half of the count on top.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchlean.intervals.approximation import Approximant, Approximation, relative, vanishing
from torchlean.intervals.rounding import ERFC_ULPS, SMALLEST_SUBNORMAL, TRANSCENDENTAL_ULPS, UNIT_ROUNDOFF

KERNEL = 2 * TRANSCENDENTAL_ULPS * UNIT_ROUNDOFF
"""Relative error of one transcendental kernel: an ulp is at most `2 u`."""

_TAIL = 1000.0
"""`e**-1000 < 2**-1442`: what is left of `x e**x` and `x erfc(-x)` beyond is below the smallest subnormal."""

_UNDERFLOW = 4 * _TAIL * SMALLEST_SUBNORMAL
"""An underflowing power is off by an ulp of the subnormals, times a factor of at most `_TAIL`."""


def sigmoid(points: Tensor) -> Approximation:
    """`1 / (1 + e**-x)` as `e**x / (1 + e**x)` for negative `x`: a kernel, its share in the sum, two
    roundings.
    """
    return relative(_sigmoid(points), 2 * KERNEL + 2 * UNIT_ROUNDOFF, _UNDERFLOW)


def _sigmoid(points: Tensor) -> Tensor:
    power = torch.exp(-points.abs())
    return torch.where(points < 0, power, 1.0) / (1.0 + power)


def logsigmoid(points: Tensor) -> Approximation:
    """`min(x, 0) - log1p(e**-|x|)`: two terms of the same sign; `log1p` does not enlarge relative errors."""
    value = points.clamp(max=0.0) - torch.log1p(torch.exp(-points.abs()))
    return relative(value, 2 * KERNEL + UNIT_ROUNDOFF, _UNDERFLOW)


@vanishing
def silu(points: Tensor) -> Approximation:
    """`x sigmoid(x)`."""
    near = points.clamp(min=-_TAIL)
    return relative(near * _sigmoid(near), 2 * KERNEL + 3 * UNIT_ROUNDOFF, _UNDERFLOW)


@vanishing
def mish(points: Tensor) -> Approximation:
    """`x tanh(log(1 + e**x))`, with `tanh(log(1 + p)) = (p**2 + 2 p) / (p**2 + 2 p + 2)`.

    For positive `x` numerator and denominator are multiplied by `q**2`, `q = e**-x`. All terms are positive;
    the power enters at most twice above and twice below.
    """
    near = points.clamp(min=-_TAIL)
    power = torch.exp(-near.abs())
    negative = near < 0
    numerator = torch.where(negative, power * (power + 2.0), 1.0 + 2.0 * power)
    value = near * (numerator / (numerator + torch.where(negative, 2.0, 2.0 * power * power)))
    return relative(value, 4 * KERNEL + 8 * UNIT_ROUNDOFF, _UNDERFLOW)


@vanishing
def gelu(points: Tensor) -> Approximation:
    """`x erfc(-x / sqrt 2) / 2`.

    The argument's two roundings (constant and product) are enlarged by the condition number of erfc, which
    for `t > 0` is at most `2 t**2 + 1` (from `erfc(t) > 2 e**(-t**2) / (sqrt(pi) (t + sqrt(t**2 + 2)))`,
    Abramowitz and Stegun 7.1.13), that is `x**2 + 1` for negative `x`, and below 1 for positive ones.
    """
    near = points.clamp(min=-_TAIL)
    value = 0.5 * near * torch.erfc(near * -math.sqrt(0.5))
    condition = near.clamp(max=0.0).square() + 1.0
    return relative(value, condition * (2 * UNIT_ROUNDOFF) + (2 * ERFC_ULPS + 1) * UNIT_ROUNDOFF, _UNDERFLOW)


@vanishing
def gelu_tanh(points: Tensor) -> Approximation:
    """`x (1 + tanh(v / 2)) / 2 = x sigmoid(v)`, `v = 2 sqrt(2 / pi) x (1 + 0.044715 x**2)`.

    `v` has at most 8 roundings, enlarged by sigmoid's condition number `|v|` for negative `v`, below 1 for
    positive ones.
    """
    near = points.clamp(min=-_TAIL)
    inner = near * (1.0 + 0.044715 * near.square()) * (2.0 * math.sqrt(2.0 / math.pi))
    condition = -inner.clamp(min=-_TAIL, max=0.0) + 1.0
    bound = condition * (8 * UNIT_ROUNDOFF) + (2 * KERNEL + 3 * UNIT_ROUNDOFF)
    return relative(near * _sigmoid(inner), bound, _UNDERFLOW)


@vanishing
def softsign(points: Tensor) -> Approximation:
    """`x / (1 + |x|)`; of an infinite end the limit."""
    value = torch.nan_to_num(points / (1.0 + points.abs()), nan=1.0)
    return relative(torch.copysign(value, points), 2 * UNIT_ROUNDOFF)


@vanishing
def tanhshrink(points: Tensor) -> Approximation:
    """`x - tanh x`: absolute error of tanh, relative one of the difference."""
    tanh = torch.tanh(points)
    difference = relative(points - tanh, UNIT_ROUNDOFF)
    return Approximation(difference.value, difference.error + tanh.abs() * (2 * KERNEL))


def elu(alpha: float, scale: float = 1.0, input_scale: float = 1.0) -> Approximant:
    """`scale x` for `x > 0`, else `scale alpha (e**(input_scale x) - 1)`; exact for `x >= 0` without a scale.

    The relative condition of expm1 is below 1 for negative arguments; constants and products are 4 roundings.
    """

    def approximant(points: Tensor) -> Approximation:
        negative = torch.expm1(points.clamp(max=0.0) * input_scale) * alpha
        value = torch.where(points > 0, points, negative) * scale
        exact = (points >= 0) if scale == 1.0 else None
        return relative(value, KERNEL + 5 * UNIT_ROUNDOFF, 4 * SMALLEST_SUBNORMAL, exact)

    signed = scale >= 0 and alpha >= 0 and input_scale >= 0
    return vanishing(approximant) if signed else approximant


def softplus(beta: float) -> Approximant:
    """`log(1 + e**(beta x)) / beta`, as `max(x, 0) + log1p(e**-|y|) / beta` for `y = beta x`.

    The rounding of `y` is a relative error `|y| u` of the power, for `y` above the logarithm of the smallest
    subnormal.
    """

    def approximant(points: Tensor) -> Approximation:
        scaled = points * beta
        value = points.clamp(min=0.0) + torch.log1p(torch.exp(-scaled.abs())) / beta
        condition = scaled.abs().clamp(max=_TAIL) + 1.0
        return relative(
            value, condition * UNIT_ROUNDOFF + (2 * KERNEL + 2 * UNIT_ROUNDOFF), _UNDERFLOW / beta
        )

    return approximant
