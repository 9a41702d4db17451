"""Interval versions of the arithmetic that several ops share: `+ - * /`, squares, roots and sums.

Ends are rounded in the right direction and only when the result is inexact (`torchlean.intervals.directed`),
so a point stays a point wherever float64 can hold the result. What is undefined stays so. Shapes broadcast
as in torch.

An infinite end stands for "no bound": the number itself is finite, so 0 times it is 0. Constants that *are*
infinite (`-inf` in a mask) may turn into `inf - inf` or `0 * inf`; that is flagged as undefined.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals.broadcasting import broadcast_shapes
from torchlean.intervals.directed import round_down, round_up, two_product, two_quotient, two_sqrt, two_sum
from torchlean.intervals.interval import Interval
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF, gamma

_EXACT_INTEGERS = 2.0**53
"""Sums of integers are exact as long as no partial sum can exceed this."""


def neg(x: Interval) -> Interval:
    """`-x`, exact."""
    lower = -x.upper
    return Interval(lower, lower if x.is_point else -x.lower, x.undefined)


def add(a: Interval, b: Interval) -> Interval:
    """`a + b`."""
    low = two_sum(a.lower, b.lower)
    points = a.is_point and b.is_point
    high = low if points else two_sum(a.upper, b.upper)
    # A lower end is +inf, or an upper one -inf, only for a constant that is infinite.
    undefined = bool(torch.isnan(low[0]).any()) or (not points and bool(torch.isnan(high[0]).any()))
    undefined = undefined or a.undefined or b.undefined
    return _ends(round_down(*low), round_up(*high), points, undefined)


def sub(a: Interval, b: Interval) -> Interval:
    """`a - b`, as if `a` and `b` had nothing to do with each other."""
    return add(a, neg(b))


def mul(a: Interval, b: Interval) -> Interval:
    """`a * b`, as if `a` and `b` had nothing to do with each other (see `square`)."""
    undefined = a.undefined or b.undefined or _meet(a, b) or _meet(b, a)
    if a.is_point and b.is_point:
        product = two_product(a.lower, b.lower)
        return _ends(round_down(*product), round_up(*product), True, undefined)
    if a.is_point or b.is_point:
        point, other = (a.lower, b) if a.is_point else (b.lower, a)
        positive = point >= 0
        low = two_product(point, torch.where(positive, other.lower, other.upper))
        high = two_product(point, torch.where(positive, other.upper, other.lower))
        return Interval(round_down(*low), round_up(*high), undefined)
    return _extremes(*two_product(*_corners(a, b)), undefined)


def square(x: Interval) -> Interval:
    """`x * x` of one and the same number: never negative, zero exactly when `x` can be."""
    low = two_product(x.lower, x.lower)
    if x.is_point:
        return _ends(round_down(*low).clamp(min=0.0), round_up(*low), True, x.undefined)
    high = two_product(x.upper, x.upper)
    lower = torch.minimum(round_down(*low), round_down(*high)).clamp(min=0.0)
    upper = torch.maximum(round_up(*low), round_up(*high))
    return Interval(lower.masked_fill(_has_zero(x), 0.0), upper, x.undefined)


def sqrt(x: Interval) -> Interval:
    """`sqrt(x)`, undefined below zero."""
    low = two_sqrt(x.lower.clamp(min=0.0))
    high = low if x.is_point else two_sqrt(x.upper.clamp(min=0.0))
    return _ends(round_down(*low), round_up(*high), x.is_point, x.undefined or bool((x.lower < 0).any()))


def div(a: Interval, b: Interval) -> Interval:
    """`a / b`; unbounded and undefined where `b` can be zero, undefined where both are infinite constants."""
    zero = _has_zero(b)
    undefined = a.undefined or b.undefined or bool(zero.any()) or _both_infinite(a, b)
    if a.is_point and b.is_point:
        quotient = two_quotient(a.lower, b.lower)
        bounds = _ends(round_down(*quotient), round_up(*quotient), True, undefined)
    else:
        bounds = _extremes(*two_quotient(*_corners(a, b)), undefined)
    if not undefined:
        return bounds
    unknown = zero | _infinite(a) & _infinite(b)
    return Interval(
        bounds.lower.masked_fill(unknown, -math.inf),
        bounds.upper.masked_fill(unknown, math.inf),
        undefined=True,
    )


def scale(x: Interval, factor: float) -> Interval:
    """`factor * x` for one number."""
    return mul(Interval.point(x.lower.new_full((), factor)), x)


def total(x: Interval, dims: Sequence[int], *, keepdim: bool = False) -> Interval:
    """Sum along `dims` (all of them when empty), for every order of summation.

    Integers are summed exactly while they fit; otherwise `|fl(sum) - sum| <= gamma(n - 1) * sum |terms|`
    (Higham, section 4.2; sums do not underflow).
    """
    axes = tuple(dims) or tuple(range(x.lower.dim()))
    terms = math.prod(x.lower.shape[axis] for axis in axes)
    if terms == 1:
        lower = x.lower.sum(axes, keepdim=keepdim)
        return Interval(lower, lower if x.is_point else x.upper.sum(axes, keepdim=keepdim), x.undefined)
    low, low_error = _sum(x.lower, axes, keepdim, terms)
    high, high_error = (low, low_error) if x.is_point else _sum(x.upper, axes, keepdim, terms)
    # inf - inf among the terms, of which a lower end of +inf or an upper one of -inf must be a constant.
    undefined = bool(torch.isposinf(x.lower).any() and torch.isnan(low).any()) or bool(
        torch.isneginf(x.upper).any() and torch.isnan(high).any()
    )
    lower = round_down(*two_sum(low, -low_error))
    upper = round_up(*two_sum(high, high_error))
    return _ends(lower, upper, x.is_point, undefined or x.undefined)


def _sum(values: Tensor, axes: tuple[int, ...], keepdim: bool, terms: int) -> tuple[Tensor, Tensor]:
    """A computed sum and a bound of its error; the bound is zero for exact sums of integers."""
    result = values.sum(axes, keepdim=keepdim)
    magnitude = values.abs().sum(axes, keepdim=keepdim)
    # The computed sum of magnitudes may itself be too small by the same relative error.
    bound = gamma(terms) * (1.0 + 2 * gamma(terms)) * (1.0 + 4 * UNIT_ROUNDOFF)
    error = magnitude * bound + SMALLEST_SUBNORMAL
    integers = (values == torch.round(values)).all() & (magnitude < _EXACT_INTEGERS).all()
    return result, torch.where(integers, 0.0, error)


def _corners(a: Interval, b: Interval) -> tuple[Tensor, Tensor]:
    """All four pairs of ends, stacked along a new first dimension of each operand."""
    shape = broadcast_shapes(a.lower.shape, b.lower.shape)
    a_lower, a_upper, b_lower, b_upper = (end.expand(shape) for end in (a.lower, a.upper, b.lower, b.upper))
    return (
        torch.stack([a_lower, a_lower, a_upper, a_upper]),
        torch.stack([b_lower, b_upper, b_lower, b_upper]),
    )


def _extremes(rounded: Tensor, error: Tensor, undefined: bool) -> Interval:
    """The hull of results stacked along the first dimension."""
    return Interval(round_down(rounded, error).amin(0), round_up(rounded, error).amax(0), undefined)


def _ends(lower: Tensor, upper: Tensor, points: bool, undefined: bool = False) -> Interval:
    """An interval that is a point when it came from points and no rounding took place."""
    return Interval(lower, lower if points and torch.equal(lower, upper) else upper, undefined)


def _has_zero(x: Interval) -> Tensor:
    return x.lower == 0 if x.is_point else (x.lower <= 0) & (x.upper >= 0)


def _meet(a: Interval, b: Interval) -> bool:
    """Whether an infinite constant of `a` can meet a zero of `b`."""
    if math.isfinite(a.lower.sum()):
        return False
    return bool((_infinite(a) & _has_zero(b)).any())


def _both_infinite(a: Interval, b: Interval) -> bool:
    if math.isfinite(a.lower.sum()) or math.isfinite(b.lower.sum()):
        return False
    return bool((_infinite(a) & _infinite(b)).any())


def _infinite(x: Interval) -> Tensor:
    """Where the value is known to be infinite: a constant, not a missing bound."""
    return torch.isinf(x.lower) & (x.lower == x.upper)
