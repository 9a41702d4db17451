"""Enclosing sums of products: matrix products, convolutions, contractions of tensors, sums and means.

Every rule takes the operation itself as a function (`product(a, b)`, linear in each operand, each element of its
result a sum of at most `terms` products of elements). One proof then serves `linear`, `matmul`, `einsum` and all
convolutions. What is assumed of torch is only that float64 results are sums of products *in some order*, with or
without fused multiply-add, and not a transformed algorithm (Strassen, Winograd, FFT): then
`|fl(P(a, b)) - P(a, b)| <= gamma(terms) P(|a|, |b|) + terms * 2**-1075` (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., section 3.1; the second part is for products that underflow).

Which rule is used, from tight and fast to loose:

- one operand known exactly (trained weights, data): midpoint and radius, two products, optimal up to rounding;
- one operand never negative (after relu or softmax): the ends are reached at known ends, four products, optimal;
- small enough to write down every single product: their exact ranges, optimal;
- otherwise midpoint and radius of both (Rump, Fast and parallel interval arithmetic, BIT 39, 1999), at most 1.5 times
  too wide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from torchlean.intervals.arithmetic import add
from torchlean.intervals.interval import Interval
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF, down, gamma, up

Product = Callable[[Tensor, Tensor], Tensor]
"""Linear in each operand; every element of the result is a sum of products."""

Pair = tuple[Tensor, Tensor]

EXPANSION_LIMIT = 2**20
"""Most single products to be written down one by one: 8 MiB for each of the four combinations of ends."""

LARGEST = torch.finfo(torch.float64).max

_magnitudes: MutableMapping[Tensor, Tensor] = WeakIdKeyDictionary()


@dataclass(frozen=True, slots=True)
class Expansion:
    """A product written as `collapse(left(a) * right(b))`, where `collapse` only adds up dimensions.

    `size` is the number of single products.
    """

    left: Callable[[Tensor], Tensor]
    right: Callable[[Tensor], Tensor]
    collapse: Callable[[Tensor], Tensor]
    size: int


def contraction(
    product: Product,
    a: Interval,
    b: Interval,
    terms: int,
    shape: tuple[int, ...],
    expansion: Expansion | None = None,
) -> Interval:
    """Bounds of `product(a, b)` for all `a` and `b` inside theirs.

    Args:
        product: see `Product`.
        a, b: operands; ends may be infinite (an unbounded element times zero counts as zero).
        terms: most products that any element adds up.
        shape: of the result.
        expansion: the same product with its single products made visible, where the caller knows how.
    """
    if terms == 0:
        return Interval.point(torch.zeros(shape, dtype=torch.float64))
    if _unknown(a) or _unknown(b):
        return Interval.unbounded(shape)
    if b.is_point and not a.is_point:
        return contraction(lambda x, y: product(y, x), b, a, terms, shape, _swapped(expansion))
    if a.is_point:
        return _point_times(product, a.lower, b, terms)
    if _nonnegative(a):
        return _directed(product, a, b, terms)
    if _nonnegative(b):
        return _directed(lambda x, y: product(y, x), b, a, terms)
    bounded = a.bounded() and b.bounded()
    if bounded and expansion is not None and expansion.size <= EXPANSION_LIMIT:
        return _expanded(expansion, a, b, terms)
    return _midpoint_radius(product, a, b, terms)


def magnitude(tensor: Tensor) -> Tensor:
    """`|tensor|`, remembered while the tensor lives: weights meet every input, on every keystroke."""
    known = _magnitudes.get(tensor)
    if known is None:
        known = _magnitudes[tensor] = tensor.abs()
    return known


def centred(x: Interval) -> Pair:
    """`(c, r)`, with `[c - r', c + r']` containing `x` for some `r' <= r (1 + 2**-53)`.

    Any `c` is right as long as `r` is measured from it, so the rounding of `c` (halves first, against overflow) does
    not matter; `r` is one correctly rounded subtraction.
    """
    if x.is_point:
        return x.lower, torch.zeros_like(x.lower)
    centre = torch.add(x.lower * 0.5, x.upper, alpha=0.5)
    return centre, torch.maximum(x.upper - centre, centre - x.lower)


def shifted(x: Interval, by: Interval) -> Interval:
    """`x + by` for a result that was rounded outward anyway: a step outward at each end, whether it is needed or not.

    `arithmetic.add` would find out, which takes longer than a small layer's product; it is left to it where `x` is a
    point, the sum of no products.
    """
    if x.is_point:
        return add(x, by)
    return Interval(down(x.lower + by.lower), up(x.upper + by.upper), x.undefined or by.undefined)


def _swapped(expansion: Expansion | None) -> Expansion | None:
    if expansion is None:
        return None
    return Expansion(expansion.right, expansion.left, expansion.collapse, expansion.size)


def _unknown(x: Interval) -> bool:
    """Whether nothing is known of any element: no arithmetic would find out more."""
    if x.is_point or not x.lower.numel():
        return False
    return bool(x.lower.max() == -math.inf) and bool(x.upper.min() == math.inf)


def _nonnegative(x: Interval) -> bool:
    return x.lower.numel() > 0 and bool((x.lower >= 0).all())


def _point_times(product: Product, a: Tensor, b: Interval, terms: int) -> Interval:
    """`a` exact. With `b` in `c +- r`: `a b` lies in `P(a, c) +- P(|a|, r)`.

    The computed `P(a, c)` is off by `gamma(terms) P(|a|, |c|)` at most, and its sum with the radius by two roundings
    more: all of that is one product `P(|a|, r + g |c|)`, `g = gamma(terms + 4)`, inflated by its own relative error.
    """
    centre = torch.add(b.lower * 0.5, b.upper, alpha=0.5)
    # What the radius does not measure from the rounded centre is two roundings of it.
    spread = (b.upper - b.lower).mul_(0.5 * (1 + 4 * UNIT_ROUNDOFF))
    spread = spread.add_(centre.abs(), alpha=gamma(terms + 8)).add_(4 * SMALLEST_SUBNORMAL)
    result = _ball(product(a, centre), product(magnitude(a), spread), terms)
    if result is not None:
        return result
    above, below = a.clamp(min=0), (-a).clamp(min=0)
    lower = _signed(product, [(above, _above(b.lower)), (below, _below(b.upper))],
                    [(above, _below(b.lower)), (below, _above(b.upper))], terms)  # fmt: skip
    upper = _signed(product, [(above, _below(b.upper)), (below, _above(b.lower))],
                    [(above, _above(b.upper)), (below, _below(b.lower))], terms)  # fmt: skip
    return Interval(lower, -upper)


def _midpoint_radius(product: Product, a: Interval, b: Interval, terms: int) -> Interval:
    """`a = ca +- ra`, `b = cb +- rb`: the product lies in `ca cb +- (|ca| rb + ra (|cb| + rb))` (Rump 1999, (3.5)).

    Where that overflows or an end is infinite, `|a b| <= |a| |b|` is what remains.
    """
    (ca, ra), (cb, rb) = centred(a), centred(b)
    spread = torch.add(rb, cb.abs(), alpha=gamma(terms + 4)).add_(SMALLEST_SUBNORMAL)
    ra = ra + SMALLEST_SUBNORMAL
    radius = product(ca.abs(), spread) + product(ra, cb.abs() + rb)
    result = _ball(product(ca, cb), radius, 2 * terms)
    if result is not None:
        return result
    largest = -_signed(product, [], [(_magnitude(a), _magnitude(b))], terms)
    return Interval(-largest, largest)


def _ball(centre: Tensor, radius: Tensor, terms: int) -> Interval | None:
    """`centre +- radius` with the radius's own rounding error; None where anything is not finite.

    The radius is a sum of non-negative products of non-negative factors, each with at most 4 roundings before: its
    relative error is below `gamma(terms + 8)`, and `1 / (1 - g) <= 1 + 2 g`.
    """
    radius = (radius * (1 + 2 * gamma(terms + 12))).add_((terms + 1) * 4 * SMALLEST_SUBNORMAL)
    upper = centre + radius
    # An overflow of either part shows in the upper end: `centre` -inf, +inf or NaN, or `radius` inf. Zero times any of
    # them is NaN.
    if float((upper * 0.0).sum()) != 0.0:
        return None
    return Interval(centre - radius, upper)


def _directed(product: Product, a: Interval, b: Interval, terms: int) -> Interval:
    """`a >= 0`: each single product is smallest at `b`'s lower end, times `a`'s lower end where that is positive, else
    times `a`'s upper end; likewise above."""
    lower = _signed(product, [(a.lower, _above(b.lower))], [(a.upper, _below(b.lower))], terms)
    upper = _signed(product, [(a.lower, _below(b.upper))], [(a.upper, _above(b.upper))], terms)
    return Interval(lower, -upper)


def _signed(product: Product, added: list[Pair], subtracted: list[Pair], terms: int) -> Tensor:
    """A lower bound of `sum P(x, y) over added - sum P(x, y) over subtracted`, all `x, y >= 0`, infinity allowed.

    Sums of non-negative terms have a relative error below `gamma(terms)`. An infinite element takes part as zero in
    what is added (nothing is claimed for it), and makes everything it meets infinite in what is subtracted.
    """
    inflate = 1 + 2 * gamma(terms + 8)
    deflate = 1 - 2 * gamma(terms + 8)
    tiny = (terms + 1) * 2 * SMALLEST_SUBNORMAL
    total = None
    for x, y in added:
        # Where the sum overflows it is at least about the largest number.
        part = (product(_finite(x), _finite(y)).clamp(max=LARGEST) * deflate - tiny).clamp(min=0)
        total = part if total is None else down(total + part)
    for x, y in subtracted:
        part = product(_finite(x), _finite(y)) * inflate
        if bool(x.any()) and bool(y.any()):  # else it is zero exactly, and a sum without it keeps its sign
            part = torch.where(_infinite(product, x, y), math.inf, part + tiny)
        total = -part if total is None else down(total - part)
    assert total is not None, "nothing to sum"
    return total


def _infinite(product: Product, x: Tensor, y: Tensor) -> Tensor:
    """Where an infinite element meets one that is not zero."""
    if not bool(torch.isinf(x).any() or torch.isinf(y).any()):
        return torch.zeros((), dtype=torch.bool)
    meets = product((x == math.inf).to(x.dtype), _met(y)) + product(_met(x), (y == math.inf).to(y.dtype))
    return meets > 0


def _met(x: Tensor) -> Tensor:
    """1.0 where not zero."""
    return (x != 0).to(x.dtype)


def _finite(x: Tensor) -> Tensor:
    return torch.where(x == math.inf, 0.0, x)


def _above(x: Tensor) -> Tensor:
    return x.clamp(min=0)


def _below(x: Tensor) -> Tensor:
    return (-x).clamp(min=0)


def _magnitude(x: Interval) -> Tensor:
    return torch.maximum(x.lower.abs(), x.upper.abs())


def _expanded(expansion: Expansion, a: Interval, b: Interval, terms: int) -> Interval:
    """Every single product has its exact range (the extreme of four products of ends); the ranges are added up."""
    left = [expansion.left(end) for end in (a.lower, a.upper)]
    right = [expansion.right(end) for end in (b.lower, b.upper)]
    lower = upper = left[0] * right[0]
    for x, y in ((0, 1), (1, 0), (1, 1)):
        single = left[x] * right[y]
        lower, upper = torch.minimum(lower, single), torch.maximum(upper, single)
    return nonnegative_map(expansion.collapse, Interval(down(lower), up(upper)), terms)


def nonnegative_map(apply: Callable[[Tensor], Tensor], x: Interval, terms: int) -> Interval:
    """Bounds of a linear map with weights >= 0 (sum, mean, average pooling): its values at the ends.

    Args:
        apply: the map; computed as a sum of at most `terms` terms, then at most one multiplication and one division.
        terms: most terms that any element adds up.

    The computed value is off by `gamma(terms + 2) apply(|end|)` at most (Higham, section 4.2), and by 2**-1074 where
    the division underflows. An overflow makes that error infinite, and the bound with it.
    """
    return Interval(_end(apply, x.lower, terms, down, -1.0), _end(apply, x.upper, terms, up, 1.0))


def _end(
    apply: Callable[[Tensor], Tensor],
    end: Tensor,
    terms: int,
    outward: Callable[[Tensor], Tensor],
    sign: float,
) -> Tensor:
    error = apply(end.abs()) * (2 * gamma(terms + 4)) + 2 * SMALLEST_SUBNORMAL
    bound = outward(apply(end) + sign * error)
    # A sum of terms on one side of zero stays there: `(x**2).sum() >= 0` must not fail by an ulp.
    beyond = apply((end * sign > 0).to(end.dtype)) > 0
    inside = bound.clamp(min=0) if sign < 0 else bound.clamp(max=0)
    return torch.where(beyond, bound, inside)


def integral(x: Interval) -> Interval:
    """The same bounds, moved inward to the integers they contain: right for results that are integers."""
    return Interval(torch.ceil(x.lower), torch.floor(x.upper), x.undefined)


def relative(value: Tensor, roundings: int) -> Interval:
    """Bounds of a non-negative quantity whose computed `value` has a relative error below `gamma(roundings)`."""
    error = 2 * gamma(roundings + 2)
    return Interval(down(value.clamp(max=LARGEST) * (1 - error)).clamp(min=0), up(value * (1 + error)))


__all__ = [
    "Expansion",
    "centred",
    "contraction",
    "integral",
    "magnitude",
    "nonnegative_map",
    "relative",
    "shifted",
]
