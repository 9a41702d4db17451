"""Sums of exponentials along a dimension, and the share of one term in them, bounded without overflow.

`share(x, y)_i` encloses `exp(x_i) / (exp(x_i) + sum_{j != i} exp(y_j))` in exact arithmetic; `softmax`'s bounds are its
ends for `x`, `y` the opposite ends of the logits. Every exponential is taken of a difference to a greatest element,
so it lies in [0, 1] (the usual shift; Blanchard, Higham, Higham, Accurately computing the log-sum-exp and softmax
functions, IMA J. Numer. Anal. 41, 2021, analyses it). Here every factor carries its error bound along.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.intervals.rounding import TRANSCENDENTAL_ULPS, UNIT_ROUNDOFF, down, gamma, up

EXP_UNDERFLOW = -700.0
"""Below this argument `exp` comes near the subnormal numbers, which kernels may flush to zero: there the bounds are 0
and `exp(-700)`, about 1e-304."""

Bounds = tuple[Tensor, Tensor]
"""Lower and upper bounds of the same shape."""


def share(x: Tensor, y: Tensor, dim: int, copies: int = 1) -> Bounds:
    """Bounds of `exp(x_i) / (exp(x_i) + sum_{j != i} exp(y_j))`, in [0, 1].

    Args:
        copies: of a single finite element along `dim`, which stands for so many.

    Both terms are divided by `exp(max(x_i, greatest other))`; the quotient rises with the first and falls with the
    second. What has no value (nothing but `-inf`) becomes [0, 1].
    """
    own, others = _terms(x, _Others.of(y, dim, copies))
    # A sum and a quotient, correctly rounded, of exact ends: two steps outward.
    lower = down(own[0] / (own[0] + others[1]), 2)
    upper = up(own[1] / (own[1] + others[0]), 2)
    # A masked element (-inf) has no share of what others have, and a single one has all of it.
    lower = torch.where((others[1] == 0) & (own[0] > 0), 1.0, lower)
    upper = torch.where((own[1] == 0) & (others[0] > 0), 0.0, upper)
    return torch.where(x == -math.inf, 0.0, lower).clamp(min=0.0), upper.clamp(max=1.0)


def log_share(x: Tensor, y: Tensor, dim: int, copies: int = 1) -> Bounds:
    """Bounds of the logarithm of `share`, at most 0.

    Where the own term is the greater: `-log1p(others)`, precise also for shares near 1. Elsewhere
    `(x_i - scale) - log(own + sum)`, where the logarithm is taken of a number not much below 1.
    """
    all_others = _Others.of(y, dim, copies)
    own, others = _terms(x, all_others)
    leads = x >= all_others.scale
    distance = x - all_others.scale
    ends = []
    for k, outward, inward in ((1, down, up), (0, up, down)):
        near = -inward(torch.log1p(others[k]), TRANSCENDENTAL_ULPS)
        summed = inward(own[k] + (all_others.lower, all_others.upper)[k])
        far = outward(outward(distance) - inward(torch.log(summed), TRANSCENDENTAL_ULPS))
        ends.append(torch.where(leads, near, far))
    nothing = (x == -math.inf) | (all_others.scale == math.inf)
    return torch.where(nothing, -math.inf, ends[0]).clamp(max=0.0), ends[1].clamp(max=0.0)


def log_sum(x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Bounds:
    """Bounds of `log(sum(exp(x)))` over `dims`: the greatest element plus the logarithm of a sum of at least 1."""
    count = math.prod(x.shape[d] for d in dims)
    top = x.amax(dims, keepdim=True)
    low, high = _exp(_difference(x, top))
    error = 2 * gamma(count + 8)
    least = (low.sum(dims, keepdim=True) * (1 - error)).clamp(min=0.0)
    most = high.sum(dims, keepdim=True) * (1 + error)
    if count == 1:
        lower = upper = top
    else:
        lower = down(top + down(torch.log(least), TRANSCENDENTAL_ULPS))
        upper = up(top + up(torch.log(most), TRANSCENDENTAL_ULPS))
        # The sum is at least its greatest term.
        lower = torch.maximum(lower, top)
    # Nothing but -inf sums to zero, whose logarithm is -inf again.
    upper = torch.where(top == -math.inf, -math.inf, upper)
    if keepdim:
        return lower, upper
    shape = [size for d, size in enumerate(x.shape) if d not in dims]
    return lower.reshape(shape), upper.reshape(shape)


@dataclass(frozen=True, slots=True)
class _Others:
    """`sum_{j != i} exp(x_j)` for every `i`, as `exp(scale_i) * s` with `lower_i <= s <= upper_i`."""

    scale: Tensor
    lower: Tensor
    upper: Tensor

    @staticmethod
    def of(x: Tensor, dim: int, copies: int = 1) -> _Others:
        """Every scale is the greatest other element: the greatest of all, or for that one itself the second.

        For an `i` that is not the greatest, the sum of all less its own term loses little to cancellation: what is
        left contains a 1, and the own term is at most 1. For the greatest, its term is left out from the start.
        """
        if copies > 1:
            # Equal elements: each other term is 1, and there is one less than there are elements.
            sums = torch.full_like(x, float(copies - 1))
            return _Others(x, sums, sums)
        places = torch.arange(x.shape[dim]).reshape([-1] + [1] * (x.dim() - dim - 1))
        first = places == x.argmax(dim, keepdim=True)
        top = x.amax(dim, keepdim=True)
        rest = torch.where(first, -math.inf, x)
        second = rest.amax(dim, keepdim=True)
        error = 2 * gamma(x.shape[dim] + 8)
        low, high = _exp(_difference(x, top))
        least = (low.sum(dim, keepdim=True) * (1 - error) - low) * (1 - error)
        most = (high.sum(dim, keepdim=True) * (1 + error) - high) * (1 + error)
        low, high = _exp(_difference(rest, second))
        least = torch.where(first, low.sum(dim, keepdim=True) * (1 - error), least)
        most = torch.where(first, high.sum(dim, keepdim=True) * (1 + error), most)
        return _Others(torch.where(first, second, top), least.clamp(min=0.0), most)


def _terms(x: Tensor, others: _Others) -> tuple[Bounds, Bounds]:
    """The own term and the others' sum, both divided by `exp(max(x, scale))`."""
    greater = torch.maximum(x, others.scale)
    low, high = _exp(_difference(others.scale, greater))
    return _exp(_difference(x, greater)), (
        down(low * others.lower).clamp(min=0.0),
        _times_up(high, others.upper),
    )


def _times_up(a: Tensor, b: Tensor) -> Tensor:
    """An upper bound of `a * b`, which is zero where a factor is."""
    return torch.where((a == 0) | (b == 0), 0.0, up(a * b))


def _exp(t: Tensor) -> Bounds:
    """Bounds of `exp` of the exact difference that `t <= 0` is the rounding of; of `-inf` it is 0.

    With `t = exact * (1 + d)`, `|d| <= u`: the result is off by a factor of at most `exp(|t| u / (1 - u))`, that is by
    less than `2 |t| u` relative, and by `2 u` for each ulp of the kernel. Both are doubled here, for the roundings of
    this function itself.
    """
    value = torch.exp(t.clamp(min=EXP_UNDERFLOW))
    slack = ((-t).clamp(max=-EXP_UNDERFLOW) + TRANSCENDENTAL_ULPS) * (4 * UNIT_ROUNDOFF)
    lower = torch.where(t < EXP_UNDERFLOW, 0.0, value * (1 - slack))
    return torch.where(t == 0, 1.0, lower), torch.where(
        t == 0, 1.0, torch.where(t == -math.inf, 0.0, value * (1 + slack))
    )


def _difference(x: Tensor, y: Tensor) -> Tensor:
    """`x - y` for `x <= y`; `-inf` less anything is `-inf`, and equal elements differ by 0 (also at `+inf`)."""
    return torch.where(x == -math.inf, x, torch.where(x == y, 0.0, x - y))
