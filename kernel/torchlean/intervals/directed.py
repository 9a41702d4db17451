"""Directed rounding of `+ - * /` and `sqrt`: the float64 just below and just above an exact result.

torch rounds to nearest and cannot be told otherwise, but the error of these operations can be computed
exactly (error-free transformations: Knuth's TwoSum, Dekker's TwoProduct; Muller et al., Handbook of
Floating-Point Arithmetic, 2nd ed., sections 4.3 and 4.4). Its sign says on which side of the rounded result
the exact one lies, so a bound moves only when it must: `1 + x >= 1` stays provable for `x >= 0`, and sums of
small integers stay points.

Every `two_*` function returns `(rounded, error)`; `error` has the sign of `exact - rounded`, or is NaN where
that could not be computed (overflow, underflow, infinite operands), which `round_down` and `round_up` take as
"move".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from torchlean.intervals.arrays import Array
from torchlean.intervals.rounding import predecessor, successor

_SPLITTER = 2.0**27 + 1.0
"""Veltkamp's constant: splits a 53-bit significand into halves whose products are exact."""

_SMALLEST_SPLITTABLE = 2.0**-960
"""Above this a product's error is a float64 too: it is at least 2**-106 of the product, and 2**-1074 is the
least.
"""

_EXACT_ELEMENTS = 2**14
"""Larger products are taken to be inexact: twenty passes over an activation would buy an ulp nobody asks for."""


SMALL = 2**11
"""Elements up to which numpy computes, whose calls take a third of the time of torch's."""


def round_down(rounded: Tensor, error: Tensor) -> Tensor:
    """The largest float64 known to be at most the exact result; never NaN."""
    if not _small(rounded, error):
        below = predecessor(rounded)
        bound = torch.where((error >= 0) & (error < math.inf), rounded, below)
        return torch.nan_to_num(bound, nan=-math.inf, posinf=math.inf, neginf=-math.inf)
    value, off = rounded.numpy(), error.numpy()
    with np.errstate(all="ignore"):
        bound = np.where((off >= 0) & (off < math.inf), value, np.nextafter(value, -math.inf))
    return _tensor(np.fmax(bound, -math.inf))


def round_up(rounded: Tensor, error: Tensor) -> Tensor:
    """The smallest float64 known to be at least the exact result; never NaN."""
    if not _small(rounded, error):
        above = successor(rounded)
        bound = torch.where((error <= 0) & (error > -math.inf), rounded, above)
        return torch.nan_to_num(bound, nan=math.inf, posinf=math.inf, neginf=-math.inf)
    value, off = rounded.numpy(), error.numpy()
    with np.errstate(all="ignore"):
        bound = np.where((off <= 0) & (off > -math.inf), value, np.nextafter(value, math.inf))
    return _tensor(np.fmin(bound, math.inf))


def two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """`a + b`. Exact also for subnormal numbers, where addition never rounds."""
    return _computed(_sum, a, b)


def two_product(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """`a * b`; a factor of zero gives zero, also against an infinite bound."""
    return _computed(_product, a, b)


def two_quotient(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """`a / b` for `b != 0`. Of two infinite bounds it is 0, which any quotient of such ranges comes close to.

    The remainder `a - b * quotient` is a float64 (Handbook, section 4.4), so its sign is computed exactly.
    """
    return _computed(_quotient, a, b)


def two_sqrt(a: Tensor) -> tuple[Tensor, Tensor]:
    """`sqrt(a)` for `a >= 0`.

    torch's `sqrt` may be more than half an ulp off. That is harmless: the sign of `a - root**2` is computed exactly for
    any `root`, and the step it asks for covers every error below one ulp.
    """
    root = torch.sqrt(a)
    square, error = two_product(root, root)
    return root, (a - square) - error


def _small(a: Tensor, b: Tensor) -> bool:
    if a.numel() > SMALL or b.numel() > SMALL or a.requires_grad or b.requires_grad:
        return False
    return bool(a.is_cpu and b.is_cpu)


def _computed(
    pair: Callable[[ModuleType, Array, Array], tuple[Array, Array]], a: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    """A result and its error by whichever module takes less time; both round alike."""
    if not _small(a, b):
        result: tuple[Tensor, Tensor] = pair(torch, a, b)
        return result
    with np.errstate(all="ignore"):
        rounded, error = pair(np, a.numpy(), b.numpy())
    return _tensor(rounded), _tensor(error)


def _tensor(array: Array) -> Tensor:
    """Of an array or a number of numpy."""
    return torch.from_numpy(np.asarray(array))


def _sum(xp: ModuleType, a: Array, b: Array) -> tuple[Array, Array]:
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def _product(xp: ModuleType, a: Array, b: Array) -> tuple[Array, Array]:
    product = a * b
    if math.prod(product.shape) > _EXACT_ELEMENTS:
        error = xp.full_like(product, math.nan)
    else:
        a_high, a_low = _split(a)
        b_high, b_low = _split(b)
        error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
        error = xp.where(abs(product) > _SMALLEST_SPLITTABLE, error, math.nan)
    zero = (a == 0) | (b == 0)
    return xp.where(zero, 0.0, product), xp.where(zero, 0.0, error)


def _quotient(xp: ModuleType, a: Array, b: Array) -> tuple[Array, Array]:
    quotient = a / b
    quotient = xp.where(quotient == quotient, quotient, 0.0)
    product, error = _product(xp, quotient, b)
    remainder = (a - product) - error
    return quotient, remainder * xp.sign(b)


def _split(a: Array) -> tuple[Array, Array]:
    """`a = high + low` with at most 26 significant bits each (Veltkamp)."""
    scaled = a * _SPLITTER
    high = scaled - (scaled - a)
    return high, a - high
