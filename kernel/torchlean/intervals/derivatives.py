"""Derivatives of smooth functions at float64 points, with bounds on their errors.

Linear relaxations take them for the slopes of tangents. Like the functions in `smooth`, they are written in forms
without cancellation where there is one; where terms of both signs meet, the errors of the terms are added up. An
infinite derivative (of a root at zero) or one that overflows comes out as infinite or NaN, and bounds nothing.

An error of a derivative is not more harmful than one of a value: a tangent with the wrong slope leaves the graph
slowly. So the counts of roundings are generous.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from torchlean.intervals.approximation import Approximant, Approximation, kernel, relative
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF
from torchlean.intervals.smooth import KERNEL, sigmoid

_ROUNDINGS = 2 * KERNEL + 12 * UNIT_ROUNDOFF
"""Relative error of at most two kernels and twelve operations without cancellation."""

_TAIL = 1000.0
"""`e**-1000`, and a thousand times it, is below the smallest subnormal."""

_UNDERFLOW = 2.0**20 * SMALLEST_SUBNORMAL
"""An underflowing kernel is off by a few subnormals, times factors of at most some thousands."""

SQRT_TWO_PI = math.sqrt(2.0 * math.pi)


def accurate(
    function: Callable[[Tensor], Tensor],
    condition: Callable[[Tensor], Tensor] | None = None,
    factor: float = 1.0,
    bounded: bool = False,
) -> Approximant:
    """A function computed by at most two kernels and twelve operations on numbers of one sign.

    Where the result is infinite nothing is claimed, since an intermediate result may have overflown.

    Args:
        condition: how often the rounding unit enters besides, as a function of the point.
        factor: a number that the result of a kernel, which may have underflown, is multiplied by.
        bounded: whether no result is ever infinite, so that none is looked for.
    """

    def approximant(points: Tensor) -> Approximation:
        bound: Tensor | float = _ROUNDINGS
        if condition is not None:
            bound = condition(points).clamp(max=_TAIL**2) * UNIT_ROUNDOFF + _ROUNDINGS
        found = relative(function(points), bound, _UNDERFLOW * max(1.0, abs(factor)))
        if bounded:
            return found
        return Approximation(found.value, torch.where(torch.isinf(found.value), math.inf, found.error))

    return approximant


def constant(value: float) -> Approximant:
    """Of a straight piece: known exactly."""

    def approximant(points: Tensor) -> Approximation:
        slope = torch.full_like(points, value)
        return Approximation(slope, torch.zeros_like(slope), torch.ones_like(slope, dtype=torch.bool))

    return approximant


def doubled(points: Tensor) -> Approximation:
    """Of the square, `2 x`, exact short of overflow."""
    slope = points * 2.0
    return Approximation(slope, torch.zeros_like(slope), torch.isfinite(slope))


def square_hyperbolic_secant(points: Tensor) -> Tensor:
    """Of tanh: `4 q / (1 + q)**2` with `q = e**(-2 |x|)`, the doubling being exact."""
    power = torch.exp(points.abs() * -2.0)
    return 4.0 * power / (1.0 + power).square()


def logistic_density(points: Tensor) -> Tensor:
    """Of the sigmoid: `q / (1 + q)**2` with `q = e**-|x|`."""
    power = torch.exp(-points.abs())
    return power / (1.0 + power).square()


def cauchy_density(points: Tensor) -> Tensor:
    """Of atan, without pi: `1 / (1 + x**2)`, by way of `1 / x` for large `x`, whose square overflows."""
    inverse = 1.0 / points.abs().clamp(min=1.0)
    far = inverse.square() / (1.0 + inverse.square())
    return torch.where(points.abs() > 1.0, far, 1.0 / (1.0 + points.clamp(-1.0, 1.0).square()))


def gaussian(points: Tensor) -> Tensor:
    """Of erf: `2 / sqrt(pi) e**(-x**2)`, whose error grows with `x**2`."""
    return torch.exp(-points.square()) * (2.0 / math.sqrt(math.pi))


def softplus(beta: float) -> Approximant:
    """`sigmoid(beta x)`: the product's rounding is a relative error `|beta x| u` for negative arguments."""

    def approximant(points: Tensor) -> Approximation:
        scaled = points * beta
        condition = scaled.clamp(min=-_TAIL, max=0.0).abs() * UNIT_ROUNDOFF
        return relative(sigmoid(scaled).value, condition + _ROUNDINGS, _UNDERFLOW)

    return approximant


def silu(points: Tensor) -> Approximation:
    """`s + x s'` with the sigmoid `s`."""
    near = points.clamp(min=-_TAIL, max=_TAIL)
    return _sum(sigmoid(near).value, near * logistic_density(near), _ROUNDINGS)


def gelu(points: Tensor) -> Approximation:
    """`Phi(x) + x phi(x)`; both have relative errors that grow with `x**2`."""
    near = points.clamp(min=-_TAIL, max=_TAIL)
    below = 0.5 * torch.erfc(near * -math.sqrt(0.5))
    density = torch.exp(near.square() * -0.5) / SQRT_TWO_PI
    return _sum(below, near * density, (2.0 * near.square() + 4.0) * UNIT_ROUNDOFF + _ROUNDINGS)


def gelu_tanh(points: Tensor) -> Approximation:
    """`s(v) + x s'(v) v'(x)` for `v = 2 sqrt(2 / pi) (x + 0.044715 x**3)`; the error of `v` is at most `8 u |v|`.

    Both `s` and `s'` have a relative condition below `|v| + 1`.
    """
    near = points.clamp(min=-_TAIL, max=_TAIL)
    scale = 2.0 * math.sqrt(2.0 / math.pi)
    inner = near * (1.0 + 0.044715 * near.square()) * scale
    steepness = (1.0 + 3 * 0.044715 * near.square()) * scale
    condition = (inner.abs().clamp(max=_TAIL) + 1.0) * (8 * UNIT_ROUNDOFF)
    return _sum(sigmoid(inner).value, near * steepness * logistic_density(inner), condition + 2 * _ROUNDINGS)


def mish(points: Tensor) -> Approximation:
    """`t + x t'`, `t = tanh(log(1 + p)) = w / (w + 2)` with `w = p**2 + 2 p`, `t' = 4 p (1 + p) / (w + 2)**2`.

    For positive `x` both fractions are multiplied by powers of `q = e**-x`, as in `torchlean.intervals.smooth`.
    """
    near = points.clamp(min=-_TAIL, max=_TAIL)
    q = torch.exp(-near.abs())
    w = q * (q + 2.0)
    level = torch.where(near < 0, w / (w + 2.0), (1.0 + 2.0 * q) / (1.0 + 2.0 * q + 2.0 * q.square()))
    falling = 4.0 * q * (1.0 + q) / (w + 2.0).square()
    rising = 4.0 * q.square() * (1.0 + q) / (1.0 + 2.0 * q + 2.0 * q.square()).square()
    return _sum(level, near * torch.where(near < 0, falling, rising), 3 * _ROUNDINGS)


def tangent(points: Tensor) -> Tensor:
    """Of tan: `1 + tan(x)**2`."""
    return 1.0 + torch.tan(points).square()


def hardswish(points: Tensor) -> Approximation:
    """Of `x (x + 3) / 6`: two terms, `x / 3 + 1 / 2`."""
    return _sum(points / 3.0, torch.full_like(points, 0.5), 4 * UNIT_ROUNDOFF)


def _minus_sine(points: Tensor) -> Tensor:
    return -torch.sin(points)


sine = kernel(torch.cos)
"""Of the sine."""

cosine = kernel(_minus_sine)
"""Of the cosine."""


def minus(function: Approximant) -> Approximant:
    """`-f`."""

    def approximant(points: Tensor) -> Approximation:
        found = function(points)
        return Approximation(-found.value, found.error, found.exact)

    return approximant


def _sum(first: Tensor, second: Tensor, bound: Tensor | float) -> Approximation:
    """A sum of two terms, each with this relative error; the sum adds one rounding."""
    parts = relative(first.abs() + second.abs(), bound + 2 * UNIT_ROUNDOFF, _UNDERFLOW)
    return Approximation(first + second, parts.error)
