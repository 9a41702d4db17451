"""Sums of squared deviations, and elements measured in them: the arithmetic of variances and normalisations.

Everything works along the last dimension of intervals of shape (..., n). `S(x) = sum (x_j - mean)^2`, which is also
the least of `sum (x_j - c)^2` over all `c`. Over a box the least `S` is a convex problem in one unknown; the greatest
is NP-hard (Ferson, Ginzburg, Kreinovich, Longpre, Aviles, Computing variance for interval data is NP-hard, ACM SIGACT
News 33, 2002), so it is bounded.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchlean.intervals.affine import centred
from torchlean.intervals.arithmetic import add, neg, square, sub, total
from torchlean.intervals.interval import Interval
from torchlean.intervals.rounding import down, up

NEWTON_STEPS = 12
"""Steps towards the centre of least dispersion. Every centre gives a sound bound; exactly known numbers need one."""


def dispersion(x: Interval) -> Interval:
    """Bounds of `S(x)`, shape (..., 1).

    Above: `S <= sum (x_j - c)^2 <= sum max (x_j - c)^2`, with `c` the mean of the midpoints.
    Below: `F(c) = sum dist(c, [l_j, u_j])^2` is convex and `S >= min F`. The minimum is in the hull of the box, at most
    `R` away from any `c` there, so `min F >= F(c) - |F'(c)| R`; Newton steps make `F'(c)` about zero.
    """
    highest = _squares(x, _mean(centred(x)[0])).upper
    centre = _least_dispersed(x)
    least = _squares(x, centre).lower
    rise = sub(_point(x.lower), _point(centre))
    fall = sub(_point(x.upper), _point(centre))
    slope = add(
        _sum(Interval(rise.lower.clamp(min=0), rise.upper.clamp(min=0))),
        _sum(Interval(fall.lower.clamp(max=0), fall.upper.clamp(max=0))),
    )
    steepness = torch.maximum(slope.lower.abs(), slope.upper.abs())
    reach = torch.maximum(centre - x.lower.amin(-1, keepdim=True), x.upper.amax(-1, keepdim=True) - centre)
    least = down(least - up(2 * up(steepness * up(reach))))
    # Unbounded elements make both parts infinite: nothing is known then.
    return Interval(torch.where(least > 0, least, 0.0), highest)


def standardised(x: Interval, eps: float) -> Interval:
    """Bounds of `(x_i - mean) / sqrt(S / n + eps)` for `eps >= 0`, same shape; undefined where that can be 0/0.

    Let `t = x_i - mean of the others` and `s` be the dispersion of the others. Then `a = x_i - mean = t (n - 1) / n`
    and `S = s + a^2 n / (n - 1)`. As a function of `a` and `s` the element `a / sqrt(s/n + a^2/(n-1) + eps)` rises with
    `a`, and falls with `s` where `a > 0`: its greatest value is at the greatest `a` (own end up, others down) with the
    least `s`, or, where that `a` is negative, with the greatest `s`. It never exceeds `sqrt(n - 1)`.
    """
    n = x.shape[-1]
    if n == 0:
        return x
    middle = torch.nan_to_num(_mean(centred(x)[0]), nan=0.0, posinf=0.0, neginf=0.0)
    shifted = sub(x, _point(middle))  # the result does not depend on a shift, rounding errors do
    whole = dispersion(shifted)
    undefined = eps == 0.0 and bool((whole.lower <= 0).any())
    if n == 1:
        return Interval.uniform(x.shape, 0.0, 0.0, undefined=undefined)
    others = _others_dispersion(shifted)
    upper = _greatest(shifted, others, whole, eps, n)
    lower = -_greatest(neg(shifted), others, whole, eps, n)
    return Interval(lower, upper, undefined)


def _greatest(x: Interval, others: Interval, whole: Interval, eps: float, n: int) -> Tensor:
    """An upper bound of the standardised elements: see `standardised`."""
    lower = _point(x.lower)
    a = up(x.upper - down(sub(_sum(lower), lower).lower / (n - 1)))
    a = up(a * ((n - 1) / n), 3)  # the factor and the product are rounded, by at most one step each
    # For a > 0 the least dispersion counts, else the greatest. The whole `S` is a second bound for either.
    least = torch.maximum(down(down(others.lower / n) + down(down(a * a) / (n - 1))), down(whole.lower / n))
    most = torch.minimum(up(up(others.upper / n) + up(up(a * a) / (n - 1))), up(whole.upper / n))
    above = up(a / down(torch.sqrt(down(least + eps).clamp(min=0))))
    below = up(a / up(torch.sqrt(up(most + eps)))).clamp(max=0)
    limit = up(torch.tensor(math.sqrt(n - 1), dtype=torch.float64))
    # Where squares overflow, or an end is infinite, the limit is what is known.
    usable = torch.isfinite(a) & torch.isfinite(a * a) & torch.isfinite(least)
    above = torch.where(usable, above, limit)
    return torch.where(a > 0, torch.minimum(above, limit), below)


def _others_dispersion(x: Interval) -> Interval:
    """Bounds of the dispersion of all elements but the i-th, for every `i`; `x` is centred about zero.

    A dispersion is the square of the norm of a projection `P x`, and `|P m| - |r| <= |P x| <= |P m| + |r|` for
    midpoints `m` and radii `r`, as `|P (x - m)| <= |x - m|`; here `|P m|^2 = sum m_j^2 - (sum m_j)^2 / (n - 1)`.
    Above, the others' greatest squares are a second bound, better for wide boxes.
    """
    n = x.shape[-1]
    if n == 2:  # a single number does not deviate from itself
        return _point(torch.zeros_like(x.lower))
    squares = square(x)
    most = up(_sum(squares).upper - squares.upper)
    middle, radius = centred(x)
    m, r = _point(middle), _point(up(radius))
    squares = square(m)
    offset = square(sub(_sum(m), m))
    removed = Interval(down(offset.lower / (n - 1)), up(offset.upper / (n - 1)))
    projected = sub(sub(_sum(squares), squares), removed)
    squares = square(r)
    spread = up(torch.sqrt(up(_sum(squares).upper - squares.lower).clamp(min=0)))
    distance = down(down(torch.sqrt(projected.lower.clamp(min=0))) - spread).clamp(min=0)
    farthest = up(up(torch.sqrt(projected.upper.clamp(min=0))) + spread)
    least = down(distance * distance).clamp(min=0)
    # Not finite: an unbounded element, of which nothing is known.
    return Interval(
        torch.where(torch.isfinite(least), least, 0.0), torch.minimum(most, up(farthest * farthest))
    )


def _least_dispersed(x: Interval) -> Tensor:
    """About the `c` with the least `sum dist(c, [l_j, u_j])^2`, shape (..., 1), always finite and inside the hull.

    Newton's step for a piecewise quadratic function goes to the mean of the ends that pull; where it does not end
    inside the bracket that the signs of the slope have left so far, bisection replaces it. Steps from either end of a
    bracket to the other would go on for ever.
    """
    lower, upper = (torch.nan_to_num(end, nan=0.0) for end in (x.lower, x.upper))
    low, high = lower.amin(-1, keepdim=True), upper.amax(-1, keepdim=True)
    centre = (_mean(lower * 0.5 + upper * 0.5)).clamp(low, high)
    for _ in range(NEWTON_STEPS):
        pull = (lower - centre).clamp(min=0) + (upper - centre).clamp(max=0)
        slope = pull.sum(-1, keepdim=True)
        low = torch.where(slope >= 0, centre, low)
        high = torch.where(slope <= 0, centre, high)
        step = centre + slope / (pull != 0).sum(-1, keepdim=True).clamp(min=1)
        inside = ((step > low) & (step < high)) | (step == centre)
        moved = torch.where(inside, step, low * 0.5 + high * 0.5)
        if torch.equal(moved, centre):
            break
        centre = moved
    return centre


def _squares(x: Interval, centre: Tensor) -> Interval:
    """Bounds of `sum (x_j - c)^2` for a fixed `c`: exact ends, as every element occurs once."""
    return _sum(square(sub(x, _point(torch.nan_to_num(centre, nan=0.0, posinf=0.0, neginf=0.0)))))


def _sum(x: Interval) -> Interval:
    return total(x, [-1], keepdim=True)


def _mean(x: Tensor) -> Tensor:
    return (x / x.shape[-1]).sum(-1, keepdim=True)


def _point(x: Tensor) -> Interval:
    return Interval(x, x)
