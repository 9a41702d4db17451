"""p-norms along dimensions, and elements divided by the norm of the vector they belong to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from torchlean.intervals.arithmetic import add, div, mul, square, sub, total
from torchlean.intervals.directed import round_down, round_up, two_sqrt
from torchlean.intervals.interval import Interval
from torchlean.intervals.rounding import TRANSCENDENTAL_ULPS, UNIT_ROUNDOFF, down, up

LARGEST = torch.finfo(torch.float64).max

LARGEST_EXPONENT = 1000
"""Numbers are scaled by powers of two within 2**-1000 .. 2**1000, which are float64 and have float64 inverses."""


Length = Callable[[Tensor, Tensor], Interval]
"""Bounds of what an element is divided by, from the element and what the others contribute."""


def magnitudes(x: Interval) -> Interval:
    """`|x|`: exact; zero where `x` may be."""
    if x.is_point:
        return _point(x.lower.abs())
    spans = (x.lower <= 0) & (x.upper >= 0)
    least = torch.where(spans, 0.0, torch.minimum(x.lower.abs(), x.upper.abs()))
    return Interval(least, torch.maximum(x.lower.abs(), x.upper.abs()))


def root(x: Interval) -> Interval:
    """`sqrt(x)` of the part of `x` that is not negative."""
    lower = round_down(*two_sqrt(x.lower.clamp(min=0)))
    return Interval(lower.clamp(min=0), round_up(*two_sqrt(x.upper.clamp(min=0))))


def norm(x: Interval, order: float, dims: Sequence[int], *, keepdim: bool) -> Interval:
    """Bounds of `(sum |x|^p)^(1/p)` over `dims` (with torch's meaning for p = 0, inf, -inf).

    Every p-norm, also for p < 0, rises with each `|x_j|`: its ends are the norms of the least and the greatest
    magnitudes, each computed with outward rounding.
    """
    sizes = magnitudes(x)
    axes = tuple(dims)
    if order == math.inf:
        return _ends(sizes, lambda v: v.amax(axes, keepdim=keepdim))
    if order == -math.inf:
        return _ends(sizes, lambda v: v.amin(axes, keepdim=keepdim))
    if order == 0:
        surely, maybe = (end.ne(0).to(torch.float64) for end in (sizes.lower, sizes.upper))
        return Interval(surely.sum(axes, keepdim=keepdim), maybe.sum(axes, keepdim=keepdim))
    if order == 1:
        return total(sizes, axes, keepdim=keepdim)
    if order == 2:
        return _euclidean(sizes, axes, keepdim)
    return _general(sizes, order, axes, keepdim)


def _ends(x: Interval, function: Callable[[Tensor], Tensor]) -> Interval:
    """A rising exact function at both ends."""
    lower = function(x.lower)
    return Interval(lower, lower if x.is_point else function(x.upper))


def _euclidean(sizes: Interval, axes: tuple[int, ...], keepdim: bool) -> Interval:
    """The elements are first scaled by a power of two to at most 1, so that squares neither overflow nor vanish."""
    scale = _power_of_two(sizes.upper.amax(axes, keepdim=True))
    result = root(total(square(mul(sizes, _point(scale))), axes, keepdim=keepdim))
    shape = result.shape
    return div(result, _point(scale.reshape(shape)))


def _power_of_two(largest: Tensor) -> Tensor:
    """A power of two that takes `largest` to about 1; 1 for zero and infinity."""
    usable = torch.isfinite(largest) & (largest > 0)
    exponent = torch.frexp(torch.where(usable, largest, 1.0)).exponent
    return torch.ldexp(torch.ones_like(largest), -exponent.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT))


def _general(sizes: Interval, order: float, axes: tuple[int, ...], keepdim: bool) -> Interval:
    return _rooted(total(_powers(sizes, order), axes, keepdim=keepdim), order)


def _powers(sizes: Interval, order: float) -> Interval:
    """`size ** order`, which falls for a negative order."""
    low, high = (sizes.lower, sizes.upper) if order > 0 else (sizes.upper, sizes.lower)
    return Interval(
        down(torch.pow(low, order), TRANSCENDENTAL_ULPS).clamp(min=0),
        up(torch.pow(high, order), TRANSCENDENTAL_ULPS),
    )


def _rooted(powers: Interval, order: float) -> Interval:
    """`power ** (1 / order)`, which falls for a negative order."""
    low, high = (powers.lower, powers.upper) if order > 0 else (powers.upper, powers.lower)
    return Interval(
        _one_root(low.clamp(min=0), order, -1.0).clamp(min=0), _one_root(high.clamp(min=0), order, 1.0)
    )


def _one_root(power: Tensor, order: float, sign: float) -> Tensor:
    """A bound of `power ** (1 / order)`. The rounded exponent is off by a relative `u`, which changes the result by
    `|log(power) / order| u` relative; twice that, and the kernel's own error, go outward."""
    value = torch.pow(power, 1.0 / order)
    slack = torch.nan_to_num(torch.log(power).abs() / abs(order), nan=0.0, posinf=0.0) * (4 * UNIT_ROUNDOFF)
    error = value * (slack + 4 * TRANSCENDENTAL_ULPS * UNIT_ROUNDOFF)
    outward = up if sign > 0 else down
    # 0 and inf are exact; an overflow of a finite power is not.
    exact = (power == 0) | (power == math.inf)
    return torch.where(exact, value, outward(value.clamp(max=LARGEST) + sign * error))


def divided_by_norm(x: Interval, order: float, dims: Sequence[int], eps: float) -> Interval:
    """Bounds of `x_i / max(norm(x), eps)` for p > 0, infinity included.

    The element rises with `x_i`, and its magnitude falls with the size of all the others: the ends are reached with
    the own element at its end, and the others as small as possible where that end is on the far side of zero, else as
    large as possible. It stays in [-1, 1].
    """
    others = _others(magnitudes(x), order, tuple(dims))

    def length(own: Tensor, rest: Tensor) -> Interval:
        if order == 2:
            result = root(add(square(_point(own)), _point(rest)))
        elif order == 1:
            result = add(_point(own.abs()), _point(rest))
        elif order == math.inf:
            result = _point(torch.maximum(own.abs(), rest))
        else:
            result = _rooted(add(_powers(_point(own.abs()), order), _point(rest)), order)
        return Interval(result.lower.clamp(min=eps), result.upper.clamp(min=eps))

    undefined = eps == 0.0 and bool((magnitudes(x).lower.amax(tuple(dims)) == 0).any())
    return _divided(x, others, length, 1.0, undefined)


def divided_by_root_mean_square(x: Interval, eps: float) -> Interval:
    """Bounds of `x_i / sqrt(sum x^2 / n + eps)` along the last dimension, for the same reasons; at most `sqrt(n)`."""
    n = max(x.shape[-1], 1)
    others = _others(magnitudes(x), 2, (-1,))
    count, extra = _point(x.lower.new_tensor(float(n))), _point(x.lower.new_tensor(eps))

    def length(own: Tensor, rest: Tensor) -> Interval:
        return root(add(div(add(square(_point(own)), _point(rest)), count), extra))

    undefined = eps == 0.0 and bool((magnitudes(x).lower.amax(-1) == 0).any()) if x.lower.numel() else False
    return _divided(x, others, length, math.nextafter(math.sqrt(n), math.inf), undefined)


def _divided(x: Interval, others: Interval, length: Length, limit: float, undefined: bool) -> Interval:
    """Both ends of `x_i / length(x_i, others)`, by symmetry of the upper one; never beyond `limit`."""

    def greatest(own: Tensor) -> Tensor:
        shortest, longest = length(own, others.lower).lower, length(own, others.upper).upper
        above = up(own / shortest)
        # An overflow of the length (or an unbounded element) leaves the limit.
        above = torch.where(
            torch.isfinite(own) & torch.isfinite(length(own, others.lower).upper), above, limit
        )
        return torch.where(own > 0, above.clamp(max=limit), up(own / longest).clamp(max=0))

    return Interval(-greatest(-x.lower), greatest(x.upper), undefined)


def _others(sizes: Interval, order: float, dims: tuple[int, ...]) -> Interval:
    """`sum_{j != i} |x_j|^p`; the greatest other magnitude for infinity."""
    if order == math.inf:
        return Interval(_other_maximum(sizes.lower, dims), _other_maximum(sizes.upper, dims))
    powers = sizes if order == 1 else square(sizes) if order == 2 else _powers(sizes, order)
    lower, upper = _point(powers.lower), _point(powers.upper)
    least = sub(total(lower, dims, keepdim=True), lower).lower
    most = sub(total(upper, dims, keepdim=True), upper).upper
    return Interval(least.clamp(min=0), most)


def _other_maximum(sizes: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The greatest of all, or for the only greatest itself the second."""
    top = sizes.amax(dims, keepdim=True)
    is_top = sizes == top
    alone = is_top.sum(dims, keepdim=True) == 1
    second = torch.where(is_top, 0.0, sizes).amax(dims, keepdim=True)
    return torch.where(is_top & alone, second, top)


def _point(x: Tensor) -> Interval:
    return Interval(x, x)


__all__ = ["divided_by_norm", "divided_by_root_mean_square", "magnitudes", "norm", "root"]
